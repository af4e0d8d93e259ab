/* SPDX-License-Identifier: Apache-2.0 */
/* The whole story of an account: what it did, who called, what is wrong. */
#include <stdlib.h>

#include "base/time.h"
#include "records/rows.h"
#include "track/diagnose.h"

/* Rows of each kind, the newest; and what all may take. */
#define STORY_ROWS 1000
#define STORY_NS (5 * EAR_SECOND_NS)
/* Addresses whose other connections are looked at. */
#define STORY_ADDRESSES 8

/* One row as JSON, by its time. */
struct shown {
	uint64_t at, id;
	size_t from, to; /* in json */
};

struct part {
	enum ear_list_of list;
	struct teller *teller;
	bool hidden;     /* for the diagnosis alone */
	struct shown *v; /* owned */
	size_t n, cap;
	struct ear_buf json;
	uint64_t at, id; /* of the row that is handed out */
};

struct teller {
	struct ear_records *records;
	struct ear_rows_query query;
	struct ear_fault *fault;
	struct ear_slice username, domain; /* in texts */
	struct ear_buf texts, quoted, filter;
	struct ear_told_batch kept, *keeper; /* copies of the rows */
	struct ear_track_out out;
	struct part part[3]; /* bindings, sessions, calls */
	uint64_t now_ns;
	bool online, lost;
	bool nomem;
};

static void beside(sqlite3_stmt *st, int column, void *arg)
{
	struct part *p = arg;
	struct teller *t = p->teller;
	struct ear_session_row session;
	struct ear_binding_row binding;
	struct ear_call_row call;

	p->at = ear_sql_u64(st, 0);
	p->id = ear_sql_u64(st, 1);
	switch (p->list) {
	case EAR_LIST_SESSIONS:
		ear_load_session(st, column, &session);
		t->out.session(&session, t->out.arg);
		break;
	case EAR_LIST_ACCOUNTS:
		ear_load_binding(st, column, &binding);
		t->out.binding(&binding, t->out.arg);
		break;
	case EAR_LIST_CALLS:
		ear_load_call(st, column, &call);
		t->out.call(&call, t->out.arg);
		break;
	case EAR_LIST_CONNECTIONS:
	case EAR_LISTS: break;
	}
}

static void note_state(struct teller *t, const struct ear_cell *cells)
{
	size_t at, expires;

	if (!ear_column_find(EAR_LIST_ACCOUNTS, "state", &at) ||
		!ear_column_find(EAR_LIST_ACCOUNTS, "expires", &expires))
		return;
	/* what ran out since the last message is on line in the records */
	if (!cells[at].there || (uint64_t)cells[expires].i <= t->now_ns)
		return;
	t->online |= cells[at].i == 0;
	t->lost |= cells[at].i == 1;
}

static bool row(const struct ear_cell *cells, void *arg)
{
	struct part *p = arg;
	struct ear_json j = ear_json(&p->json);
	size_t from = p->json.n;

	if (p->hidden)
		return true;
	if (p->list == EAR_LIST_ACCOUNTS)
		note_state(p->teller, cells);
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		struct shown *v = realloc(p->v, cap * sizeof(*v));

		if (!v) {
			p->teller->nomem = true;
			return false;
		}
		p->v = v;
		p->cap = cap;
	}
	ear_json_open(&j, '{');
	ear_row_json(&j, p->list, cells);
	ear_json_close(&j, '}');
	p->v[p->n++] = (struct shown){p->at, p->id, from, p->json.n};
	return true;
}

/* All rows of a part that a filter finds. */
static enum ear_err gather(struct teller *t, struct part *p)
{
	struct ear_rows_found found;
	struct ear_buf more = {0};
	enum ear_err err = EAR_NOMEM;

	ear_load_sql(ear_records_table[p->list], &more);
	ear_buf_byte(&more, '\0');
	t->query.list = p->list;
	t->query.filter = ear_buf_view(&t->filter);
	if (!more.err && !t->filter.err)
		err = ear_rows_list(t->records, &t->query, more.p, beside, row,
			p, &found, t->fault);
	ear_buf_fini(&more);
	return err;
}

static enum ear_err load_account(
	struct teller *t, uint64_t account, struct ear_json *j)
{
	struct ear_reader_db *reader;
	sqlite3_stmt *st = NULL;
	enum ear_err err = ear_reader_take(t->records, &reader, t->fault);
	size_t user;

