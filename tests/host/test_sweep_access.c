// sources: kernel/sweep_access.c
/* SPDX-License-Identifier: MIT */
/*
 * Which instructions count as accesses: byte strings with their meaning, by the SDM. Each lies at
 * the end of an allocation of its own, so that a look behind its ModRM is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/sweep_paths.h"

const char policy_text_start[1], policy_text_end[1];
const char policy_noinstr_start[1], policy_noinstr_end[1];

struct row {
	const char *code; /* hex */
	const char *text;
};

static const struct row accesses[] = {
	/* Of range_list_drain(): its own words lie by RBP. */
	{"65488b2c2500000000", "mov %gs:0x0,%rbp"},
	{"8b4d44", "mov 0x44(%rbp),%ecx"},
	{"894d44", "mov %ecx,0x44(%rbp)"},
	{"488b06", "mov (%rsi),%rax"},
	{"498944d6f8", "mov %rax,-0x8(%r14,%rdx,8)"},
	{"4b8b34fe", "mov (%r14,%r15,8),%rsi"},
	/* R12 and R13 are coded as RSP and RBP, but for REX.B. */
	{"498b0424", "mov (%r12),%rax"},
	{"498b4500", "mov 0x0(%r13),%rax"},
	{"43c70400ffffffff", "movl $-1,(%r8,%r8)"},
	{"410fb64504", "movzbl 0x4(%r13),%eax"},
	{"488b442d00", "mov 0x0(%rbp,%rbp),%rax"},
	{"8b042500000000", "mov 0x0,%eax"},
	{"488b0500000000", "mov 0x0(%rip),%rax"},
	{"6544890c24", "mov %r9d,%gs:(%rsp)"},
	{"f00fba6c240800", "lock btsl $0,0x8(%rsp)"},
	{"f0834424fc00", "lock addl $0,-0x4(%rsp)"},
	{"480fb13b", "cmpxchg %rdi,(%rbx)"},
	{"871f", "xchg %ebx,(%rdi)"},
	{"ff5308", "call *0x8(%rbx)"},
	/* No ModRM follows. */
	{"a0c0c0c0c0c0c0c0c0", "movabs 0xc0c0c0c0c0c0c0c0,%al"},
	{"48a3c0c0c0c0c0c0c0c0", "movabs %rax,0xc0c0c0c0c0c0c0c0"},
	{"a4", "movsb"},
	{"f348a5", "rep movsq"},
	{"48a7", "cmpsq"},
	{"aa", "stosb"},
	{"f348ab", "rep stosq"},
	{"48ad", "lodsq"},
	{"f2ae", "repne scasb"},
	{"af", "scasl"},
	/* The TLB. */
	{"0f0138", "invlpg (%rax)"},
	{"660f38820424", "invpcid (%rsp),%rax"},
	{"0f22d8", "mov %rax,%cr3"},
	{"0f30", "wrmsr"},
	{"480f07", "sysretq"},
};

static const struct row others[] = {
	{"488b0424", "mov (%rsp),%rax"},
	{"4889442408", "mov %rax,0x8(%rsp)"},
	{"4c897c2408", "mov %r15,0x8(%rsp)"},
	{"4a8b04fc", "mov (%rsp,%r15,8),%rax"},
	{"0fb6442408", "movzbl 0x8(%rsp),%eax"},
	{"4889e5", "mov %rsp,%rbp"},
	{"4983c501", "add $1,%r13"},
	{"488d5d40", "lea 0x40(%rbp),%rbx"},
	{"498d0424", "lea (%r12),%rax"},
	{"55", "push %rbp"},
	{"4155", "push %r13"},
	{"415c", "pop %r12"},
	{"a801", "test $1,%al"},
	{"48a900000000", "test $0,%rax"},
	{"b801000000", "mov $1,%eax"},
	{"0f84ea000000", "je"},
	{"660f1f440000", "nopw 0x0(%rax,%rax,1)"},
	{"e8a7e9ffff", "call"},
	{"c3", "ret"},
	{"48cf", "iretq"},
	{"fb", "sti"},
};

static bool is_access(const struct row *row)
{
	size_t length = strlen(row->code) / 2;
	u8 *code = malloc(length);
	bool shared;

	assert_non_null(code);
	for (size_t i = 0; i < length; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(row->code + 2 * i, "%2x", &byte), 1);
		code[i] = (u8)byte;
	}
	shared = touches_shared((u64)(uintptr_t)code);
	free(code);
	return shared;
}

static void test_accesses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
		if (!is_access(&accesses[i]))
			fail_msg("not an access: %s", accesses[i].text);
}

static void test_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (is_access(&others[i]))
			fail_msg("an access: %s", others[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accesses),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
