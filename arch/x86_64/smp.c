/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs, see smp.h. One at a time: the trampoline page and the patience are
 * shared, and a CPU that answers late meets a slot that is no longer its own (trampoline.asm).
 */
#include "arch/x86_64/smp.h"

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/percpu_init.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"

#define AP_LIMIT_MS 5000
#define INT3	    0xcc

_Static_assert(sizeof(struct ap_slot) == 16, "two words: id and state are one of them");

/* Read by ap_entry, which has neither stack nor GS yet. */
struct ap_slot ap_slots[MAX_CPUS];
u32 ap_slots_used;
u64 ap_efer;

extern const char trampoline_start[], trampoline_end[];

void ap_main(unsigned int cpu);

void ap_main(unsigned int cpu)
{
	features_apply_local();
	descriptors_load(cpu);
	apic_enable_local();
	percpu_set_online();
	secondary_main();
}

static bool set_state(struct ap_slot *slot, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&slot->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static bool wait_alive(const struct ap_slot *slot, u64 ms)
{
	u64 deadline = tsc_deadline(ms);

	while (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != AP_ALIVE) {
		if (tsc_passed(deadline))
			return false;
		cpu_relax();
	}
	return true;
}

/* INIT, then two start-up IPIs: the second is for CPUs that missed the first. */
static bool wake(const struct ap_slot *slot, phys_addr_t page)
{
	apic_send_init(slot->apic_id);
	udelay(10000);
	apic_send_startup(slot->apic_id, page);
	if (wait_alive(slot, 1))
		return true;
	apic_send_startup(slot->apic_id, page);
	return wait_alive(slot, AP_LIMIT_MS);
}

/*
 * What a CPU number needs, made once: the number is used again for the next candidate when one does
 * not answer.
 */
static void prepare_slot(unsigned int cpu, u32 apic_id)
{
	static unsigned int prepared = 1;
	const char *error;

	if (cpu >= prepared) {
		error = cpu_area_map(cpu);
		if (error)
			panic("CPU %u (APIC id %u): %s", cpu, apic_id, error);
		ap_slots[cpu].stack_top = kernel_stack_alloc();
		if (!ap_slots[cpu].stack_top || !smp_call_init_cpu(cpu))
			panic("CPU %u (APIC id %u): memory is too short for its data", cpu,
			      apic_id);
		prepared = cpu + 1;
	}
	percpu_init(cpu, apic_id, tsc_khz);
	percpu(cpu)->kernel_stack_top = ap_slots[cpu].stack_top;
}

static bool start_cpu(unsigned int cpu, u32 apic_id, phys_addr_t page, bool mute)
{
	struct ap_slot *slot = &ap_slots[cpu];
	u64 deadline;

	prepare_slot(cpu, apic_id);
	slot->apic_id = apic_id;
	__atomic_store_n(&slot->state, mute ? AP_DEAD : AP_CALLED, __ATOMIC_SEQ_CST);
	ap_slots_used = cpu + 1;

	if (!wake(slot, page) && (mute || set_state(slot, AP_CALLED, AP_DEAD)))
		return false;
	deadline = tsc_deadline(AP_LIMIT_MS);
	while (!__atomic_load_n(&percpu(cpu)->online, __ATOMIC_ACQUIRE)) {
		if (tsc_passed(deadline))
			panic("CPU %u (APIC id %u) started, but did not get ready within %u ms",
			      cpu, apic_id, AP_LIMIT_MS);
		cpu_relax();
	}
	return true;
}

static phys_addr_t place_trampoline(void)
{
	phys_addr_t page = boot_alloc_low();

	if (!page)
		return 0;
	memset(phys_to_virt(page), INT3, PAGE_SIZE);
	memcpy(phys_to_virt(page), trampoline_start, (size_t)(trampoline_end - trampoline_start));
	return page;
}

void smp_start(const struct madt *madt, const struct smp_config *config, struct smp_report *out)
{
	u32 self = apic_id_local();
	unsigned int next = 1; /* the CPU number of the next AP that answers */
	unsigned int tried = 1;
	phys_addr_t page = place_trampoline();

	*out = (struct smp_report){.found = madt->nr_cpus, .disabled = madt->nr_disabled};
	ap_efer = features_efer();
	if (!page && madt->nr_cpus > 1)
		pr_warn("SMP: no free page below 1 MiB, the boot CPU stays alone\n");
	for (u32 i = 0; page && i < madt->nr_cpus && tried < config->max_cpus; i++) {
		u32 apic_id = madt->cpu[i].apic_id;
		bool mute = config->mute_first_ap && tried == 1;

		if (apic_id == self)
			continue;
		tried++;
		if (apic_id > 0xfe && !apic_is_x2apic()) {
			pr_warn("SMP: APIC id %u needs x2APIC mode, left out\n", apic_id);
		} else if (start_cpu(next, apic_id, page, mute)) {
			next++;
			continue;
		} else {
			pr_warn("SMP: CPU with APIC id %u did not answer within %u ms, left out\n",
				apic_id, AP_LIMIT_MS);
		}
		if (out->failed < ARRAY_SIZE(out->failed_apic_id))
			out->failed_apic_id[out->failed] = apic_id;
		out->failed++;
	}
	out->started = next;
}
