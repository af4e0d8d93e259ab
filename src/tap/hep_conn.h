/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One connection of the TCP and TLS listener: reads what has come, cuts it,
 * puts it. Belongs to one thread; neither waits nor locks.
 *
 * A sender whose first packet has the chunk ACK_WANTED is told how many
 * packets of the connection, that one included, the journal has accepted: by
 * packets with nothing but the chunk ACCEPTED. HEP has no such thing; nobody
 * who does not ask for it gets an answer.
 */
#ifndef EAR_TAP_HEP_CONN_H
#define EAR_TAP_HEP_CONN_H

#include <openssl/types.h>

#include "proto/hep.h"
#include "tap/hep_gate.h"
#include "tap/hep_stream.h"

/** What is the same for all connections of a thread. Borrowed. */
struct hep_conn_ground {
	struct hep_gate *gate;
	struct ear_intake *intake;
	SSL_CTX *tls;         /* NULL: TCP */
	uint64_t max_garbage; /* bytes */
	uint64_t packet_ns;
	uint64_t idle_ns;
	char *room; /* to receive into */
	size_t room_bytes;
};

struct hep_conn {
	struct hep_conn *next; /* of the thread's list */
	struct hep_conn *prev;
	const struct hep_conn_ground *ground;
	int fd;
	SSL *ssl;         /* NULL: TCP */
	bool shaken;      /* the handshake is over; always for TCP */
	bool wants_write; /* TLS waits for room to write */
	bool more;        /* there is more to read without being told */
	struct ear_addr from;
	uint64_t seen_ns;   /* wall clock of what is being read */
	uint64_t active_ns; /* monotonic; the last byte */
	uint64_t begun_ns;  /* monotonic; since when a packet is open; 0 */
	struct ear_hep_stream stream;
	bool barred;                 /* it asks, but shows no key that fits */
	bool asks;                   /* to be told */
	uint64_t units;              /* packets put */
	uint64_t told;               /* of these, how many it was told of */
	struct hep_conn *next_asker; /* of the thread's list */
	struct hep_conn *prev_asker;
	char answer[EAR_HEP_HEAD + EAR_HEP_CHUNK_HEAD + 8];
	size_t answer_left; /* of it, still to be written */
};

/**
 * Takes fd over on success.
 *
 * @return EAR_OK; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err hep_conn_new(const struct hep_conn_ground *ground,
	int fd, const struct ear_addr *from, uint64_t mono_ns,
	struct hep_conn **conn);

/**
 * Read what there is, up to a budget that keeps the others from starving.
 *
 * @return false when the connection is over and is to be freed
 */
bool hep_conn_read(struct hep_conn *conn, uint64_t now_ns, uint64_t mono_ns);

/** Whether it has been silent, or a packet or handshake open, too long. */
const char *hep_conn_overdue(const struct hep_conn *conn, uint64_t mono_ns);

/**
 * What was put is accepted: say so to one who asks. What cannot be written now
 * is tried again by the next call.
 *
 * @return whether all is said
 */
bool hep_conn_tell(struct hep_conn *conn);

/** Put what is left as a remnant and close. */
void hep_conn_free(struct hep_conn **conn, uint64_t now_ns);

/** Say why a connection was closed, now and then. */
void hep_conn_say(const struct hep_conn *conn, const char *why);

#endif
