/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a message with rules: what is kept, recalled, marked, handed on,
 * that the sums of the ledger meet, and that rules change whole or not at all.
 */
#include "unit/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "flow/flow.h"
#include "flow/rules_priv.h"
#include "proto/hep_write.h"

#define NOW 1795348800000000000ULL

/* Remembers what it was given. */
struct kept {
	char call_id[24], method[16], correlation[24];
	struct ear_marks marks;
	char extra[1024];
};

struct fake {
	struct ear_store base;
	struct kept kept[64];
	size_t n;
	struct ear_store_mark mark;
	size_t marks;
};

static enum ear_err put(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct fake *f = (struct fake *)store;
	struct kept *k = &f->kept[f->n++];

	assert_true(f->n <= ROWS(f->kept));
	assert_true(msg->extra.n <= sizeof(k->extra));
	snprintf(k->call_id, sizeof(k->call_id), "%.*s",
		EAR_FMT(facts->call_id));
	snprintf(k->method, sizeof(k->method), "%.*s", EAR_FMT(facts->method));
	snprintf(k->correlation, sizeof(k->correlation), "%.*s",
		EAR_FMT(msg->correlation));
	if (msg->extra.n)
		memcpy(k->extra, msg->extra.p, msg->extra.n);
	ear_marks_read(ear_slice(k->extra, msg->extra.n), &k->marks);
	return EAR_OK;
}

static void mark(struct ear_store *store, const struct ear_store_mark *m)
{
	struct fake *f = (struct fake *)store;

	f->mark = *m;
	f->marks++;
}

static enum ear_err marked(
	struct ear_store *store, const char *name, struct ear_store_mark *m)
{
	struct fake *f = (struct fake *)store;

	if (!f->marks || !ear_store_mark_is(&f->mark, name))
		return EAR_GONE;
	*m = f->mark;
	return EAR_OK;
}

static const struct ear_store_ops ops = {
	.name = "fake", .put = put, .mark = mark, .marked = marked};

static void quiet(const char *event, struct ear_slice text, void *arg)
{
	(void)event;
	(void)text;
	(void)arg;
}

/* A program with these rules. */
struct bench {
	char dir[40];
	struct fake store;
	struct ear_ledger *ledger;
	struct ear_rules *rules;
	struct ear_path *path;
	struct ear_tally *tally;
};

