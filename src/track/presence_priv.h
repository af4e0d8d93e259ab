/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Private to presence*.c:
 *
 *     presence.c           the face: time, messages, limits
 *     presence_conn.c      connections, seen and inferred
 *     presence_event.c     what taps say about connections
 *     presence_peers.c     which accounts a connection is bound to
 *     presence_pend.c      REGISTERs that wait for their final reply
 *     presence_head.c      header fields of both, and a Contact
 *     presence_reply.c     what the final reply makes of it
 *     presence_bind.c      what it does to bindings
 *     presence_listed.c    bindings that it lists no more
 *     presence_registrar.c what a registrar's lists are worth
 *     presence_binding.c   a binding: texts, links, its end
 *     presence_done.c      REGISTERs that had theirs
 *     presence_row.c       rows
 *     presence_state.c     what a restart needs
 *
 * What becomes of a REGISTER, from presence_pend.c to presence_binding.c, is in
 * presence_register.h.
 *
 * Entries lie in tables and are told by handles; 0 is none. Texts that many
 * share are names, also by handle.
 */
#ifndef EAR_TRACK_PRESENCE_PRIV_H
#define EAR_TRACK_PRESENCE_PRIV_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/time.h"
#include "track/names.h"
#include "track/presence.h"
#include "track/wheel.h"

/** A REGISTER without a final reply for so long has none: timer F is 32 s
 *  (RFC 3261 s17.1.2.2) at each of two hops. */
#define PEND_NS (64 * EAR_SECOND_NS)
/** A binding is taken for expired so long after it expired: its refresh may
 *  be on its way. */
#define GRACE_NS (2 * EAR_SECOND_NS)
/** Agents' clocks differ by so much at most. */
#define SKEW_NS (60 * EAR_SECOND_NS)
/** A connection that closed is remembered for so long: what agents report
 *  late belongs to it. */
#define LINGER_NS (10 * EAR_SECOND_NS)
/** A message so long after a connection closed opens another. */
#define LATE_NS (2 * EAR_SECOND_NS)
/** The event of an inferred connection began at most so much later. */
#define ADOPT_NS (5 * EAR_SECOND_NS)
/** A connection whose tap is gone, or forgot it, ends at last. */
#define LOST_TAP_NS (24 * 3600 * EAR_SECOND_NS)
/** Most peers named of one connection: a proxy's carries thousands. */
#define PEERS_MAX 64
/** Most connections of one pair of addresses: generations that closed lately,
 *  by each agent that sees them. */
#define PAIR_MAX 64
/** Most bindings of one address of record. */
#define AOR_MAX 256
/** Longest texts kept; longer ones are cut. */
#define TEXT_MAX 255
#define TEXTS_MAX 4096

/** A connection, up or just closed. cell.hash is of both addresses. */
struct conn {
	struct ear_cell cell;
	uint64_t id;
	uint64_t at_ns;
	uint64_t gen_ns; /**< as its events say; 0: there were none */
	uint64_t last_ns;
	uint64_t holds_ns;  /**< until then a binding over it held */
	uint64_t closed_ns; /**< 0: it is up */
	char *peers;        /**< owned: presence_peers.c */
	struct ear_addr client;
	uint32_t server;   /**< name: a struct ear_addr */
	uint32_t node;     /**< name */
	uint32_t tls;      /**< name: as ear_conn_write() */
	uint32_t user;     /**< name: of credentials seen; a hint */
	uint32_t bindings; /**< first over it */
	uint32_t messages;
	uint32_t told_s; /**< when its row was told */
	uint16_t peers_n;
	uint16_t peers_bytes;
	uint8_t transport;
	uint8_t cause;
	uint8_t by;
	bool inferred : 1;
	bool joined : 1;
	bool given_up : 1;
	bool dirty : 1; /**< in the list of those that changed */
	bool tell : 1;  /**< its row too */
	bool saved : 1; /**< a state of it is kept */
};

