; SPDX-License-Identifier: MIT
;
; Code that is changed at boot, with tables as Linux 6.1 has them, for the tests of tools/zone.py. A
; case is a door; in each a DIV stands where the path must come, or must not.

section .alternatives progbits alloc noexec nowrite align=1
global alternatives
alternatives:
section .labels progbits alloc noexec nowrite align=1
global labels
labels:

section .text progbits alloc exec nowrite align=16
global code_start, code_end, zone_end
code_start:

%macro ALTERNATIVE 3		; a NOP of 5 bytes, replaced by code at %2 of %3 bytes, feature %1
	%%at: db 0x0f, 0x1f, 0x44, 0x00, 0x00
	[section .alternatives progbits alloc noexec nowrite align=1]
	dd %%at - $
	dd %2 - $
	dw %1
	db 5, %3
	__?SECT?__
%endmacro

%macro LABEL 2			; a NOP that may be a JMP to %1; %2: the key's address, and bit 0
	%%at: db 0x0f, 0x1f, 0x44, 0x00, 0x00
	[section .labels progbits alloc noexec nowrite align=1]
	dd %%at - $
	dd %1 - $
	dq %2 - $
	__?SECT?__
%endmacro

%define FEATURE	    5
%define NOT_FEATURE 5 | 0x8000
%define OTHER	    6

global case_if_there
case_if_there:
	ALTERNATIVE FEATURE, divides, 3
	jmp zone_end

global case_if_absent
case_if_absent:
	ALTERNATIVE NOT_FEATURE, divides, 3
	jmp zone_end

; What is left out is followed by what may be changed too.
global case_behind
case_behind:
	ALTERNATIVE FEATURE, divides, 0
	ALTERNATIVE OTHER, divides, 3
	jmp zone_end

global case_key
case_key:
	LABEL to_division, key
	jmp zone_end

global case_key_reversed
case_key_reversed:
	LABEL to_division, key + 1
	jmp zone_end

global case_thunk
case_thunk:
	lea rax, [rel to_division]
	jmp __x86_indirect_thunk_rax

global case_thunk_unknown
case_thunk_unknown:
	jmp __x86_indirect_thunk_rax

global case_return
case_return:
	swapgs
	mov rsp, [gs:8]
	call returns
	div rcx
	jmp zone_end
returns:
	jmp __x86_return_thunk

global case_static_call
case_static_call:
	swapgs
	mov rsp, [gs:8]
	call __SCT__hook
	jmp zone_end

to_division:
	div rcx
zone_end:
	nop

global __x86_indirect_thunk_rax, __x86_return_thunk, __SCT__hook
__x86_indirect_thunk_rax:
	ud2
__x86_return_thunk:
	ud2
__SCT__hook:
	ud2

divides:				; 3 bytes
	div rcx
code_end:

section .alternatives
global alternatives_end
alternatives_end:
section .labels
global labels_end
labels_end:

section .data align=16
global key, table_start, table_end, data_start, data_end
table_start:
	dq 0
table_end:
data_start:
key:
	dq 0, 0
data_end:
