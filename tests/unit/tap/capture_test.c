/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture puts into the journal, read by the decoder as the pump does:
 * the same message comes out. And which packets are passed over, and which
 * filters are none.
 */
#include "unit/table.h"

#include "base/time.h"
#include "message/conn.h"
#include "proto/hep_write.h"
#include "proto/ip_walk.h"
#include "tap/capture_priv.h"

#define SIP                                                        \
	"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n"          \
	"From: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: 1\r\n" \
	"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

/* An intake that holds one unit. */
static struct hold {
	struct ear_intake intake; /* first */
	struct ear_unit unit;
	struct ear_buf bytes;
	int n;
} hold;

static void put(struct ear_intake *in, const struct ear_unit *unit,
	struct ear_slice bytes)
{
	(void)in;
	hold.unit = *unit;
	hold.n++;
	ear_buf_reset(&hold.bytes);
	ear_buf_slice(&hold.bytes, bytes);
}

static void flush(struct ear_intake *in)
{
	(void)in;
}

/* What the decoder says of it. */
static struct {
	struct ear_msg msg;
	struct ear_conn_event event;
	char note[128], node[32];
	int n;
} got;

static void on_message(const struct ear_msg *msg, void *arg)
{
	(void)arg;
	got.msg = *msg;
	got.n++;
	snprintf(got.note, sizeof(got.note), "%.*s", EAR_FMT(msg->note));
	snprintf(got.node, sizeof(got.node), "%.*s", EAR_FMT(msg->node));
	if (msg->proto == EAR_PROTO_CONN)
		assert_int_equal(ear_conn_read(msg->raw, &got.event), EAR_OK);
	else
		assert_slice("raw", msg->raw, EAR_S(SIP));
}

static void decode(struct ear_ledger *ledger, uint64_t n[EAR_N_COUNT])
{
	struct ear_decoder *d;
	char name[EAR_CAPTURE_NAME];
	struct ear_slice tap = ear_capture_name_of(&hold.unit.to, name);
	struct ear_tally *tally = ear_ledger_line(ledger, tap, EAR_S(""));

	assert_int_equal(ear_decoder_new(&d), EAR_OK);
	assert_slice("tap", tap, EAR_S("capture:eth7"));
	got.n = 0;
	ear_tally_add(tally, EAR_N_RECEIVED, hold.unit.units, 1);
	ear_decode(d, &hold.unit, ear_buf_view(&hold.bytes), tap, EAR_S(""),
		tally, on_message, NULL);
	ear_ledger_sum(ledger, n);
	ear_decoder_free(&d);
}

static struct ear_capture_out out;

static int setup(void **state)
{
	static struct ear_addr own[2];
	const struct ear_capture_options options = {
		.device = "eth7",
		.node = "probe",
		.capture_id = 9,
		.own = own,
		.own_n = 2,
	};

	(void)state;
	own[0] = ear_addr_v4("\x7f\0\0\1", 9060);
	own[1] = ear_addr_v4("\0\0\0\0", 9061);
	hold.intake = (struct ear_intake){.put = put, .flush = flush};
	out.intake = &hold.intake;
	return ear_capture_out_init(&out, &options);
}

static int teardown(void **state)
{
	(void)state;
	ear_capture_out_fini(&out);
	ear_buf_fini(&hold.bytes);
	return 0;
}

static struct ear_msg message(void)
{
	return (struct ear_msg){
		.at_ns = 1700000000123456789,
		.seen_ns = 1700000001000000000,
		.src = ear_addr_v4("\x0a\0\0\1", 5060),
		.dst = ear_addr_v4("\x0a\0\0\2", 5061),
		.transport = EAR_TR_WSS,
		.proto = EAR_PROTO_SIP,
		.ip_proto = EAR_IP_TCP,
		.raw = EAR_S(SIP),
	};
}

static void test_message(void **state)
{
	struct ear_msg msg = message();
	uint64_t n[EAR_N_COUNT];
	struct ear_ledger *ledger;

	(void)state;
	msg.flags = EAR_MSG_TRUNCATED;
	msg.note = EAR_S("4 capture.gap 7 bytes are missing");
	ear_capture_out_message(&msg, &out);
	assert_int_equal(ear_ledger_new(16, &ledger), EAR_OK);
	decode(ledger, n);
	assert_int_equal(got.n, 1);
	assert_true(got.msg.at_ns == msg.at_ns);
	assert_true(got.msg.seen_ns == msg.seen_ns);
	assert_true(ear_addr_eq(&got.msg.src, &msg.src));
	assert_true(ear_addr_eq(&got.msg.dst, &msg.dst));
	assert_int_equal(got.msg.via.family, 0);
	assert_int_equal(got.msg.transport, EAR_TR_WSS);
	assert_int_equal(got.msg.capture_id, 9);
	assert_int_equal(got.msg.flags, EAR_MSG_TRUNCATED);
	assert_string_equal(got.node, "probe");
	assert_string_equal(got.note, "4 capture.gap 7 bytes are missing\n");
	assert_int_equal(n[EAR_N_RECEIVED], 1);
	ear_ledger_free(&ledger);
}