static void begin(struct bench *b, struct ear_rules_spec *spec)
{
	struct ear_fault fault = {0};

	*b = (struct bench){
		.dir = "/tmp/earshot-rules-XXXXXX", .store = {.base = {&ops}}};
	assert_non_null(mkdtemp(b->dir));
	assert_int_equal(ear_ledger_new(64, &b->ledger), EAR_OK);
	spec->on = true;
	spec->recorder_ns = 300000000000ULL;
	if (ear_rules_new(&(struct ear_rules_options){.dir = b->dir,
				  .ledger = b->ledger,
				  .store = &b->store.base,
				  .notice = quiet},
		    spec, &b->rules, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(
		ear_path_new(&(struct ear_path_options){.store = &b->store.base,
				     .ledger = b->ledger,
				     .rules = b->rules,
				     .mask_secrets = true},
			&b->path),
		EAR_OK);
	b->tally = ear_ledger_line(b->ledger, EAR_S("t"), EAR_S("s"));
}

static void end(struct bench *b)
{
	char command[64];

	ear_path_free(&b->path);
	ear_rules_free(&b->rules, 0);
	ear_ledger_free(&b->ledger);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
}

/* A request or, with a status, the reply to one. */
static void take(struct bench *b, const char *method, int status,
	const char *call, struct ear_slice extra)
{
	char sip[500], first[64];
	static uint64_t at = NOW;
	struct ear_msg msg = {.at_ns = at + 1000000,
		.seen_ns = at + 1000000,
		.proto = EAR_PROTO_SIP,
		.tap = EAR_S("t"),
		.extra = extra};

	at = msg.at_ns;
	if (status)
		snprintf(first, sizeof(first), "SIP/2.0 %d Words", status);
	else
		snprintf(first, sizeof(first), "%s sip:b@e SIP/2.0", method);
	msg.raw = ear_slice(sip,
		(size_t)snprintf(sip, sizeof(sip),
			"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%s\r\n"
			"From: <sip:a@e>;tag=1\r\nTo: <sip:b@e>%s\r\n"
			"Call-ID: %s\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
			"Contact: <sip:a@h>\r\nContent-Length: 0\r\n\r\n",
			first, call, status ? ";tag=2" : "", call, method));
	ear_tally_add(b->tally, EAR_N_RECEIVED, 1, at);
	assert_int_equal(ear_path_take(b->path, &msg, b->tally), EAR_OK);
}

static void assert_sums(struct bench *b, uint64_t stored, uint64_t filtered)
{
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(b->ledger, n);
	assert_int_equal(n[EAR_N_STORED], stored);
	assert_int_equal(n[EAR_N_FILTERED], filtered);
	assert_int_equal(ear_ledger_open(n), 0);
	assert_int_equal(b->store.n, stored);
}

static uint64_t counted(struct bench *b, enum ear_count what)
{
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(b->ledger, n);
	return n[what];
}

#define NONE ((struct ear_slice){0})
#define TRACE(title, text, how)                                           \
	{                                                                 \
		.name = (title), .rule = (text), .scope = (how),          \
		.by = "config", .dialog_ack = true, .dialog_spiral = true \
	}

/* --- keeping ----------------------------------------------------------- */

static void test_keep_traced(void **state)
{
	const struct ear_trace_spec traces[] = {
		TRACE("calls", "method == INVITE", EAR_SCOPE_DIALOG)};
	struct ear_rules_spec spec = {
		.keep = "traced", .traces = traces, .n_traces = 1};
	struct bench b;

	begin(&b, &spec);
	take(&b, "OPTIONS", 0, "o", NONE);
	take(&b, "INVITE", 0, "c", NONE);
	take(&b, "INVITE", 180, "c", NONE);
	take(&b, "OPTIONS", 200, "o", NONE);
	assert_sums(&b, 2, 2);
	assert_string_equal(b.store.kept[1].call_id, "c");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(b.store.kept[i].marks.traces.n, 1);
		assert_slice("trace", b.store.kept[i].marks.traces.item[0],
			EAR_S("calls"));
	}
	end(&b);
	(void)state;
}

static void test_keep_expression(void **state)
{
	struct ear_rules_spec spec = {.keep = "method != OPTIONS"};
	struct bench b;

	begin(&b, &spec);
	take(&b, "OPTIONS", 0, "o", NONE);
	take(&b, "REGISTER", 0, "r", NONE);
	assert_sums(&b, 1, 1);
	assert_string_equal(b.store.kept[0].call_id, "r");
	end(&b);
	(void)state;
}

/* --- the flight recorder ----------------------------------------------- */

static void test_recall(void **state)
{
	struct ear_trace_spec traces[] = {
		TRACE("failed", "status >= 500", EAR_SCOPE_DIALOG)};
	struct ear_rules_spec spec = {.keep = "traced",
		.traces = traces,
		.n_traces = 1,
		.recorder_bytes = 1 << 20};
	struct ear_trace_info info;
	struct bench b;

	traces[0].keep_before_ns = 60000000000ULL;
	begin(&b, &spec);
	take(&b, "INVITE", 0, "bad", NONE);
	take(&b, "INVITE", 0, "good", NONE);
	take(&b, "INVITE", 100, "bad", NONE);
	assert_sums(&b, 0, 3);
	take(&b, "INVITE", 503, "bad", NONE);
	/* the other call is still unwanted */
	assert_sums(&b, 3, 1);
	assert_int_equal(counted(&b, EAR_N_RECALLED), 2);
	assert_string_equal(b.store.kept[0].method, "INVITE");
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(b.store.kept[i].call_id, "bad");
		assert_int_equal(b.store.kept[i].marks.traces.n, 1);
	}
	assert_int_equal(
		ear_traces_list(ear_rules_traces(b.rules), &info, 1), 1);
	assert_int_equal(info.recalled, 2);
	/* once is enough */
	take(&b, "INVITE", 503, "bad", NONE);
	assert_sums(&b, 4, 1);
	end(&b);
	(void)state;
}

/* --- marks ------------------------------------------------------------- */

