/* SPDX-License-Identifier: MIT */
/*
 * Port 0xe9: a byte sink that QEMU and Bochs offer, read by the runner on the host. Carries the
 * machine form of results only.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Reading the port yields 0xe9 where somebody listens. */
bool debugcon_present(void);
void debugcon_write(const char *s, size_t n);
