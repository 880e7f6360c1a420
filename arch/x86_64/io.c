/* SPDX-License-Identifier: MIT */
/*
 * Port I/O, one instruction a function (SDM Vol 2, IN and OUT). The memory clobber keeps ordinary
 * stores before the port access that tells a device of them.
 */
#include "arch/x86_64/io.h"

u8 io_in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

u16 io_in16(u16 port)
{
	u16 value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void io_out8(u16 port, u8 value)
{
	__asm__ volatile("outb %b0, %w1" ::"a"(value), "Nd"(port) : "memory");
}

void io_out16(u16 port, u16 value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

void io_out32(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %w1" ::"a"(value), "Nd"(port) : "memory");
}
