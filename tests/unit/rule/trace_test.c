/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "base/whole.h"
#include "rule/trace.h"

#define S EAR_SECOND_NS
#define MAX_INFO 400

/* All notices, one a line: "event text". */
static char told[1 << 16];

static void tell(const char *event, struct ear_slice text, void *arg)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%s %.*s\n", event, EAR_FMT(text));
}

static struct ear_traces *open_in(const char *dir, size_t max_open)
{
	struct ear_traces_options options = {
		.dir = dir, .on = true, .max_open = max_open, .notice = tell};
	struct ear_fault fault = {0};
	struct ear_traces *t;

	told[0] = '\0';
	if (ear_traces_new(&options, &t, &fault))
		fail_msg("%s", fault.text);
	return t;
}

static char *temp_dir(void)
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/ear-trace-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void drop_dir(const char *dir)
{
	static const char *const files[] = {
		"traces.json", "traces.json.damaged", "traces.open"};
	char path[128];

	for (size_t i = 0; i < ROWS(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* A message of a call: what, its From user and tags; time in seconds from now
 * on. */
struct scene {
	struct ear_traces *t;
	uint64_t begin;
	struct ear_trace_verdict verdict;
	struct ear_msg msg;
	struct ear_facts facts;
	char raw[1024];
};

static void compose(struct scene *s, const char *call, const char *first,
	const char *cseq, const char *user, const char *to_tag, double second)
{
	static const uint8_t ip[4] = {192, 0, 2, 1}, to[4] = {192, 0, 2, 2};
	uint64_t at = s->begin + (uint64_t)(second * (double)S);

	snprintf(s->raw, sizeof(s->raw),
		"%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%s\r\n"
		"From: <sip:%s@example.com>;tag=a\r\n"
		"To: <sip:b@example.net>%s%s\r\n"
		"Call-ID: %s\r\nCSeq: %s\r\n\r\n",
		first, cseq, user, to_tag[0] ? ";tag=" : "", to_tag, call,
		cseq);
	s->msg = (struct ear_msg){.at_ns = at,
		.seen_ns = at,
		.src = ear_addr_v4(ip, 5060),
		.dst = ear_addr_v4(to, 5060),
		.proto = EAR_PROTO_SIP,
		.raw = ear_slice_str(s->raw)};
	ear_msg_facts(&s->msg, &s->facts);
}

static bool take(struct scene *s, const char *call, const char *first,
	const char *cseq, const char *user, const char *to_tag, double second)
{
	compose(s, call, first, cseq, user, to_tag, second);
	ear_traces_take(s->t, &s->msg, &s->facts, &s->verdict);
	return s->verdict.traced;
}

#define INVITE "INVITE sip:b@example.net SIP/2.0"
#define BYE "BYE sip:b@example.net SIP/2.0"
#define OPTIONS "OPTIONS sip:b@example.net SIP/2.0"
#define OK "SIP/2.0 200 OK"

static struct ear_trace_spec spec_of(const char *name, const char *rule)
{
	return (struct ear_trace_spec){.name = name,
		.rule = rule,
		.dialog_ack = true,
		.dialog_spiral = true,
		.by = "admin@192.0.2.7"};
}

static void start(struct ear_traces *t, const struct ear_trace_spec *spec)
{
	struct ear_fault fault = {0};

	if (ear_traces_start(t, spec, NULL, &fault))
		fail_msg("%s", fault.text);
}

static struct ear_trace_info info_of(struct ear_traces *t, const char *name)
{
	static struct ear_trace_info info[MAX_INFO];
	size_t n = ear_traces_list(t, info, MAX_INFO);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(info[i].name, name))
			return info[i];
	}
	fail_msg("no trace %s", name);
	return info[0];
}

static void assert_list(const struct ear_mark_list *list, const char *want)
{
	char got[2000] = "";

	for (size_t i = 0; i < list->n; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s",
			i ? "," : "", EAR_FMT(list->item[i]));
	assert_string_equal(got, want);
}

static void test_faults(void **state)
{
	static const char *const users[] = {"{from.usr}"};
	static const char *const none[] = {""};
	struct ear_trace_spec rows[] = {
		spec_of("a b", ""),
		spec_of("a(b", ""),
		spec_of("t", "from.usr == 1"),
		spec_of("t", ""),
		spec_of("t", ""),
		spec_of("t", ""),
		spec_of("t", ""),
		spec_of("t", ""),
		spec_of("there", ""),
	};
	static const char *const want[] = {
		"its name has",
		"its name has",
		"trace 't': rule: there is no field 'from.usr'; did you mean",
		"traced_user: there is no field 'from.usr'",
		"an empty traced user",
		"is no table",
		"correlation: '{' without",
		"would have ended already",
		"there is a trace 'there' already",
	};
	struct ear_traces *t = open_in(NULL, 0);
	struct ear_trace_spec there = spec_of("there", "");

	rows[3].users = (struct ear_texts){users, 1};
	rows[4].users = (struct ear_texts){none, 1};
	rows[5].table = "x; drop";
	rows[6].correlation = "{";
	rows[7].until_ns = 1;
	start(t, &there);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};

		assert_int_equal(
			ear_traces_start(t, &rows[i], NULL, &fault), EAR_USAGE);
		if (!strstr(fault.text, want[i]))
			fail_msg("%zu: %s", i, fault.text);
	}
	assert_int_equal(ear_traces_list(t, NULL, 0), 1);
	ear_traces_free(&t);
	(void)state;
}

