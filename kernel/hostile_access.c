/* SPDX-License-Identifier: MIT */
/*
 * Accesses of ring 3 to every area of the address space: what each must end with.
 *
 * SDM Vol 3, 4.7, page-fault error code: bit 0 if every entry on the way was present, 1 for a
 * write, 2 for ring 3, 4 for a fetch on a CPU with NX or SMEP. Vol 1, 3.3.7.1: an address that is
 * not canonical is #SS(0) for an access through the stack, else #GP(0), and the page tables are not
 * looked at. Whether entries are present is read from the tables that ring 3 runs on; that an
 * address above USER_END is forbidden is not.
 */
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/user_page.h"
#include "kernel/hostile.h"

#define VECTOR_SS 12

extern const char kernel_text_start[], kernel_rodata_start[], entry_text_start[];

/* Where the address goes, and what the instruction does there. */
enum access_by { BY_RDI, BY_RSI, BY_RBP, BY_RSP };
enum access_what { READ, WRITE, FETCH, NOTHING };

struct access {
	const char *name;
	const u8 *code, *end;
	enum access_by by;
	enum access_what what;
	s64 offset; /* of the access from the register */
	bool stack; /* through SS, or by a register that implies it */
	bool canonical_only;
};

#define ACCESSES(X)                                                                                \
	X(load, "mov rax, [rdi]", BY_RDI, READ, 0, false, false)                                   \
	X(store, "mov [rdi], rax", BY_RDI, WRITE, 0, false, false)                                 \
	X(store_byte, "mov [rdi], al", BY_RDI, WRITE, 0, false, false)                             \
	X(locked, "lock xadd [rdi], rax", BY_RDI, WRITE, 0, false, false)                          \
	X(jump_to, "jmp rdi", BY_RDI, FETCH, 0, false, false)                                      \
	X(call_to, "call rdi", BY_RDI, FETCH, 0, false, false)                                     \
	X(by_fs, "mov rax, fs:[rdi]", BY_RDI, READ, 0, false, false)                               \
	X(by_gs, "mov rax, gs:[rdi]", BY_RDI, READ, 0, false, false)                               \
	X(by_ss, "mov rax, ss:[rdi]", BY_RDI, READ, 0, true, true)                                 \
	X(by_rbp, "mov rax, [rbp]", BY_RBP, READ, 0, true, false)                                  \
	X(movs, "movsq", BY_RSI, READ, 0, false, false)                                            \
	X(push_value, "push rax", BY_RSP, WRITE, -8, true, false)                                  \
	X(pop_value, "pop rax", BY_RSP, READ, 0, true, false)                                      \
	X(ret_near, "ret", BY_RSP, READ, 0, true, false)                                           \
	X(clflush, "clflush [rdi]", BY_RDI, READ, 0, false, false)                                 \
	X(prefetch, "prefetcht0 [rdi]", BY_RDI, NOTHING, 0, false, false)                          \
	X(long_nop, "nop [rdi]", BY_RDI, NOTHING, 0, false, false)

