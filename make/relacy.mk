# SPDX-License-Identifier: MIT
#
# Relacy's verdict on small models of two policies, beside the explorer's.

CROSSCHECK := $(BUILD)/relacy/crosscheck
$(CROSSCHECK): tests/relacy/crosscheck.cpp $(STAMP)
	$(call say,HOSTCXX,$<)
	@mkdir -p $(@D)
	$(Q)g++ -std=c++11 -O1 -w -o $@ $<

.PHONY: crosscheck
crosscheck: $(CROSSCHECK) ## Relacy on the protocols of cr3-flag, N7 and generation
	$(Q)$(CROSSCHECK) 2>$(BUILD)/relacy/histories.txt