static void test_names(void **state)
{
	struct ear_traces *t = open_in(NULL, 0);
	struct ear_trace_spec spec = spec_of(NULL, "");
	struct ear_fault fault = {0};
	char name[EAR_TRACE_NAME + 1];

	assert_int_equal(ear_traces_start(t, &spec, name, &fault), EAR_OK);
	assert_string_equal(name, "t1");
	assert_int_equal(ear_traces_stop(t, "t1", "admin", &fault), EAR_OK);
	assert_int_equal(ear_traces_stop(t, "t1", "admin", &fault), EAR_GONE);
	assert_int_equal(ear_traces_start(t, &spec, name, &fault), EAR_OK);
	assert_string_equal(name, "t2");
	assert_string_equal(told,
		"trace.started trace t1 started by admin@192.0.2.7: all "
		"messages, scope message\n"
		"trace.stopped trace t1 was stopped by admin: 0 messages, 0 "
		"bytes; started by admin@192.0.2.7\n"
		"trace.started trace t2 started by admin@192.0.2.7: all "
		"messages, scope message\n");
	for (int i = 1; i < EAR_TRACES_MAX; i++)
		start(t, &spec);
	assert_int_equal(ear_traces_start(t, &spec, name, &fault), EAR_LIMIT);
	ear_traces_free(&t);
	(void)state;
}

static void test_ends(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns() + S};
	struct ear_trace_spec count = spec_of("count", ""),
			      size = spec_of("size", ""),
			      until = spec_of("until", "");
	struct ear_trace_info info;
	size_t bytes;

	compose(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0);
	bytes = s.msg.raw.n;
	count.max_messages = 3;
	size.max_bytes = 4 * bytes;
	until.until_ns = s.begin + 10 * S;
	start(s.t, &count);
	start(s.t, &size);
	start(s.t, &until);
	for (int i = 0; i < 10; i++)
		take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", i);
	assert_list(&s.verdict.marks.traces, "until");
	assert_false(take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 10));
	info = info_of(s.t, "count");
	assert_int_equal(info.end, EAR_TRACE_COUNT);
	assert_int_equal(info.messages, 3);
	assert_int_equal(info.first_ns, s.begin);
	assert_int_equal(info.last_ns, s.begin + 2 * S);
	assert_int_equal(info.ended_ns, s.begin + 2 * S);
	info = info_of(s.t, "size");
	assert_int_equal(info.end, EAR_TRACE_SIZE);
	assert_int_equal(info.bytes, 4 * bytes);
	info = info_of(s.t, "until");
	assert_int_equal(info.end, EAR_TRACE_TIME);
	assert_int_equal(info.messages, 10);
	assert_int_equal(info.ended_ns, s.begin + 10 * S);
	assert_non_null(strstr(told,
		"trace.ended trace count ended by its number of messages: 3 "
		"messages"));
	assert_non_null(strstr(told, "trace.ended trace until ended by time"));
	ear_traces_free(&s.t);
	(void)state;
}

