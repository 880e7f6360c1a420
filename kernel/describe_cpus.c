/* SPDX-License-Identifier: MIT */
/*
 * Asks the CPUs what they are, see describe_cpus.h. CPUID of topology and of core types differs
 * from CPU to CPU, so that each is asked itself.
 */
#include "kernel/describe_cpus.h"

#include "arch/x86_64/cpu_id.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc_compare.h"

#define TURNS	       1000
#define TURNS_EMULATED 8 /* each may take a time slice of the host, and shows nothing */

static struct cpu_place places[MAX_CPUS];
static struct place_result topology[MAX_CPUS];

static void read_place(void *unused)
{
	(void)unused;
	cpu_place_read(cpuid, this_cpu()->apic_id, &places[this_cpu_number()]);
}

static const char *type_name(enum core_type type)
{
	switch (type) {
	case CORE_ATOM:
		return "atom";
	case CORE_CORE:
		return "core";
	default:
		return NULL;
	}
}

/* Whether CPU shares its core with one that is up, or is of a named type. */
static bool is_special(unsigned int cpu)
{
	bool shares = false;

	for (unsigned int other = 0; other < nr_online_cpus(); other++)
		shares |= other != cpu && places[other].core == places[cpu].core;
	return shares || places[cpu].type != CORE_UNIFORM;
}

static void describe_topology(struct machine_result *m)
{
	bool special = false;

	on_each_cpu(CALL_OTHER, read_place, NULL);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		special |= is_special(cpu);
		topology[cpu] = (struct place_result){cpu, places[cpu].apic_id, places[cpu].core,
						      type_name(places[cpu].type)};
	}
	if (!special)
		return;
	m->topology = topology;
	m->nr_topology = nr_online_cpus();
}

void describe_cpus(struct machine_result *m)
{
	struct tsc_comparison tsc;
	struct cpu_id id;

	cpu_id_read(cpuid, &id);
	memcpy(m->cpu_vendor, id.vendor, sizeof(m->cpu_vendor));
	m->microcode = microcode_revision(id.vendor);
	m->la57 = id.la57;
	m->pdpe1gb = id.pdpe1gb;
	m->rdpid = id.rdpid;
	m->tsc_deadline_timer = id.tsc_deadline_timer;
	m->invariant_tsc = id.invariant_tsc;
	describe_topology(m);
	tsc_compare_all(m->emulated ? TURNS_EMULATED : TURNS, &tsc);
	m->tsc_readings = tsc.readings;
	m->tsc_backwards = tsc.backwards;
	m->tsc_largest_backwards = tsc.largest;
	m->tsc_unfinished = tsc.unfinished;
}
