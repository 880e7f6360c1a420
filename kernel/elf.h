/* SPDX-License-Identifier: MIT */
/*
 * Ring-3 programs: what a static ELF64 executable for x86-64 asks to be mapped (System V gABI,
 * chapters 4 and 5). Only the check is here; the task loader does the mapping and can rely on all
 * that struct elf_program promises, whatever file the user brought.
 */
#pragma once

#include "arch/x86_64/types.h"

#define USER_MIN 0x10000ULL
#define USER_STACK_SPACE                                                                           \
	MIB(16) /* kept free below the end of user space for stack and data pages */
#define USER_MAX (0x7ffffffff000ULL - USER_STACK_SPACE)

#define ELF_MAX_SEGMENTS 16
#define ELF_MAX_MEMORY	 MIB(64) /* of all segments together, in whole pages */

/*
 * Bytes [vaddr, vaddr+file_size) come from file_offset .. of the image, the rest up to
 * vaddr+mem_size is zero. Everything is readable; never both writable and executable.
 */
struct elf_segment {
	u64 vaddr, mem_size;
	u64 file_offset, file_size;
	bool writable, executable;
};

/*
 * Of the segments: 0 < mem_size, file_size <= mem_size; all lie in [USER_MIN, USER_MAX) and their
 * file ranges in the image; vaddr and file_offset agree modulo the page size; no two of them touch
 * the same page. The entry is within the file bytes of an executable one.
 */
struct elf_program {
	u64 entry;
	struct elf_segment segments[ELF_MAX_SEGMENTS];
	u32 nr_segments;
};

/*
 * Checks LEN bytes at IMAGE (any alignment) and fills *out. Returns NULL, or an error text that
 * names what is wrong; *out is then not to be used.
 */
const char *elf_check(const void *image, size_t len, struct elf_program *out);
