/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Between the files of the call tracker: call.c (what comes in), call_begin.c
 * (which call it is of, who calls whom by call_parties.c), call_invite.c,
 * call_request.c, call_transfer.c and call_reply.c (the state machine),
 * call_branch.c (forks), call_end.c (what became of it), call_table.c (memory
 * and time), call_head.c (header fields that the facts do not have),
 * call_hints.c and call_legs.c (legs of a B2BUA), call_state.c (restart).
 *
 *              INVITE            18x                2xx
 *     (none) ---------> TRYING -------> (rang) ------------> UP --BYE--> gone
 *                         |  ^                                ^
 *          401 407 3xx    v  | INVITE again                   | late 2xx
 *                       HELD +          other finals          |
 *                         +-----------------------------> OVER --64 s--> gone
 *
 * Of what is gone only a hash stays, for 64 to 128 s, so that what comes late
 * makes no call of its own.
 */
#ifndef EAR_TRACK_CALL_PRIV_H
#define EAR_TRACK_CALL_PRIV_H

#include "base/map64.h"
#include "base/set64.h"
#include "base/time.h"
#include "proto/sip.h"
#include "track/call.h"
#include "track/call_rule.h"

#define CALL_NONE EAR_MAP64_NONE

/* Texts of a call, behind it in one block. Those set last stand last. */
enum call_text {
	CALL_CALL_ID,
	CALL_FROM_TAG,
	CALL_SRC,
	CALL_DST,
	CALL_NAME,
	CALL_DOMAIN,
	CALL_AGENT,
	CALL_NODE,
	CALL_AUTH,
	CALL_TO_TAG,
	CALL_DST_AGENT,
	CALL_REASON,
	CALL_REASON_HEADER,
	CALL_WHY,
	CALL_NOTE,
	CALL_TEXTS
};

/* Written into states: never renumber. */
enum call_state {
	CALL_TRYING = 1, /* INVITE seen, also while it rings */
	CALL_HELD = 2,   /* a final reply that the caller may try again after */
	CALL_UP = 3,     /* answered */
	CALL_MAYBE = 4,  /* only an ACK was seen, of a 2xx or not */
	CALL_OVER = 5,   /* told; kept for what comes late */
};

/* Written into states: never renumber. */
enum call_flag {
	CALL_PROVISIONAL = 1u << 0, /* any 1xx in this attempt */
	CALL_RANG = 1u << 1,        /* 101..199 in this attempt */
	CALL_CANCEL = 1u << 2,      /* the caller's */
	CALL_EARLY_BYE = 1u << 3,   /* the caller's, before any 2xx */
	CALL_ACKED = 1u << 4,       /* an ACK in the answered dialog */
	CALL_JOINED = 1u << 5,
	CALL_ESTIMATED = 1u << 6,
	CALL_CANDIDATE = 1u << 7,  /* a final reply was taken down */
	CALL_REDIRECTED = 1u << 8, /* the last attempt ended with a 3xx */
	CALL_TOLD = 1u << 9,       /* its state was told */
	CALL_DIRTY = 1u << 10,     /* changed since it was told */
};

enum call_branch_flag {
	CALL_BRANCH_FIRST = 1u << 0, /* of the first hop: the caller sees it */
	CALL_BRANCH_FINAL = 1u << 1,
	CALL_BRANCH_ELSEWHERE = 1u << 2, /* cancelled: another one answered */
	CALL_BRANCH_AGAIN = 1u << 3,     /* its reply only asks to try again */
};

/* An INVITE transaction of the attempt, by its Via branch. */
struct call_branch {
	uint32_t hash;
	uint16_t parent; /* part of the hash of the one it was forwarded for */
	uint8_t flags;
};
#define CALL_BRANCHES 8

/* By which others name it as their parent; never 0. */
static inline uint16_t call_branch_name(uint32_t hash)
{
	return (uint16_t)hash ? (uint16_t)hash : 1;
}

