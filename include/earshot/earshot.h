/* SPDX-License-Identifier: Apache-2.0 */
/**
 * libearshot: the tap inside a server.
 *
 * A server hands over the messages that it received or is about to send, and
 * gets the traces, mirrors, databases, store and switches of `earshot serve`:
 *
 *     struct earshot_options o = EARSHOT_OPTIONS;
 *     struct earshot *ear;
 *     char why[EARSHOT_WHY];
 *
 *     o.data_dir = "/var/lib/myserver/earshot";
 *     o.config_file = "/etc/myserver/earshot.conf";
 *     if (earshot_open(&o, &ear, why, sizeof(why)))
 *             fprintf(stderr, "no tracing: %s\n", why);
 *     …
 *     struct earshot_packet p = EARSHOT_PACKET;
 *
 *     p.data = buffer;
 *     p.bytes = n;
 *     p.src = (const struct sockaddr *)&from;
 *     p.dst = (const struct sockaddr *)&me;
 *     p.transport = EARSHOT_UDP;
 *     earshot_received(ear, &p);
 *
 * Where calls go. What is handed over is copied into a queue in memory; a
 * thread of the library does all the rest. A call that hands something over
 * takes no lock, waits for nothing and never fails the caller: what finds no
 * room is refused with EARSHOT_FULL and counted. A handle that is NULL is
 * allowed everywhere and answers EARSHOT_CLOSED, so a server that runs without
 * a tap needs no ifs.
 *
 * What the library does to the process: it starts threads with all signals
 * blocked, and nothing else. It installs no signal handlers, does not write to
 * standard error, does not exit. One process at a time may use a data
 * directory.
 *
 * fork: open after forking. A child has none of the library's threads, so all
 * calls in it answer EARSHOT_CLOSED; it may open a handle of its own with a
 * data directory of its own.
 *
 * Versions: structs begin with their size, as the caller knew them, and grow
 * only at their ends. The EARSHOT_… initialisers set it.
 */
#ifndef EARSHOT_EARSHOT_H
#define EARSHOT_EARSHOT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EARSHOT_API __attribute__((visibility("default")))
#else
#define EARSHOT_API
#endif

/** What calls answer. Never renumbered. */
enum earshot_answer {
	EARSHOT_OK = 0,
	EARSHOT_OFF = 1,      /**< taken, but the switch is off: no trace */
	EARSHOT_FULL = 2,     /**< no room in the queue: not taken, counted */
	EARSHOT_TOOBIG = 3,   /**< longer than the queue takes: not taken,
				   counted */
	EARSHOT_BADARG = 4,   /**< the caller asked wrongly */
	EARSHOT_CLOSED = 5,   /**< no handle, or it is closing, or it is that
				   of the process we were forked from */
	EARSHOT_NOMEM = 6,    /**< out of memory */
	EARSHOT_SYS = 7,      /**< the system refused: disk, rights … */
	EARSHOT_NOTFOUND = 8, /**< no trace of that name */
	EARSHOT_TIMEOUT = 9,  /**< not done in the time that was given */
};

/** A short sentence for an answer; never NULL. */
EARSHOT_API const char *earshot_strerror(int answer);

/** "0.1.0": of the library that runs, not of this header. */
EARSHOT_API const char *earshot_version(void);

/** Room that holds every sentence of the library. */
#define EARSHOT_WHY 512

/** A tap, with all that is behind it. */
struct earshot;

/* --- open and close ------------------------------------------------------ */

/** How much a line of the log matters. */
enum earshot_level {
	EARSHOT_DEBUG = 0,
	EARSHOT_INFO = 1,
	EARSHOT_NOTICE = 2,
	EARSHOT_WARNING = 3,
	EARSHOT_ERROR = 4,
};

/**
 * Gets a line of the log, without its newline. Called on threads of the
 * library, or of a caller of earshot_open() and the trace calls; it must not
 * call the library.
 */
typedef void (*earshot_log_fn)(int level, const char *line, void *arg);

/** Everything is copied. */
struct earshot_options {
	size_t size; /**< sizeof(struct earshot_options) */

	/** Where spools, trace orders and the store lie. Made when it is not
	    there. One process at a time. */
	const char *data_dir;

