/* SPDX-License-Identifier: Apache-2.0 */
/* Facts and findings of a message. */
#include "unit/table.h"

#include "message/msg.h"

#define INVITE                                                          \
	"INVITE sip:bob@biloxi.com SIP/2.0\r\n"                         \
	"Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776\r\n"       \
	"Via: SIP/2.0/UDP other;branch=z9hG4bK777\r\n"                  \
	"Max-Forwards: 70\r\n"                                          \
	"To: Bob <sip:bob@biloxi.com;x=y>\r\n"                          \
	"From: \"Alice A.\" <sip:alice@atlanta.com>;tag=19283\r\n"      \
	"Call-ID: a84b4c76e66710@pc33.atlanta.com\r\n"                  \
	"CSeq: 314159 INVITE\r\n"                                       \
	"Contact: \"A, B\" <sip:alice@pc33.atlanta.com>, <sip:z@y>\r\n" \
	"User-Agent: Phone/1\r\n"                                       \
	"Server: not this\r\n"                                          \
	"Proxy-Authorization: Digest realm=\"r\", username=\"ally\", "  \
	"response=\"0\"\r\n"                                            \
	"Content-Type: application/sdp\r\n"                             \
	"Content-Length: 7\r\n"                                         \
	"\r\n"                                                          \
	"v=0\r\nX="

#define REPLY                                                           \
	"SIP/2.0 180 Ringing now\r\n"                                   \
	"v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=10.0.0.9\r\n" \
	"f: sip:a@b;tag=1\r\n"                                          \
	"t: sip:c@d;tag=2\r\n"                                          \
	"i: x\r\n"                                                      \
	"CSeq: 7 INVITE\r\n"                                            \
	"Server: PBX\r\n"                                               \
	"l: 0\r\n\r\n"

static struct ear_msg sip(const char *raw)
{
	return (struct ear_msg){.proto = EAR_PROTO_SIP,
		.transport = EAR_TR_UDP,
		.raw = ear_slice_str(raw)};
}

static void test_request(void **state)
{
	struct ear_msg msg = sip(INVITE);
	struct ear_facts f;

	ear_msg_examine(&msg, &f);
	assert_int_equal(f.kind, EAR_KIND_REQUEST);
	assert_false(f.malformed);
	assert_true(f.sdp);
	assert_true(f.secrets);
	assert_int_equal(f.status, 0);
	assert_int_equal(f.cseq, 314159);
	assert_slice("method", f.method, EAR_S("INVITE"));
	assert_slice("cseq_method", f.cseq_method, EAR_S("INVITE"));
	assert_slice("ruri", f.ruri, EAR_S("sip:bob@biloxi.com"));
	assert_slice("ruri_user", f.ruri_user, EAR_S("bob"));
	assert_slice(
		"call_id", f.call_id, EAR_S("a84b4c76e66710@pc33.atlanta.com"));
	assert_slice("from_user", f.from_user, EAR_S("alice"));
	assert_slice("from_host", f.from_host, EAR_S("atlanta.com"));
	assert_slice("from_name", f.from_name, EAR_S("Alice A."));
	assert_slice("from_tag", f.from_tag, EAR_S("19283"));
	assert_slice("from_uri", f.from_uri, EAR_S("sip:alice@atlanta.com"));
	assert_slice("to_user", f.to_user, EAR_S("bob"));
	assert_slice("to_name", f.to_name, EAR_S("Bob"));
	assert_slice("to_tag", f.to_tag, EAR_S(""));
	assert_slice("to_uri", f.to_uri, EAR_S("sip:bob@biloxi.com;x=y"));
	assert_slice("auth_user", f.auth_user, EAR_S("ally"));
	assert_slice("contact", f.contact,
		EAR_S("\"A, B\" <sip:alice@pc33.atlanta.com>"));
	assert_slice("branch", f.branch, EAR_S("z9hG4bK776"));
	assert_slice("user_agent", f.user_agent, EAR_S("Phone/1"));
	assert_slice("content_type", f.content_type, EAR_S("application/sdp"));
	assert_slice("body", f.body, EAR_S("v=0\r\nX="));
	(void)state;
}

static struct ear_slice part(const struct ear_msg *msg, struct ear_span span)
{
	return ear_slice_sub(msg->raw, span.at, span.at + span.n);
}

