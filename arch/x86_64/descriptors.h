/* SPDX-License-Identifier: MIT */
/*
 * GDT, TSS and IDT. Selectors are laid out for SYSCALL and SYSRET (SDM Vol 3 5.8.8): SYSCALL loads
 * CS = STAR[47:32], SS = that + 8; SYSRET to 64-bit code loads SS = STAR[63:48] + 8, CS = + 16.
 *
 *	0x00 null   0x08 kernel code   0x10 kernel data   0x18 unused (SYSRET's 32-bit code)
 *	0x20 user data (0x23)   0x28 user code (0x2b)   0x30 TSS (two slots)
 */
#pragma once

#include "arch/x86_64/types.h"

#define KERNEL_CS    0x08
#define KERNEL_DS    0x10
#define USER_DS	     0x23
#define USER_CS	     0x2b
#define TSS_SELECTOR 0x30
#define SYSRET_BASE  0x1b

/* Builds the one IDT that all CPUs share; but for idt_set_stub() it stays. Boot CPU, once. */
void idt_init(void);

/*
 * Points VECTOR, on all CPUs, at another stub with the same gate and stack, or (NULL) at its own
 * again. Nothing may raise it meanwhile: a gate is written in parts.
 */
void idt_set_stub(unsigned int vector, const char *other);

/*
 * The same with a gate that ring 3 may use by INT, and with IST stack IST of cpu_area.h (0: none).
 * idt_set_stub(VECTOR, NULL) puts it back.
 */
void idt_open_to_ring3(unsigned int vector, u64 stub, unsigned int ist);

/* The stub of VECTOR: the first instruction of its door. */
u64 interrupt_stub(unsigned int vector);

/* Loads GDT, TSS, IDT, segment registers, the GS base and the SYSCALL MSRs of this CPU. */
void descriptors_load(unsigned int cpu);
