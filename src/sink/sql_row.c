/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as siptrace writes them: one for the message, one more for each traced
 * user, all of them in each table that its traces name.
 *
 * Source: README and siptrace-create.sql of Kamailio's siptrace, version 4.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/reader.h"
#include "base/time.h"
#include "base/utf8.h"
#include "message/msg_hep.h"
#include "message/sip_addr.h"
#include "sink/sql_priv.h"

static const struct {
	const char *name;
	size_t width; /* characters */
} columns[EAR_SQL_COLS] = {
	[EAR_SQL_TIME] = {"time_stamp", 0},
	[EAR_SQL_US] = {"time_us", 0},
	[EAR_SQL_CALLID] = {"callid", 255},
	[EAR_SQL_USER] = {"traced_user", 255},
	[EAR_SQL_MSG] = {"msg", 0},
	[EAR_SQL_METHOD] = {"method", 50},
	[EAR_SQL_STATUS] = {"status", 255},
	[EAR_SQL_FROMIP] = {"fromip", 64},
	[EAR_SQL_TOIP] = {"toip", 64},
	[EAR_SQL_FROMTAG] = {"fromtag", 128},
	[EAR_SQL_TOTAG] = {"totag", 128},
	[EAR_SQL_DIRECTION] = {"direction", 4},
};

const char *ear_sql_column_name(enum ear_sql_col col)
{
	return columns[col].name;
}

size_t ear_sql_column_width(enum ear_sql_col col)
{
	return columns[col].width;
}

static bool word_ok(struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ear_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			c != '_')
			return false;
	}
	return s.n > 0;
}

bool ear_sql_name_ok(struct ear_slice name, bool schema)
{
	size_t dot = schema ? ear_slice_find(name, EAR_S(".")) : name.n;

	if (name.n > EAR_SQL_NAME)
		return false;
	if (dot == name.n)
		return word_ok(name);
	return word_ok(ear_slice_sub(name, 0, dot)) &&
	       word_ok(ear_slice_sub(name, dot + 1, name.n));
}

size_t ear_sql_text(struct ear_slice s, bool nul, struct ear_buf *out)
{
	size_t bad = 0;

	for (;;) {
		size_t good = ear_utf8_valid(s);

		ear_buf_add(out, s.p, good);
		if (good == s.n)
			return bad;
		if (nul && !s.p[good]) {
			ear_buf_byte(out, 0);
		} else {
			ear_buf_str(out, "\xef\xbf\xbd");
			bad++;
		}
		s = ear_slice_sub(s, good + 1, s.n);
	}
}

/* --- batches ----------------------------------------------------------- */

static bool grow(void **v, size_t *room, size_t n, size_t size)
{
	size_t more = *room ? 2 * *room : 256;
	void *p;

	if (n < *room)
		return true;
	p = realloc(*v, more * size);
	if (!p)
		return false;
	*v = p;
	*room = more;
	return true;
}

void ear_sql_batch_reset(struct ear_sql_batch *b)
{
	ear_buf_reset(&b->text);
	b->rows = b->units = b->tables = 0;
	b->tally = (struct ear_sql_tally){0};
}

void ear_sql_batch_fini(struct ear_sql_batch *b)
{
	ear_buf_fini(&b->text);
	free(b->row);
	free(b->unit);
	*b = (struct ear_sql_batch){0};
}

enum ear_err ear_sql_batch_pass(
	struct ear_sql_batch *b, const struct ear_sink_record *record)
{
	if (!grow((void **)&b->unit, &b->unit_room, b->units, sizeof(*b->unit)))
		return EAR_NOMEM;
	if (!b->units)
		b->since_ns = ear_mono_ns();
	b->unit[b->units++] = (struct ear_sql_unit){b->rows, record->next};
	return EAR_OK;
}

/* Which of the batch's tables; a name that is none becomes the default. */
static size_t table_of(struct ear_sql_batch *b, const struct ear_sql_how *how,
	struct ear_slice name)
{
	if (name.n && !ear_sql_name_ok(name, true))
		b->tally.rerouted++;
	if (!name.n || !ear_sql_name_ok(name, true))
		name = ear_slice_str(how->table);
	for (size_t i = 0; i < b->tables; i++) {
		if (ear_slice_eq(ear_slice_str(b->table[i]), name))
			return i;
	}
	if (b->tables == EAR_SQL_TABLES)
		return EAR_SQL_TABLES;
	snprintf(b->table[b->tables], sizeof(b->table[0]), "%.*s",
		EAR_FMT(name));
	return b->tables++;
}

static void put(struct ear_sql_batch *b, struct ear_sql_row *row,
	enum ear_sql_col col, struct ear_slice s)
{
	row->cell[col].at = (uint32_t)b->text.n;
	ear_buf_slice(&b->text, s);
	row->cell[col].n = (uint32_t)(b->text.n - row->cell[col].at);
}

static void put_text(struct ear_sql_batch *b, const struct ear_sql_how *how,
	struct ear_sql_row *row, enum ear_sql_col col, struct ear_slice s)
{
	row->cell[col].at = (uint32_t)b->text.n;
	if (ear_sql_text(s, how->nul, &b->text))
		b->tally.repaired++;
	row->cell[col].n = (uint32_t)(b->text.n - row->cell[col].at);
}

/* The zone's rules are asked once a second, not once a message. */
static void put_time(struct ear_sql_batch *b, const struct ear_sql_how *how,
	struct ear_sql_row *row, uint64_t at_ns)
{
	time_t second = (time_t)(at_ns / EAR_SECOND_NS);
	char us[16];

