/* SPDX-License-Identifier: Apache-2.0 */
#include "store/null.h"

#include <stdio.h>
#include <stdlib.h>

#define MARKS_MAX 256

struct null {
	struct ear_store store;       /* first */
	uint64_t raw_bytes, messages; /* atomic: stats() comes from anywhere */
	struct ear_store_mark marks[MARKS_MAX];
	size_t mark_n;
};

static enum ear_err null_open(const struct ear_store_options *options,
	ear_notice_fn notice, void *arg, struct ear_store **store,
	struct ear_fault *fault)
{
	struct null *n = calloc(1, sizeof(*n));

	(void)options;
	(void)notice;
	(void)arg;
	*store = NULL;
	if (!n)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	n->store.ops = &ear_store_null;
	*store = &n->store;
	return EAR_OK;
}

static enum ear_err null_put(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct null *n = (struct null *)store;

	(void)facts;
	__atomic_fetch_add(&n->messages, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&n->raw_bytes, msg->raw.n, __ATOMIC_RELAXED);
	return EAR_OK;
}

static size_t index_of(const struct null *n, const char *name)
{
	size_t i = 0;

	while (i < n->mark_n && !ear_store_mark_is(&n->marks[i], name))
		i++;
	return i;
}

static void null_mark(
	struct ear_store *store, const struct ear_store_mark *mark)
{
	struct null *n = (struct null *)store;
	size_t i = index_of(n, mark->name);

	if (i == MARKS_MAX)
		return;
	n->marks[i] = *mark;
	n->mark_n += i == n->mark_n;
}

static enum ear_err null_marked(
	struct ear_store *store, const char *name, struct ear_store_mark *mark)
{
	struct null *n = (struct null *)store;
	size_t i = index_of(n, name);

	if (i == n->mark_n)
		return EAR_GONE;
	*mark = n->marks[i];
	return EAR_OK;
}

static void null_tick(struct ear_store *store, uint64_t mono_ns)
{
	(void)store;
	(void)mono_ns;
}

static enum ear_err null_flush(struct ear_store *store, struct ear_fault *fault)
{
	(void)store;
	(void)fault;
	return EAR_OK;
}

static void keeps_nothing(const struct ear_query *q, struct ear_found *found)
{
	*found = (struct ear_found){
		.done_from_ns = q->from_ns, .done_to_ns = q->to_ns};
	snprintf(found->why, sizeof(found->why), "this store keeps nothing");
}

static enum ear_err null_find(struct ear_store *store,
	const struct ear_query *query, ear_match_fn fn, void *arg,
	struct ear_found *found, struct ear_fault *fault)
{
	(void)store;
	(void)fn;
	(void)arg;
	(void)fault;
	keeps_nothing(query, found);
	return EAR_OK;
}

static enum ear_err null_histogram(struct ear_store *store,
	const struct ear_query *query, struct ear_histogram *out,
	struct ear_found *found, struct ear_fault *fault)
{
	(void)store;
	(void)fault;
	memset(out->n, 0, out->buckets * sizeof(*out->n));
	keeps_nothing(query, found);
	return EAR_OK;
}

static enum ear_err null_get(struct ear_store *store, struct ear_slice id,
	ear_match_fn fn, void *arg, struct ear_fault *fault)
{
	(void)store;
	(void)id;
	(void)fn;
	(void)arg;
	return ear_fail(fault, EAR_GONE, 0, "this store keeps nothing");
}

static void null_id_text(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts, char out[40])
{
	(void)store;
	(void)msg;
	(void)facts;
	out[0] = 0;
}

static void null_limits(
	struct ear_store *store, const struct ear_retention *keep)
{
	(void)store;
	(void)keep;
}

static void null_retain(struct ear_store *store, uint64_t now_ns)
{
	(void)store;
	(void)now_ns;
}

static void null_stats(struct ear_store *store, struct ear_store_stats *stats)
{
	struct null *n = (struct null *)store;

	*stats = (struct ear_store_stats){
		.messages = __atomic_load_n(&n->messages, __ATOMIC_RELAXED),
		.raw_bytes = __atomic_load_n(&n->raw_bytes, __ATOMIC_RELAXED)};
}

static void null_close(struct ear_store **store)
{
	free(*store);
	*store = NULL;
}

const struct ear_store_ops ear_store_null = {
	.name = "null",
	.open = null_open,
	.put = null_put,
	.mark = null_mark,
	.marked = null_marked,
	.tick = null_tick,
	.flush = null_flush,
	.find = null_find,
	.histogram = null_histogram,
	.get = null_get,
	.id_text = null_id_text,
	.retain = null_retain,
	.limits = null_limits,
	.stats = null_stats,
	.close = null_close,
};
