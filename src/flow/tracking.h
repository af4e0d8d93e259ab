/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Joins trackers and records: messages in, rows in DIR/records.db out. One
 * per process that takes messages: the server's pump has one, an import too.
 *
 * Threads: that of the path but for ear_tracking_records() and _json().
 */
#ifndef EAR_FLOW_TRACKING_H
#define EAR_FLOW_TRACKING_H

#include "base/json.h"
#include "records/records.h"
#include "store/store.h"
#include "track/track.h"

struct ear_tracking;

struct ear_tracking_options {
	struct ear_track_options track;
	/** owner is "server" or "import"; notice is told */
	struct ear_records_options records;
};

/** What a configuration says of it; with what ear_tracking_options has. */
struct ear_tracking_spec {
	bool keep; /**< false: no trackers, no records */
	struct ear_track_options track;
	uint64_t max_age_ns;
	uint64_t max_bytes;
};

/** Where no configuration says otherwise. */
struct ear_tracking_spec ear_tracking_defaults(void);

/**
 * Open the records, and go on with what was not over when they were closed.
 *
 * @return EAR_OK; as ear_records_open()
 */
EAR_MUST_USE enum ear_err ear_tracking_new(
	const struct ear_tracking_options *options, struct ear_tracking **t,
	struct ear_fault *fault);
/** Commits what was taken. */
void ear_tracking_free(struct ear_tracking **t);

/**
 * A file begins. If it goes on behind where the last one ended, in this or an
 * earlier run, what lasted then goes on; if not, it is older or the same once
 * more, and starts with nothing, so that it makes the rows it made before.
 */
void ear_tracking_begin(struct ear_tracking *t);

/** Take one message. */
void ear_tracking_take(struct ear_tracking *t, const struct ear_msg *msg,
	const struct ear_facts *facts);

/** Whether it is time to commit: after a second, or when much waits. */
bool ear_tracking_due(const struct ear_tracking *t, uint64_t mono_ns);

/** Whether a commit would find room at once. */
bool ear_tracking_ready(struct ear_tracking *t);

/** Whether so much waits for a commit that nothing more should be taken. */
bool ear_tracking_crowded(const struct ear_tracking *t);

/** All of this input up to here is taken: committed with the rows. */
void ear_tracking_mark(
	struct ear_tracking *t, const struct ear_store_mark *mark);

/** The last committed mark. @return EAR_OK; EAR_GONE when there is none */
EAR_MUST_USE enum ear_err ear_tracking_marked(
	struct ear_tracking *t, const char *name, struct ear_store_mark *mark);

/**
 * Commit what was taken, soon.
 *
 * @param live it goes on in real time: what is silent grows older meanwhile
 * @param stop becomes true: do not wait for room; may be NULL
 */
void ear_tracking_commit(struct ear_tracking *t, uint64_t mono_ns, bool live,
	const volatile bool *stop);

/** Commit, and wait for it. @return as ear_records_flush() */
EAR_MUST_USE enum ear_err ear_tracking_flush(
	struct ear_tracking *t, struct ear_fault *fault);

/** The input is over, as a capture file is: what lasts is told as it is. */
void ear_tracking_end(struct ear_tracking *t);

/** Where rows go; for lists. */
struct ear_records *ear_tracking_records(struct ear_tracking *t);

/** Members "trackers" and "records" of the status. Any thread. */
void ear_tracking_json(struct ear_tracking *t, struct ear_json *j);

#endif