/* A reload does not begin again what had enough; another wish does. */
static void test_standing_ends(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec spec = spec_of("a", "");
	struct ear_fault fault = {0};

	spec.max_messages = 1;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			ear_traces_standing(s.t, &spec, 1, &fault), EAR_OK);
		assert_int_equal(
			take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0),
			i == 0);
	}
	assert_int_equal(ear_traces_list(s.t, NULL, 0), 1);
	spec.max_messages = 2;
	assert_int_equal(ear_traces_standing(s.t, &spec, 1, &fault), EAR_OK);
	assert_true(take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0));
	ear_traces_free(&s.t);
	(void)state;
}

/* Ended ones are shown, the last of them. */
static void test_many_end(void **state)
{
	struct ear_traces *t = open_in(NULL, 0);
	struct ear_trace_spec spec = spec_of(NULL, "");
	struct ear_fault fault = {0};
	char name[EAR_TRACE_NAME + 1];

	for (int i = 0; i < 150; i++) {
		assert_int_equal(
			ear_traces_start(t, &spec, name, &fault), EAR_OK);
		assert_int_equal(ear_traces_stop(t, name, "x", &fault), EAR_OK);
	}
	assert_int_equal(ear_traces_list(t, NULL, 0), 100);
	info_of(t, "t51");
	info_of(t, "t150");
	ear_traces_free(&t);
	(void)state;
}

static void test_switches(void **state)
{
	static const char *const users[] = {"alice"};
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec plain = spec_of("plain", ""),
			      user = spec_of("user", "");
	struct ear_fault fault = {0};

	user.users = (struct ear_texts){users, 1};
	start(s.t, &plain);
	start(s.t, &user);
	take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0);
	assert_list(&s.verdict.marks.traces, "plain,user");
	assert_int_equal(
		ear_traces_switch(s.t, NULL, false, "admin", &fault), EAR_OK);
	assert_false(ear_traces_on(s.t));
	take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0);
	assert_list(&s.verdict.marks.traces, EAR_MARK_OFF ",user");
	assert_list(&s.verdict.marks.users, "alice");
	assert_int_equal(
		ear_traces_switch(s.t, "user", false, "admin", &fault), EAR_OK);
	assert_false(take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0));
	assert_int_equal(
		ear_traces_switch(s.t, NULL, true, "admin", &fault), EAR_OK);
	take(&s, "c", OPTIONS, "1 OPTIONS", "x", "", 0);
	assert_list(&s.verdict.marks.traces, "plain");
	assert_int_equal(
		ear_traces_switch(s.t, "nope", true, "x", &fault), EAR_GONE);
	assert_non_null(strstr(
		told, "siptrace.off tracing was switched off by admin\n"));
	assert_non_null(
		strstr(told, "siptrace.on tracing was switched on by admin\n"));
	assert_non_null(strstr(
		told, "trace.switched trace user was switched off by admin\n"));
	ear_traces_free(&s.t);
	(void)state;
}

/* While a trace is off it learns, and goes on when it is on again. */
static void test_off_learns(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec spec = spec_of("d", "from.user == alice");
	struct ear_fault fault = {0};

	spec.scope = EAR_SCOPE_DIALOG;
	start(s.t, &spec);
	assert_true(take(&s, "c", INVITE, "1 INVITE", "alice", "", 0));
	(void)!ear_traces_switch(s.t, "d", false, "x", &fault);
	assert_false(take(&s, "c", OK, "1 INVITE", "x", "b", 1));
	assert_false(take(&s, "e", INVITE, "1 INVITE", "alice", "", 1));
	(void)!ear_traces_switch(s.t, "d", true, "x", &fault);
	assert_true(take(&s, "c", BYE, "2 BYE", "x", "b", 5000));
	assert_int_equal(info_of(s.t, "d").conversations, 1);
	ear_traces_free(&s.t);
	(void)state;
}

