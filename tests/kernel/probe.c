/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault, see probe.h. A read and a write have a line in the exception table. An
 * instruction fetch faults at the address that is fetched, which no table can name: the per-CPU
 * fixup word takes that one.
 */
#include "tests/kernel/probe.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/extable.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"

u64 probe_read(u64 va)
{
	u64 vector = PROBE_OK;

	__asm__ volatile("1: testb $1, (%1)\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+a"(vector)
			 : "r"(va)
			 : "memory", "cc");
	return vector;
}

u64 probe_write(u64 va)
{
	u64 vector = PROBE_OK;

	__asm__ volatile("1: lock orb $0, (%1)\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+a"(vector)
			 : "r"(va)
			 : "memory", "cc");
	return vector;
}

u64 probe_exec(u64 va)
{
	u64 vector = PROBE_OK;

	__asm__ volatile("lea 1f(%%rip), %%rcx\n\t"
			 "mov %%rcx, %%gs:%c[fixup]\n\t"
			 "mov %%rsp, %%rbx\n\t"
			 "call *%[va]\n"
			 "1:\n\t"
			 "mov %%rbx, %%rsp\n\t"
			 "movq $0, %%gs:%c[fixup]"
			 : "+a"(vector)
			 : [va] "r"(va), [fixup] "i"(offsetof(struct percpu, fault_fixup))
			 : "rbx", "rcx", "memory", "cc");
	return vector;
}

void on_cpu(unsigned int cpu, cpu_work_t work, void *arg, const char *what)
{
	if (cpu == this_cpu_number()) {
		work(arg);
		return;
	}
	cpu_work_start(cpu, work, arg);
	cpu_work_wait(cpu, 30000, what);
}

bool select_policy_here(const struct flush_policy *policy)
{
	struct policy_mode mode = options_policy_mode(ktest_setup->options, policy);
	const char *why = policy_refuses(policy, &mode);

	if (why) {
		ktest_skip("%s %s", policy->name, why);
		return false;
	}
	select_policy(policy, &mode);
	return true;
}

const struct flush_policy *next_sample_policy(u32 *place)
{
	static const char *const names[] = {"immediate", "state-bits", "cr3-pending", "ledger"};

	while (*place < ARRAY_SIZE(names)) {
		const struct flush_policy *policy = find_policy(names[(*place)++]);
		struct policy_mode mode;

		if (!policy) /* built without deferral */
			continue;
		mode = options_policy_mode(ktest_setup->options, policy);
		if (!policy_refuses(policy, &mode))
			return policy;
	}
	return NULL;
}

void select_default_policy(void)
{
	const struct policy_mode mode = {ROOTS_ONE, false};

	select_policy(flush_policies[0], &mode);
}

bool is_tcg(void)
{
	return strcmp(cpu_features.hypervisor, "TCGTCGTCGTCG") == 0;
}
