; SPDX-License-Identifier: MIT
;
; The door of #DB while a CPU is stepped, see step.h. It has to leave the danger zone exactly as it
; is: no hook of a policy, no GS, no CR3, no memory but this door's own stack, this text and
; .entry.data, which every root maps.
;
; It returns by IRET, so that the next instruction traps again. IRET would also unblock NMIs, which
; is why no NMI handler may ever be stepped. None is: an NMI takes TF away by its gate, what its
; handler calls runs without TF, and TF comes back only with the flags of whatever the NMI struck.
; So no NMI is under way here, one may strike a CPU that waits here, and does what it always does.

%include "offsets.inc"

section .entry.text progbits alloc exec nowrite align=64

; The hardware frame, above the three registers saved here.
FRAME_RIP equ 24
FRAME_CS equ 32
FRAME_RFLAGS equ 40
FRAME_RSP equ 48
FRAME_SS equ 56
RFLAGS_FIXED equ 1 << 1
RFLAGS_TF equ 1 << 8

%macro STEP_TSC 0
	rdtsc
	shl rdx, 32
	or rax, rdx
%endmacro

global step_door
step_door:
	push rax
	push rcx
	push rdx
	test byte [rsp + FRAME_CS], 3
	jnz .ring3

; Where this instruction is: the zones count from their first one.
	mov rax, [rsp + FRAME_RIP]
	mov rcx, [rel step_state + STEP_POSITION]
	inc rcx
	lea rdx, [rel danger_zone_end]
	cmp rax, rdx
	jne .not_kernel
	mov ecx, STEP_KERNEL
.not_kernel:
	lea rdx, [rel exit_zone_begin]
	cmp rax, rdx
	jne .not_exit
	mov ecx, STEP_EXIT
.not_exit:
	mov [rel step_state + STEP_POSITION], rcx

; Notes it: one more of its zone, and its address as long as there is room.
	mov edx, ecx
	shr edx, STEP_ZONE_SHIFT
	movzx ecx, cx
	inc qword [step_state + STEP_LENGTH + rdx * 8]
	cmp ecx, STEP_TRACE_MAX
	jae .noted
	imul edx, edx, STEP_TRACE_MAX
	add edx, ecx
	mov [step_state + STEP_TRACE + rdx * 8], rax
.noted:
	mov rcx, [rel step_state + STEP_POSITION]
	cmp rcx, [rel step_state + STEP_WANTED]
	jne .out

; Stopped: says where, and waits for the word to go on, or too long.
	mov [rel step_state + STEP_RIP], rax
	STEP_TSC
	add rax, [rel step_state + STEP_LIMIT]
	mov rcx, rax
	inc qword [rel step_state + STEP_STOPS]
.wait:
	mov edx, 1024			; between two looks at the clock: see tsc.c
.look:
	mov rax, [rel step_state + STEP_RELEASED]
	cmp rax, [rel step_state + STEP_STOPS]
	je .out
	cmp qword [rel step_state + STEP_PAUSE], 0
	je .no_pause
	pause
.no_pause:
	dec edx
	jnz .look
	STEP_TSC
	cmp rax, rcx
	jb .wait
	mov qword [rel step_state + STEP_LATE], 1
.out:
	pop rdx
	pop rcx
	pop rax
	iretq

; Back in ring 3, or still there: the instruction between POPF and SYSCALL, if there is one.
.ring3:
	cmp qword [rel step_state + STEP_DOOR_RIP], 0
	jne .through_door
	cmp qword [rel step_state + STEP_LENGTH], 0
	je .out
	and dword [rsp + FRAME_RFLAGS], ~RFLAGS_TF
	mov qword [rel step_state + STEP_ENDED], 1
	jmp .out

; Ring 3 goes on as if an interrupt, or an NMI, had struck it here, but for TF, which a real one
; would take away: the frame that the CPU would have pushed lies where it would have pushed it, and
; IRET leads to the vector's stub. That one's first instruction traps behind itself: it is noted
; here.
.through_door:
	mov rcx, [rel step_state + STEP_DOOR_STACK]
%assign word 0
%rep 5
	mov rax, [rsp + FRAME_RIP + word * 8]
	mov [rcx - 40 + word * 8], rax
%assign word word + 1
%endrep
	sub rcx, 40
	mov [rsp + FRAME_RSP], rcx
	mov qword [rsp + FRAME_SS], 0
	mov qword [rsp + FRAME_CS], KERNEL_CS
	mov qword [rsp + FRAME_RFLAGS], RFLAGS_FIXED | RFLAGS_TF
	mov rax, [rel step_state + STEP_DOOR_RIP]
	mov [rsp + FRAME_RIP], rax
	mov qword [rel step_state + STEP_DOOR_RIP], 0
	mov qword [rel step_state + STEP_POSITION], 0
	mov qword [rel step_state + STEP_LENGTH], 1
	mov [rel step_state + STEP_TRACE], rax
	jmp .out

extern step_state, danger_zone_end, exit_zone_begin
