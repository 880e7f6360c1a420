# SPDX-License-Identifier: MIT
#
# Every parser of foreign bytes under ASan and UBSan, for longer than `make test` has time for.

## seconds of `make fuzz`, shared by all fuzzers
FUZZ_SECONDS  ?= 600
FUZZ_SHARE     = $(shell expr $(FUZZ_SECONDS) / $(words $(HOST_FUZZ)))

# What is found lies in $(BUILD)/fuzz; what was learnt too, and the next run begins with it.
.PHONY: fuzz
fuzz: $(HOST_FUZZ) ## the fuzzers, 10 minutes in all, until one finds something; FUZZ_SECONDS=
	$(Q)for fuzzer in $(HOST_FUZZ); do \
		name=$${fuzzer##*/fuzz_}; \
		mkdir -p $(BUILD)/fuzz/$$name; \
		$$fuzzer -max_total_time=$(FUZZ_SHARE) -timeout=10 -rss_limit_mb=1024 \
			-artifact_prefix=$(BUILD)/fuzz/$$name- $(BUILD)/fuzz/$$name \
			tests/host/corpus/$$name >$(BUILD)/fuzz/$$name.log 2>&1 || \
			{ tail -n 30 $(BUILD)/fuzz/$$name.log; \
			  echo "fuzz: $$name found something"; exit 1; }; \
		echo "fuzz: $$name clean: $$(tail -n 1 $(BUILD)/fuzz/$$name.log)"; \
	done
