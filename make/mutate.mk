# SPDX-License-Identifier: MIT
#
# Mutants of the sound policies, through both engines.

MUTATE = $(PYTHON) tools/mutate.py --kernel-cc '$(KCC) $(KERNEL_CFLAGS)' \
	--kernel-ld '$(LD) $(LDFLAGS) -T linker.ld' --host-cc '$(HOSTCC) $(EXPLORER_CFLAGS)' \
	--build $(BUILD)

.PHONY: mutate
mutate: all explorer ## one thing wrong in each sound policy, convicted?; POLICY=, ARGS: -h lists
	$(Q)tools/prereq.sh run
	$(Q)$(MUTATE) --results $(BUILD)/results/mutate.json \
		$(if $(POLICY),--policy '$(POLICY)') $(ARGS)
