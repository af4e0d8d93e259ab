/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of connections, from packets made here. Each row is a run of
 * segments; what was handed out is written as words:
 *
 *     opened:tcp, opened:tcp? (joined), carries:ws, message,
 *     closed:NORMAL/client/12/34 and the rule of its note, where it has one
 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "message/conn.h"
#include "proto/ip_walk.h"
#include "proto/pcap.h"
#include "tap/packets.h"

#define F EAR_TCP_FIN
#define S EAR_TCP_SYN
#define R EAR_TCP_RST
#define A EAR_TCP_ACK

#define SIP                               \
	"OPTIONS sip:a SIP/2.0\r\n"       \
	"Via: SIP/2.0/TCP a\r\n"          \
	"From: <sip:a@a>;tag=1\r\n"       \
	"To: <sip:a@a>\r\nCall-ID: 1\r\n" \
	"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
#define SIP_BYTES "131"

struct step {
	uint32_t at_ms;
	int dir;       /* 0: from the client's port; -1 ends the list */
	uint8_t flags; /* of TCP */
	const char *bytes;
	int back; /* sent again: numbers this far before the next */
	size_t n; /* of bytes; 0: as long as the text is */
};

/* A ClientHello with an ALPN of five letters, and its answer: TLS 1.2. */
#define RANDOM "0123456789abcdef0123456789abcdef"
#define HELLO(alpn)                                     \
	"\x16\x03\x01\0\x3b\x01\0\0\x37\x03\x03" RANDOM \
	"\0\0\x02\xc0\x2f\x01\0\0\x0c\0\x10\0\x08\0\x06\x05" alpn
#define HELLO_BYTES 64
#define ANSWER(alpn)                                    \
	"\x16\x03\x03\0\x38\x02\0\0\x34\x03\x03" RANDOM \
	"\0\xc0\x2f\0\0\x0c\0\x10\0\x08\0\x06\x05" alpn
#define ANSWER_BYTES 61
#define CHANGE "\x14\x03\x03\0\x01\x01"
#define TLS_SHAKE(alpn)                                    \
	{10, 0, A, HELLO(alpn), 0, HELLO_BYTES},           \
		{11, 1, A, ANSWER(alpn), 0, ANSWER_BYTES}, \
		{12, 0, A, CHANGE, 0, 6},                  \
	{                                                  \
		13, 1, A, CHANGE, 0, 6                     \
	}

#define UPGRADE(more)                                          \
	{10, 0, A,                                             \
		"GET / HTTP/1.1\r\nUpgrade: websocket\r\n"     \
		"Connection: Upgrade\r\n" more "\r\n"},        \
	{                                                      \
		11, 1, A,                                      \
			"HTTP/1.1 101 Switching Protocols\r\n" \
			"Upgrade: websocket\r\n\r\n"           \
	}

struct row {
	const char *name;
	uint16_t port[2];
	struct step steps[12];
	const char *want;
};

#define SHAKE                             \
	{0, 0, S, ""}, {1, 1, S | A, ""}, \
	{                                 \
		2, 0, A, ""               \
	}
#define END           \
	{             \
		0, -1 \
	}
#define LATER(ms)              \
	{                      \
		(ms), 2, 0, "" \
	}