/* A dialog, by its To-tag. */
struct call_dialog {
	uint32_t tag;     /* 0: none */
	uint16_t contact; /* part of the hash of its Contact; 0: none seen */
	uint8_t ok;       /* 2xx seen */
	uint8_t bye;
};
#define CALL_DIALOGS 4

/* How far an INVITE has come, by what it says itself. */
struct call_path {
	uint8_t hops;     /* Via values; 0: not read */
	uint8_t forwards; /* Max-Forwards + 1; 0: none */
	uint16_t parent;  /* as in struct call_branch, of the second Via */
};

/* What may tell that another call is a leg of the same; 0: not there. */
enum call_hint {
	CALL_HINT_SESSION,
	CALL_HINT_ORIGIN,
	CALL_HINT_MEDIA,
	CALL_HINT_DST,
	CALL_HINT_SRC,   /* never enough without DST: not looked up */
	CALL_HINT_REFER, /* whom it was transferred to; looked up as DST */
	CALL_HINTS,
	CALL_HINTS_LOOKED_UP = CALL_HINT_SRC
};

struct call_link {
	uint32_t prev, next;
};

struct call {
	uint64_t key; /* hash of Call-ID */
	uint64_t tag; /* hash of From-tag */
	uint64_t id;  /* of the row */
	uint64_t at_ns;
	uint64_t invite_ns; /* first of this attempt */
	uint64_t ring_ns;
	uint64_t answer_ns;
	uint64_t end_ns;     /* of a candidate too */
	uint64_t last_ns;    /* last sign of life, by the messages' clock */
	uint64_t touched_ns; /* the same by the tracker's */
	uint64_t group;
	uint64_t mate_id;      /* row of the leg before, or that joined last */
	uint64_t mate_end_ns;  /* when that one ended; 0: it lasts */
	uint32_t mate;         /* its slot */
	uint32_t same;         /* next with this Call-ID */
	struct call_link line; /* by silence */
	struct call_link dirty;
	uint32_t session_s; /* RFC 4028; 0 none */
	uint32_t cseq;      /* of the attempt */
	uint32_t cseq_high; /* of a hop behind that counts on */
	uint32_t retries;
	uint32_t hint[CALL_HINTS];
	uint16_t text_room;
	uint16_t text_used;
	uint16_t flags; /* enum call_flag */
	uint16_t code;
	uint16_t q850;
	uint16_t score;
	uint8_t hops;     /* of the INVITE of the first hop, as in call_path */
	uint8_t forwards; /* the same */
	uint8_t state;
	uint8_t wait; /* which line */
	uint8_t by;
	uint8_t disposition;
	uint8_t rank; /* of the candidate */
	uint8_t transport;
	uint8_t text_bytes[CALL_TEXTS];
	struct call_branch branch[CALL_BRANCHES];
	struct call_dialog dialog[CALL_DIALOGS];
	struct ear_addr from;
	struct ear_addr to;
	char text[];
};

/* How long a call may be silent. */
enum call_wait {
	CALL_WAIT_FINAL, /* 32 s: Timer B; what may come again after a final */
	CALL_WAIT_LATE,  /* 64 s: 2 * 64 * T1 */
	CALL_WAIT_RING,  /* 212 s: Timer C and a B */
	CALL_WAIT_UP,    /* as configured */
	CALL_WAIT_SESSION, /* 128 s and powers of two beyond */
	CALL_WAITS = CALL_WAIT_SESSION + 16
};

struct call_line {
	uint32_t head, tail;
};

struct call_spot {
	uint32_t hash;
	uint32_t slot;
	uint32_t before; /* spot of the same bucket, counted from 1 */
};
/* Few enough to stay in the cache; some 8000 calls. */
#define CALL_SPOTS (1u << 15)

