// sources: arch/x86_64/paging*.c tests/host/bed_memory.c
/* SPDX-License-Identifier: MIT */
/*
 * Two CPUs in the same 2 MiB. One unmaps the end of its area, a guard page in a 2 MiB that has no
 * page table yet; the other maps the page behind it and makes that table. The first one's code is
 * single-stepped by the host's trap flag, and the second acts before its first, second, third, ...
 * instruction, until there is none left: every interleaving of one with the other, no luck needed.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "arch/x86_64/paging.h"
#include "tests/host/bed_memory.h"
#include "tests/host/host_log.h"

#define EFLAGS_TF 0x100

#define AREA  (VMALLOC_START + PMD_SIZE - PAGE_SIZE) /* a page, and its guard page */
#define GUARD (AREA + PAGE_SIZE)
#define OTHER (GUARD + PAGE_SIZE)

static u64 next_table;
static phys_addr_t root;
static volatile long steps_left; /* until the other CPU acts */
static volatile bool over;	 /* the stepped code has ended */

phys_addr_t paging_alloc_table(void)
{
	next_table += PAGE_SIZE;
	return next_table;
}

void paging_release_frame(phys_addr_t frame)
{
	fail_msg("table %lx was given back", frame);
}

/* The ABI's number of the register; its name takes _GNU_SOURCE. */
static greg_t *eflags(void *context)
{
	return &((ucontext_t *)context)->uc_mcontext.gregs[17];
}

static void start_stepping(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	*eflags(context) |= EFLAGS_TF;
}

static void after_one_step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	if (!over && --steps_left)
		return;
	*eflags(context) &= ~EFLAGS_TF;
	if (!over && map_page(root, OTHER, 0x7000, PAGE_KERNEL))
		abort();
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	assert_int_equal(sigaction(signal, &action, NULL), 0);
}

static u64 cleared;
static const pte_t *found;
static unsigned int level;

static void unmap(void)
{
	cleared = unmap_range_noflush(root, AREA, OTHER);
}

static void look_up(void)
{
	found = lookup_pte(root, GUARD, &level);
}

/* OPERATION, the other CPU's act before instruction AT; false if it ends before. */
static bool race(long at, void (*operation)(void))
{
	fake_memory_init(MIB(1));
	next_table = 0;
	root = paging_alloc_table();
	assert_int_equal(map_page(root, AREA, 0x5000, PAGE_KERNEL), 0);
	steps_left = at;
	over = false;
	raise(SIGUSR1);
	operation();
	over = true;
	return steps_left <= 0;
}

static void unmapping_minds_its_own_pages(void **state)
{
	phys_addr_t pa;
	long at;

	(void)state;
	for (at = 1; race(at, unmap); at++) {
		assert_int_equal(cleared, 1);
		assert_false(walk(root, AREA, NULL, NULL));
		assert_true(walk(root, OTHER, &pa, NULL));
		assert_int_equal(pa, 0x7000);
	}
	assert_true(at > 50); /* both 2 MiB were walked */
}

static void lookup_takes_no_table_for_a_page(void **state)
{
	long at;

	(void)state;
	for (at = 1; race(at, look_up); at++)
		if (found) {
			assert_int_equal(level, 1);
			assert_int_equal(*found, 0);
		}
	assert_true(at > 20);
}

static int set_up(void **state)
{
	(void)state;
	handle(SIGUSR1, start_stepping);
	handle(SIGTRAP, after_one_step);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unmapping_minds_its_own_pages),
		cmocka_unit_test(lookup_takes_no_table_for_a_page),
	};

	return cmocka_run_group_tests_name("paging_race", tests, set_up, NULL);
}
