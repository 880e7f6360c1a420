# SPDX-License-Identifier: MIT
#
# The explorer: the policies' own files, compiled for the host.

# Every policy, with tests/explorer/mm/policy/ops.h in the place of the kernel's. SLOTS and the like
# are small there, which makes the compiler doubt a loop that runs once.
EXPLORER    := $(BUILD)/explorer/explore
EXPLORED_C  := $(filter-out mm/policy/list.c mm/policy/drain.c,$(wildcard mm/policy/*.c))
EXPLORER_C  := $(wildcard tests/explorer/*.c)
EXPLORER_OBJS := $(EXPLORED_C:%=$(BUILD)/explorer/%.o) \
	$(if $(NEW_NAME),$(BUILD)/explorer/new/$(NEW_NAME).c.o)
EXPLORER_CFLAGS := -std=gnu11 -g -O2 -fno-pie -Itests/explorer -I. -include tools/host_prelude.h \
	-DCONFIG_CONTEXT_TRACKING_WORK=1 -Wall -Wextra -Werror -Wno-maybe-uninitialized

$(BUILD)/explorer/%.c.o: %.c $(STAMP)
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(EXPLORER_CFLAGS) $(DEPS) -c $< -o $@

# The list of what is linked: every symbol policy_NAME of the objects.
$(BUILD)/explorer/table.c: $(EXPLORER_OBJS)
	$(call say,GEN,$@)
	$(Q)nm -g $(EXPLORER_OBJS) | sed -nE 's/^.* [RDd] (policy_\w+)$$/\1/p' | sort -u >$@.names
	$(Q){ echo '#include "tests/explorer/explored.h"'; \
		sed 's/.*/extern const struct flush_policy &;/' $@.names; \
		echo 'const struct flush_policy *const linked_policies[] = {'; \
		sed 's/.*/\t\&&,/' $@.names; echo '	NULL};'; \
		echo 'const char *const linked_symbols[] = {'; \
		sed 's/.*/\t"&",/' $@.names; echo '	NULL};'; } >$@

$(EXPLORER): $(BUILD)/explorer/table.c $(EXPLORER_OBJS) $(EXPLORER_C:%=$(BUILD)/explorer/%.o)
	$(call say,LD,$@)
	$(Q)$(HOSTCC) $(EXPLORER_CFLAGS) -no-pie -o $@ $^

.PHONY: explorer explore
explorer: $(EXPLORER)
explore: explorer ## every interleaving of the policies' hooks, on the host; ARGS: -h lists
	$(Q)$(EXPLORER) $(if $(POLICY),-p '$(POLICY)') $(ARGS)
