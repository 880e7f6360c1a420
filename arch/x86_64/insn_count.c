/* SPDX-License-Identifier: MIT */
/*
 * Counting instructions, see insn_count.h. The work is in insn_count.asm.
 */
#include "arch/x86_64/insn_count.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"

extern const char insn_count_door[];
void insn_count_run(void (*func)(void *arg), void *arg);

extern struct insn_count_state insn_count_state;
struct insn_count_state insn_count_state;
static bool under_way;

struct insn_count insn_count(void (*func)(void *arg), void *arg)
{
	BUG_ON(__atomic_exchange_n(&under_way, true, __ATOMIC_ACQUIRE));
	insn_count_state = (struct insn_count_state){0};
	idt_set_stub(VECTOR_DB, insn_count_door);
	insn_count_run(func, arg);
	idt_set_stub(VECTOR_DB, NULL);
	write_dr6(0);
	__atomic_store_n(&under_way, false, __ATOMIC_RELEASE);
	return (struct insn_count){insn_count_state.count, insn_count_state.waits};
}
