; SPDX-License-Identifier: MIT
;
; The instructions of run=hostile's directed operations. They are data to the kernel, which copies
; them into a page of ring 3 and runs them there; kernel/hostile_ops.c says what each is given and
; what must come of it. AT marks the instruction that is expected to fault, if it is not the first.

%macro OP 1
	%ifdef op_name
		%error "END is missing before" %1
	%endif
	%define op_name %1
	%undef op_at_given
	global op_%1, op_%1_end, op_%1_at
op_%1:
%endmacro

%macro AT 0
	%define op_at_given
op_ %+ op_name %+ _at:
%endmacro

%macro END 0
op_ %+ op_name %+ _end:
	%ifndef op_at_given
op_ %+ op_name %+ _at equ op_ %+ op_name
	%endif
	%undef op_name
%endmacro

; One instruction, which faults or not.
%macro ONE 2+
	OP %1
	%2
	END
%endmacro

section .rodata progbits alloc noexec nowrite align=16

; --- Privileged instructions -------------------------------------------------------------------

	ONE hlt, hlt
	ONE cli, cli
	ONE sti, sti
	ONE clts, clts
	ONE invd, invd
	ONE wbinvd, wbinvd
	ONE lgdt, lgdt [rdi]
	ONE lidt, lidt [rdi]
	ONE lldt, lldt ax
	ONE ltr, ltr ax
	ONE lmsw, lmsw ax
	ONE read_cr0, mov rax, cr0
	ONE read_cr2, mov rax, cr2
	ONE read_cr3, mov rax, cr3
	ONE read_cr4, mov rax, cr4
	ONE read_cr8, mov rax, cr8
	ONE write_cr0, mov cr0, rax
	ONE write_cr2, mov cr2, rax
	ONE write_cr3, mov cr3, rax
	ONE write_cr4, mov cr4, rax
	ONE write_cr8, mov cr8, rax
	ONE read_dr0, mov rax, dr0
	ONE read_dr7, mov rax, dr7
	ONE write_dr0, mov dr0, rax
	ONE write_dr7, mov dr7, rax
	ONE rdmsr, rdmsr
	ONE wrmsr, wrmsr
	ONE rdpmc, rdpmc
	ONE invlpg, invlpg [rdi]
	ONE invpcid, invpcid rax, [rdi]
	ONE swapgs, swapgs
	ONE sysret, o64 sysret
	ONE sysret32, sysret
	ONE sysexit, o64 sysexit
	ONE sysenter, sysenter
	ONE in_byte, in al, dx
	ONE in_imm, in al, 0x60
	ONE out_long, out dx, eax
	ONE ins, insb
	ONE outs, outsd
	ONE xsetbv, xsetbv
	ONE stac, stac
	ONE clac, clac
	ONE monitor, monitor
	ONE mwait, mwait
	ONE getsec, getsec
	ONE rsm, rsm
	ONE sgdt, sgdt [rdi]
	ONE sidt, sidt [rdi]
	ONE sldt, sldt rax
	ONE str, str rax
	ONE smsw, smsw rax

; --- Exceptions and software interrupts --------------------------------------------------------

	ONE de, div ecx
	ONE de_min, idiv ecx
	ONE ud2, ud2
	ONE ud1, ud1 eax, ecx
	ONE int3, int3
	ONE int_3, db 0xcd, 3
	ONE int_1, int 1
	ONE int_2, int 2
	ONE int_4, int 4
	ONE int_8, int 8
	ONE int_13, int 13
	ONE int_14, int 14
	ONE int_18, int 18
	ONE int_32, int 32
	ONE int_80, int 0x80
	ONE int_ec, int 0xec		; the kernel's own vectors: timer, cross-calls, stop
	ONE int_fb, int 0xfb
	ONE int_fc, int 0xfc
	ONE icebp, db 0xf1
	ONE into, db 0xce		; not there in 64-bit mode, like the next three
	ONE far_direct, db 0x9a, 0, 0, 0, 0, 8, 0
	ONE pusha, db 0x60
	ONE salc, db 0xd6
	ONE lock_mov, db 0xf0, 0x48, 0x89, 0xc3
	ONE too_long, db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, \
		0x66, 0x66, 0x66, 0x90
	ONE x87, fld1
	ONE fwait, fwait
	ONE mmx, movq mm0, mm1
	ONE sse, xorps xmm0, xmm0
	ONE fxsave, fxsave [rdi]
	ONE xgetbv, xgetbv

