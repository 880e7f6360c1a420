; SPDX-License-Identifier: MIT
;
; The doors: every way into the kernel and back.
;
; From ring 3 there are two: SYSCALL, and interrupts and exceptions through TSS.RSP0. Both build
; struct pt_regs (regs.h) at the top of the CPU's entry stack, meet at from_user, call the policy's
; enter hook there, and only then leave for the task's kernel stack. Everything from
; danger_zone_begin up to danger_zone_end runs with whatever stale translations the CPU brought
; along: it touches the CPU's entry area (cpu_area.h), constants and .entry.data, nothing else, and
; so do the policy's hooks and db_door. The same holds on the way out from exit_zone_begin to
; exit_zone_end.
;
; NMI, #MC, #DB and #DF may strike at any instruction, inside these windows too, on IST stacks.
; They never guess: their CPU's block is found from RSP (cpu_area.h), the GS base of whatever they
; interrupted is saved and put back, and so is the policy's word (nmi_enter, nmi_exit).
;
; NMIs do not nest. The CPU blocks them from delivery to the next IRET, so it is enough that the
; only IRET between an NMI's delivery and its end is its own: exceptions that interrupted ring 0
; return by POPF and RET. (SDM Vol 3 6.7.1.) The exception to this exception is the few
; instructions of SYSCALL and SYSRET that run in ring 0 on the user's stack pointer, where RET has
; no stack of ours to use; no NMI handler ever runs there, so IRET is right.
;
; State of each label: IF is 0 everywhere in this file except while C handlers run, and between the
; POPF and the RET by which ring 0 goes on.

%include "offsets.inc"

MSR_GS_BASE equ 0xc0000101

%macro PUSH_REGS 0
	push rdi
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
%endmacro

%macro POP_REGS 0
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
	pop rdi
%endmacro

; AC set in ring 3 would disarm SMAP in here. Three bytes of NOP, which features.c turns into CLAC
; where the CPU has SMAP, before the text becomes read-only.
%macro CLAC_SITE 0
%%site:	nop dword [rax]
	[section .clac_sites progbits alloc noexec nowrite align=8]
	dq %%site
	__?SECT?__
%endmacro

section .entry.text progbits alloc exec nowrite align=64

; --- From ring 3 -------------------------------------------------------------------------------

; SYSCALL. RCX = user RIP, R11 = user RFLAGS, RSP = the user's, GS = the user's. FMASK has cleared
; IF, TF, DF, AC and NT. The user's last page is never mapped (USER_END), so RIP is canonical.
global entry_SYSCALL_64, danger_zone_begin, danger_zone_end, syscall_on_entry_stack
danger_zone_begin:
entry_SYSCALL_64:
	swapgs
	mov [gs:PERCPU_USER_RSP], rsp
	mov rsp, [gs:PERCPU_ENTRY_STACK_TOP]
syscall_on_entry_stack:
	push USER_DS
	push qword [gs:PERCPU_USER_RSP]
	push r11
	push USER_CS
	push rcx
	push 0
	push VECTOR_SYSCALL
	PUSH_REGS
	jmp from_user

; Interrupts and exceptions without IST, from either ring; the stub has pushed error and vector.
common_interrupt:
	CLAC_SITE
	cld
	test byte [rsp + 24], 3
	jz from_kernel
	swapgs
	PUSH_REGS

; RSP = struct pt_regs on the entry stack, GS = ours, CR3 = ring 3's root.
from_user:
	inc qword [gs:PERCPU_USER_PAGE_ENTRIES]
	call [rel doors + DOORS_ENTER]
danger_zone_end:
	mov rdi, rsp
	mov rsp, [gs:PERCPU_KERNEL_STACK_TOP]
	call handle_user_entry

; Back to ring 3 with the frame at the top of the entry stack. Also how a task starts.
return_to_user:
	mov rsp, [gs:PERCPU_USER_FRAME]
