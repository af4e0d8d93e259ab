/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "message/expr.h"

/* 2026-11-22 12:00:00 UTC */
#define NOW (1795348800ULL * EAR_SECOND_NS)

static const char invite[] =
	"INVITE sip:600@example.org SIP/2.0\r\n"
	"v: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa\r\n"
	"From: \"Sara 'S'\" <sip:49301@example.org>;tag=a1\r\n"
	"To: <sip:600@example.org>\r\n"
	"Call-ID: a84b4c76e66710\r\n"
	"CSeq: 314159 INVITE\r\n"
	"Diversion: <sip:1@a>;reason=busy\r\n"
	"Diversion: <sip:2@b>\r\n"
	"Contact: <sip:49301@10.0.0.1>\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 8\r\n\r\nv=0 Ring";

static struct ear_msg invite_msg(void)
{
	struct ear_msg m = {.at_ns = NOW + 1500,
		.seen_ns = NOW + 2000,
		.capture_id = 7,
		.transport = EAR_TR_UDP,
		.proto = EAR_PROTO_SIP,
		.direction = EAR_DIR_IN,
		.tap = EAR_S("hep/udp:127.0.0.1:9060"),
		.node = EAR_S("edge"),
		.raw = EAR_S(invite)};
	enum ear_err err = ear_addr_parse(EAR_S("10.0.0.1:5060"), &m.src);

	if (!err)
		err = ear_addr_parse(EAR_S("[2001:db8::1]:5080"), &m.dst);
	assert_int_equal(err, EAR_OK);
	return m;
}

static const struct ear_facts invite_facts = {
	.kind = EAR_KIND_REQUEST,
	.sdp = true,
	.cseq = 314159,
	.cseq_method = EAR_S_INIT("INVITE"),
	.method = EAR_S_INIT("INVITE"),
	.ruri = EAR_S_INIT("sip:600@example.org"),
	.ruri_user = EAR_S_INIT("600"),
	.call_id = EAR_S_INIT("a84b4c76e66710"),
	.from_uri = EAR_S_INIT("sip:49301@example.org"),
	.from_user = EAR_S_INIT("49301"),
	.from_host = EAR_S_INIT("example.org"),
	.from_name = EAR_S_INIT("Sara 'S'"),
	.from_tag = EAR_S_INIT("a1"),
	.to_uri = EAR_S_INIT("sip:600@example.org"),
	.to_user = EAR_S_INIT("600"),
	.to_host = EAR_S_INIT("example.org"),
	.branch = EAR_S_INIT("z9hG4bKa"),
	.body = EAR_S_INIT("v=0 Ring"),
};

static struct ear_expr *compile(const char *text)
{
	struct ear_fault fault = {0};
	struct ear_expr *e;

	if (ear_expr_new(ear_slice_str(text), NOW, &e, &fault))
		fail_msg("%s: %s at %zu", text, fault.text, fault.offset);
	return e;
}

