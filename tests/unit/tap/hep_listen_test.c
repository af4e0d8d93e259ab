/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners on the loopback: what is sent arrives whole, the rest is told. */
#include "unit/table.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/log.h"
#include "base/time.h"
#include "message/msg.h"
#include "net/tls.h"
#include "tap/hep_tcp.h"
#include "tap/hep_udp.h"

#define THREADS 2
#define PACKET                                 \
	"HEP3\x00\x0f\x00\x00\x00\x0f\x00\x09" \
	"abc"
#define PACKET_N 15

/* Both threads of a tap put here, each by its own intake. */
static struct {
	pthread_mutex_t lock;
	uint64_t units[4]; /* by kind */
	uint64_t bytes;
	uint64_t flushes;
	uint64_t odd; /* bytes of a stream that are no whole PACKETs */
	struct ear_unit last;
} got = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool full; /* the journal */

static void put(struct ear_intake *in, const struct ear_unit *unit,
	struct ear_slice bytes)
{
	pthread_mutex_lock(&got.lock);
	got.units[unit->kind & 3] += unit->units;
	got.bytes += bytes.n;
	got.last = *unit;
	if (unit->kind == EAR_UNIT_HEP_STREAM)
		for (size_t i = 0; i + PACKET_N <= bytes.n; i += PACKET_N)
			got.odd += memcmp(bytes.p + i, PACKET, PACKET_N) != 0;
	if (full)
		in->refused += unit->units;
	pthread_mutex_unlock(&got.lock);
}

static void flush(struct ear_intake *in)
{
	pthread_mutex_lock(&got.lock);
	got.flushes++;
	pthread_mutex_unlock(&got.lock);
	(void)in;
}

static uint64_t units(enum ear_unit_kind kind)
{
	uint64_t n;

	pthread_mutex_lock(&got.lock);
	n = got.units[kind];
	pthread_mutex_unlock(&got.lock);
	return n;
}

static struct ear_intake intake = {put, flush};
static struct ear_intake *const intakes[THREADS] = {&intake, &intake};
static struct ear_ledger *ledger;
static char dir[64], cert[128], key[128];

static uint64_t counted(enum ear_count c)
{
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(ledger, n);
	return n[c];
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Wait up to five seconds until an expression holds. */
#define eventually(expression)                                     \
	do {                                                       \
		for (int i_ = 0; i_ < 2500 && !(expression); i_++) \
			nap();                                     \
		assert_true(expression);                           \
	} while (0)

static void forget(void)
{
	memset(got.units, 0, sizeof(got.units));
	got.bytes = got.odd = got.flushes = 0;
}

static int setup(void **state)
{
	forget();
	(void)state;
	return ear_ledger_new(64, &ledger) ? -1 : 0;
}

static int teardown(void **state)
{
	ear_ledger_free(&ledger);
	(void)state;
	return 0;
}

static struct ear_addr local(const char *text)
{
	struct ear_addr a;

	assert_int_equal(ear_addr_parse(ear_slice_str(text), &a), EAR_OK);
	return a;
}

static int dial(struct ear_addr to, int type)
{
	struct sockaddr_storage sa;
	socklen_t n = ear_addr_to_sockaddr(&to, &sa);
	int fd = socket(sa.ss_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, n), 0);
	return fd;
}

