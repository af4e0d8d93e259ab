/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The audit trail: who looked at or exported what, and who changed what; kept
 * in DIR/users.db beside the access events, newest EAR_AUDIT_ROWS of them.
 *
 * Adding one costs a copy under a lock. A thread writes them, many at a time,
 * within a fifth of a second; what finds the queue full is counted as lost,
 * told, and itself noted as an entry once there is room.
 */
#ifndef EAR_CONSOLE_AUDIT_H
#define EAR_CONSOLE_AUDIT_H

#include "base/json.h"

/** Most entries kept, and for how long. */
#define EAR_AUDIT_ROWS 200000
#define EAR_AUDIT_AGE_NS (400ULL * 86400 * EAR_SECOND_NS)
/** Longest texts, bytes; longer ones are cut. */
#define EAR_AUDIT_ACTOR 128
#define EAR_AUDIT_OBJECT 512
#define EAR_AUDIT_DETAIL 256

struct ear_audit_entry {
	uint64_t at_ns;
	struct ear_slice actor;   /**< "sara", "sara (token ci)", "root
				       (control)" */
	struct ear_slice action;  /**< as "message.open" */
	struct ear_slice object;  /**< what it was done to */
	struct ear_slice detail;  /**< more about it */
	struct ear_slice address; /**< "ip:port"; "" none */
	/** Somebody looked: the same again within a minute is left out. */
	bool look;
};

struct ear_audit;

/** @param dir data directory; must exist */
EAR_MUST_USE enum ear_err ear_audit_open(
	const char *dir, struct ear_audit **audit, struct ear_fault *fault);
/** Writes what waits. */
void ear_audit_close(struct ear_audit **audit);

/** Note one. Any thread. @param audit NULL: nothing is noted */
void ear_audit_add(
	struct ear_audit *audit, const struct ear_audit_entry *entry);

/** Wait until all that was added is written. */
void ear_audit_flush(struct ear_audit *audit);

struct ear_audit_stats {
	uint64_t written;
	uint64_t waiting;
	uint64_t lost; /**< no room, or users.db could not be written */
};
void ear_audit_stats(struct ear_audit *audit, struct ear_audit_stats *stats);

/** Member "audit" of a status. */
void ear_audit_json(struct ear_audit *audit, struct ear_json *j);

#endif
