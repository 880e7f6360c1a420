/* SPDX-License-Identifier: MIT */
/*
 * test_loop: spins in ring 3, reads the data page over and over, and enters the kernel when it is
 * ordered to and never otherwise.
 */
#include "user/lib.h"
#include "user/test.h"

static const char text[] = "    # a line out of ring three\n";

_Static_assert(sizeof(text) - 1 == LOOP_TEXT_LENGTH, "what the suite expects as the result");

static void carry_out(volatile struct test_page *page)
{
	switch (page->order) {
	case LOOP_SYSCALLS:
		for (u64 i = page->amount; i; i--)
			page->result = syscall3(SYS_NULL, 0, 0, 0);
		break;
	case LOOP_UNTIL_GO:
		for (; !page->go; page->trips++)
			page->result = syscall3(SYS_NULL, 0, 0, 0);
		break;
	case LOOP_UNKNOWN:
		page->result = syscall3(SYSCALLS + 1000, 0, 0, 0);
		break;
	case LOOP_WRITE:
		page->result = syscall3(SYS_WRITE, (u64)text, LOOP_TEXT_LENGTH, 0);
		break;
	case LOOP_WRITE_LONG:
		page->result = syscall3(SYS_WRITE, (u64)text, SYS_WRITE_MAX + 1, 0);
		break;
	case LOOP_WRITE_KERNEL:
		page->result = syscall3(SYS_WRITE, 0xffffffff80200000, 10, 0);
		break;
	case LOOP_WRITE_HOLE:
		page->result = syscall3(SYS_WRITE, TEST_DATA_VA + PAGE_SIZE - 5, 10, 0);
		break;
	case LOOP_EXIT:
		exit_with_report(page->amount, NULL, 0);
	default:
		__asm__ volatile("ud2");
	}
}

u64 program(u64 arg)
{
	volatile struct test_page *page = (volatile struct test_page *)TEST_PAGE_VA;

	(void)arg;
	for (;;) {
		page->seen = *(const volatile u64 *)TEST_DATA_VA;
		page->loops++;
		if (page->order_number != page->done_number) {
			carry_out(page);
			page->done_number = page->order_number;
		}
		pause();
	}
}
