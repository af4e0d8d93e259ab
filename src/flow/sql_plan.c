/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sql_plan.h"

#include <stdlib.h>

#include "base/time.h"

/* SQLite leaves out its own test for the first 16 values only, and a plan
 * with more has long stopped to be quicker. */
#define VALUES_MAX 16

/* The sign of an operator, or 0 when we leave it to SQLite. */
static char sign_of(unsigned char op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
	case SQLITE_INDEX_CONSTRAINT_GT: return '>';
	case SQLITE_INDEX_CONSTRAINT_GE: return 'G';
	case SQLITE_INDEX_CONSTRAINT_LT: return '<';
	case SQLITE_INDEX_CONSTRAINT_LE: return 'L';
	default: return 0;
	}
}

static bool is_at(const struct ear_sql_column *c)
{
	return c->source == EAR_SQL_SECOND ||
	       (c->source == EAR_SQL_FIELD && c->field == EAR_F_AT);
}

static bool takes(const struct ear_sql_column *c, char sign)
{
	enum ear_field_type type;

	if (is_at(c))
		return true;
	switch (c->source) {
	case EAR_SQL_QUERY:
	case EAR_SQL_SIPADDR:
	case EAR_SQL_ONE_OF:
	case EAR_SQL_DIGITS: return sign == '=';
	case EAR_SQL_FIELD: break;
	default: return false;
	}
	/* the language compares each of several values, SQL their list */
	if (c->field == EAR_F_ID || c->field == EAR_F_CSEQ ||
		c->field == EAR_F_AGENT || c->field == EAR_F_TRACE ||
		c->field == EAR_F_TRACED_USER)
		return false;
	type = ear_field_info(c->field)->type;
	if (type == EAR_TYPE_TIME || type == EAR_TYPE_BOOL)
		return false;
	/* "less than" finds a status of 0 in SQL, in expressions it does not */
	if (type == EAR_TYPE_INT)
		return sign == '=' || sign == '>' || c->field == EAR_F_SIZE;
	return sign == '=';
}

/* Rows that are to be expected, in powers of ten. */
static double cost_of(const struct ear_sql_column *c, char sign)
{
	if (is_at(c))
		return sign == '=' ? 1e2 : 1e-1;
	if (sign != '=' || c->field >= EAR_F_COUNT)
		return 0.5;
	switch (ear_field_info(c->field)->key) {
	case EAR_KEY_CALLID: return 1e-8;
	case EAR_KEY_USER: return 1e-5;
	case EAR_KEY_ADDR: return 1e-3;
	case EAR_KEY_STATUS:
	case EAR_KEY_METHOD: return 1e-2;
	default: return 0.5;
	}
}

/* Newest and oldest first are the two orders that a store has. */
static void plan_order(const struct ear_sql_schema *s, sqlite3_index_info *info)
{
	if (info->nOrderBy < 1 || info->aOrderBy[0].iColumn < 0 ||
		!is_at(&s->column[info->aOrderBy[0].iColumn]))
		return;
	if (!info->aOrderBy[0].desc)
		info->idxNum |= EAR_SQL_OLDEST_FIRST;
	info->orderByConsumed = info->nOrderBy == 1;
}

int ear_sql_plan(const struct ear_sql_schema *s, sqlite3_index_info *info)
{
	sqlite3_str *plan = sqlite3_str_new(NULL);
	double rows = 1e9;
	int n = 0;

	for (int i = 0; i < info->nConstraint && n < VALUES_MAX; i++) {
		const struct sqlite3_index_constraint *k =
			&info->aConstraint[i];
		char sign = sign_of(k->op);
		const struct ear_sql_column *c;

		if (!k->usable || !sign || k->iColumn < 0)
			continue;
		c = &s->column[k->iColumn];
		if (!takes(c, sign))
			continue;
		sqlite3_str_appendf(plan, "%02x%c", k->iColumn, sign);
		info->aConstraintUsage[i].argvIndex = ++n;
		info->aConstraintUsage[i].omit =
			is_at(c) || c->source == EAR_SQL_QUERY;
		rows *= cost_of(c, sign);
	}
	info->idxStr = sqlite3_str_finish(plan);
	info->needToFreeIdxStr = 1;
	info->estimatedCost = rows < 1 ? 1 : rows;
	info->estimatedRows = rows < 1 ? 1 : (sqlite3_int64)rows;
	plan_order(s, info);
	return SQLITE_OK;
}

static struct ear_slice text_of(sqlite3_value *v)
{
	const void *p = sqlite3_value_text(v);

