/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which part of a WHERE the store answers itself. SQLite plans before it
 * knows the values, so a plan is a string: column number and operator, two
 * hexadecimal digits and a sign for each value that will come.
 */
#ifndef EAR_FLOW_SQL_PLAN_H
#define EAR_FLOW_SQL_PLAN_H

#include "flow/sql_priv.h"

/** Bits of a plan's number. */
enum { EAR_SQL_OLDEST_FIRST = 1 };

/** What SQLite's xBestIndex is asked. */
int ear_sql_plan(const struct ear_sql_schema *s, sqlite3_index_info *info);

/** What a scan shall find: filled from a plan and its values. */
struct ear_sql_scan {
	struct ear_buf expr;  /**< text of an expression; owned */
	struct ear_buf asked; /**< value of the hidden column; owned */
	uint64_t from_ns;
	uint64_t to_ns;
	bool nothing; /**< a comparison with NULL: no row */
};

/**
 * @return EAR_OK; EAR_USAGE with a sentence when a value is no time
 */
EAR_MUST_USE enum ear_err ear_sql_values(const struct ear_sql_schema *s,
	const char *plan, int n, sqlite3_value **values,
	struct ear_sql_scan *scan, struct ear_fault *fault);

#endif
