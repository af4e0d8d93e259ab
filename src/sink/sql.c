/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/sql.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "message/msg_hep.h"
#include "sink/sql_priv.h"

/* Between two notices of one kind. */
#define TELL_NS (60 * EAR_SECOND_NS)

enum kind { CUT, REPAIRED, REROUTED, REFUSED, KINDS };

struct sql_sink {
	struct ear_sink sink;
	struct ear_sql_plan *plan;
	struct ear_buf marks, bare; /* encode() alone */
	struct ear_sql_session *session;
	uint64_t refused; /* records that deliver() has not told yet */
	struct {
		uint64_t next_ns; /* monotonic */
		uint64_t n;
	} tell[KINDS];

	pthread_mutex_t lock; /* of all below, for status */
	struct ear_sql_tally total;
	char server[80];
	bool connected;
};

/* --- plans ------------------------------------------------------------- */

struct ear_sql_plan *ear_sql_plan_ref(struct ear_sql_plan *plan)
{
	atomic_fetch_add(&plan->refs, 1);
	return plan;
}

void ear_sql_plan_unref(struct ear_sql_plan **plan)
{
	struct ear_sql_plan *p = *plan;

	*plan = NULL;
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	ear_sql_url_fini(&p->url);
	free(p);
}

void ear_sql_tell(const struct ear_sql_plan *plan, const char *event,
	const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (plan->notice && !atomic_load(&plan->closed))
		plan->notice(event, ear_slice_str(text), plan->notice_arg);
}

static enum ear_err take_table(
	struct ear_sql_plan *plan, const char *table, struct ear_fault *fault)
{
	struct ear_slice name = ear_slice_str(table);

	if (!name.n)
		name = EAR_S("sip_trace");
	if (!ear_sql_name_ok(name, true))
		return ear_fail(fault, EAR_USAGE, 0,
			"table: '%.*s' is no name of a table: letters, digits "
			"and _, at most %d, and one dot behind a schema",
			EAR_FMT(name), EAR_SQL_NAME);
	snprintf(plan->table, sizeof(plan->table), "%.*s", EAR_FMT(name));
	return EAR_OK;
}

/* "callid=call_id"; siptrace's own parameters end in "_column" or "_". */
static enum ear_err take_column(
	struct ear_sql_plan *plan, const char *text, struct ear_fault *fault)
{
	struct ear_slice s = ear_slice_str(text);
	size_t at = ear_slice_find(s, EAR_S("="));
	struct ear_slice from = ear_slice_trim(ear_slice_sub(s, 0, at));
	struct ear_slice to = ear_slice_trim(ear_slice_sub(s, at + 1, s.n));

	if (at == s.n || !ear_sql_name_ok(to, false))
		return ear_fail(fault, EAR_USAGE, 0,
			"columns: '%s' is not NAME=NAME of letters, digits "
			"and _",
			text);
	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
		if (!ear_slice_ieq(from, ear_slice_str(ear_sql_column_name(c))))
			continue;
		snprintf(plan->column[c], sizeof(plan->column[c]), "%.*s",
			EAR_FMT(to));
		return EAR_OK;
	}
	return ear_fail(fault, EAR_USAGE, 0,
		"columns: sip_trace has no column '%.*s'; it has time_stamp, "
		"time_us, callid, traced_user, msg, method, status, fromip, "
		"toip, fromtag, totag and direction",
		EAR_FMT(from));
}

static enum ear_err take_columns(struct ear_sql_plan *plan,
	const struct ear_sql_sink_options *o, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++)
		snprintf(plan->column[c], sizeof(plan->column[c]), "%s",
			ear_sql_column_name(c));
	for (size_t i = 0; i < o->n_columns && !err; i++)
		err = take_column(plan, o->columns[i], fault);
	for (enum ear_sql_col c = 1; c < EAR_SQL_COLS && !err; c++) {
		for (enum ear_sql_col d = 0; d < c && !err; d++) {
			if (!strcmp(plan->column[c], plan->column[d]))
				err = ear_fail(fault, EAR_USAGE, 0,
					"columns: two of them are named %s",
					plan->column[c]);
		}
	}
	return err;
}