/** A binding. cell.hash is of the address of record. */
struct binding {
	struct ear_cell cell;
	uint64_t key; /**< of contact, or of instance and reg-id */
	uint64_t id;
	uint64_t at_ns;
	uint64_t refreshed_ns;
	uint64_t expires_ns;
	uint64_t due_ns;     /**< by our clock: expired then */
	uint64_t lost_ns;    /**< of one that was dropped: since when it is */
	uint64_t connection; /**< id */
	char *text;          /**< owned: the texts, behind one another */
	struct ear_addr remote;
	uint32_t local; /**< name: a struct ear_addr */
	uint32_t domain;
	uint32_t agent;
	uint32_t node;
	uint32_t conn; /**< handle, while it is there */
	uint32_t conn_next, conn_prev;
	uint32_t refreshes;
	uint32_t interval_s;
	int32_t margin_s;
	uint32_t cseq;
	uint32_t call;      /**< of the hash of its Call-ID */
	uint32_t registrar; /**< who granted it: registrar_of() */
	uint8_t len[5];
	uint8_t transport;
	uint8_t lost_cause;
	uint8_t hops;
	bool dirty : 1;
	bool saved : 1;
	bool trunk : 1;
	bool dropped : 1; /**< its row says so; it is kept here until it would
			       have expired, as that may prove wrong */
	bool back : 1;    /**< it was said to be dropped, and came back */
};
/** The texts of a binding, by len[]. */
enum { B_USER, B_NAME, B_CONTACT, B_INSTANCE, B_CALL_ID, B_TEXTS };

/** A REGISTER that waits for its final reply. cell.hash: its transaction. */
struct pend {
	struct ear_cell cell;
	uint64_t at_ns;
	uint64_t due_ns;
	uint64_t aor;  /**< set when its reply comes: pend_aor() */
	uint64_t call; /**< hash of Call-ID */
	uint64_t connection;
	char *text; /**< owned */
	struct ear_addr src, dst;
	struct ear_addr path; /**< received of Path; unknown when none */
	uint32_t node;
	uint32_t conn;
	uint32_t cseq;
	int32_t expires;      /**< of the header; -1 none */
	uint32_t held_reason; /**< name */
	uint16_t held; /**< final status seen at a hop farther off; 0 none */
	uint16_t len[7];
	uint8_t transport;
	uint8_t direction;
	uint8_t hops; /**< Via values: 1 is from the client itself */
	bool auth : 1;
	bool again : 1; /**< had its final reply at a hop farther off */
	bool dirty : 1;
	bool saved : 1;
};
enum { P_USER, P_HOST, P_NAME, P_AGENT, P_CALL_ID, P_VIA, P_CONTACTS, P_TEXTS };

/** What the 200s of a registrar turned out to be worth: presence_registrar.c */
struct registrar {
	uint32_t key;  /**< registrar_of() */
	bool lists;    /**< it lists bindings of others too */
	uint16_t back; /**< that it did not list and held all the same */
	uint16_t away; /**< that it did not list and that never came back */
};
/** Most of them; the one learned longest ago is forgotten. */
#define REGISTRARS_MAX 256

/** Entries that changed since the last save. */
struct dirty {
	uint32_t *v; /**< owned */
	size_t n, cap;
};

/** A transaction that had its final reply. */
struct done {
	uint64_t hash; /**< as cell.hash of pend; in its last 8 bits the hops */
	uint64_t at_ns; /**< 0: nothing is here */
};

/** A state that keeps some of them. */
struct done_state {
	uint64_t number;
	uint64_t at_ns; /**< of the youngest in it */
};

struct ear_presence {
	struct ear_presence_options options;
	struct ear_track_out out;
	uint64_t now_ns;
	struct ear_names names;
	struct ear_table bindings, conns, pends;
	uint64_t up; /**< connections that are */
	struct ear_wheel bindings_due, conns_due, pends_due;
	struct dirty bindings_changed, conns_changed, pends_changed;
	struct done *done; /**< owned */
	size_t done_places, done_n;
	struct ear_buf done_new;        /**< since the last save, as state */
	struct done_state *done_states; /**< owned; those that are kept */
	size_t done_states_n, done_states_cap;
	uint64_t done_number; /**< of the next; from 1 on */
	uint32_t hand[3];     /**< where the next to give up is sought */
	size_t text_bytes;
	struct registrar registrars[REGISTRARS_MAX];
	size_t registrars_n, registrars_hand;
	uint32_t dropped;     /**< bindings that are, and still kept */
	struct ear_buf lists; /**< Contacts of a reply */
	struct ear_buf text;  /**< of a row */
	struct ear_buf text2; /**< and another */
	struct ear_buf state; /**< a state */
	bool restored;        /**< handles between entries are to be found */
	struct ear_presence_stats stats;
};

static inline struct conn *conn_at(const struct ear_presence *p, uint32_t h)
{
	return ear_table_at(&p->conns, h);
}

static inline struct binding *binding_at(
	const struct ear_presence *p, uint32_t h)
{
	return ear_table_at(&p->bindings, h);
}

static inline struct pend *pend_at(const struct ear_presence *p, uint32_t h)
{
	return ear_table_at(&p->pends, h);
}

/** 63 bits, not 0. */
static inline uint64_t row_id(uint64_t hash)
{
	return hash >> 1 ? hash >> 1 : 1;
}

