/* SPDX-License-Identifier: Apache-2.0 */
/** Between scope.c and scope_dialog.c. */
#ifndef EAR_RULE_SCOPE_PRIV_H
#define EAR_RULE_SCOPE_PRIV_H

#include "base/hash.h"
#include "base/time.h"
#include "rule/scope.h"

/* Timer B, F, H of RFC 3261 s17: 64 times T1. Late messages come as long. */
#define TIMER_F (32 * EAR_SECOND_NS)
/* Timer C of RFC 3261 s16.6 is above 3 minutes. */
#define TIMER_C (180 * EAR_SECOND_NS)

/** Flags of a unit. */
enum {
	PENDING = 1,      /* the first request has no answer yet */
	OK_SEEN = 2,      /* a 2xx to it */
	NEGATIVE = 4,     /* a negative final to it */
	ENDED = 8,        /* at_ns and seen_ns stay */
	BEGIN_SEEN = 16,  /* the request that made the dialog was seen */
	INVITE_USED = 32, /* an INVITE dialog, whatever else uses it */
	CROWDED = 64,     /* more legs than there is room for */
	MANY = 128,       /* more branches than there is room for */
};

static inline uint64_t scope_hash(struct ear_slice s)
{
	return s.n ? ear_hash(s) | 1 : 0;
}

static inline bool scope_is(struct ear_slice method, const char *name)
{
	return ear_slice_eq(method, ear_slice_str(name));
}

static inline bool scope_is_request(const struct ear_facts *f)
{
	return f->kind == EAR_KIND_REQUEST;
}

/** The bit of v among branches or legs; 0 when it is not there. */
uint8_t scope_known(const uint64_t *set, unsigned n, uint64_t v);
/** The bit of the top branch, which is taken in; 0 when there is no room. */
uint8_t scope_branch(struct ear_scope_unit *u, const struct ear_facts *f);
/** The bit of a tag, which is taken in; 0 when there is no room. */
uint8_t scope_leg(struct ear_scope_unit *u, uint64_t tag);
/** A leg is established; one that has ended stays so, whatever comes late. */
void scope_establish(struct ear_scope_unit *u, uint64_t tag);
/**
 * Whether an ACK with the number of the INVITE answers a negative final reply
 * and so is of its transaction (RFC 3261 s17.1.1.3), not of a 2xx.
 */
bool scope_acks_negative(
	const struct ear_scope_unit *u, const struct ear_facts *f);
/** A reply to the first request. */
void scope_note_answer(struct ear_scope_unit *u, const struct ear_facts *f);
void scope_stamp(struct ear_scope_unit *u, const struct ear_msg *msg);

/* scope_dialog.c */
/** Whether a message makes a dialog or is sent in one. */
bool scope_in_dialog(const struct ear_facts *f);
void scope_begin_dialog(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f);
enum ear_scope_part scope_take_dialog(struct ear_scope_unit *u,
	const struct ear_scope_want *want, const struct ear_msg *msg,
	const struct ear_facts *f);

#endif
