; SPDX-License-Identifier: MIT
;
; Doors for the tests of tools/zone.py, one a case. A line that must be reported ends with "; !" and
; what has to be said of it; a case without one must pass. GS base points to a block of 4 KiB:
; +0 itself, +8 the top of the entry stack, +16 a pointer into vmalloc'd memory. Every way ends at
; zone_end, on the entry stack.

section .noinstr.text progbits alloc exec nowrite align=16
global code_start, code_end, zone_end
code_start:

%macro CASE 1
global case_%1
case_%1:
%endmacro

; --- What is right -----------------------------------------------------------------------------

CASE plain
	swapgs
	mov rsp, [gs:8]
	push rax
	call bump
	pop rax
	jmp zone_end
bump:
	inc qword [gs:24]
	ret

CASE small_loop
	swapgs
	xor eax, eax
.next:
	inc qword [gs:64 + rax * 8]
	add eax, 1
	cmp eax, 4
	jb .next
	mov rsp, [gs:8]
	jmp zone_end

CASE bounded_index
	swapgs
	mov rsp, [gs:8]
	mov eax, [gs:24]
	and eax, 15
	inc qword [gs:64 + rax * 8]
	jmp zone_end

CASE constant_table
	swapgs
	mov rsp, [gs:8]
	call [rel fixed_table]
	jmp zone_end

CASE copied_words
	swapgs
	mov rsp, [gs:8]
	push qword 0x10
	push qword 0x20
	sub rsp, 16
	lea rsi, [rsp + 16]
	mov rdi, rsp
	mov ecx, 2
	rep movsq
	mov rax, [rsp + 8]
	inc qword [gs:64 + rax]
	mov rsp, [gs:8]
	jmp zone_end

CASE changed_bit
	swapgs
	mov rsp, [gs:8]
	xor eax, eax
	bts rax, 3
	inc qword [gs:64 + rax]
	jmp zone_end

CASE bit_of_a_map
	swapgs
	mov rsp, [gs:8]
	mov eax, [gs:24]
	and eax, 127
	bt qword [gs:128], rax
	jmp zone_end

; Regions lie apart: an address in one is none in another.
CASE other_region
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:40]
	cmp rax, rsp
	jne zone_end
	div rcx
	jmp zone_end

; --- What is not -------------------------------------------------------------------------------

CASE vmalloc_pointer
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:16]
	mov rdx, [rax]			; ! region vmalloc must not be touched
	jmp zone_end

CASE unknown_pointer
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:32]
	mov [rax + 8], rdx		; ! a pointer of which nothing is known
	jmp zone_end

CASE early_stack
	swapgs
	mov rsp, [gs:40]
	push rax			; ! region vmalloc must not be touched
	mov rsp, [gs:8]
	jmp zone_end

CASE user_stack
	swapgs
	push rax			; ! a pointer of which nothing is known
	mov rsp, [gs:8]
	jmp zone_end

CASE traced
	swapgs
	mov rsp, [gs:8]
	call traced			; ! not in the sections of the zone
	jmp zone_end

CASE vmalloc_table
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:16]
	jmp [rax + 8]			; ! region vmalloc must not be touched

CASE unknown_call
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:32]
	call rax			; ! indirect call to a target that is not known
	jmp zone_end

CASE written_table
	swapgs
	mov rsp, [gs:8]
	call [rel open_table]		; ! indirect call to a target that is not known
	jmp zone_end

global tells
CASE behind
	swapgs
	mov rsp, [gs:8]
	call tells
	div rcx				; ! not known to be harmless
	jmp zone_end
tells:
	ret

CASE divides
	swapgs
	mov rsp, [gs:8]
	div rcx				; ! not known to be harmless
	jmp zone_end

CASE waits
	swapgs
.again:
	cmp dword [gs:48], 0
	jne .again			; ! without a written bound
	mov rsp, [gs:8]
	jmp zone_end

CASE recurses
	swapgs
	mov rsp, [gs:8]
deeper:
	call deeper			; ! calls nest deeper
	jmp zone_end

CASE no_swapgs
	mov rsp, [gs:8]			; ! GS is not the per-CPU block
	jmp zone_end

CASE loose_index
	swapgs
	mov rsp, [gs:8]
	mov eax, [gs:24]
	and eax, 0xffff
	inc qword [gs:64 + rax * 8]	; ! no part of region area
	jmp zone_end

CASE deep_stack
	swapgs
	mov rsp, [gs:8]
	sub rsp, 0x1800
	push rax			; ! no part of region area
	jmp zone_end

CASE lost_return
	swapgs
	mov rsp, [gs:8]
	call smash
	jmp zone_end
smash:
	mov [rsp], rax
	ret				; ! the return address is not certainly on the stack

CASE writes_fact
	swapgs
	mov rsp, [gs:8]
	mov [gs:8], rax			; ! taken for constant
	jmp zone_end

CASE writes_table
	swapgs
	mov rsp, [gs:8]
	mov [rel fixed_table], rax	; ! which is read-only
	jmp zone_end

CASE enables
	swapgs
	mov rsp, [gs:8]
	sti				; ! not known to be harmless
	jmp zone_end

CASE enables_by_flags
	swapgs
	mov rsp, [gs:8]
	push qword 0x202
	popfq				; ! may enable interrupts
	jmp zone_end

CASE string
	swapgs
	mov rsp, [gs:8]
	rep stosb			; ! prefix rep
	jmp zone_end

CASE copy_too_far
	swapgs
	mov rsp, [gs:8]
	mov rdi, [gs:0]
	add rdi, 0xff8
	mov ecx, 2
	rep stosq			; ! no part of region area
	jmp zone_end

CASE bit_beyond_the_map
	swapgs
	mov rsp, [gs:8]
	mov eax, [gs:24]
	and eax, 0x7fff
	bt qword [gs:128], rax		; ! no part of region area
	jmp zone_end

CASE bit_anywhere
	swapgs
	mov rsp, [gs:8]
	mov rax, [gs:24]
	bt qword [gs:128], rax		; ! a bit anywhere around its operand
	jmp zone_end

CASE other_msr
	swapgs
	mov rsp, [gs:8]
	mov ecx, 0xc0000102
	rdmsr				; ! rdmsr 0xc0000102: not named
	jmp zone_end

CASE wrong_root
	swapgs
	mov rsp, [gs:8]
	mov rax, cr3
	or rax, 0x1000
	mov cr3, rax			; ! switches to ring 3's root
	jmp zone_end

; An NMI may come from anywhere: it must not believe GS.
CASE nmi_believes_gs
	mov rax, [gs:16]		; ! GS is not the per-CPU block
	jmp zone_end

zone_end:
	hlt
code_end:

section .text
global traced
traced:	ret

section .rodata progbits alloc noexec nowrite align=8
global table_start, table_end
table_start:
fixed_table:
	dq bump
table_end:

section .data
global data_start, data_end
data_start:
open_table:
	dq bump
data_end:
