// sources: mm/area_tree.c mm/area_fit.c
// flags: -lm
/* SPDX-License-Identifier: MIT */
/*
 * The tree of address ranges against a sorted array, and the promise of O(log n) by counting the
 * nodes that a call looks at: a count says the same on a loaded machine. An AVL tree of n nodes is
 * at most 1.4405 log2(n + 2) high (Knuth, volume 3, 6.2.3), so a call that goes down or up k times
 * may visit k times that many.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/area_tree.h"
#include "tests/host/host_log.h"

static u64 seed = 88172645463325252UL;

static u64 rnd(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* --- What must hold in every node --- */

static u64 checked;
static u64 last_end;

static int check_subtree(const struct area_node *node, const struct area_node *parent, u64 *longest)
{
	u64 below[2] = {0, 0};
	int left, right;

	*longest = 0;
	if (!node)
		return 0;
	assert_ptr_equal(node->parent, parent);
	assert_true(node->start < node->end);
	left = check_subtree(node->child[0], node, &below[0]);
	assert_true(last_end <= node->start);
	last_end = node->end;
	checked++;
	right = check_subtree(node->child[1], node, &below[1]);
	assert_in_range(left - right + 1, 0, 2);
	assert_int_equal(node->height, 1 + max(left, right));
	*longest = max(node->end - node->start, max(below[0], below[1]));
	assert_int_equal(node->longest, *longest);
	return node->height;
}

static void check_tree(const struct area_tree *tree)
{
	u64 longest;

	checked = last_end = 0;
	check_subtree(tree->root, NULL, &longest);
	assert_int_equal(checked, tree->count);
}

/* --- The sorted array --- */

struct range {
	u64 start, end;
};

#define MAX_RANGES 2000
static struct range sorted[MAX_RANGES];
static unsigned int nr_sorted;

static void sorted_add(u64 start, u64 end)
{
	unsigned int i = nr_sorted++;

	assert_true(nr_sorted <= MAX_RANGES);
	for (; i && sorted[i - 1].start > start; i--)
		sorted[i] = sorted[i - 1];
	sorted[i] = (struct range){start, end};
}

static void sorted_delete(unsigned int i)
{
	for (nr_sorted--; i < nr_sorted; i++)
		sorted[i] = sorted[i + 1];
}

static int sorted_find(u64 addr)
{
	for (unsigned int i = 0; i < nr_sorted; i++) {
		if (addr >= sorted[i].start && addr < sorted[i].end)
			return (int)i;
	}
	return -1;
}

static bool sorted_overlaps(u64 start, u64 end)
{
	for (unsigned int i = 0; i < nr_sorted; i++) {
		if (start < sorted[i].end && end > sorted[i].start)
			return true;
	}
	return false;
}

static void sorted_add_merged(u64 start, u64 end)
{
	for (unsigned int i = 0; i < nr_sorted;) {
		if (sorted[i].end == start || sorted[i].start == end) {
			start = min(start, sorted[i].start);
			end = max(end, sorted[i].end);
			sorted_delete(i);
		} else {
			i++;
		}
	}
	sorted_add(start, end);
}

static u64 round_up(u64 value, u64 align)
{
	return (value + align - 1) / align * align;
}

/* The words of area_tree_fit()'s contract, over the array. Returns the index, or -1. */
static int sorted_fit(u64 size, u64 align, u64 vstart, u64 vend, u64 *addr)
{
	for (unsigned int i = 0; i < nr_sorted; i++) {
		u64 from = max(sorted[i].start, vstart);

		if (sorted[i].end <= from || sorted[i].end - from < size + align - PAGE_SIZE)
			continue;
		*addr = round_up(from, align);
		if (*addr + size <= vend)
			return (int)i;
		break; /* the lowest of that length is cut off by vend */
	}
	for (unsigned int i = 0; i < nr_sorted; i++) {
		*addr = round_up(max(sorted[i].start, vstart), align);
		if (*addr + size <= sorted[i].end && *addr + size <= vend)
			return (int)i;
	}
	return -1;
}

static void compare(struct area_tree *tree)
{
	struct area_node *node = area_tree_first(tree);

	check_tree(tree);
	assert_int_equal(tree->count, nr_sorted);
	for (unsigned int i = 0; i < nr_sorted; i++) {
		assert_non_null(node);
		assert_int_equal(node->start, sorted[i].start);
		assert_int_equal(node->end, sorted[i].end);
		if (i + 1 == nr_sorted)
			assert_ptr_equal(area_tree_last(tree), node);
		node = area_tree_next(tree, node);
	}
	assert_null(node);
}

/* --- Tests --- */

#define SPACE 2000 /* pages of address space */

