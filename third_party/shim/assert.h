/* SPDX-License-Identifier: MIT */
/*
 * What third_party/ needs of a C library, on top of the kernel's own functions.
 */
#pragma once

#include "arch/x86_64/log.h"

#define assert(cond) BUG_ON(!(cond))
