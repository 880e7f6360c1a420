/* SPDX-License-Identifier: MIT */
/*
 * See assert.h.
 */
#pragma once

#include "arch/x86_64/string.h"
