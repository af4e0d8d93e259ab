/* SPDX-License-Identifier: Apache-2.0 */
/** What `earshot status` and the Status page show, as JSON members. */
#ifndef EAR_FLOW_STATUS_H
#define EAR_FLOW_STATUS_H

#include "base/json.h"
#include "base/ledger.h"
#include "flow/backlog.h"
#include "journal/journal.h"
#include "records/records.h"
#include "store/store.h"

/** In the data directory: the status as the server last wrote it down. */
#define EAR_STATUS_FILE "last-status.json"

/**
 * Write the status down there. Who reads sees the file before or this one; a
 * full disk leaves the last one that could be written.
 *
 * @param json the object; not written where it has an error
 */
void ear_status_write(const char *data_dir, const struct ear_buf *json);

/**
 * Member "totals": received accepted searchable malformed dropped open …
 *
 * @param n       the sums of the ledger, read before
 * @param pending what the store had not committed after that, so that what is
 *                said to be searchable is
 */
void ear_status_totals(
	struct ear_json *j, const uint64_t n[EAR_N_COUNT], uint64_t pending);

/** Member "ledger": an object a line, all counters of ledger.def. */
void ear_status_ledger(struct ear_json *j, struct ear_ledger *ledger);

/** Member "store". */
void ear_status_store(struct ear_json *j, const struct ear_store_stats *stats,
	const struct ear_retention *keep);

/** Member "records": rows of each list, and how connections are bound. */
void ear_status_records(struct ear_json *j, struct ear_records *records);

/** Member "journal". */
void ear_status_journal(
	struct ear_json *j, const struct ear_journal_stats *stats);

/** Member "backlog": bytes, since when, whether it lasts. */
void ear_status_backlog(struct ear_json *j, struct ear_backlog backlog);

#endif
