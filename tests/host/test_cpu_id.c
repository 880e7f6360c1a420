// sources: arch/x86_64/cpu_id.c
/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaves made by hand after the SDM's and AMD's tables: vendors, each feature by its one bit,
 * the widths of topology levels in each of their four forms, core types. A leaf that is not in the
 * table may not be asked for: real CPUs answer such a question with another leaf's data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/cpu_id.h"

#define LEAVES 24

static struct {
	u32 leaf, subleaf;
	struct cpuid_regs regs;
} table[LEAVES];
static size_t nr;

static struct cpuid_regs from_table(u32 leaf, u32 subleaf)
{
	for (size_t i = 0; i < nr; i++)
		if (table[i].leaf == leaf && table[i].subleaf == subleaf)
			return table[i].regs;
	fail_msg("leaf %x.%u was read, which this CPU does not have", leaf, subleaf);
	return (struct cpuid_regs){0};
}

static void leaf(u32 leaf, u32 subleaf, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	size_t i = 0;

	while (i < nr && (table[i].leaf != leaf || table[i].subleaf != subleaf))
		i++;
	assert_true(i < LEAVES);
	table[i].leaf = leaf;
	table[i].subleaf = subleaf;
	table[i].regs = (struct cpuid_regs){eax, ebx, ecx, edx};
	nr = i == nr ? nr + 1 : nr;
}

static void intel(u32 highest, u32 highest_ext)
{
	nr = 0;
	leaf(0, 0, highest, 0x756e6547, 0x6c65746e, 0x49656e69);
	leaf(1, 0, 0x000906ea, 0, 0, 0);
	leaf(0x80000000, 0, highest_ext, 0, 0, 0);
}

static void amd(u32 highest, u32 highest_ext, u32 signature)
{
	nr = 0;
	leaf(0, 0, highest, 0x68747541, 0x444d4163, 0x69746e65);
	leaf(1, 0, signature, 0, 0, 0);
	leaf(0x80000000, 0, highest_ext, 0, 0, 0);
}

static void vendors(void **state)
{
	struct cpu_id id;

	(void)state;
	intel(1, 0x80000000);
	cpu_id_read(from_table, &id);
	assert_string_equal(id.vendor, "GenuineIntel");
	amd(1, 0x80000000, 0x00800f11);
	cpu_id_read(from_table, &id);
	assert_string_equal(id.vendor, "AuthenticAMD");
}

/* Each bit alone gives its feature alone; all other bits give none. */
static void each_feature_has_its_bit(void **state)
{
	static const struct {
		u32 leaf;
		enum { ECX, EDX } reg;
		u32 bit;
		size_t offset;
	} features[] = {
		{7, ECX, 16, offsetof(struct cpu_id, la57)},
		{0x80000001, EDX, 26, offsetof(struct cpu_id, pdpe1gb)},
		{7, ECX, 22, offsetof(struct cpu_id, rdpid)},
		{1, ECX, 24, offsetof(struct cpu_id, tsc_deadline_timer)},
		{0x80000007, EDX, 8, offsetof(struct cpu_id, invariant_tsc)},
	};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(features); f++) {
		for (int inverted = 0; inverted < 2; inverted++) {
			u32 word = inverted ? ~(1U << features[f].bit) : 1U << features[f].bit;
			bool ecx = features[f].reg == ECX;
			struct cpu_id id;

			intel(7, 0x80000008);
			leaf(7, 0, 0, 0, 0, 0);
			leaf(0x80000001, 0, 0, 0, 0, 0);
			leaf(0x80000007, 0, 0, 0, 0, 0);
			leaf(features[f].leaf, 0, 0, 0, ecx ? word : 0, ecx ? 0 : word);
			cpu_id_read(from_table, &id);
			for (size_t other = 0; other < ARRAY_SIZE(features); other++) {
				bool same_word = features[other].leaf == features[f].leaf;
				bool there = *(bool *)((char *)&id + features[other].offset);

				assert_int_equal(there,
						 inverted ? same_word && other != f : other == f);
			}
		}
	}
}

/* An old CPU is not asked for leaves that it lacks. */
static void old_cpus_have_none(void **state)
{
	struct cpu_id id;

	(void)state;
	intel(5, 0x80000000);
	cpu_id_read(from_table, &id);
	assert_false(id.la57 || id.rdpid || id.pdpe1gb || id.invariant_tsc);
	intel(6, 0x80000006);
	leaf(0x80000001, 0, 0, 0, 0, 1 << 26);
	cpu_id_read(from_table, &id);
	assert_true(id.pdpe1gb);
	assert_false(id.la57 || id.rdpid || id.invariant_tsc);
}

static void expect_core(u32 apic_id, u32 core)
{
	struct cpu_place place;

	cpu_place_read(from_table, apic_id, &place);
	assert_int_equal(place.apic_id, apic_id);
	assert_int_equal(place.core, core);
	assert_int_equal(place.type, CORE_UNIFORM);
}