static void say(int fd, struct ear_slice s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

/* Every send is a segment, and none is held back. */
static void at_once(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Whether the other side closes within five seconds. */
static bool closed(int fd)
{
	struct timeval tv = {.tv_sec = 5};
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return recv(fd, &c, 1, 0) <= 0 && errno != EAGAIN;
}

/* --- UDP ---------------------------------------------------------------- */

static struct ear_tap_udp *open_udp(const struct ear_tap_udp_options *o)
{
	struct ear_fault fault = {0};
	struct ear_tap_udp *tap;

	if (ear_tap_udp_open(o, ledger, &tap, &fault) ||
		ear_tap_udp_start(tap, intakes, &fault))
		fail_msg("%s", fault.text);
	return tap;
}

static void test_udp(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:0", "[::1]:0"};

	for (size_t i = 0; i < ROWS(addresses); i++) {
		struct ear_tap_udp *tap = open_udp(&(
			struct ear_tap_udp_options){
			.address = local(addresses[i]), .threads = THREADS});
		struct ear_addr at = ear_tap_udp_address(tap);
		char big[60000] = "big", name[80] = "hep/udp:";
		int fds[8];

		forget();
		assert_int_not_equal(at.port, 0);
		ear_addr_text(&at, name + 8);
		assert_slice(
			"name", ear_tap_udp_name(tap), ear_slice_str(name));
		for (size_t k = 0; k < ROWS(fds); k++) {
			fds[k] = dial(at, SOCK_DGRAM);
			for (int j = 0; j < 50; j++)
				say(fds[k], EAR_S(PACKET));
		}
		say(fds[0], ear_slice(big, sizeof(big)));
		say(fds[0], EAR_S(""));
		eventually(units(EAR_UNIT_DATAGRAM) == 402);
		assert_int_equal(got.bytes, 400 * PACKET_N + sizeof(big));
		assert_true(got.flushes > 0);
		assert_true(ear_addr_eq(&got.last.to, &at));
		assert_int_equal(got.last.transport, EAR_TR_UDP);
		assert_int_equal(got.last.from.family, at.family);
		for (size_t k = 0; k < ROWS(fds); k++)
			close(fds[k]);
		ear_tap_udp_close(&tap);
		assert_null(tap);
	}
	(void)state;
}

/* Closing takes what the kernel already has. */
static void test_udp_drain(void **state)
{
	struct ear_tap_udp *tap;
	struct ear_fault fault = {0};
	int fd;

	assert_int_equal(ear_tap_udp_open(
				 &(struct ear_tap_udp_options){
					 .address = local("127.0.0.1:0")},
				 ledger, &tap, &fault),
		EAR_OK);
	fd = dial(ear_tap_udp_address(tap), SOCK_DGRAM);
	for (int i = 0; i < 500; i++)
		say(fd, EAR_S(PACKET));
	assert_int_equal(ear_tap_udp_start(tap, intakes, &fault), EAR_OK);
	ear_tap_udp_close(&tap);
	assert_int_equal(units(EAR_UNIT_DATAGRAM), 500);
	close(fd);
	(void)state;
}

static void test_udp_drops(void **state)
{
	struct ear_tap_udp *tap;
	struct ear_fault fault = {0};
	int fd;

	assert_int_equal(ear_tap_udp_open(
				 &(struct ear_tap_udp_options){
					 .address = local("127.0.0.1:0"),
					 .threads = 1,
					 .receive_buffer = 4096},
				 ledger, &tap, &fault),
		EAR_OK);
	fd = dial(ear_tap_udp_address(tap), SOCK_DGRAM);
	for (int i = 0; i < 500; i++)
		say(fd, EAR_S(PACKET));
	assert_int_equal(ear_tap_udp_start(tap, intakes, &fault), EAR_OK);
	ear_tap_udp_close(&tap);
	assert_true(counted(EAR_N_KERNEL_DROP) > 0);
	assert_int_equal(
		counted(EAR_N_KERNEL_DROP) + units(EAR_UNIT_DATAGRAM), 500);
	close(fd);
	(void)state;
}

static void test_udp_allow(void **state)
{
	struct ear_net far, near;
	struct ear_tap_udp_options o = {.address = local("127.0.0.1:0"),
		.threads = 1,
		.allow = &far,
		.allow_n = 1};
	struct ear_tap_udp *tap;
	int fd;

	assert_int_equal(ear_net_parse(EAR_S("10.0.0.0/8"), &far), EAR_OK);
	assert_int_equal(ear_net_parse(EAR_S("127.0.0.0/8"), &near), EAR_OK);
	tap = open_udp(&o);
	fd = dial(ear_tap_udp_address(tap), SOCK_DGRAM);
	for (int i = 0; i < 3; i++)
		say(fd, EAR_S(PACKET));
	eventually(counted(EAR_N_DENIED) == 3);
	assert_int_equal(counted(EAR_N_RECEIVED), 3);
	assert_int_equal(units(EAR_UNIT_DATAGRAM), 0);
	close(fd);
	ear_tap_udp_close(&tap);

	o.allow = &near;
	tap = open_udp(&o);
	fd = dial(ear_tap_udp_address(tap), SOCK_DGRAM);
	say(fd, EAR_S(PACKET));
	eventually(units(EAR_UNIT_DATAGRAM) == 1);
	close(fd);
	ear_tap_udp_close(&tap);
	(void)state;
}

static void test_faults(void **state)
{
	struct ear_tap_udp *udp = open_udp(&(struct ear_tap_udp_options){
		.address = local("127.0.0.1:0"), .threads = THREADS});
	struct ear_addr taken = ear_tap_udp_address(udp);
	struct ear_fault fault = {0};
	struct ear_tap_udp *other;
	struct ear_tap_tcp *tcp;
	char text[EAR_ADDR_TEXT];

	ear_addr_text(&taken, text);
	assert_int_equal(
		ear_tap_udp_open(
			&(struct ear_tap_udp_options){.address = taken}, ledger,
			&other, &fault),
		EAR_SYS);
	assert_null(other);
	assert_non_null(strstr(fault.text, text));
	assert_int_equal(ear_tap_tcp_open(
				 &(struct ear_tap_tcp_options){
					 .address = local("192.0.2.1:9060")},
				 ledger, &tcp, &fault),
		EAR_SYS);
	assert_non_null(strstr(fault.text, "192.0.2.1:9060"));
	assert_int_equal(
		ear_tap_tcp_open(&(struct ear_tap_tcp_options){.threads = 1000},
			ledger, &tcp, &fault),
		EAR_USAGE);
	assert_int_equal(ear_tap_tcp_open(
				 &(struct ear_tap_tcp_options){
					 .address = local("127.0.0.1:0"),
					 .certificate = "/nowhere/a",
					 .private_key = "/nowhere/b"},
				 ledger, &tcp, &fault),
		EAR_SYS);
	assert_non_null(strstr(fault.text, "/nowhere/a"));
	assert_int_equal(ear_tap_tcp_open(
				 &(struct ear_tap_tcp_options){
					 .address = local("127.0.0.1:0"),
					 .certificate = "/nowhere/a"},
				 ledger, &tcp, &fault),
		EAR_USAGE);
	assert_int_equal(ear_tap_udp_open(&(struct ear_tap_udp_options){0},
				 ledger, &other, &fault),
		EAR_USAGE);
	ear_tap_udp_close(&udp);
	(void)state;
}

/* --- TCP ---------------------------------------------------------------- */

static struct ear_tap_tcp *open_tcp(const struct ear_tap_tcp_options *o)
{
	struct ear_tap_tcp_options options = *o;
	struct ear_fault fault = {0};
	struct ear_tap_tcp *tap;

	if (!options.address.family)
		options.address = local("127.0.0.1:0");
	options.threads = THREADS;
	if (ear_tap_tcp_open(&options, ledger, &tap, &fault) ||
		ear_tap_tcp_start(tap, intakes, &fault))
		fail_msg("%s", fault.text);
	return tap;
}

static void test_tcp(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){0});
	struct ear_addr at = ear_tap_tcp_address(tap);
	char many[100 * PACKET_N];
	int fds[100];

	for (int i = 0; i < 100; i++)
		memcpy(many + i * PACKET_N, PACKET, PACKET_N);
	for (size_t i = 0; i < ROWS(fds); i++)
		fds[i] = dial(at, SOCK_STREAM);
	eventually(ear_tap_tcp_connections(tap) == 100);
	for (size_t i = 0; i < ROWS(fds); i++) {
		/* Cut at another place for each. */
		size_t cut = i * 15 + i / 7;

		say(fds[i], ear_slice(many, cut));
		say(fds[i], ear_slice(many + cut, sizeof(many) - cut));
	}
	eventually(units(EAR_UNIT_HEP_STREAM) == 10000);
	assert_int_equal(got.bytes, 10000 * PACKET_N);
	assert_int_equal(got.odd, 0);
	assert_int_equal(got.last.transport, EAR_TR_TCP);
	for (size_t i = 0; i < ROWS(fds); i++)
		close(fds[i]);
	eventually(ear_tap_tcp_connections(tap) == 0);
	ear_tap_tcp_close(&tap);
	(void)state;
}

