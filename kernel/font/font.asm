; SPDX-License-Identifier: MIT
;
; The console fonts, as they come (kernel/font/LICENSE): 8x16 in PSF version 1, 16x32 in version 2.
; Each ends where its _end symbol stands.

section .rodata align=16

global font_spleen_8x16
global font_spleen_8x16_end
global font_spleen_16x32
global font_spleen_16x32_end

font_spleen_8x16:
	incbin "kernel/font/spleen-8x16.psf"
font_spleen_8x16_end:

align 16
font_spleen_16x32:
	incbin "kernel/font/spleen-16x32.psf"
font_spleen_16x32_end:
