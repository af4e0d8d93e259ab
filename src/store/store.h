/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every store does, whichever it is: keep messages, find them again,
 * forget old ones. Stores are `const` tables of functions; flow and the
 * commands know only this face. The embedded store is store/embedded.h.
 */
#ifndef EAR_STORE_STORE_H
#define EAR_STORE_STORE_H

#include "base/buf.h"
#include "base/ledger.h"
#include "message/expr.h"
#include "message/msg.h"

struct ear_store;

/** How long things are kept; 0 is no limit. */
struct ear_retention {
	uint64_t max_age_ns; /**< since a segment's last message came in */
	uint64_t max_bytes;  /**< all segments together */
	uint64_t min_free;   /**< bytes of the disk to leave free */
};

struct ear_store_options {
	const char *dir; /**< data directory */
	bool write;      /**< false: look only */
	struct ear_retention keep;
	uint64_t segment_bytes; /**< raw bytes in a segment before it is sealed;
				     default 4 GiB */
	uint64_t segment_ns; /**< or this long after it began; default 24 h */
	uint32_t commit_ms;  /**< most between arrival and searchable; default
				  250, 10..5000 */
	uint32_t threads;    /**< that compress; default: the processors, at
				  most 8 */
	/**
	 * Called by the thread that puts, before what it put is closed for a
	 * commit, between two messages as the marks tell: marks that are set
	 * now are committed with it. Only by stores that commit later than
	 * they take; may be NULL.
	 */
	void (*closing)(void *arg);
	void *closing_arg;
};

/** A position in some input to keep together with the messages from it. */
struct ear_store_mark {
	char name[32]; /**< of the input: a journal lane */
	uint64_t v[3];
};

/** Whether a mark is the one of this name; names past 32 bytes are cut. */
static inline bool ear_store_mark_is(
	const struct ear_store_mark *mark, const char *name)
{
	return strncmp(mark->name, name, sizeof(mark->name)) == 0;
}

/** Told what an operator must know. Any thread. */
typedef void (*ear_notice_fn)(
	const char *event, struct ear_slice text, void *arg);

/** What is kept. */
struct ear_store_stats {
	uint64_t messages;  /**< searchable */
	uint64_t malformed; /**< of these */
	uint64_t segments;
	uint64_t bytes;     /**< on disk, indexes included */
	uint64_t raw_bytes; /**< of the messages as received */
	uint64_t oldest_ns; /**< capture time of the first and last message */
	uint64_t newest_ns;
	uint64_t disk_free;        /**< bytes free to us on its file system */
	uint64_t pending;          /**< put but not committed yet */
	uint64_t removed_segments; /**< by retention, since open */
	uint64_t removed_messages;
	uint64_t removed_to_ns; /**< last capture time among these */
	uint64_t bytes_per_day; /**< growth at the rate of the last day */
	uint64_t left_ns; /**< until the first limit makes the oldest go; 0
			       when nothing would */
	bool full;        /**< cannot write now */
	uint32_t damaged; /**< segments that could not be read */
};

/** What a search asks. */
struct ear_query {
	struct ear_expr *expr; /**< borrowed; NULL matches everything */
	uint64_t from_ns;      /**< capture time, inclusive */
	uint64_t to_ns;        /**< capture time, inclusive; UINT64_MAX open */
	bool oldest_first;     /**< default: newest first */
	uint64_t limit;        /**< most messages; 0 all (then unordered order
				    inside a segment is sorted block-wise) */
	uint64_t deadline_ns;  /**< monotonic time to stop at; 0 never */
	const char *cursor; /**< go on where ear_found.cursor said; or NULL */
	const volatile bool *stop; /**< becomes true: stop; may be NULL */
};

/** How a search went; always says whether it is whole. */
struct ear_found {
	uint64_t matched;      /**< messages handed out */
	uint64_t scanned;      /**< messages looked at */
	bool complete;         /**< everything in the span was considered */
	bool more;             /**< stopped by limit; cursor goes on */
	char cursor[96];       /**< opaque */
	uint64_t done_from_ns; /**< the span that was really searched */
	uint64_t done_to_ns;
	char why[320]; /**< when not complete: what is missing and why */
};

/** Handed each match; msg lives until it returns. @return false to stop */
typedef bool (*ear_match_fn)(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg);

/** Counts over time: the histogram of a search. */
struct ear_histogram {
	uint64_t from_ns;
	uint64_t step_ns;
	size_t buckets;
	/** per bucket: requests, 1xx, 2xx, 3xx, 4xx, 5xx, 6xx, other */
	uint64_t (*n)[8];
};

struct ear_store_ops {
	const char *name;

	/** Ready for put and find. A look-only store takes no lock. */
	enum ear_err (*open)(const struct ear_store_options *options,
		ear_notice_fn notice, void *arg, struct ear_store **store,
		struct ear_fault *fault);

	/**
	 * Take one message; copies what it keeps. One thread puts.
	 *
	 * Blocks while earlier batches are being compressed: that is the
	 * bound. @return EAR_OK; EAR_FULL when the disk is (nothing taken);
	 * EAR_LIMIT: larger than this store takes, and will be for ever
	 */
	enum ear_err (*put)(struct ear_store *store, const struct ear_msg *msg,
		const struct ear_facts *facts);

	/**
	 * Everything put so far, and this mark, become durable together, soon.
	 * Replaces the mark of the same name. Cheap: may follow each message.
	 */
	void (*mark)(
		struct ear_store *store, const struct ear_store_mark *mark);

	/**
	 * The last committed mark of a name. Who never asks for one and never
	 * sets it has no use for it: in time it is forgotten.
	 *
	 * @return EAR_OK; EAR_GONE if none; EAR_LIMIT if none, and there are
	 *         so many others that none could be kept
	 */
	enum ear_err (*marked)(struct ear_store *store, const char *name,
		struct ear_store_mark *mark);

	/** Call often from the thread that puts: starts a commit when due. */
	void (*tick)(struct ear_store *store, uint64_t mono_ns);

	/** Commit all that was put; wait for it. */
	enum ear_err (*flush)(struct ear_store *store, struct ear_fault *fault);

	/** Search. Any thread, any number at once; never stops the writer. */
	enum ear_err (*find)(struct ear_store *store,
		const struct ear_query *query, ear_match_fn fn, void *arg,
		struct ear_found *found, struct ear_fault *fault);

	/** Count matches over time. */
	enum ear_err (*histogram)(struct ear_store *store,
		const struct ear_query *query, struct ear_histogram *out,
		struct ear_found *found, struct ear_fault *fault);

	/** The message of an id that a search gave. @return EAR_GONE */
	enum ear_err (*get)(struct ear_store *store, struct ear_slice id,
		ear_match_fn fn, void *arg, struct ear_fault *fault);

	/** Text of msg->id for get(): at most 40 characters with the NUL. */
	void (*id_text)(struct ear_store *store, const struct ear_msg *msg,
		const struct ear_facts *facts, char out[40]);

	/** Apply retention now. */
	void (*retain)(struct ear_store *store, uint64_t now_ns);

	/** Other limits from now on. Any thread. */
	void (*limits)(
		struct ear_store *store, const struct ear_retention *keep);

	void (*stats)(struct ear_store *store, struct ear_store_stats *stats);

	void (*close)(struct ear_store **store);
};

/** Every store begins with this. */
struct ear_store {
	const struct ear_store_ops *ops;
};

#endif