static void test_match(void **state)
{
	static const struct {
		const char *expr;
		bool want;
	} rows[] = {
		{"", true},
		{"  \t ", true},
		/* each operator */
		{"method == INVITE", true},
		{"method = invite", true},
		{"method==\"INVITE\"", true},
		{"method != INVITE", false},
		{"method != BYE", true},
		{"capture_id < 8", true},
		{"capture_id < 7", false},
		{"capture_id <= 7", true},
		{"capture_id > 6", true},
		{"capture_id > 7", false},
		{"capture_id >= 7", true},
		{"from.user ~ \"^49\"", true},
		{"from.user =~ '^49'", true},
		{"from.user ~ ^49", true},
		{"from.user ~ ^50", false},
		{"from.user !~ ^50", true},
		{"from.user !~ ^49", false},
		{"from.user has 930", true},
		{"from.user has 940", false},
		{"method in (BYE, invite)", true},
		{"method in INVITE", true},
		{"method in ( BYE , \"ACK\" )", false},
		{"method not in (BYE, ACK)", true},
		{"method not in (INVITE)", false},
		{"from.user", true},
		{"to.tag", false},
		{"not to.tag", true},
		{"!to.tag", true},
		{"! ! from.user", true},
		/* each type */
		{"call_id == a84b4c76e66710", true},
		{"call_id == A84B4C76E66710", false},
		{"from.name == \"Sara 'S'\"", true},
		{"from.name == 'Sara \\'S\\''", true},
		{"text has \"\\\"Sara\"", true},
		{"text has \"INVITE\\r\\nDiv\"", true},
		{"cseq == \"314159 INVITE\"", true},
		{"cseq has 31415", true},
		{"status == 0", true},
		{"status < 200", false},
		{"status >= 0", false},
		{"status != 200", true},
		{"status == 4xx", false},
		{"status != 4xx", true},
		{"size == 351", true},
		{"size > 100 and size < 1000", true},
		{"transport == UDP", true},
		{"transport in (tcp, tls)", false},
		{"transport", true},
		{"proto == sip", true},
		{"direction == in", true},
		{"direction = out", false},
		{"kind == request", true},
		{"sdp", true},
		{"sdp == true", true},
		{"sdp = no", false},
		{"sdp != yes", false},
		{"malformed", false},
		{"not malformed", true},
		{"truncated == false", true},
		/* addresses */
		{"src == 10.0.0.1", true},
		{"src == 10.0.0.1:5060", true},
		{"src == 10.0.0.1:5061", false},
		{"src.ip == 10.0.0.1", true},
		{"src.ip in 10.0.0.0/8", true},
		{"src.ip in (192.168.0.0/16, 10.0.0.0/31)", true},
		{"src.ip in 10.0.0.2/31", false},
		{"src.ip == 11.0.0.0/8", false},
		{"src.ip in 0.0.0.0/0", true},
		{"dst.ip in 0.0.0.0/0", false},
		{"dst == [2001:db8::1]:5080", true},
		{"dst.ip == 2001:db8::1", true},
		{"dst.ip in 2001:db8::/32", true},
		{"dst.ip in 2001:db9::/32", false},
		{"ip == 10.0.0.1", true},
		{"ip == 2001:db8::1", true},
		{"ip == 10.0.0.9", false},
		{"ip != 10.0.0.1", false},
		{"src ~ \"^10\\.\"", true},
		{"src has :5060", true},
		{"src.port == 5060", true},
		{"dst.port > 5060", true},
		{"port == 5080", true},
		{"port in (1, 5060)", true},
		{"port == 1", false},
		{"agent", false},
		{"src", true},
		/* times, by the microsecond */
		{"at >= 2026-11-22T12:00:00Z", true},
		{"at > \"2026-11-22 12:00:00\"", true},
		{"at < 2026-11-22T12:00:00Z", false},
		{"at == 2026-11-22T12:00:00.000001Z", true},
		{"at <= 2026-11-22T12:00:00.000001Z", true},
		{"at > 2026-11-22T12:00:00.000001Z", false},
		{"at == 2026-11-22T12:00:00.000002Z", false},
		{"at > -2h", true},
		{"at < -2h", false},
		{"at > 11:59", true},
		{"seen", true},
		/* several values */
		{"user == 600", true},
		{"user == 49301", true},
		{"user == 1", false},
		{"user != 600", false},
		{"user ~ \"^6\"", true},
		/* text */
		{"\"ring\"", true},
		{"'RING'", true},
		{"not \"rong\"", true},
		{"text has z9HG4bK", true},
		{"body has RING", true},
		{"body has INVITE", false},
		{"text ~ \"^CSeq: 314\"", true},
		{"text ~ \"INVITE$\"", true},
		{"text ~ \"(?i)^cseq: \\d+ invite$\"", true},
		{"text ~ \"\\Av:\"", false},
		/* headers */
		{"header.diversion", true},
		{"header.History-Info", false},
		{"header.diversion has busy", true},
		{"header.diversion has \"sip:2\"", true},
		{"header.diversion has \"sip:3\"", false},
		{"header.via has udp", true},
		{"header.v has udp", true},
		{"header.diversion == \"<sip:2@b>\"", true},
		{"header.diversion != \"<sip:2@b>\"", false},
		{"HEADER.CALL-ID == a84b4c76e66710", true},
		/* how words join */
		{"method == BYE or method == INVITE", true},
		{"method == BYE || status == 0", true},
		{"method == INVITE && status == 0", true},
		{"method == INVITE status == 0", true},
		{"method == INVITE \"ring\"", true},
		{"method==INVITE&&sdp", true},
		{"method == INVITE AND NOT sdp", false},
		{"sdp or malformed and malformed", true},
		{"(sdp or malformed) and malformed", false},
		{"not sdp or sdp", true},
		{"not (sdp or malformed)", false},
		{"not malformed sdp", true},
		{"sdp not malformed", true},
		{"((((sdp))))", true},
		{"FROM.USER == 49301", true},
	};
	struct ear_msg m = invite_msg();

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_expr *e = compile(rows[i].expr), *clone;

		if (ear_expr_match(e, &m, &invite_facts) != rows[i].want)
			fail_msg("%s: want %d", rows[i].expr, rows[i].want);
		assert_int_equal(ear_expr_clone(e, &clone), EAR_OK);
		ear_expr_free(&e);
		if (ear_expr_match(clone, &m, NULL) != rows[i].want)
			fail_msg("%s: clone, without facts", rows[i].expr);
		assert_int_equal(ear_expr_gave_up(clone), 0);
		ear_expr_free(&clone);
	}
	(void)state;
}

