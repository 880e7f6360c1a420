/* SPDX-License-Identifier: MIT */
/*
 * The directed operations: a table of what ring 3 tries, and what the SDM says comes of it (Vol 2,
 * "64-bit mode exceptions" of each instruction), then every access to every area
 * (hostile_access.c). The instructions themselves are in kernel/hostile_code.asm.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/hostile.h"
#include "user/syscall.h"

#define VECTOR_NM 7
#define VECTOR_SS 12

/* Comes back, ends at the timer, or vector and error code of a fault. TRAP: RIP is behind it. */
enum how { BACK, FOREVER, FAULT, TRAP, ANYWHERE };
/* What has to be switched on, lest it be another instruction. */
enum when { ALWAYS, WITH_FSGSBASE, WITH_INVPCID, WITH_UMIP, ON_INTEL };

struct directed {
	const char *name;
	const u8 *code, *end, *at;
	enum how how;
	u32 vector, error;
	enum when when;
};

#define GP0 FAULT, VECTOR_GP, 0
#define UD  FAULT, VECTOR_UD, 0
/* INT n through a gate of DPL 0: the vector's index in the IDT, with the IDT flag (Vol 3, 6.13). */
#define GATE(n) FAULT, VECTOR_GP, (n) << 3 | 2
#define DONE	BACK, 0, 0

