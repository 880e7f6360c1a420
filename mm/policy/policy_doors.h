/* SPDX-License-Identifier: MIT */
/*
 * Doors for both root modes, made of one set of hooks. Included by ops.h alone, which has the
 * switches of roots that it is made of; a host build's ops.h includes it as well.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * The doors of a policy that treats both root modes alike, made of four __always_inline functions.
 * With two roots the root is switched around them: on the way in before anything else, so that
 * INVLPG reaches the kernel's PCID, on the way out after everything else. An NMI goes back to the
 * root that it came from.
 */
#define DEFINE_POLICY_DOORS(name, on_enter, on_exit, on_nmi_enter, on_nmi_exit)                    \
	static noinstr void name##_enter_one(void)                                                 \
	{                                                                                          \
		on_enter();                                                                        \
	}                                                                                          \
	static noinstr void name##_exit_one(void)                                                  \
	{                                                                                          \
		on_exit();                                                                         \
	}                                                                                          \
	static noinstr u64 name##_nmi_enter_one(void)                                              \
	{                                                                                          \
		return on_nmi_enter();                                                             \
	}                                                                                          \
	static noinstr void name##_nmi_exit_one(u64 saved)                                         \
	{                                                                                          \
		on_nmi_exit(saved);                                                                \
	}                                                                                          \
	static noinstr void name##_enter_two(void)                                                 \
	{                                                                                          \
		switch_root_noflush(ROOT_KERNEL);                                                  \
		on_enter();                                                                        \
	}                                                                                          \
	static noinstr void name##_exit_two(void)                                                  \
	{                                                                                          \
		on_exit();                                                                         \
		switch_root_noflush(ROOT_RING3);                                                   \
	}                                                                                          \
	static noinstr u64 name##_nmi_enter_two(void)                                              \
	{                                                                                          \
		bool ring3 = on_ring3_root();                                                      \
                                                                                                   \
		if (ring3)                                                                         \
			switch_root_noflush(ROOT_KERNEL);                                          \
		return on_nmi_enter() << 1 | ring3;                                                \
	}                                                                                          \
	static noinstr void name##_nmi_exit_two(u64 saved)                                         \
	{                                                                                          \
		on_nmi_exit(saved >> 1);                                                           \
		if (saved & 1)                                                                     \
			switch_root_noflush(ROOT_RING3);                                           \
	}                                                                                          \
	_Static_assert(true, "takes a semicolon")

#define POLICY_DOORS_ONE(name)                                                                     \
	{                                                                                          \
		name##_enter_one, name##_exit_one, name##_nmi_enter_one, name##_nmi_exit_one       \
	}
#define POLICY_DOORS_TWO(name)                                                                     \
	{                                                                                          \
		name##_enter_two, name##_exit_two, name##_nmi_enter_two, name##_nmi_exit_two       \
	}