static const struct row rows[] = {
	{"FIN of both", {40000, 5060},
		{SHAKE, {10, 0, A, SIP}, {20, 0, F | A, ""}, {21, 1, F | A, ""},
			END},
		"opened:tcp carries:tcp message closed:NORMAL/client/" SIP_BYTES
		"/0 "},
	{"FIN of the server first", {40000, 5060},
		{SHAKE, {20, 1, F | A, ""}, {21, 0, F | A, ""}, END},
		"opened:tcp closed:NORMAL/server/0/0 "},
	{"reset", {40000, 5060}, {SHAKE, {10, 0, A, SIP}, {20, 0, R, ""}, END},
		"opened:tcp carries:tcp message "
		"closed:NETWORK_ERROR/client/" SIP_BYTES "/0 "},
	{"reset by the server", {40000, 5060}, {SHAKE, {20, 1, R, ""}, END},
		"opened:tcp closed:NETWORK_ERROR/server/0/0 "},
	{"a reset behind a FIN is only impolite", {40000, 5060},
		{SHAKE, {20, 0, F | A, ""}, {21, 0, R, ""}, END},
		"opened:tcp closed:NORMAL/client/0/0 "},
	{"refused", {40000, 5060}, {{0, 0, S, ""}, {1, 1, R | A, ""}, END}, ""},
	{"nobody answers", {40000, 5060},
		{{0, 0, S, ""}, {1000, 0, S, "", 1}, LATER(2000000), END}, ""},
	{"of something else", {40000, 80},
		{SHAKE, {10, 0, A, "GET / HTTP/1.1\r\n\r\n"}, {20, 0, R, ""},
			END},
		""},
	{"on no port of SIP, known by what it carries", {40000, 7000},
		{SHAKE, {10, 0, A, SIP}, END},
		"opened:tcp carries:tcp message "},
	{"up before the capture began", {40000, 5060},
		{{10, 1, A, SIP}, {20, 0, F | A, ""}, {21, 1, F | A, ""}, END},
		"opened:tcp? carries:tcp message "
		"closed:NORMAL/client/0/" SIP_BYTES " "},
	{"joined, the server is who has the lower port", {7001, 40000},
		{{10, 0, A, SIP}, {20, 0, R, ""}, END},
		"opened:tcp? carries:tcp message "
		"closed:NETWORK_ERROR/server/0/" SIP_BYTES " "},
	{"silent for 15 minutes", {40000, 5060},
		{SHAKE, {10, 0, A, SIP}, LATER(902000), END},
		"opened:tcp carries:tcp message closed:TIMEOUT//" SIP_BYTES
		"/0 "},
	{"unplugged: sent again and again", {40000, 5060},
		{SHAKE, {10, 1, A, SIP}, {210, 1, A, SIP, 131},
			{610, 1, A, SIP, 131}, {1410, 1, A, SIP, 131},
			LATER(34000), END},
		"opened:tcp carries:tcp message "
		"closed:NETWORK_ERROR/client/0/" SIP_BYTES "/connection.lost "},
	{"keep-alives of TCP without an answer", {40000, 5060},
		{SHAKE, {10000, 1, A, "", 1}, {20000, 1, A, "", 1},
			{30000, 1, A, "", 1}, {40000, 1, A, "", 1},
			LATER(43000), END},
		"opened:tcp closed:NETWORK_ERROR/client/0/0/connection.lost "},
	{"keep-alives that are answered", {40000, 5060},
		{SHAKE, {10000, 1, A, "", 1}, {20000, 1, A, "", 1},
			{30000, 1, A, "", 1}, {40000, 0, A, ""}, LATER(43000),
			END},
		"opened:tcp "},
	{"lost, and there again", {40000, 5060},
		{SHAKE, {10, 1, A, SIP}, {210, 1, A, SIP, 131},
			{610, 1, A, SIP, 131}, {1410, 1, A, SIP, 131},
			LATER(34000), {35000, 0, A, ""}, {35001, 1, A, SIP},
			{36000, 0, R, ""}, END},
		"opened:tcp carries:tcp message "
		"closed:NETWORK_ERROR/client/0/" SIP_BYTES
		"/connection.lost opened:tcp? message "
		"closed:NETWORK_ERROR/client/0/" SIP_BYTES " "},
	{"its ports used again", {40000, 5060},
		{SHAKE, {10, 0, A, SIP}, {20, 0, S, "", -100000},
			{21, 1, S | A, "", -100000}, {22, 0, A, SIP}, END},
		"opened:tcp carries:tcp message closed:UNKNOWN//" SIP_BYTES
		"/0 opened:tcp carries:tcp message "},
	{"one FIN, and a minute of silence", {40000, 5060},
		{SHAKE, {10, 0, F | A, ""}, LATER(63000), END},
		"opened:tcp closed:NORMAL/client/0/0 "},
	{"WebSocket, closed by frame", {40000, 8080},
		{SHAKE, UPGRADE("Sec-WebSocket-Protocol: sip\r\n"),
			{20, 1, A, "\x88\x02\x03\xe9"}, {21, 0, F | A, ""},
			{22, 1, F | A, ""}, END},
		"opened:ws carries:ws closed:NORMAL/server/88/60/"
		"connection.close_frame "},
	{"WebSocket of something else", {40000, 8080},
		{SHAKE, UPGRADE("Sec-WebSocket-Protocol: chat\r\n"),
			{20, 1, A, "\x81\x02hi"}, {21, 0, R, ""}, END},
		""},
	{"WebSocket that turns out to be of SIP", {40000, 8080},
		{SHAKE, UPGRADE(""), {20, 1, A, "\x81\x7e\x00\x83" SIP, 0, 135},
			END},
		"opened:ws carries:ws message "},
	{"TLS on a port of SIP", {40000, 5061},
		{SHAKE, TLS_SHAKE("h2..."), {20, 0, R, ""}, END},
		"opened:tcp carries:tls tls:tls "
		"closed:NETWORK_ERROR/client/70/67 "},
	{"TLS of the web", {40000, 443},
		{SHAKE, TLS_SHAKE("h2..."), {20, 0, R, ""}, END}, ""},
	{"TLS on any port, but for SIP", {40000, 443},
		{SHAKE, TLS_SHAKE("sip/2"), {20, 0, R, ""}, END},
		"opened:tls carries:tls tls:tls "
		"closed:NETWORK_ERROR/client/70/67 "},
	{"TLS of the web, up before the capture began", {40000, 443},
		{TLS_SHAKE("h2..."), {20, 0, R, ""}, END}, ""},
};