/* Users and traces of a sender are kept, its tables are not believed. */
static void test_senders_marks(void **state)
{
	struct ear_trace_spec traces[] = {TRACE("all", "", EAR_SCOPE_MESSAGE)};
	struct ear_rules_spec spec = {
		.keep = "all", .traces = traces, .n_traces = 1};
	const char *users[] = {"{from.user}"};
	struct ear_buf extra = {0};
	struct ear_marks *m;
	struct bench b;

	traces[0].users = (struct ear_texts){users, 1};
	traces[0].correlation = "x-{call_id}";
	begin(&b, &spec);
	ear_hep_write_chunk(&extra, EAR_HEP_TABLE, EAR_S("theirs"));
	ear_hep_write_chunk(&extra, EAR_HEP_TRACED_USER, EAR_S("bob"));
	ear_hep_write_chunk(&extra, EAR_HEP_TRACE, EAR_S("far"));
	take(&b, "OPTIONS", 0, "o", ear_buf_view(&extra));
	m = &b.store.kept[0].marks;
	assert_int_equal(m->users.n, 2);
	assert_slice("user", m->users.item[0], EAR_S("bob"));
	assert_slice("ours", m->users.item[1], EAR_S("a"));
	assert_int_equal(m->traces.n, 2);
	for (size_t i = 0; i < m->tables.n; i++)
		assert_int_equal(m->tables.item[i].n, 0);
	assert_string_equal(b.store.kept[0].correlation, "x-o");
	ear_buf_fini(&extra);
	end(&b);
	(void)state;
}

/* Whoever was asked has counted the message: that is done once. */
static void test_short_of_memory(void **state)
{
	const struct ear_trace_spec traces[] = {
		TRACE("all", "", EAR_SCOPE_MESSAGE)};
	struct ear_rules_spec spec = {
		.keep = "all", .traces = traces, .n_traces = 1};
	struct ear_judge j = {.bare = {.max = 2}, .extra = {.max = 2}};
	struct ear_trace_info info;
	struct ear_rules_set *set;
	struct ear_buf extra = {0};
	struct ear_slice before;
	struct ear_facts facts;
	struct ear_marks marks;
	struct bench b;

	begin(&b, &spec);
	set = ear_rules_enter(b.rules);
	ear_hep_write_chunk(&extra, EAR_HEP_TABLE, EAR_S("theirs"));
	ear_hep_write_chunk(&extra, EAR_HEP_TRACE, EAR_S("far"));
	struct ear_msg msg = {.at_ns = NOW,
		.proto = EAR_PROTO_SIP,
		.tap = EAR_S("t"),
		.extra = ear_buf_view(&extra),
		.raw = EAR_S("OPTIONS sip:b@e SIP/2.0\r\n\r\n")};
	ear_msg_examine(&msg, &facts);

	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(
			ear_judge_ask(&j, b.rules, set, &msg, &facts), EAR_OK);
		assert_ptr_equal(msg.extra.p, extra.p);
		assert_int_equal(msg.extra.n, extra.n);
	}
	j.bare.max = 0;
	assert_int_equal(ear_judge_ask(&j, b.rules, set, &msg, &facts), EAR_OK);
	before = msg.extra;
	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(ear_judge_mark(&j, &msg), EAR_OK);
		assert_ptr_equal(msg.extra.p, before.p);
		assert_int_equal(msg.extra.n, before.n);
	}
	j.extra.max = 0;
	assert_int_equal(ear_judge_mark(&j, &msg), EAR_OK);
	ear_marks_read(msg.extra, &marks);
	assert_int_equal(marks.traces.n, 2);
	assert_int_equal(
		ear_traces_list(ear_rules_traces(b.rules), &info, 1), 1);
	assert_int_equal(info.messages, 1);
	ear_rules_leave(b.rules);
	ear_judge_fini(&j);
	ear_buf_fini(&extra);
	end(&b);
	(void)state;
}

/* --- hook
 * ----------------------------------------------------------------------------
 */

