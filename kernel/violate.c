/* SPDX-License-Identifier: MIT */
/*
 * run=violate: breaks one rule of those that the kernel asserts, as a careless caller would, with a
 * deferrable flush that is really issued. It has to end in a panic that names the rule. If the
 * machine lives on, the assertion is what failed.
 *
 * Parameters: rule=R1, R2, R8 or R10. With rule=R2: page=user (a page that ring 3 may use) or root
 * (one that ring 3's own root maps).
 */
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb_gen.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "mm/vmalloc.h"

extern const char entry_text_start[];

/* A page of the vmalloc area at a multiple of 2 MiB, with nothing else in its page table. */
static u64 map_lonely_page(void)
{
	u64 window = ALIGN_DOWN(VMALLOC_END, GIB(1)) - GIB(1);
	phys_addr_t frame = frame_alloc_zeroed();
	void *page = frame ? vmap_range(&frame, 1, PAGE_KERNEL, window, window + PMD_SIZE) : NULL;

	if (!page)
		panic("violate: no memory for one page");
	return (u64)page;
}

static void flush_page(u64 va)
{
	flush_tlb_kernel_range_deferrable(va, va + PAGE_SIZE);
}

/* Promotes to a 2 MiB page, and takes the flush of the old mapping for one of its table. */
static void violate_r1(void)
{
	u64 va = map_lonely_page();
	phys_addr_t table;
	u64 unlinked_at;

	vunmap((void *)va);
	table = paging_unlink_table(kernel_root, va);
	BUG_ON(!table);
	unlinked_at = tlb_gen_issued();
	flush_tlb_kernel_range_deferrable(va, va + PMD_SIZE);
	paging_free_table(table, va, pgtable_flush_owed(unlinked_at));
}

/* Changes a page as set_memory_*() would, and flushes it as if it had been unmapped. */
static void violate_by_flags(u64 set)
{
	u64 va = map_lonely_page();

	BUG_ON(change_flags(kernel_root, va, PAGE_SIZE, set, 0));
	flush_page(va);
}

static void violate_r2_user(void)
{
	violate_by_flags(PTE_USER);
}

static void violate_r2_root(void)
{
	flush_page((u64)entry_text_start);
}

static void violate_r8(void)
{
	flush_page(cpu_area(0) + CPU_AREA_TABLES);
}

static void violate_r10(void)
{
	violate_by_flags(PTE_PCD | PTE_PWT);
}

enum rule { R1, R2, R8, R10, RULES };
static const char *const rule_names[] = {"R1", "R2", "R8", "R10", NULL};
static const char *const page_names[] = {"user", "root", NULL};

static void (*const violations[RULES])(void) = {
	[R1] = violate_r1, [R2] = violate_r2_user, [R8] = violate_r8, [R10] = violate_r10};

static bool read_rule(const struct run_spec *run, u32 *rule, u32 *page, char *err, size_t errlen)
{
	static const char *const known[] = {"rule", "page", NULL};

	if (!run_only_knows(run, known, err, errlen) ||
	    !run_word(run, "rule", rule_names, rule, err, errlen) ||
	    !run_word(run, "page", page_names, page, err, errlen))
		return false;
	if (*rule == RULES)
		snprintf(err, errlen, "run=violate: rule= is missing; valid: R1, R2, R8, R10");
	else if (*rule != R2 && run_text(run, "page"))
		snprintf(err, errlen, "run=violate: page= is for one rule; valid: rule=R2");
	else
		return true;
	return false;
}

enum ending run_violate(const struct setup *setup)
{
	const struct options *options = setup->options;
	const struct flush_policy *policy;
	struct policy_mode mode;
	const char *why;
	u32 rule = RULES, page = 0;
	char err[OPTIONS_ERROR_MAX];

	if (!read_rule(&options->run, &rule, &page, err, sizeof(err)))
		return refuse(err);
	if (!CONFIG_CONTEXT_TRACKING_WORK)
		return refuse("run=violate: built with CT_WORK=0, no flush is deferrable");
	policy = options_policy(options, flush_policies[0], err, sizeof(err));
	if (!policy)
		return refuse(err);
	mode = options_policy_mode(options, policy);
	why = policy_refuses(policy, &mode);
	if (why)
		return refuse_policy(policy, why);
	select_policy(policy, &mode);
	pr_info("violate: %s under %s", rule_names[rule], flush_policy->name);
	if (rule == R2 && page)
		violate_r2_root();
	else
		violations[rule]();
	pr_err("violate: %s was broken and nothing said so", rule_names[rule]);
	return END_FAIL;
}
