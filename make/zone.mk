# SPDX-License-Identifier: MIT
#
# The danger zone, proved from the binary.

## a description of the doors of ELF (`make zone`)
ZONE ?= tools/zonecheck/lateflush.toml
## the ELF file that `make zone` looks at
ELF  ?= $(KERNEL)

.PHONY: zone
zone: $(if $(filter $(KERNEL),$(ELF)),$(KERNEL)) ## what runs before a deferred flush, from the binary
	$(Q)tools/prereq.sh zone
	$(Q)$(PYTHON) tools/zone.py --zone '$(ZONE)' $(if $(POLICY),--policy '$(POLICY)') '$(ELF)'
