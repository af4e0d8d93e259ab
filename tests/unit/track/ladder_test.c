/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/time.h"
#include "track/ladder.h"
#include "track/ladder_json.h"

/*
 * A scene is a row of messages: when (ms), from, to (last number of the
 * address), start line, branch, CSeq number and method, From tag, To tag.
 */
struct line {
	unsigned at_ms, src, dst;
	const char *start, *branch;
	unsigned cseq;
	const char *method, *from_tag, *to_tag;
	const char *agent;   /* User-Agent; NULL none */
	unsigned capture_id; /* 0: one agent sees it all */
	const char *more;    /* further header lines; NULL none */
};

struct want {
	unsigned transaction;
	int repeats; /* row, or -1 */
};

struct scene {
	const char *name;
	struct line lines[20];
	const char *summary;
	unsigned parties;
	struct want want[20];
};

static const struct scene scenes[] = {
	{"nothing", {{0}}, "No messages", 0, {{0}}},
	{"a call",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", "", "phone"},
			{5, 9, 1, "SIP/2.0 100 Trying", "b1", 1, "INVITE", "f",
				"", "proxy"},
			{600, 9, 1, "SIP/2.0 180 Ringing", "b1", 1, "INVITE",
				"f", "t"},
			{2100, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{2110, 1, 9, "ACK sip:600@e SIP/2.0", "b2", 1, "ACK",
				"f", "t"},
			{33100, 1, 9, "BYE sip:600@e SIP/2.0", "b3", 2, "BYE",
				"f", "t"},
			{33110, 9, 1, "SIP/2.0 200 OK", "b3", 2, "BYE", "f",
				"t"},
		},
		"INVITE from alice to 600 was answered after 2.1 s and ended "
		"by the caller after 31.0 s",
		2,
		{{1, -1}, {1, -1}, {1, -1}, {1, -1}, {2, -1}, {3, -1},
			{3, -1}}},
	{"the callee hangs up, seen on two hops",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{1, 9, 2, "INVITE sip:600@e SIP/2.0", "b9", 1, "INVITE",
				"f", ""},
			{1000, 2, 9, "SIP/2.0 200 OK", "b9", 1, "INVITE", "f",
				"t"},
			{1001, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{1100, 1, 2, "ACK sip:600@e SIP/2.0", "b2", 1, "ACK",
				"f", "t"},
			{5001, 2, 1, "BYE sip:alice@e SIP/2.0", "b5", 7, "BYE",
				"t", "f"},
		},
		"INVITE from alice to 600 was answered after 1.0 s and ended "
		"by the callee after 4.0 s",
		3, {{1, -1}, {2, -1}, {2, -1}, {1, -1}, {3, -1}, {4, -1}}},
	{"no end",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{10, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
		},
		"INVITE from alice to 600 was answered after 10 ms; its end "
		"was not seen",
		2, {{1, -1}, {1, -1}}},
	{"busy, and the ACK belongs to it",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{700, 9, 1, "SIP/2.0 486 Busy Here", "b1", 1, "INVITE",
				"f", "t"},
			{701, 1, 9, "ACK sip:600@e SIP/2.0", "b1", 1, "ACK",
				"f", "t"},
		},
		"INVITE from alice to 600 failed: 486 Busy Here after 700 ms",
		2, {{1, -1}, {1, -1}, {1, -1}}},
	{"cancelled: CANCEL is a transaction of its own",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{100, 9, 1, "SIP/2.0 180 Ringing", "b1", 1, "INVITE",
				"f", "t"},
			{9000, 1, 9, "CANCEL sip:600@e SIP/2.0", "b1", 1,
				"CANCEL", "f", ""},
			{9001, 9, 1, "SIP/2.0 200 OK", "b1", 1, "CANCEL", "f",
				"t"},
			{9002, 9, 1, "SIP/2.0 487 Request Terminated", "b1", 1,
				"INVITE", "f", "t"},
		},
		"INVITE from alice to 600 was cancelled after 9.0 s", 2,
		{{1, -1}, {1, -1}, {2, -1}, {2, -1}, {1, -1}}},
	{"retransmissions, of requests and replies",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{500, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				"INVITE", "f", ""},
			{1500, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				"INVITE", "f", ""},
			{1600, 9, 1, "SIP/2.0 503 No", "b1", 1, "INVITE", "f",
				"t"},
			{2100, 9, 1, "SIP/2.0 503 No", "b1", 1, "INVITE", "f",
				"t"},
		},
		"INVITE from alice to 600 failed: 503 No after 1.6 s", 2,
		{{1, -1}, {1, 0}, {1, 0}, {1, -1}, {1, 3}}},
	{"the same bytes on two hops, or seen by two agents, are none",
		{
			{0, 1, 9, "OPTIONS sip:600@e SIP/2.0", "b1", 1,
				"OPTIONS", "f", ""},
			{1, 9, 2, "OPTIONS sip:600@e SIP/2.0", "b1", 1,
				"OPTIONS", "f", ""},
			{2, 9, 2, "OPTIONS sip:600@e SIP/2.0", "b1", 1,
				"OPTIONS", "f", "", NULL, 7},
			{3, 2, 9, "SIP/2.0 200 OK", "b1", 1, "OPTIONS", "f",
				"t"},
		},
		"OPTIONS from alice to 600 was answered (200 OK) after 3 ms", 3,
		{{1, -1}, {1, -1}, {1, -1}, {1, -1}}},
	{"nobody there",
		{
			{0, 1, 9, "MESSAGE sip:600@e SIP/2.0", "b1", 1,
				"MESSAGE", "f", ""},
			{500, 1, 9, "MESSAGE sip:600@e SIP/2.0", "b1", 1,
				"MESSAGE", "f", ""},
			{1500, 1, 9, "MESSAGE sip:600@e SIP/2.0", "b1", 1,
				"MESSAGE", "f", ""},
		},
		"MESSAGE from alice to 600 got no answer, sent three times", 2,
		{{1, -1}, {1, 0}, {1, 0}}},
	{"rings for ever",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{100, 9, 1, "SIP/2.0 180 Ringing", "b1", 1, "INVITE",
				"f", "t"},
		},
		"INVITE from alice to 600 got no final answer, last 180 "
		"Ringing",
		2, {{1, -1}, {1, -1}}},
	{"registered after a challenge",
		{
			{0, 1, 9, "REGISTER sip:e SIP/2.0", "b1", 1, "REGISTER",
				"f", ""},
			{5, 9, 1, "SIP/2.0 401 Unauthorized", "b1", 1,
				"REGISTER", "f", "t"},
			{10, 1, 9, "REGISTER sip:e SIP/2.0", "b2", 2,
				"REGISTER", "f", ""},
			{45, 9, 1, "SIP/2.0 200 OK", "b2", 2, "REGISTER", "f",
				"t"},
		},
		"REGISTER of 600 was accepted (200 OK) after 45 ms", 2,
		{{1, -1}, {1, -1}, {2, -1}, {2, -1}}},
	{"wrong password",
		{
			{0, 1, 9, "REGISTER sip:e SIP/2.0", "b1", 1, "REGISTER",
				"f", ""},
			{5, 9, 1, "SIP/2.0 401 Unauthorized", "b1", 1,
				"REGISTER", "f", "t"},
			{10, 1, 9, "REGISTER sip:e SIP/2.0", "b2", 2,
				"REGISTER", "f", ""},
			{15, 9, 1, "SIP/2.0 401 Unauthorized", "b2", 2,
				"REGISTER", "f", "t"},
			{20, 1, 9, "REGISTER sip:e SIP/2.0", "b3", 3,
				"REGISTER", "f", ""},
			{25, 9, 1, "SIP/2.0 401 Unauthorized", "b3", 3,
				"REGISTER", "f", "t"},
		},
		"REGISTER of 600 failed: 401 Unauthorized three times", 2,
		{{1, -1}, {1, -1}, {2, -1}, {2, -1}, {3, -1}, {3, -1}}},
	{"a re-INVITE that is refused does not undo the answer",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{10, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{5000, 1, 9, "INVITE sip:600@e SIP/2.0", "b4", 2,
				"INVITE", "f", "t"},
			{5010, 9, 1, "SIP/2.0 488 No", "b4", 2, "INVITE", "f",
				"t"},
			{9010, 1, 9, "BYE sip:600@e SIP/2.0", "b5", 3, "BYE",
				"f", "t"},
		},
		"INVITE from alice to 600 was answered after 10 ms and ended "
		"by the caller after 9.0 s",
		2, {{1, -1}, {1, -1}, {2, -1}, {2, -1}, {3, -1}}},
	{"the ACK is lost behind the proxy",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{1, 9, 2, "INVITE sip:600@e SIP/2.0", "b9", 1, "INVITE",
				"f", ""},
			{1000, 2, 9, "SIP/2.0 200 OK", "b9", 1, "INVITE", "f",
				"t"},
			{1001, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{1100, 1, 9, "ACK sip:600@e SIP/2.0", "b2", 1, "ACK",
				"f", "t"},
			{1500, 2, 9, "SIP/2.0 200 OK", "b9", 1, "INVITE", "f",
				"t"},
			{5000, 2, 9, "BYE sip:alice@e SIP/2.0", "b5", 7, "BYE",
				"t", "f"},
		},
		"INVITE from alice to 600 was answered after 1.0 s, the answer "
		"never acknowledged, and ended by the callee after 3.9 s",
		3,
		{{1, -1}, {2, -1}, {2, -1}, {1, -1}, {3, -1}, {2, 2}, {4, -1}}},
	{"a late ACK is one",
		{
			{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE",
				"f", ""},
			{10, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{510, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE", "f",
				"t"},
			{520, 1, 9, "ACK sip:600@e SIP/2.0", "b2", 1, "ACK",
				"f", "t"},
		},
		"INVITE from alice to 600 was answered after 10 ms; its end "
		"was not seen",
		2, {{1, -1}, {1, -1}, {1, 1}, {2, -1}}},
	{"only replies",
		{
			{0, 9, 1, "SIP/2.0 404 Not Found", "b1", 1, "INVITE",
				"f", "t"},
		},
		"Only replies were seen, last 404 Not Found to INVITE", 2,
		{{1, -1}}},
	{"no SIP", {{0, 1, 9, "hello", "", 0, "", "", ""}},
		"1 message that is no SIP", 2, {{0, -1}}},
};

