/* SPDX-License-Identifier: Apache-2.0 */
/* Retention and statistics of the embedded store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/time.h"
#include "store/embedded_priv.h"

#define DAY_NS (24 * 3600 * EAR_SECOND_NS)
#define RELAXED __ATOMIC_RELAXED

/* Bytes of the disk that we may still use. */
static uint64_t free_of(const struct embedded *e)
{
	struct statvfs fs;
	char parent[4096];

	if (!statvfs(ear_shelf_dir(e->shelf), &fs))
		return (uint64_t)fs.f_bavail * fs.f_frsize;
	snprintf(parent, sizeof(parent), "%s/..", ear_shelf_dir(e->shelf));
	return statvfs(parent, &fs) ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Read the totals of those whose are not known. */
static void load(struct embedded *e, struct ear_shelf_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ear_shelf_item *item = &items[i];
		struct ear_view *view;

		if (item->loaded && item->sealed)
			continue;
		if (ear_shelf_view(e->shelf, item, &view, NULL))
			continue;
		item->total = view->total;
		item->loaded = true;
		item->bytes = ear_shelf_bytes(e->shelf, item->number);
		ear_shelf_return(e->shelf, item->number, &view);
	}
}

/*
 * When its last message came in. Of one that cannot be read only its name
 * tells when it was begun.
 */
static uint64_t last_of(const struct ear_shelf_item *item)
{
	if (item->loaded && item->total.messages)
		return item->total.last_seen;
	return item->number * EAR_SECOND_NS;
}

static int by_last(const void *a, const void *b)
{
	uint64_t x = last_of(a), y = last_of(b);

	return (x > y) - (x < y);
}

/* They may be changed while others look. */
static struct ear_retention limits_of(const struct embedded *e)
{
	const struct ear_retention *k = &e->opt.keep;

	return (struct ear_retention){
		.max_age_ns = __atomic_load_n(&k->max_age_ns, RELAXED),
		.max_bytes = __atomic_load_n(&k->max_bytes, RELAXED),
		.min_free = __atomic_load_n(&k->min_free, RELAXED),
	};
}

void embedded_limits(struct ear_store *store, const struct ear_retention *keep)
{
	struct embedded *e = embedded(store);
	struct ear_retention *k = &e->opt.keep;

	__atomic_store_n(&k->max_age_ns, keep->max_age_ns, RELAXED);
	__atomic_store_n(&k->max_bytes, keep->max_bytes, RELAXED);
	__atomic_store_n(&k->min_free, keep->min_free, RELAXED);
	if (e->writer)
		ear_writer_limits(e->writer, keep);
}

/* --- retention --------------------------------------------------------- */

/* It is tried again every few seconds: the same is told once. */
static void tell_failed(struct embedded *e, const char *text)
{
	if (!strcmp(e->failed, text))
		return;
	snprintf(e->failed, sizeof(e->failed), "%s", text);
	if (e->notice)
		e->notice("store.keep_failed", ear_slice_str(text), e->arg);
}

/* @return whether it is gone */
static bool remove_one(struct embedded *e, struct ear_shelf_item *item,
	const char *why, struct ear_fault *fault)
{
	char last[EAR_TIME_TEXT], text[320];

	if (ear_shelf_remove(e->shelf, item->number, fault))
		return false;
	__atomic_fetch_add(&e->removed_segments, 1, RELAXED);
	__atomic_fetch_add(&e->removed_messages,
		item->loaded ? item->total.messages : 0, RELAXED);
	/* only here, by the one thread that removes */
	if (item->loaded && item->total.messages &&
		item->total.last_at > e->removed_to_ns)
		__atomic_store_n(
			&e->removed_to_ns, item->total.last_at, RELAXED);
	ear_time_text(last_of(item), last);
	snprintf(text, sizeof(text),
		"removed the oldest %" PRIu64 " messages, until %s (%" PRIu64
		" bytes): %s",
		item->loaded ? item->total.messages : 0, last, item->bytes,
		why);
	if (e->notice && (!item->loaded || item->total.messages))
		e->notice("store.removed", ear_slice_str(text), e->arg);
	return true;
}

