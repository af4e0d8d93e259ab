/* SPDX-License-Identifier: Apache-2.0 */
/** Where a list goes on: the last row of a page, as text that nobody need
 *  understand. */
#ifndef EAR_RECORDS_CURSOR_H
#define EAR_RECORDS_CURSOR_H

#include "records/priv.h"

/** Longest value of a column that a cursor carries itself; a row of a longer
 *  one is looked up again. */
#define EAR_CURSOR_VALUE 32

/** A value by which rows are sorted. */
struct ear_sort_value {
	bool number;
	int64_t i;
	struct ear_slice text; /* borrowed */
};

struct ear_cursor {
	bool there;
	uint64_t at, id;
	bool look_up; /* the value is that of this row */
	struct ear_sort_value value;
	char room[EAR_CURSOR_VALUE];
};

/** What a cursor is good for: the same list, filter and order. */
uint32_t ear_cursor_check(const struct ear_rows_query *query);

/** Write one. @param value NULL: the order is that of time */
void ear_cursor_write(uint32_t check, uint64_t at, uint64_t id,
	const struct ear_sort_value *value, char out[160]);

/** Read one. @return EAR_OK; EAR_USAGE: none of this query */
EAR_MUST_USE enum ear_err ear_cursor_read(const char *text, uint32_t check,
	struct ear_cursor *cursor, struct ear_fault *fault);

/** Order of SQLite: numbers before texts. */
int ear_sort_value_cmp(
	const struct ear_sort_value *a, const struct ear_sort_value *b);

#endif
