/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls leave in the store, read as searches read it. */
#include "unit/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "earshot/earshot.h"
#include "message/marks.h"
#include "store/embedded.h"
#include "unit/lib/dir.h"

#define CONFIG \
	ROOM "trace failures { rule = \"status >= 500\" traced_user = {x} }"

/* A message of a call, in the shortest sound form. */
static const char *message(const char *first, const char *method,
	const char *branch, const char *call_id, const char *to_tag, int cseq)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		"%s\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%s\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:alice@example.com>;tag=a\r\n"
		"To: <sip:bob@example.com>%s\r\n"
		"Call-ID: %s\r\n"
		"CSeq: %d %s\r\n"
		"Contact: <sip:alice@192.0.2.1>\r\n"
		"Content-Length: 0\r\n\r\n",
		first, branch, to_tag, call_id, cseq, method);
	return text;
}

#define INVITE "INVITE sip:bob@example.com SIP/2.0"
#define BYE "BYE sip:bob@example.com SIP/2.0"
#define ACK "ACK sip:bob@example.com SIP/2.0"
#define OPTIONS "OPTIONS sip:bob@example.com SIP/2.0"
#define OK "SIP/2.0 200 OK"
#define BROKEN "SIP/2.0 500 Server Internal Error"
#define TAG ";tag=b"

/* What is handed over, and what is to be read again; in order of time. */
static const struct row {
	const char *name, *first, *method, *branch, *call_id, *to_tag;
	int cseq;
	char mode; /* 0: not sip_trace() */
	bool sending;
	const char *users;       /* of the mark, with blanks between */
	const char *correlation; /* "" none of ours */
	bool traced;
} rows[] = {
	{"call", INVITE, "INVITE", "1", "one", "", 1, 'd', false, "alice carol",
		"c-one", true},
	{"its answer", OK, "INVITE", "1", "one", TAG, 1, 0, true, "alice carol",
		"c-one", true},
	{"another", OPTIONS, "OPTIONS", "2", "two", "", 1, 0, false, "", "",
		false},
	{"its ACK", ACK, "ACK", "3", "one", TAG, 1, 0, false, "alice carol",
		"c-one", true},
	{"its end", BYE, "BYE", "4", "one", TAG, 2, 0, true, "alice carol",
		"c-one", true},
	{"and answer", OK, "BYE", "4", "one", TAG, 2, 0, false, "alice carol",
		"c-one", true},
	{"a transaction", OPTIONS, "OPTIONS", "5", "three", "", 1, 'T', true,
		"alice carol", "c-three", true},
	{"its answer", OK, "OPTIONS", "5", "three", TAG, 1, 0, false,
		"alice carol", "c-three", true},
	{"the next", OPTIONS, "OPTIONS", "6", "three", "", 2, 0, true, "", "",
		false},
	{"alone", OPTIONS, "OPTIONS", "7", "four", "", 1, 'm', false,
		"alice carol", "c-four", true},
	{"not its answer", OK, "OPTIONS", "7", "four", TAG, 1, 0, true, "", "",
		false},
	{"a standing trace", BROKEN, "OPTIONS", "8", "five", TAG, 1, 0, true,
		"x", "", true},
};

#define BEGAN 1700000000000000000ULL

static void hand_over(struct earshot *e, size_t i)
{
	struct earshot_packet p = EARSHOT_PACKET;
	struct earshot_trace t = EARSHOT_TRACE;
	const struct row *r = &rows[i];
	const char *text = message(
		r->first, r->method, r->branch, r->call_id, r->to_tag, r->cseq);
	int answer;

	p.data = text;
	p.bytes = strlen(text);
	p.at_ns = BEGAN + i;
	p.transport = EARSHOT_TLS;
	p.sending = r->sending;
	t.mode = r->mode;
	t.users = "{from.user}, carol";
	t.correlation = "c-{call_id}";
	if (r->mode)
		answer = earshot_sip_trace_as(e, &p, &t);
	else if (r->sending)
		answer = earshot_sending(e, &p);
	else
		answer = earshot_received(e, &p);
	assert_int_equal(answer, EARSHOT_OK);
}

static void look_at(const struct row *r, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	char users[256] = "";
	struct ear_marks marks = {0};

	ear_marks_read(msg->extra, &marks);
	for (size_t i = 0; i < marks.users.n; i++)
		snprintf(users + strlen(users), sizeof(users) - strlen(users),
			"%s%.*s", i ? " " : "", EAR_FMT(marks.users.item[i]));
	if (strcmp(users, r->users) != 0)
		fail_msg("%s: users '%s'", r->name, users);
	assert_slice(r->name, msg->correlation, ear_slice_str(r->correlation));
	assert_slice(r->name, facts->call_id, ear_slice_str(r->call_id));
	assert_slice(r->name, msg->tap, EAR_S("lib:unit"));
	assert_slice(r->name, msg->node, EAR_S("unit"));
	assert_int_equal(msg->direction, r->sending ? EAR_DIR_OUT : EAR_DIR_IN);
	assert_int_equal(msg->transport, EAR_TR_TLS);
	if ((marks.traces.n > 0) != r->traced)
		fail_msg("%s: %zu traces", r->name, marks.traces.n);
}

struct seen {
	size_t n;
	bool log, sip;
};

static bool match(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct seen *seen = arg;

	if (msg->proto == EAR_PROTO_LOG) {
		assert_slice("hlog", msg->raw, EAR_S("words"));
		assert_slice("hlog", facts->call_id, EAR_S("one"));
		assert_int_equal(facts->kind, EAR_KIND_EVENT);
		seen->log = true;
	} else if (msg->at_ns >= BEGAN + ROWS(rows)) {
		assert_slice("msg", msg->raw, EAR_S("not SIP at all"));
		assert_slice("msg", msg->correlation, EAR_S("one"));
		seen->sip = true;
	} else {
		assert_true(seen->n < ROWS(rows));
		look_at(&rows[seen->n++], msg, facts);
	}
	return true;
}

static void notice(const char *event, struct ear_slice text, void *arg)
{
	(void)arg;
	fail_msg("%s: %.*s", event, EAR_FMT(text));
}

static void find_all(struct seen *seen)
{
	const struct ear_query query = {
		.to_ns = UINT64_MAX, .oldest_first = true};
	struct ear_store *store;
	struct ear_found found = {0};
	struct ear_fault fault = {0};

	assert_int_equal(
		ear_store_embedded.open(&(struct ear_store_options){.dir = dir},
			notice, NULL, &store, &fault),
		EAR_OK);
	assert_int_equal(
		store->ops->find(store, &query, match, seen, &found, &fault),
		EAR_OK);
	assert_true(found.complete);
	store->ops->close(&store);
}

static void record(void **state)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	struct earshot *e;
	struct seen seen = {0};
	char why[EARSHOT_WHY];

	(void)state;
	o.data_dir = dir;
	o.name = "unit";
	o.config_text = CONFIG;
	o.store = 1;
	if (earshot_open(&o, &e, why, sizeof(why)))
		fail_msg("%s", why);
	for (size_t i = 0; i < ROWS(rows); i++)
		hand_over(e, i);
	assert_int_equal(earshot_hlog(e, "one", "words"), EARSHOT_OK);
	assert_int_equal(earshot_sip_trace_msg(
				 e, "not SIP at all", 14, NULL, NULL, "one"),
		EARSHOT_OK);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	/* beside the one that writes */
	find_all(&seen);
	assert_int_equal(seen.n, ROWS(rows));
	assert_true(seen.log && seen.sip);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
	seen = (struct seen){0};
	find_all(&seen);
	assert_int_equal(seen.n, ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(record, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
