/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which of many rules can match a message, without asking each: most rules
 * name a user, an address, a method, a status or a Call-ID.
 */
#ifndef EAR_RULE_TRACE_INDEX_H
#define EAR_RULE_TRACE_INDEX_H

#include "message/expr.h"

/** A set of slots; room for EAR_TRACES_MAX. */
struct trace_set {
	uint64_t bits[4];
};

static inline void trace_set_add(struct trace_set *set, unsigned slot)
{
	set->bits[slot / 64] |= UINT64_C(1) << slot % 64;
}

static inline bool trace_set_has(const struct trace_set *set, unsigned slot)
{
	return set->bits[slot / 64] >> slot % 64 & 1;
}

/** Bits by which most hashes are known not to be there. */
#define TRACE_INDEX_BITS 4096
/** Addresses whose hash is remembered: writing one as text costs most. */
#define TRACE_INDEX_ADDRS 256

struct trace_index_key {
	struct ear_key_value key;
	unsigned slot;
};

struct trace_index_addr {
	struct ear_addr addr; /* without port */
	uint64_t hash;
};

struct trace_index {
	struct trace_set always; /* rules that name nothing */
	bool kinds[EAR_KEY_STATUS + 1];
	struct trace_index_key *key; /* sorted by hash; owned */
	size_t n, room;
	uint64_t bits[TRACE_INDEX_BITS / 64];
	struct trace_index_addr addr[TRACE_INDEX_ADDRS];
};

void trace_index_fini(struct trace_index *x);
/** Empty it. */
void trace_index_reset(struct trace_index *x);
/** Add a rule; when memory is short it is one that is always asked. */
void trace_index_add(
	struct trace_index *x, const struct ear_expr *expr, unsigned slot);
/** After the last trace_index_add(). */
void trace_index_sort(struct trace_index *x);

/** The slots of the rules that can match a message. */
void trace_index_find(struct trace_index *x, const struct ear_msg *msg,
	const struct ear_facts *facts, struct trace_set *found);

#endif
