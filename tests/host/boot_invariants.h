/* SPDX-License-Identifier: MIT */
/*
 * What boot/boot_info.h promises of information that a parser accepted, whatever went in. A broken
 * promise aborts, which a fuzzer reports.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "boot/boot_info.h"

#define PROMISE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static inline void check_text(const char *text, size_t max)
{
	PROMISE(strnlen(text, max + 1) <= max);
	for (; *text; text++)
		PROMISE(*text >= ' ' && *text <= '~');
}

static inline void check_map(const struct mem_map *map)
{
	u64 end = 0;
	bool ram = false;

	PROMISE(map->nr >= 1 && map->nr <= BOOT_MAX_RANGES);
	for (u32 i = 0; i < map->nr; i++) {
		const struct mem_range *r = &map->range[i];

		PROMISE(r->len > 0 && r->base >= end);
		PROMISE(i == 0 || r->base > end || r->kind != map->range[i - 1].kind);
		PROMISE(r->kind <= MEM_BAD);
		end = r->base + r->len;
		PROMISE(end > r->base && end <= 1ULL << 52);
		ram |= r->kind == MEM_RAM;
	}
	PROMISE(ram);
}

static inline void check_module(const struct boot_info *info, const struct boot_module *module)
{
	bool inside = false;

	check_text(module->name, BOOT_NAME_MAX);
	for (u32 i = 0; i < info->map.nr; i++) {
		const struct mem_range *r = &info->map.range[i];

		inside |= r->kind == MEM_RAM && module->base >= r->base &&
			  module->base + module->len <= r->base + r->len &&
			  module->base + module->len >= module->base;
	}
	PROMISE(inside);
}

static inline void check_framebuffer(const struct boot_framebuffer *fb)
{
	u64 line = (u64)fb->width * (fb->type == FRAMEBUFFER_TEXT ? 2 : (fb->bpp + 7U) / 8);

	if (fb->type == FRAMEBUFFER_NONE)
		return;
	PROMISE(!fb->ignored && fb->phys && fb->width && fb->height && fb->pitch >= line);
	PROMISE(fb->phys + (u64)fb->pitch * fb->height <= 1ULL << 52);
	if (fb->type == FRAMEBUFFER_TEXT)
		return;
	PROMISE(fb->red.position + fb->red.size <= fb->bpp);
	PROMISE(fb->green.position + fb->green.size <= fb->bpp);
	PROMISE(fb->blue.position + fb->blue.size <= fb->bpp);
}

static inline void check_boot_info(const struct boot_info *info)
{
	check_text(info->loader, BOOT_NAME_MAX);
	check_text(info->cmdline, BOOT_CMDLINE_MAX);
	check_map(&info->map);
	PROMISE(info->nr_modules <= BOOT_MAX_MODULES);
	for (u32 i = 0; i < info->nr_modules; i++)
		check_module(info, &info->module[i]);
	PROMISE(info->rsdp.len == 0 || info->rsdp.len == 20 || info->rsdp.len == 36);
	check_framebuffer(&info->framebuffer);
}
