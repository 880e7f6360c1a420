/* SPDX-License-Identifier: MIT */
/*
 * Address ranges in an AVL tree, each node knowing the longest range below it: lookup, insertion,
 * removal and the search for the lowest place that fits take O(log n). AVL rather than red-black:
 * the tree is flatter (height at most 1.44 log2 n) and removal is shorter to write and to check.
 *
 * Nodes belong to the caller, who embeds them. Nothing here allocates or locks; every call on one
 * tree, lookups too, must be under one lock, since visits are counted.
 */
#pragma once

#include "arch/x86_64/types.h"

struct area_node {
	u64 start, end; /* [start, end), never empty while in a tree */
	u64 longest;	/* of all ranges in this subtree */
	struct area_node *parent;
	struct area_node *child[2];
	int height; /* of this subtree; a leaf has 1 */
};

struct area_tree {
	struct area_node *root;
	u64 count;
	u64 visits; /* nodes looked at by all calls so far */
};

/* Nodes that a call has taken out of the tree, or did not need: the caller's again. */
struct area_spares {
	unsigned int nr;
	struct area_node *node[2];
};

/* The range that contains ADDR, or NULL. At most one visit a level. */
struct area_node *area_tree_find(struct area_tree *tree, u64 addr);

/* In order of addresses; NULL at the end. */
struct area_node *area_tree_first(struct area_tree *tree);
struct area_node *area_tree_last(struct area_tree *tree);
struct area_node *area_tree_next(struct area_tree *tree, struct area_node *node);

/* Adds NODE, whose start and end are set. False, nothing changed, if it overlaps another range. */
bool area_tree_insert(struct area_tree *tree, struct area_node *node) __must_check;

void area_tree_remove(struct area_tree *tree, struct area_node *node);

/*
 * Adds NODE and joins it with the neighbours that it touches. Nodes that are no longer needed go
 * to SPARES (which it fills from empty): NODE itself if a neighbour has grown over it, and the
 * upper neighbour if the lower one has grown over that, too. False if NODE overlaps another range.
 */
bool area_tree_insert_merged(struct area_tree *tree, struct area_node *node,
			     struct area_spares *spares) __must_check;

/*
 * The lowest range that has SIZE bytes at a multiple of ALIGN within [vstart, vend); *addr is the
 * place. NULL when there is none. SIZE, VSTART, VEND and all ranges are multiples of PAGE_SIZE,
 * ALIGN a power of two from PAGE_SIZE on.
 *
 * With ALIGN = PAGE_SIZE that is exact and takes O(log n). With a greater one, the lowest range
 * with SIZE + ALIGN - PAGE_SIZE bytes above vstart is taken, in O(log n), since every place in it
 * will do; only if that fails or is cut off by vend are the ranges with SIZE bytes or more tried
 * one by one, from the lowest: exact, and O(log n) for each of those that do not fit.
 */
struct area_node *area_tree_fit(struct area_tree *tree, u64 size, u64 align, u64 vstart, u64 vend,
				u64 *addr);

/*
 * Takes [start, end) out of NODE's range. What remains on both sides needs a second node: EXTRA,
 * which need not be set up. Nodes that are then in no tree go to SPARES: EXTRA if it was not
 * needed, NODE if nothing of it remains.
 */
void area_tree_carve(struct area_tree *tree, struct area_node *node, u64 start, u64 end,
		     struct area_node *extra, struct area_spares *spares);

/* Inside of area_tree: changes NODE's range where no neighbour is in the way. */
void area_tree_resize(struct area_tree *tree, struct area_node *node, u64 start, u64 end);