static void write_script(char path[64], const char *text)
{
	FILE *f;
	int fd;

	snprintf(path, 64, "/tmp/earshot-rules-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
}

static void test_hook(void **state)
{
	struct ear_rules_spec spec = {.keep = "all"};
	char path[64];
	struct bench b;

	write_script(path,
		"function on_message(msg)\n"
		"  if msg.method == 'OPTIONS' then drop() end\n"
		"  if msg.method == 'PUBLISH' then hlog('no') drop() end\n"
		"  if msg.method == 'REGISTER' then keep(false) end\n"
		"  if msg.method == 'INVITE' then hlog('a call') end\n"
		"end\n");
	spec.script = path;
	begin(&b, &spec);
	take(&b, "OPTIONS", 0, "o", NONE);
	take(&b, "REGISTER", 0, "r", NONE);
	take(&b, "INVITE", 0, "c", NONE);
	/* the call and what is said of it, which counts as received too */
	assert_sums(&b, 2, 2);
	assert_int_equal(counted(&b, EAR_N_RECEIVED), 4);
	assert_string_equal(b.store.kept[1].method, "");
	assert_string_equal(b.store.kept[1].correlation, "c");
	/* dropped, but not what is said of it */
	take(&b, "PUBLISH", 0, "p", NONE);
	assert_sums(&b, 3, 3);
	assert_string_equal(b.store.kept[2].correlation, "p");
	end(&b);
	unlink(path);
	(void)state;
}

/* --- outlets ----------------------------------------------------------- */

static struct ear_outlet_spec mirror_spec(const char *name, bool traced)
{
	return (struct ear_outlet_spec){.name = name,
		.kind = EAR_OUTLET_MIRROR,
		.enabled = true,
		.traced_only = traced,
		.filter = "method != REGISTER",
		.spool_bytes = 64 << 20,
		.mirror = {.to = "hep:127.0.0.1:9;transport=tcp",
			.version = 3,
			.auth_key = "",
			.node = "",
			.correlation = "",
			.from = "",
			.local_address = "",
			.max_hops = 8,
			.ca = "",
			.certificate = "",
			.private_key = ""}};
}

static uint64_t put_into(struct bench *b, const char *line)
{
	struct ear_ledger_line lines[16];
	size_t n = ear_ledger_read(b->ledger, lines, ROWS(lines));

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(lines[i].tap, line))
			return lines[i].n[EAR_N_MIRRORED];
	}
	return 0;
}

static void test_outlets(void **state)
{
	struct ear_trace_spec traces[] = {
		TRACE("calls", "method == INVITE", EAR_SCOPE_MESSAGE),
		TRACE("named", "method == BYE", EAR_SCOPE_MESSAGE)};
	const char *names[] = {"two"};
	struct ear_outlet_spec outlets[] = {mirror_spec("all", false),
		mirror_spec("one", true), mirror_spec("two", true)};
	struct ear_rules_spec spec = {.keep = "all",
		.traces = traces,
		.n_traces = 2,
		.outlets = outlets,
		.n_outlets = 3};
	struct bench b;

	traces[1].mirrors = (struct ear_texts){names, 1};
	begin(&b, &spec);
	take(&b, "OPTIONS", 0, "o", NONE);
	take(&b, "REGISTER", 0, "r", NONE);
	take(&b, "INVITE", 0, "c", NONE);
	take(&b, "BYE", 0, "c", NONE);
	assert_int_equal(put_into(&b, "mirror:all"), 3);
	assert_int_equal(put_into(&b, "mirror:one"), 1);
	assert_int_equal(put_into(&b, "mirror:two"), 2);
	assert_int_equal(b.store.marks, 0);
	ear_rules_flush(b.rules);
	assert_int_equal(b.store.marks, 3);
	ear_rules_flush(b.rules);
	assert_int_equal(b.store.marks, 3);
	assert_int_equal(ear_rules_waiting(b.rules), 6);
	end(&b);
	(void)state;
}

/* What was recorded before goes to who waits for traced ones, and only there.
 */
static void test_recall_to_outlets(void **state)
{
	struct ear_trace_spec traces[] = {
		TRACE("failed", "status >= 500", EAR_SCOPE_DIALOG)};
	struct ear_outlet_spec outlets[] = {
		mirror_spec("all", false), mirror_spec("one", true)};
	struct ear_rules_spec spec = {.keep = "all",
		.traces = traces,
		.n_traces = 1,
		.recorder_bytes = 1 << 20,
		.outlets = outlets,
		.n_outlets = 2};
	struct bench b;

	traces[0].keep_before_ns = 60000000000ULL;
	begin(&b, &spec);
	take(&b, "INVITE", 0, "bad", NONE);
	take(&b, "INVITE", 503, "bad", NONE);
	assert_int_equal(put_into(&b, "mirror:all"), 2);
	assert_int_equal(put_into(&b, "mirror:one"), 2);
	assert_sums(&b, 2, 0);
	assert_int_equal(counted(&b, EAR_N_RECALLED), 0);
	end(&b);
	(void)state;
}

