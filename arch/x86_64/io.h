/* SPDX-License-Identifier: MIT */
/*
 * Port I/O. Real functions, not inline ones: a host test that drives a device model defines them
 * itself and links without io.c. Nothing here is for noinstr code.
 */
#pragma once

#include "arch/x86_64/types.h"

u8 io_in8(u16 port);
u16 io_in16(u16 port);
void io_out8(u16 port, u8 value);
void io_out16(u16 port, u16 value);
void io_out32(u16 port, u32 value);
