/* SPDX-License-Identifier: MIT */
/*
 * Finding a place, taking it out, and giving it back: what makes a tree of ranges an allocator of
 * addresses. Every step goes down or up the tree once.
 */
#include "arch/x86_64/log.h"
#include "mm/area_tree.h"

static u64 length(const struct area_node *node)
{
	return node->end - node->start;
}

/* The lowest range of SIZE bytes or more in the subtree of NODE, which has one. */
static struct area_node *lowest_in(struct area_tree *tree, struct area_node *node, u64 size)
{
	for (;;) {
		tree->visits++;
		if (node->child[0] && node->child[0]->longest >= size)
			node = node->child[0];
		else if (length(node) >= size)
			return node;
		else
			node = node->child[1];
	}
}

/*
 * The lowest range that has SIZE bytes above FROM. One range may lie around FROM and is tried by
 * what remains of it. All others start above: going down towards FROM leaves them, in descending
 * order, in the nodes where the way goes left and in the right subtrees of those; so the way back
 * up meets them in ascending order, and the first that is long enough is it.
 */
static struct area_node *lowest_above(struct area_tree *tree, u64 size, u64 from)
{
	struct area_node *node = tree->root, *last = NULL;

	while (node) {
		tree->visits++;
		last = node;
		if (from >= node->start && from < node->end && node->end - from >= size)
			return node;
		node = node->child[from >= node->start];
	}
	for (node = last; node; node = node->parent) {
		tree->visits++;
		if (node->start <= from)
			continue;
		if (length(node) >= size)
			return node;
		if (node->child[1] && node->child[1]->longest >= size)
			return lowest_in(tree, node->child[1], size);
	}
	return NULL;
}

/* Whether SIZE aligned bytes of NODE lie within [vstart, vend), and the lowest place of them. */
static bool fits(const struct area_node *node, u64 size, u64 align, u64 vstart, u64 vend, u64 *addr)
{
	*addr = ALIGN_UP(max(node->start, vstart), align);
	return *addr + size <= min(node->end, vend);
}

struct area_node *area_tree_fit(struct area_tree *tree, u64 size, u64 align, u64 vstart, u64 vend,
				u64 *addr)
{
	struct area_node *node = lowest_above(tree, size + align - PAGE_SIZE, vstart);

	if (node && fits(node, size, align, vstart, vend, addr))
		return node;
	if (align == PAGE_SIZE)
		return NULL;
	node = lowest_above(tree, size, vstart);
	while (node && node->start < vend) {
		if (fits(node, size, align, vstart, vend, addr))
			return node;
		node = lowest_above(tree, size, node->end);
	}
	return NULL;
}

static void spare(struct area_spares *spares, struct area_node *node)
{
	spares->node[spares->nr++] = node;
}

void area_tree_carve(struct area_tree *tree, struct area_node *node, u64 start, u64 end,
		     struct area_node *extra, struct area_spares *spares)
{
	u64 below = node->start, above = node->end;

	BUG_ON(start >= end || start < below || end > above);
	spares->nr = 0;
	if (start > below) {
		area_tree_resize(tree, node, below, start);
		if (end < above) {
			extra->start = end;
			extra->end = above;
			BUG_ON(!area_tree_insert(tree, extra));
			return;
		}
	} else if (end < above) {
		area_tree_resize(tree, node, end, above);
	} else {
		area_tree_remove(tree, node);
		spare(spares, node);
	}
	spare(spares, extra);
}

/* The ranges below and above ADDR that lie nearest to it. */
static void neighbours(struct area_tree *tree, u64 addr, struct area_node **below,
		       struct area_node **above)
{
	struct area_node *node = tree->root;

	*below = *above = NULL;
	while (node) {
		int higher = addr >= node->end;

		tree->visits++;
		if (higher)
			*below = node;
		else
			*above = node;
		node = node->child[higher];
	}
}

bool area_tree_insert_merged(struct area_tree *tree, struct area_node *node,
			     struct area_spares *spares)
{
	struct area_node *below, *above;
	bool touches_below, touches_above;

	spares->nr = 0;
	neighbours(tree, node->start, &below, &above);
	if (above && above->start < node->end)
		return false;
	touches_below = below && below->end == node->start;
	touches_above = above && above->start == node->end;
	if (touches_below) {
		u64 end = node->end;

		if (touches_above) {
			end = above->end;
			area_tree_remove(tree, above);
			spare(spares, above);
		}
		area_tree_resize(tree, below, below->start, end);
	} else if (touches_above) {
		area_tree_resize(tree, above, node->start, above->end);
	} else {
		return area_tree_insert(tree, node);
	}
	spare(spares, node);
	return true;
}