/* What registrations need: of REGISTER alone. */
static void test_register(void **state)
{
#define HEAD(method)                                             \
	"\r\n" method " sip:h SIP/2.0\r\nVia: one\r\nv: two\r\n" \
	"CSeq: 1 " method "\r\nm: <sip:a>;q=1\r\nExpires: 60\r\n"
	static const struct {
		const char *in, *via, *contacts, *expires;
		int vias;
		bool more, ended;
	} rows[] = {
		{HEAD("REGISTER") "\r\n", "two", "<sip:a>;q=1", "60", 2, false,
			true},
		{HEAD("REGISTER") "Via: 3", "3", "<sip:a>;q=1", "60", 3, false,
			false},
		{HEAD("REGISTER") "Via: 3, 4\r\n\r\n", "3, 4", "<sip:a>;q=1",
			"60", 3, true, true},
		{HEAD("REGISTER") "Contact: b\r\n\r\n", "two", "<sip:a>;q=1",
			"60", 2, true, true},
		{HEAD("REGISTER") "Path: b\r\n\r\n", "two", "<sip:a>;q=1", "60",
			2, true, true},
		{"REGISTER sip:h SIP/2.0\r\nCSeq: 1 REGISTER\r\nContact:\r\n"
		 "\r\n",
			"", "", "", 0, false, true},
		{HEAD("INVITE") "\r\n", "", "", "", 0, false, false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = sip(rows[i].in);
		struct ear_facts f;

		ear_msg_facts(&msg, &f);
		assert_slice(rows[i].in, part(&msg, f.reg.via),
			ear_slice_str(rows[i].via));
		assert_slice(rows[i].in, part(&msg, f.reg.contacts),
			ear_slice_str(rows[i].contacts));
		assert_slice(rows[i].in, part(&msg, f.reg.expires),
			ear_slice_str(rows[i].expires));
		assert_int_equal(f.reg.vias, rows[i].vias);
		assert_int_equal(f.reg.more, rows[i].more);
		assert_int_equal(f.reg.ended, rows[i].ended);
	}
	(void)state;
}

static void test_reply(void **state)
{
	struct ear_msg msg = sip(REPLY);
	struct ear_facts f;

	ear_msg_examine(&msg, &f);
	assert_int_equal(f.kind, EAR_KIND_REPLY);
	assert_false(f.malformed);
	assert_false(f.secrets);
	assert_int_equal(f.status, 180);
	assert_slice("method", f.method, EAR_S("INVITE"));
	assert_slice("reason", f.reason, EAR_S("Ringing now"));
	assert_slice("from_tag", f.from_tag, EAR_S("1"));
	assert_slice("to_tag", f.to_tag, EAR_S("2"));
	assert_slice("user_agent", f.user_agent, EAR_S("PBX"));
	(void)state;
}

static void test_log(void **state)
{
	struct ear_msg msg = {.proto = EAR_PROTO_LOG,
		.correlation = EAR_S("abc@h"),
		.raw = EAR_S("NOTICE: something")};
	struct ear_facts f;

	ear_msg_examine(&msg, &f);
	assert_int_equal(f.kind, EAR_KIND_EVENT);
	assert_false(f.malformed);
	assert_slice("call_id", f.call_id, EAR_S("abc@h"));
	assert_slice("body", f.body, EAR_S("NOTICE: something"));
	(void)state;
}

/* Nothing at all, and what only the tap knows. */
static void test_flags(void **state)
{
	struct ear_msg msg = {.proto = EAR_PROTO_SIP};
	struct ear_facts f;

	ear_msg_examine(&msg, &f);
	assert_true(f.malformed);
	assert_int_equal(f.kind, EAR_KIND_UNKNOWN);
	msg = sip(REPLY);
	msg.flags = EAR_MSG_MALFORMED;
	ear_msg_facts(&msg, &f);
	assert_true(f.malformed);
	msg = (struct ear_msg){.raw = EAR_S("?")};
	ear_msg_examine(&msg, &f);
	assert_false(f.malformed);
	assert_slice("body", f.body, EAR_S("?"));
	(void)state;
}

static void test_check(void **state)
{
	struct ear_msg msg = sip("OPTIONS sip:h SIP/2.0\r\n\r\n");
	struct ear_finding found[EAR_FINDINGS_MAX];
	size_t n;

	msg.transport = EAR_TR_TCP;
	msg.note = EAR_S("12 hep.chunk a chunk too many\n\nx odd\n");
	n = ear_msg_check(&msg, found);
	assert_int_equal(n, 8);
	assert_int_equal(found[0].offset, 12);
	assert_slice("rule", found[0].rule, EAR_S("hep.chunk"));
	assert_slice("text", found[0].text, EAR_S("a chunk too many"));
	assert_int_equal(found[1].offset, 0);
	assert_slice("rule", found[1].rule, EAR_S("odd"));
	assert_slice("rule", found[2].rule, EAR_S("sip.missing.via"));
	assert_slice("source", found[2].source, EAR_S("RFC 3261 s8.1.1"));
	assert_slice(
		"rule", found[7].rule, EAR_S("sip.missing.content-length"));
	msg.transport = EAR_TR_WS;
	assert_int_equal(ear_msg_check(&msg, found), 7);
	msg.note = EAR_S("0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n"
			 "0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n0 a b\n"
			 "0 a b\n0 a b\n0 a b\n0 a b\n");
	assert_int_equal(ear_msg_check(&msg, found), EAR_FINDINGS_MAX);
	(void)state;
}

static void test_names(void **state)
{
	for (int t = EAR_TR_UDP; t <= EAR_TR_SECURE; t++)
		assert_int_equal(ear_transport_of(ear_transport_name(t)), t);
	assert_int_equal(ear_transport_of(EAR_S("WSS")), EAR_TR_WSS);
	assert_int_equal(ear_transport_of(EAR_S("")), EAR_TR_UNKNOWN);
	assert_int_equal(ear_transport_of(EAR_S("quic")), EAR_TR_UNKNOWN);
	assert_slice("kind", ear_kind_name(EAR_KIND_EVENT), EAR_S("event"));
	assert_slice("kind", ear_kind_name(77), EAR_S(""));
	assert_slice("proto", ear_proto_name(EAR_PROTO_LOG), EAR_S("log"));
	assert_slice("way", ear_direction_name(EAR_DIR_OUT), EAR_S("out"));
	assert_slice("transport", ear_transport_name(200), EAR_S(""));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("message/msg", tests, NULL, NULL);
}
