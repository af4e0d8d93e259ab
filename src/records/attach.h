/* SPDX-License-Identifier: Apache-2.0 */
/** The records as tables and views of somebody's SQLite, to be read only. */
#ifndef EAR_RECORDS_ATTACH_H
#define EAR_RECORDS_ATTACH_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/err.h"

/**
 * Attach DIR/records.db and DIR/users.db, as far as they are there, and make
 * the views of docs/records.md: sessions, accounts, calls, connections,
 * V_SIP_SESSION, V_CDR, V_AUTH_EVENT, V_AUDIT_EVENT.
 *
 * Before any authorizer and before attaching is forbidden. The caller sees to
 * it that of the schema "users" nothing but web_event and audit_event is
 * read: see ear_records_readable().
 *
 * @param db opened with SQLITE_OPEN_URI
 */
EAR_MUST_USE enum ear_err ear_records_attach(
	sqlite3 *db, const char *dir, struct ear_fault *fault);

/** For an authorizer: whether a column of a table may be read. */
bool ear_records_readable(const char *schema, const char *table);

#endif