static void test_faults(void **state)
{
	static const struct {
		const char *expr;
		size_t offset;
		const char *says;
	} rows[] = {
		{"form.user == 1", 0, "from.user"},
		{"sdp and callid == 1", 8, "call_id"},
		{"from_user == 1", 0, "from.user"},
		{"alice", 0, "double quotes"},
		{"method == INVITE and Reply", 21,
			"did you mean kind == reply?"},
		{"method ==", 9, "missing"},
		{"method == and sdp", 10, "missing"},
		{"method == (", 10, "missing"},
		{"method in (INVITE", 10, "never closed"},
		{"method in (INVITE BYE)", 18, "','"},
		{"(sdp", 0, "never closed"},
		{"(sdp == true sdp", 0, "never closed"},
		{"sdp)", 3, "wanted"},
		{"sdp and", 7, "missing"},
		{"or sdp", 0, "no field 'or'"},
		{"sdp or", 6, "missing"},
		{"\"open", 0, "never closed"},
		{"from.user == \"open", 13, "never closed"},
		{"status == abc", 10, "number"},
		{"status == 4x", 10, "number"},
		{"status == 0xx", 10, "number"},
		{"status > 4xx", 9, "write 400"},
		{"status == 1000", 10, "999"},
		{"port == 65536", 8, "65535"},
		{"transport == upd", 13, "udp, tcp"},
		{"sdp == perhaps", 7, "true or false"},
		{"src == nowhere", 7, "no address"},
		{"src.ip in 10.0.0.0/33", 10, "no address"},
		{"at > yesterday", 5, "not a time"},
		{"from.user < 5", 10, "does not go with"},
		{"status ~ 4", 7, "does not go with"},
		{"status has 4", 7, "does not go with"},
		{"sdp ~ x", 4, "does not go with"},
		{"from.user ~ \"(\"", 14, "regular expression"},
		{"from.user ~ \"(*UTF)a\"", 19, "regular expression"},
		{"from.user has \"\"", 14, "everything"},
		{"id == 5", 0, "one message"},
		{"header. == 1", 0, "no field"},
		{"sdp == true == false", 12, "wanted"},
		{"@", 0, "wanted"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_expr *e;
		enum ear_err err = ear_expr_new(
			ear_slice_str(rows[i].expr), NOW, &e, &fault);

		if (err != EAR_USAGE || e || fault.offset < rows[i].offset ||
			fault.offset > rows[i].offset + 1 ||
			!strstr(fault.text, rows[i].says))
			fail_msg("%s: %d at %zu: %s", rows[i].expr, err,
				fault.offset, fault.text);
	}
	(void)state;
}

/* What is too much is refused, whatever it would mean. */
static void test_limits(void **state)
{
	static const struct {
		const char *unit;
		size_t least_bad;
	} rows[] = {{"(", 64}, {"not ", 70000}, {"sdp ", 4096},
		{"from.user~a ", 65}, {"!", 70000}};
	struct ear_fault fault = {0};
	struct ear_expr *e;

	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t unit = strlen(rows[i].unit);
		size_t n = unit * rows[i].least_bad;
		char *text = malloc(n);

		assert_non_null(text);
		for (size_t at = 0; at < n; at += unit)
			memcpy(text + at, rows[i].unit, unit);
		assert_int_equal(
			ear_expr_new(ear_slice(text, n), NOW, &e, &fault),
			EAR_USAGE);
		free(text);
	}
	(void)state;
}