static void topology_by_leaf_0b(void **state)
{
	(void)state;
	intel(0xb, 0x80000008);
	leaf(0xb, 0, 1, 2, 0x100, 0); /* SMT: 1 bit, 2 threads */
	leaf(0xb, 1, 4, 12, 0x201, 0);
	leaf(0xb, 2, 0, 0, 2, 0);
	expect_core(0, 0);
	expect_core(1, 0);
	expect_core(6, 6);
	expect_core(7, 6);
	expect_core(0x10000001, 0x10000000);

	leaf(0xb, 0, 2, 4, 0x100, 0); /* four threads, as a Xeon Phi has */
	expect_core(7, 4);
	leaf(0xb, 0, 0, 1, 0x100, 0); /* one: no SMT */
	expect_core(7, 7);
	leaf(0xb, 0, 4, 12, 0x200, 0); /* no such level: its first is the cores' */
	leaf(0xb, 1, 0, 0, 1, 0);
	expect_core(7, 7);
}

/* Leaf 1FH goes before 0BH where both are; one that is empty does not count. */
static void topology_by_leaf_1f(void **state)
{
	(void)state;
	intel(0x1f, 0x80000008);
	leaf(7, 0, 0, 0, 0, 0);
	leaf(0x1f, 0, 2, 4, 0x100, 0);
	leaf(0xb, 0, 1, 2, 0x100, 0);
	expect_core(7, 4);
	leaf(0x1f, 0, 0, 0, 0, 0);
	expect_core(7, 6);
}

/* Every level there is, and none of them ends: the search does. */
static void topology_without_end(void **state)
{
	(void)state;
	intel(0xb, 0x80000008);
	for (u32 level = 0; level < 8; level++)
		leaf(0xb, level, 4, 12, 0x200, 0);
	expect_core(7, 7);
}

/* Leaf 1: ids of a package (EBX[23:16]); leaf 4: ids of its cores (EAX[31:26]). */
static void topology_of_old_intel_cpus(void **state)
{
	(void)state;
	intel(4, 0x80000008);
	leaf(1, 0, 0x000006f6, 8 << 16, 0, 1 << 28);
	leaf(4, 0, 3U << 26 | 0x21, 0, 0, 0);
	expect_core(5, 4); /* 8 ids, 4 cores */
	leaf(4, 0, 7U << 26 | 0x21, 0, 0, 0);
	expect_core(5, 5); /* 8 ids, 8 cores */
	leaf(1, 0, 0x000006f6, 6 << 16, 0, 1 << 28);
	leaf(4, 0, 2U << 26 | 0x21, 0, 0, 0);
	expect_core(5, 4); /* 6 of 8 ids, 3 of 4 cores: rounded up */
	leaf(1, 0, 0x000006f6, 8 << 16, 0, 0);
	expect_core(5, 5); /* without HTT there is one id */
	intel(2, 0x80000000);
	expect_core(5, 5); /* without leaf 4 nothing is said */
}

static void topology_of_amd_cpus(void **state)
{
	(void)state;
	amd(0xd, 0x8000001f, 0x00800f11); /* Zen */
	leaf(0xb, 0, 0, 0, 0, 0);
	leaf(0x80000001, 0, 0, 0, 1 << 22, 0);
	leaf(0x8000001e, 0, 5, 1 << 8, 0, 0);
	expect_core(5, 4);
	leaf(0x8000001e, 0, 5, 0, 0, 0);
	expect_core(5, 5);
	leaf(0x80000001, 0, 0, 0, 0, 0); /* without the extension the leaf means nothing */
	leaf(0x8000001e, 0, 5, 1 << 8, 0, 0);
	expect_core(5, 5);
	amd(0xd, 0x8000001e, 0x00600f12); /* family 15h: two cores to a unit, no threads */
	leaf(0xb, 0, 0, 0, 0, 0);
	leaf(0x80000001, 0, 0, 0, 1 << 22, 0);
	leaf(0x8000001e, 0, 5, 1 << 8, 0, 0);
	expect_core(5, 5);
}

static void core_types(void **state)
{
	static const struct {
		u32 edx, eax;
		enum core_type type;
	} cases[] = {
		{1 << 15, 0x20000001, CORE_ATOM},	 {1 << 15, 0x40000001, CORE_CORE},
		{1 << 15, 0x10000001, CORE_UNIFORM},	 {0, 0x40000001, CORE_UNIFORM},
		{~(1U << 15), 0x20000001, CORE_UNIFORM},
	};
	struct cpu_place place;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		intel(0x1a, 0x80000008);
		leaf(0xb, 0, 1, 2, 0x100, 0);
		leaf(7, 0, 0, 0, 0, cases[i].edx);
		leaf(0x1a, 0, cases[i].eax, 0, 0, 0);
		cpu_place_read(from_table, 0x21, &place);
		assert_int_equal(place.type, cases[i].type);
		assert_int_equal(place.core, 0x20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vendors),
		cmocka_unit_test(each_feature_has_its_bit),
		cmocka_unit_test(old_cpus_have_none),
		cmocka_unit_test(topology_by_leaf_0b),
		cmocka_unit_test(topology_by_leaf_1f),
		cmocka_unit_test(topology_without_end),
		cmocka_unit_test(topology_of_old_intel_cpus),
		cmocka_unit_test(topology_of_amd_cpus),
		cmocka_unit_test(core_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