	if (err)
		return err;
	if (sqlite3_prepare_v2(reader->db,
		    "SELECT username,domain,description FROM account"
		    " WHERE id=?",
		    -1, &st, NULL))
		err = ear_reader_failed(t->records, reader->db, t->fault);
	if (!err)
		ear_sql_bind(st, 1, account);
	if (!err && sqlite3_step(st) != SQLITE_ROW)
		err = ear_fail(t->fault, EAR_GONE, 0,
			"there is no account of this number");
	if (!err) {
		ear_buf_slice(&t->texts, ear_sql_blob(st, 0));
		user = t->texts.n;
		ear_buf_slice(&t->texts, ear_sql_blob(st, 1));
		t->username = ear_slice_sub(ear_buf_view(&t->texts), 0, user);
		t->domain = ear_slice_sub(
			ear_buf_view(&t->texts), user, t->texts.n);
		ear_expr_quote(t->username, &t->quoted);
		ear_json_key(j, "account");
		ear_json_open(j, '{');
		ear_json_ku64(j, "id", account);
		ear_json_kstr(j, "username", t->username);
		ear_json_kstr(j, "domain", t->domain);
		ear_json_kstr(j, "description", ear_sql_blob(st, 2));
		ear_json_close(j, '}');
	}
	sqlite3_finalize(st);
	ear_reader_give(t->records, &reader);
	return err;
}

/* "column == name" */
static void ask(struct teller *t, const char *column)
{
	ear_buf_reset(&t->filter);
	ear_buf_printf(&t->filter, "%s == %.*s", column, EAR_FMT(t->quoted));
}

static enum ear_err gather_bindings(struct teller *t)
{
	ask(t, "username");
	ear_buf_str(&t->filter, " and domain == ");
	ear_expr_quote(t->domain, &t->filter);
	return gather(t, &t->part[0]);
}

/* Rows on its addresses that belong to nobody: it may have been it. */
static enum ear_err gather_unbound(struct teller *t)
{
	struct ear_addr seen[STORY_ADDRESSES];
	struct part hidden = {
		.list = EAR_LIST_SESSIONS, .teller = t, .hidden = true};
	char text[EAR_ADDR_TEXT];
	size_t n = 0;

	ear_buf_reset(&t->filter);
	ear_buf_str(&t->filter, "not peername and remote in (");
	for (size_t i = 0; i < t->kept.n && n < STORY_ADDRESSES; i++) {
		const struct ear_binding_row *b = t->kept.v[i].row;
		size_t k = 0;

		if (t->kept.v[i].what != EAR_TOLD_BINDING || !b ||
			!b->remote.family)
			continue;
		while (k < n && !ear_addr_ip_eq(&seen[k], &b->remote))
			k++;
		if (k < n)
			continue;
		ear_addr_ip_text(&b->remote, text);
		ear_buf_printf(&t->filter, "%s%s", n ? "," : "", text);
		seen[n++] = b->remote;
	}
	ear_buf_byte(&t->filter, ')');
	return n ? gather(t, &hidden) : EAR_OK;
}

static enum ear_err gather_all(struct teller *t)
{
	enum ear_err err = gather_bindings(t);

	t->query.failures = true;
	if (!err) {
		ask(t, "peername");
		ear_buf_str(&t->filter, " and (not domain or domain == ");
		ear_expr_quote(t->domain, &t->filter);
		ear_buf_byte(&t->filter, ')');
		err = gather(t, &t->part[1]);
	}
	if (!err)
		err = gather_unbound(t);
	if (!err) {
		ask(t, "src");
		err = gather(t, &t->part[2]);
	}
	if (!err) {
		ask(t, "dst");
		err = gather(t, &t->part[2]);
	}
	return err;
}

static int newest_first(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return (x->id < y->id) - (x->id > y->id);
}

static void write_part(struct part *p, const char *key, struct ear_json *j)
{
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), newest_first);
	ear_json_key(j, key);
	ear_json_open(j, '[');
	for (size_t i = 0; i < p->n; i++) {
		/* a call to oneself was found twice */
		if (i && p->v[i].at == p->v[i - 1].at &&
			p->v[i].id == p->v[i - 1].id)
			continue;
		ear_json_raw(j, ear_slice_sub(ear_buf_view(&p->json),
					p->v[i].from, p->v[i].to));
	}
	ear_json_close(j, ']');
}

static void write_figures(const struct ear_story *story, struct ear_json *j)
{
	struct ear_story_figures f;

	ear_story_figures(story, &f);
	ear_json_key(j, "figures");
	ear_json_open(j, '{');
	ear_json_ku64(j, "connects", f.connects);
	ear_json_ku64(j, "connects_per_hour", f.connects_per_hour);
	ear_json_ku64(j, "registers", f.registers);
	ear_json_ku64(j, "refused", f.refused);
	ear_json_key(j, "least_margin_s");
	if (f.has_margin)
		ear_json_i64(j, f.least_margin_s);
	else
		ear_json_null(j);
	ear_json_ku64(j, "calls_to", f.calls_to);
	ear_json_ku64(j, "no_answer", f.no_answer);
	ear_json_ku64(j, "no_answer_unreachable", f.no_answer_unreachable);
	ear_json_ktime(j, "unreachable_since", f.unreachable_since_ns);
	ear_json_close(j, '}');
}

