# SPDX-License-Identifier: MIT
#
# What is made of result files. docs/results.md describes them.

# The last document of each experiment: tools/run.py keeps them there.
COLLECTED := $(BUILD)/results.all

## files of `make report`; without them the last of each experiment
RESULTS ?=

## 1: `make counts` renews its baseline
RENEW ?= 0
$(call one-of,RENEW,0 1)

.PHONY: counts report jitter peer
counts: all ## kernel instructions, single-stepped, against a baseline; ARGS: POLICY[/2]...
	$(Q)$(PYTHON) tools/count.py --kernel $(KERNEL) --results $(COLLECTED) \
		--baseline tools/counts.baseline $(if $(filter 1,$(RENEW)),--renew) $(ARGS)

report: ## one HTML page with plots from result files, $(BUILD)/report.html; RESULTS="a.json ..."
	$(Q)tools/prereq.sh report
	$(Q)$(PYTHON) tools/report.py --out $(BUILD)/report.html \
		$(or $(RESULTS),$(sort $(wildcard $(COLLECTED)/*.json)))

peer: ## Debian's Linux in the same QEMU: IPIs of its purges on isolated CPUs, cost of getpid()
	$(Q)$(PYTHON) tools/peer.py --work $(BUILD)/peer --results $(COLLECTED) $(ARGS)

jitter: ## the noise histogram for jitterdebugger's plotter, $(BUILD)/jitter
	$(Q)$(PYTHON) tools/jitter.py $(COLLECTED)/noise.json $(BUILD)/jitter
