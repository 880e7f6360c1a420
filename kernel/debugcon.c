/* SPDX-License-Identifier: MIT */
/*
 * See debugcon.h.
 */
#include "kernel/debugcon.h"

#include "arch/x86_64/io.h"

#define PORT_DEBUGCON 0xe9

bool debugcon_present(void)
{
	return io_in8(PORT_DEBUGCON) == 0xe9;
}

void debugcon_write(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		io_out8(PORT_DEBUGCON, (u8)s[i]);
}
