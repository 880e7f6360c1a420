/* SPDX-License-Identifier: MIT */
/*
 * How many system management interrupts this CPU has taken since its reset: MSR_SMI_COUNT, which
 * Intel's processors have since Nehalem (SDM Vol 4). Elsewhere nobody knows.
 */
#pragma once

#include "arch/x86_64/types.h"

#define SMI_UNKNOWN (~0UL)

/* SMI_UNKNOWN under a hypervisor or emulator, on another vendor's CPU, or where the read faults. */
u64 smi_count_local(void);