/** Of numbers; stable, as it is written to disk. */
static inline uint64_t hash_of(const uint64_t *v, size_t n)
{
	return ear_hash(ear_slice(v, n * sizeof(*v)));
}

/** Address by its name. */
struct ear_addr addr_of(const struct ear_presence *p, uint32_t name);
uint32_t addr_name(struct ear_presence *p, const struct ear_addr *addr);

/** Texts behind one another in one block; NULL: no memory, all lengths 0. */
char *texts_copy(struct ear_presence *p, const struct ear_slice *v, size_t n,
	size_t *bytes);
void texts_free(struct ear_presence *p, char *text, size_t bytes);

/** Note that an entry changed, for the next save. */
void conn_changed(struct ear_presence *p, uint32_t h, bool tell);
void binding_changed(struct ear_presence *p, uint32_t h);
void pend_changed(struct ear_presence *p, uint32_t h);

/* presence_conn.c */

/** Both addresses in an order of their own. */
uint64_t conn_hash(const struct ear_addr *a, const struct ear_addr *b);
/** The connection a SIP message came over, inferred if need be; 0: no memory */
uint32_t conn_of(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts);
bool conn_fits(const struct ear_presence *p, const struct conn *c,
	const struct ear_msg *msg);
/** A new one, from at_ns on. @return 0: no memory */
uint32_t conn_open(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_addr *client, const struct ear_addr *server,
	uint64_t at_ns);
void conn_close(struct ear_presence *p, uint32_t h, uint64_t at_ns,
	uint8_t cause, uint8_t by, const uint64_t bytes[2]);
/** Whether h is still the connection of that id. */
bool conn_is(const struct ear_presence *p, uint32_t h, uint64_t id);
void conn_due(struct ear_presence *p, uint32_t h);
void conn_drop(struct ear_presence *p, uint32_t h);
void conn_free_texts(struct ear_presence *p, struct conn *c);
/** When it will have been silent for too long. */
bool conn_schedule(struct ear_presence *p, uint32_t h);
void conn_give_up(struct ear_presence *p);

/* presence_event.c */

void conn_event(struct ear_presence *p, const struct ear_msg *msg);

/* presence_peers.c */

/** A peer registered over it; tells its rows again when that is new. */
void peers_add(struct ear_presence *p, uint32_t h, struct ear_slice user,
	struct ear_slice account);
/** Another agent told of its REGISTER before: take its peers. */
void peers_share(struct ear_presence *p, uint32_t h);
/** The peers with commas between, and their accounts, into text buffers. */
void peers_text(struct ear_presence *p, const struct conn *c,
	struct ear_slice *users, struct ear_slice *accounts);

/* presence_done.c */

/** @return hops it was seen over; 0: it is not there */
unsigned done_hops(const struct ear_presence *p, uint64_t hash);
/** It will be asked for soon. */
void done_expect(const struct ear_presence *p, uint64_t hash);
void done_add(struct ear_presence *p, uint64_t hash, unsigned hops);
void done_save(struct ear_presence *p);
void done_restore(struct ear_presence *p, uint64_t key, struct ear_slice state);

/* presence_row.c */

void row_conn(struct ear_presence *p, uint32_t h, const uint64_t bytes[2]);
/** CONNECT, and DISCONNECT when it is closed. */
void row_conn_events(struct ear_presence *p, uint32_t h);
/** A REGISTER or UNREGISTER that had a final reply. */
struct registered {
	const struct pend *w;
	uint64_t at_ns;
	uint8_t event;
	bool failed;
	bool trunk;
	uint16_t code;
	uint32_t expires_s;
	struct ear_addr remote;
	struct ear_slice details;
};
void row_registered(struct ear_presence *p, const struct registered *r);
/** An UNREGISTER that nobody asked for. @param undone it was none after all */
void row_ended(struct ear_presence *p, const struct binding *b, uint64_t at_ns,
	struct ear_slice details, bool undone);
void row_binding(struct ear_presence *p, const struct binding *b, uint8_t end,
	uint64_t ended_ns);

/* presence_state.c */

/** Kinds in the last bits of a state's key. */
enum state_kind { STATE_CONN, STATE_BINDING, STATE_PEND, STATE_OWN };
uint64_t state_key(uint64_t id, enum state_kind kind);
void state_gone(struct ear_presence *p, uint64_t id, enum state_kind kind);
void state_conn(struct ear_presence *p, struct conn *c);
void state_binding(struct ear_presence *p, struct binding *b);
void state_pend(struct ear_presence *p, struct pend *w);
void state_own(struct ear_presence *p);
/** After all states were given back, before the first message. */
void state_join(struct ear_presence *p);

#endif