/* Who takes the same message and did not ask for what was before gets none. */
static void test_recall_for_one(void **state)
{
	struct ear_trace_spec traces[] = {
		TRACE("failed", "status >= 500", EAR_SCOPE_DIALOG),
		TRACE("other", "status == 503", EAR_SCOPE_MESSAGE)};
	struct ear_outlet_spec outlets[] = {
		mirror_spec("one", true), mirror_spec("two", true)};
	static const char *const one[] = {"one"}, *const two[] = {"two"};
	struct ear_rules_spec spec = {.keep = "traced",
		.traces = traces,
		.n_traces = 2,
		.recorder_bytes = 1 << 20,
		.outlets = outlets,
		.n_outlets = 2};
	struct ear_trace_info info[2];
	struct bench b;

	traces[0].keep_before_ns = 60000000000ULL;
	traces[0].mirrors = (struct ear_texts){one, 1};
	traces[1].mirrors = (struct ear_texts){two, 1};
	begin(&b, &spec);
	take(&b, "INVITE", 0, "bad", NONE);
	take(&b, "INVITE", 503, "bad", NONE);
	assert_int_equal(put_into(&b, "mirror:one"), 2);
	assert_int_equal(put_into(&b, "mirror:two"), 1);
	assert_int_equal(
		ear_traces_list(ear_rules_traces(b.rules), info, 2), 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(info[i].messages,
			!strcmp(info[i].name, "failed") ? 2 : 1);
	assert_sums(&b, 2, 0);
	end(&b);
	(void)state;
}

/* --- changing ---------------------------------------------------------- */

static void test_change(void **state)
{
	struct ear_trace_spec traces[] = {
		TRACE("calls", "method == INVITE", EAR_SCOPE_MESSAGE)};
	struct ear_trace_spec wrong[] = {
		TRACE("wrong", "methud == INVITE", EAR_SCOPE_MESSAGE)};
	struct ear_outlet_spec outlets[] = {mirror_spec("one", false)};
	struct ear_rules_spec spec = {.keep = "traced",
		.traces = traces,
		.n_traces = 1,
		.outlets = outlets,
		.n_outlets = 1};
	struct ear_rules_spec bad = spec, next = {.keep = "all"};
	struct ear_rules_next *ready = NULL;
	struct ear_fault fault = {0};
	struct bench b;

	begin(&b, &spec);
	bad.traces = wrong;
	assert_int_equal(
		ear_rules_prepare(b.rules, &bad, &ready, &fault), EAR_USAGE);
	assert_null(ready);
	assert_non_null(strstr(fault.text, "wrong"));
	/* ready, and then something else is wrong */
	next.recorder_ns = spec.recorder_ns;
	assert_int_equal(
		ear_rules_prepare(b.rules, &next, &ready, &fault), EAR_OK);
	ear_rules_done(&ready);
	take(&b, "OPTIONS", 0, "o", NONE);
	take(&b, "INVITE", 0, "c", NONE);
	assert_sums(&b, 1, 1);
	/* a name is of one kind */
	outlets[0].kind = EAR_OUTLET_SQL;
	assert_int_equal(
		ear_rules_prepare(b.rules, &spec, &ready, &fault), EAR_USAGE);
	assert_int_equal(
		ear_rules_prepare(b.rules, &next, &ready, &fault), EAR_OK);
	ear_rules_change(b.rules, ready);
	ear_rules_done(&ready);
	take(&b, "OPTIONS", 0, "o2", NONE);
	assert_sums(&b, 2, 1);
	assert_int_equal(put_into(&b, "mirror:one"), 2);
	end(&b);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_traced),
		cmocka_unit_test(test_keep_expression),
		cmocka_unit_test(test_recall),
		cmocka_unit_test(test_senders_marks),
		cmocka_unit_test(test_short_of_memory),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_outlets),
		cmocka_unit_test(test_recall_to_outlets),
		cmocka_unit_test(test_recall_for_one),
		cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests_name("flow/rules", tests, NULL, NULL);
}
