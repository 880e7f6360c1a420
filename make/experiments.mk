# SPDX-License-Identifier: MIT
#
# Experiments that want more than `make run RUN=...` gives by itself.

# Every CPU but the boot CPU isolated. With more CPUs than the host has cores it is best that they
# take turns in one thread: a PAUSE in ring 3 then hands over to the next.
SCALE_CMDLINE = run=scale pti=off nohz_full=1-$$(($(CPUS) - 1)) \
	tlbi=$(or $(POLICY),immediate+watching+generation+ledger) $(ARGS)
.PHONY: scale
scale: all ## run=scale, all CPUs but one isolated; CPUS=255 MEM=1024
	$(Q)tools/prereq.sh run bios qemu $(CC)
	$(Q)$(PYTHON) tools/run.py --kernel $(KERNEL) --thread single --cpus '$(CPUS)' \
		--mem '$(MEM)' --machine $(MACHINE) --cmdline "$(SCALE_CMDLINE)" \
		--timeout '$(TIMEOUT)' --results $(BUILD)/results