static void test_marks(void **state)
{
	static const char *const users[] = {"{from.user}@x", "{to.tag}", "all"};
	static const char *const mirrors[] = {"m1", "m2"};
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec a = spec_of("a", "method == INVITE"),
			      b = spec_of("b", "from.user == alice"),
			      c = spec_of("c", "method == BYE");

	a.scope = EAR_SCOPE_TRANSACTION;
	a.users = (struct ear_texts){users, 3};
	a.correlation = "{call_id};{from.user}";
	a.keep_before_ns = 60 * S;
	b.table = "special";
	b.mirrors = (struct ear_texts){mirrors, 2};
	start(s.t, &a);
	start(s.t, &b);
	start(s.t, &c);
	take(&s, "c", INVITE, "1 INVITE", "alice", "", 0);
	assert_list(&s.verdict.marks.traces, "a,b");
	assert_list(&s.verdict.marks.users, "alice@x,all");
	assert_list(&s.verdict.marks.tables, ",special");
	assert_list(&s.verdict.mirrors, "m1,m2");
	assert_true(s.verdict.mirrors_any);
	assert_slice("id", s.verdict.correlation, EAR_S("c;alice"));
	assert_int_equal(s.verdict.before_ns, s.begin - 60 * S);
	/* the reply goes by what the INVITE said */
	take(&s, "c", OK, "1 INVITE", "eve", "t", 0);
	assert_list(&s.verdict.marks.users, "alice@x,all");
	assert_list(&s.verdict.marks.tables, "");
	assert_slice("id", s.verdict.correlation, EAR_S("c;alice"));
	assert_int_equal(s.verdict.before_ns, 0);
	take(&s, "c", BYE, "2 BYE", "alice", "t", 0);
	assert_list(&s.verdict.marks.traces, "b,c");
	assert_list(&s.verdict.marks.tables, "special,");
	take(&s, "d", OPTIONS, "2 OPTIONS", "alice", "t", 0);
	assert_false(s.verdict.mirrors_any);
	assert_slice("id", s.verdict.correlation, EAR_S(""));
	ear_traces_free(&s.t);
	(void)state;
}

static void test_standing(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec specs[] = {
		spec_of("a", "from.user == alice"), spec_of("b", "")};
	struct ear_fault fault = {0};

	specs[0].scope = EAR_SCOPE_DIALOG;
	assert_int_equal(ear_traces_standing(s.t, specs, 2, &fault), EAR_OK);
	take(&s, "c", INVITE, "1 INVITE", "alice", "", 0);
	/* the same again: it goes on; the other is another */
	specs[1].rule = "method == BYE";
	assert_int_equal(ear_traces_standing(s.t, specs, 2, &fault), EAR_OK);
	take(&s, "c", OK, "1 INVITE", "x", "b", 0);
	assert_list(&s.verdict.marks.traces, "a");
	assert_int_equal(info_of(s.t, "a").messages, 2);
	assert_int_equal(info_of(s.t, "b").messages, 0);
	specs[1].off = true;
	assert_int_equal(ear_traces_standing(s.t, specs, 2, &fault), EAR_OK);
	assert_false(info_of(s.t, "b").on);
	/* a wrong one changes nothing */
	specs[0].rule = "method == MESSAGE";
	specs[1].rule = "method ==";
	assert_int_equal(ear_traces_standing(s.t, specs, 2, &fault), EAR_USAGE);
	assert_non_null(strstr(fault.text, "trace 'b': rule: "));
	assert_int_equal(fault.offset, 9);
	assert_true(take(&s, "c", OK, "1 INVITE", "x", "b", 0));
	specs[1] = specs[0];
	assert_int_equal(ear_traces_standing(s.t, specs, 2, &fault), EAR_USAGE);
	/* none left: what they followed is gone too */
	assert_int_equal(ear_traces_stop(s.t, "a", "x", &fault), EAR_USAGE);
	assert_int_equal(ear_traces_standing(s.t, NULL, 0, &fault), EAR_OK);
	assert_false(take(&s, "c", OK, "1 INVITE", "x", "b", 0));
	assert_int_equal(info_of(s.t, "a").end, EAR_TRACE_GONE);
	/* an order's name is taken */
	start(s.t, &(struct ear_trace_spec){.name = "a", .by = "x"});
	assert_int_equal(ear_traces_standing(s.t, specs, 1, &fault), EAR_USAGE);
	ear_traces_free(&s.t);
	(void)state;
}