/* A list of calls that were over, told as one state. */
struct call_grave {
	uint64_t key;
	uint64_t until_ns;
};
/* Hashes in one such state. */
#define CALL_GRAVE_MOST 4096
#define CALL_GRAVES 4096
#define CALL_GRAVE_KEY (1ull << 63)

struct ear_calls {
	struct ear_calls_options options;
	struct ear_disposition_rule *rules; /* owned */
	struct ear_track_out out;
	uint64_t now_ns;
	uint64_t check_ns;  /* when to look for silent ones again */
	unsigned leaps;     /* messages in a row that are far ahead */
	struct call **call; /* by slot; owned */
	uint32_t slots, slots_room;
	uint32_t *unused; /* owned; slots_room */
	uint32_t n_unused;
	struct ear_map64 by_call_id; /* first slot of a Call-ID */
	struct call_line line[CALL_WAITS];
	struct call_line dirty;
	size_t n;    /* calls in the table */
	size_t over; /* of these */
	struct ear_set64 dead[2];
	uint64_t dead_ns;         /* when the set was begun */
	struct ear_buf fresh;     /* hashes of graves not told yet */
	uint64_t fresh_ns;        /* the last of them */
	struct call_grave *grave; /* ring; owned */
	uint32_t graves, grave_at;
	uint64_t grave_key;
	struct call_spot *spot; /* owned; NULL: legs are not joined */
	uint32_t *spot_head;    /* by hash */
	uint32_t spots;         /* put so far, counted from 1 */
	bool restored;          /* and not put in order yet */
	struct ear_buf scratch;
	struct ear_sip sip;
	struct ear_calls_stats stats;
};

/* A message on its way through. */
struct call_event {
	const struct ear_msg *msg;
	const struct ear_facts *f;
	uint64_t key;
	uint64_t from_tag, to_tag; /* hashes; of an empty one too */
	uint32_t branch;
	struct ear_sip *sip; /* parsed when asked for */
	bool parsed;
	bool from_caller;      /* found by From-tag */
	struct call_path path; /* of an INVITE, once it was read */
};

/* --- call_table.c --- */

#define CALL_SECONDS(n) ((n)*EAR_SECOND_NS)

/** A call of this Call-ID whose caller's tag is tag. */
uint32_t call_find(const struct ear_calls *c, uint64_t key, uint64_t tag);
/** NULL when memory is short. The texts are empty. */
struct call *call_add(struct ear_calls *c, uint64_t key, uint64_t tag,
	uint64_t at_ns, uint32_t *slot);
/** Take it out of the table and free it. */
void call_drop(struct ear_calls *c, uint32_t slot);
/** The longest silent one that is best given up; CALL_NONE: none. */
uint32_t call_longest_silent(const struct ear_calls *c);
/** Most calls of one Call-ID that are told apart by their tags: each look-up
 *  walks over them. */
#define CALL_SAME_MAX 64
/** Of too many calls of one Call-ID the one to give up: what is over first,
 *  then the longest silent. @return CALL_NONE: they are not too many */
uint32_t call_crowded(const struct ear_calls *c, uint64_t key);
/** As call_drop(), and remember for a while that it was there. */
void call_bury(struct ear_calls *c, uint32_t slot);
bool call_is_buried(const struct ear_calls *c, uint64_t key, uint64_t tag);
void call_bury_hash(struct ear_calls *c, uint64_t hash);

struct ear_slice call_text(const struct call *call, enum call_text which);
void call_all_texts(const struct call *call, struct ear_slice text[CALL_TEXTS]);
/** Cut to what it may have; kept as it is when memory is short. */
void call_set(struct ear_calls *c, uint32_t slot, enum call_text which,
	struct ear_slice value);
/** The first n texts at once; those of a new call in one go. */
void call_set_first(struct ear_calls *c, uint32_t slot,
	const struct ear_slice *value, unsigned n);
/** Add to the notes, with "; " between, unless it stands there already. */
void call_note(struct ear_calls *c, uint32_t slot, const char *format, ...)
	EAR_PRINTF(3, 4);

