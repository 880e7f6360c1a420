// sources: boot/multiboot2.c boot/boot_info.c boot/mem_map.c
/* SPDX-License-Identifier: MIT */
/*
 * Multiboot2 information made of anything: as it is, and with a total size that is right, so that
 * mutations which change the length still reach the tags.
 */
#include "boot/multiboot2.h"
#include "tests/host/boot_invariants.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void parse(const u8 *data, size_t size, bool right_size)
{
	static struct boot_info info;
	u8 *copy = malloc(size ? size : 1);
	u32 total = (u32)size;
	const char *error;

	if (size)
		memcpy(copy, data, size);
	if (right_size && size >= sizeof(total))
		memcpy(copy, &total, sizeof(total));
	memset(&info, 0xa5, sizeof(info));
	error = multiboot2_parse(copy, size, &info);
	free(copy);
	if (error)
		PROMISE(error[0]);
	else
		check_boot_info(&info);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	parse(data, size, false);
	parse(data, size, true);
	return 0;
}