static void test_full(void **state)
{
	struct scene s = {.t = open_in(NULL, 100), .begin = ear_now_ns()};
	struct ear_trace_spec spec =
		spec_of("d", "method == INVITE and kind == request");
	struct ear_trace_info info;
	char call[32];

	spec.scope = EAR_SCOPE_DIALOG;
	start(s.t, &spec);
	for (int i = 0; i < 250; i++) {
		snprintf(call, sizeof(call), "call-%d", i);
		assert_true(take(
			&s, call, INVITE, "1 INVITE", "x", "", i / 1000.0));
	}
	info = info_of(s.t, "d");
	assert_int_equal(info.open, 100);
	assert_int_equal(info.forgotten, 150);
	assert_int_equal(info.conversations, 250);
	assert_false(take(&s, "call-149", OK, "1 INVITE", "x", "b", 1));
	assert_true(take(&s, "call-150", OK, "1 INVITE", "x", "b", 1));
	/* that was heard of: others go before it */
	assert_true(take(&s, "new", INVITE, "1 INVITE", "x", "", 1));
	assert_true(take(&s, "call-150", OK, "1 INVITE", "x", "b", 1));
	assert_false(take(&s, "call-151", OK, "1 INVITE", "x", "b", 1));
	/* what is over makes room without a word */
	assert_true(take(&s, "late", INVITE, "1 INVITE", "x", "", 90000));
	assert_int_equal(info_of(s.t, "d").forgotten, 151);
	for (int i = 0; i < 100; i++)
		take(&s, "none", OPTIONS, "1 OPTIONS", "x", "", 90000 + i);
	assert_int_equal(info_of(s.t, "d").open, 1);
	ear_traces_free(&s.t);
	(void)state;
}

/* One Call-ID cannot take the whole table. */
static void test_one_call_id(void **state)
{
	struct scene s = {.t = open_in(NULL, 1000), .begin = ear_now_ns()};
	struct ear_trace_spec spec =
		spec_of("t", "method == OPTIONS and kind == request");
	char cseq[32];

	spec.scope = EAR_SCOPE_TRANSACTION;
	start(s.t, &spec);
	for (int i = 1; i <= 500; i++) {
		snprintf(cseq, sizeof(cseq), "%d OPTIONS", i);
		assert_true(take(&s, "c", OPTIONS, cseq, "x", "", 0));
	}
	assert_int_equal(info_of(s.t, "t").open, 64);
	assert_int_equal(info_of(s.t, "t").forgotten, 436);
	assert_true(take(&s, "c", OK, "500 OPTIONS", "x", "b", 0));
	assert_false(take(&s, "c", OK, "1 OPTIONS", "x", "b", 0));
	ear_traces_free(&s.t);
	(void)state;
}

