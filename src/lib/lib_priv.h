/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the library share.
 *
 *     caller's thread ─▶ ring ─▶ worker: path ─┬─▶ store
 *                                              └─▶ spools ─▶ far sides
 *
 * open.c makes and ends it all, hand.c is the caller's side of the ring,
 * worker.c the other, keeper.c does what may take long, ask.c is for people
 * who ask, log.c says where lines of the log go,
 * reload.c changes the configuration.
 */
#ifndef EAR_LIB_PRIV_H
#define EAR_LIB_PRIV_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "config/settings.h"
#include "earshot/earshot.h"
#include "flow/flow.h"
#include "journal/journal.h"
#include "lib/ring.h"

/** Longest message; also a quarter of the queue at most. */
#define EAR_LIB_LONGEST ((size_t)4 << 20)

/** Most items of a list that a caller separates by commas. */
#define EAR_LIB_LIST EAR_MARKS_MAX
/** Longest text that a caller gives to a trace of a message. */
#define EAR_LIB_TEXT 1023

/** What lies in the ring, before its bytes. */
struct ear_handed {
	uint64_t at_ns, seen_ns;
	struct ear_addr src, dst;
	uint32_t raw_n;         /**< bytes of the message or text */
	uint32_t correlation_n; /**< behind it; of an event */
	uint8_t kind;           /**< enum ear_handed_kind */
	uint8_t transport;
	uint8_t direction;
	uint8_t scope; /**< of a trace: enum ear_scope */
	uint64_t before_ns;
};

enum ear_handed_kind {
	EAR_HANDED_PACKET,
	EAR_HANDED_TRACE, /**< a packet that begins a trace; the texts below
			       with their NULs stand behind it */
	EAR_HANDED_SIP,   /**< a message of no socket, whatever it is */
	EAR_HANDED_LOG,   /**< words */
};

enum ear_handed_text {
	EAR_HANDED_USERS,
	EAR_HANDED_TABLE,
	EAR_HANDED_MIRRORS,
	EAR_HANDED_CORRELATION,
	EAR_HANDED_TEXTS
};

struct earshot {
	struct earshot *next; /**< of those that are open: log.c */
	unsigned forks;       /**< of the process when it was opened */
	atomic_bool closing;
	char dir[2048];
	char node[256];
	char tap[48]; /**< "lib:NAME" */
	enum ear_level level;
	earshot_log_fn log;
	void *log_arg;

	struct ear_config *config;
	struct ear_settings *settings;
	struct ear_notices *notices;
	struct ear_ledger *ledger;
	struct ear_tally *tally;  /**< of all that was handed over */
	struct ear_journal *lock; /**< the data directory's; holds nothing */
	struct ear_store *store;
	bool keeps; /**< store is not the one that keeps nothing */
	struct ear_rules *rules;
	struct ear_path *path;
	struct ear_ring *ring;
	uint64_t started_ns;
	atomic_bool on; /**< the switch, as it was turned last */

	_Atomic uint64_t taken, bytes, refused_full, refused_other, done;

	pthread_t worker, keeper;
	bool works, keeps_house, logs;
	volatile bool hurry; /**< base/stop.h: do not wait for a full store */
	pthread_mutex_t lock_asked;    /**< of what follows */
	pthread_cond_t told;           /**< some of it changed */
	uint64_t flush_asked, flushed; /**< places in the ring */
	bool ended;                    /**< the worker has */
	bool stops;                    /**< the keeper shall end */
	struct ear_retention keep;     /**< of the configuration in use */
	struct ear_rules_next *change; /**< for the worker; NULL: none */
	bool mask_secrets;             /**< after the change */
	pthread_mutex_t lock_reload;   /**< one at a time; before lock_asked */
};

/** Whether calls may use it: open, not closing, and of this process. */
bool ear_lib_usable(const struct earshot *e);

/** One sentence into a caller's room; either may be missing. */
void ear_lib_say(char *why, size_t why_bytes, const char *text);
/** The answer for an error of ours. */
int ear_lib_answer(enum ear_err err);

/** Lines of the log from now on go to e too; or no longer. */
void ear_lib_log_join(struct earshot *e);
void ear_lib_log_leave(struct earshot *e);

/** Whether a text, or NULL, is short enough and has few enough commas. */
bool ear_lib_text_fits(const char *text);
/**
 * Split a list that fits at commas, in place; blanks around items and empty
 * items go. @return how many
 */
size_t ear_lib_split(char *text, const char *item[EAR_LIB_LIST]);

/** Threads. arg: the handle. */
void *ear_lib_worker(void *arg);
void *ear_lib_keeper(void *arg);

/** A file or a text, and what the parts take of it. On failure, too, both are
    to be freed. */
EAR_MUST_USE enum ear_err ear_lib_read_config(const char *file,
	const char *text, struct ear_config **config,
	struct ear_settings **settings, struct ear_fault *fault);
/** Before threads are made. @param before to be set again */
void ear_lib_block_signals(sigset_t *before);
/** The worker: to another configuration, if there is one. arg: the handle. */
void ear_lib_change_over(void *arg);

/** Another level of lines of the log. */
void ear_lib_log_level(struct earshot *e, enum ear_level level);

/** Write the status file, for `earshot status`. */
void ear_lib_write_status(struct earshot *e);

/** A time that a caller gave in ms; what is longer than 200 years is that, so
    that added to now it is still a time. */
uint64_t ear_lib_ns(uint64_t ms);

/** When a wait that begins now is over, by the monotonic clock. */
uint64_t ear_lib_until(unsigned wait_ms);

#endif
