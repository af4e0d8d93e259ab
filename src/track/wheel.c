/* SPDX-License-Identifier: Apache-2.0 */
#include "track/wheel.h"

#include <stdlib.h>
#include <string.h>

struct ear_wheel_node {
	uint32_t next, prev; /* handles; prev 0: the slot itself */
	uint32_t due_s;      /* 0: not set */
	uint32_t slot;
};

static bool room(struct ear_wheel *w, uint32_t h)
{
	size_t n = w->nodes ? w->nodes : 1024;
	struct ear_wheel_node *node;

	if (h < w->nodes)
		return true;
	while (n <= h)
		n += n / 2;
	node = realloc(w->node, n * sizeof(*node));
	if (!node)
		return false;
	memset(node + w->nodes, 0, (n - w->nodes) * sizeof(*node));
	w->node = node;
	w->nodes = n;
	return true;
}

static void link_node(struct ear_wheel *w, uint32_t h, uint64_t due_s)
{
	struct ear_wheel_node *node = &w->node[h];
	uint64_t when = due_s;

	if (when < w->at_s)
		when = w->at_s;
	if (when > w->at_s + EAR_WHEEL_SLOTS - 1)
		when = w->at_s + EAR_WHEEL_SLOTS - 1;
	node->due_s = (uint32_t)due_s;
	node->slot = (uint32_t)(when % EAR_WHEEL_SLOTS);
	node->prev = 0;
	node->next = w->slot[node->slot];
	if (node->next)
		w->node[node->next].prev = h;
	w->slot[node->slot] = h;
}

static void unlink_node(struct ear_wheel *w, uint32_t h)
{
	struct ear_wheel_node *node = &w->node[h];

	if (node->prev)
		w->node[node->prev].next = node->next;
	else
		w->slot[node->slot] = node->next;
	if (node->next)
		w->node[node->next].prev = node->prev;
	node->due_s = 0;
}

bool ear_wheel_set(struct ear_wheel *w, uint32_t h, uint64_t due_s)
{
	if (!room(w, h))
		return false;
	/* Seconds of 32 bits last until 2106. */
	if (due_s > UINT32_MAX)
		due_s = UINT32_MAX;
	if (!due_s)
		due_s = 1;
	if (w->node[h].due_s && w->node[h].due_s <= due_s)
		return true;
	if (w->node[h].due_s)
		unlink_node(w, h);
	link_node(w, h, due_s);
	return true;
}

void ear_wheel_clear(struct ear_wheel *w, uint32_t h)
{
	if (h < w->nodes && w->node[h].due_s)
		unlink_node(w, h);
}

uint32_t ear_wheel_pop(struct ear_wheel *w, uint64_t now_s)
{
	/* What is put off beyond 2106 would be due at once, again and again. */
	if (now_s > UINT32_MAX)
		now_s = UINT32_MAX;
	/* After a leap each slot is looked at once. */
	if (now_s > w->at_s + EAR_WHEEL_SLOTS)
		w->at_s = now_s - EAR_WHEEL_SLOTS;
	while (w->at_s < now_s) {
		uint32_t h = w->slot[w->at_s % EAR_WHEEL_SLOTS];
		uint32_t due_s;

		if (!h) {
			w->at_s++;
			continue;
		}
		due_s = w->node[h].due_s;
		unlink_node(w, h);
		if (due_s < now_s)
			return h;
		link_node(w, h, due_s);
	}
	return 0;
}

size_t ear_wheel_bytes(const struct ear_wheel *w)
{
	return w->nodes * sizeof(*w->node);
}

void ear_wheel_fini(struct ear_wheel *w)
{
	free(w->node);
	*w = (struct ear_wheel){0};
}
