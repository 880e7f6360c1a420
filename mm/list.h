/* SPDX-License-Identifier: MIT */
/*
 * A ring of links, embedded in what it lists; the head is a link as well. A link that is in no
 * list points to itself, so that taking it out twice does no harm.
 */
#pragma once

#include "arch/x86_64/types.h"

struct list_link {
	struct list_link *next, *prev;
};

static inline void list_init(struct list_link *link)
{
	link->next = link->prev = link;
}

static inline bool list_empty(const struct list_link *head)
{
	return head->next == head;
}

static inline void list_add(struct list_link *head, struct list_link *link)
{
	link->next = head->next;
	link->prev = head;
	head->next->prev = link;
	head->next = link;
}

static inline void list_remove(struct list_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Walks the list; LINK itself may be removed by the body, nothing else. */
#define list_for_each(link, head)                                                                  \
	for (struct list_link *link = (head)->next, *_next = link->next; link != (head);           \
	     link = _next, _next = link->next)
