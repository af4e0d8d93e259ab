/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Cuts a TCP stream into what can be journaled: runs of whole HEP3 packets,
 * whole SIP messages, and at the end what never became whole. It looks at the
 * six bytes of each packet's head and jumps by length; nothing is parsed.
 *
 *     struct ear_hep_stream s = {.ops = &ops, .arg = self, .max_garbage = …};
 *     while ((n = recv(…)) > 0 && !ear_hep_stream_feed(&s, bytes))
 *             ;
 *     ear_hep_stream_end(&s);
 *
 * Between packets may stand CR, LF and NUL (keep-alives). Bytes that are
 * neither are skipped up to the next head that is likely; too many of them end
 * the stream. A stream may hold gzip members that hold packets (heplify), and
 * SIP messages delimited by Content-Length (RFC 3261 s18.3).
 */
#ifndef EAR_TAP_HEP_STREAM_H
#define EAR_TAP_HEP_STREAM_H

#include "base/ledger.h"
#include "proto/hep_zip.h"
#include "proto/sip_frame.h"
#include "tap/intake.h"

/** Longest SIP message that is taken from a stream. */
#define EAR_STREAM_SIP_MAX (128u << 10)

struct ear_hep_stream_ops {
	/** kind: HEP_STREAM with units packets, DATAGRAM: one SIP message,
	    REMNANT: the beginning of something. bytes live until it returns. */
	void (*put)(enum ear_unit_kind kind, struct ear_slice bytes,
		uint32_t units, void *arg);
	/** Something that is not put: to be counted RECEIVED and as what. */
	void (*count)(enum ear_count what, void *arg);
	/** A run of garbage is over. */
	void (*skipped)(uint64_t bytes, void *arg);
};

/** Zero it but for the first three. */
struct ear_hep_stream {
	const struct ear_hep_stream_ops *ops;
	void *arg;
	uint64_t max_garbage; /**< bytes over the stream's life */
	const char *why;      /**< why feed failed, for people */
	uint64_t pieces;      /**< how often put was called */

	/* The rest belongs to hep_stream.c. */
	enum ear_err err;
	char *part;      /* the beginning of something; NULL when empty */
	size_t part_n;   /* bytes in it */
	size_t part_cap; /* bytes allocated */
	size_t want;     /* bytes of it that are needed to go on */
	struct ear_sip_frame frame; /* of the SIP message that has begun */
	uint64_t garbage;
	uint64_t skipping; /* bytes of garbage in the present run */
	bool by_line;      /* what is needed ends with a line */
	bool skip;         /* in garbage */
	bool gzip;         /* in a gzip member */
	struct ear_hep_zip *zip;
	char *opened; /* room for what a gzip member gives */
	uint64_t zip_in;
	uint64_t zip_out;
};

/**
 * Take bytes in the order of the stream, in pieces of any size.
 *
 * @return EAR_OK; otherwise the stream is to be closed: EAR_UNSUPPORTED for
 *         HEP 1 or 2, which have no length; EAR_LIMIT for too much garbage,
 *         too long a SIP message, or a gzip bomb; EAR_NOMEM
 *
 * Cost: about 10 ns a packet; bytes are copied only where a packet lies across
 * two pieces.
 */
EAR_MUST_USE enum ear_err ear_hep_stream_feed(
	struct ear_hep_stream *s, struct ear_slice bytes);

/** Whether something has begun and is not whole yet. */
static inline bool ear_hep_stream_open(const struct ear_hep_stream *s)
{
	return s->part_n && !s->skip;
}

/** The stream is over: what is left is put as a remnant; frees all. */
void ear_hep_stream_end(struct ear_hep_stream *s);

#endif
