// sources: kernel/options.c kernel/*_opt.c kernel/run_spec.c kernel/parse.c kernel/cpulist.c
/* SPDX-License-Identifier: MIT */
/*
 * A command line made of anything. What is accepted must keep the promises of kernel/options.h and
 * kernel/cpulist.h; what is refused must have a printable text that was not cut off.
 */
#include "kernel/cpulist.h"
#include "kernel/options.h"
#include "tests/host/boot_invariants.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const char *const policies[] = {"immediate", "state-bits", NULL};
static const char *const experiments[] = {"compare", "storm", "test", NULL};
static const struct options_words words = {policies, experiments};

static void check_run(const struct run_spec *run)
{
	static const char *const known[] = {"flushes", "how", NULL};
	char error[OPTIONS_ERROR_MAX];
	u64 number = 5;
	u32 index = 1;

	PROMISE(run->nr_args <= RUN_MAX_ARGS);
	for (u32 i = 0; i < run->nr_args; i++) {
		PROMISE(run->arg[i].key[0] && run->arg[i].value[0]);
		PROMISE(run_text(run, run->arg[i].key) == run->arg[i].value);
	}
	if (!run_only_knows(run, known, error, sizeof(error)))
		check_text(error, sizeof(error) - 2);
	if (!run_u64(run, "flushes", 2, 1000, &number, error, sizeof(error)))
		check_text(error, sizeof(error) - 2);
	PROMISE(number >= 2 && number <= 1000);
	if (!run_word(run, "how", known, &index, error, sizeof(error)))
		check_text(error, sizeof(error) - 2);
	PROMISE(index < 2);
}

static void check_isolated(const char *list)
{
	static const u32 machines[] = {1, 2, 3, 64, 256};
	char error[256];

	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct cpumask mask;

		if (!nohz_full_resolve(list, machines[i], &mask, error, sizeof(error))) {
			PROMISE(error[0]);
			check_text(error, sizeof(error) - 2);
			continue;
		}
		PROMISE(!cpumask_test(&mask, 0));
		PROMISE((cpumask_weight(&mask) == 0) == (machines[i] == 1));
		for (u32 cpu = machines[i]; cpu < MAX_CPUS; cpu++)
			PROMISE(!cpumask_test(&mask, cpu));
	}
}

/* Names of the list, each once: no more of them than there are. */
static void check_policies(const char *list)
{
	size_t names = 0;
	size_t len;

	for (; policy_list_name(list, &len); list = policy_list_next(list, len)) {
		PROMISE(find_word(policies, list, len) >= 0);
		PROMISE(++names <= 2);
	}
	PROMISE(*list == '\0');
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct options options;
	char *cmdline = malloc(size + 1);
	char *error = malloc(OPTIONS_ERROR_MAX);

	if (size)
		memcpy(cmdline, data, size);
	cmdline[size] = '\0';
	memset(&options, 0xa5, sizeof(options));
	if (options_parse(cmdline, &words, &options, error, OPTIONS_ERROR_MAX)) {
		PROMISE(error[0] == '\0');
		PROMISE(options.max_cpus >= 1 && options.max_cpus <= MAX_CPUS);
		PROMISE(options.loglevel <= 7 && options.panic_seconds <= 3600);
		PROMISE(options.watchdog_seconds <= 3600 && options.end <= END_POWERS_OFF);
		PROMISE(options.tlb_single_page_flush_ceiling <= 1 << 20);
		PROMISE((options.broken & (options.broken - 1)) == 0 && options.broken < 1024);
		check_policies(options.tlbi);
		PROMISE(options.pti <= PTI_ON);
		PROMISE(!options.run.name[0] ||
			find_word(experiments, options.run.name, strlen(options.run.name)) >= 0);
		PROMISE(options.console.none != (options.console.serial || options.console.screen));
		check_run(&options.run);
		check_isolated(options.nohz_full);
	} else {
		PROMISE(error[0]);
		check_text(error, OPTIONS_ERROR_MAX - 2);
	}
	free(error);
	free(cmdline);
	return 0;
}