	return ear_slice(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

static void term(struct ear_sql_scan *scan, struct ear_slice name,
	const char *op, struct ear_slice value)
{
	ear_buf_byte(&scan->expr, ' ');
	ear_buf_slice(&scan->expr, name);
	ear_buf_str(&scan->expr, op);
	ear_expr_quote(value, &scan->expr);
}

/* [*from, *to] becomes narrower. Times are whole units: microseconds, or
 * seconds in siptrace's column. */
static enum ear_err narrow(struct ear_sql_scan *scan, char sign, uint64_t unit,
	struct ear_slice value, struct ear_fault *fault)
{
	uint64_t at, from = 0, to = UINT64_MAX;
	enum ear_err err = ear_time_parse(value, ear_now_ns(), &at, fault);

	if (err)
		return err;
	if (at % unit && unit == EAR_SECOND_NS)
		unit = EAR_US_NS; /* a fraction was written */
	at -= at % unit;
	if (sign == '=' || sign == 'G')
		from = at;
	if (sign == '=' || sign == 'L')
		to = at + unit - 1;
	if (sign == '>')
		from = at + unit;
	if (sign == '<') {
		to = at ? at - 1 : 0;
		scan->nothing |= !at;
	}
	scan->from_ns = from > scan->from_ns ? from : scan->from_ns;
	scan->to_ns = to < scan->to_ns ? to : scan->to_ns;
	return EAR_OK;
}

/* "udp:192.0.2.1:5060": the transport is left to SQLite's own test. */
static void sip_addr(struct ear_sql_scan *scan, struct ear_slice name,
	struct ear_slice value)
{
	size_t colon = ear_slice_find(value, EAR_S(":"));
	struct ear_slice addr = ear_slice_sub(value, colon + 1, value.n);
	struct ear_addr a;

	if (ear_addr_parse(addr, &a) == EAR_OK && a.port)
		term(scan, name, " == ", addr);
}

/* A value that the expression's own reader refuses matches no row; that is
 * SQLite's to find out. */
static bool readable(const struct ear_sql_column *c, struct ear_slice value)
{
	struct ear_addr a;
	uint64_t v;

	switch (ear_field_info(c->field)->type) {
	case EAR_TYPE_INT:
		return ear_slice_u64(
			value, c->field == EAR_F_STATUS ? 999 : UINT32_MAX, &v);
	case EAR_TYPE_ADDR:
		return ear_addr_parse(value, &a) == EAR_OK && a.port;
	case EAR_TYPE_ENUM: return ear_field_value_of(c->field, value) != 0;
	default: return true;
	}
}

static const char *op_of(char sign)
{
	switch (sign) {
	case '>': return " > ";
	case 'G': return " >= ";
	case '<': return " < ";
	case 'L': return " <= ";
	default: return " == ";
	}
}

static enum ear_err one_value(const struct ear_sql_column *c, char sign,
	sqlite3_value *v, struct ear_sql_scan *scan, struct ear_fault *fault)
{
	struct ear_slice value = text_of(v), name;

	if (sqlite3_value_type(v) == SQLITE_NULL) {
		scan->nothing = true;
		return EAR_OK;
	}
	if (is_at(c))
		return narrow(scan, sign,
			c->source == EAR_SQL_SECOND ? EAR_SECOND_NS : EAR_US_NS,
			value, fault);
	if (c->source == EAR_SQL_QUERY) {
		ear_buf_str(&scan->expr, value.n ? " (" : "");
		ear_buf_slice(&scan->expr, value);
		ear_buf_str(&scan->expr, value.n ? ")" : "");
		ear_buf_reset(&scan->asked);
		ear_buf_slice(&scan->asked, value);
		return EAR_OK;
	}
	name = ear_field_info(c->field)->name;
	if (c->source == EAR_SQL_ONE_OF && !value.n)
		return EAR_OK; /* every message has a row without a user */
	if (c->source == EAR_SQL_SIPADDR)
		sip_addr(scan, name, value);
	else if (readable(c, value))
		term(scan, name, op_of(sign), value);
	return EAR_OK;
}

enum ear_err ear_sql_values(const struct ear_sql_schema *s, const char *plan,
	int n, sqlite3_value **values, struct ear_sql_scan *scan,
	struct ear_fault *fault)
{
	for (int i = 0; i < n; i++) {
		char digits[3] = {plan[i * 3], plan[i * 3 + 1], '\0'};
		size_t column = strtoul(digits, NULL, 16);
		enum ear_err err = one_value(&s->column[column],
			plan[i * 3 + 2], values[i], scan, fault);

		if (err)
			return err;
	}
	return scan->expr.err;
}
