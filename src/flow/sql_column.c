/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of messages and sip_trace: names, types, values. */
#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"
#include "flow/sql_priv.h"
#include "message/sip_addr.h"

static void add(struct ear_sql_schema *s, const char *name,
	enum ear_sql_source source, enum ear_field field)
{
	s->column[s->n++] = (struct ear_sql_column){
		.name = name, .source = source, .field = field};
}

static void hide(struct ear_sql_schema *s, const char *name,
	enum ear_sql_source source, enum ear_field field)
{
	add(s, name, source, field);
	s->column[s->n - 1].hidden = true;
}

void ear_sql_schema_messages(struct ear_sql_schema *s)
{
	*s = (struct ear_sql_schema){.name = "messages", .base = ""};
	for (unsigned i = 0; i < EAR_F_COUNT; i++) {
		const char *column = ear_field_info((enum ear_field)i)->column;

		if (column && s->n < EAR_SQL_COLUMNS - 2)
			add(s, column, EAR_SQL_FIELD, (enum ear_field)i);
	}
	add(s, "raw", EAR_SQL_RAW, EAR_F_TEXT);
	hide(s, "q", EAR_SQL_QUERY, EAR_F_COUNT);
}

/* Source: siptrace-create.sql, version 4 of the table. */
void ear_sql_schema_trace(struct ear_sql_schema *s)
{
	*s = (struct ear_sql_schema){.name = "sip_trace",
		.base = "kind in (request, reply)",
		.per_user = true};
	add(s, "id", EAR_SQL_NUMBER, EAR_F_COUNT);
	add(s, "time_stamp", EAR_SQL_SECOND, EAR_F_AT);
	add(s, "time_us", EAR_SQL_MICRO, EAR_F_AT);
	add(s, "callid", EAR_SQL_FIELD, EAR_F_CALL_ID);
	add(s, "traced_user", EAR_SQL_ONE_OF, EAR_F_TRACED_USER);
	add(s, "msg", EAR_SQL_RAW, EAR_F_TEXT);
	add(s, "method", EAR_SQL_FIELD, EAR_F_METHOD);
	add(s, "status", EAR_SQL_DIGITS, EAR_F_STATUS);
	add(s, "fromip", EAR_SQL_SIPADDR, EAR_F_SRC);
	add(s, "toip", EAR_SQL_SIPADDR, EAR_F_DST);
	add(s, "fromtag", EAR_SQL_FIELD, EAR_F_FROM_TAG);
	add(s, "totag", EAR_SQL_FIELD, EAR_F_TO_TAG);
	add(s, "direction", EAR_SQL_FIELD, EAR_F_DIRECTION);
	hide(s, "nth", EAR_SQL_NTH, EAR_F_COUNT);
	hide(s, "users", EAR_SQL_FIELD, EAR_F_TRACED_USER);
	hide(s, "cseq", EAR_SQL_FIELD, EAR_F_CSEQ);
	hide(s, "at_us", EAR_SQL_AT_US, EAR_F_COUNT);
	hide(s, "msg_hash", EAR_SQL_HASH, EAR_F_COUNT);
}

static const char *type_of(const struct ear_sql_column *c)
{
	enum ear_field_type type;

	switch (c->source) {
	case EAR_SQL_NUMBER:
	case EAR_SQL_NTH:
	case EAR_SQL_AT_US:
	case EAR_SQL_HASH:
	case EAR_SQL_MICRO: return "INTEGER";
	case EAR_SQL_FIELD: break;
	default: return "TEXT";
	}
	type = ear_field_info(c->field)->type;
	return type == EAR_TYPE_INT || type == EAR_TYPE_BOOL ? "INTEGER"
							     : "TEXT";
}

