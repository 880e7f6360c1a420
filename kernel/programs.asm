; SPDX-License-Identifier: MIT
;
; The ring-3 programs as built-ins, for a kernel that was started without modules.

section .rodata progbits alloc noexec nowrite align=16

%macro PROGRAM 2
	align 16
	global program_%1_start, program_%1_end
program_%1_start:
	incbin %2
program_%1_end:
%endmacro

	PROGRAM spin, "user/spin.elf"
	PROGRAM bounce, "user/bounce.elf"
	PROGRAM null, "user/null.elf"
	PROGRAM step, "user/step.elf"
	PROGRAM hostile, "user/hostile.elf"
	PROGRAM victim, "user/victim.elf"
	PROGRAM crusty, "user/crusty.elf"
	PROGRAM test_loop, "user/test_loop.elf"
	PROGRAM test_doors, "user/test_doors.elf"
