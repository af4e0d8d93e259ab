/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Follows transactions and dialogs: once a trace has taken a message, which
 * later ones belong to it.
 *
 * transaction  the request, its forked branches, all replies, CANCEL and its
 *              replies, the ACK to a negative final reply; an ACK to a 2xx is
 *              another transaction (RFC 3261 s17)
 * dialog       what has its Call-ID and the tag of who began it, from the
 *              INVITE or SUBSCRIBE to the end of the last of its dialogs:
 *              forks, requests in it, re-INVITEs, ACKs, BYEs that a proxy made
 *              itself, log events, and a dialog that the capture joins in the
 *              middle
 *
 * A unit ends by the messages themselves or by the timers of RFC 3261 (B, F,
 * H, C): a transaction 32 s after its last message, while an INVITE rings
 * after 3 minutes and 32 s; a dialog 32 s after its end, after a session or
 * subscription that was not refreshed, or after 12 hours of silence.
 */
#ifndef EAR_RULE_SCOPE_H
#define EAR_RULE_SCOPE_H

#include "base/err.h"
#include "message/msg.h"

enum ear_scope {
	EAR_SCOPE_MESSAGE,
	EAR_SCOPE_TRANSACTION,
	EAR_SCOPE_DIALOG,
};

/** "message", "transaction", "dialog"; also by first letter, any case. */
bool ear_scope_of(struct ear_slice name, enum ear_scope *scope);
const char *ear_scope_name(enum ear_scope scope);

/** Dialogs of one INVITE, and branches of one request, that are told apart. */
#define EAR_SCOPE_LEGS 8

/** What a followed unit is. Written to disk. */
enum ear_scope_kind {
	EAR_UNIT_NONE,
	EAR_UNIT_INVITE, /**< an INVITE transaction */
	EAR_UNIT_OTHER,  /**< any other transaction */
	EAR_UNIT_ACK,    /**< an ACK to a 2xx, which stands alone */
	EAR_UNIT_DIALOG, /**< dialogs that one request made */
};

/**
 * One transaction or dialog that is followed. Plain data: it is written to
 * disk as it is, and what is read there may be anything. Tags, branches and
 * methods are hashes; 0 is none.
 */
struct ear_scope_unit {
	uint64_t at_ns;   /**< capture time of the last message, or the end */
	uint64_t seen_ns; /**< when that came in */
	uint64_t wait_ns; /**< most silence after it */
	uint64_t life_ns; /**< most silence in an established dialog */
	uint64_t tag[2];  /**< of who began it; of the other when joined */
	uint64_t method;
	uint64_t dst; /**< where the first INVITE went */
	uint64_t branch[EAR_SCOPE_LEGS];
	uint64_t leg[EAR_SCOPE_LEGS]; /**< tags of those who answered */
	uint32_t cseq;
	uint8_t kind; /**< enum ear_scope_kind */
	uint8_t branches;
	uint8_t legs;
	uint8_t answered;  /**< bit per branch: it has a final reply */
	uint8_t spiral;    /**< bit per branch: a further pass */
	uint8_t confirmed; /**< bit per leg: established */
	uint8_t bye;       /**< bit per leg: a BYE went out */
	uint8_t flags;     /**< of scope.c */
	uint8_t zero[4];   /**< always 0 */
};

/** What of a dialog is wanted. */
struct ear_scope_want {
	bool ack;    /**< ACKs to 2xx */
	bool spiral; /**< further passes of the first INVITE */
};

enum ear_scope_part {
	EAR_SCOPE_NOT,  /**< does not belong to it */
	EAR_SCOPE_IN,   /**< belongs to it */
	EAR_SCOPE_SKIP, /**< belongs to it and is not wanted */
};

/**
 * Begin to follow what a message belongs to. A message that makes or is in no
 * dialog (OPTIONS, REGISTER) begins a transaction with scope dialog too.
 *
 * @return false: there is nothing but the message itself
 */
bool ear_scope_begin(struct ear_scope_unit *unit, enum ear_scope scope,
	const struct ear_msg *msg, const struct ear_facts *facts);

/**
 * Whether a message of the same Call-ID belongs to a unit, and if so, learn
 * from it. Threads: one for a unit.
 */
enum ear_scope_part ear_scope_take(struct ear_scope_unit *unit,
	const struct ear_scope_want *want, const struct ear_msg *msg,
	const struct ear_facts *facts);

/**
 * Whether a unit was over before this message came, by the clock. Silence
 * must show on both clocks, that of capture and ours: so a step of either
 * ends nothing. What is imported has only the first.
 */
bool ear_scope_over(
	const struct ear_scope_unit *unit, const struct ear_msg *msg);

/** Whether one read from disk can be one. */
bool ear_scope_sound(const struct ear_scope_unit *unit);

#endif