static uint32_t within(uint32_t v, uint32_t otherwise, uint32_t most)
{
	if (!v)
		v = otherwise;
	return v > most ? most : v;
}

static enum ear_err make_plan(struct ear_sql_plan *plan,
	const struct ear_sql_sink_options *o, struct ear_fault *fault)
{
	struct ear_slice name = ear_slice_str(o->name);
	enum ear_err err;

	plan->mode = o->mode;
	plan->batch = within(o->batch, 1000, 100000);
	plan->workers = within(o->workers, 2, EAR_SQL_WORKERS_MAX);
	plan->delay_ns = o->delay_ns;
	plan->create = o->create;
	plan->utc = o->utc;
	plan->notice = o->notice;
	plan->notice_arg = o->notice_arg;
	/* it stands in statements, as the key of its place */
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c != '-' && !ear_sql_name_ok(ear_slice(&c, 1), false))
			name.n = 0;
	}
	if (!name.n || name.n >= sizeof(plan->name))
		return ear_fail(fault, EAR_USAGE, 0,
			"name: '%s' is no name of a sink: letters, digits, _ "
			"and -",
			o->name ? o->name : "");
	snprintf(plan->name, sizeof(plan->name), "%.*s", EAR_FMT(name));
	err = ear_sql_url_parse(o->url ? o->url : "", &plan->url, fault);
	if (!err)
		err = take_table(plan, o->table, fault);
	if (!err)
		err = take_columns(plan, o, fault);
	return err;
}

/* --- the sink's side --------------------------------------------------- */

static enum ear_err sql_encode(struct ear_sink *sink, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	struct ear_buf *out)
{
	struct sql_sink *s = (struct sql_sink *)sink;
	struct ear_hep_out hep;

	if (msg->proto != EAR_PROTO_SIP)
		return EAR_UNSUPPORTED;
	ear_msg_to_hep(msg, facts, &hep);
	hep.payload = ear_msg_bare(msg, &s->bare);
	ear_buf_reset(&s->marks);
	ear_marks_write(marks, &s->marks);
	if (s->marks.err)
		return EAR_NOMEM;
	hep.extra = ear_buf_view(&s->marks);
	return ear_hep_write(&hep, out);
}

static void set_state(struct sql_sink *s, bool connected)
{
	pthread_mutex_lock(&s->lock);
	s->connected = connected;
	if (connected)
		snprintf(s->server, sizeof(s->server), "%s",
			ear_sql_session_server(s->session));
	pthread_mutex_unlock(&s->lock);
}

static void sql_end(struct ear_sink *sink)
{
	struct sql_sink *s = (struct sql_sink *)sink;

	ear_sql_session_close(&s->session);
	set_state(s, false);
}

static enum ear_err sql_begin(struct ear_sink *sink, struct ear_sink_pos *pos,
	struct ear_fault *fault)
{
	struct sql_sink *s = (struct sql_sink *)sink;
	enum ear_err err;

	sql_end(sink);
	err = ear_sql_session_open(s->plan, pos, &s->session, fault);
	if (!err)
		set_state(s, true);
	return err;
}

static const struct {
	const char *event;
	const char *words;
} words_of[KINDS] = {
	[CUT] = {"sql.cut", "values were longer than their columns and cut"},
	[REPAIRED] = {"sql.repaired",
		"values had bytes that the database does not take as text, "
		"which were replaced"},
	[REROUTED] = {"sql.table",
		"rows went into the default table, as theirs is no table of "
		"siptrace there"},
	[REFUSED] = {"sql.refused", "rows were refused by the database"},
};

static void tell(
	struct sql_sink *s, enum kind kind, uint64_t n, const char *why)
{
	uint64_t now_ns = ear_mono_ns();

