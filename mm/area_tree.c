/* SPDX-License-Identifier: MIT */
/*
 * The tree itself. What must hold in every node, all the time: left ranges are lower, right ranges
 * are higher, the heights of both subtrees differ by at most one, and height and longest are right.
 */
#include "mm/area_tree.h"

static int height_of(const struct area_node *node)
{
	return node ? node->height : 0;
}

/* Works out height and longest from the children; true if one of them has changed. */
static bool refresh(struct area_node *node)
{
	const struct area_node *left = node->child[0], *right = node->child[1];
	int height = 1 + max(height_of(left), height_of(right));
	u64 longest = node->end - node->start;
	bool changed;

	if (left)
		longest = max(longest, left->longest);
	if (right)
		longest = max(longest, right->longest);
	changed = height != node->height || longest != node->longest;
	node->height = height;
	node->longest = longest;
	return changed;
}

/* Puts NEW (or nothing) where OLD hangs. */
static void replace(struct area_tree *tree, struct area_node *old, struct area_node *new)
{
	struct area_node *parent = old->parent;

	if (new)
		new->parent = parent;
	if (!parent)
		tree->root = new;
	else
		parent->child[parent->child[1] == old] = new;
}

/* Turns NODE down to side SIDE; its other child takes its place and is returned. */
static struct area_node *rotate(struct area_tree *tree, struct area_node *node, int side)
{
	struct area_node *up = node->child[!side];

	replace(tree, node, up);
	node->child[!side] = up->child[side];
	if (up->child[side])
		up->child[side]->parent = node;
	up->child[side] = node;
	node->parent = up;
	refresh(node);
	refresh(up);
	return up;
}

/* Restores all that must hold from NODE upwards, up to where nothing changes any more. */
static void repair(struct area_tree *tree, struct area_node *node)
{
	for (; node; node = node->parent) {
		bool changed = refresh(node);
		int balance = height_of(node->child[1]) - height_of(node->child[0]);

		tree->visits++;
		if (balance < -1 || balance > 1) {
			int heavy = balance > 0;
			struct area_node *child = node->child[heavy];

			if (height_of(child->child[!heavy]) > height_of(child->child[heavy]))
				rotate(tree, child, heavy);
			node = rotate(tree, node, !heavy);
		} else if (!changed) {
			break;
		}
	}
}

struct area_node *area_tree_find(struct area_tree *tree, u64 addr)
{
	struct area_node *node = tree->root;

	while (node) {
		tree->visits++;
		if (addr < node->start)
			node = node->child[0];
		else if (addr >= node->end)
			node = node->child[1];
		else
			break;
	}
	return node;
}

static struct area_node *outermost(struct area_tree *tree, struct area_node *node, int side)
{
	while (node && node->child[side]) {
		tree->visits++;
		node = node->child[side];
	}
	return node;
}

struct area_node *area_tree_first(struct area_tree *tree)
{
	return outermost(tree, tree->root, 0);
}

struct area_node *area_tree_last(struct area_tree *tree)
{
	return outermost(tree, tree->root, 1);
}

struct area_node *area_tree_next(struct area_tree *tree, struct area_node *node)
{
	if (node->child[1])
		return outermost(tree, node->child[1], 0);
	while (node->parent && node->parent->child[1] == node) {
		tree->visits++;
		node = node->parent;
	}
	return node->parent;
}

bool area_tree_insert(struct area_tree *tree, struct area_node *node)
{
	struct area_node *parent = NULL, *at = tree->root;
	int side = 0;

	while (at) {
		tree->visits++;
		parent = at;
		if (node->end <= at->start)
			side = 0;
		else if (node->start >= at->end)
			side = 1;
		else
			return false;
		at = at->child[side];
	}
	node->parent = parent;
	node->child[0] = node->child[1] = NULL;
	node->height = 0; /* not yet: repair() sees a change */
	if (parent)
		parent->child[side] = node;
	else
		tree->root = node;
	tree->count++;
	repair(tree, node);
	return true;
}

/*
 * A node with two children is replaced by its successor, which has no left child. The successor
 * inherits height and longest, since these are what the nodes above know of the place. The way up
 * is repaired in two parts: from where the successor was taken, which may stop early, and from
 * where it is now, since the range that is gone may have been the longest.
 */
void area_tree_remove(struct area_tree *tree, struct area_node *node)
{
	struct area_node *heir, *lowest_changed;

	tree->count--;
	if (!node->child[0] || !node->child[1]) {
		replace(tree, node, node->child[!node->child[0]]);
		repair(tree, node->parent);
		return;
	}
	heir = outermost(tree, node->child[1], 0);
	lowest_changed = heir;
	if (heir->parent != node) {
		lowest_changed = heir->parent;
		replace(tree, heir, heir->child[1]);
		heir->child[1] = node->child[1];
		heir->child[1]->parent = heir;
	}
	heir->child[0] = node->child[0];
	heir->child[0]->parent = heir;
	replace(tree, node, heir);
	heir->height = node->height;
	heir->longest = node->longest;
	repair(tree, lowest_changed);
	repair(tree, heir);
}

void area_tree_resize(struct area_tree *tree, struct area_node *node, u64 start, u64 end)
{
	node->start = start;
	node->end = end;
	repair(tree, node);
}