/** It changed: save() tells it. */
void call_mark(struct ear_calls *c, uint32_t slot);
void call_unmark(struct ear_calls *c, uint32_t slot);
/** A sign of life; it waits again, as its state says. */
void call_touch(struct ear_calls *c, uint32_t slot, uint64_t at_ns);
/** Put it where its state says, without a sign of life. */
void call_line_up(struct ear_calls *c, uint32_t slot);
uint64_t call_wait_ns(const struct ear_calls *c, unsigned wait);

/* --- call_head.c --- */

/** The header fields of the message; NULL when it is no SIP. */
struct ear_sip *call_sip(struct call_event *e);

/** Lines one by one, as they stand. */
struct call_lines {
	const char *p, *end;
};

/** Up to the empty line behind the last field. */
static inline bool call_next_line(
	struct call_lines *lines, struct ear_slice *line)
{
	const char *p = lines->p, *next;

	if (p == lines->end || *p == '\r' || *p == '\n')
		return false;
	next = memchr(p, '\n', (size_t)(lines->end - p));
	lines->p = next ? next + 1 : lines->end;
	*line = ear_slice(p, (size_t)(lines->p - p));
	return true;
}

/** Those behind the first. */
struct call_lines call_lines_of(const struct ear_msg *msg);
/** Whether a line is that field, by its name or its compact form (0: it has
 *  none). @param[out] value what follows the colon, without blanks */
bool call_is_field(struct ear_slice line, struct ear_slice name, char compact,
	struct ear_slice *value);

struct call_reason {
	uint16_t q850; /* cause of Q.850; 0 none */
	uint16_t sip;  /* cause of SIP */
	struct ear_slice text;
};
/** Reason header fields (RFC 3326). @return false when there are none */
bool call_read_reason(const struct call_event *e, struct call_reason *reason);
/** Session-Expires in seconds (RFC 4028 s4); 0 when there is none. */
uint32_t call_read_session(const struct call_event *e);

/* --- call_origin.c --- */

/** What the header fields of a first INVITE say of other calls. */
struct call_origin {
	struct ear_slice session;     /* Session-ID, the caller's own half */
	struct ear_slice replaces;    /* a Call-ID */
	struct ear_slice referred_by; /* values */
	struct ear_slice diversion;
	/* Values that may be a Call-ID, and the names of their fields. */
	struct ear_slice maybe[4], maybe_name[4];
	unsigned n_maybe;
};
/** Read a first INVITE, also its e->path. */
void call_read_origin(struct call_event *e, struct call_origin *o);
/** Read e->path alone, unless it was read. */
void call_read_path(struct call_event *e);

/* --- call_hints.c --- */

/** The lowest bit of a number's hint: it is a long one. */
#define CALL_HINT_LONG 1u
void call_number_hint(
	struct call *call, enum call_hint kind, struct ear_slice user);
/** Those of a first INVITE; others do not find them yet. */
void call_take_hints(struct call *call, const struct call_event *e,
	const struct call_origin *origin);
/** Put its hints where others look for them. */
void call_put_hints(struct ear_calls *c, uint32_t slot);
/** Its numbers are other ones than those it began with. */
void call_renew_numbers(struct ear_calls *c, uint32_t slot);
/** It is transferred there: the call that this makes is a leg of it. */
void call_expect_transfer(
	struct ear_calls *c, uint32_t slot, struct ear_slice user);

/* --- call_legs.c --- */

/** Take down what may tell a leg, and look whether it is one. */
void call_join_legs(struct ear_calls *c, uint32_t slot, struct call_event *e,
	const struct call_origin *origin);
/** It is transferred to the end of another call: they belong together. */
void call_join_transfer(
	struct ear_calls *c, uint32_t slot, struct ear_slice call_id);
/** It was answered, or it ended: what that says about its other leg. */
void call_legs_answered(struct ear_calls *c, uint32_t slot);
void call_legs_ended(struct ear_calls *c, uint32_t slot);