	/** Name of this server: the node of its messages. NULL: none. */
	const char *name;

	/** Configuration as of earshot.conf(5): a file, or its text; not both.
	    Neither: the defaults, which trace nothing and mirror nowhere. The
	    sections listener, console, control and journal are of `earshot
	    serve` and are passed over, with a line in the log. */
	const char *config_file;
	const char *config_text;

	/** Not 0: keep messages in the embedded store under data_dir, to be
	    read by `earshot search --data DIR` and the like. */
	int store;

	/** Most bytes of memory for what was handed over and is not yet worked
	    on; 0: 16 MiB. Rounded up to a power of two; 64 KiB to 1 GiB. */
	size_t queue_bytes;

	/** Gets the lines of the log, which the section log of the
	    configuration chooses; NULL: nobody. */
	earshot_log_fn log;
	void *log_arg;
};

#define EARSHOT_OPTIONS                                                       \
	{                                                                     \
		sizeof(struct earshot_options), NULL, NULL, NULL, NULL, 0, 0, \
			NULL, NULL                                            \
	}

/**
 * Open a tap. Reads and writes files: call it when the server starts, after
 * it has forked.
 *
 * @param[out] ear NULL on failure
 * @param[out] why one sentence when it failed, NUL-terminated; may be NULL
 * @return EARSHOT_OK; EARSHOT_BADARG: an option or the configuration is wrong;
 *         EARSHOT_SYS; EARSHOT_NOMEM
 */
EARSHOT_API int earshot_open(const struct earshot_options *options,
	struct earshot **ear, char *why, size_t why_bytes);

/**
 * Work on what is in the queue, deliver what mirrors and databases take in
 * that time, and close. What they have not taken lies in its spool, and the
 * next earshot_open() of the same data directory delivers it.
 *
 * No other call may use the handle at the same time or later.
 *
 * @param wait_ms most to wait for the queue and the spools
 * @return EARSHOT_OK; EARSHOT_TIMEOUT: something was left in the queue, and is
 *         lost, or in a spool; EARSHOT_SYS, EARSHOT_NOMEM: the store could not
 *         write all it had, which is lost; EARSHOT_CLOSED without a handle.
 *         The line "tap.left" of the log says what it was
 */
EARSHOT_API int earshot_close(struct earshot *ear, unsigned wait_ms);

/**
 * Another configuration while messages flow, all of it or nothing: traces,
 * recorder, mirrors, databases, hook, what is kept, masking, retention and
 * the level of the log. What else stands in it takes effect with the next
 * earshot_open(). Reads and writes files, and may wait for mirrors that go.
 *
 * @param config_file,config_text as in the options
 * @param[out] why one sentence when it failed, NUL-terminated; may be NULL
 * @return EARSHOT_OK; else as earshot_open(), and nothing was changed
 */
EARSHOT_API int earshot_reload(struct earshot *ear, const char *config_file,
	const char *config_text, char *why, size_t why_bytes);

/* --- messages ------------------------------------------------------------ */

/** How a message travels. */
enum earshot_transport {
	EARSHOT_UNKNOWN = 0,
	EARSHOT_UDP = 1,
	EARSHOT_TCP = 2,
	EARSHOT_TLS = 3,
	EARSHOT_SCTP = 4,
	EARSHOT_WS = 5,
	EARSHOT_WSS = 6,
};

/** One whole message. Everything is copied. */
struct earshot_packet {
	size_t size;                /**< sizeof(struct earshot_packet) */
	const void *data;           /**< the message: one, as on the wire, out
					 of its stream, TLS or WebSocket */
	size_t bytes;               /**< of data */
	const struct sockaddr *src; /**< IPv4 or IPv6; NULL: not known */
	const struct sockaddr *dst; /**< the same */
	int transport;              /**< enum earshot_transport */
	uint64_t at_ns;             /**< ns since 1970 UTC; 0: now */
	int sending;                /**< earshot_sip_trace() and its kin: not 0
					 when the server sends it */
};

#define EARSHOT_PACKET                                                      \
	{                                                                   \
		sizeof(struct earshot_packet), NULL, 0, NULL, NULL, 0, 0, 0 \
	}

