; SPDX-License-Identifier: MIT
;
; Counting instructions, see insn_count.h. insn_count_run() sets TF and calls; the door of #DB
; counts and lets the next instruction trap again. What the call interrupts or is interrupted by
; runs without TF, since gates clear it: interrupts and NMIs are not counted. The door returns by
; IRET, which no NMI handler is ever stepped through, for the same reason as in step.asm.
;
; A #DB comes between two instructions and shows the second. Two things are not that simple. A
; string instruction with REP traps after each round, at its own address: it is counted once. And
; some machines, QEMU's TCG among them, hold the #DB behind STI back for one more instruction: if
; STI was the last one seen and this is not the one behind it, that one has passed unseen.

%include "offsets.inc"

section .entry.text progbits alloc exec nowrite align=64

; The hardware frame, above the three registers saved here.
FRAME_RIP equ 24
FRAME_RFLAGS equ 40
FRAME_RSP equ 48
RFLAGS_TF equ 1 << 8
OPCODE_STI equ 0xfb

global insn_count_door
insn_count_door:
	push rax
	push rcx
	push rdx
	mov rax, [rsp + FRAME_RIP]
	mov rdx, [rel insn_count_state + INSN_LAST]
	test rdx, rdx
	jz .seen
	cmp byte [rdx], OPCODE_STI
	jne .seen
	lea rcx, [rdx + 1]
	cmp rax, rcx
	je .seen
	inc qword [rel insn_count_state + INSN_COUNT]
.seen:
	lea rcx, [rel insn_count_back]
	cmp rax, rcx
	je .over
	lea rcx, [rel smp_call_await]
	cmp rax, rcx
	je .wait
	mov [rel insn_count_state + INSN_LAST], rax
	cmp rax, rdx			; another round of REP
	je .out
	inc qword [rel insn_count_state + INSN_COUNT]
.out:
	pop rdx
	pop rcx
	pop rax
	iretq

; A wait is not work, and its length is chance: it runs at full speed, without TF, and comes back
; by way of insn_count_resume instead of to its caller.
.wait:
	inc qword [rel insn_count_state + INSN_WAITS]
	mov rcx, [rsp + FRAME_RSP]
	mov rdx, [rcx]
	mov [rel insn_count_state + INSN_RESUME], rdx
	lea rdx, [rel insn_count_resume]
	mov [rcx], rdx
	mov qword [rel insn_count_state + INSN_LAST], 0
.over:
	and dword [rsp + FRAME_RFLAGS], ~RFLAGS_TF
	jmp .out

; Where smp_call_await() returns to: RAX is its result. The first trap is behind the JMP.
insn_count_resume:
	pushfq
	or dword [rsp], RFLAGS_TF
	popfq
	jmp [rel insn_count_state + INSN_RESUME]

section .text

; void insn_count_run(void (*func)(void *), void *arg). The first trap is behind the CALL, the last
; one behind the callee's RET.
global insn_count_run
insn_count_run:
	mov rax, rdi
	mov rdi, rsi
	sub rsp, 8
	pushfq
	or dword [rsp], RFLAGS_TF
	popfq
	call rax
insn_count_back:
	add rsp, 8
	ret

extern insn_count_state, smp_call_await
