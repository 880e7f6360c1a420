# SPDX-License-Identifier: MIT
#
# The danger zone of a distribution's Linux.

LINUX_DBG := linux-image-6.1.0-50-cloud-amd64-dbg

.PHONY: zone-linux
zone-linux: ## the same of Debian's Linux 6.1 (fetches 282 MB): violations, and what is not decided
	$(Q)tools/prereq.sh zone
	$(Q)mkdir -p $(BUILD)/zone-linux
	$(Q)cd $(BUILD)/zone-linux && { test -e vmlinux || { \
	apt-get download $(LINUX_DBG) >download.log 2>&1 || { \
	echo "left out: $(LINUX_DBG): $$(tail -1 download.log)"; exit 77; }; \
	dpkg-deb --fsys-tarfile $(LINUX_DBG)_*.deb | \
	tar -xO --wildcards -f - './usr/lib/debug/boot/vmlinux-*' >new && \
	mv new vmlinux; }; }
	$(Q)$(PYTHON) tools/zone.py --zone tools/zonecheck/linux-6.1.toml \
		$(BUILD)/zone-linux/vmlinux