static void add_line(struct ear_gather *g, const struct line *l, size_t at)
{
	char raw[1024], id[16];
	struct ear_msg m = {.at_ns = (1 + l->at_ms) * EAR_MS_NS,
		.proto = EAR_PROTO_SIP,
		.transport = EAR_TR_UDP,
		.capture_id = l->capture_id};
	uint8_t src[4] = {10, 0, 0, (uint8_t)l->src},
		dst[4] = {10, 0, 0, (uint8_t)l->dst};
	int n = snprintf(raw, sizeof(raw),
		"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%s\r\n"
		"From: <sip:%s@e>;tag=%s\r\nTo: <sip:%s@e>%s%s\r\n"
		"Call-ID: c\r\nCSeq: %u %s\r\n%s%s%s%sContent-Length: "
		"0\r\n\r\n",
		l->start, l->branch, l->from_tag[0] == 't' ? "600" : "alice",
		l->from_tag, l->from_tag[0] == 't' ? "alice" : "600",
		l->to_tag[0] ? ";tag=" : "", l->to_tag, l->cseq, l->method,
		l->agent ? "User-Agent: " : "", l->agent ? l->agent : "",
		l->agent ? "\r\n" : "", l->more ? l->more : "");

	m.src = ear_addr_v4(src, 5060);
	m.dst = ear_addr_v4(dst, 5060);
	m.raw = ear_slice(raw, (size_t)n);
	snprintf(id, sizeof(id), "id%zu", at);
	assert_int_equal(ear_gather_add(g, &m, id), EAR_OK);
}