static void inserts_removes_and_lookups_agree(void **state)
{
	struct area_tree tree = {0};

	(void)state;
	nr_sorted = 0;
	for (unsigned int step = 0; step < 40000; step++) {
		u64 start = rnd(SPACE) * PAGE_SIZE, end = start + (1 + rnd(6)) * PAGE_SIZE;
		u64 addr = rnd((SPACE + 10) * PAGE_SIZE);
		struct area_node *node = malloc(sizeof(*node));
		int found;

		memset(node, 0xa5, sizeof(*node));
		node->start = start;
		node->end = end;
		if (rnd(step / 5000 % 2 ? 4 : 2)) {
			bool inserted = area_tree_insert(&tree, node);

			assert_int_equal(inserted, !sorted_overlaps(start, end));
			if (inserted)
				sorted_add(start, end);
			else
				free(node);
		} else {
			free(node);
			node = area_tree_find(&tree, start);
			found = sorted_find(start);
			assert_int_equal(node != NULL, found >= 0);
			if (node) {
				area_tree_remove(&tree, node);
				sorted_delete((unsigned int)found);
				free(node);
			}
		}
		node = area_tree_find(&tree, addr);
		found = sorted_find(addr);
		assert_int_equal(node != NULL, found >= 0);
		if (node)
			assert_int_equal(node->start, sorted[found].start);
		compare(&tree);
	}
	assert_true(nr_sorted > 100);
	while (tree.root) {
		struct area_node *node = tree.root;

		area_tree_remove(&tree, node);
		check_tree(&tree);
		free(node);
	}
	assert_int_equal(tree.count, 0);
	assert_null(area_tree_first(&tree));
	assert_null(area_tree_last(&tree));
}

static unsigned long live_nodes;

static struct area_node *new_node(void)
{
	live_nodes++;
	return malloc(sizeof(struct area_node));
}

static void free_spares(struct area_spares *spares)
{
	assert_true(spares->nr <= 2);
	while (spares->nr) {
		free(spares->node[--spares->nr]);
		live_nodes--;
	}
}

/* An allocator of addresses: what is free is in the tree, what is taken in an array. */
static void the_allocator_agrees(void **state)
{
	static struct range taken[MAX_RANGES];
	struct area_tree tree = {0};
	struct area_node *node = new_node();
	struct area_spares spares;
	unsigned int nr_taken = 0, full = 0, aligned = 0, windows = 0, refused = 0, exact = 0;

	(void)state;
	nr_sorted = 0;
	sorted_add(16 * PAGE_SIZE, (16 + SPACE) * PAGE_SIZE);
	node->start = sorted[0].start;
	node->end = sorted[0].end;
	assert_true(area_tree_insert(&tree, node));
	for (unsigned int step = 0; step < 60000; step++) {
		u64 size = (1 + (rnd(4) ? rnd(8) : rnd(80))) * PAGE_SIZE;
		u64 align = rnd(3) ? PAGE_SIZE : PAGE_SIZE << rnd(9);
		u64 vstart = 0, vend = GIB(1), addr = 0, expected = 0;
		struct range before;
		int index;

		if (!rnd(3)) {
			vstart = rnd(SPACE + 30) * PAGE_SIZE;
			vend = vstart + (rnd(2) ? size : rnd(SPACE) * PAGE_SIZE);
		}
		if (nr_taken < MAX_RANGES && rnd(100) < (step / 3000 % 2 ? 65 : 45)) {
			node = area_tree_fit(&tree, size, align, vstart, vend, &addr);
			index = sorted_fit(size, align, vstart, vend, &expected);
			assert_int_equal(node != NULL, index >= 0);
			refused += !node;
			if (!node)
				continue;
			assert_int_equal(addr, expected);
			assert_int_equal(node->start, sorted[index].start);
			before = sorted[index];
			aligned += align > PAGE_SIZE;
			windows += vstart != 0;
			exact += vend == vstart + size;
			full += addr == node->start && addr + size == node->end;
			area_tree_carve(&tree, node, addr, addr + size, new_node(), &spares);
			free_spares(&spares);
			sorted_delete((unsigned int)index);
			if (before.start < addr)
				sorted_add(before.start, addr);
			if (addr + size < before.end)
				sorted_add(addr + size, before.end);
			taken[nr_taken++] = (struct range){addr, addr + size};
		} else if (nr_taken) {
			unsigned int i = (unsigned int)rnd(nr_taken);

			node = new_node();
			node->start = taken[i].start;
			node->end = taken[i].end;
			assert_true(area_tree_insert_merged(&tree, node, &spares));
			free_spares(&spares);
			sorted_add_merged(taken[i].start, taken[i].end);
			taken[i] = taken[--nr_taken];
		}
		compare(&tree);
		assert_int_equal(live_nodes, tree.count);
	}
	assert_true(full > 100 && aligned > 1000 && windows > 1000 && exact > 30 && refused > 1000);

	/* Giving back what is free already is refused, and nothing is spared. */
	node = new_node();
	node->start = tree.root->end - PAGE_SIZE;
	node->end = tree.root->end + PAGE_SIZE;
	assert_false(area_tree_insert_merged(&tree, node, &spares));
	assert_int_equal(spares.nr, 0);
	free(node);
	assert_true(
		host_panics(area_tree_carve(&tree, tree.root, 0, tree.root->end, NULL, &spares)));

	while (nr_taken--) {
		node = new_node();
		node->start = taken[nr_taken].start;
		node->end = taken[nr_taken].end;
		assert_true(area_tree_insert_merged(&tree, node, &spares));
		free_spares(&spares);
	}
	assert_int_equal(tree.count, 1);
	assert_int_equal(tree.root->end - tree.root->start, SPACE * PAGE_SIZE);
	free(tree.root);
	live_nodes = 0;
}

