/* SPDX-License-Identifier: MIT */
/*
 * Little-endian bytes spelled out in a table, for tests of parsers: what goes in is written down
 * byte by byte, independent of the structures that the parser itself uses.
 */
#pragma once

#define U16(x) (unsigned char)(x), (unsigned char)((x) >> 8)
#define U32(x) U16((x)&0xffff), U16((unsigned int)(x) >> 16)
#define U64(x) U32((x)&0xffffffff), U32((unsigned long long)(x) >> 32)

#define NR_BYTES(...) sizeof((const unsigned char[]){__VA_ARGS__})
#define BYTES(...)    (const unsigned char[]){__VA_ARGS__}, NR_BYTES(__VA_ARGS__)