/* --- call_branch.c --- */

struct call_branch *call_branch_of(struct call *call, uint32_t hash);
/** One more; where there is no room it goes unnoticed. A branch of a hop
 *  behind is marked as such by its being there at all. */
#define CALL_BRANCH_BEHIND (1u << 7)
void call_add_branch(
	struct call *call, const struct call_event *e, bool first_hop);
struct call_dialog *call_dialog_of(struct call *call, uint64_t tag, bool add);
/** The dialog of a reply from 101 to 299; NULL when there is no room. */
struct call_dialog *call_dialog_seen(
	struct call *call, const struct call_event *e);
/** How many it was forked to, as far as was seen; at least 1. */
unsigned call_branches(const struct call *call);

/* --- call_parties.c --- */

struct ear_slice call_caller(
	const struct ear_calls *c, const struct ear_facts *f);
/** Who and where, as the first hop has it. */
void call_set_parties(
	struct ear_calls *c, uint32_t slot, const struct call_event *e);

/* --- call_begin.c --- */

/** Find the call of a message within a dialog. */
uint32_t call_of(struct ear_calls *c, struct call_event *e);
/** Whether it may begin in the middle: it is none that just ended. */
bool call_may_join(const struct ear_calls *c, const struct call_event *e);
uint32_t call_begin(struct ear_calls *c, struct call_event *e, bool joined);
/** In the middle of a dialog: it was answered before anybody looked. */
uint32_t call_join_answered(struct ear_calls *c, struct call_event *e);

/* --- call_invite.c, call_request.c, call_transfer.c, call_reply.c --- */

void call_invite(struct ear_calls *c, struct call_event *e);
void call_in_dialog(struct ear_calls *c, struct call_event *e);
void call_cancel(struct ear_calls *c, struct call_event *e);
void call_ack(struct ear_calls *c, struct call_event *e);
void call_bye(struct ear_calls *c, struct call_event *e);
void call_refer(struct ear_calls *c, struct call_event *e);
void call_notify(struct ear_calls *c, struct call_event *e);
void call_reply_invite(struct ear_calls *c, struct call_event *e);
void call_reply_bye(struct ear_calls *c, struct call_event *e);
void call_reply_other(struct ear_calls *c, struct call_event *e);

/* --- call_end.c --- */

/** Take down a final reply above 299, if it counts more than the one before. */
void call_candidate(struct ear_calls *c, uint32_t slot, struct call_event *e,
	bool first_hop);
/** It failed with what was taken down: told, and kept for what comes late. */
void call_fail(struct ear_calls *c, uint32_t slot);
/** It was answered and ended at that time: told, and gone. */
void call_hang_up(struct ear_calls *c, uint32_t slot, uint64_t end_ns);
/** Nothing came for too long. */
void call_silent(struct ear_calls *c, uint32_t slot);
/** Make room: it is told as it stands. */
void call_give_up(struct ear_calls *c, uint32_t slot);
/** It was over, and goes on. */
void call_reopen(struct ear_calls *c, uint32_t slot);
/** It was answered, and taken for over as nothing came any more. */
bool call_is_estimated(const struct call *call);
/** It was answered and hung up: kept only for what it was transferred to. */
bool call_is_done(const struct call *call);
/** Such a one shows a sign of life: it is up. Others stay as they are. */
void call_wake(struct ear_calls *c, uint32_t slot);
/** Tell its row. */
void call_tell(struct ear_calls *c, const struct call *call);

/* --- call_state.c --- */

void call_state_tell(struct ear_calls *c, uint32_t slot);
void call_state_forget(struct ear_calls *c, const struct call *call);
void call_graves_tell(struct ear_calls *c);
void call_graves_tick(struct ear_calls *c);
/** After the last state, before the first message. */
void call_restored(struct ear_calls *c);

#endif