/* --- O(log n) --- */

static u64 most; /* visits of the dearest call of a kind */

static void start_counting(struct area_tree *tree)
{
	tree->visits = 0;
}

static void stop_counting(const struct area_tree *tree)
{
	most = max(most, tree->visits);
}

static void assert_most(u64 n, double passes, const char *what)
{
	double bound = passes * 1.4405 * log2((double)n + 2) + 2;

	if ((double)most > bound)
		fail_msg("%s among %lu areas: %lu visits, at most %.1f are allowed", what, n, most,
			 bound);
	most = 0;
}

/* N ranges of 1 to 3 pages with holes between them, inserted in ascending or random order. */
static void count_visits(u64 n, bool ascending)
{
	struct area_tree tree = {0};
	struct area_node *nodes = calloc(n + 1, sizeof(*nodes));
	struct area_node *extra = &nodes[n];
	struct area_spares spares;
	u64 *order = malloc(n * sizeof(*order));
	u64 addr;

	for (u64 i = 0; i < n; i++) {
		nodes[i].start = i * 8 * PAGE_SIZE;
		nodes[i].end = nodes[i].start + (1 + i % 3) * PAGE_SIZE;
		order[i] = i;
	}
	for (u64 i = n - 1; i && !ascending; i--) {
		u64 j = rnd(i + 1), swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	/* One range alone is long: the search must not try the others one by one. */
	nodes[order[n / 2]].end += 4 * PAGE_SIZE;
	for (u64 i = 0; i < n; i++) {
		start_counting(&tree);
		assert_true(area_tree_insert(&tree, &nodes[order[i]]));
		stop_counting(&tree);
	}
	assert_most(n, 2, "insertion");
	check_tree(&tree);

	for (unsigned int i = 0; i < 2000; i++) {
		start_counting(&tree);
		area_tree_find(&tree, rnd(n * 8 * PAGE_SIZE));
		stop_counting(&tree);
	}
	assert_most(n, 1, "lookup");

	for (unsigned int i = 0; i < 2000; i++) {
		u64 vstart = rnd(2) ? 0 : rnd(n * 8) * PAGE_SIZE;

		start_counting(&tree);
		area_tree_fit(&tree, (1 + rnd(7)) * PAGE_SIZE, PAGE_SIZE, vstart, ~0UL / 2, &addr);
		stop_counting(&tree);
	}
	assert_most(n, 3, "search");

	/* Take a page out and give it back: from the middle, so that both need a second node. */
	for (unsigned int i = 0; i < 2000 && n > 10; i++) {
		u64 start = nodes[order[n / 2]].start;
		struct area_node *longest;

		start_counting(&tree);
		longest = area_tree_fit(&tree, 5 * PAGE_SIZE, PAGE_SIZE, 0, ~0UL / 2, &addr);
		assert_non_null(longest);
		assert_int_equal(addr, start);
		area_tree_carve(&tree, longest, addr + PAGE_SIZE, addr + 2 * PAGE_SIZE, extra,
				&spares);
		stop_counting(&tree);
		assert_int_equal(spares.nr, 0);
		{
			struct area_node back = {.start = addr + PAGE_SIZE,
						 .end = addr + 2 * PAGE_SIZE};

			start_counting(&tree);
			assert_true(area_tree_insert_merged(&tree, &back, &spares));
			stop_counting(&tree);
			assert_int_equal(spares.nr, 2);
		}
	}
	assert_most(n, 6, "taking and giving back");

	for (u64 i = 0; i < n; i++) {
		start_counting(&tree);
		area_tree_remove(&tree, &nodes[order[(i * 7 + 3) % n]]);
		stop_counting(&tree);
		if (n % 7 == 0)
			break;
	}
	assert_most(n, 3, "removal");
	free(nodes);
	free(order);
}

static void visits_grow_with_the_logarithm(void **state)
{
	(void)state;
	most = 0;
	for (u64 n = 10; n <= 100000; n *= 10) {
		count_visits(n, true);
		count_visits(n, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts_removes_and_lookups_agree),
		cmocka_unit_test(the_allocator_agrees),
		cmocka_unit_test(visits_grow_with_the_logarithm),
	};

	return cmocka_run_group_tests_name("area_tree", tests, NULL, NULL);
}