static void check_rows(const struct scene *s, const struct ear_ladder *l)
{
	for (size_t i = 0; i < l->row_count; i++) {
		const struct ear_ladder_row *r = &l->rows[i];
		uint32_t repeats = s->want[i].repeats < 0
					   ? EAR_LADDER_NONE
					   : (uint32_t)s->want[i].repeats;

		if (r->transaction != s->want[i].transaction ||
			r->retransmission_of != repeats)
			fail_msg("%s: row %zu: transaction %u, repeats %u",
				s->name, i, r->transaction,
				r->retransmission_of);
		if (r->offset_ns != s->lines[i].at_ms * EAR_MS_NS -
					    s->lines[0].at_ms * EAR_MS_NS)
			fail_msg("%s: row %zu: offset", s->name, i);
	}
}

static void test_scenes(void **state)
{
	for (size_t i = 0; i < ROWS(scenes); i++) {
		const struct scene *s = &scenes[i];
		struct ear_gather g = {0};
		struct ear_ladder *l;

		for (size_t k = 0; k < 20 && s->lines[k].start; k++)
			add_line(&g, &s->lines[k], k);
		assert_int_equal(ear_ladder_new(g.v, g.n, &l), EAR_OK);
		assert_slice(s->name, ear_buf_view(&l->summary),
			ear_slice_str(s->summary));
		if (l->party_count != s->parties)
			fail_msg("%s: %zu parties", s->name, l->party_count);
		check_rows(s, l);
		ear_ladder_free(&l);
		ear_gather_fini(&g);
	}
	(void)state;
}

