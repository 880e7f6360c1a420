/* SPDX-License-Identifier: MIT */
/*
 * The checks that boot information must pass, whoever delivered it. A bad memory map or module is
 * an error; a framebuffer is a convenience, and a bad one is only left out.
 */
#include "boot/boot_info.h"

#include "boot/mem_map.h"

#define PHYS_LIMIT (1ULL << 52) /* SDM 4.1.4: the widest physical address */

static bool field_fits(const struct colour_field *field, u32 bpp)
{
	return field->size && (u32)field->position + field->size <= bpp;
}

static const char *framebuffer_flaw(const struct boot_framebuffer *fb)
{
	u64 bytes = (u64)fb->pitch * fb->height;

	if (fb->type == FRAMEBUFFER_RGB && fb->bpp != 15 && fb->bpp != 16 && fb->bpp != 24 &&
	    fb->bpp != 32)
		return "depth is not 15, 16, 24 or 32 bits";
	if (fb->type == FRAMEBUFFER_RGB &&
	    (!field_fits(&fb->red, fb->bpp) || !field_fits(&fb->green, fb->bpp) ||
	     !field_fits(&fb->blue, fb->bpp)))
		return "a colour lies outside the pixel";
	if (fb->width == 0 || fb->height == 0)
		return "no width or no height";
	if (fb->pitch < (u64)fb->width * (fb->type == FRAMEBUFFER_TEXT ? 2 : (fb->bpp + 7) / 8))
		return "its lines overlap";
	if (fb->phys == 0 || fb->phys >= PHYS_LIMIT || bytes > PHYS_LIMIT - fb->phys)
		return "its address is none";
	return NULL;
}

const char *boot_info_finish(struct boot_info *info)
{
	const char *error = mem_map_resolve(&info->map);

	if (error)
		return error;
	for (u32 i = 0; i < info->nr_modules; i++) {
		if (info->module[i].len == 0)
			return "a module is empty";
		if (!mem_map_is_ram(&info->map, info->module[i].base, info->module[i].len))
			return "a module lies outside RAM";
	}
	if (info->framebuffer.type != FRAMEBUFFER_NONE) {
		info->framebuffer.ignored = framebuffer_flaw(&info->framebuffer);
		if (info->framebuffer.ignored)
			info->framebuffer.type = FRAMEBUFFER_NONE;
	}
	return NULL;
}