static void write_diagnosis(const struct ear_story *story, struct ear_json *j)
{
	struct ear_diagnosis found[EAR_DIAGNOSES_MAX];
	size_t n = ear_diagnose(story, found, EAR_DIAGNOSES_MAX);

	ear_json_key(j, "diagnosis");
	ear_json_open(j, '[');
	for (size_t i = 0; i < n; i++) {
		ear_json_open(j, '{');
		ear_json_ktime(j, "at", found[i].at_ns);
		ear_json_kstr(j, "rule", ear_slice_str(found[i].rule));
		ear_json_kstr(j, "text", ear_slice_str(found[i].text));
		ear_json_kstr(j, "severity",
			ear_severity_name(
				(enum ear_severity)found[i].severity));
		ear_json_close(j, '}');
	}
	ear_json_close(j, ']');
}

/* The copies side by side, as the diagnosis takes them. */
static enum ear_err diagnose(struct teller *t, struct ear_json *j)
{
	struct ear_binding_row *b = calloc(t->kept.n + 1, sizeof(*b));
	struct ear_session_row *s = calloc(t->kept.n + 1, sizeof(*s));
	struct ear_call_row *c = calloc(t->kept.n + 1, sizeof(*c));
	struct ear_story story = {.username = t->username,
		.now_ns = t->now_ns,
		.bindings = b,
		.sessions = s,
		.calls = c};
	enum ear_err err = b && s && c ? EAR_OK : EAR_NOMEM;

	for (size_t i = 0; !err && i < t->kept.n; i++) {
		const struct ear_told_row *r = &t->kept.v[i];

		if (!r->row)
			continue;
		if (r->what == EAR_TOLD_BINDING)
			memcpy(&b[story.n_bindings++], r->row, sizeof(*b));
		else if (r->what == EAR_TOLD_SESSION)
			memcpy(&s[story.n_sessions++], r->row, sizeof(*s));
		else if (r->what == EAR_TOLD_CALL)
			memcpy(&c[story.n_calls++], r->row, sizeof(*c));
	}
	if (!err) {
		write_diagnosis(&story, j);
		write_figures(&story, j);
	}
	free(b);
	free(s);
	free(c);
	return err;
}

enum ear_err ear_records_story(struct ear_records *records, uint64_t account,
	uint64_t from_ns, uint64_t to_ns, struct ear_json *j,
	struct ear_fault *fault)
{
	static const char *const keys[] = {"bindings", "sessions", "calls"};
	struct teller t = {.records = records,
		.fault = fault,
		.query = {.from_ns = from_ns,
			.to_ns = to_ns,
			.limit = STORY_ROWS,
			.deadline_ns = ear_mono_ns() + STORY_NS},
		.part = {{.list = EAR_LIST_ACCOUNTS},
			{.list = EAR_LIST_SESSIONS}, {.list = EAR_LIST_CALLS}}};
	enum ear_err err;

	t.now_ns = ear_now_ns();
	/* a sender's clock may be ahead */
	if (t.now_ns < ear_records_newest(records))
		t.now_ns = ear_records_newest(records);
	t.keeper = &t.kept;
	ear_told_out(&t.out);
	t.out.arg = &t.keeper;
	for (size_t i = 0; i < 3; i++)
		t.part[i].teller = &t;
	ear_json_open(j, '{');
	err = load_account(&t, account, j);
	if (!err)
		err = gather_all(&t);
	if (!err) {
		ear_json_kstr(j, "state",
			t.online ? EAR_S("on line")
			: t.lost ? EAR_S("unreachable")
				 : EAR_S("off line"));
		for (size_t i = 0; i < 3; i++)
			write_part(&t.part[i], keys[i], j);
		err = diagnose(&t, j);
	}
	ear_json_close(j, '}');
	for (size_t i = 0; i < 3; i++) {
		free(t.part[i].v);
		ear_buf_fini(&t.part[i].json);
	}
	ear_told_fini(&t.kept);
	ear_buf_fini(&t.texts);
	ear_buf_fini(&t.quoted);
	ear_buf_fini(&t.filter);
	return err == EAR_NOMEM || t.nomem
		       ? ear_fail(fault, EAR_NOMEM, 0, "out of memory")
		       : err;
}