#define SECOND "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
#define ROUTE "Record-Route: <sip:10.0.0.9;lr>, <sip:proxy.e;lr>\r\n"

/* A proxy does not get the User-Agent that it hands on. */
static void test_agents(void **state)
{
	static const struct {
		const char *name;
		struct line lines[4];
		const char *want[3]; /* of the parties 1, 9 and 2; NULL: none */
	} cases[] = {
		{"both hops seen",
			{{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				 "INVITE", "f", "", "phone"},
				{1, 9, 2, "INVITE sip:600@e SIP/2.0", "b2", 1,
					"INVITE", "f", "", "phone", 0, SECOND},
				{5, 2, 9, "SIP/2.0 200 OK", "b2", 1, "INVITE",
					"f", "t", "desk", 0, SECOND},
				{6, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE",
					"f", "t", "desk"}},
			{"phone", "", "desk"}},
		{"by two clocks, of which one is ahead",
			{{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				 "INVITE", "f", "", "phone"},
				{1, 9, 1, "SIP/2.0 200 OK", "b1", 1, "INVITE",
					"f", "t", "desk"},
				{5, 9, 2, "INVITE sip:600@e SIP/2.0", "b2", 1,
					"INVITE", "f", "", "phone", 0, SECOND},
				{6, 2, 9, "SIP/2.0 200 OK", "b2", 1, "INVITE",
					"f", "t", "desk", 0, SECOND}},
			{"phone", "", "desk"}},
		{"only the caller's side",
			{{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				 "INVITE", "f", "", "phone"},
				{5, 9, 1, "SIP/2.0 180 Ringing", "b1", 1,
					"INVITE", "f", "t", "desk", 0, ROUTE}},
			{"phone", "", NULL}},
		{"what the proxy says itself",
			{{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				 "INVITE", "f", "", "phone"},
				{1, 9, 1, "SIP/2.0 100 Trying", "b1", 1,
					"INVITE", "f", "", "proxy"},
				{5, 9, 1, "SIP/2.0 180 Ringing", "b1", 1,
					"INVITE", "f", "t", "desk", 0, ROUTE}},
			{"phone", "proxy", NULL}},
		{"only the callee's side",
			{{1, 9, 2, "INVITE sip:600@e SIP/2.0", "b2", 1,
				 "INVITE", "f", "", "phone", 0, SECOND},
				{5, 2, 9, "SIP/2.0 180 Ringing", "b2", 1,
					"INVITE", "f", "t", "desk", 0,
					SECOND ROUTE}},
			{NULL, "", "desk"}},
		{"no proxy at all",
			{{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1,
				 "INVITE", "f", "", "phone"},
				{5, 9, 1, "SIP/2.0 180 Ringing", "b1", 1,
					"INVITE", "f", "t", "desk"}},
			{"phone", "desk", NULL}},
	};
	static const uint8_t number[3] = {1, 9, 2};

	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		struct ear_gather g = {0};
		struct ear_ladder *l;

		for (size_t k = 0; k < 4 && cases[i].lines[k].start; k++)
			add_line(&g, &cases[i].lines[k], k);
		assert_int_equal(ear_ladder_new(g.v, g.n, &l), EAR_OK);
		for (size_t p = 0; p < l->party_count; p++) {
			for (size_t w = 0; w < 3; w++) {
				if (l->parties[p].addr.ip[3] == number[w])
					assert_slice(cases[i].name,
						l->parties[p].agent,
						ear_slice_str(
							cases[i].want[w]));
			}
		}
		ear_ladder_free(&l);
		ear_gather_fini(&g);
	}
}

