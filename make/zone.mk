# SPDX-License-Identifier: MIT
#
# The danger zone, proved from the binary.

## of `make zone`: the description of the doors of ELF
ZONE ?= tools/zonecheck/lateflush.toml
## of `make zone`: the file that it looks at
ELF  ?= $(KERNEL)

.PHONY: zone
$(if $(filter $(KERNEL),$(ELF)),zone: $(KERNEL))
zone: ## what runs before a deferred flush, from the binary
	$(Q)tools/prereq.sh zone
	$(Q)$(PYTHON) tools/zone.py --zone '$(ZONE)' $(if $(POLICY),--policy '$(POLICY)') '$(ELF)'