#define DECLARE(id, ...) extern const u8 op_##id[], op_##id##_end[];
ACCESSES(DECLARE)
#define ENTER(id, text, by, what, offset, stack, canonical)                                        \
	{text, op_##id, op_##id##_end, by, what, offset, stack, canonical},
static const struct access accesses[] = {ACCESSES(ENTER)};

u32 hostile_accesses(void)
{
	return ARRAY_SIZE(accesses);
}

struct hostile_area hostile_area(const struct hostile_world *world, u32 number)
{
	const struct hostile_area areas[HOSTILE_AREAS] = {
		{"nothing, at 0", 0, false},
		{"the last page of user space", USER_END, false},
		{"a hole of user space", HOSTILE_CODE_VA + PAGE_SIZE, false},
		{"its own text", 0x400000, false},
		{"its own code page", HOSTILE_CODE_VA + 0xf00, false},
		{"its own data", HOSTILE_SCRATCH_VA, false},
		{"the kernel's read-only page", USER_PAGE_VA, false},
		{"the first address that is not canonical", 0x800000000000, false},
		{"the middle of what is not canonical", 0x8000000000000000, false},
		{"the last address that is not canonical", 0xffff7ffffffffff0, false},
		{"the first page of the kernel's half", 0xffff800000000000, false},
		{"the direct map", DIRECT_MAP_BASE + MIB(16), false},
		{"its own page in the direct map", DIRECT_MAP_BASE + world->task->mm.root, false},
		{"the hole below vmalloc", VMALLOC_START - PAGE_SIZE, false},
		{"the vmalloc area", VMALLOC_START, true},
		{"its own kernel stack", world->task->kernel_stack_top - 64, true},
		{"its CPU's block", cpu_area(world->cpu), false},
		{"its CPU's GDT", cpu_area(world->cpu) + CPU_AREA_TABLES, false},
		{"its CPU's entry stack", cpu_area(world->cpu) + CPU_AREA_ENTRY_STACK, false},
		{"a guard page", cpu_area(world->cpu) + CPU_AREA_ENTRY_STACK - PAGE_SIZE, false},
		{"another CPU's block", cpu_area(world->victim), false},
		{"the kernel stacks", KSTACK_BASE + PAGE_SIZE, false},
		{"the kernel's text", (u64)kernel_text_start, false},
		{"the entry code", (u64)entry_text_start, false},
		{"the kernel's constants", (u64)kernel_rodata_start, false},
		{"the last page", 0xfffffffffffff000, false},
	};

	return areas[number];
}

static u64 *register_of(struct hostile_op *op, enum access_by by)
{
	switch (by) {
	case BY_RSI:
		return &op->regs[REG_RSI];
	case BY_RBP:
		return &op->regs[REG_RBP];
	case BY_RSP:
		return &op->rsp;
	default:
		return &op->regs[REG_RDI];
	}
}

static bool allowed(const struct access *access, u64 va, u64 flags)
{
	if (va >= USER_END || !(flags & PTE_USER))
		return false;
	return access->what == WRITE ? flags & PTE_WRITE : true;
}

static void expect_access(const struct hostile_world *world, const struct access *access, u64 va,
			  bool unsteady, struct hostile_op *op)
{
	bool present;
	u32 error = PF_USER;
	u64 flags = 0;

	if (access->what == NOTHING) {
		expect_done(op);
		return;
	}
	if (!hostile_canonical(va)) {
		expect_fault(op, access->stack ? VECTOR_SS : VECTOR_GP, 0, 0);
		/* Intel faults at the jump, AMD at its target. */
		if (access->what == FETCH)
			op->expect.judged &= ~JUDGE_RIP;
		return;
	}
	present = walk(world->ring3_root, va, NULL, &flags);
	if (present && allowed(access, va, flags)) {
		expect_done(op);
		return;
	}
	error |= present ? PF_PRESENT : 0;
	error |= access->what == WRITE ? PF_WRITE : 0;
	error |= access->what == FETCH && (cpu_features.nx || cpu_features.smep) ? PF_INSTR : 0;
	expect_page_fault(op, error, 0, va);
	if (access->what == FETCH)
		op->expect.rip = va;
	if (unsteady)
		op->expect.error_mask = ~(u32)PF_PRESENT;
}

/*
 * A fetch or a RET from what ring 3 may read or execute would lead somewhere: it becomes a load.
 */
static const struct access *choose(const struct hostile_world *world, u32 number, u64 va)
{
	const struct access *access = &accesses[number];
	bool leads_on = access->what == FETCH || access->code == op_ret_near;
	u64 flags;

	if (access->canonical_only && !hostile_canonical(va))
		return &accesses[0];
	if (leads_on && va < USER_END && walk(world->ring3_root, va, NULL, &flags))
		return &accesses[0];
	return access;
}

void hostile_access_op(const struct hostile_world *world, u32 number,
		       const struct hostile_area *area, struct hostile_op *op)
{
	const struct access *access = choose(world, number, area->address);
	u64 *reg = register_of(op, access->by);

	hostile_name(op, "%s: %s", access->name, area->name);
	hostile_code(op, access->code, access->end);
	*reg = area->address - (u64)access->offset;
	if (access->by == BY_RSI)
		op->regs[REG_RDI] = HOSTILE_SCRATCH_VA + 64;
	expect_access(world, access, area->address, area->unsteady, op);
}
