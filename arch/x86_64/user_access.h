/* SPDX-License-Identifier: MIT */
/*
 * The only way ring 0 reads ring 3's memory. SMAP is lifted for the copy alone.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Copies N bytes from the running task's address FROM. False, with part of TO written, when the
 * range is not the user's or a page of it is missing. Task context, interrupts on or off.
 */
bool copy_from_user(void *to, u64 from, size_t n) __must_check;
