/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An answer of any size, in pieces: a thread writes, the loop sends a piece
 * when the client has taken the one before, and the thread waits meanwhile, so
 * that it costs two pieces of memory. The beginning is held back for a while:
 * what fits there is sent whole, with its length.
 *
 * The struct is the first member of a larger one, which its ops free.
 */
#ifndef EAR_CONSOLE_STREAM_H
#define EAR_CONSOLE_STREAM_H

#include <pthread.h>

#include "console/call.h"

struct ear_stream;

struct ear_stream_ops {
	/** Writes it all into piece, with ear_stream_room() now and then; on
	 *  the pool's thread. */
	void (*run)(struct ear_stream *stream);

	/** Adds headers and sets the type; on the loop, before anything is
	 *  sent. @param whole all of it is in piece, and its end is known */
	void (*headers)(struct ear_stream *stream, bool whole);

	/** Whether the client may take what it got for all there is; else the
	 *  connection is cut, so that the download fails. */
	bool (*whole)(const struct ear_stream *stream);

	void (*free)(struct ear_stream *stream);
};

struct ear_stream {
	const struct ear_stream_ops *ops;
	struct ear_call *call;

	/* the thread's */
	struct ear_buf piece;
	enum ear_err err; /**< the first */
	struct ear_fault fault;
	bool streaming;

	/* between both, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct ear_buf ready;
	bool gone;
	bool posted;
	struct ear_post post;

	/* the loop's */
	bool started;
	bool sending;
	uint64_t sent_ns; /**< monotonic; when it was given its last piece */
	bool finished;    /**< the thread is done with it */
};

/** Before anything else. @param stream zeroed but for what is its owner's */
void ear_stream_init(struct ear_stream *stream, struct ear_call *call,
	const struct ear_stream_ops *ops);
/** In ops->free(), or where it was never started. */
void ear_stream_fini(struct ear_stream *stream);

/** Most at once of one user, with all their tokens: others have places, too. */
#define EAR_STREAMS_PER_USER 3

/**
 * Run it on the exports' pool; loop only. Where there is no place for it, it
 * is freed and the answer, an error, sent.
 */
void ear_stream_start(struct ear_stream *stream);

/**
 * Where downloads wait for a place, the reader that took nothing for the
 * longest time, and for some seconds at least, loses its own: its download
 * fails. Loop only; now and then.
 */
void ear_streams_sweep(struct ear_console *console);

/**
 * After something was written: hands a piece over where it is large enough.
 *
 * @return false when there is no sense in going on
 */
bool ear_stream_room(struct ear_stream *stream);

#endif
