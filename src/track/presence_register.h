/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Private to presence*.c: what becomes of a REGISTER. It waits for its final
 * reply (pend), both are read (head), the reply grants something (reply), lists
 * bindings (listing) and so makes, refreshes and ends some (bind, binding).
 */
#ifndef EAR_TRACK_PRESENCE_REGISTER_H
#define EAR_TRACK_PRESENCE_REGISTER_H

#include "track/presence_priv.h"

/* presence_pend.c */

void pend_request(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts, uint32_t conn);
void pend_reply(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts);
void pend_due(struct ear_presence *p, uint32_t h);
void pend_drop(struct ear_presence *p, uint32_t h);
#define STATUS_ROOM (TEXT_MAX + 4)
/** "200 OK" */
struct ear_slice status_words(
	uint16_t code, struct ear_slice reason, char room[STATUS_ROOM]);
/** All its texts, by P_USER and its like. */
void pend_texts(const struct pend *w, struct ear_slice text[P_TEXTS]);
size_t pend_text_bytes(const struct pend *w);
void pend_free_texts(struct ear_presence *p, struct pend *w);

/* presence_head.c */

/** What a REGISTER or its reply says, as far as it is asked for. */
struct head {
	struct ear_slice contacts; /**< all values; in the message or in room */
	struct ear_slice via;      /**< the client's own */
	struct ear_addr path;
	int32_t expires;
	unsigned hops; /**< Via values, at least 1 */
	bool whole;    /**< nothing is missing */
};
void head_read(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_buf *room, struct head *head);
/** Seconds of Expires or of a Contact's expires; -1: none */
int32_t expires_of(struct ear_slice text);

/** A value of Contact. */
struct contact {
	struct ear_slice spec; /**< the URI */
	struct ear_slice params;
	int32_t expires; /**< -1: it does not say */
	bool star;
};
/** Take the next off a list. @return false after the last */
bool contact_next(struct ear_slice *list, struct contact *c);
/** Hash of user, host and port alone. */
uint64_t contact_place(struct ear_slice spec);

/* presence_listed.c */

/** A Contact that a reply lists. */
struct listed {
	uint64_t exact; /**< hash of its URI */
	uint64_t place; /**< contact_place(), once listing_places() was asked */
	struct ear_slice spec;
	int32_t expires; /**< -1: it does not say */
	bool own;        /**< of this REGISTER */
	bool held;       /**< of a binding that we know */
};
#define LISTED_MAX AOR_MAX
/** All that a reply lists. */
struct listing {
	struct listed v[LISTED_MAX];
	size_t n;
	bool whole, placed;
};
void listing_read(const struct head *head, struct listing *listing);
/** The one of that URI, else of the same user, host and port. @param exact
 *  hash of spec @return NULL: none */
struct listed *listing_find(
	struct listing *listing, struct ear_slice spec, uint64_t exact);
struct bind;
/** End the bindings of this address of record that a 2xx to a REGISTER lists
 *  no more. @param begun that REGISTER made a new one */
void listing_apply(struct ear_presence *p, const struct bind *b,
	struct listing *listing, bool begun);

/* presence_registrar.c */

/** Who answers for a domain; never 0. */
uint32_t registrar_of(const struct ear_msg *reply, struct ear_slice domain);
/** Whether it lists all bindings that it holds: as was seen; as it should;
 *  and no, as others held all the same. */
enum lists { LISTS_ALL, LISTS_MAYBE, LISTS_OWN };
enum lists registrar_lists(const struct ear_presence *p, uint32_t key);
void registrar_listed(struct ear_presence *p, uint32_t key);
void registrar_back(struct ear_presence *p, uint32_t key);
void registrar_away(struct ear_presence *p, uint32_t key);

/* presence_reply.c */

/** The 2xx of a REGISTER. */
void reply_accept(struct ear_presence *p, struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts);
/** The client of a REGISTER as its server saw it. @param msg the final reply;
 *  NULL: there was none */
struct ear_addr reply_client(struct ear_presence *p, const struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts);
/** Whether a challenge only says that the nonce was too old. */
bool reply_stale(const struct ear_msg *msg);

/* presence_bind.c */

/** What a REGISTER binds. */
struct bind {
	const struct pend *w;
	struct ear_slice text[P_TEXTS]; /**< of w */
	uint64_t at_ns;
	uint32_t expires_s;
	uint32_t registrar;
	uint64_t key;
	uint64_t contact_key; /**< of the contact alone */
	struct ear_addr remote;
	struct ear_slice contact;
	struct ear_slice instance;
	bool trunk;
};
enum bound {
	BIND_BEGUN,
	BIND_REFRESHED,
	BIND_NONE,   /**< overtaken, or no memory: it changes no binding */
	BIND_AGAIN,  /**< this REGISTER is in it already */
	BIND_BETTER, /**< so it is, but this one saw it nearer to the client,
			  which is now in */
};
/** @param[out] told_ns of BIND_BETTER: it was told before, then */
enum bound bind_put(
	struct ear_presence *p, const struct bind *b, uint64_t *told_ns);
void bind_remove(struct ear_presence *p, const struct bind *b);
void bind_remove_all(struct ear_presence *p, const struct bind *b);

/* presence_binding.c */

/** All its texts, by B_USER and its like. */
void binding_texts(const struct binding *b, struct ear_slice text[B_TEXTS]);
struct ear_slice binding_text(const struct binding *b, int which);
size_t binding_text_bytes(const struct binding *b);
void binding_free_texts(struct ear_presence *p, struct binding *b);
void binding_link(struct ear_presence *p, uint32_t h, uint32_t conn);
void binding_unlink(struct ear_presence *p, uint32_t h);
void binding_due(struct ear_presence *p, uint32_t h);
/** Its connection went: it is lost, or had expired before. */
void binding_lost(
	struct ear_presence *p, uint32_t h, uint64_t at_ns, uint8_t cause);
/** Its connection was not gone after all: the other generation is the same */
void binding_back(struct ear_presence *p, uint32_t h, uint32_t conn);
/** The registrar lists it no more. */
void binding_dropped(struct ear_presence *p, uint32_t h, uint64_t at_ns);
/** But holds it all the same: as if nothing had been. */
void binding_held(struct ear_presence *p, uint32_t h);
/** It is over, and so its row says. @param how enum ear_binding_end */
void binding_end(
	struct ear_presence *p, uint32_t h, uint8_t how, uint64_t at_ns);
void binding_expire(struct ear_presence *p, uint32_t h);
/** For want of room: its row stays as it stands. */
void binding_give_up(struct ear_presence *p, uint32_t h);
void binding_drop(struct ear_presence *p, uint32_t h);

#endif
