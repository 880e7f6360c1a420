; SPDX-License-Identifier: MIT
;
; From firmware to C on the boot CPU. GRUB (multiboot2) and PVH loaders both arrive here in 32-bit
; protected mode with paging off; what differs is the magic number and the pointer, which are
; handed to kernel_main(magic, pointer) untouched.
;
; The tables built here map the low 4 GiB three times with 2 MiB pages: at 0 (this code runs
; there), at the direct map (C reaches boot information, page tables and firmware tables through
; it), and the first 1 GiB at the kernel's link address. The kernel replaces them by its own
; tables, with W^X, as soon as it can allocate frames; only starting APs pass through them again.

%include "offsets.inc"

MULTIBOOT2_HEADER_MAGIC equ 0xe85250d6
PVH_START_MAGIC equ 0x336ec578
CR0_PE equ 1 << 0
CR0_PG equ 1 << 31
CR0_WP equ 1 << 16
CR4_PAE equ 1 << 5
MSR_EFER equ 0xc0000080
EFER_LME equ 1 << 8
CPUID_LM equ 1 << 29
PTE_P_RW equ 3
PTE_PS equ 1 << 7

section .multiboot2 progbits alloc noexec nowrite align=8
multiboot2_header:
	dd MULTIBOOT2_HEADER_MAGIC
	dd 0				; architecture: i386, also for EFI machines
	dd .end - multiboot2_header
	dd 0x100000000 - (MULTIBOOT2_HEADER_MAGIC + 0 + (.end - multiboot2_header))
	align 8
	dw 5, 1				; framebuffer, optional: any size GRUB has
	dd 20
	dd 1024, 768, 32
	align 8
	dw 6, 0				; modules on page boundaries
	dd 8
	align 8
	dw 0, 0
	dd 8
.end:

; Xen's XEN_ELFNOTE_PHYS32_ENTRY: where a PVH loader (QEMU's -kernel) jumps to.
section .note.pvh note alloc noexec nowrite align=4
	dd 4, 8, 18
	db "Xen", 0
	dq pvh_start

section .boot.text progbits alloc exec nowrite align=16
bits 32
global multiboot_start
multiboot_start:
	mov edi, eax
	mov esi, ebx
	jmp start32

global pvh_start
pvh_start:
	mov edi, PVH_START_MAGIC
	mov esi, ebx

start32:
	cli
	cld
	mov esp, boot_stack_top - KERNEL_BASE
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb no_long_mode
	mov eax, 0x80000001
	cpuid
	test edx, CPUID_LM
	jz no_long_mode

	; Four page directories, 2048 large pages: the low 4 GiB.
	mov ebp, boot_pd - KERNEL_BASE
	mov eax, PTE_P_RW | PTE_PS
	mov ecx, 2048
.fill:	mov [ebp], eax
	mov dword [ebp + 4], 0
	add eax, 0x200000
	add ebp, 8
	loop .fill

	mov eax, boot_pd - KERNEL_BASE + PTE_P_RW
	mov ebp, boot_pdpt_low - KERNEL_BASE
	mov ecx, 4
.pdpt:	mov [ebp], eax
	add eax, 0x1000
	add ebp, 8
	loop .pdpt
	mov dword [boot_pdpt_high - KERNEL_BASE + 510 * 8], boot_pd - KERNEL_BASE + PTE_P_RW
	mov eax, boot_pdpt_low - KERNEL_BASE + PTE_P_RW
	mov [boot_pml4 - KERNEL_BASE], eax
	mov [boot_pml4 - KERNEL_BASE + DIRECT_MAP_SLOT * 8], eax
	mov dword [boot_pml4 - KERNEL_BASE + 511 * 8], boot_pdpt_high - KERNEL_BASE + PTE_P_RW

	mov eax, boot_pml4 - KERNEL_BASE
	mov cr3, eax
	mov eax, CR4_PAE
	mov cr4, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, cr0
	or eax, CR0_PG | CR0_PE | CR0_WP
	mov cr0, eax
	lgdt [boot_gdt_pointer]
	jmp 0x08:start64

; Before any console exists: COM1 at whatever speed it has, and the top line of VGA text.
no_long_mode:
	mov esi, no_long_mode_text
	mov edi, 0xb8000
.next:	lodsb
	test al, al
	jz .stop
	mov ah, 0x4f
	stosw
	mov dx, 0x3f8
	out dx, al
	jmp .next
.stop:	hlt
	jmp .stop

bits 64
start64:
	xor eax, eax
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax
	mov rsp, boot_stack_top
	xor ebp, ebp
	mov edi, edi			; kernel_main(u32 magic, phys_addr_t info)
	mov esi, esi
	mov rax, kernel_main
	call rax
	ud2

section .boot.rodata progbits alloc noexec nowrite align=8
global boot_gdt_pointer
boot_gdt:
	dq 0
	dq 0x00af9a000000ffff		; 0x08: 64-bit code
	dq 0x00cf92000000ffff		; 0x10: data
	dq 0x00cf9a000000ffff		; 0x18: 32-bit code, for APs on their way up
boot_gdt_end:
boot_gdt_pointer:
	dw boot_gdt_end - boot_gdt - 1
	dd boot_gdt
no_long_mode_text:
	db "lateflush: this CPU has no 64-bit mode; an x86-64 CPU is needed", 0

section .bss nobits alloc noexec write align=4096
global boot_pml4
boot_pml4:	resb 4096
boot_pdpt_low:	resb 4096
boot_pdpt_high:	resb 4096
boot_pd:	resb 4 * 4096
boot_stack:	resb 16384
global boot_stack_top
boot_stack_top:

extern kernel_main
