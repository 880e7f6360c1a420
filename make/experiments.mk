# SPDX-License-Identifier: MIT
#
# Experiments that want more than `make run RUN=...` gives by itself.

# These take minutes: more time than other runs have, and with many CPUs more memory, unless asked.
asked = $(filter command% environment%,$(origin $(1)))
LONG_TIMEOUT = $(if $(call asked,TIMEOUT),$(TIMEOUT),900)
SCALE_MEM    = $(if $(call asked,MEM),$(MEM),1024)

# Every CPU but the boot CPU isolated. With more CPUs than the host has cores it is best that they
# take turns in one thread: a PAUSE then hands over to the next.
SCALE_CMDLINE = run=scale pti=off nohz_full=1-$$(($(CPUS) - 1)) \
	tlbi=$(or $(POLICY),immediate+watching+generation+ledger) $(ARGS)
.PHONY: scale
scale: all ## run=scale, all CPUs but one isolated; CPUS=255
	$(Q)tools/prereq.sh run bios qemu $(CC)
	$(Q)$(PYTHON) tools/run.py --kernel $(KERNEL) --thread single --cpus '$(CPUS)' \
		--mem '$(SCALE_MEM)' --machine $(MACHINE) --cmdline "$(SCALE_CMDLINE)" \
		--timeout '$(LONG_TIMEOUT)' --results $(BUILD)/results

# The claim of the whole project as one table: what isolated CPUs get of 10,000 purges.
.PHONY: noise
noise: all ## 10,000 purges of 1 to 200 pages under every policy: what isolated CPUs get of them
	$(Q)tools/prereq.sh run bios qemu $(CC)
	$(Q)$(PYTHON) tools/run.py --kernel $(KERNEL) --cpus '$(CPUS)' --mem '$(MEM)' \
		--machine $(MACHINE) --accel $(ACCEL) --timeout '$(LONG_TIMEOUT)' \
		--cmdline "run=noise,purges=10000 $(if $(POLICY),tlbi=$(POLICY)) $(ARGS)" \
		--results $(BUILD)/results
