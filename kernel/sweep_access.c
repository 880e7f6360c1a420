/* SPDX-License-Identifier: MIT */
/*
 * Which instructions are accesses, see sweep_paths.h: as much decoding as that question needs.
 * (SDM Vol 2 2.1, 2.2 and appendix A.)
 */
#include "kernel/sweep_paths.h"

#define PREFIX_LOCK 0xf0
#define ESCAPE	    0x0f
#define REX_B	    BIT(0)

/* What stands before the opcode. */
struct prefixes {
	bool segment;
	u8 rex;
};

/*
 * ModRM: a memory operand, and not one by RSP. RBP is a register like others here; R12, which is
 * coded as RSP is, differs by REX.B.
 */
static bool operand_is_shared(const u8 *modrm, struct prefixes prefixes)
{
	u8 mod = *modrm >> 6, rm = *modrm & 7;

	if (mod == 3)
		return false;
	if (prefixes.segment) /* GS: the CPU's own block, which initiators write to */
		return true;
	return rm != 4 || (modrm[1] & 7) != 4 || (prefixes.rex & REX_B);
}

/*
 * One-byte opcodes without ModRM that touch memory: MOV by an address, MOVS, CMPS,
 * STOS, LODS, SCAS.
 */
static bool touches_by_itself(u8 opcode)
{
	return (opcode >= 0xa0 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
}

/* One-byte opcodes without ModRM, and LEA, which touches nothing. */
static bool has_no_operand(u8 opcode)
{
	return (opcode >= 0x50 && opcode <= 0x5f) || (opcode & 0xf0) == 0x70 ||
	       (opcode >= 0x90 && opcode <= 0x9f) || (opcode >= 0xb0 && opcode <= 0xbf) ||
	       (opcode & 0xfe) == 0xa8 || (opcode < 0x40 && (opcode & 7) >= 4) || opcode == 0x68 ||
	       opcode == 0x6a || opcode == 0x8d || opcode == 0xc2 || opcode == 0xc3 ||
	       opcode == 0xc9 || opcode == 0xcc || opcode == 0xcf || opcode == 0xe8 ||
	       opcode == 0xe9 || opcode == 0xeb || opcode == 0xf4 ||
	       (opcode >= 0xf8 && opcode <= 0xfd);
}

static bool escape_is_shared(const u8 *code, struct prefixes prefixes)
{
	switch (code[0]) {
	case 0x01: /* INVLPG among others */
	case 0x07: /* SYSRET */
	case 0x22: /* MOV to CR */
	case 0x30: /* WRMSR */
		return true;
	case 0x1f: /* NOP */
		return false;
	case 0x38: /* INVPCID: 0f 38 82 */
		return true;
	default:
		break;
	}
	if ((code[0] & 0xf0) == 0x80) /* Jcc */
		return false;
	return operand_is_shared(code + 1, prefixes);
}

bool touches_shared(u64 rip)
{
	const u8 *code = (const u8 *)rip;
	struct prefixes prefixes = {0};

	for (;; code++) {
		if (*code == PREFIX_LOCK)
			return true;
		if (*code == 0x64 || *code == 0x65)
			prefixes.segment = true;
		else if ((*code & 0xf0) == 0x40)
			prefixes.rex = *code;
		else if (*code != 0x66 && *code != 0xf2 && *code != 0xf3)
			break;
	}
	if (*code == ESCAPE)
		return escape_is_shared(code + 1, prefixes);
	if (touches_by_itself(*code))
		return true;
	if (has_no_operand(*code))
		return false;
	return operand_is_shared(code + 1, prefixes);
}

extern const char policy_text_start[], policy_text_end[];
extern const char policy_noinstr_start[], policy_noinstr_end[];

bool is_policy_text(u64 rip)
{
	return (rip >= (u64)policy_text_start && rip < (u64)policy_text_end) ||
	       (rip >= (u64)policy_noinstr_start && rip < (u64)policy_noinstr_end);
}
