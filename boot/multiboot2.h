/* SPDX-License-Identifier: MIT */
/*
 * Boot information as a Multiboot2 loader hands it over (Multiboot2 specification 2.0, section
 * 3.6): a list of tags in memory, which is believed in nothing.
 */
#pragma once

#include "boot/boot_info.h"

#define MULTIBOOT2_BOOTLOADER_MAGIC                                                                \
	0x36d76289 /* in EAX at entry; EBX points to the information                               \
		    */

/*
 * Copies what the information says to *out. AVAIL: how many bytes at INFO can be read; none behind
 * them, nor behind the information's own total size, is touched. INFO must be aligned to 8 as the
 * specification promises, which is checked. The firmware counts as UEFI if any EFI tag is there.
 *
 * Returns NULL, or an error text that names what is wrong; *out then holds nothing to rely on.
 */
const char *multiboot2_parse(const void *info, size_t avail, struct boot_info *out);