#define DIRECTED(X)                                                                                \
	X(hlt, "hlt", GP0, ALWAYS)                                                                 \
	X(cli, "cli", GP0, ALWAYS)                                                                 \
	X(sti, "sti", GP0, ALWAYS)                                                                 \
	X(clts, "clts", GP0, ALWAYS)                                                               \
	X(invd, "invd", GP0, ALWAYS)                                                               \
	X(wbinvd, "wbinvd", GP0, ALWAYS)                                                           \
	X(lgdt, "lgdt", GP0, ALWAYS)                                                               \
	X(lidt, "lidt", GP0, ALWAYS)                                                               \
	X(lldt, "lldt", GP0, ALWAYS)                                                               \
	X(ltr, "ltr", GP0, ALWAYS)                                                                 \
	X(lmsw, "lmsw", GP0, ALWAYS)                                                               \
	X(read_cr0, "mov rax, cr0", GP0, ALWAYS)                                                   \
	X(read_cr2, "mov rax, cr2", GP0, ALWAYS)                                                   \
	X(read_cr3, "mov rax, cr3", GP0, ALWAYS)                                                   \
	X(read_cr4, "mov rax, cr4", GP0, ALWAYS)                                                   \
	X(read_cr8, "mov rax, cr8", GP0, ALWAYS)                                                   \
	X(write_cr0, "mov cr0, rax", GP0, ALWAYS)                                                  \
	X(write_cr2, "mov cr2, rax", GP0, ALWAYS)                                                  \
	X(write_cr3, "mov cr3, rax", GP0, ALWAYS)                                                  \
	X(write_cr4, "mov cr4, rax", GP0, ALWAYS)                                                  \
	X(write_cr8, "mov cr8, rax", GP0, ALWAYS)                                                  \
	X(read_dr0, "mov rax, dr0", GP0, ALWAYS)                                                   \
	X(read_dr7, "mov rax, dr7", GP0, ALWAYS)                                                   \
	X(write_dr0, "mov dr0, rax", GP0, ALWAYS)                                                  \
	X(write_dr7, "mov dr7, rax", GP0, ALWAYS)                                                  \
	X(rdmsr, "rdmsr", GP0, ALWAYS)                                                             \
	X(wrmsr, "wrmsr", GP0, ALWAYS)                                                             \
	X(rdpmc, "rdpmc", GP0, ALWAYS)                                                             \
	X(invlpg, "invlpg", GP0, ALWAYS)                                                           \
	X(invpcid, "invpcid", GP0, WITH_INVPCID)                                                   \
	X(swapgs, "swapgs", GP0, ALWAYS)                                                           \
	X(sysret, "sysretq", GP0, ALWAYS)                                                          \
	X(sysret32, "sysretl", GP0, ALWAYS)                                                        \
	X(sysexit, "sysexit", GP0, ON_INTEL)                                                       \
	X(sysenter, "sysenter", GP0, ON_INTEL)                                                     \
	X(in_byte, "in al, dx", GP0, ALWAYS)                                                       \
	X(in_imm, "in al, 0x60", GP0, ALWAYS)                                                      \
	X(out_long, "out dx, eax", GP0, ALWAYS)                                                    \
	X(ins, "insb", GP0, ALWAYS)                                                                \
	X(outs, "outsd", GP0, ALWAYS)                                                              \
	X(xsetbv, "xsetbv", UD, ALWAYS)                                                            \
	X(stac, "stac", UD, ALWAYS)                                                                \
	X(clac, "clac", UD, ALWAYS)                                                                \
	X(monitor, "monitor", UD, ALWAYS)                                                          \
	X(mwait, "mwait", UD, ALWAYS)                                                              \
	X(getsec, "getsec", UD, ALWAYS)                                                            \
	X(rsm, "rsm", UD, ALWAYS)                                                                  \
	X(sgdt, "sgdt", GP0, WITH_UMIP)                                                            \
	X(sidt, "sidt", GP0, WITH_UMIP)                                                            \
	X(sldt, "sldt", GP0, WITH_UMIP)                                                            \
	X(str, "str", GP0, WITH_UMIP)                                                              \
	X(smsw, "smsw", GP0, WITH_UMIP)                                                            \
	X(de, "div by 0", FAULT, VECTOR_DE, 0, ALWAYS)                                             \
	X(de_min, "idiv overflow", FAULT, VECTOR_DE, 0, ALWAYS)                                    \
	X(ud2, "ud2", UD, ALWAYS)                                                                  \
	X(ud1, "ud1", UD, ALWAYS)                                                                  \
	X(int3, "int3", TRAP, VECTOR_BP, 0, ALWAYS)                                                \
	X(int_3, "int 3", TRAP, VECTOR_BP, 0, ALWAYS)                                              \
	X(int_1, "int 1", GATE(1), ALWAYS)                                                         \
	X(int_2, "int 2", GATE(2), ALWAYS)                                                         \
	X(int_4, "int 4", GATE(4), ALWAYS)                                                         \
	X(int_8, "int 8", GATE(8), ALWAYS)                                                         \
	X(int_13, "int 13", GATE(13), ALWAYS)                                                      \
	X(int_14, "int 14", GATE(14), ALWAYS)                                                      \
	X(int_18, "int 18", GATE(18), ALWAYS)                                                      \
	X(int_32, "int 32", GATE(32), ALWAYS)                                                      \
	X(int_80, "int 0x80", GATE(0x80), ALWAYS)                                                  \
	X(int_ec, "int 0xec", GATE(0xec), ALWAYS)                                                  \
	X(int_fb, "int 0xfb", GATE(0xfb), ALWAYS)                                                  \
	X(int_fc, "int 0xfc", GATE(0xfc), ALWAYS)                                                  \
	X(icebp, "int1", TRAP, VECTOR_DB, 0, ALWAYS)                                               \
	X(into, "into", UD, ALWAYS)                                                                \
	X(far_direct, "call 8:0", UD, ALWAYS)                                                      \
	X(pusha, "pusha", UD, ALWAYS)                                                              \
	X(salc, "salc", UD, ALWAYS)                                                                \
	X(lock_mov, "lock mov", UD, ALWAYS)                                                        \
	X(too_long, "16 bytes long", GP0, ALWAYS)                                                  \
	X(x87, "fld1", FAULT, VECTOR_NM, 0, ALWAYS)                                                \
	X(fwait, "fwait", FAULT, VECTOR_NM, 0, ALWAYS)                                             \
	X(mmx, "movq mm0, mm1", FAULT, VECTOR_NM, 0, ALWAYS)                                       \
	X(fxsave, "fxsave", FAULT, VECTOR_NM, 0, ALWAYS)                                           \
	X(sse, "xorps", UD, ALWAYS)                                                                \
	X(xgetbv, "xgetbv", UD, ALWAYS)                                                            \
	X(trap_flag, "popf with TF", FAULT, VECTOR_DB, 0, ALWAYS)                                  \
	X(trap_flag_syscall, "syscall with TF", ANYWHERE, VECTOR_DB, 0, ALWAYS)                    \
	X(call_near, "call out of the last page", GP0, ALWAYS)                                     \
	X(enter_frame, "enter on a stack that is not canonical", FAULT, VECTOR_SS, 0, ALWAYS)      \
	X(leave_frame, "leave to a frame that is not canonical", FAULT, VECTOR_SS, 0, ALWAYS)      \
	X(cmpxchg16b, "cmpxchg16b, not aligned", GP0, ALWAYS)                                      \
	X(straddle, "a load over the end of its page", FAULT, VECTOR_PF, PF_USER, ALWAYS)          \
	X(rep_movs, "rep movsb over the end of its page", FAULT, VECTOR_PF, PF_USER, ALWAYS)       \
	X(ldt_selector, "mov ds of an LDT", FAULT, VECTOR_GP, 0xc, ALWAYS)                         \
	X(load_cs, "mov cs", UD, ALWAYS)                                                           \
	X(lar, "lar", DONE, ALWAYS)                                                                \
	X(verw, "verw", DONE, ALWAYS)                                                              \
	X(iret_nested, "iret with NT", GP0, ALWAYS)                                                \
	X(unaligned, "unaligned with AC", DONE, ALWAYS)                                            \
	X(rdgsbase, "rdgsbase", DONE, WITH_FSGSBASE)                                               \
	X(wrgsbase_syscall, "wrgsbase (kernel's), syscall", DONE, WITH_FSGSBASE)                   \
	X(wrgsbase_ud2, "wrgsbase (kernel's), ud2", UD, WITH_FSGSBASE)                             \
	X(syscall_last, "syscall in the last bytes", ANYWHERE, VECTOR_PF, PF_USER, ALWAYS)         \
	X(flood, "system calls for ever", FOREVER, 0, 0, ALWAYS)                                   \
	X(spin, "a loop for ever", FOREVER, 0, 0, ALWAYS)                                          \
	X(spin_popf, "popf for ever", FOREVER, 0, 0, ALWAYS)                                       \
	X(spin_wild_stack, "a loop on a wild stack", FOREVER, 0, 0, ALWAYS)                        \
	X(mov_ss_syscall, "mov ss, breakpoint, syscall", DONE, ALWAYS)                             \
	X(mov_ss_int3, "mov ss, breakpoint, int3", TRAP, VECTOR_BP, 0, ALWAYS)                     \
	X(mov_ss_trap_flag, "mov ss with TF, syscall", ANYWHERE, VECTOR_DB, 0, ALWAYS)

