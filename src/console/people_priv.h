/* SPDX-License-Identifier: Apache-2.0 */
/** Web Sessions and Audit: their columns, and the filter over their rows. */
#ifndef EAR_CONSOLE_PEOPLE_PRIV_H
#define EAR_CONSOLE_PEOPLE_PRIV_H

#include "console/rows.h"
#include "console/users_priv.h"

#define EAR_PEOPLE_COLUMNS 7

/** The first two columns are id and time, all others texts. */
struct ear_people_source {
	const struct ear_column *columns;
	size_t n;
	const char *table;
	const char *select; /**< in the order of the columns */
	const struct ear_field_set *set;
};
const struct ear_people_source *ear_people_source(enum ear_rows_of of);

/** A filter over one of the lists, with users.db open for it. */
struct ear_people_find {
	const struct ear_people_source *source;
	const struct ear_rows_query *query;
	struct ear_users *users;
	struct ear_expr *expr;
	sqlite3_value **argv; /**< of the row that is judged */
	struct ear_buf text;
	uint64_t seen;
	bool late; /**< stopped, or past the deadline: not all was judged */
};

EAR_MUST_USE enum ear_err ear_people_open(struct ear_people_find *find,
	const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *query, struct ear_fault *fault);
void ear_people_close(struct ear_people_find *find);

/**
 * SELECT what of those that match, between the times of the query; tail may
 * use values from ?4 on.
 */
sqlite3_stmt *ear_people_prepare(
	struct ear_people_find *find, const char *what, const char *tail);

/** Tell in found that the time was over, when it was. */
void ear_people_late(
	const struct ear_people_find *find, struct ear_rows_found *found);

#endif