/* A pattern made to run for hours ends soon, is no match, and is counted. */
static void test_hostile_regex(void **state)
{
	static char subject[60000];
	struct ear_expr *e = compile("text ~ \"^(a+)+$\"");
	struct ear_msg m = {0};
	uint64_t began = ear_mono_ns();

	memset(subject, 'a', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '!';
	m.raw = ear_slice(subject, sizeof(subject));
	assert_false(ear_expr_match(e, &m, &invite_facts));
	assert_int_equal(ear_expr_gave_up(e), 1);
	ear_expr_free(&e);
	e = compile("text ~ \"(x+x+)+y|(a|b|ab)*c|a*a*a*a*b\"");
	assert_false(ear_expr_match(e, &m, &invite_facts));
	ear_expr_free(&e);
	e = compile("text ~ \"a!$\"");
	assert_true(ear_expr_match(e, &m, &invite_facts));
	assert_int_equal(ear_expr_gave_up(e), 0);
	ear_expr_free(&e);
	if (ear_mono_ns() - began > 20 * EAR_SECOND_NS)
		fail_msg("took too long");
	(void)state;
}

/* With raw.p NULL and facts that hold only what a store's index has. */
static void test_meta(void **state)
{
	static const struct {
		const char *expr;
		enum ear_expr_needs needs;
		enum ear_maybe want;
	} rows[] = {
		{"", EAR_NEEDS_NOTHING, EAR_YES},
		{"method == INVITE and status == 0", EAR_NEEDS_META, EAR_YES},
		{"kind == reply", EAR_NEEDS_META, EAR_NO},
		{"size == 351 and capture_id == 7", EAR_NEEDS_META, EAR_YES},
		{"size", EAR_NEEDS_META, EAR_YES},
		{"ip in 10.0.0.0/8 and port == 5060", EAR_NEEDS_META, EAR_YES},
		{"src ~ \"^10\"", EAR_NEEDS_META, EAR_YES},
		{"malformed or truncated", EAR_NEEDS_META, EAR_NO},
		{"at > 11:00 and seen > 11:00", EAR_NEEDS_META, EAR_YES},
		{"transport == udp proto == sip", EAR_NEEDS_META, EAR_YES},
		{"not agent direction == in", EAR_NEEDS_META, EAR_YES},
		{"\"ring\"", EAR_NEEDS_RAW, EAR_MAYBE},
		{"method == BYE and \"ring\"", EAR_NEEDS_RAW, EAR_NO},
		{"method == INVITE and \"ring\"", EAR_NEEDS_RAW, EAR_MAYBE},
		{"method == INVITE or \"ring\"", EAR_NEEDS_RAW, EAR_YES},
		{"method == BYE or \"ring\"", EAR_NEEDS_RAW, EAR_MAYBE},
		{"not (method == INVITE or \"x\")", EAR_NEEDS_RAW, EAR_NO},
		{"not (method == BYE and \"x\")", EAR_NEEDS_RAW, EAR_YES},
		{"not \"x\"", EAR_NEEDS_RAW, EAR_MAYBE},
		{"from.user == 1", EAR_NEEDS_RAW, EAR_MAYBE},
		{"node == edge and tap has hep", EAR_NEEDS_META, EAR_YES},
		{"correlation == x", EAR_NEEDS_RAW, EAR_MAYBE},
		{"header.via", EAR_NEEDS_RAW, EAR_MAYBE},
		{"sdp", EAR_NEEDS_META, EAR_NO},
	};
	const struct ear_facts facts = {
		.kind = EAR_KIND_REQUEST, .method = EAR_S("INVITE")};
	struct ear_msg m = invite_msg();

	m.raw.p = NULL;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_expr *e = compile(rows[i].expr);

		if (ear_expr_needs(e) != rows[i].needs ||
			ear_expr_match_meta(e, &m, &facts) != rows[i].want)
			fail_msg("%s: needs %d, is %d", rows[i].expr,
				ear_expr_needs(e),
				ear_expr_match_meta(e, &m, &facts));
		if (rows[i].needs != EAR_NEEDS_RAW)
			assert_int_equal(ear_expr_match(e, &m, &facts),
				rows[i].want == EAR_YES);
		ear_expr_free(&e);
	}
	(void)state;
}

