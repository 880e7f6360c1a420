# SPDX-License-Identifier: MIT
#
# The danger zone, proved from the binary.

## of `make zone`: the description of the doors of ELF
ZONE ?= tools/zonecheck/lateflush.toml
## of `make zone`: the file that it looks at
ELF  ?= $(KERNEL)

.PHONY: zone zone-storm
$(if $(filter $(KERNEL),$(ELF)),zone: $(KERNEL))
zone: ## what runs before a deferred flush, from the binary
	$(Q)tools/prereq.sh zone
	$(Q)$(PYTHON) tools/zone.py --zone '$(ZONE)' $(if $(POLICY),--policy '$(POLICY)') '$(ELF)'

zone-storm: ## the comparison under zone=trap and =stale, both emulators, up to an hour
	$(Q)tools/prereq.sh test
	$(Q)$(PYTHON) tools/test.py --build $(BUILD) -g zone-storm $(ARGS)
