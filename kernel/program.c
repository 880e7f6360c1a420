/* SPDX-License-Identifier: MIT */
/*
 * List of ring-3 programs, see program.h. The built-in images come from kernel/programs.asm.
 */
#include "kernel/program.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"

extern const char program_spin_start[], program_spin_end[];
extern const char program_bounce_start[], program_bounce_end[];
extern const char program_null_start[], program_null_end[];
extern const char program_step_start[], program_step_end[];
extern const char program_hostile_start[], program_hostile_end[];
extern const char program_victim_start[], program_victim_end[];
extern const char program_crusty_start[], program_crusty_end[];
extern const char program_test_loop_start[], program_test_loop_end[];
extern const char program_test_doors_start[], program_test_doors_end[];

static struct program modules[MAX_PROGRAMS];
static u32 nr_modules;

void program_add(const char *name, const void *image, size_t len)
{
	if (nr_modules == MAX_PROGRAMS) {
		pr_warn("module %s: more than %u modules, left out", name, MAX_PROGRAMS);
		return;
	}
	modules[nr_modules++] = (struct program){name, image, len};
}

const struct program *program_find(const char *name)
{
	static struct program built_in[] = {
		{"spin", program_spin_start, 0},
		{"bounce", program_bounce_start, 0},
		{"null", program_null_start, 0},
		{"step", program_step_start, 0},
		{"hostile", program_hostile_start, 0},
		{"victim", program_victim_start, 0},
		{"crusty", program_crusty_start, 0},
		{"test_loop", program_test_loop_start, 0},
		{"test_doors", program_test_doors_start, 0},
	};
	const char *const ends[] = {program_spin_end,	   program_bounce_end,
				    program_null_end,	   program_step_end,
				    program_hostile_end,   program_victim_end,
				    program_crusty_end,	   program_test_loop_end,
				    program_test_doors_end};

	for (u32 i = 0; i < nr_modules; i++)
		if (strcmp(modules[i].name, name) == 0)
			return &modules[i];
	for (u32 i = 0; i < ARRAY_SIZE(built_in); i++) {
		built_in[i].len = (size_t)(ends[i] - (const char *)built_in[i].image);
		if (strcmp(built_in[i].name, name) == 0)
			return &built_in[i];
	}
	return NULL;
}