/**
 * Hand over a message that the server received. What is no SIP message, as a
 * keep-alive, is counted and goes no further.
 *
 * @return EARSHOT_OK, EARSHOT_FULL, EARSHOT_TOOBIG (more than a quarter of the
 *         queue, or than 4 MiB), EARSHOT_BADARG, EARSHOT_CLOSED
 *
 * Threads: any number at once. Cost: one copy; about 0.1 us.
 */
EARSHOT_API int earshot_received(
	struct earshot *ear, const struct earshot_packet *packet);

/** The same for a message that the server sends. */
EARSHOT_API int earshot_sending(
	struct earshot *ear, const struct earshot_packet *packet);

/* --- siptrace's functions -------------------------------------------------
 *
 * sip_trace() takes the place of earshot_received() or earshot_sending() for
 * the message that begins a trace: it hands the message over and follows from
 * it. The rest of the transaction or dialog is handed over as usual, and
 * belongs to the trace wherever it comes from.
 */

/** What is followed, as mode of sip_trace(); case does not count. */
#define EARSHOT_MESSAGE 'm'
#define EARSHOT_TRANSACTION 't'
#define EARSHOT_DIALOG 'd'

/**
 * Hand over a message and trace it.
 *
 * @param mirrors     names of mirror and sql sections that get it, separated
 *                    by commas; NULL: all whose take is traced
 * @param correlation id of all its messages, fields in braces filled in, as
 *                    "{call_id}"; NULL: the Call-ID
 * @param mode        EARSHOT_MESSAGE, EARSHOT_TRANSACTION, EARSHOT_DIALOG
 * @return as earshot_received(); EARSHOT_OFF: handed over, and not traced as
 *         the switch is off; EARSHOT_BADARG also for a mode that is none
 */
EARSHOT_API int earshot_sip_trace(struct earshot *ear,
	const struct earshot_packet *packet, const char *mirrors,
	const char *correlation, char mode);

/** The same with default mirrors and correlation, as sip_trace_mode(). */
EARSHOT_API int earshot_sip_trace_mode(
	struct earshot *ear, const struct earshot_packet *packet, char mode);

/** What a trace is; see earshot.conf(5), section trace. All is copied. */
struct earshot_trace {
	size_t size;         /**< sizeof(struct earshot_trace) */
	const char *name;    /**< earshot_trace_start(): unique; NULL: one is
				  made */
	const char *rule;    /**< earshot_trace_start(): expression; NULL takes
				  all */
	char mode;           /**< EARSHOT_MESSAGE … */
	const char *users;   /**< traced users, separated by commas */
	const char *table;   /**< in SQL databases; NULL: their own */
	const char *mirrors; /**< separated by commas; NULL: all whose take
				  is traced */
	const char *correlation; /**< NULL: the Call-ID */
	uint64_t keep_before_ms; /**< out of the flight recorder */
	uint64_t for_ms;         /**< ends after that time; 0 never */
	uint64_t max_messages;   /**< ends after so many; 0 never */
	uint64_t max_bytes;      /**< ends after so many; 0 never */
	const char *why;         /**< shown to people */
};

#define EARSHOT_TRACE                                                      \
	{                                                                  \
		sizeof(struct earshot_trace), NULL, NULL, EARSHOT_MESSAGE, \
			NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL           \
	}

/**
 * The same with traced users, a table and the like. A trace with users is
 * taken up while the switch is off too, as siptrace does.
 */
EARSHOT_API int earshot_sip_trace_as(struct earshot *ear,
	const struct earshot_packet *packet, const struct earshot_trace *trace);

/**
 * Put a message into the record that came by no socket of the server, as
 * sip_trace_msg(): whatever the switch says.
 *
 * @param src,dst     may be NULL
 * @param correlation may be NULL
 */
EARSHOT_API int earshot_sip_trace_msg(struct earshot *ear, const void *msg,
	size_t bytes, const struct sockaddr *src, const struct sockaddr *dst,
	const char *correlation);

/**
 * Put words into the record, as hlog(): a log event, shown where it happened.
 *
 * @param correlation the Call-ID that it belongs to; may be NULL
 */
