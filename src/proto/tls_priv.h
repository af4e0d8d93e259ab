/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of TLS: tls_flow.c cuts a stream into records and holds those that
 * wait for keys, tls_seal.c finds keys and decrypts, tls_shake.c reads
 * handshakes and alerts.
 */
#ifndef EAR_PROTO_TLS_PRIV_H
#define EAR_PROTO_TLS_PRIV_H

#include "proto/tls.h"
#include "proto/tls_crypt.h"
#include "proto/tls_hello.h"

/** Longest handshake message put together: chains of certificates have 2 to
 *  16 KiB. A longer one is passed over. */
#define EAR_TLS_SHAKE_MAX (64u << 10)

/** Most records that are thought of as missing in a gap. */
#define EAR_TLS_WINDOW_MAX 64u

enum ear_tls_type {
	EAR_TLS_CHANGE_CIPHER = 20,
	EAR_TLS_ALERT = 21,
	EAR_TLS_HANDSHAKE = 22,
	EAR_TLS_DATA = 23,
	EAR_TLS_HEARTBEAT = 24,
};

/** What a side's records are encrypted with, in TLS 1.3. */
enum ear_tls_epoch { EAR_TLS_EPOCH_HANDSHAKE, EAR_TLS_EPOCH_DATA };

struct ear_tls_side {
	struct ear_tls_opener open;
	struct ear_tls_opener early; /**< of 0-RTT */
	struct ear_buf shake;        /**< a handshake message not yet whole */
	struct ear_buf held; /**< records that wait: at_ns, head, payload */
	size_t skip;         /**< bytes of a record to pass over */
	uint32_t shake_skip; /**< bytes of a message to pass over */
	uint16_t window;     /**< records that may be missing */
	uint8_t fails;       /**< records in a row that did not fit */
	uint8_t epoch;       /**< enum ear_tls_epoch */
	bool hello;          /**< its hello was seen */
	bool changed;        /**< ChangeCipherSpec was seen */
	bool lost;           /**< where records begin is not known */
	bool gapped;         /**< bytes are missing on it */
	bool early_data;     /**< may send 0-RTT */
	bool close_notify;
	uint8_t random[EAR_TLS_RANDOM];
};

enum ear_tls_text {
	EAR_TLS_SNI,
	EAR_TLS_OFFER, /**< ALPN of the client */
	EAR_TLS_CHOICE,
	EAR_TLS_SUBJECT,
	EAR_TLS_ISSUER,
	EAR_TLS_REASON, /**< where reason[] alone does not say it */
	EAR_TLS_TEXTS,
};

struct ear_tls_flow {
	struct ear_tls *tls;
	void *user;
	struct ear_tls_flow *next, *prev; /**< of those that wait */
	struct ear_tls_side side[2];
	struct ear_buf text[EAR_TLS_TEXTS];
	uint64_t not_after_ns;
	uint64_t held_ns; /**< time of the first record held */
	uint64_t serial;  /**< of the keys, when it looked last */
	size_t memory;    /**< counted in tls->memory */
	uint16_t version, cipher;
	int8_t client; /**< side; -1 not known */
	int8_t alert_by;
	int8_t closer; /**< side that sent close_notify first; -1 none */
	uint8_t alert;
	uint8_t why;   /**< enum ear_tls_unread, final */
	uint8_t waits; /**< enum ear_tls_unread, should it end now */
	bool waiting;  /**< in the list */
	bool mac_last;
	bool ready;   /**< the handshake is known */
	bool dirty;   /**< info must be told */
	bool counted; /**< a record was seen */
};

struct ear_tls {
	struct ear_tls_options options;
	struct ear_tls_events events;
	void *arg;
	struct ear_tls_flow *first, *last; /**< that wait, oldest first */
	struct ear_tls_stats stats;
	size_t held; /**< bytes, of all */
	uint8_t plain[EAR_TLS_RECORD_MAX];
};

/** One record. */
struct ear_tls_record {
	uint64_t at_ns;
	const uint8_t *head; /**< EAR_TLS_HEAD bytes */
	struct ear_slice payload;
};

/** What became of a record. */
enum ear_tls_step { EAR_TLS_DONE, EAR_TLS_WAIT };

/** Take a record that is encrypted. EAR_TLS_WAIT: not yet, flow->waits says
 *  what for. */
enum ear_tls_step ear_tls_sealed(
	struct ear_tls_flow *f, int side, const struct ear_tls_record *rec);

/** It will never be read. */
void ear_tls_give_up(struct ear_tls_flow *f, enum ear_tls_unread why);

/** Take what a record says, in clear or decrypted. */
void ear_tls_content(struct ear_tls_flow *f, int side, uint64_t at_ns,
	uint8_t type, struct ear_slice bytes);

/** Whether keys are asked for at all and still looked for. */
static inline bool ear_tls_wanted(const struct ear_tls_flow *f)
{
	const struct ear_tls_options *o = &f->tls->options;

	return !f->why && o->keys && (o->expect || ear_tls_keys_count(o->keys));
}

static inline bool ear_tls_is_13(const struct ear_tls_flow *f)
{
	return f->version == EAR_TLS_1_3;
}

#endif
