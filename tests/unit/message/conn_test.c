/* SPDX-License-Identifier: Apache-2.0 */
/* Connection events: written, read again, and refused where they are none. */
#include "unit/table.h"

#include "message/conn.h"

static void whole(void **state)
{
	const struct ear_conn_event event = {
		.kind = EAR_CONN_CLOSED,
		.cause = EAR_CAUSE_NETWORK_ERROR,
		.by = EAR_SIDE_SERVER,
		.joined = true,
		.opened_ns = UINT64_MAX,
		.bytes = {1, 1ull << 40},
		.tls = {.version = 0x0304,
			.cipher = 0x1301,
			.alert = 41,
			.alert_by = EAR_SIDE_CLIENT,
			.not_after_ns = 7,
			.cipher_name = EAR_S("TLS_AES_128_GCM_SHA256"),
			.sni = EAR_S("sip.example.com"),
			.alpn = EAR_S("sip"),
			.subject = EAR_S("CN=a\nkind 1\x7f b"),
			.issuer = EAR_S("CN=ca, O=x"),
			.unread = EAR_S("no key in the key log")},
	};
	struct ear_buf out = {0}, again = {0};
	struct ear_conn_event got;

	(void)state;
	ear_conn_write(&event, &out);
	assert_int_equal(out.err, EAR_OK);
	assert_int_equal(ear_conn_read(ear_buf_view(&out), &got), EAR_OK);
	assert_int_equal(got.kind, EAR_CONN_CLOSED);
	assert_int_equal(got.cause, EAR_CAUSE_NETWORK_ERROR);
	assert_int_equal(got.by, EAR_SIDE_SERVER);
	assert_true(got.joined);
	assert_true(got.opened_ns == UINT64_MAX);
	assert_true(got.bytes[0] == 1 && got.bytes[1] == 1ull << 40);
	assert_int_equal(got.tls.version, 0x0304);
	assert_int_equal(got.tls.alert, 41);
	assert_slice("sni", got.tls.sni, EAR_S("sip.example.com"));
	/* no line of its own out of a certificate */
	assert_slice("subject", got.tls.subject, EAR_S("CN=a?kind 1? b"));
	assert_slice("unread", got.tls.unread, EAR_S("no key in the key log"));
	ear_conn_write(&got, &again);
	assert_slice("again", ear_buf_view(&again), ear_buf_view(&out));
	ear_buf_fini(&out);
	ear_buf_fini(&again);
}

static void read(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		enum ear_err want;
	} rows[] = {
		{"least", EAR_S_INIT("kind 1\n"), EAR_OK},
		{"later key", EAR_S_INIT("kind 1\nmood 3\n"), EAR_OK},
		{"empty", EAR_S_INIT(""), EAR_BAD},
		{"no kind", EAR_S_INIT("by 1\n"), EAR_BAD},
		{"kind 0", EAR_S_INIT("kind 0\n"), EAR_BAD},
		{"kind 5", EAR_S_INIT("kind 5\n"), EAR_BAD},
		{"cause 6", EAR_S_INIT("kind 4\ncause 6\n"), EAR_BAD},
		{"no number", EAR_S_INIT("kind 1\nopened x\n"), EAR_BAD},
		{"too large", EAR_S_INIT("kind 1\nversion 65536\n"), EAR_BAD},
		{"cut", EAR_S_INIT("kind 1"), EAR_BAD},
		{"no value", EAR_S_INIT("kind\n"), EAR_BAD},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_conn_event got;

		if (ear_conn_read(rows[i].in, &got) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
}

static void names(void **state)
{
	static const struct {
		uint16_t version;
		struct ear_slice want;
	} rows[] = {
		{0, EAR_S_INIT("")},
		{0x0303, EAR_S_INIT("TLSv1.2")},
		{0x0304, EAR_S_INIT("TLSv1.3")},
		{0x0305, EAR_S_INIT("0x0305")},
	};
	char room[8];

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		assert_slice("version",
			ear_tls_version_name(rows[i].version, room),
			rows[i].want);
	for (int c = EAR_CAUSE_UNKNOWN; c <= EAR_CAUSE_SERVER_STOP; c++)
		assert_int_equal(ear_conn_cause_of(ear_conn_cause_name(
					 (enum ear_conn_cause)c)),
			c);
	assert_slice("cause", ear_conn_cause_name(EAR_CAUSE_NETWORK_ERROR),
		EAR_S("NETWORK_ERROR"));
	assert_int_equal(
		ear_conn_cause_of(EAR_S("nothing")), EAR_CAUSE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(read),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