static void test_restart(void **state)
{
	static const char *const users[] = {"{from.user}"};
	char *dir = temp_dir();
	struct scene s = {.t = open_in(dir, 0), .begin = ear_now_ns()};
	struct ear_trace_spec order = spec_of(NULL, "from.user == alice"),
			      standing = spec_of("st", "from.user == carol"),
			      over = spec_of("over", "");
	struct ear_fault fault = {0};
	struct ear_trace_info info;
	char name[EAR_TRACE_NAME + 1];

	order.scope = standing.scope = EAR_SCOPE_DIALOG;
	order.users = (struct ear_texts){users, 1};
	order.until_ns = s.begin + 3600 * S;
	order.why = "\"quoted\", \xc3\xa4";
	start(s.t, &order);
	over.max_messages = 1;
	start(s.t, &over);
	assert_int_equal(
		ear_traces_standing(s.t, &standing, 1, &fault), EAR_OK);
	take(&s, "c", INVITE, "1 INVITE", "alice", "", 0);
	take(&s, "e", INVITE, "1 INVITE", "carol", "", 0);
	(void)!ear_traces_switch(s.t, NULL, false, "x", &fault);
	ear_traces_free(&s.t);

	s.t = open_in(dir, 0);
	assert_string_equal(told, "");
	assert_false(ear_traces_on(s.t));
	(void)!ear_traces_switch(s.t, NULL, true, "x", &fault);
	info = info_of(s.t, "t1");
	assert_int_equal(info.messages, 1);
	assert_int_equal(info.open, 1);
	assert_int_equal(info.scope, EAR_SCOPE_DIALOG);
	assert_string_equal(info.by, "admin@192.0.2.7");
	assert_int_equal(info_of(s.t, "over").end, EAR_TRACE_COUNT);
	/* before the configuration is read, only the order follows */
	assert_true(take(&s, "c", OK, "1 INVITE", "x", "b", 1));
	assert_list(&s.verdict.marks.users, "alice");
	assert_int_equal(
		ear_traces_standing(s.t, &standing, 1, &fault), EAR_OK);
	assert_true(take(&s, "e", OK, "1 INVITE", "x", "b", 1));
	assert_list(&s.verdict.marks.traces, "st");
	assert_int_equal(
		ear_traces_start(
			s.t, &(struct ear_trace_spec){.by = "x"}, name, &fault),
		EAR_OK);
	assert_string_equal(name, "t2");
	ear_traces_free(&s.t);
	drop_dir(dir);
	(void)state;
}

static void write_file(const char *dir, const char *name, struct ear_slice text)
{
	struct ear_fault fault = {0};
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (ear_whole_write(path, text, &fault))
		fail_msg("%s", fault.text);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *name, *text, *says;
		size_t left;
	} rows[] = {
		{"cut", "{\"version\":1,\"traces\":[{\"name\":\"t1\"",
			"cannot be read, line 1", 0},
		{"empty", "", "cannot be read", 0},
		{"other", "{\"a\":1}", "no list of traces", 0},
		{"no rule",
			"{\"traces\":[{\"name\":\"t1\",\"scope\":\"m\"},"
			"{\"name\":\"t2\",\"rule\":\"\",\"scope\":\"message\"}]"
			"}",
			"number 1, 't1': it has no rule", 1},
		{"bad rule",
			"{\"traces\":[{\"name\":\"t1\",\"rule\":\"nope ==\","
			"\"scope\":\"m\"}]}",
			"trace 't1': rule: there is no field 'nope'", 0},
		{"scope",
			"{\"traces\":[{\"name\":\"t1\",\"rule\":\"\","
			"\"scope\":\"all\"}]}",
			"scope is message, transaction or dialog", 0},
		{"twice",
			"{\"traces\":[{\"name\":\"t\",\"rule\":\"\",\"scope\":"
			"\"m\"},{\"name\":\"t\",\"rule\":\"\",\"scope\":\"m\"}]"
			"}",
			"its name is there twice", 1},
		{"types",
			"{\"on\":7,\"next\":-3,\"traces\":[7,{\"name\":\"t\","
			"\"rule\":\"\",\"scope\":\"m\",\"traced_user\":[7,"
			"\"a\"],\"until\":true,\"messages\":\"x\"}]}",
			"number 1", 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char *dir = temp_dir();
		struct ear_traces *t;

		write_file(dir, "traces.json", ear_slice_str(rows[i].text));
		write_file(dir, "traces.open", EAR_S("EARTRO1\n?1234567890"));
		t = open_in(dir, 0);
		if (!strstr(told, rows[i].says))
			fail_msg("%s: %s", rows[i].name, told);
		assert_int_equal(ear_traces_list(t, NULL, 0), rows[i].left);
		(void)!ear_traces_standing(t, NULL, 0, NULL);
		assert_non_null(strstr(told, "traces.open is damaged"));
		ear_traces_free(&t);
		drop_dir(dir);
	}
	(void)state;
}

/* What cannot be written down is not started. */
static void test_no_disk(void **state)
{
	struct ear_traces *t = open_in("/nowhere/at/all", 0);
	struct ear_trace_spec spec = spec_of("t", "");
	struct ear_fault fault = {0};

	assert_int_equal(ear_traces_start(t, &spec, NULL, &fault), EAR_SYS);
	assert_non_null(strstr(fault.text, "/nowhere/at/all"));
	assert_int_equal(ear_traces_list(t, NULL, 0), 0);
	assert_non_null(strstr(told, "trace.not_saved"));
	ear_traces_free(&t);
	(void)state;
}

