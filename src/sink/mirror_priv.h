/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the parts of the mirror. */
#ifndef EAR_SINK_MIRROR_PRIV_H
#define EAR_SINK_MIRROR_PRIV_H

#include <openssl/types.h>
#include <pthread.h>

#include "message/template.h"
#include "net/uri.h"
#include "sink/mirror.h"
#include "sink/wire.h"

/** Longest record of a stream, so that a buffer always takes one. */
#define MIRROR_RECORD_MAX (128u << 10)

/** Records handed over and not yet safe, at most. */
#define MIRROR_WINDOW 65536u

/** An address that is replaced. */
struct mirror_swap {
	struct ear_addr from; /* port 0: any */
	struct ear_addr to;   /* port 0: as it was */
};

/** What stands behind a record that was handed over. */
struct mirror_mark {
	uint64_t at;      /* UDP: monotonic ns; streams: bytes put */
	uint64_t packets; /* put, the greeting included */
};

/** By what a record is known to be safe. */
enum mirror_proof {
	MIRROR_TIME,      /* UDP: nobody complained for a while */
	MIRROR_KERNEL,    /* the peer's kernel has acknowledged it */
	MIRROR_COLLECTOR, /* the collector says that it has accepted it */
};

struct mirror {
	struct ear_sink sink; /* first */

	/* --- never changes after opening --- */
	struct ear_net_uri uri;
	char to[EAR_HOST_TEXT + 40]; /* as given */
	uint8_t version;
	uint32_t capture_id;
	char *key;
	char *node;
	struct ear_template *correlation; /* NULL: the message's */
	struct ear_addr from;
	struct ear_addr local; /* unknown: as it is */
	uint8_t local_transport;
	struct mirror_swap *swap;
	size_t swaps;
	bool xheaders;
	uint32_t max_hops;
	bool legacy_tls;
	bool acknowledge;
	SSL_CTX *tls;

	/* --- the thread that takes messages --- */
	struct ear_buf extra;
	struct ear_buf text;
	struct ear_buf bare;
	struct mirror_guard *guard; /* of HEP 1 and 2 */

	/* --- the spool's thread --- */
	struct ear_wire *wire;
	enum mirror_proof proof;
	bool answered;     /* this collector has once said what it accepted */
	unsigned unwanted; /* greetings at which it closed the connection */
	bool first;        /* nothing was handed over in this session */
	struct mirror_mark *window; /* a ring of MIRROR_WINDOW */
	size_t window_first;
	size_t window_n;
	uint64_t safe;
	uint64_t bytes;    /* put, of the session */
	uint64_t packets;  /* put, of the session, the greeting included */
	uint64_t accepted; /* packets, as the collector says */
	char in[256];      /* of what it says */
	size_t in_n;

	/* --- both, and who asks for the status --- */
	pthread_mutex_t lock;
	struct ear_addr peer; /* of the last session; unknown: none yet */
	bool connected;
	enum mirror_proof shown;
	uint64_t sessions;
	uint64_t again; /* records handed over whose session broke before they
			   were safe: they are handed over again */
};

/** mirror_encode.c */
enum ear_err mirror_encode(struct ear_sink *sink, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	struct ear_buf *out);

/** mirror_session.c */
enum ear_err mirror_begin(struct ear_sink *sink, struct ear_sink_pos *pos,
	struct ear_fault *fault);
enum ear_err mirror_deliver(struct ear_sink *sink,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	size_t *refused, struct ear_fault *fault);
enum ear_err mirror_safe(
	struct ear_sink *sink, uint64_t *records, struct ear_fault *fault);
void mirror_end(struct ear_sink *sink);

/** The first packet of a record; HEP 3 has its length, others are one. */
struct ear_slice mirror_packet(const struct mirror *m, struct ear_slice record);

/* mirror_guard.c */
struct mirror_guard *mirror_guard_new(void);
void mirror_guard_free(struct mirror_guard **guard);
/**
 * Whether a message was sent on so often lately that it must be in a loop;
 * remembers it.
 *
 * @param timed capture times are carried (HEP 2)
 */
bool mirror_guard_again(
	struct mirror_guard *guard, const struct ear_msg *msg, bool timed);

#endif
