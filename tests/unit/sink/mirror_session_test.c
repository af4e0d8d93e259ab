/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions on the loopback: what is handed over, what is safe, what breaks. */
#include "unit/table.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "net/connect.h"
#include "net/socket.h"
#include "proto/hep_write.h"
#include "sink/mirror.h"

#define SIP "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n"

/* One collector, its listening or datagram socket and its connection. */
struct world {
	int fd;
	int conn;
	struct ear_addr at;
	struct ear_sink *sink;
	struct ear_fault fault;
	struct ear_buf bytes;
	struct ear_sink_record record[600];
	size_t n;
};

static void open_collector(struct world *w, bool tcp)
{
	struct ear_listen listen = {0};

	if (w->at.family)
		listen.address = w->at;
	else if (ear_addr_parse(EAR_S("127.0.0.1:0"), &listen.address))
		fail();
	assert_int_equal(tcp ? ear_listen_tcp(&listen, &w->fd, NULL)
			     : ear_listen_udp(&listen, &w->fd, NULL),
		EAR_OK);
	w->at = ear_socket_address(w->fd);
	w->conn = -1;
}

static void close_collector(struct world *w)
{
	if (w->conn >= 0)
		close(w->conn);
	if (w->fd >= 0)
		close(w->fd);
	w->conn = w->fd = -1;
}

static void open_mirror(struct world *w, const char *what, bool acknowledge)
{
	char to[120];
	const struct ear_mirror_options o = {.to = to,
		.version = 3,
		.from = "",
		.local_address = "",
		.xheaders = true,
		.max_hops = 8,
		.acknowledge = acknowledge};

	snprintf(to, sizeof(to), what, w->at.port);
	assert_int_equal(ear_mirror_new(&o, &w->sink, &w->fault), EAR_OK);
}

static void make_records(struct world *w, size_t n)
{
	struct ear_msg msg = {.proto = EAR_PROTO_SIP, .raw = EAR_S(SIP)};
	struct ear_facts facts;
	size_t end[ROWS(w->record) + 1] = {0};

	ear_msg_facts(&msg, &facts);
	for (w->n = 0; w->n < n;) {
		msg.at_ns = (w->n + 1) * EAR_SECOND_NS;
		assert_int_equal(w->sink->ops->encode(w->sink, &msg, &facts,
					 NULL, &w->bytes),
			EAR_OK);
		end[++w->n] = w->bytes.n;
	}
	for (size_t i = 0; i < n; i++)
		w->record[i].bytes =
			ear_slice(w->bytes.p + end[i], end[i + 1] - end[i]);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->fd = w->conn = -1;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->sink)
		w->sink->ops->close(&w->sink);
	close_collector(w);
	ear_buf_fini(&w->bytes);
	free(w);
	return 0;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static enum ear_err begin(struct world *w)
{
	struct ear_sink_pos pos = {0};

	w->fault = (struct ear_fault){0};
	return w->sink->ops->begin(w->sink, &pos, &w->fault);
}

/* All records, from the one given on. @return how many went before an error */
static size_t deliver(struct world *w, size_t from, enum ear_err *err)
{
	size_t at = from, handed, refused;

	*err = EAR_OK;
	for (int i = 0; at < w->n && i < 500; i++) {
		*err = w->sink->ops->deliver(w->sink, w->record + at, w->n - at,
			&handed, &refused, &w->fault);
		at += handed;
		if (*err)
			break;
	}
	return at - from;
}

/* What is safe once it is so many, or after two seconds. */
static uint64_t safe(struct world *w, uint64_t wanted, enum ear_err *err)
{
	uint64_t n = 0;

	for (int i = 0; i < 400 && n < wanted; i++) {
		*err = w->sink->ops->safe(w->sink, &n, &w->fault);
		if (*err)
			break;
		nap();
	}
	return n;
}

static void take_connection(struct world *w)
{
	assert_true(ear_socket_wait(w->fd, 1, 2000));
	w->conn = accept(w->fd, NULL, NULL);
	assert_true(w->conn >= 0);
}

/* Read until so many bytes have come. */
static void take_bytes(struct world *w, size_t n)
{
	char room[4096];

	while (n) {
		ssize_t got = recv(
			w->conn, room, n < sizeof(room) ? n : sizeof(room), 0);

		assert_true(got > 0);
		n -= (size_t)got;
	}
}

