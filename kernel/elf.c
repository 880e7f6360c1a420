/* SPDX-License-Identifier: MIT */
/*
 * The check of ring-3 programs. Sums are never formed from the file's numbers before they are known
 * not to wrap: a range is checked as "begin <= limit and length <= limit - begin".
 */
#include "kernel/elf.h"

#include "arch/x86_64/string.h"

struct elf_header {
	u8 ident[16];
	u16 type;
	u16 machine;
	u32 version;
	u64 entry;
	u64 phoff;
	u64 shoff;
	u32 flags;
	u16 ehsize;
	u16 phentsize;
	u16 phnum;
	u16 shentsize;
	u16 shnum;
	u16 shstrndx;
};

struct elf_phdr {
	u32 type;
	u32 flags;
	u64 offset;
	u64 vaddr;
	u64 paddr;
	u64 filesz;
	u64 memsz;
	u64 align;
};

_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_phdr) == 56, "gABI, ELF64");

enum { ELFCLASS64 = 2, ELFDATA2LSB = 1, EV_CURRENT = 1, ET_EXEC = 2, EM_X86_64 = 62 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_TLS = 7 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

static const char *check_header(const struct elf_header *header, size_t len)
{
	if (memcmp(header->ident, "\177ELF", 4) != 0)
		return "ELF: wrong magic number";
	if (header->ident[4] != ELFCLASS64)
		return "ELF: not a 64-bit file";
	if (header->ident[5] != ELFDATA2LSB)
		return "ELF: not little-endian";
	if (header->ident[6] != EV_CURRENT || header->version != EV_CURRENT)
		return "ELF: unknown version";
	if (header->machine != EM_X86_64)
		return "ELF: not for x86-64";
	if (header->type != ET_EXEC)
		return "ELF: not a static executable (ET_EXEC); link with -static -no-pie";
	if (header->phnum == 0)
		return "ELF: no program headers";
	if (header->phentsize != sizeof(struct elf_phdr))
		return "ELF: program headers are not of 56 bytes";
	if (header->phoff > len || header->phnum * sizeof(struct elf_phdr) > len - header->phoff)
		return "ELF: program headers lie outside the file";
	return NULL;
}

static const char *check_load(const struct elf_phdr *phdr, size_t len)
{
	if (phdr->offset > len || phdr->filesz > len - phdr->offset)
		return "ELF: a segment lies outside the file";
	if (phdr->filesz > phdr->memsz)
		return "ELF: a segment is larger in the file than in memory";
	if (phdr->vaddr < USER_MIN || phdr->vaddr >= USER_MAX ||
	    phdr->memsz > USER_MAX - phdr->vaddr)
		return "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000";
	if (phdr->vaddr % PAGE_SIZE != phdr->offset % PAGE_SIZE)
		return "ELF: a segment's address and file offset differ within the page";
	if (!(phdr->flags & PF_R))
		return "ELF: a segment is not readable";
	if (phdr->flags & PF_W && phdr->flags & PF_X)
		return "ELF: a segment is both writable and executable";
	return NULL;
}

static u64 first_page(const struct elf_segment *segment)
{
	return segment->vaddr / PAGE_SIZE;
}

static u64 last_page(const struct elf_segment *segment)
{
	return (segment->vaddr + segment->mem_size - 1) / PAGE_SIZE;
}

static const char *add_segment(struct elf_program *out, const struct elf_phdr *phdr)
{
	struct elf_segment segment = {
		.vaddr = phdr->vaddr,
		.mem_size = phdr->memsz,
		.file_offset = phdr->offset,
		.file_size = phdr->filesz,
		.writable = phdr->flags & PF_W,
		.executable = phdr->flags & PF_X,
	};
	u64 pages = last_page(&segment) - first_page(&segment) + 1;

	for (u32 i = 0; i < out->nr_segments; i++) {
		const struct elf_segment *other = &out->segments[i];

		if (first_page(&segment) <= last_page(other) &&
		    first_page(other) <= last_page(&segment))
			return "ELF: two segments share a page";
		pages += last_page(other) - first_page(other) + 1;
	}
	if (pages > ELF_MAX_MEMORY / PAGE_SIZE)
		return "ELF: more than 64 MiB of memory";
	if (out->nr_segments == ELF_MAX_SEGMENTS)
		return "ELF: more than 16 segments";
	out->segments[out->nr_segments++] = segment;
	return NULL;
}

static const char *check_phdr(const struct elf_phdr *phdr, size_t len, struct elf_program *out)
{
	const char *error;

	switch (phdr->type) {
	case PT_INTERP:
		return "ELF: needs an interpreter (PT_INTERP); link with -static -no-pie";
	case PT_DYNAMIC:
		return "ELF: dynamically linked (PT_DYNAMIC); link with -static -no-pie";
	case PT_TLS:
		return "ELF: has thread-local storage (PT_TLS), which programs here do not get";
	case PT_LOAD:
		/* Linkers may leave an empty one, of which nothing but its flags is meaningful. */
		if (phdr->memsz == 0 && phdr->filesz == 0)
			return NULL;
		error = check_load(phdr, len);
		return error ? error : add_segment(out, phdr);
	default:
		return NULL;
	}
}

static bool is_code(const struct elf_program *program, u64 addr)
{
	for (u32 i = 0; i < program->nr_segments; i++) {
		const struct elf_segment *segment = &program->segments[i];

		if (segment->executable && addr >= segment->vaddr &&
		    addr - segment->vaddr < segment->file_size)
			return true;
	}
	return false;
}

const char *elf_check(const void *image, size_t len, struct elf_program *out)
{
	struct elf_header header;
	const char *error;

	memset(out, 0, sizeof(*out));
	if (len < sizeof(header))
		return "ELF: shorter than its header";
	memcpy(&header, image, sizeof(header));
	error = check_header(&header, len);
	for (u32 i = 0; !error && i < header.phnum; i++) {
		struct elf_phdr phdr;

		memcpy(&phdr, (const u8 *)image + header.phoff + i * sizeof(phdr), sizeof(phdr));
		error = check_phdr(&phdr, len, out);
	}
	if (error)
		return error;
	if (out->nr_segments == 0)
		return "ELF: no segments to load";
	if (!is_code(out, header.entry))
		return "ELF: the entry point is not in an executable segment";
	out->entry = header.entry;
	return NULL;
}
