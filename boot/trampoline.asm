; SPDX-License-Identifier: MIT
;
; Where an AP starts: real mode, CS:IP = page << 8 : 0, on a page below 1 MiB that smp.c filled
; with INT3 and copied this to. It climbs to long mode on the boot tables (boot.asm:
; identity and kernel, all below 4 GiB) and leaves for ap_entry in the kernel. It patches its own
; addresses, since only CS tells it where it is.

%include "offsets.inc"

CR0_PE equ 1 << 0
CR0_WP equ 1 << 16
CR0_PG equ 1 << 31
CR4_PAE equ 1 << 5
MSR_EFER equ 0xc0000080
EFER_LME equ 1 << 8

section .rodata progbits alloc noexec nowrite align=16
global trampoline_start, trampoline_end
bits 16
trampoline_start:
	cli
	cld
	mov ax, cs
	mov ds, ax
	movzx ebx, ax
	shl ebx, 4
	lea eax, [ebx + trampoline_gdt - trampoline_start]
	mov [trampoline_gdtr + 2 - trampoline_start], eax
	lea eax, [ebx + .protected - trampoline_start]
	mov [.to_protected + 2 - trampoline_start], eax
	lea eax, [ebx + .long - trampoline_start]
	mov [.to_long + 1 - trampoline_start], eax
	o32 lgdt [trampoline_gdtr - trampoline_start]
	mov eax, cr0
	or eax, CR0_PE
	mov cr0, eax
.to_protected:
	jmp dword 0x18:0
bits 32
.protected:
	mov ax, 0x10
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov eax, CR4_PAE
	mov cr4, eax
	mov eax, boot_pml4 - KERNEL_BASE
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, cr0
	or eax, CR0_PG | CR0_WP
	mov cr0, eax
.to_long:
	jmp 0x08:dword 0
bits 64
.long:
	mov rax, ap_entry
	jmp rax

	align 8
trampoline_gdt:
	dq 0
	dq 0x00af9a000000ffff
	dq 0x00cf92000000ffff
	dq 0x00cf9a000000ffff
trampoline_gdtr:
	dw 31
	dd 0
trampoline_end:

; Long mode, boot tables, no stack, GS not ours: find our slot by APIC id and claim it.
section .text
ap_entry:
	xor eax, eax
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax
	cpuid				; leaf 0: highest leaf
	cmp eax, 0x0b
	jb .small_id
	mov eax, 0x0b
	xor ecx, ecx
	cpuid
	test ebx, ebx
	jz .small_id
	mov r8d, edx			; 32-bit x2APIC id
	jmp .search
.small_id:
	mov eax, 1
	cpuid
	shr ebx, 24
	mov r8d, ebx
.search:
	mov rsi, ap_slots + AP_SLOT_SIZE	; slot 0 is the boot CPU's
	mov ecx, [rel ap_slots_used]
	mov edi, 1			; CPU number
.next:
	cmp edi, ecx
	jae .unwanted
	cmp [rsi + AP_SLOT_APIC_ID], r8d
	je .found
	add rsi, AP_SLOT_SIZE
	inc edi
	jmp .next
.found:
	; Id and state change as one, so that a slot given to another CPU meanwhile is not taken.
	mov eax, AP_CALLED
	shl rax, 32
	or rax, r8
	mov edx, AP_ALIVE
	shl rdx, 32
	or rdx, r8
	lock cmpxchg [rsi], rdx
	jne .unwanted
	; The kernel's tables use NX where the CPU has it, which is reserved until EFER says so.
	mov r12, [rsi + AP_SLOT_STACK]
	mov r13d, edi
	mov ecx, MSR_EFER
	mov eax, [rel ap_efer]
	mov edx, [rel ap_efer + 4]
	wrmsr
	mov rax, [rel kernel_root]
	mov cr3, rax
	mov rsp, r12
	xor ebp, ebp
	mov edi, r13d
	call ap_main
	ud2
.unwanted:
	cli
	hlt
	jmp .unwanted

extern boot_pml4, kernel_root, ap_slots, ap_slots_used, ap_efer, ap_main