OP trap_flag				; the NOP behind POPFQ is the first that traps
	pushfq
	or dword [rsp], 0x100
	popfq
	nop
AT
	nop
END

OP trap_flag_syscall			; FMASK clears TF for the kernel, SYSRET brings it back
	mov eax, 0
	pushfq
	or dword [rsp], 0x100
	popfq
	syscall
	nop
	nop
END

; --- Kernel addresses --------------------------------------------------------------------------

	ONE load, mov rax, [rdi]
	ONE store, mov [rdi], rax
	ONE store_byte, mov [rdi], al
	ONE locked, lock xadd [rdi], rax
	ONE call_to, call rdi
	ONE jump_to, jmp rdi
	ONE by_fs, mov rax, [fs:rdi]
	ONE by_gs, mov rax, [gs:rdi]
	ONE by_ss, db 0x36, 0x48, 0x8b, 0x07 ; mov rax, [ss:rdi]
	ONE prefetch, prefetcht0 [rdi]
	ONE clflush, clflush [rdi]
	ONE long_nop, nop dword [rdi]
	ONE movs, movsq
	ONE by_rbp, mov rax, [rbp]
	ONE push_value, push rax
	ONE pop_value, pop rax
	ONE call_near, call rdi
	ONE ret_near, ret
	ONE enter_frame, enter 64, 0
	ONE leave_frame, leave
	ONE cmpxchg16b, cmpxchg16b [rdi]
	ONE straddle, mov rax, [rdi]
	ONE rep_movs, rep movsb

; --- Selectors and far transfers ---------------------------------------------------------------

	ONE load_ds, mov ds, eax
	ONE load_es, mov es, eax
	ONE load_fs, mov fs, eax
	ONE load_gs, mov gs, eax
	ONE load_ss, mov ss, eax
	ONE ldt_selector, mov ds, eax
	ONE load_cs, db 0x8e, 0xc8	; mov cs, eax
	ONE far_jump, jmp dword far [rdi]
	ONE far_call, call dword far [rdi]
	ONE lar, lar rax, rcx
	ONE verw, verw cx

OP far_return
	push rax
	push rsi
AT
	o64 retf
END

OP iret					; RSI = RIP, RAX = CS, RBX = RSP, RCX = SS, RDX = RFLAGS
	push rcx
	push rbx
	push rdx
	push rax
	push rsi
AT
	iretq
END

; --- Flags -------------------------------------------------------------------------------------

OP popf					; all of RAX into the flags
	push rax
	popfq
END

OP iret_nested				; NT is not for 64-bit mode
	push rcx
	push rbx
	push rdx
	push rax
	push rsi
	pushfq
	or dword [rsp], 0x4000
	popfq
AT
	iretq
END

OP unaligned				; AC without CR0.AM
	pushfq
	or dword [rsp], 0x40000
	popfq
	mov rax, [rdi + 1]
	mov [rdi + 3], eax
END

; --- GS and FS bases ---------------------------------------------------------------------------

	ONE wrgsbase, wrgsbase rax
	ONE wrfsbase, wrfsbase rax
	ONE rdgsbase, rdgsbase rax

OP wrgsbase_syscall
	wrgsbase rbx
	syscall
END

OP wrgsbase_ud2
	wrgsbase rbx
AT
	ud2
END

; --- System calls ------------------------------------------------------------------------------

	ONE syscall, syscall

OP syscall_last				; in the last bytes of user space: RCX is its end
	syscall
END

OP flood				; for ever
.again:	mov eax, 0
	syscall
	jmp .again
END

OP spin
.again:	jmp .again
END

OP spin_popf
.again:	push rax
	popfq
	jmp .again
END

OP spin_wild_stack
	mov rsp, rbx
.again:	jmp .again
END

; MOV SS holds debug exceptions back for one instruction. With a breakpoint on its operand the #DB
; comes behind the SYSCALL or INT3, in ring 0, with the stack and the GS base of ring 3.
OP mov_ss_syscall
	mov ss, [rdi]
	syscall
END

OP mov_ss_int3
	mov ss, [rdi]
	int3
END

OP mov_ss_trap_flag
	pushfq
	or dword [rsp], 0x100
	popfq
	mov ss, [rdi]
	syscall
	nop
	nop
END
