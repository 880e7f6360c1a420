# SPDX-License-Identifier: MIT
#
# What is made of result files. docs/results.md describes them.

# The last document of each experiment: tools/run.py keeps them there.
COLLECTED := $(BUILD)/results.all

.PHONY: jitter
jitter: ## the noise histogram for jitterdebugger's plotter, $(BUILD)/jitter
	$(Q)$(PYTHON) tools/jitter.py $(COLLECTED)/noise.json $(BUILD)/jitter