static void test_ask(void **state)
{
	static const char *const alice[] = {"alice"}, *const bob[] = {"b{"};
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec spec = {.scope = EAR_SCOPE_DIALOG,
		.users = {alice, 1},
		.dialog_ack = true,
		.dialog_spiral = true};
	struct ear_trace_info info;

	assert_false(take(&s, "c", INVITE, "1 INVITE", "x", "", 0));
	ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	assert_list(&s.verdict.marks.traces, "script");
	assert_list(&s.verdict.marks.users, "alice");
	assert_list(&s.verdict.marks.tables, "");
	assert_true(s.verdict.traced);
	/* it is followed; asking for what follows makes no second one */
	assert_true(take(&s, "c", OK, "1 INVITE", "x", "b", 0));
	ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	assert_list(&s.verdict.marks.users, "alice");
	info = info_of(s.t, "script");
	assert_int_equal(info.open, 1);
	assert_int_equal(info.messages, 2);
	/* another call, other users: the same trace; what is no template is
	 * a text */
	take(&s, "d", INVITE, "1 INVITE", "x", "", 0);
	spec.users.item = bob;
	ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	assert_list(&s.verdict.marks.users, "b{");
	assert_int_equal(info_of(s.t, "script").open, 2);
	/* another table: another trace, and the default table stays */
	spec.table = "x";
	ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	assert_list(&s.verdict.marks.traces, "script,script-2");
	assert_list(&s.verdict.marks.tables, ",x");
	(void)!ear_traces_switch(s.t, NULL, false, "x", NULL);
	spec.users.n = 0;
	take(&s, "f", INVITE, "1 INVITE", "x", "", 0);
	ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	assert_false(s.verdict.traced);
	ear_traces_free(&s.t);
	(void)state;
}

/* As many tables as a sender likes take no more than the slots. */
static void test_ask_many(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec spec = {.scope = EAR_SCOPE_MESSAGE};
	char table[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(table, sizeof(table), "t%d", i);
		spec.table = table;
		take(&s, "c", INVITE, "1 INVITE", "x", "", 0);
		ear_traces_ask(s.t, &s.msg, &s.facts, &spec, &s.verdict);
	}
	assert_list(&s.verdict.marks.tables, "t999");
	assert_int_equal(ear_traces_list(s.t, NULL, 0), EAR_TRACES_MAX);
	ear_traces_free(&s.t);
	(void)state;
}

static void test_recalled(void **state)
{
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};
	struct ear_trace_spec spec = spec_of("t", "");
	struct ear_trace_info info;

	spec.max_messages = 5;
	start(s.t, &spec);
	take(&s, "c", INVITE, "1 INVITE", "x", "", 0);
	ear_traces_recalled(s.t, &s.verdict, 4, 1000);
	info = info_of(s.t, "t");
	assert_int_equal(info.recalled, 4);
	assert_int_equal(info.messages, 5);
	assert_int_equal(info.end, EAR_TRACE_COUNT);
	ear_traces_free(&s.t);
	(void)state;
}