static void test_udp(void **state)
{
	struct world *w = *state;
	char room[2000];
	enum ear_err err;

	open_collector(w, false);
	open_mirror(w, "hep:127.0.0.1:%u", true);
	make_records(w, 100);
	assert_int_equal(begin(w), EAR_OK);
	assert_int_equal(deliver(w, 0, &err), 100);
	assert_int_equal(err, EAR_OK);
	assert_int_equal(safe(w, 100, &err), 100);
	for (size_t i = 0; i < 100; i++) {
		ssize_t n = recv(w->fd, room, sizeof(room), 0);

		assert_slice("datagram", ear_slice(room, (size_t)n),
			w->record[i].bytes);
	}
}

/* A dead collector gets nothing that would count as delivered. */
static void test_udp_dead(void **state)
{
	struct world *w = *state;
	uint64_t n = 9;
	enum ear_err err;

	open_collector(w, false);
	close_collector(w);
	open_mirror(w, "hep:127.0.0.1:%u", true);
	make_records(w, 300);
	assert_int_equal(begin(w), EAR_OK);
	assert_int_equal(deliver(w, 0, &err), 0);
	assert_int_equal(err, EAR_SYS);
	assert_non_null(strstr(w->fault.text, "nobody listens"));
	(void)w->sink->ops->safe(w->sink, &n, &w->fault);
	assert_int_equal(n, 0);
	w->sink->ops->end(w->sink);

	/* and one that dies keeps the rest in the spool */
	open_collector(w, false);
	assert_int_equal(begin(w), EAR_OK);
	w->n = 10;
	assert_int_equal(deliver(w, 0, &err), 10);
	assert_int_equal(safe(w, 10, &err), 10);
	close_collector(w);
	w->n = 300;
	deliver(w, 10, &err);
	if (!err)
		safe(w, 300, &err);
	assert_int_equal(err, EAR_SYS);
}

/* Not an Earshot: what its kernel has acknowledged is safe. */
static void test_kernel(void **state)
{
	struct world *w = *state;
	enum ear_err err;

	open_collector(w, true);
	open_mirror(w, "hep:127.0.0.1:%u;transport=tcp", true);
	make_records(w, 300);
	assert_int_equal(begin(w), EAR_OK);
	take_connection(w);
	assert_int_equal(deliver(w, 0, &err), 300);
	assert_int_equal(safe(w, 300, &err), 300);
	close_collector(w);
	for (int i = 0; i < 100 && !err; i++)
		safe(w, 301, &err);
	assert_true(err == EAR_GONE || err == EAR_SYS);
}

/* Bytes that the peer's kernel has no room for are not safe. */
static void test_stuck(void **state)
{
	struct world *w = *state;
	size_t handed, refused, total = 0;
	uint64_t n;

	open_collector(w, true);
	(void)setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, 4);
	open_mirror(w, "hep:127.0.0.1:%u;transport=tcp", false);
	make_records(w, 600);
	assert_int_equal(begin(w), EAR_OK);
	take_connection(w);
	do {
		assert_int_equal(w->sink->ops->deliver(w->sink, w->record, w->n,
					 &handed, &refused, &w->fault),
			EAR_OK);
		total += handed;
	} while (handed);
	assert_int_equal(w->sink->ops->safe(w->sink, &n, &w->fault), EAR_OK);
	assert_true(n < total);
}

static void answer(struct world *w, uint64_t accepted)
{
	struct ear_buf out = {0};
	char be[8];

	for (int i = 0; i < 8; i++)
		be[i] = (char)(accepted >> 8 * (7 - i));
	ear_buf_add(&out, "HEP3\0\x14", 6);
	ear_hep_write_chunk(&out, EAR_HEP_ACCEPTED, ear_slice(be, 8));
	assert_int_equal(out.n, 20);
	assert_int_equal(send(w->conn, out.p, out.n, 0), 20);
	ear_buf_fini(&out);
}

static struct ear_slice greeting(struct world *w, char room[64])
{
	ssize_t n;

	n = recv(w->conn, room, 64, 0);
	assert_int_equal(n, 6 + 8 + 7);
	return ear_slice(room, (size_t)n);
}

