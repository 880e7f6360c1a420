// SPDX-License-Identifier: MIT
/*
 * A module for a distribution's Linux: as many purges as are written to its parameter, each of an
 * area of 1 to most_pages pages that is allocated, touched, freed and unmapped.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

static unsigned int most_pages = 200;
module_param(most_pages, uint, 0400);

static int one_purge(unsigned int pages)
{
	char *area = vmalloc(pages * PAGE_SIZE);

	if (!area)
		return -ENOMEM;
	for (unsigned int page = 0; page < pages; page++)
		WRITE_ONCE(area[page * PAGE_SIZE], 1);
	vfree(area);
	vm_unmap_aliases();
	return 0;
}

static int set_purges(const char *text, const struct kernel_param *param)
{
	unsigned int purges;
	int err = kstrtouint(text, 10, &purges);

	for (unsigned int n = 0; n < purges && !err; n++)
		err = one_purge(1 + n % most_pages);
	return err;
}

static const struct kernel_param_ops purges_ops = {.set = set_purges};
module_param_cb(purges, &purges_ops, NULL, 0200);

MODULE_DESCRIPTION("the same purges as Lateflush's");
MODULE_LICENSE("Dual MIT/GPL");
