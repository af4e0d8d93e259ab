/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "message/template.h"

static const char invite[] =
	"INVITE sip:bob@example.net SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
	"From: \"A. Alice\" <sip:alice@example.com>;tag=1\r\n"
	"To: <sip:bob@example.net>\r\n"
	"Call-ID: 1@192.0.2.1\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\n"
	"Diversion: <sip:carol@example.com>\r\n"
	"s: greetings\r\n\r\n";

static void test_fill(void **state)
{
	static const struct {
		const char *text, *want;
		bool fixed;
	} rows[] = {
		{"", "", true},
		{"alice", "alice", true},
		{"{from.user}", "alice", false},
		{"{from.user}@{from.host}", "alice@example.com", false},
		{"<{ FROM.user }>", "<alice>", false},
		{"{{{from.user}}}", "{alice}", false},
		{"a{{b}}c{{d", "a{b}c{d", true},
		{"{{}}", "{}", true},
		{"{status} {cseq} {src.port}", "0 7 INVITE 5060", false},
		{"{header.diversion}|{header.subject}|{header.none}",
			"<sip:carol@example.com>|greetings|", false},
		{"{auth.user}", "", false},
		{"{call_id}{call_id}", "1@192.0.2.11@192.0.2.1", false},
	};
	static const uint8_t ip[4] = {192, 0, 2, 1};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = {.proto = EAR_PROTO_SIP,
			.src = ear_addr_v4(ip, 5060),
			.raw = EAR_S(invite)};
		struct ear_fault fault = {0};
		struct ear_template *t;
		struct ear_facts facts;
		struct ear_buf out = {0};

		ear_msg_facts(&msg, &facts);
		if (ear_template_new(ear_slice_str(rows[i].text), &t, &fault))
			fail_msg("%s: %s", rows[i].text, fault.text);
		assert_int_equal(ear_template_fixed(t), rows[i].fixed);
		ear_template_fill(t, &msg, &facts, &out);
		assert_slice(rows[i].text, ear_buf_view(&out),
			ear_slice_str(rows[i].want));
		ear_buf_fini(&out);
		ear_template_free(&t);
		assert_null(t);
	}
	(void)state;
}

static void test_faults(void **state)
{
	static const struct {
		const char *text, *want;
		size_t offset;
	} rows[] = {
		{"a{from.usr}",
			"there is no field 'from.usr'; did you mean "
			"{from.user}?",
			2},
		{"{xyzzyxyzzy}",
			"there is no field 'xyzzyxyzzy'; `earshot fields` "
			"lists them",
			1},
		{"{}", "there is no field ''; `earshot fields` lists them", 1},
		{"ab{from.user",
			"'{' without its '}'; write '{{' for the character", 2},
		{"ab}c", "'}' without its '{'; write '}}' for the character",
			2},
		{"{header.}", NULL, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_template *t;

		assert_int_equal(ear_template_new(ear_slice_str(rows[i].text),
					 &t, &fault),
			EAR_USAGE);
		assert_null(t);
		if (rows[i].want)
			assert_string_equal(fault.text, rows[i].want);
		assert_int_equal(fault.offset, rows[i].offset);
	}
	(void)state;
}

static void test_limit(void **state)
{
	struct ear_fault fault = {0};
	struct ear_template *t;
	struct ear_buf text = {0};

	for (int i = 0; i < EAR_TEMPLATE_FIELDS; i++)
		ear_buf_str(&text, "{at}");
	assert_int_equal(
		ear_template_new(ear_buf_view(&text), &t, &fault), EAR_OK);
	ear_template_free(&t);
	ear_buf_str(&text, "{at}");
	assert_int_equal(
		ear_template_new(ear_buf_view(&text), &t, &fault), EAR_USAGE);
	assert_int_equal(fault.offset, text.n - 3);
	ear_buf_fini(&text);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
