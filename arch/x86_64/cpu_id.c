/* SPDX-License-Identifier: MIT */
/*
 * CPUID's leaves about identity and topology, see cpu_id.h. A leaf above the highest is never
 * asked for: an Intel CPU answers with the highest one's data.
 */
#include "arch/x86_64/cpu_id.h"

#include "arch/x86_64/string.h"

#define LEVELS_MAX 8 /* of leaf 1FH: no machine has more */
#define LEVEL_SMT  1

#define AMD_ZEN 0x17 /* the first family whose compute units are cores with SMT threads */

static void read_vendor(cpuid_fn read, char vendor[13])
{
	struct cpuid_regs r = read(0, 0);

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
	vendor[12] = '\0';
}

void cpu_id_read(cpuid_fn read, struct cpu_id *id)
{
	u32 highest = read(0, 0).eax;
	u32 highest_ext = read(0x80000000, 0).eax;

	*id = (struct cpu_id){0};
	read_vendor(read, id->vendor);
	id->tsc_deadline_timer = read(1, 0).ecx & BIT(24);
	if (highest >= 7) {
		u32 ecx = read(7, 0).ecx;

		id->la57 = ecx & BIT(16);
		id->rdpid = ecx & BIT(22);
	}
	if (highest_ext >= 0x80000001)
		id->pdpe1gb = read(0x80000001, 0).edx & BIT(26);
	if (highest_ext >= 0x80000007)
		id->invariant_tsc = read(0x80000007, 0).edx & BIT(8);
}

/* The least N with 1 << N >= COUNT. */
static u32 order_of(u32 count)
{
	u32 n = 0;

	while (n < 31 && (1U << n) < count)
		n++;
	return n;
}

/* How many low bits of an APIC id number the threads of a core, by the levels of LEAF. */
static u32 smt_bits_by_levels(cpuid_fn read, u32 leaf)
{
	for (u32 level = 0; level < LEVELS_MAX; level++) {
		struct cpuid_regs r = read(leaf, level);
		u32 type = r.ecx >> 8 & 0xff;

		if (!type)
			break;
		if (type == LEVEL_SMT)
			return r.eax & 0x1f;
	}
	return 0;
}

static u32 amd_smt_bits(cpuid_fn read)
{
	u32 signature = read(1, 0).eax;
	u32 family = (signature >> 8 & 0xf) + (signature >> 20 & 0xff);
	bool topology = read(0x80000001, 0).ecx & BIT(22);

	if (family < AMD_ZEN || !topology || read(0x80000000, 0).eax < 0x8000001e)
		return 0;
	return order_of((read(0x8000001e, 0).ebx >> 8 & 0xff) + 1);
}

/* Of CPUs before leaf 0BH: the ids of a package, over those of its cores. */
static u32 intel_smt_bits(cpuid_fn read)
{
	struct cpuid_regs one = read(1, 0);
	u32 threads, cores;

	if (!(one.edx & BIT(28)))
		return 0;
	threads = order_of(one.ebx >> 16 & 0xff);
	cores = order_of((read(4, 0).eax >> 26) + 1);
	return threads > cores ? threads - cores : 0;
}

static u32 smt_bits(cpuid_fn read, u32 highest)
{
	char vendor[13];

	if (highest >= 0x1f && read(0x1f, 0).ebx)
		return smt_bits_by_levels(read, 0x1f);
	if (highest >= 0xb && read(0xb, 0).ebx)
		return smt_bits_by_levels(read, 0xb);
	read_vendor(read, vendor);
	if (strcmp(vendor, "AuthenticAMD") == 0 || strcmp(vendor, "HygonGenuine") == 0)
		return amd_smt_bits(read);
	return strcmp(vendor, "GenuineIntel") == 0 && highest >= 4 ? intel_smt_bits(read) : 0;
}

static enum core_type core_type(cpuid_fn read, u32 highest)
{
	bool hybrid = highest >= 0x1a && (read(7, 0).edx & BIT(15));

	switch (hybrid ? read(0x1a, 0).eax >> 24 : 0) {
	case 0x20:
		return CORE_ATOM;
	case 0x40:
		return CORE_CORE;
	default:
		return CORE_UNIFORM;
	}
}

void cpu_place_read(cpuid_fn read, u32 apic_id, struct cpu_place *place)
{
	u32 highest = read(0, 0).eax;

	place->apic_id = apic_id;
	place->core = apic_id & ~((u32)BIT(smt_bits(read, highest)) - 1);
	place->type = core_type(read, highest);
}