void ear_sql_declare(const struct ear_sql_schema *s, struct ear_buf *out)
{
	ear_buf_str(out, "CREATE TABLE t(");
	for (size_t i = 0; i < s->n; i++)
		ear_buf_printf(out, "%s\"%s\" %s%s", i ? "," : "",
			s->column[i].name, type_of(&s->column[i]),
			s->column[i].hidden ? " HIDDEN" : "");
	ear_buf_byte(out, ')');
	ear_buf_byte(out, '\0');
}

static void text(sqlite3_context *context, struct ear_slice s)
{
	sqlite3_result_text64(
		context, s.n ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void field(sqlite3_context *context, enum ear_field f,
	const struct ear_gathered *g, struct ear_buf *scratch)
{
	uint64_t v;

	switch (ear_field_info(f)->type) {
	case EAR_TYPE_INT:
	case EAR_TYPE_BOOL:
		v = ear_field_number(f, &g->msg, &g->facts);
		sqlite3_result_int64(context, (sqlite3_int64)v);
		return;
	case EAR_TYPE_TIME:
		if (!ear_field_number(f, &g->msg, &g->facts)) {
			sqlite3_result_null(context);
			return;
		}
		break;
	default: break;
	}
	if (f == EAR_F_ID)
		text(context, ear_slice_str(g->id));
	else
		text(context, ear_field_text(f, &g->msg, &g->facts, scratch));
}

static void sip_addr(sqlite3_context *context, const struct ear_gathered *g,
	enum ear_field f)
{
	char out[EAR_SIP_ADDR_TEXT];
	size_t n = ear_sip_addr_text(
		ear_field_addr(f, &g->msg), g->msg.transport, out);

	text(context, ear_slice(out, n));
}

static void second(sqlite3_context *context, uint64_t at_ns)
{
	char out[EAR_TIME_TEXT];

	ear_time_human(at_ns, false, out);
	text(context, ear_slice(out, 19));
}

static void raw(sqlite3_context *context, const struct ear_gathered *g)
{
	text(context, g->msg.raw);
}

/* Unique as a primary key is, and that of the first row is the message's:
 * numbers of messages end far below the upper bits. */
static uint64_t number(uint64_t id, unsigned nth)
{
	return id | (uint64_t)nth << 57;
}

static void digits(sqlite3_context *context, unsigned status)
{
	char out[16];
	int n = snprintf(out, sizeof(out), "%u", status);

	text(context, ear_slice(out, status ? (size_t)n : 0));
}

void ear_sql_result(sqlite3_context *context, const struct ear_sql_column *c,
	const struct ear_gathered *g, const struct ear_sql_place *place,
	struct ear_buf *scratch)
{
	switch (c->source) {
	case EAR_SQL_FIELD: field(context, c->field, g, scratch); break;
	case EAR_SQL_RAW: raw(context, g); break;
	case EAR_SQL_NUMBER:
		sqlite3_result_int64(
			context, (sqlite3_int64)number(g->msg.id, place->nth));
		break;
	case EAR_SQL_SECOND: second(context, g->msg.at_ns); break;
	case EAR_SQL_MICRO:
		sqlite3_result_int64(
			context, (sqlite3_int64)(g->msg.at_ns % EAR_SECOND_NS /
						 EAR_US_NS));
		break;
	case EAR_SQL_ONE_OF: text(context, place->user); break;
	case EAR_SQL_NTH:
		sqlite3_result_int64(context, (sqlite3_int64)place->nth);
		break;
	case EAR_SQL_AT_US:
		sqlite3_result_int64(
			context, (sqlite3_int64)(g->msg.at_ns / EAR_US_NS));
		break;
	case EAR_SQL_HASH:
		sqlite3_result_int64(
			context, (sqlite3_int64)ear_hash(g->msg.raw));
		break;
	case EAR_SQL_SIPADDR: sip_addr(context, g, c->field); break;
	case EAR_SQL_DIGITS: digits(context, g->facts.status); break;
	case EAR_SQL_QUERY: text(context, place->asked); break;
	}
}
