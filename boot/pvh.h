/* SPDX-License-Identifier: MIT */
/*
 * Boot information as a PVH loader hands it over (Xen, public/arch-x86/hvm/start_info.h; the
 * physical address comes in EBX). QEMU's -kernel starts an ELF64 kernel this way.
 */
#pragma once

#include "boot/boot_info.h"

/*
 * Copies what the start information says to *out. MAP makes LEN bytes at physical address PHYS
 * readable and returns where, or NULL if it cannot; what it returned is not used after the next
 * call. It is asked for at most one structure or up to the end of a page at a time, never for
 * addresses that wrap. Version 0 has no memory map and is refused.
 *
 * Returns NULL, or an error text that names what is wrong; *out then holds nothing to rely on.
 */
const char *pvh_parse(phys_addr_t start_info, const void *(*map)(phys_addr_t phys, size_t len),
		      struct boot_info *out);