global exit_zone_begin, exit_zone_end, sysret_gap
exit_zone_begin:
	call [rel doors + DOORS_EXIT]
	inc qword [gs:PERCPU_USER_PAGE_EXITS]
	cmp qword [rsp + REGS_VECTOR], VECTOR_SYSCALL
	je .sysret
	POP_REGS
	add rsp, 16
	swapgs
	iretq
.sysret:
	POP_REGS
	mov rcx, [rsp + 16]
	mov r11, [rsp + 32]
	mov rsp, [rsp + 40]
sysret_gap:
	swapgs
	o64 sysret
exit_zone_end:

; --- From ring 0 -------------------------------------------------------------------------------

; An exception in the danger zone may come from ring 3's root, where no handler is mapped.
from_kernel:
	PUSH_REGS
	mov rsi, cr3
	test esi, CR3_RING3_ROOT
	jz .kernel_root
	mov rax, rsi
	and rax, ~(CR3_RING3_ROOT | CR3_RING3_PCID)
	mov cr3, rax
.kernel_root:
	mov rdi, rsp
	call handle_kernel_entry
	cmp qword [rsp + REGS_VECTOR], VECTOR_FIRST_IRQ
	jb return_by_ret
	POP_REGS
	add rsp, 16
	iretq

; Ring 0 goes on where it was, by way of its own stack: no IRET, so NMIs stay as they are. Flags and
; RIP go right below the interrupted stack pointer. Without IST the frame ends there, or 8 bytes
; below (the CPU aligns the stack first), so they may overwrite its SS and RSP; where to go is
; therefore kept in the frame's lowest word, which they never reach.
return_by_ret:
	mov rax, [rsp + REGS_RSP]
	sub rax, 16
	mov rcx, [rsp + REGS_RFLAGS]
	mov [rax], rcx
	mov rcx, [rsp + REGS_RIP]
	mov [rax + 8], rcx
	mov [rsp + REGS_VECTOR], rax
	POP_REGS
	mov rsp, [rsp]
	popfq
	ret

; --- NMI, #DB, #MC, #DF ------------------------------------------------------------------------

; RSP = vector, error, hardware frame on this door's IST stack; GS and CR3 may be anybody's.
paranoid_door:
	PUSH_REGS
	CLAC_SITE
	cld
	mov ecx, MSR_GS_BASE
	rdmsr
	shl rdx, 32
	or rax, rdx
	mov rbx, rax			; what we interrupted had this GS base
	mov rax, rsp
	and rax, -CPU_AREA_STRIDE
	mov rdx, rax
	shr rdx, 32
	wrmsr
	inc qword [gs:PERCPU_USER_PAGE_ENTRIES]
	mov r13, cr3			; the root that we interrupted, for the oracle
	call [rel doors + DOORS_NMI_ENTER]
global paranoid_zone_end, paranoid_exit_begin
paranoid_zone_end:
	mov r12, rax			; the policy's word, kept on this stack by every callee
	mov rdi, rsp
	mov rsi, r13
	call handle_paranoid_entry
paranoid_exit_begin:
	mov rdi, r12
	call [rel doors + DOORS_NMI_EXIT]
	inc qword [gs:PERCPU_USER_PAGE_EXITS]
	mov rax, rbx
	mov rdx, rbx
	shr rdx, 32
	mov ecx, MSR_GS_BASE
	wrmsr
	test byte [rsp + REGS_CS], 3
	jnz .iret
	cmp qword [rsp + REGS_VECTOR], VECTOR_NMI
	je .iret
	mov rax, [rsp + REGS_RIP]
	lea rcx, [rel entry_SYSCALL_64]
	cmp rax, rcx
	jb .not_in_entry
	lea rcx, [rel syscall_on_entry_stack]
	cmp rax, rcx
	jb .iret
.not_in_entry:
	lea rcx, [rel sysret_gap]
	cmp rax, rcx
	jb return_by_ret
	lea rcx, [rel exit_zone_end]
	cmp rax, rcx
	jae return_by_ret
.iret:
	POP_REGS
	add rsp, 16
	iretq

