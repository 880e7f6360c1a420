/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (SDM Vol 3 chapter 10): memory-mapped (xAPIC), or by MSR (x2APIC) where firmware
 * left it so or CPUID has it. Destinations are physical APIC ids.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Chooses the mode, maps the registers in xAPIC mode, and silences the 8259s. LAPIC_BASE: the
 * MADT's. Returns NULL or what is wrong. Boot CPU, once.
 */
const char *apic_init(phys_addr_t lapic_base);

/* Switches on this CPU's APIC in the chosen mode; no interrupt source is unmasked. */
void apic_enable_local(void);

bool apic_is_x2apic(void);
u32 apic_id_local(void);
void apic_eoi(void);

/* Sends one interrupt, NMI, INIT or start-up IPI. Any context but noinstr. */
void apic_send_ipi(u32 apic_id, u8 vector);
void apic_send_nmi(u32 apic_id);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, phys_addr_t page);

/* An NMI, or nothing where this APIC takes no command any more: for panic only. */
void apic_send_stop(u32 apic_id);

/* Arms this CPU's timer: repeatedly every COUNT bus ticks / 16, at VECTOR; 0 masks it again. */
void apic_timer_local(u32 count, u8 vector);

/*
 * The same timer, at VECTOR_REST; 0 takes it back. False, and nothing done, while
 * apic_timer_local() has it. Interrupts off.
 */
bool apic_timer_rest_local(u32 count);
