/* SPDX-License-Identifier: MIT */
/*
 * The fonts that are part of the kernel's image (kernel/font/font.asm).
 */
#pragma once

extern const char font_spleen_8x16[], font_spleen_8x16_end[];
extern const char font_spleen_16x32[], font_spleen_16x32_end[];
