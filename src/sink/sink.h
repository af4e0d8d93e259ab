/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A copy of messages that leaves: to a collector, to a database. What every
 * sink does, whichever it is.
 *
 * A sink stands behind a spool (flow/spool.h). encode() runs on the thread
 * that takes messages: it turns one into the bytes of a record and does no
 * I/O. Records lie on disk until they are safe on the far side. All else runs
 * on the spool's own thread and may block for as long as deadlines allow: one
 * dead far side slows nobody else.
 *
 * A session is from begin() to end() or to an error of deliver(). Records are
 * handed over in order. What was handed over and is not yet safe when a
 * session breaks is handed over again in the next one, so a sink whose far
 * side can say what it has loses nothing and repeats nothing.
 */
#ifndef EAR_SINK_SINK_H
#define EAR_SINK_SINK_H

#include "base/buf.h"
#include "base/json.h"
#include "message/marks.h"
#include "message/msg.h"

struct ear_sink;

/** A place in the spool: what is behind it is still to be delivered. */
struct ear_sink_pos {
	uint64_t v[4]; /**< file, offset, frame, records of the frame done */
};

/** One message as encode() wrote it. */
struct ear_sink_record {
	struct ear_slice bytes;
	uint64_t seen_ns;         /**< when the message came in */
	struct ear_sink_pos next; /**< the place behind it */
};

struct ear_sink_ops {
	const char *kind; /**< "hep", "sip", "sql" */

	/**
	 * Append the record of one message. On the thread that takes
	 * messages, while the others below run on the spool's; so it shares
	 * only what never changes after opening.
	 *
	 * @param facts of msg, after blanking
	 * @return EAR_OK; EAR_LIMIT: taken, but cut; EAR_UNSUPPORTED: no
	 *         message for this sink (nothing appended); EAR_USAGE: refused
	 *         for ever (nothing appended); EAR_NOMEM
	 */
	enum ear_err (*encode)(struct ear_sink *sink, const struct ear_msg *msg,
		const struct ear_facts *facts, const struct ear_marks *marks,
		struct ear_buf *out);

	/**
	 * Begin a session: connect, log in.
	 *
	 * @param[in,out] pos in: where the spool would go on; out: where the
	 *                    far side knows that it has everything up to, if
	 *                    it keeps a place of ours (a table in a database)
	 * @return EAR_OK; EAR_SYS, EAR_BAD …: not now, tried again with
	 *         growing waits; the fault is shown to people
	 */
	enum ear_err (*begin)(struct ear_sink *sink, struct ear_sink_pos *pos,
		struct ear_fault *fault);

	/**
	 * Hand over records, in order, as many as the far side takes. Waits at
	 * most a second.
	 *
	 * @param[out] handed how many were handed over
	 * @param[out] refused of these: thrown away, as the far side will
	 *             never take them (too large for a datagram, no such
	 *             column); told and counted
	 * @return EAR_OK, also with handed < n; anything else ends the session
	 */
	enum ear_err (*deliver)(struct ear_sink *sink,
		const struct ear_sink_record *records, size_t n, size_t *handed,
		size_t *refused, struct ear_fault *fault);

	/**
	 * How many of the records of this session are safe; rises. Called
	 * after deliver() and, while nothing is to be delivered, often: so it
	 * may do what is due, as reading acknowledgements or committing.
	 *
	 * @return EAR_OK; anything else ends the session
	 */
	enum ear_err (*safe)(struct ear_sink *sink, uint64_t *records,
		struct ear_fault *fault);

	/** End the session; does nothing without one. */
	void (*end)(struct ear_sink *sink);

	/** Members of its object in the status: "to", "connected" … */
	void (*status)(struct ear_sink *sink, struct ear_json *j);

	void (*close)(struct ear_sink **sink);
};

/** Every sink begins with this. */
struct ear_sink {
	const struct ear_sink_ops *ops;
};

#endif
