# SPDX-License-Identifier: MIT
#
# One image on every machine that the emulators here can be.

.PHONY: matrix
matrix: all $(USER_ELFS) ## one image on all machines, a line each, half an hour; ARGS=-l, "-n 0-9"
	$(Q)tools/prereq.sh test
	$(Q)$(PYTHON) tools/matrix.py --kernel $(KERNEL) --programs $(BUILD)/user \
		--results $(BUILD)/matrix $(ARGS)