static void test_collector(void **state)
{
	struct world *w = *state;
	struct ear_hep hep;
	char room[64];
	enum ear_err err;

	open_collector(w, true);
	open_mirror(w, "hep:127.0.0.1:%u;transport=tcp", true);
	make_records(w, 100);
	assert_int_equal(begin(w), EAR_OK); /* no answer: kernel, for now */
	take_connection(w);
	assert_int_equal(ear_hep_read(greeting(w, room), 0, &hep), EAR_OK);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_ACK_WANTED), 1);
	assert_int_equal(hep.chunk[EAR_HEP_PAYLOAD].at, 0);
	answer(w, 1);
	assert_int_equal(safe(w, 1, &err), 0);
	assert_int_equal(err, EAR_OK);
	assert_int_equal(deliver(w, 0, &err), 100);
	take_bytes(w, w->bytes.n);
	nap();
	assert_int_equal(safe(w, 1, &err), 0); /* acknowledged, not accepted */
	answer(w, 41);
	assert_int_equal(safe(w, 40, &err), 40);
	answer(w, 101);
	assert_int_equal(safe(w, 100, &err), 100);
	answer(w, 102); /* of 101 */
	safe(w, 101, &err);
	assert_int_equal(err, EAR_BAD);
}

/* Accepts two connections and closes each when something has come. */
static void *slam(void *arg)
{
	struct world *w = arg;
	char room[64];

	for (int i = 0; i < 2; i++) {
		int conn = accept(w->fd, NULL, NULL);

		(void)ear_socket_wait(conn, 1, 2000);
		(void)recv(conn, room, sizeof(room), 0);
		close(conn);
	}
	return NULL;
}

/* One that closes at the greeting is greeted twice, then never again. */
static void test_unwanted(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	enum ear_err err;
	char byte[5];

	open_collector(w, true);
	assert_int_equal(fcntl(w->fd, F_SETFL, 0), 0);
	open_mirror(w, "hep:127.0.0.1:%u;transport=tcp", true);
	make_records(w, 3);
	assert_int_equal(pthread_create(&thread, NULL, slam, w), 0);
	assert_int_equal(begin(w), EAR_GONE);
	assert_int_equal(begin(w), EAR_GONE);
	pthread_join(thread, NULL);
	assert_int_equal(begin(w), EAR_OK);
	take_connection(w);
	assert_int_equal(deliver(w, 0, &err), 3);
	assert_int_equal(safe(w, 3, &err), 3);
	assert_int_equal(recv(w->conn, byte, 5, MSG_PEEK), 5);
	assert_int_not_equal(byte[4], 0x15);
}

/* Nothing is sent back to the socket that it came from. */
static void test_back(void **state)
{
	struct world *w = *state;
	struct ear_msg msg = {.proto = EAR_PROTO_SIP, .raw = EAR_S(SIP)};
	struct ear_facts facts;
	enum ear_err err;

	open_collector(w, false);
	open_mirror(w, "hep:127.0.0.1:%u", true);
	ear_msg_facts(&msg, &facts);
	assert_int_equal(begin(w), EAR_OK);
	for (int i = 0; i < 2; i++) {
		msg.via = w->at;
		msg.via.port = (uint16_t)(msg.via.port + i);
		err = w->sink->ops->encode(
			w->sink, &msg, &facts, NULL, &w->bytes);
		assert_int_equal(err, i ? EAR_OK : EAR_USAGE);
	}
}

/* A collector that says whatever it likes harms nothing. */
static void test_babble(void **state)
{
	static const char *const said[] = {"", "HEP", "HEP3\0\5",
		"HEP3\xff\xff", "SIP/2.0 200 OK\r\n\r\n", "HEP3\0\7x",
		"HEP3\0\x14\x45\x41"};
	static const size_t n[] = {0, 3, 6, 6, 18, 7, 8};
	static const char zero[8192];
	struct world *w = *state;
	enum ear_err err = EAR_OK;

	open_collector(w, true);
	open_mirror(w, "hep:127.0.0.1:%u;transport=tcp", false);
	make_records(w, 20);
	assert_int_equal(begin(w), EAR_OK);
	take_connection(w);
	for (size_t i = 0; i < ROWS(said); i++) {
		send(w->conn, said[i], n[i], 0);
		send(w->conn, zero, sizeof(zero), 0);
	}
	assert_int_equal(deliver(w, 0, &err), 20);
	assert_int_equal(safe(w, 20, &err), 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_udp_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_collector, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwanted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_babble, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