static void test_keys(void **state)
{
	static const struct {
		const char *expr;
		struct {
			enum ear_key key;
			const char *value;
		} want[3];
	} rows[] = {
		{"", {{0}}},
		{"call_id == x", {{EAR_KEY_CALLID, "x"}}},
		{"call_id = \"a b\"", {{EAR_KEY_CALLID, "a b"}}},
		{"call_id in (x, y)",
			{{EAR_KEY_CALLID, "x"}, {EAR_KEY_CALLID, "y"}}},
		{"call_id != x", {{0}}},
		{"not call_id == x", {{0}}},
		{"call_id ~ x", {{0}}},
		{"call_id == \"\"", {{0}}},
		{"user == Bob", {{EAR_KEY_USER, "bob"}}},
		{"from.user == bob", {{EAR_KEY_USER, "BOB"}}},
		{"auth.user == bob", {{EAR_KEY_USER, "bob"}}},
		{"ruri.user == bob", {{0}}},
		{"method == invite", {{EAR_KEY_METHOD, "INVITE"}}},
		{"status == 404", {{EAR_KEY_STATUS, "404"}}},
		{"status == 0404", {{EAR_KEY_STATUS, "404"}}},
		{"status == 4xx", {{0}}},
		{"status == 0", {{0}}},
		{"status >= 400", {{0}}},
		{"src == 10.0.0.1:5060", {{EAR_KEY_ADDR, "10.0.0.1"}}},
		{"ip == 2001:DB8:0::1", {{EAR_KEY_ADDR, "2001:db8::1"}}},
		{"ip == 10.0.0.0/8", {{0}}},
		{"ip in 10.0.0.1/32", {{EAR_KEY_ADDR, "10.0.0.1"}}},
		{"status == 404 and call_id == x and user == y",
			{{EAR_KEY_CALLID, "x"}}},
		{"method == INVITE status == 404", {{EAR_KEY_STATUS, "404"}}},
		{"method == INVITE ip == 1.2.3.4 \"w\"",
			{{EAR_KEY_ADDR, "1.2.3.4"}}},
		{"user == a or user == b",
			{{EAR_KEY_USER, "a"}, {EAR_KEY_USER, "b"}}},
		{"user == a or \"w\"", {{0}}},
		{"(user == a or status == 4) and method == X",
			{{EAR_KEY_USER, "a"}, {EAR_KEY_STATUS, "4"}}},
		{"(user == a or user == b) and user == c",
			{{EAR_KEY_USER, "c"}}},
		/* more than there is room for: the next best */
		{"call_id in (a,b,c,d) and method == X",
			{{EAR_KEY_METHOD, "X"}}},
		{"call_id in (a,b,c,d)", {{0}}},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_expr *e = compile(rows[i].expr);
		struct ear_key_value got[3];
		size_t n = ear_expr_keys(e, got, 3), want = 0;

		for (; want < 3 && rows[i].want[want].value; want++) {
			enum ear_key key = rows[i].want[want].key;
			uint64_t hash = ear_key_hash(
				key, ear_slice_str(rows[i].want[want].value));
			bool found = false;

			for (size_t k = 0; k < n; k++)
				found |= got[k].key == key &&
					 got[k].hash == hash;
			if (!found)
				fail_msg("%s: key %zu is missing", rows[i].expr,
					want);
		}
		if (n != want)
			fail_msg("%s: %zu keys", rows[i].expr, n);
		ear_expr_free(&e);
	}
	(void)state;
}

/* What a message is kept under and what a search asks for meet. */
static void test_msg_keys(void **state)
{
	struct ear_key_value keys[EAR_MSG_KEYS_MAX], ask[4];
	static const char *const asks[] = {"call_id == a84b4c76e66710",
		"user == 600", "from.user == 49301", "src == 10.0.0.1",
		"ip == 2001:db8::1", "method == invite"};
	struct ear_facts facts = invite_facts;
	struct ear_msg m = invite_msg();
	size_t n = ear_msg_keys(&m, &facts, keys);

	assert_int_equal(n, 6);
	for (size_t i = 0; i < ROWS(asks); i++) {
		struct ear_expr *e = compile(asks[i]);
		bool found = false;

		assert_int_equal(ear_expr_keys(e, ask, 4), 1);
		for (size_t k = 0; k < n; k++)
			found |= keys[k].key == ask[0].key &&
				 keys[k].hash == ask[0].hash;
		if (!found)
			fail_msg("%s", asks[i]);
		ear_expr_free(&e);
	}
	facts.to_user = EAR_S("49301");
	facts.auth_user = EAR_S("49301");
	m.dst = m.src;
	facts.status = 404;
	assert_int_equal(ear_msg_keys(&m, &facts, keys), 5);
	(void)state;
}

