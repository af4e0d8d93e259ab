/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Events for the operator, one line each: an event name and typed fields.
 * A message that repeats is limited to one line a second per call site by
 * ear_log_every().
 *
 *     ear_log(EAR_WARN, "journal.torn",
 *             "file", EAR_LS(path), "bytes", EAR_LU(lost), NULL);
 */
#ifndef EAR_BASE_LOG_H
#define EAR_BASE_LOG_H

#include <stdint.h>

#include "base/slice.h"

enum ear_level { EAR_DEBUG, EAR_INFO, EAR_NOTICE, EAR_WARN, EAR_ERROR };

enum ear_log_type { EAR_LOG_STR = 1, EAR_LOG_U64, EAR_LOG_SLICE };

struct ear_log_value {
	enum ear_log_type type;
	union {
		const char *str;
		uint64_t u64;
		struct ear_slice slice;
	} v;
};

#define EAR_LS(s)                                 \
	(struct ear_log_value)                    \
	{                                         \
		.type = EAR_LOG_STR, .v.str = (s) \
	}
#define EAR_LU(u)                                 \
	(struct ear_log_value)                    \
	{                                         \
		.type = EAR_LOG_U64, .v.u64 = (u) \
	}
#define EAR_LB(b)                                     \
	(struct ear_log_value)                        \
	{                                             \
		.type = EAR_LOG_SLICE, .v.slice = (b) \
	}

/** Receives each finished line, without its newline. */
typedef void (*ear_log_fn)(enum ear_level level, const char *line, void *arg);

/**
 * Where lines go; NULL fn is standard error. Called once, before threads.
 * Lines below least are not made.
 */
void ear_log_to(ear_log_fn fn, enum ear_level least, void *arg);

/** The least level whose lines are made; may be changed from any thread. */
enum ear_level ear_log_level(void);
void ear_log_level_set(enum ear_level least);

/** "debug", "info", "notice", "warning", "error". */
const char *ear_level_name(enum ear_level level);
/** @return false when there is no level of that name */
bool ear_level_of(struct ear_slice name, enum ear_level *level);

/**
 * @param event "module.what", as in "tap.denied"
 * @param ...   pairs of const char * name and struct ear_log_value, then NULL
 */
void ear_log(enum ear_level level, const char *event, ...);

/** One-second gate for a repeated event; state is one static per site. */
struct ear_log_gate {
	uint64_t next_ns; /**< monotonic; when the next line may go */
	uint64_t skipped; /**< lines held back since the last one */
};

/** @return true when a line may go; *skipped then says how many did not */
bool ear_log_every(struct ear_log_gate *gate, uint64_t *skipped);

#endif