static void test_tiny_segments(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){0});
	const struct ear_slice in = EAR_S(PACKET PACKET "HEP3\0\x20"
							"abc");
	int fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);

	at_once(fd);
	for (size_t i = 0; i < in.n; i++) {
		say(fd, ear_slice(in.p + i, 1));
		if (i % 8 == 0)
			nap();
	}
	eventually(units(EAR_UNIT_HEP_STREAM) == 2);
	close(fd);
	eventually(units(EAR_UNIT_REMNANT) == 1);
	assert_int_equal(got.bytes, 2 * PACKET_N + 9);
	ear_tap_tcp_close(&tap);
	(void)state;
}

static void test_tcp_bad(void **state)
{
	struct ear_tap_tcp *tap =
		open_tcp(&(struct ear_tap_tcp_options){.max_garbage = 100});
	struct ear_addr at = ear_tap_tcp_address(tap);
	char junk[200];
	int fd;

	memset(junk, 'x', sizeof(junk));
	fd = dial(at, SOCK_STREAM);
	say(fd, ear_slice(junk, sizeof(junk)));
	assert_true(closed(fd));
	close(fd);
	assert_int_equal(counted(EAR_N_JUNK), 1);

	fd = dial(at, SOCK_STREAM);
	say(fd, EAR_S("\x01\x10\x02\x11"
		      "abcdefghijkl"));
	assert_true(closed(fd));
	close(fd);
	assert_int_equal(counted(EAR_N_REFUSED), 1);
	assert_int_equal(counted(EAR_N_RECEIVED), 2);

	fd = dial(at, SOCK_STREAM);
	say(fd, EAR_S("SIP/2.0 200 OK\r\nl: 0\r\n\r\n"));
	eventually(units(EAR_UNIT_DATAGRAM) == 1);
	close(fd);
	ear_tap_tcp_close(&tap);
	(void)state;
}