static void on_message(const struct ear_msg *msg, void *arg)
{
	static const char *const kind[] = {
		"", "opened", "tls", "carries", "closed"};
	static const char *const side[] = {"", "client", "server"};
	struct ear_buf *out = arg;
	struct ear_conn_event e;

	if (msg->proto != EAR_PROTO_CONN) {
		ear_buf_str(out, "message ");
		return;
	}
	assert_int_equal(ear_conn_read(msg->raw, &e), EAR_OK);
	assert_true(msg->at_ns >= e.opened_ns);
	if (e.kind == EAR_CONN_OPENED)
		assert_true(msg->at_ns == e.opened_ns);
	ear_buf_printf(out, "%s:", kind[e.kind]);
	if (e.kind == EAR_CONN_CLOSED) {
		struct ear_slice note = msg->note;
		struct ear_slice rule = ear_slice_sub(note, 2, note.n);

		ear_buf_printf(out, "%.*s/%s/%llu/%llu%s%.*s",
			EAR_FMT(ear_conn_cause_name(e.cause)), side[e.by],
			(unsigned long long)e.bytes[0],
			(unsigned long long)e.bytes[1], note.n ? "/" : "",
			(int)ear_slice_find(rule, EAR_S(" ")),
			rule.n ? rule.p : "");
	} else {
		ear_buf_printf(out, "%.*s%s",
			EAR_FMT(ear_transport_name(msg->transport)),
			e.joined && e.kind == EAR_CONN_OPENED ? "?" : "");
	}
	ear_buf_byte(out, ' ');
}

static void be(struct ear_buf *b, uint64_t v, int bytes)
{
	while (bytes--)
		ear_buf_byte(b, (uint8_t)(v >> 8 * bytes));
}

/* IPv4 and TCP without a link layer. */
static void put_segment(struct ear_packets *ps, const struct row *row,
	const struct step *s, uint32_t next[2])
{
	struct ear_slice bytes =
		ear_slice(s->bytes, s->n ? s->n : strlen(s->bytes));
	uint32_t seq = next[s->dir] - (uint32_t)s->back;
	struct ear_buf b = {0};

	be(&b, 0x4500, 2);
	be(&b, 40 + bytes.n, 2);
	be(&b, 0x0000400040060000, 8);
	be(&b, s->dir ? 0x0a000002 : 0x0a000001, 4);
	be(&b, s->dir ? 0x0a000001 : 0x0a000002, 4);
	be(&b, row->port[s->dir], 2);
	be(&b, row->port[!s->dir], 2);
	be(&b, seq, 4);
	be(&b, next[!s->dir], 4);
	be(&b, 0x5000u | s->flags, 2);
	be(&b, 0xffff00000000, 6);
	ear_buf_slice(&b, bytes);
	ear_packets_frame(ps, EAR_LINK_RAW,
		1000 * EAR_SECOND_NS + s->at_ms * EAR_MS_NS, ear_buf_view(&b));
	if (s->back <= 0)
		next[s->dir] = seq + (uint32_t)bytes.n + !!(s->flags & (S | F));
	ear_buf_fini(&b);
}

static void check_row(const struct row *row)
{
	struct ear_ledger *ledger;
	struct ear_buf got = {0};
	struct ear_packets_options options = {
		.fn = on_message,
		.arg = &got,
		.tap = EAR_S("test"),
		.tell = true,
	};
	uint32_t next[2] = {1000, 0xfffffff0};
	struct ear_packets *ps;

	assert_int_equal(ear_ledger_new(16, &ledger), EAR_OK);
	options.tally = ear_ledger_line(ledger, EAR_S("t"), EAR_S(""));
	assert_int_equal(ear_packets_new(&options, &ps), EAR_OK);
	for (const struct step *s = row->steps; s->dir >= 0; s++) {
		if (s->dir == 2)
			ear_packets_tick(ps,
				1000 * EAR_SECOND_NS + s->at_ms * EAR_MS_NS);
		else
			put_segment(ps, row, s, next);
	}
	ear_packets_end(ps);
	assert_slice(row->name, ear_buf_view(&got), ear_slice_str(row->want));
	ear_packets_free(&ps);
	ear_ledger_free(&ledger);
	ear_buf_fini(&got);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		check_row(&rows[i]);
}

/* Times of events do not depend on how often somebody looks. */
static void test_when(void **state)
{
	(void)state;
	for (uint32_t step_ms = 700; step_ms < 20000; step_ms += 1900) {
		struct row row = rows[0];
		uint32_t at = 10;

		row.steps[3] = (struct step){at, 0, A, SIP};
		row.steps[4] = (struct step){902000 + step_ms, 2, 0, ""};
		row.steps[5] = (struct step)END;
		row.want = "opened:tcp carries:tcp message "
			   "closed:TIMEOUT//" SIP_BYTES "/0 ";
		check_row(&row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