#define DECLARE(id, ...) extern const u8 op_##id[], op_##id##_end[], op_##id##_at[];
DIRECTED(DECLARE)
#define ENTER(id, text, ...) {text, op_##id, op_##id##_end, op_##id##_at, __VA_ARGS__},
static const struct directed directed[] = {DIRECTED(ENTER)};

u64 hostile_directed(void)
{
	return ARRAY_SIZE(directed) + (u64)hostile_accesses() * HOSTILE_AREAS;
}

/* WRGSBASE and its like are then invalid, wherever the fault was expected. */
static bool lacks_fsgsbase(const struct directed *d)
{
	return d->when == WITH_FSGSBASE && !cpu_features.fsgsbase;
}

/* Where the instruction that is expected of this machine is another one. */
static enum how how_here(const struct directed *d, u32 *vector)
{
	bool intel = memcmp(&(u32){cpuid(0, 0).ebx}, "Genu", 4) == 0;

	switch (d->when) {
	case WITH_FSGSBASE:
		*vector = lacks_fsgsbase(d) ? VECTOR_UD : d->vector;
		return lacks_fsgsbase(d) ? FAULT : d->how;
	case WITH_INVPCID:
		*vector = cpu_features.invpcid ? d->vector : VECTOR_UD;
		return d->how;
	case WITH_UMIP:
		return cpu_features.umip ? d->how : BACK;
	case ON_INTEL: /* AMD has no SYSENTER in 64-bit mode */
		*vector = intel ? d->vector : VECTOR_UD;
		return d->how;
	default:
		return d->how;
	}
}

static void expect(const struct directed *d, struct hostile_op *op)
{
	u32 vector = d->vector;
	enum how how = how_here(d, &vector);
	u64 at = (u64)(d->at - d->code);

	switch (how) {
	case BACK:
		expect_done(op);
		break;
	case FOREVER:
		op->expect.outcome = OUTCOME_TIMER;
		break;
	case TRAP:
		expect_fault(op, vector, d->error, op->length);
		break;
	default:
		expect_fault(op, vector, d->error, lacks_fsgsbase(d) ? 0 : at);
		if (how == ANYWHERE)
			op->expect.judged = 0;
	}
}