static void test_tcp_bounds(void **state)
{
	struct ear_net far;
	struct ear_tap_tcp *tap =
		open_tcp(&(struct ear_tap_tcp_options){.max_connections = 2,
			.packet_ns = 100 * EAR_MS_NS,
			.idle_ns = EAR_SECOND_NS});
	struct ear_addr at = ear_tap_tcp_address(tap);
	int slow = dial(at, SOCK_STREAM), idle = dial(at, SOCK_STREAM), third;

	eventually(ear_tap_tcp_connections(tap) == 2);
	third = dial(at, SOCK_STREAM);
	assert_true(closed(third));
	close(third);
	/* A packet that does not become whole, then plain silence. */
	say(slow, EAR_S("HEP3\0\x20"
			"abc"));
	assert_true(closed(slow));
	assert_int_equal(units(EAR_UNIT_REMNANT), 1);
	eventually(ear_tap_tcp_connections(tap) == 1);
	assert_true(closed(idle));
	close(slow);
	close(idle);
	ear_tap_tcp_close(&tap);

	assert_int_equal(ear_net_parse(EAR_S("10.0.0.0/8"), &far), EAR_OK);
	tap = open_tcp(
		&(struct ear_tap_tcp_options){.allow = &far, .allow_n = 1});
	third = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	assert_true(closed(third));
	close(third);
	eventually(counted(EAR_N_DENIED) == 1);
	ear_tap_tcp_close(&tap);
	(void)state;
}

/* A busy sender always has some packet under way; none is too slow. */
static void test_tcp_busy(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(
		&(struct ear_tap_tcp_options){.packet_ns = 100 * EAR_MS_NS});
	int fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	uint64_t end = ear_mono_ns() + 400 * EAR_MS_NS;

	at_once(fd);
	say(fd, EAR_S("HEP3"));
	while (ear_mono_ns() < end) {
		say(fd, EAR_S("\0\x06HEP3"));
		nap();
	}
	assert_int_equal(ear_tap_tcp_connections(tap), 1);
	close(fd);
	ear_tap_tcp_close(&tap);
	(void)state;
}

/* Closing takes what the kernel has, also of a connection not accepted. */
static void test_tcp_drain(void **state)
{
	struct ear_fault fault = {0};
	struct ear_tap_tcp *tap;
	char many[1000 * PACKET_N];
	int fd;

	assert_int_equal(ear_tap_tcp_open(
				 &(struct ear_tap_tcp_options){
					 .address = local("127.0.0.1:0")},
				 ledger, &tap, &fault),
		EAR_OK);
	fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	at_once(fd);
	for (size_t i = 0; i < sizeof(many); i += PACKET_N)
		memcpy(many + i, PACKET, PACKET_N);
	say(fd, ear_slice(many, sizeof(many)));
	say(fd, EAR_S("HEP3"));
	assert_int_equal(ear_tap_tcp_start(tap, intakes, &fault), EAR_OK);
	ear_tap_tcp_close(&tap);
	assert_int_equal(units(EAR_UNIT_HEP_STREAM), 1000);
	assert_int_equal(units(EAR_UNIT_REMNANT), 1);
	close(fd);
	(void)state;
}