	if (second != b->second || !b->second_text[0]) {
		char text[EAR_TIME_TEXT];

		ear_time_human(at_ns, !how->utc, text);
		snprintf(b->second_text, sizeof(b->second_text), "%.19s", text);
		b->second = second;
	}
	put(b, row, EAR_SQL_TIME, ear_slice_str(b->second_text));
	snprintf(us, sizeof(us), "%u",
		(unsigned)(at_ns % EAR_SECOND_NS / EAR_US_NS));
	put(b, row, EAR_SQL_US, ear_slice_str(us));
}

static void put_addr(struct ear_sql_batch *b, struct ear_sql_row *row,
	enum ear_sql_col col, const struct ear_addr *addr, uint8_t transport)
{
	char text[EAR_SIP_ADDR_TEXT];

	put(b, row, col,
		ear_slice(text, ear_sip_addr_text(addr, transport, text)));
}

static void fill(struct ear_sql_batch *b, const struct ear_sql_how *how,
	const struct ear_msg *msg, const struct ear_facts *f,
	struct ear_sql_row *row)
{
	char status[8] = "";

	if (f->kind == EAR_KIND_REPLY)
		snprintf(status, sizeof(status), "%03u", f->status);
	put_time(b, how, row, msg->at_ns);
	put_text(b, how, row, EAR_SQL_CALLID, f->call_id);
	put_text(b, how, row, EAR_SQL_MSG, msg->raw);
	put_text(b, how, row, EAR_SQL_METHOD, f->method);
	put(b, row, EAR_SQL_STATUS, ear_slice_str(status));
	put_addr(b, row, EAR_SQL_FROMIP, &msg->src, msg->transport);
	put_addr(b, row, EAR_SQL_TOIP, &msg->dst, msg->transport);
	put_text(b, how, row, EAR_SQL_FROMTAG, f->from_tag);
	put_text(b, how, row, EAR_SQL_TOTAG, f->to_tag);
	put(b, row, EAR_SQL_DIRECTION, ear_direction_name(msg->direction));
}

static enum ear_err add_row(
	struct ear_sql_batch *b, struct ear_sql_row row, size_t table)
{
	if (table == EAR_SQL_TABLES)
		return EAR_LIMIT;
	if (!grow((void **)&b->row, &b->row_room, b->rows, sizeof(*b->row)))
		return EAR_NOMEM;
	row.table = (uint32_t)table;
	b->row[b->rows++] = row;
	return EAR_OK;
}

/* Taken while tracing was off, for its traced users. */
static bool users_alone(const struct ear_marks *marks)
{
	for (size_t i = 0; i < marks->traces.n; i++) {
		if (ear_slice_eq(marks->traces.item[i], EAR_S(EAR_MARK_OFF)))
			return marks->users.n > 0;
	}
	return false;
}

static enum ear_err add_rows(struct ear_sql_batch *b,
	const struct ear_sql_how *how, const struct ear_marks *marks,
	struct ear_sql_row row)
{
	size_t n = marks->tables.n ? marks->tables.n : 1, seen = 0;
	bool done[EAR_SQL_TABLES] = {false};
	enum ear_err err = EAR_OK;

	for (size_t t = 0; t < n; t++) {
		size_t table = table_of(b, how,
			marks->tables.n ? marks->tables.item[t]
					: (struct ear_slice){0});

		/* two names may be the same table, as "" and the default */
		if (table < EAR_SQL_TABLES && done[table])
			continue;
		put(b, &row, EAR_SQL_USER, (struct ear_slice){0});
		err = users_alone(marks) ? EAR_OK : add_row(b, row, table);
		for (size_t u = 0; u < marks->users.n && !err; u++) {
			if (!marks->users.item[u].n)
				continue;
			put_text(b, how, &row, EAR_SQL_USER,
				marks->users.item[u]);
			err = add_row(b, row, table);
		}
		if (err)
			return err;
		done[table] = true;
		seen++;
	}
	return seen ? EAR_OK : EAR_BAD;
}

/* One packet of HEP 3, as encode() wrote it. */
static bool is_whole(struct ear_slice bytes)
{
	struct ear_reader r = ear_reader(bytes);

	ear_read(&r, EAR_HEP_HEAD - 2);
	return ear_hep_version(bytes) == 3 && ear_read_be16(&r) == bytes.n;
}

enum ear_err ear_sql_batch_add(struct ear_sql_batch *b,
	const struct ear_sql_how *how, const struct ear_sink_record *record)
{
	struct ear_sql_tally tally = b->tally;
	size_t rows = b->rows, tables = b->tables, text = b->text.n;
	struct ear_sql_row row = {0};
	struct ear_msg msg = {0};
	struct ear_facts facts = {0};
	struct ear_marks marks;
	struct ear_hep hep;
	enum ear_err err;

	if (!is_whole(record->bytes) || ear_hep_read(record->bytes, 0, &hep))
		return EAR_BAD;
	ear_msg_from_hep(&hep, &msg);
	if (!msg.at_ns)
		msg.at_ns = record->seen_ns;
	ear_msg_facts(&msg, &facts);
	ear_marks_read(msg.extra, &marks);
	fill(b, how, &msg, &facts, &row);
	err = add_rows(b, how, &marks, row);
	if (!err)
		err = b->text.err ? b->text.err : ear_sql_batch_pass(b, record);
	if (err) {
		b->rows = rows;
		b->tables = tables;
		b->text.n = text;
		b->text.err = EAR_OK;
		b->tally = tally;
	}
	return err;
}