	s->tell[kind].n += n;
	if (!s->tell[kind].n || now_ns < s->tell[kind].next_ns)
		return;
	ear_sql_tell(s->plan, words_of[kind].event, "sql %s: %llu %s%s%s",
		s->plan->name, (unsigned long long)s->tell[kind].n,
		words_of[kind].words, why[0] ? ": " : "", why);
	s->tell[kind].n = 0;
	s->tell[kind].next_ns = now_ns + TELL_NS;
}

static void count(struct sql_sink *s, const struct ear_sql_tally *t)
{
	pthread_mutex_lock(&s->lock);
	s->total.rows +=
		t->rows - (t->refused < t->rows ? t->refused : t->rows);
	s->total.cut += t->cut;
	s->total.repaired += t->repaired;
	s->total.rerouted += t->rerouted;
	s->total.refused += t->refused;
	pthread_mutex_unlock(&s->lock);
	s->refused += t->records;
	tell(s, CUT, t->cut, "");
	tell(s, REPAIRED, t->repaired, "");
	tell(s, REROUTED, t->rerouted, t->rerouted ? t->why : "");
	tell(s, REFUSED, t->refused, t->refused ? t->why : "");
}

static enum ear_err sql_deliver(struct ear_sink *sink,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	size_t *refused, struct ear_fault *fault)
{
	struct sql_sink *s = (struct sql_sink *)sink;
	enum ear_err err =
		ear_sql_session_put(s->session, records, n, handed, fault);

	/* those of earlier calls: what was refused is known only later */
	*refused = s->refused;
	s->refused = 0;
	return err;
}

static enum ear_err sql_safe(
	struct ear_sink *sink, uint64_t *records, struct ear_fault *fault)
{
	struct sql_sink *s = (struct sql_sink *)sink;
	struct ear_sql_tally tally;
	enum ear_err err =
		ear_sql_session_turn(s->session, records, &tally, fault);

	count(s, &tally);
	return err;
}

static void sql_status(struct ear_sink *sink, struct ear_json *j)
{
	static const char *const modes[] = {"each", "batch", "async"};
	struct sql_sink *s = (struct sql_sink *)sink;

	ear_json_kstr(j, "to", ear_slice_str(s->plan->url.shown));
	ear_json_kstr(j, "table", ear_slice_str(s->plan->table));
	ear_json_kstr(j, "mode", ear_slice_str(modes[s->plan->mode]));
	pthread_mutex_lock(&s->lock);
	ear_json_kstr(j, "server", ear_slice_str(s->server));
	ear_json_ku64(j, "rows", s->total.rows);
	ear_json_ku64(j, "values_cut", s->total.cut);
	ear_json_ku64(j, "values_repaired", s->total.repaired);
	ear_json_ku64(j, "rows_elsewhere", s->total.rerouted);
	ear_json_ku64(j, "rows_refused", s->total.refused);
	pthread_mutex_unlock(&s->lock);
}

static void sql_close(struct ear_sink **sink)
{
	struct sql_sink *s = (struct sql_sink *)*sink;

	*sink = NULL;
	if (!s)
		return;
	sql_end(&s->sink);
	if (s->plan)
		atomic_store(&s->plan->closed, true);
	ear_sql_plan_unref(&s->plan);
	ear_buf_fini(&s->marks);
	ear_buf_fini(&s->bare);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct ear_sink_ops sql_ops = {
	.kind = "sql",
	.encode = sql_encode,
	.begin = sql_begin,
	.deliver = sql_deliver,
	.safe = sql_safe,
	.end = sql_end,
	.status = sql_status,
	.close = sql_close,
};

enum ear_err ear_sql_sink_new(const struct ear_sql_sink_options *options,
	struct ear_sink **sink, struct ear_fault *fault)
{
	struct sql_sink *s = calloc(1, sizeof(*s));
	enum ear_err err;

	*sink = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->sink.ops = &sql_ops;
	pthread_mutex_init(&s->lock, NULL);
	s->plan = calloc(1, sizeof(*s->plan));
	if (s->plan)
		s->plan->refs = 1;
	err = s->plan ? make_plan(s->plan, options, fault)
		      : ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	*sink = &s->sink;
	if (err)
		sql_close(sink);
	return err;
}
