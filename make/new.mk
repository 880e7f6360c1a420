# SPDX-License-Identifier: MIT
#
# NEW=FILE, a policy from outside the tree (NEW_NAME and BUILD: Makefile). The kernel takes it only
# after the explorer, which looks at its hooks and claims when it starts.

ifneq ($(NEW_NAME),)
$(BUILD)/obj/new/$(NEW_NAME).c.o: $(NEW) $(BUILD)/new.checked
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KCC) $(KERNEL_CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/explorer/new/$(NEW_NAME).c.o: $(NEW) $(STAMP)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(EXPLORER_CFLAGS) $(DEPS) -c $< -o $@

$(BUILD)/new.checked: $(EXPLORER)
	$(Q)$(EXPLORER) -l >$@

-include $(wildcard $(BUILD)/obj/new/*.d $(BUILD)/explorer/new/*.d)
endif
