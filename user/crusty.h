/* SPDX-License-Identifier: MIT */
/*
 * What the ring-3 program that outlives its translations (user/crusty.c) and its controller
 * (kernel/crusty_survival.c) agree on.
 */
#pragma once

#include "arch/x86_64/types.h"

#define CRUSTY_PAGE_VA	  0x20000000UL /* struct crusty_page; read and written */
#define CRUSTY_DATA_VA	  0x20100000UL /* the page whose translation is changed; read */
#define CRUSTY_OTHERS_VA  0x20200000UL /* pages to read in between */
#define CRUSTY_OTHERS_MAX 1024UL

struct crusty_page {
	/* the controller's */
	u64 round;    /* raised last: a new round, with the three below */
	u64 pressure; /* how many other pages are read between two looks */
	u64 limit;    /* looks */
	u64 changed;  /* follows round when the translation has been changed */
	u64 stop;
	/* the program's */
	u64 warmed; /* follows round when the page has been read */
	u64 done;   /* follows round when this is written: */
	u64 turns, ticks;
	u64 survived;
};