; #DB from ring 3 (TF, INT1) is an ordinary exception: it moves to the entry stack and goes in by
; the common way. From ring 0 it is met on its own stack.
db_door:
	test byte [rsp + 24], 3
	jz paranoid_door
	CLAC_SITE
	cld
	swapgs
	mov [gs:PERCPU_DOOR_SCRATCH], rax
	mov rax, rsp
	mov rsp, [gs:PERCPU_ENTRY_STACK_TOP]
	push qword [rax + 48]
	push qword [rax + 40]
	push qword [rax + 32]
	push qword [rax + 24]
	push qword [rax + 16]
	push qword [rax + 8]
	push qword [rax]
	mov rax, [gs:PERCPU_DOOR_SCRATCH]
	PUSH_REGS
	jmp from_user

; --- One stub a vector -------------------------------------------------------------------------

; Mode column: e = the CPU pushes an error code, p = paranoid door with an IST stack, d = #DB's.
%macro STUB 2
stub_%1:
%ifnidn %2, e
%ifnidn %2, pe
	push 0
%endif
%endif
	push %1
%ifidn %2, p
	jmp paranoid_door
%elifidn %2, pe
	jmp paranoid_door
%elifidn %2, d
	jmp db_door
%else
	jmp common_interrupt
%endif
%endmacro

	STUB 0, n
	STUB 1, d			; #DB
	STUB 2, p			; NMI
%assign vector 3
%rep 5
	STUB vector, n
%assign vector vector + 1
%endrep
	STUB 8, pe			; #DF
	STUB 9, n
	STUB 10, e			; #TS
	STUB 11, e			; #NP
	STUB 12, e			; #SS
	STUB 13, e			; #GP
	STUB 14, e			; #PF
	STUB 15, n
	STUB 16, n
	STUB 17, e			; #AC
	STUB 18, p			; #MC
	STUB 19, n
	STUB 20, n
	STUB 21, e			; #CP
%assign vector 22
%rep 7
	STUB vector, n
%assign vector vector + 1
%endrep
	STUB 29, e			; #VC
	STUB 30, e			; #SX
%assign vector 31
%rep 225
	STUB vector, n
%assign vector vector + 1
%endrep

; --- stack=task: the hooks on the task's stack, as posted v2 to v4 had it ------------------------

global enter_on_task_stack, exit_on_task_stack
enter_on_task_stack:
	mov [gs:PERCPU_DOOR_SCRATCH], rsp
	mov rsp, [gs:PERCPU_KERNEL_STACK_TOP]
	call [rel task_stack_ops + DOORS_ENTER]
	mov rsp, [gs:PERCPU_DOOR_SCRATCH]
	ret
exit_on_task_stack:
	mov [gs:PERCPU_DOOR_SCRATCH], rsp
	mov rsp, [gs:PERCPU_KERNEL_STACK_TOP]
	call [rel task_stack_ops + DOORS_EXIT]
	mov rsp, [gs:PERCPU_DOOR_SCRATCH]
	ret

; --- Idle context and task ----------------------------------------------------------------------

section .text

; void enter_task(u64 *idle_rsp, u64 kernel_stack_top): leaves for ring 3 with the frame that the
; caller has put on the entry stack, interrupts off. A task without a kernel stack of its own (0)
; uses what is left of this one: the idle context rests while the task runs. Returns, on the idle
; stack and with interrupts off, when leave_task() is called.
global enter_task
enter_task:
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	mov [rdi], rsp
	test rsi, rsi
	jnz .own_stack
	mov rsi, rsp
	and rsi, -16
.own_stack:
	mov [gs:PERCPU_KERNEL_STACK_TOP], rsi
	jmp return_to_user

; _Noreturn void leave_task(u64 idle_rsp): gives up the task's stack for good.
global leave_task
leave_task:
	mov rsp, rdi
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	ret

section .rodata progbits alloc noexec nowrite align=8
global interrupt_stubs
interrupt_stubs:
%assign vector 0
%rep 256
	dq stub_ %+ vector
%assign vector vector + 1
%endrep

extern doors, task_stack_ops
extern handle_user_entry, handle_kernel_entry, handle_paranoid_entry