/* Neither received nor anything else: the sums are of messages. */
static void test_event(void **state)
{
	const struct ear_conn_event event = {.kind = EAR_CONN_CLOSED,
		.cause = EAR_CAUSE_NETWORK_ERROR,
		.opened_ns = 77,
		.bytes = {1, 2}};
	struct ear_msg msg = message();
	uint64_t n[EAR_N_COUNT];
	struct ear_ledger *ledger;
	struct ear_buf raw = {0};

	(void)state;
	ear_conn_write(&event, &raw);
	msg.proto = EAR_PROTO_CONN;
	msg.raw = ear_buf_view(&raw);
	msg.note = EAR_S("0 connection.lost it is");
	ear_capture_out_message(&msg, &out);
	assert_int_equal(hold.unit.units, 0);
	assert_int_equal(ear_ledger_new(16, &ledger), EAR_OK);
	decode(ledger, n);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.msg.proto, EAR_PROTO_CONN);
	assert_true(got.msg.at_ns == msg.at_ns);
	assert_int_equal(got.msg.transport, EAR_TR_WSS);
	assert_int_equal(got.event.cause, EAR_CAUSE_NETWORK_ERROR);
	assert_true(got.event.opened_ns == 77 && got.event.bytes[1] == 2);
	assert_string_equal(got.note, "0 connection.lost it is\n");
	for (int i = 0; i < EAR_N_COUNT; i++)
		assert_true(!n[i]);
	/* in a unit that was counted it is something beside messages */
	hold.unit.units = 1;
	decode(ledger, n);
	assert_true(n[EAR_N_RECEIVED] == 1 && n[EAR_N_OTHER] == 1 &&
		    !ear_ledger_open(n));
	ear_ledger_free(&ledger);
	ear_buf_fini(&raw);
}

static void test_own(void **state)
{
	static const struct {
		const char *name, *ip;
		uint16_t port;
		bool taken;
	} rows[] = {
		{"a listener of ours", "\x7f\0\0\1", 9060, false},
		{"another port", "\x7f\0\0\1", 9062, true},
		{"the same port elsewhere", "\x0a\0\0\2", 9060, true},
		{"any address of ours", "\x7f\0\0\1", 9061, false},
		{"any is not somebody else's", "\xcb\0\x71\1", 9061, true},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = message();

		msg.dst = ear_addr_v4(rows[i].ip, rows[i].port);
		hold.n = 0;
		ear_capture_out_message(&msg, &out);
		if (hold.n != rows[i].taken)
			fail_msg("%s", rows[i].name);
	}
}

/* What a mirror of this machine sends is not captured again. */
static void test_copies(void **state)
{
	struct ear_packet_place place = {.src = ear_addr_v4("\x7f\0\0\1", 1000),
		.dst = ear_addr_v4("\xcb\0\x71\1", 9060)};
	struct ear_buf hops = {0}, packet = {0};
	struct ear_hep_out hep = {
		.version = 3, .payload_type = 1, .payload = EAR_S(SIP)};

	(void)state;
	for (int i = 0; i < 2; i++) {
		ear_buf_reset(&packet);
		assert_int_equal(ear_hep_write(&hep, &packet), EAR_OK);
		hold.n = 0;
		ear_capture_out_hep(&place, ear_buf_view(&packet), false, &out);
		assert_int_equal(hold.n, !i);
		ear_hep_write_chunk(&hops, EAR_HEP_HOPS, EAR_S("\1"));
		hep.extra = ear_buf_view(&hops);
	}
	place.src = ear_addr_v4("\xcb\0\x71\2", 1000);
	ear_capture_out_hep(&place, ear_buf_view(&packet), false, &out);
	assert_int_equal(hold.n, 1);
	ear_buf_fini(&hops);
	ear_buf_fini(&packet);
}

static void test_filter(void **state)
{
	static const struct {
		const char *filter;
		enum ear_err want;
	} rows[] = {{"", EAR_OK}, {"port 5060 or (vlan and port 5060)", EAR_OK},
		{"port what", EAR_USAGE}, {"(", EAR_USAGE}};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};

		assert_int_equal(ear_capture_check(rows[i].filter, &fault),
			rows[i].want);
		assert_true(!rows[i].want == !fault.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