/* The index leaves no rule out: as if each had been asked. */
static void test_index(void **state)
{
	static const char *const rules[] = {"from.user == alice",
		"from.user == ALICE", "user == b", "to.user == b",
		"user in (x, y, z)", "src.ip == 192.0.2.1",
		"ip in 192.0.2.0/24", "dst == 192.0.2.2:5060",
		"src == 192.0.2.2", "method == INVITE", "method == invite",
		"method in (BYE, OPTIONS)", "status == 200", "status >= 200",
		"status == 404", "call_id == c", "call_id == d",
		"not method == BYE", "method == BYE or status == 200",
		"from.user == alice and method == INVITE", "\"tag=a\"",
		"via.branch ~ \"INVITE\"", "", "header.x", "port == 5060"};
	static const struct {
		const char *first, *cseq, *user, *call;
	} messages[] = {{INVITE, "1 INVITE", "alice", "c"},
		{OK, "1 INVITE", "alice", "c"}, {BYE, "2 BYE", "x", "d"},
		{OPTIONS, "3 OPTIONS", "Alice", "e"},
		{"SIP/2.0 404 No", "3 OPTIONS", "y", "e"},
		{"junk", "x", "", ""}};
	struct scene s = {.t = open_in(NULL, 0), .begin = ear_now_ns()};

	for (size_t i = 0; i < ROWS(rules); i++) {
		struct ear_trace_spec spec = spec_of(NULL, rules[i]);

		start(s.t, &spec);
	}
	for (size_t m = 0; m < ROWS(messages); m++) {
		take(&s, messages[m].call, messages[m].first, messages[m].cseq,
			messages[m].user, "", 0);
		for (size_t i = 0; i < ROWS(rules); i++) {
			struct ear_fault fault = {0};
			struct ear_expr *expr;
			char name[16];
			bool want;
			static uint64_t had[ROWS(rules)];

			assert_int_equal(ear_expr_new(ear_slice_str(rules[i]),
						 s.begin, &expr, &fault),
				EAR_OK);
			want = ear_expr_match(expr, &s.msg, &s.facts);
			ear_expr_free(&expr);
			snprintf(name, sizeof(name), "t%zu", i + 1);
			had[i] += want;
			if (info_of(s.t, name).messages != had[i])
				fail_msg("%s: message %zu", rules[i], m);
		}
	}
	ear_traces_free(&s.t);
	(void)state;
}

/* One thread takes messages while another starts, stops, looks. */
struct crowd {
	struct ear_traces *t;
	atomic_bool stop;
};

static void *disturb(void *arg)
{
	struct crowd *c = arg;
	struct ear_trace_spec spec = spec_of(NULL, "from.user == alice");
	struct ear_trace_spec standing = spec_of("st", "method == INVITE");
	static struct ear_trace_info info[8];
	char name[EAR_TRACE_NAME + 1];
	struct ear_fault fault = {0};

	spec.scope = standing.scope = EAR_SCOPE_DIALOG;
	for (int i = 0; !atomic_load(&c->stop); i++) {
		struct ear_buf out = {0};
		struct ear_json j = ear_json(&out);

		standing.off = i % 3 == 0;
		if (!ear_traces_start(c->t, &spec, name, &fault))
			(void)!ear_traces_stop(c->t, name, "x", &fault);
		(void)!ear_traces_standing(c->t, &standing, 1, &fault);
		(void)!ear_traces_switch(c->t, NULL, i % 2, "x", &fault);
		ear_traces_list(c->t, info, ROWS(info));
		ear_traces_json(c->t, &j);
		ear_buf_fini(&out);
		told[0] = '\0';
	}
	return NULL;
}

static void hush(const char *event, struct ear_slice text, void *arg)
{
	(void)event;
	(void)text;
	(void)arg;
}

static void test_threads(void **state)
{
	char *dir = temp_dir();
	struct ear_traces_options options = {
		.dir = dir, .on = true, .max_open = 50, .notice = hush};
	struct crowd c = {.stop = false};
	struct scene s = {.begin = ear_now_ns()};
	uint64_t until = ear_mono_ns() + S / 2;
	struct ear_fault fault = {0};
	pthread_t thread;
	char call[16];

	assert_int_equal(ear_traces_new(&options, &c.t, &fault), EAR_OK);
	s.t = c.t;
	assert_int_equal(pthread_create(&thread, NULL, disturb, &c), 0);
	for (unsigned i = 0; ear_mono_ns() < until; i++) {
		snprintf(call, sizeof(call), "c%u", i % 100);
		take(&s, call, INVITE, "1 INVITE", i % 2 ? "alice" : "x", "",
			i / 1000.0);
		for (size_t k = 0; k < s.verdict.marks.traces.n; k++)
			assert_true(s.verdict.marks.traces.item[k].n > 1);
	}
	atomic_store(&c.stop, true);
	pthread_join(thread, NULL);
	ear_traces_free(&c.t);
	drop_dir(dir);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_standing_ends),
		cmocka_unit_test(test_many_end),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_off_learns),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_one_call_id),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_disk),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_ask_many),
		cmocka_unit_test(test_recalled),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
