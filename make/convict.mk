# SPDX-License-Identifier: MIT
#
# Both engines over the policies.

.PHONY: convict
convict: all explorer ## both engines over all policies, findings against claims; POLICY=, NEW=
	$(Q)tools/prereq.sh run
	$(Q)$(PYTHON) tools/convict.py --explorer $(EXPLORER) --kernel $(KERNEL) \
		--results $(BUILD)/results/convict.json $(if $(POLICY),--policy '$(POLICY)') $(ARGS)