/* Why a segment has to go; NULL: it stays. */
static const char *must_go(const struct ear_retention *k,
	const struct ear_shelf_item *item, uint64_t now, uint64_t bytes,
	uint64_t disk_free)
{
	if (k->max_age_ns && last_of(item) < now &&
		now - last_of(item) > k->max_age_ns)
		return "older than is kept";
	if (k->max_bytes && bytes > k->max_bytes)
		return "the store is as large as it may be";
	if (k->min_free && disk_free < k->min_free + (32u << 20))
		return "the disk has as little room as shall stay free";
	return NULL;
}

/*
 * Remove what has to go, oldest first. The open segment stays; when it would
 * have to go it is sealed, so that the next time it can.
 */
static void keep(struct embedded *e, uint64_t now)
{
	struct ear_shelf_item *items;
	uint64_t bytes = 0, disk_free = free_of(e);
	struct ear_retention limits = limits_of(e);
	struct ear_fault fault = {0}, first = {0};
	bool own = false;
	size_t n;

	if (ear_shelf_list(e->shelf, &items, &n, NULL))
		n = 0;
	load(e, items, n);
	for (size_t i = 0; i < n; i++) {
		bytes += items[i].bytes;
		own = own || items[i].own;
	}
	qsort(items, n, sizeof(*items), by_last);
	for (size_t i = 0; i < n; i++) {
		struct ear_shelf_item *item = &items[i];
		const char *why = must_go(&limits, item, now, bytes, disk_free);

		/* one that holds only marks, which the open one has too */
		if (!why && own && item->sealed && item->loaded &&
			!item->total.messages)
			why = "empty";
		if (!why)
			continue;
		if (!item->sealed) {
			if (item->own && item->total.messages)
				ear_writer_seal(e->writer);
			continue;
		}
		if (!remove_one(e, item, why, &fault)) {
			if (!first.code)
				first = fault;
			continue;
		}
		bytes -= item->bytes;
		disk_free += item->bytes;
	}
	if (first.code)
		tell_failed(e, first.text);
	else
		e->failed[0] = '\0';
	free(items);
}

/* The time to go by; a clock that jumped ahead is told once. */
static uint64_t believed(struct embedded *e, uint64_t now_ns)
{
	bool was_ahead = e->clock.ahead;
	uint64_t now = ear_store_clock(&e->clock, now_ns, ear_mono_ns());
	char ahead[EAR_TIME_TEXT], text[200];

	if (was_ahead || !e->clock.ahead || !e->notice)
		return now;
	ear_duration_text(now_ns - now, ahead);
	snprintf(text, sizeof(text),
		"the clock jumped ahead by %s: unless it is set back within "
		"10 minutes, what is too old by it will be removed",
		ahead);
	e->notice("store.clock", ear_slice_str(text), e->arg);
	return now;
}

void embedded_retain(struct ear_store *store, uint64_t now_ns)
{
	struct embedded *e = embedded(store);

	if (!e->writer)
		return;
	pthread_mutex_lock(&e->keeping);
	now_ns = believed(e, now_ns);
	__atomic_store_n(&e->now_ns, now_ns, RELAXED);
	keep(e, now_ns);
	pthread_mutex_unlock(&e->keeping);
}

bool embedded_make_room(void *arg)
{
	struct embedded *e = arg;

	pthread_mutex_lock(&e->keeping);
	keep(e, __atomic_load_n(&e->now_ns, RELAXED));
	pthread_mutex_unlock(&e->keeping);
	return free_of(e) >= limits_of(e).min_free + (16u << 20);
}

/* --- statistics -------------------------------------------------------- */

