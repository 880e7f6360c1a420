/* SPDX-License-Identifier: MIT */
/*
 * run=ipi: how long a cross-call takes between every two CPUs, there and back and one way, and to
 * all CPUs at once. The shortest of several, in TSC ticks; one way supposes that the CPUs' TSCs
 * agree, and is 0 where the receiver's runs behind. Receivers are idle. Times mean something on a
 * real machine only; that each call was one interrupt is checked on any.
 *
 * Parameter: rounds=N of each pair (20).
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "kernel/console.h"
#include "kernel/cpu_work.h"
#include "kernel/exp.h"
#include "kernel/format.h"
#include "kernel/report_lines.h"

#define SENDER_LIMIT_MS 120000
#define SHOWN_CPUS	10 /* columns of the printed matrix */

static struct exp experiment;

/* One sender's results, by receiver. */
struct sender {
	u64 rounds;
	u64 there_and_back[MAX_CPUS];
	u64 one_way[MAX_CPUS];
	u64 broadcast;
	u64 sent, broadcasts_sent; /* IPIs, by the sender's own book */
};

static struct sender sender;

static void note_arrival(void *tsc)
{
	*(u64 *)tsc = rdtsc_ordered();
}

static void nothing(void *unused)
{
	(void)unused;
}

static u64 ipis_sent(void)
{
	u64 sum = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		sum += this_cpu()->call_stats[cpu].ipis[CALL_OTHER];
	return sum;
}

static void call_once(unsigned int receiver)
{
	u64 arrival = 0;
	u64 start = rdtsc_ordered();
	u64 end;

	smp_call_function_single(receiver, CALL_OTHER, note_arrival, &arrival);
	end = rdtsc_ordered();
	sender.there_and_back[receiver] = min(sender.there_and_back[receiver], end - start);
	arrival = arrival > start ? arrival - start : 0;
	sender.one_way[receiver] = min(sender.one_way[receiver], arrival);
}

/* Of the CPU that runs it: a cpu_work_t. */
static void send_to_all(void *unused)
{
	unsigned int self = this_cpu_number();
	u64 sent = ipis_sent();

	(void)unused;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		sender.there_and_back[cpu] = sender.one_way[cpu] = ~0UL;
	sender.broadcast = ~0UL;
	for (u64 round = 0; round < sender.rounds; round++)
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			if (cpu != self)
				call_once(cpu);
	sender.sent = ipis_sent() - sent;
	sent = ipis_sent();
	for (u64 round = 0; round < sender.rounds; round++) {
		u64 start = rdtsc_ordered();

		on_each_cpu(CALL_OTHER, nothing, NULL);
		sender.broadcast = min(sender.broadcast, rdtsc_ordered() - start);
	}
	sender.broadcasts_sent = ipis_sent() - sent;
}

static void write_records(struct exp *e, unsigned int from)
{
	struct json *j;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (cpu == from)
			continue;
		j = exp_record(e, "round_trip", NULL);
		json_u64(j, "sender", from);
		json_u64(j, "receiver", cpu);
		json_u64(j, "tsc_min", sender.there_and_back[cpu]);
		json_u64(j, "one_way_tsc_min", sender.one_way[cpu]);
		exp_record_end(e);
	}
	j = exp_record(e, "broadcast", NULL);
	json_u64(j, "sender", from);
	json_u64(j, "receivers", nr_online_cpus() - 1);
	json_u64(j, "rounds", sender.rounds);
	json_u64(j, "round_trip_ipis", sender.sent);
	json_u64(j, "broadcast_ipis", sender.broadcasts_sent);
	json_u64(j, "tsc_min", sender.broadcast);
	exp_record_end(e);
}

static void print_row(unsigned int from)
{
	char line[REPORT_COLUMNS + 64];
	int n = snprintf(line, sizeof(line), "%6u", from);

	for (unsigned int cpu = 0; cpu < min(nr_online_cpus(), (unsigned int)SHOWN_CPUS); cpu++) {
		if (cpu == from)
			n += snprintf(line + n, sizeof(line) - (size_t)n, "%8s", "-");
		else
			n += snprintf(line + n, sizeof(line) - (size_t)n, "%8lu",
				      sender.there_and_back[cpu]);
	}
	report_line(console_write, "%s %10lu", line, sender.broadcast);
}

static void print_head(void)
{
	char line[REPORT_COLUMNS + 64];
	int n = snprintf(line, sizeof(line), "%6s", "From");

	for (unsigned int cpu = 0; cpu < min(nr_online_cpus(), (unsigned int)SHOWN_CPUS); cpu++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%5s%3u", "to", cpu);
	report_line(console_write, "%s", "");
	report_line(console_write, "ipi: TSC ticks of a cross-call there and back, and to all");
	report_line(console_write, "%s %10s", line, "broadcast");
}

/* Nobody else sends meanwhile, so no request finds another one waiting. */
static void judge(struct exp *e, unsigned int from)
{
	u64 due = sender.rounds * (nr_online_cpus() - 1);

	if (sender.sent != due || sender.broadcasts_sent != due)
		exp_fail(e, "CPU %u sent %lu IPIs to one and %lu to all, not %lu", from,
			 sender.sent, sender.broadcasts_sent, due);
}

enum ending run_ipi(const struct setup *setup)
{
	static const char *const known[] = {"rounds", NULL};
	char err[OPTIONS_ERROR_MAX];

	sender.rounds = 20;
	if (!run_only_knows(&setup->options->run, known, err, sizeof(err)) ||
	    !run_u64(&setup->options->run, "rounds", 1, 1000000, &sender.rounds, err,
		     sizeof(err)) ||
	    !exp_begin(&experiment, "ipi", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	print_head();
	for (unsigned int from = 0; from < nr_online_cpus(); from++) {
		if (from == this_cpu_number()) {
			send_to_all(NULL);
		} else {
			cpu_work_start(from, send_to_all, NULL);
			cpu_work_wait(from, SENDER_LIMIT_MS, "cross-calls to all CPUs");
		}
		judge(&experiment, from);
		write_records(&experiment, from);
		print_row(from);
	}
	return exp_end(&experiment);
}
