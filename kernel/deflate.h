/* SPDX-License-Identifier: MIT */
/*
 * Makes text shorter: a zlib stream (RFC 1950) of one block with the fixed codes (RFC 1951, 3.2.6),
 * which any zlib reads back and checks by its sum.
 */
#pragma once

#include "arch/x86_64/types.h"

#define DEFLATE_INPUT_MAX 65535

/*
 * Compresses the N bytes at IN, at most DEFLATE_INPUT_MAX, into the SIZE bytes at OUT. Returns how
 * many these are, 0 if there is no room. Context: one caller at a time.
 */
size_t zlib_compress(const u8 *in, size_t n, u8 *out, size_t size);