static void add(struct ear_store_stats *st, const struct ear_shelf_item *item)
{
	const struct ear_total *t = &item->total;

	st->segments++;
	st->bytes += item->bytes;
	st->damaged += item->hurt;
	if (!item->loaded || !t->messages)
		return;
	if (!st->messages || t->first_at < st->oldest_ns)
		st->oldest_ns = t->first_at;
	if (t->last_at > st->newest_ns)
		st->newest_ns = t->last_at;
	st->messages += t->messages;
	st->malformed += t->malformed;
	st->raw_bytes += t->raw_bytes;
}

/* What came in during the last day, by the part of each segment in it. */
static uint64_t growth(
	const struct ear_shelf_item *items, size_t n, uint64_t now)
{
	uint64_t from = now > DAY_NS ? now - DAY_NS : 0, first = now;
	double bytes = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ear_total *t = &items[i].total;
		uint64_t begin = t->first_seen > from ? t->first_seen : from;
		double all = (double)(t->last_seen - t->first_seen) + 1;

		if (!items[i].loaded || !t->messages || t->last_seen < from)
			continue;
		first = begin < first ? begin : first;
		bytes += (double)items[i].bytes *
			 ((double)(t->last_seen - begin) + 1) / all;
	}
	/* from less than a minute nothing can be told */
	if (now - first < 60 * EAR_SECOND_NS)
		return 0;
	return (uint64_t)(bytes * (double)DAY_NS / (double)(now - first));
}

static uint64_t until(uint64_t room, uint64_t per_day)
{
	double days = per_day ? (double)room / (double)per_day : 1e9;

	return days > 36500 ? 36500 * DAY_NS
			    : (uint64_t)(days * (double)DAY_NS);
}

/* The time until the first limit makes the oldest go; 0: there is none. */
static uint64_t time_left(const struct embedded *e,
	const struct ear_store_stats *st, uint64_t oldest, uint64_t now)
{
	const struct ear_retention limits = limits_of(e), *k = &limits;
	uint64_t left = UINT64_MAX, t;

	if (k->max_age_ns && oldest) {
		t = oldest + k->max_age_ns;
		t = t > now ? t - now : 1;
		left = t < left ? t : left;
	}
	if (k->max_bytes) {
		t = until(
			k->max_bytes > st->bytes ? k->max_bytes - st->bytes : 0,
			st->bytes_per_day);
		left = t < left ? t : left;
	}
	if (k->min_free) {
		t = until(st->disk_free > k->min_free
				  ? st->disk_free - k->min_free
				  : 0,
			st->bytes_per_day);
		left = t < left ? t : left;
	}
	return left == UINT64_MAX ? 0 : left ? left : 1;
}

void embedded_stats(struct ear_store *store, struct ear_store_stats *st)
{
	struct embedded *e = embedded(store);
	uint64_t now = __atomic_load_n(&e->now_ns, RELAXED), oldest = 0;
	struct ear_writer_stats w = {0};
	struct ear_shelf_item *items;
	size_t n;

	*st = (struct ear_store_stats){0};
	if (ear_shelf_list(e->shelf, &items, &n, NULL))
		n = 0;
	load(e, items, n);
	for (size_t i = 0; i < n; i++) {
		add(st, &items[i]);
		if (items[i].loaded && items[i].total.last_seen > now)
			now = items[i].total.last_seen;
		if (!oldest || last_of(&items[i]) < oldest)
			oldest = last_of(&items[i]);
	}
	if (e->writer)
		ear_writer_stats(e->writer, &w);
	st->pending = w.pending;
	st->full = w.full;
	st->disk_free = free_of(e);
	st->removed_segments = __atomic_load_n(&e->removed_segments, RELAXED);
	st->removed_messages = __atomic_load_n(&e->removed_messages, RELAXED);
	st->removed_to_ns = __atomic_load_n(&e->removed_to_ns, RELAXED);
	st->bytes_per_day = growth(items, n, now);
	st->left_ns = time_left(e, st, oldest, now);
	free(items);
}