/* --- TLS ---------------------------------------------------------------- */

static void test_certificate(void **state)
{
	struct ear_fault fault = {0};
	SSL_CTX *ctx;
	struct stat st;
	ino_t made;

	assert_int_equal(ear_tls_self_signed(cert, key, &fault), EAR_OK);
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	made = st.st_ino;
	/* They are there: left as they are. */
	assert_int_equal(ear_tls_self_signed(cert, key, &fault), EAR_OK);
	assert_int_equal(stat(key, &st), 0);
	assert_true(st.st_ino == made);
	assert_int_equal(ear_tls_server_new(cert, key, &ctx, &fault), EAR_OK);
	SSL_CTX_free(ctx);
	/* No certificate in it; only one of the two. */
	assert_int_equal(ear_tls_server_new(key, key, &ctx, &fault), EAR_BAD);
	assert_non_null(strstr(fault.text, key));
	assert_int_equal(
		ear_tls_self_signed(cert, "/nowhere/key", &fault), EAR_USAGE);
	assert_int_equal(
		ear_tls_self_signed("/nowhere/c", "/nowhere/k", &fault),
		EAR_SYS);
	(void)state;
}

static SSL *dial_tls(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	assert_non_null(ssl);
	assert_int_equal(SSL_set_fd(ssl, fd), 1);
	return ssl;
}

static void test_tls(void **state)
{
	struct ear_tap_tcp *tap =
		open_tcp(&(struct ear_tap_tcp_options){.certificate = cert,
			.private_key = key,
			.packet_ns = 500 * EAR_MS_NS});
	struct ear_addr at = ear_tap_tcp_address(tap);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	const size_t n = 40000 * PACKET_N;
	char *many = malloc(n);
	int fds[4];
	SSL *ssl[4];

	assert_int_equal(ear_slice_starts(ear_tap_tcp_name(tap),
				 EAR_S("hep/tls:127.0.0.1:")),
		1);
	SSL_CTX_load_verify_locations(ctx, cert, NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	for (size_t i = 0; i < n; i += PACKET_N)
		memcpy(many + i, PACKET, PACKET_N);
	for (int i = 0; i < 4; i++) {
		fds[i] = dial(at, SOCK_STREAM);
		ssl[i] = dial_tls(ctx, fds[i]);
		assert_int_equal(SSL_connect(ssl[i]), 1);
	}
	/* More than the budget of one turn. */
	assert_int_equal(SSL_write(ssl[0], many, (int)n), n);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(SSL_write(ssl[1], many + i * 7, 7), 7);
	eventually(units(EAR_UNIT_HEP_STREAM) == 40000 + 700 / PACKET_N);
	assert_int_equal(got.odd, 0);
	assert_int_equal(got.last.transport, EAR_TR_TLS);
	for (int i = 0; i < 4; i++) {
		if (i != 2) /* one just goes away */
			SSL_shutdown(ssl[i]);
		SSL_free(ssl[i]);
		close(fds[i]);
	}
	eventually(ear_tap_tcp_connections(tap) == 0);

	/* Not TLS at all, too old a TLS, and nothing at all. */
	fds[0] = dial(at, SOCK_STREAM);
	say(fds[0], EAR_S(PACKET PACKET));
	assert_true(closed(fds[0]));
	fds[1] = dial(at, SOCK_STREAM);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	SSL_CTX_set_security_level(ctx, 0);
	ssl[1] = dial_tls(ctx, fds[1]);
	assert_int_not_equal(SSL_connect(ssl[1]), 1);
	SSL_free(ssl[1]);
	fds[2] = dial(at, SOCK_STREAM);
	assert_true(closed(fds[2]));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	ear_tap_tcp_close(&tap);
	SSL_CTX_free(ctx);
	free(many);
	(void)state;
}

/* --- telling what was accepted ------------------------------------------ */

#define ASK                                                            \
	"HEP3\x00\x15\x00\x00\x00\x0d\x00\x08\x00\x0f\x45\x41\x45\x0a" \
	"\x00\x07\x01"

/* The newest count that comes, until it is so high. */
static uint64_t told(int fd, uint64_t wanted)
{
	struct timeval tv = {.tv_sec = 5};
	unsigned char a[20];
	uint64_t n = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	while (n < wanted) {
		if (recv(fd, a, sizeof(a), MSG_WAITALL) != sizeof(a))
			return n;
		assert_memory_equal(a, "HEP3\0\x14\x45\x41\x45\x0b\0\x0e", 12);
		n = 0;
		for (int i = 12; i < 20; i++)
			n = n << 8 | a[i];
	}
	return n;
}

static void test_told(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){
		.address = local("127.0.0.1:0"), .threads = 1});
	int asks = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	int other = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	char byte;

	say(other, EAR_S(PACKET ASK PACKET)); /* not the first: no asking */
	say(asks, EAR_S(ASK));
	assert_int_equal(told(asks, 1), 1);
	for (int i = 0; i < 1000; i++)
		say(asks, EAR_S(PACKET));
	assert_int_equal(told(asks, 1001), 1001);
	say(asks, ear_slice_sub(EAR_S(PACKET PACKET), 0, PACKET_N + 3));
	assert_int_equal(told(asks, 1002), 1002); /* the half one is none */
	assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), -1);
	close(other);
	close(asks);
	ear_tap_tcp_close(&tap);
	(void)state;
}

