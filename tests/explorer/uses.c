/* SPDX-License-Identifier: MIT */
/*
 * Who uses which word, see uses.h. Sets of CPUs, a bit each.
 */
#include "tests/explorer/uses.h"

#include <string.h>

#include "tests/explorer/state.h"

#define EVERYBODY 0xff

static struct {
	u8 used, written;		 /* by whom so far; kept from one search to the next */
	u8 nobody_else, no_other_writer; /* relied on: CPUs but these do not use, write it */
} uses[MAX_CELLS];

static bool wrong;

void uses_forget(void)
{
	memset(uses, 0, sizeof(uses));
}

void uses_begin(void)
{
	for (u32 i = 0; i < MAX_CELLS; i++)
		uses[i].nobody_else = uses[i].no_other_writer = EVERYBODY;
	wrong = false;
}

void uses_note(u8 cell, unsigned int cpu, bool writes)
{
	u8 bit = (u8)BIT(cpu);

	uses[cell].used |= bit;
	if (writes)
		uses[cell].written |= bit;
	if (!(uses[cell].nobody_else & bit) || (writes && !(uses[cell].no_other_writer & bit)))
		wrong = true;
}

bool uses_alone(u8 cell, unsigned int cpu)
{
	if (uses[cell].used & (u8)~BIT(cpu))
		return false;
	uses[cell].nobody_else &= (u8)BIT(cpu);
	return true;
}

bool uses_as_writer(u8 cell, unsigned int cpu)
{
	if (uses[cell].written & (u8)~BIT(cpu))
		return false;
	uses[cell].no_other_writer &= (u8)BIT(cpu);
	return true;
}

bool uses_constant(u8 cell)
{
	if (uses[cell].written)
		return false;
	uses[cell].no_other_writer = 0;
	return true;
}

bool uses_were_wrong(void)
{
	return wrong;
}
