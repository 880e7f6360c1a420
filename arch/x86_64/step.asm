; SPDX-License-Identifier: MIT
;
; The door of #DB while a CPU is stepped, see step.h. It has to leave the danger zone exactly as it
; is: no hook of a policy, no GS, no CR3, no memory but this door's own stack, this text and
; .entry.data, which every root maps.
;
; It returns by IRET, so that the next instruction traps again. IRET also unblocks NMIs: while an
; NMI's own handler is stepped, a second NMI would nest. Nobody sends one then; that is all that
; keeps it from happening, and so no scenario that steps an NMI has a second.
;
; While a CPU waits here, an NMI may strike it and be stepped in turn (the nested track). Its #DBs
; come in on this very stack, so what lies there is kept in the state while waiting, and put back.

%include "offsets.inc"

section .entry.text progbits alloc exec nowrite align=64

; The hardware frame, above the four registers saved here: STEP_FRAME_WORDS words in all.
FRAME_RIP equ 32
FRAME_CS equ 40
FRAME_RFLAGS equ 48
FRAME_RSP equ 56
FRAME_SS equ 64
FRAME_SIZE equ 72
RFLAGS_FIXED equ 1 << 1
RFLAGS_TF equ 1 << 8
RFLAGS_RF equ 1 << 16

%macro STEP_TSC 0
	rdtsc
	shl rdx, 32
	or rax, rdx
%endmacro

; Leads the frame here to the stub whose address is given, with RFLAGS %1, as if its vector had
; struck what was interrupted: the frame that the CPU would have pushed lies where it would have
; pushed it, TF as it is here.
%macro DIVERT_TO_DOOR 1
	mov rcx, [rbx + STEP_DOOR_STACK]
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
	mov qword [rsp + FRAME_RFLAGS], %1
	mov rax, [rbx + STEP_DOOR_RIP]
	mov [rsp + FRAME_RIP], rax
	mov qword [rbx + STEP_DOOR_RIP], 0
%endmacro

global step_door, step_resumes
step_door:
	push rax
	push rcx
	push rdx
	push rbx

; Whose it is: each CPU has a #DB stack of its own. Whoever strikes the waiting target is nested.
	lea rbx, [rel step_states]
	lea rax, [rsp + FRAME_SIZE]
	cmp rax, [rbx + STEP_STACK_TOP]
	jne .initiator
	cmp qword [rbx + STEP_WAITING], 0
	je .known
	add rbx, STEP_STATE_SIZE
	jmp .known
.initiator:
	add rbx, STEP_STATE_SIZE * STEP_INITIATOR
.known:
	test byte [rsp + FRAME_CS], 3
	jnz .ring3

; The breakpoint that a track begins with; IRET with RF set passes it. And the ends of a track: a
; given address, or, for one that struck a waiting CPU, the return to this text.
	mov rax, [rsp + FRAME_RIP]
	cmp rax, [rbx + STEP_ROUTE_BEGIN]
	jne .began
	or dword [rsp + FRAME_RFLAGS], RFLAGS_RF
	cmp qword [rbx + STEP_ACTIVE], 0
	je .out
	or dword [rsp + FRAME_RFLAGS], RFLAGS_TF
.began:
	cmp rax, [rbx + STEP_ROUTE_END]
	je .end
	lea rcx, [rel step_door]
	cmp rax, rcx
	jb .count
	lea rcx, [rel step_door_end]
	cmp rax, rcx
	jb .end

; Where this instruction is: the zones count from their first one. The last index of a zone stays
; where a CPU spins: one more would lead into the next zone. The first instruction raises
; STEP_NOWHERE to 0.
.count:
	mov rcx, [rbx + STEP_POSITION]
	inc rcx
	jz .in_zone
	test cx, cx
	jnz .in_zone
	dec rcx
.in_zone:
	cmp rax, [rbx + STEP_ROUTE_KERNEL]
	jne .not_kernel
	mov ecx, STEP_KERNEL
