/* SPDX-License-Identifier: MIT */
/*
 * run=crusty: asks the machine what its TLB keeps, see crusty.h. This is what only hardware can
 * answer: emulators have the simplest TLB that works.
 *
 * Verdict: fail if something is kept that the SDM says is gone; error if nothing is kept even
 * without a flush, for then the rest says nothing; else pass, whatever was found.
 *
 * Parameters: rounds=N of each probe, survival=N rounds of each row in ring 3, looks=N in each of
 * these without other pages; plant=flush leaves out what is to make translations go, plant=cold
 * what is to bring them in: such runs must end as fail and error.
 */
#include "kernel/crusty.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/zone.h"
#include "kernel/console.h"
#include "kernel/cpu_work.h"
#include "kernel/crusty_tables.h"
#include "kernel/document.h"
#include "kernel/format.h"

#define PROBES_LIMIT_MS 300000

static struct crusty_result result;

static bool read_request(const struct setup *setup, char *err, size_t errlen)
{
	static const char *const known[] = {"rounds", "survival", "looks", "plant", NULL};
	static const char *const plants[] = {[CRUSTY_HONEST] = "nothing",
					     [CRUSTY_NO_FLUSH] = "flush",
					     [CRUSTY_COLD] = "cold",
					     NULL};
	const struct run_spec *run = &setup->options->run;
	bool emulated = setup->machine.emulated;
	u32 plant = CRUSTY_HONEST;

	result.probes.rounds = 1000;
	result.survivals.rounds = emulated ? 20 : 50;
	result.survivals.turns = emulated ? 20000 : 100000000;
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_u64(run, "rounds", 1, 1000000, &result.probes.rounds, err, errlen) ||
	    !run_u64(run, "survival", 1, 1000000, &result.survivals.rounds, err, errlen) ||
	    !run_u64(run, "looks", 1, 1UL << 40, &result.survivals.turns, err, errlen) ||
	    !run_word(run, "plant", plants, &plant, err, errlen))
		return false;
	result.probes.plant = plant;
	return true;
}

static void judge(void)
{
	const struct crusty_probes *p = &result.probes;

	result.verdict = END_PASS;
	for (u32 i = 0; i < p->nr_rows; i++) {
		const struct crusty_row *row = &p->rows[i];

		if (row->rule == RULE_GONE && row->kept) {
			result.verdict = END_FAIL;
			snprintf(result.reason, sizeof(result.reason),
				 "%s: the old translation was used %lu times, the SDM says never",
				 row->name, row->kept);
			return;
		}
	}
	for (u32 i = 0; i < p->nr_rows; i++)
		if (p->rows[i].rule == RULE_CONTROL && !p->rows[i].kept) {
			result.verdict = END_ERROR;
			snprintf(result.reason, sizeof(result.reason),
				 "%s: nothing was kept without a flush, so the rest says nothing",
				 p->rows[i].name);
		}
}

enum ending run_crusty(const struct setup *setup)
{
	const struct policy_mode mode = {ROOTS_ONE, false};
	unsigned int cpu = nr_online_cpus() - 1;
	char err[OPTIONS_ERROR_MAX];
	const char *error;

	if (!read_request(setup, err, sizeof(err)))
		return refuse(err);
	if (!cpu)
		return refuse(
			"run=crusty needs 2 CPUs or more: one that looks, and one that changes");
	if (zone_mode != ZONE_OFF)
		return refuse("run=crusty: has page tables of its own; valid: zone=off");
	if (setup->parameters.broken[0])
		return refuse(
			"run=crusty: no policy is looked at; valid: plant=, no break= or defect=");
	select_policy(flush_policies[0], &mode);
	result.setup = setup;
	result.cpuid_signature = cpuid(1, 0).eax;
	result.survivals.cpu = cpu;
	if (!crusty_tables_init())
		panic("crusty: no memory for its page tables");
	pr_info("crusty: %lu rounds of each probe, %lu of each row in ring 3, on CPU %u",
		result.probes.rounds, result.survivals.rounds, cpu);
	cpu_work_start(cpu, crusty_probes_work, &result.probes);
	cpu_work_wait(cpu, PROBES_LIMIT_MS, "the probes of run=crusty");
	error = crusty_survive(&result.survivals, setup->options->vmap_stack);
	if (error)
		panic("crusty: %s", error);
	judge();
	crusty_print(&result);
	error = crusty_json(&result, document_write);
	if (error)
		panic("JSON report: %s", error);
	return result.verdict;
}