static void iret_frame(struct hostile_op *op)
{
	op->regs[REG_RSI] = HOSTILE_CODE_VA + op->length;
	op->regs[REG_RAX] = USER_CS;
	op->regs[REG_RDX] = RFLAGS_FIXED | RFLAGS_IF;
	op->regs[REG_RBX] = HOSTILE_STACK_TOP;
	op->regs[REG_RCX] = USER_DS;
}

/* What registers and memory the operation of CODE needs. */
static void prepare(const struct hostile_world *world, const u8 *code, struct hostile_op *op)
{
	op->regs[REG_RDI] = HOSTILE_SCRATCH_VA;
	op->regs[REG_RAX] = 0;
	op->regs[REG_RBX] = cpu_area(world->cpu);
	if (code == op_write_cr3 || code == op_write_cr0 || code == op_write_cr4)
		op->regs[REG_RAX] = world->task->mm.root;
	if (code == op_rdmsr || code == op_wrmsr)
		op->regs[REG_RCX] = MSR_LSTAR;
	if (code == op_ldt_selector)
		op->regs[REG_RAX] = 0xf;
	if (code == op_de)
		op->regs[REG_RCX] = 0;
	if (code == op_de_min) {
		op->regs[REG_RAX] = 0x80000000;
		op->regs[REG_RDX] = 0xffffffff;
		op->regs[REG_RCX] = 0xffffffff;
	}
	if (code == op_in_byte || code == op_out_long || code == op_ins || code == op_outs)
		op->regs[REG_RDX] = 0x64; /* where a byte resets the machine */
	if (code == op_out_long)
		op->regs[REG_RAX] = 0xfe;
	if (code == op_call_near)
		op->regs[REG_RDI] = 0x800000000000;
	if (code == op_enter_frame || code == op_spin_wild_stack)
		op->rsp = op->regs[REG_RBX] = 0x8000000000000000;
	if (code == op_leave_frame)
		op->regs[REG_RBP] = 0x8000000000000000;
	if (code == op_cmpxchg16b)
		op->regs[REG_RDI] = HOSTILE_SCRATCH_VA + 8;
	if (code == op_straddle)
		op->regs[REG_RDI] = HOSTILE_PAGE_VA + PAGE_SIZE - 4;
	if (code == op_rep_movs) {
		op->regs[REG_RSI] = HOSTILE_PAGE_VA + PAGE_SIZE - 16;
		op->regs[REG_RCX] = 64;
	}
	if (code == op_iret_nested)
		iret_frame(op);
	op->at_end = code == op_syscall_last;
	op->breakpoint = code == op_mov_ss_syscall || code == op_mov_ss_int3;
	op->ring0_db = op->breakpoint;
	op->scratch[0] = USER_DS;
}

/* What is known beyond vector, error code and place. */
static void refine(const u8 *code, struct hostile_op *op)
{
	if (code == op_straddle || code == op_rep_movs) {
		op->expect.address = HOSTILE_PAGE_VA + PAGE_SIZE;
		op->expect.judged |= JUDGE_ADDRESS;
	}
	if (code == op_syscall_last) { /* the call was made; its way back led out of user space */
		op->expect.error |= cpu_features.nx || cpu_features.smep ? PF_INSTR : 0;
		op->expect.address = op->expect.rip = USER_END;
		op->expect.judged = JUDGE_ADDRESS | JUDGE_RIP;
	}
	if (code == op_call_near) /* AMD faults at the target */
		op->expect.judged &= ~JUDGE_RIP;
}

void hostile_directed_op(const struct hostile_world *world, u64 index, struct hostile_op *op)
{
	const struct directed *d;

	hostile_op_init(op, index);
	if (index >= ARRAY_SIZE(directed)) {
		u64 rest = index - ARRAY_SIZE(directed);
		struct hostile_area area = hostile_area(world, rest % HOSTILE_AREAS);

		hostile_access_op(world, (u32)(rest / HOSTILE_AREAS), &area, op);
		return;
	}
	d = &directed[index];
	hostile_name(op, "%s", d->name);
	prepare(world, d->code, op);
	hostile_code(op, d->code, d->end);
	if (d->code == op_iret_nested)
		iret_frame(op);
	expect(d, op);
	refine(d->code, op);
}
