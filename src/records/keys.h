/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Indexes of calls and sessions, in sorted runs.
 *
 * A B-tree for each of seven indexes took more time than the rows themselves:
 * what comes in is spread over all of a tree. So the entries of one transaction
 * are sorted and written as one run, page behind page, and runs of about one
 * size are merged into a larger one when there are several (as log-structured
 * merge trees do; O'Neil and others, 1996). Who asks looks into each run, of
 * which there are a few dozen at ten million rows.
 *
 *     put, reconcile ──> ear_keys (sorted) ──> key_run, key_page in records.db
 *     list, facet, … <── table ear_keys of SQL <── ear_key_walk <──┘
 *
 * An entry is a key with the row (at, id) that has it. Entries are ordered by
 * key, at, id; of the same in several runs that of the newest holds, which may
 * say that the row has the key no longer.
 *
 * Bindings and connections, of which far fewer are written and most again and
 * again, have indexes of SQLite's.
 */
#ifndef EAR_RECORDS_KEYS_H
#define EAR_RECORDS_KEYS_H

#include "records/priv.h"

/** Which index. The numbers stand in the file. */
enum ear_key_of {
	EAR_KEY_CALL_SRC,
	EAR_KEY_CALL_DST,
	EAR_KEY_CALL_ID,      /* ear_row_call_key() */
	EAR_KEY_CALL_OUTCOME, /* disposition */
	EAR_KEY_CALL_TALK,    /* disposition, then milliseconds */
	EAR_KEY_SESSION_PEER, /* each user of a row, and all as they stand */
	EAR_KEY_SESSION_REMOTE,
	EAR_KEYS,
	EAR_KEYS_NONE = EAR_KEYS
};

/** Longest key; of longer texts the begin is one. */
#define EAR_KEY_MAX 120

/** By the name that column.def gives it. @return EAR_KEYS_NONE: another index
 */
enum ear_key_of ear_key_named(const char *index);

/** A number as a key: so many bytes, the highest first, of at most 8. */
struct ear_slice ear_key_number(uint64_t v, size_t bytes, uint8_t room[8]);
/** The key of EAR_KEY_CALL_TALK. @param talk_ms UINT32_MAX and more: as that */
struct ear_slice ear_key_talk(
	uint64_t disposition, uint64_t talk_ms, uint8_t room[8]);
/** The time in it, and the whole as a number, of a row. */
#define EAR_KEY_TALK_SQL "min(talk_ms,4294967295)"
#define EAR_KEY_TALK_WHOLE_SQL "(disposition<<32|" EAR_KEY_TALK_SQL ")"

struct ear_key_entry {
	struct ear_slice key; /* borrowed */
	uint64_t at, id;
	bool gone; /* the row has the key no longer */
};

/** The first eight bytes as a number: of two that differ in them the smaller
 *  belongs to the smaller key. */
static inline uint64_t ear_key_prefix(struct ear_slice key)
{
	uint8_t b[8] = {0};

	if (key.n)
		memcpy(b, key.p, key.n < 8 ? key.n : 8);
	return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 |
	       (uint64_t)b[2] << 40 | (uint64_t)b[3] << 32 |
	       (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 |
	       (uint64_t)b[6] << 8 | b[7];
}

/** As memcmp() of the whole: key, at, id. */
int ear_key_cmp(const struct ear_key_entry *a, const struct ear_key_entry *b);

/* --- pages: key_page.c ------------------------------------------------- */

/** A page fits into one of SQLite's, with what that needs for itself. */
#define EAR_KEY_PAGE 8100
/** Entries of a page: without a key of its own one takes 17 bytes. */
#define EAR_KEY_PAGE_MAX (EAR_KEY_PAGE / 17 + 1)

/** Append an entry. @param before the one before it in the page; or NULL */
void ear_key_write(struct ear_buf *page, const struct ear_key_entry *e,
	const struct ear_key_entry *before);

/** A page that is read. */
struct ear_key_page {
	uint16_t n;
	uint16_t row[EAR_KEY_PAGE_MAX]; /* where at and id stand */
	uint16_t key[EAR_KEY_PAGE_MAX];
	uint8_t size[EAR_KEY_PAGE_MAX]; /* of the key */
	uint8_t gone[EAR_KEY_PAGE_MAX / 8 + 1];
	uint8_t bytes[EAR_KEY_PAGE];
};

/** @return false: it is damaged */
bool ear_key_page_read(struct ear_key_page *p, struct ear_slice bytes);
struct ear_key_entry ear_key_page_at(const struct ear_key_page *p, size_t i);

/* --- writing: keys.c --------------------------------------------------- */

struct ear_keys;

EAR_MUST_USE enum ear_err ear_keys_new(sqlite3 *db, const char *path,
	struct ear_keys **keys, struct ear_fault *fault);
void ear_keys_free(struct ear_keys **keys);

/** The tables, as SQL. */
extern const char ear_keys_tables[];

/** An entry of the transaction that is open. That there is no memory is said
 *  by ear_keys_flush(). */
void ear_keys_add(struct ear_keys *keys, enum ear_key_of of,
	struct ear_slice key, uint64_t at, uint64_t id, bool gone);
/** All keys of a session: each user of it, all of them, and its address. */
void ear_keys_session(struct ear_keys *keys, struct ear_slice peername,
	struct ear_slice remote_ip, uint64_t at, uint64_t id, bool gone);
void ear_keys_peers(struct ear_keys *keys, struct ear_slice peername,
	uint64_t at, uint64_t id, bool gone);
/** All keys of a call. */
struct ear_call_keys {
	struct ear_slice src, dst;
	uint64_t call_key, disposition, talk_ms;
};
void ear_keys_call(struct ear_keys *keys, const struct ear_call_keys *call,
	uint64_t at, uint64_t id, bool gone);

/** Write them as runs, inside the caller's transaction. */
EAR_MUST_USE enum ear_err ear_keys_flush(
	struct ear_keys *keys, struct ear_fault *fault);
/** Forget them: the transaction was rolled back. */
void ear_keys_forget(struct ear_keys *keys);

/** Merge runs of one index, if there are so many, inside the caller's
 *  transaction: each transaction that adds some is to do so. */
EAR_MUST_USE enum ear_err ear_keys_merge(
	struct ear_keys *keys, struct ear_fault *fault);

/** Runs all of whose rows are older go. */
EAR_MUST_USE enum ear_err ear_keys_retain(
	struct ear_keys *keys, uint64_t before_ns, struct ear_fault *fault);

/* --- reading: key_walk.c ----------------------------------------------- */

/** From one entry to another, both included. */
struct ear_key_range {
	struct ear_key_entry low, high;
};

/** All there is: begin and end of a range without one. */
extern const struct ear_key_range ear_key_all;

/** What is asked of an index. */
struct ear_key_ask {
	enum ear_key_of of;
	const struct ear_key_range *range; /* borrowed, with keys; NULL: all */
	size_t ranges;
	bool by_time; /* by at and id; each range is of one key then */
	bool down;    /* the last first */
	uint8_t skip; /* bytes that all keys begin with and are not sorted by */
	bool count;   /* table: each key once, with how many rows have it */
	uint64_t first_run; /* those from this on; 0: all */
};

struct ear_key_walk;

/**
 * Begin.
 *
 * @param from_ns of at, both ends included
 * @param halt asked now and then whether it shall end; or NULL
 * @return SQLITE_OK, or SQLite's code
 */
EAR_MUST_USE int ear_key_walk_new(sqlite3 *db, const struct ear_key_ask *ask,
	uint64_t from_ns, uint64_t to_ns, int (*halt)(void *arg), void *arg,
	struct ear_key_walk **walk);
void ear_key_walk_free(struct ear_key_walk **walk);

/**
 * The next entry.
 *
 * @param with_gone also those that say that a row has the key no longer
 * @return SQLITE_ROW: its key lives until the next call; SQLITE_DONE;
 *         SQLITE_INTERRUPT: halt said so; or SQLite's code
 */
EAR_MUST_USE int ear_key_walk_next(
	struct ear_key_walk *walk, bool with_gone, struct ear_key_entry *e);

/** From which time on an index has at most so many entries, about. */
uint64_t ear_key_since(sqlite3 *db, enum ear_key_of of, uint64_t most);

/* --- as a table of SQL: key_table.c ------------------------------------ */

/**
 * Register the table-valued function ear_keys(ask, from_ns, to_ns), with the
 * columns key_value, key_at, key_id and key_n. ask is a pointer to a struct
 * ear_key_ask that is bound as "ear_key_ask" and outlives the statement. What
 * is ordered by key_at and key_id, or by key_value before them, has to be so as
 * ask says.
 *
 * @param halt asked now and then whether it shall end
 */
EAR_MUST_USE int ear_key_table(sqlite3 *db, int (*halt)(void *arg), void *arg);

#endif
