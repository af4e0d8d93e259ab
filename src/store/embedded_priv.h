/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the embedded store share. */
#ifndef EAR_STORE_EMBEDDED_PRIV_H
#define EAR_STORE_EMBEDDED_PRIV_H

#include "store/clock.h"
#include "store/search.h"
#include "store/writer.h"

struct embedded {
	struct ear_store store; /* first */
	struct ear_shelf *shelf;
	struct ear_writer *writer; /* NULL: look only */
	struct ear_store_options opt;
	ear_notice_fn notice;
	void *arg;
	unsigned scanners; /* threads that scan; atomic */

	/* relaxed atomics */
	uint64_t now_ns; /* the latest that retain() was told and believed */
	uint64_t removed_segments, removed_messages, removed_to_ns;
	pthread_mutex_t keeping;      /* one at a time removes */
	struct ear_store_clock clock; /* under keeping */
	char failed[320]; /* why nothing goes, as told; under keeping */
};

static inline struct embedded *embedded(struct ear_store *store)
{
	return (struct embedded *)store;
}

enum ear_err embedded_find(struct ear_store *store,
	const struct ear_query *query, ear_match_fn fn, void *arg,
	struct ear_found *found, struct ear_fault *fault);
enum ear_err embedded_histogram(struct ear_store *store,
	const struct ear_query *query, struct ear_histogram *out,
	struct ear_found *found, struct ear_fault *fault);
enum ear_err embedded_get(struct ear_store *store, struct ear_slice id,
	ear_match_fn fn, void *arg, struct ear_fault *fault);
void embedded_id_text(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts, char out[40]);

void embedded_limits(struct ear_store *store, const struct ear_retention *keep);
void embedded_retain(struct ear_store *store, uint64_t now_ns);
void embedded_stats(struct ear_store *store, struct ear_store_stats *stats);
/** Remove segments until the disk has room again: an ear_room_fn. */
bool embedded_make_room(void *arg);

#endif