EARSHOT_API int earshot_hlog(
	struct earshot *ear, const char *correlation, const char *text);

/* --- switches and traces --------------------------------------------------
 *
 * For people who ask, not for the path of messages: these may write a small
 * file, or wait for a lock that is held for short.
 */

/**
 * siptrace.status: "on", "off" or "check", in any case; what follows does not
 * count. How it stands survives a restart.
 *
 * @param[out] text "Enabled" or "Disabled", or siptrace's words for what is
 *                  wrong; may be NULL
 * @return EARSHOT_OK; EARSHOT_BADARG with "Not enough parameters (on, off or
 *         check)" or "Bad parameter (on, off or check)"; EARSHOT_SYS with
 *         "Internal error"
 */
EARSHOT_API int earshot_status(struct earshot *ear, const char *command,
	char *text, size_t text_bytes);

/** Room for the name of a trace, with its NUL. */
#define EARSHOT_TRACE_NAME 64

/**
 * Start a trace order: from now on all that matches its rule is traced. It
 * survives a restart, and ends by what it says itself or by
 * earshot_trace_stop().
 *
 * @param[out] name EARSHOT_TRACE_NAME bytes; may be NULL
 * @param[out] why  one sentence when it failed; may be NULL
 * @return EARSHOT_OK; EARSHOT_BADARG; EARSHOT_SYS; EARSHOT_NOMEM
 */
EARSHOT_API int earshot_trace_start(struct earshot *ear,
	const struct earshot_trace *trace, char *name, char *why,
	size_t why_bytes);

/** @return EARSHOT_OK; EARSHOT_NOTFOUND; EARSHOT_BADARG: it stands in the
 *          configuration; EARSHOT_SYS */
EARSHOT_API int earshot_trace_stop(
	struct earshot *ear, const char *name, char *why, size_t why_bytes);

/** Switch one trace on (not 0) or off. @return as earshot_trace_stop() */
EARSHOT_API int earshot_trace_switch(struct earshot *ear, const char *name,
	int on, char *why, size_t why_bytes);

/* --- what became of it --------------------------------------------------- */

/** Counts since earshot_open(), but for those called "now". */
struct earshot_stats {
	size_t size;            /**< sizeof(struct earshot_stats) */
	uint64_t taken;         /**< handed over and taken */
	uint64_t bytes;         /**< of these */
	uint64_t refused_full;  /**< answered EARSHOT_FULL */
	uint64_t refused_other; /**< answered EARSHOT_TOOBIG or _BADARG */
	uint64_t done;          /**< of taken: worked on */
	uint64_t kept;          /**< of done: in the store */
	uint64_t passed;        /**< of done: sent on, if anything wanted it,
				     and not kept, as there is no store or a
				     rule says so */
	uint64_t not_sip;       /**< of done: keep-alives, RTP, junk */
	uint64_t oversize;      /**< of done: too large for the store */
	uint64_t malformed;     /**< of kept and passed: break SIP's rules */
	uint64_t mirrored;      /**< copies put into spools */
	uint64_t delivered;     /**< copies that their far side has */
	uint64_t lost;          /**< copies that no spool had room for, or that
				     their far side never takes */
	uint64_t waiting;       /**< now: copies in spools */
	uint64_t queue_bytes;   /**< size of the queue */
	uint64_t queue_used;    /**< now: bytes of it in use */
	int on;                 /**< now: the switch */
	int store_full;         /**< now: the store cannot write */
};

#define EARSHOT_STATS                                                          \
	{                                                                      \
		sizeof(struct earshot_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
			0, 0, 0, 0, 0, 0, 0                                    \
	}

/** Fills what fits into stats->size. Cost: a pass over the counters. */
EARSHOT_API int earshot_stats(struct earshot *ear, struct earshot_stats *stats);

/**
 * Wait until everything that was handed over before is in the store and in
 * the spools of its mirrors, on disk or in the kernel.
 *
 * @return EARSHOT_OK; EARSHOT_TIMEOUT; EARSHOT_CLOSED
 */
EARSHOT_API int earshot_flush(struct earshot *ear, unsigned wait_ms);

#ifdef __cplusplus
}
#endif

#endif