.not_kernel:
	cmp rax, [rbx + STEP_ROUTE_EXIT]
	jne .not_exit
	mov ecx, STEP_EXIT
.not_exit:
	mov [rbx + STEP_POSITION], rcx

; Notes it: one more of its zone, and its address as long as there is room.
	mov edx, ecx
	shr edx, STEP_ZONE_SHIFT
	movzx ecx, cx
	inc qword [rbx + STEP_LENGTH + rdx * 8]
	cmp ecx, STEP_TRACE_MAX
	jae .noted
	imul edx, edx, STEP_TRACE_MAX
	add edx, ecx
	mov [rbx + STEP_TRACE + rdx * 8], rax
.noted:
	cmp qword [rbx + STEP_WANTED], STEP_NEXT
	je .stop
	mov rcx, [rbx + STEP_POSITION]
	cmp rcx, [rbx + STEP_WANTED]
	jne .out

; Stopped: says where, and waits for the word to go on, or too long.
.stop:
	mov [rbx + STEP_RIP], rax
	mov rax, [rsp + FRAME_RSP]
	mov [rbx + STEP_RSP], rax
%assign word 0
%rep STEP_FRAME_WORDS
	mov rax, [rsp + word * 8]
	mov [rbx + STEP_FRAME + word * 8], rax
%assign word word + 1
%endrep
	mov qword [rbx + STEP_WAITING], 1
	STEP_TSC
	add rax, [rbx + STEP_LIMIT]
	mov rcx, rax
	inc qword [rbx + STEP_STOPS]
.wait:
	inc qword [rbx + STEP_LOOKS]
	mov edx, 1024			; between two looks at the clock: see tsc.c
.look:
	mov rax, [rbx + STEP_RELEASED]
	cmp rax, [rbx + STEP_STOPS]
	je .go_on
	cmp qword [rbx + STEP_PAUSE], 0
	je .no_pause
	pause
.no_pause:
	dec edx
	jnz .look
	STEP_TSC
	cmp rax, rcx
	jb .wait
	mov qword [rbx + STEP_LATE], 1
.go_on:
	mov qword [rbx + STEP_WAITING], 0
%assign word 0
%rep STEP_FRAME_WORDS
	mov rax, [rbx + STEP_FRAME + word * 8]
	mov [rsp + word * 8], rax
%assign word word + 1
%endrep
	jmp step_resumes
.out:
	pop rbx
	pop rdx
	pop rcx
	pop rax
	iretq

; Back in ring 3, or still there: the instruction between POPF and SYSCALL, if there is one.
.ring3:
	cmp qword [rbx + STEP_DOOR_RIP], 0
	jne .through_door
	cmp qword [rbx + STEP_LENGTH], 0
	je .out
	jmp .end
; Not stepped any more, by its end or by the word.
.end:
	and dword [rsp + FRAME_RFLAGS], ~RFLAGS_TF
	mov qword [rbx + STEP_ACTIVE], 0
	mov qword [rbx + STEP_ENDED], 1
	pop rbx
	pop rdx
	pop rcx
	pop rax
	iretq

; Ring 3 goes on as if an interrupt, or an NMI, had struck it here, but for TF, which a real one
; would take away. The stub's first instruction traps behind itself: it is noted here.
.through_door:
	DIVERT_TO_DOOR RFLAGS_FIXED | RFLAGS_TF
	mov qword [rbx + STEP_POSITION], 0
	mov qword [rbx + STEP_LENGTH], 1
	mov [rbx + STEP_TRACE], rax
	jmp .out

; The stopped CPU is struck before its instruction. What strikes is not stepped.
.struck:
	DIVERT_TO_DOOR RFLAGS_FIXED
	jmp .out

; Released, with everything as it was. `make gdb REPLAY=` finds its CPU here (lateflush-replay.py).
step_resumes:
	cmp qword [rbx + STEP_DOOR_RIP], 0
	jne step_door.struck
	cmp qword [rbx + STEP_WANTED], -1
	je step_door.end
	jmp step_door.out
step_door_end:

extern step_states
