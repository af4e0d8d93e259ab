/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "rule/mask.h"

#define HEAD                                                  \
	"REGISTER sip:example.com SIP/2.0\r\n"                \
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n" \
	"From: <sip:alice@example.com>;tag=1\r\n"             \
	"To: <sip:alice@example.com>\r\n"                     \
	"Call-ID: 1@192.0.2.1\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"

#define DIGEST(response)                                                    \
	"Authorization: Digest username=\"alice\", realm=\"example.com\", " \
	"nonce=\"abc\", uri=\"sip:example.com\", response=\"" response      \
	"\"\r\n"

static void test_mask(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{"no secret", HEAD "Content-Length: 0\r\n\r\n", NULL},
		{"digest",
			HEAD DIGEST("0123456789abcdef0123456789abcdef") "\r\n",
			HEAD DIGEST("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") "\r\n"},
		{"basic", HEAD "Authorization: Basic YWxpY2U6cHc=\r\n\r\n",
			HEAD "Authorization: Basic xxxxxxxxxxxx\r\n\r\n"},
		{"password in a URI",
			HEAD "Contact: <sip:alice:hush@192.0.2.1>\r\n\r\n",
			HEAD "Contact: <sip:alice:xxxx@192.0.2.1>\r\n\r\n"},
		{"password in a first line without header",
			"INVITE sip:bob:hush@192.0.2.1 SIP/2.0\r\n\r\n",
			"INVITE sip:bob:xxxx@192.0.2.1 SIP/2.0\r\n\r\n"},
		{"the same, cut", "INVITE sip:bob:hush@192.0.2.1",
			"INVITE sip:bob:xxxx@192.0.2.1"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = {.proto = EAR_PROTO_SIP,
			.transport = EAR_TR_UDP,
			.raw = ear_slice_str(rows[i].in)};
		struct ear_buf out = {0};
		struct ear_facts facts;
		bool masked;

		ear_msg_examine(&msg, &facts);
		masked = ear_mask_secrets(&msg, &facts, &out);
		assert_int_equal(masked, rows[i].want != NULL);
		assert_slice(rows[i].name, msg.raw,
			ear_slice_str(
				rows[i].want ? rows[i].want : rows[i].in));
		ear_buf_fini(&out);
	}
	(void)state;
}

static void test_mask_log(void **state)
{
	struct ear_msg msg = {.proto = EAR_PROTO_LOG,
		.raw = EAR_S("login of bob, password=hush, 401")};
	struct ear_buf out = {0};
	struct ear_facts facts;

	ear_msg_examine(&msg, &facts);
	assert_true(facts.secrets);
	assert_true(ear_mask_secrets(&msg, &facts, &out));
	assert_slice("log", msg.raw, EAR_S("login of bob, password=xxxx, 401"));
	msg.raw = EAR_S("nothing of the kind");
	ear_msg_examine(&msg, &facts);
	assert_false(facts.secrets);
	assert_slice("text", ear_mask_text(EAR_S("pwd=a b"), &out),
		EAR_S("pwd=x b"));
	ear_buf_fini(&out);
	(void)state;
}

static void test_evidence_stays(void **state)
{
	/* The bytes that came in are never written to. */
	static const char in[] = HEAD DIGEST("0123456789abcdef") "\r\n";
	struct ear_msg msg = {
		.proto = EAR_PROTO_SIP, .raw = ear_slice(in, sizeof(in) - 1)};
	struct ear_buf out = {.max = 16};
	struct ear_facts facts;

	ear_msg_examine(&msg, &facts);
	assert_false(ear_mask_secrets(&msg, &facts, &out));
	assert_int_equal(out.err, EAR_LIMIT);
	assert_ptr_equal(msg.raw.p, in);
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_mask_log),
		cmocka_unit_test(test_evidence_stays),
	};

	return cmocka_run_group_tests_name("rule/mask", tests, NULL, NULL);
}
