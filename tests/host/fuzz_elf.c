// sources: kernel/elf.c
/* SPDX-License-Identifier: MIT */
/*
 * A program made of anything. What is accepted is then read as the task loader would read it, and
 * must keep the promises of kernel/elf.h.
 */
#include "kernel/elf.h"
#include "tests/host/boot_invariants.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_segment(const struct elf_program *program, u32 index, const u8 *image)
{
	const struct elf_segment *s = &program->segments[index];
	u64 sum = 0;

	PROMISE(s->mem_size > 0 && s->file_size <= s->mem_size);
	PROMISE(s->vaddr >= 0x10000 && s->vaddr < 0x7ffffefff000);
	PROMISE(s->vaddr + s->mem_size > s->vaddr && s->vaddr + s->mem_size <= 0x7ffffefff000);
	PROMISE((s->vaddr & 0xfff) == (s->file_offset & 0xfff));
	PROMISE(!(s->writable && s->executable));
	for (u64 i = 0; i < s->file_size; i++)
		sum += image[s->file_offset + i];
	PROMISE(sum <= 255 * s->file_size);
	for (u32 i = 0; i < index; i++) {
		const struct elf_segment *t = &program->segments[i];
		u64 s_end = ALIGN_UP(s->vaddr + s->mem_size, PAGE_SIZE);
		u64 t_end = ALIGN_UP(t->vaddr + t->mem_size, PAGE_SIZE);

		PROMISE(ALIGN_DOWN(s->vaddr, PAGE_SIZE) >= t_end ||
			ALIGN_DOWN(t->vaddr, PAGE_SIZE) >= s_end);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct elf_program program;
	u8 *copy = malloc(size + 1);
	const char *error;
	bool entry = false;
	u64 pages = 0;

	if (size)
		memcpy(copy + 1, data, size);
	memset(&program, 0xa5, sizeof(program));
	error = elf_check(copy + 1, size, &program);
	if (error) {
		PROMISE(error[0]);
		free(copy);
		return 0;
	}
	PROMISE(program.nr_segments >= 1 && program.nr_segments <= ELF_MAX_SEGMENTS);
	for (u32 i = 0; i < program.nr_segments; i++) {
		const struct elf_segment *s = &program.segments[i];

		check_segment(&program, i, copy + 1);
		entry |= s->executable && program.entry >= s->vaddr &&
			 program.entry < s->vaddr + s->file_size;
		pages += (ALIGN_UP(s->vaddr + s->mem_size, PAGE_SIZE) -
			  ALIGN_DOWN(s->vaddr, PAGE_SIZE)) /
			 PAGE_SIZE;
	}
	PROMISE(entry && pages <= MIB(64) / PAGE_SIZE);
	free(copy);
	return 0;
}