/* A class of status codes, of which an index knows nothing. */
static void test_status_class(void **state)
{
	static const struct {
		const char *expr;
		uint16_t status;
		bool is;
	} rows[] = {
		{"status == 4xx", 404, true},
		{"status == 4xx", 499, true},
		{"status == 4xx", 500, false},
		{"status == 4XX", 400, true},
		{"status in (2xx, 404)", 404, true},
		{"status in (2xx, 404)", 405, false},
		{"status in (2xx, 404)", 299, true},
		{"status != 2xx", 200, false},
		{"status == 1xx", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg m = {.proto = EAR_PROTO_SIP};
		struct ear_facts facts = {
			.kind = EAR_KIND_REPLY, .status = rows[i].status};
		struct ear_expr *e = compile(rows[i].expr);

		if (ear_expr_match(e, &m, &facts) != rows[i].is)
			fail_msg("%s: %d", rows[i].expr, rows[i].status);
		ear_expr_free(&e);
	}
}

static void test_span(void **state)
{
	static const uint64_t us = EAR_US_NS;
	const struct {
		const char *expr;
		uint64_t from, to;
	} rows[] = {
		{"", 0, UINT64_MAX},
		{"method == INVITE", 0, UINT64_MAX},
		{"at >= 12:00", NOW, UINT64_MAX},
		{"at > 12:00", NOW + us, UINT64_MAX},
		{"at < 12:00", 0, NOW - 1},
		{"at <= 12:00", 0, NOW + us - 1},
		{"at == 12:00", NOW, NOW + us - 1},
		{"at != 12:00", 0, UINT64_MAX},
		{"at >= 12:00 and at <= 12:01 and \"x\"", NOW,
			NOW + 60 * EAR_SECOND_NS + us - 1},
		{"at == 12:00 or at == 12:01", NOW,
			NOW + 60 * EAR_SECOND_NS + us - 1},
		{"at in (12:01, 12:00)", NOW,
			NOW + 60 * EAR_SECOND_NS + us - 1},
		{"at == 12:00 or \"x\"", 0, UINT64_MAX},
		{"not at >= 12:00", 0, UINT64_MAX},
		{"at > -2h", NOW - 7200 * EAR_SECOND_NS + us, UINT64_MAX},
		{"at > 12:01 and at < 12:00", NOW + 60 * EAR_SECOND_NS + us,
			NOW - 1},
		{"at", 0, UINT64_MAX},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_expr *e = compile(rows[i].expr);
		uint64_t from, to;

		ear_expr_span(e, &from, &to);
		if (from != rows[i].from || to != rows[i].to)
			fail_msg("%s: %llu to %llu", rows[i].expr,
				(unsigned long long)from,
				(unsigned long long)to);
		ear_expr_free(&e);
	}
	(void)state;
}

static void test_explain(void **state)
{
	static const struct {
		const char *text, *want;
		size_t offset;
	} rows[] = {
		{"sdp x", "sdp x\n    ^\nwhy\n", 4},
		{"\xc3\xa4 x", "\xc3\xa4 x\n  ^\nwhy\n", 3},
		{"a\x1b[31m\n", "a [31m \n ^\nwhy\n", 1},
		{"a", "a\n ^\nwhy\n", 99},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {
			.offset = rows[i].offset, .text = "why"};
		struct ear_buf out = {0};

		ear_expr_explain(ear_slice_str(rows[i].text), &fault, &out);
		assert_slice(rows[i].text, ear_buf_view(&out),
			ear_slice_str(rows[i].want));
		ear_buf_fini(&out);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hostile_regex),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_msg_keys),
		cmocka_unit_test(test_status_class),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests_name("message/expr", tests, NULL, NULL);
}
