# SPDX-License-Identifier: MIT
#
# A newer QEMU, for one command at a time: the installed one stays.

.PHONY: qemu10
qemu10: ## QEMU 10 of Debian 12's backports in build/qemu10; nothing is installed
	$(Q)tools/qemu10.sh $(BUILD)/qemu10
