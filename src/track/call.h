/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Calls: INVITE dialogs and what became of them, as call detail records. Parts
 * of track/track.h, which see for order and time.
 *
 * A call is Call-ID and From-tag of its first INVITE. An INVITE again with
 * credentials or another target is the same call, a re-INVITE makes none.
 */
#ifndef EAR_TRACK_CALL_H
#define EAR_TRACK_CALL_H

#include "base/err.h"
#include "track/record.h"

struct ear_calls;

/** What a final status of the initial INVITE comes to. */
struct ear_disposition_rule {
	uint16_t from, to;   /**< status codes, both inclusive */
	uint8_t disposition; /**< enum ear_disposition */
	bool if_rang;        /**< only after a provisional; else FAILED */
};

/**
 * Read one rule of the configuration: "603=BUSY", "500-599=FAILED",
 * "480=NO_ANSWER if rang". Of any case, blanks where one would put them.
 *
 * @return EAR_OK; EAR_USAGE with a fault that names what is wrong
 */
EAR_MUST_USE enum ear_err ear_disposition_rule_parse(struct ear_slice text,
	struct ear_disposition_rule *rule, struct ear_fault *fault);

struct ear_calls_options {
	size_t max; /**< calls at once; default 250000 */
	/** Looked at in order, first hit counts, before the built-in table of
	    docs/calls.md; borrowed for the call of ear_calls_new(). */
	const struct ear_disposition_rule *rules;
	size_t n_rules;
	bool src_is_auth_user; /**< Src is who authenticated, where known */
	uint64_t silent_ns;    /**< an answered call with no sign of life for so
				    long is ended as estimated; default 4 h, or
				    the session timer (RFC 4028) where there is */
	bool join_legs;        /**< default true in configuration */
};

EAR_MUST_USE enum ear_err ear_calls_new(const struct ear_calls_options *options,
	const struct ear_track_out *out, struct ear_calls **calls);
void ear_calls_free(struct ear_calls **calls);
void ear_calls_restore(
	struct ear_calls *calls, uint64_t key, struct ear_slice state);

/** Takes SIP messages of any method; passes over what is no call's. */
void ear_calls_take(struct ear_calls *calls, const struct ear_msg *msg,
	const struct ear_facts *facts);
void ear_calls_tick(struct ear_calls *calls, uint64_t now_ns);
void ear_calls_save(struct ear_calls *calls);
void ear_calls_end(struct ear_calls *calls);

struct ear_calls_stats {
	uint64_t open;    /**< now */
	uint64_t bytes;   /**< of memory they take */
	uint64_t total;   /**< rows of calls that ended */
	uint64_t evicted; /**< given up for want of room */
	uint64_t by[5];   /**< ended, by enum ear_disposition */
};
void ear_calls_stats(
	const struct ear_calls *calls, struct ear_calls_stats *stats);

#endif