static void test_json(void **state)
{
	static const char *const wants[] = {
		"{\"first\":\"1970-01-01T00:00:00.001000Z\",",
		"\"parties\":[{\"addr\":\"10.0.0.1:5060\",\"index\":0,",
		"\"id\":\"id0\"",
		"\"raw\":\"INVITE sip:600@e SIP/2.0\\r\\n",
		"\"from_party\":1,\"to_party\":0,\"delta_ms\":1100,"
		"\"offset_ms\":1600,\"retransmission_of\":null,"
		"\"transaction\":1,\"class\":\"5xx\",\"label\":\"503 No\"",
		"\"retransmission_of\":\"id0\"",
		"\"findings\":[",
	};
	const struct scene *s = &scenes[6];
	struct ear_gather g = {0};
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);
	struct ear_ladder *l;

	for (size_t k = 0; s->lines[k].start; k++)
		if (k != 2)
			add_line(&g, &s->lines[k], k);
	assert_int_equal(ear_ladder_new(g.v, g.n, &l), EAR_OK);
	ear_json_open(&j, '{');
	ear_ladder_json_members(&j, l);
	ear_json_close(&j, '}');
	assert_int_equal(out.err, EAR_OK);
	for (size_t i = 0; i < ROWS(wants); i++) {
		if (ear_slice_find(ear_buf_view(&out),
			    ear_slice_str(wants[i])) == out.n)
			fail_msg("%s is not in %.*s", wants[i],
				EAR_FMT(ear_buf_view(&out)));
	}
	ear_buf_fini(&out);
	ear_ladder_free(&l);
	ear_gather_fini(&g);
	(void)state;
}

static void add_event(struct ear_gather *g, unsigned at_ms, const char *text)
{
	struct ear_msg m = {.at_ns = (1 + at_ms) * EAR_MS_NS,
		.proto = EAR_PROTO_LOG,
		.correlation = EAR_S("c"),
		.raw = ear_slice_str(text)};

	m.src = ear_addr_v4("\x7f\0\0\1", 9060);
	assert_int_equal(ear_gather_add(g, &m, "e"), EAR_OK);
}

/* A log event is a note at its time, and its addresses are no parties. */
static void test_notes(void **state)
{
	static const struct line call[] = {
		{0, 1, 9, "INVITE sip:600@e SIP/2.0", "b1", 1, "INVITE", "f",
			""},
		{5, 9, 1, "SIP/2.0 404 Not Found", "b1", 1, "INVITE", "f", "t"},
	};
	static const struct {
		const char *text, *label;
	} rows[] = {
		{"no such user\nin the table", "no such user"},
		{"\r\n  second line first  \r\n", "second line first"},
		{"", "log"},
		{" \n", "log"},
		{"0123456789012345678901234567890123456789012345678901234567890"
		 "1234567890123456789012345678901234567890123456789012345678901"
		 "2345678901234567890123456789012345678\xc3\xa4xxxx",
			"01234567890123456789012345678901234567890123456789012"
			"34567890123456789012345678901234567890123456789012345"
			"67890123456789012345678901234567890123456789012345678"
			"…"},
	};
	struct ear_json j;
	struct ear_buf out = {0};
	struct ear_gather g = {0};
	struct ear_ladder *l;

	add_line(&g, &call[0], 0);
	for (size_t i = 0; i < ROWS(rows); i++)
		add_event(&g, 2, rows[i].text);
	add_line(&g, &call[1], 1);
	assert_int_equal(ear_ladder_new(g.v, g.n, &l), EAR_OK);
	assert_int_equal(l->party_count, 2);
	assert_int_equal(l->row_count, 2 + ROWS(rows));
	assert_slice("summary", ear_buf_view(&l->summary),
		EAR_S("INVITE from alice to 600 failed: 404 Not Found after "
		      "5 ms"));
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct ear_ladder_row *r = &l->rows[1 + i];

		assert_int_equal(r->from_party, EAR_LADDER_NONE);
		assert_int_equal(r->to_party, EAR_LADDER_NONE);
		assert_int_equal(r->retransmission_of, EAR_LADDER_NONE);
		assert_int_equal(r->offset_ns, 2 * EAR_MS_NS);
		ear_buf_reset(&out);
		ear_ladder_label(&r->from->facts, &out);
		assert_slice(rows[i].text, ear_buf_view(&out),
			ear_slice_str(rows[i].label));
	}
	ear_buf_reset(&out);
	j = ear_json(&out);
	ear_json_open(&j, '{');
	ear_ladder_json_members(&j, l);
	ear_buf_byte(&out, '\0');
	assert_non_null(strstr(out.p, "\"from_party\":null,\"to_party\":null"));
	ear_ladder_free(&l);
	ear_gather_fini(&g);

	add_event(&g, 2, "alone");
	assert_int_equal(ear_ladder_new(g.v, g.n, &l), EAR_OK);
	assert_slice(
		"summary", ear_buf_view(&l->summary), EAR_S("1 log event"));
	assert_int_equal(l->party_count, 0);
	ear_ladder_free(&l);
	ear_gather_fini(&g);
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_agents),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests_name("track/ladder", tests, NULL, NULL);
}
