/* SPDX-License-Identifier: MIT */
/*
 * What the SDM lets ring 3 do, in this kernel's terms: the GDT of arch/x86_64/descriptors.h as a
 * reader of its drawing would judge it, and system calls as user/syscall.h describes them. Written
 * from the manuals; nothing here asks the code that is tested.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/hostile.h"
#include "user/syscall.h"

/* Indices of the GDT, and the first beyond it. */
enum { GDT_NULL, GDT_KERNEL_CODE, GDT_KERNEL_DATA, GDT_UNUSED, GDT_USER_DATA, GDT_USER_CODE };

#define SELECTOR_TI 4
#define RPL(s)	    ((s)&3)

/* RFLAGS that POPFQ changes at CPL 3 with IOPL 0 (SDM Vol 2, POPF, table 4-16): all but IF, IOPL,
 * RF, VM, VIF, VIP and what is reserved. */
#define POPF_FLAGS 0x244dd5UL

bool hostile_canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va;
}

/*
 * SDM Vol 2, MOV and LDS (segment registers), JMP, RET and IRET (far). The error code is the
 * selector without its RPL; with TI set there is no table, LDTR being null.
 */
bool hostile_selector(enum selector_use use, u16 selector, u32 *error)
{
	bool null = selector < 4;
	u32 index = selector >> 3;

	*error = null ? 0 : selector & 0xfffcU;
	if (null)
		return use == USE_DATA;
	if (selector & SELECTOR_TI)
		return false;
	switch (use) {
	case USE_DATA: /* DPL 3 is no less than CPL and any RPL; the code is readable */
		return index == GDT_USER_DATA || index == GDT_USER_CODE;
	case USE_SS: /* RPL has to be CPL */
		return index == GDT_USER_DATA && RPL(selector) == 3;
	case USE_FAR_JUMP: /* RPL may be less */
		return index == GDT_USER_CODE;
	case USE_FAR_RETURN: /* to an inner ring: never */
		return index == GDT_USER_CODE && RPL(selector) == 3;
	}
	return false;
}

u64 hostile_popf(u64 value)
{
	return (value & POPF_FLAGS) | RFLAGS_FIXED | RFLAGS_IF;
}

bool hostile_readable(const struct hostile_world *world, u64 va, u64 length)
{
	if (va >= USER_END || length > USER_END - va)
		return false;
	if (!length)
		return true;
	for (u64 page = ALIGN_DOWN(va, PAGE_SIZE); page < va + length; page += PAGE_SIZE) {
		u64 flags;

		if (!walk(world->task->mm.root, page, NULL, &flags) || !(flags & PTE_USER))
			return false;
	}
	return true;
}

u64 hostile_syscall(const struct hostile_world *world, u64 number, u64 a, u64 b)
{
	switch (number) {
	case SYS_NULL:
	case SYS_PROBE:
		return 0;
	case SYS_WRITE:
		return b <= SYS_WRITE_MAX && hostile_readable(world, a, b) ? b : (u64)-1;
	default:
		return SYS_UNKNOWN;
	}
}
