# SPDX-License-Identifier: MIT
#
# What is made of result files. docs/results.md describes them.

# The last document of each experiment: tools/run.py keeps them there.
COLLECTED := $(BUILD)/results.all

## files of `make report`; without them the last of each experiment
RESULTS ?=

.PHONY: report jitter
report: ## one HTML page with plots from result files, $(BUILD)/report.html; RESULTS="a.json ..."
	$(Q)tools/prereq.sh report
	$(Q)$(PYTHON) tools/report.py --out $(BUILD)/report.html \
		$(or $(RESULTS),$(sort $(wildcard $(COLLECTED)/*.json)))

jitter: ## the noise histogram for jitterdebugger's plotter, $(BUILD)/jitter
	$(Q)$(PYTHON) tools/jitter.py $(COLLECTED)/noise.json $(BUILD)/jitter