/* What the listener takes at its end is told before it closes. */
static void test_told_last(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){
		.address = local("127.0.0.1:0"), .threads = 1});
	int fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);

	say(fd, EAR_S(ASK));
	assert_int_equal(told(fd, 1), 1);
	/* in one piece: what the sender's kernel still holds is not ours */
	say(fd, EAR_S(PACKET PACKET PACKET));
	ear_tap_tcp_close(&tap);
	assert_int_equal(told(fd, 4), 4);
	assert_true(closed(fd));
	close(fd);
	(void)state;
}

#define ASK_KEY                                        \
	"HEP3\x00\x1e\x00\x00\x00\x0d\x00\x08\x00\x0f" \
	"\x00\x00\x00\x0e\x00\x09key\x45\x41\x45\x0a\x00\x07\x01"

/* Without the key that is asked for, none is accepted. */
static void test_told_key(void **state)
{
	static const struct {
		const char *key;
		bool shows, fits;
	} rows[] = {{"", false, true}, {"", true, true}, {"key", true, true},
		{"key", false, false}, {"kez", true, false},
		{"keyy", true, false}};
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){
		.address = local("127.0.0.1:0"), .threads = 1});

	for (size_t i = 0; i < ROWS(rows); i++) {
		int fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
		char a[20];

		ear_tap_tcp_key(tap, rows[i].key);
		say(fd, rows[i].shows ? EAR_S(ASK_KEY) : EAR_S(ASK));
		assert_int_equal(recv(fd, a, 20, MSG_WAITALL), 20);
		assert_int_equal(a[19], rows[i].fits);
		close(fd);
	}
	ear_tap_tcp_close(&tap);
	(void)state;
}

/* Where the journal had no room nothing is told: the sender begins again. */
static void test_told_full(void **state)
{
	struct ear_tap_tcp *tap = open_tcp(&(struct ear_tap_tcp_options){
		.address = local("127.0.0.1:0"), .threads = 1});
	int fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);

	say(fd, EAR_S(ASK PACKET));
	assert_int_equal(told(fd, 2), 2);
	full = true;
	say(fd, EAR_S(PACKET));
	assert_int_equal(told(fd, 3), 0);
	assert_true(closed(fd));
	full = false;
	close(fd);
	fd = dial(ear_tap_tcp_address(tap), SOCK_STREAM);
	say(fd, EAR_S(ASK PACKET));
	assert_int_equal(told(fd, 2), 2);
	close(fd);
	ear_tap_tcp_close(&tap);
	(void)state;
}

static void no_log(enum ear_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_udp, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_udp_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_udp_drops, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_udp_allow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_tiny_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_tcp_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tcp_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_tcp_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_certificate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_told_last, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_told_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
	};
	int bad;

	snprintf(dir, sizeof(dir), "/tmp/hep_listen.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(cert, sizeof(cert), "%s/a.crt", dir);
	snprintf(key, sizeof(key), "%s/a.key", dir);
	signal(SIGPIPE, SIG_IGN);
	ear_log_to(no_log, EAR_DEBUG, NULL);
	bad = cmocka_run_group_tests_name("tap/hep_listen", tests, NULL, NULL);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return bad;
}
