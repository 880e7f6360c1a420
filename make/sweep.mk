# SPDX-License-Identifier: MIT
#
# The sweep: the real binary, stepped an instruction at a time through its doors.

.PHONY: sweep
sweep: all ## a purge and an NMI at every instruction of the doors; POLICY: one, ARGS: -h lists
	$(Q)tools/prereq.sh run
	$(Q)$(PYTHON) tools/sweep.py --kernel $(KERNEL) --results $(BUILD)/results/sweep.json \
		$(if $(POLICY),--policy '$(POLICY)') $(ARGS)
