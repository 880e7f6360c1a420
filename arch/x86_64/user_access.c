/* SPDX-License-Identifier: MIT */
/*
 * copy_from_user: one REP MOVSB with an exception table line. STAC and CLAC only where SMAP is:
 * they do not exist elsewhere.
 */
#include "arch/x86_64/user_access.h"

#include "arch/x86_64/extable.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/layout.h"

bool copy_from_user(void *to, u64 from, size_t n)
{
	u64 vector = 0;

	if (from >= USER_END || n > USER_END - from)
		return false;
	if (cpu_features.smap)
		__asm__ volatile("stac" ::: "memory");
	__asm__ volatile("1: rep movsb\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+D"(to), "+S"(from), "+c"(n), "+a"(vector)
			 :
			 : "memory");
	if (cpu_features.smap)
		__asm__ volatile("clac" ::: "memory");
	return vector == 0;
}
