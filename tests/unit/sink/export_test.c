/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "proto/ip_walk.h"
#include "proto/pcap.h"
#include "sink/pcap_file.h"
#include "sink/text.h"

#define AT 1795348800123456789ULL

static enum ear_err to_buf(struct ear_slice bytes, void *arg)
{
	ear_buf_slice(arg, bytes);
	return EAR_OK;
}

static enum ear_err refuse(struct ear_slice bytes, void *arg)
{
	(void)bytes;
	(void)arg;
	return EAR_FULL;
}

static struct ear_msg message(enum ear_transport transport)
{
	return (struct ear_msg){.at_ns = AT,
		.src = ear_addr_v4("\xc0\0\2\1", 5060),
		.dst = ear_addr_v4("\xc0\0\2\2", 5061),
		.transport = (uint8_t)transport,
		.raw = EAR_S("OPTIONS sip:a SIP/2.0\r\n\r\n")};
}

static void on_lost(const struct ear_ip_unit *u, void *arg)
{
	(void)u;
	(void)arg;
}

static void test_pcap(void **state)
{
	static const struct {
		enum ear_transport in;
		uint8_t want;
	} rows[] = {
		{EAR_TR_UDP, 17},
		{EAR_TR_TCP, 6},
		{EAR_TR_TLS, 6},
		{EAR_TR_SCTP, 132},
		{EAR_TR_WS, 6},
		{EAR_TR_WSS, 6},
		{EAR_TR_SECURE, 6},
		{EAR_TR_UNKNOWN, 17},
	};
	static const struct ear_pcap_write_options options = {0};
	struct ear_ip_walk *walk;
	struct ear_buf out = {0};
	struct ear_pcap_file *sink;
	struct ear_pcap p = {0};
	struct ear_slice file;

	assert_int_equal(
		ear_pcap_file_open(&options, to_buf, &out, &sink), EAR_OK);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = message(rows[i].in);

		assert_int_equal(ear_pcap_file_put(sink, &msg), EAR_OK);
	}
	assert_int_equal(ear_pcap_file_close(&sink), EAR_OK);
	assert_null(sink);
	assert_int_equal(ear_ip_walk_new(on_lost, NULL, &walk), EAR_OK);
	file = ear_buf_view(&out);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = message(rows[i].in);
		struct ear_pcap_packet k;
		struct ear_ip_unit u;
		size_t used;

		assert_int_equal(
			ear_pcap_next(&p, file, &used, &k, NULL), EAR_OK);
		file = ear_slice_sub(file, used, file.n);
		assert_int_equal(
			ear_ip_walk_frame(walk, k.link, k.at_ns, k.data, &u),
			EAR_OK);
		assert_int_equal(u.proto, rows[i].want);
		assert_int_equal(u.at_ns, AT);
		assert_true(ear_addr_eq(&u.src, &msg.src));
		assert_true(ear_addr_eq(&u.dst, &msg.dst));
	}
	assert_int_equal(ear_pcap_end(&p, file.n, NULL), EAR_OK);
	ear_pcap_fini(&p);
	ear_ip_walk_free(&walk);
	ear_buf_fini(&out);
	(void)state;
}

/* A failure to write is told, at once or at the end, and stays. */
static void test_refused(void **state)
{
	static const struct ear_pcap_write_options options = {0};
	struct ear_msg msg = message(EAR_TR_UDP);
	static char big[60000];
	struct ear_pcap_file *sink;

	assert_int_equal(
		ear_pcap_file_open(&options, refuse, NULL, &sink), EAR_OK);
	assert_int_equal(ear_pcap_file_put(sink, &msg), EAR_OK);
	assert_int_equal(ear_pcap_file_close(&sink), EAR_FULL);
	assert_int_equal(
		ear_pcap_file_open(&options, refuse, NULL, &sink), EAR_OK);
	msg.raw = ear_slice(big, sizeof(big));
	assert_int_equal(ear_pcap_file_put(sink, &msg), EAR_OK);
	assert_int_equal(ear_pcap_file_put(sink, &msg), EAR_FULL);
	assert_int_equal(ear_pcap_file_put(sink, &msg), EAR_FULL);
	assert_int_equal(ear_pcap_file_close(&sink), EAR_FULL);
	assert_int_equal(ear_pcap_file_close(&sink), EAR_OK);
	(void)state;
}

static void test_text(void **state)
{
	struct ear_msg msg = message(EAR_TR_UDP);
	struct ear_buf out = {0};

	ear_text_put(&msg, &out);
	assert_slice("plain", ear_buf_view(&out),
		EAR_S("---- 2026-11-22T12:00:00.123456789Z udp 192.0.2.1:5060 "
		      "-> 192.0.2.2:5061\nOPTIONS sip:a SIP/2.0\r\n\r\n\n"));
	ear_buf_reset(&out);
	msg = (struct ear_msg){.flags = EAR_MSG_TRUNCATED | EAR_MSG_MALFORMED,
		.raw = EAR_S("cut")};
	ear_text_put(&msg, &out);
	assert_slice("odd", ear_buf_view(&out),
		EAR_S("---- 1970-01-01T00:00:00.000000000Z ? ? -> ? "
		      "[malformed] [truncated]\ncut\n\n"));
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("sink/export", tests, NULL, NULL);
}
