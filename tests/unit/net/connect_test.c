/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting on the loopback, in the clear and by TLS. */
#include "unit/table.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "net/connect.h"
#include "net/socket.h"
#include "net/tls.h"
#include "net/tls_client.h"

static char dir[64], cert[128], key[128], other[128], other_key[128];

static int files(void **state)
{
	struct ear_fault fault = {0};

	snprintf(dir, sizeof(dir), "/tmp/earshot-net-%d", (int)getpid());
	snprintf(cert, sizeof(cert), "%s/a.crt", dir);
	snprintf(key, sizeof(key), "%s/a.key", dir);
	snprintf(other, sizeof(other), "%s/b.crt", dir);
	snprintf(other_key, sizeof(other_key), "%s/b.key", dir);
	signal(SIGPIPE, SIG_IGN);
	if (mkdir(dir, 0700) || ear_tls_self_signed(cert, key, &fault) ||
		ear_tls_self_signed(other, other_key, &fault))
		return -1;
	(void)state;
	return 0;
}

static int no_files(void **state)
{
	unlink(cert);
	unlink(key);
	unlink(other);
	unlink(other_key);
	(void)state;
	return rmdir(dir);
}

static int listen_at(const char *text, struct ear_addr *at)
{
	struct ear_listen listen = {0};
	int fd;

	assert_int_equal(
		ear_addr_parse(ear_slice_str(text), &listen.address), EAR_OK);
	assert_int_equal(ear_listen_tcp(&listen, &fd, NULL), EAR_OK);
	*at = ear_socket_address(fd);
	return fd;
}

static void test_tcp(void **state)
{
	static const struct {
		const char *at, *host, *from;
	} rows[] = {
		{"127.0.0.1:0", "127.0.0.1", ""},
		{"127.0.0.1:0", "localhost", "127.0.0.1"},
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.7"},
		{"[::1]:0", "::1", ""},
		{"[::1]:0", "::1", "::1"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_addr at, to, self;
		int fd = listen_at(rows[i].at, &at), conn;
		struct ear_connect c = {
			.host = rows[i].host, .port = at.port, .tcp = true};
		struct ear_fault fault = {0};

		if (*rows[i].from)
			assert_int_equal(
				ear_addr_parse(
					ear_slice_str(rows[i].from), &c.from),
				EAR_OK);
		if (ear_connect(&c, &conn, &to, &fault))
			fail_msg("row %zu: %s", i, fault.text);
		assert_true(ear_addr_eq(&to, &at));
		self = ear_socket_address(conn);
		if (*rows[i].from)
			assert_memory_equal(self.ip, c.from.ip, 16);
		assert_true(ear_socket_wait(conn, POLLOUT, 1000) & POLLOUT);
		assert_int_equal(ear_socket_wait(conn, POLLIN, 1), 0);
		assert_int_equal(ear_socket_unacknowledged(conn), 0);
		close(conn);
		close(fd);
	}
	(void)state;
}

static void test_refused(void **state)
{
	struct ear_fault fault = {0};
	struct ear_addr at, to;
	int fd = listen_at("127.0.0.1:0", &at), conn;
	struct ear_connect c = {
		.host = "127.0.0.1", .port = at.port, .tcp = true};
	char text[EAR_ADDR_TEXT];

	close(fd);
	assert_int_equal(ear_connect(&c, &conn, &to, &fault), EAR_SYS);
	assert_int_equal(conn, -1);
	ear_addr_text(&at, text);
	assert_non_null(strstr(fault.text, text));
	assert_non_null(strstr(fault.text, "refused"));
	/* no address of this machine */
	assert_int_equal(ear_addr_parse(EAR_S("192.0.2.7"), &c.from), EAR_OK);
	assert_int_equal(ear_connect(&c, &conn, &to, &fault), EAR_SYS);
	/* of the other family */
	assert_int_equal(ear_addr_parse(EAR_S("::1"), &c.from), EAR_OK);
	assert_int_equal(ear_connect(&c, &conn, &to, &fault), EAR_SYS);
	assert_non_null(strstr(fault.text, "look up"));
	(void)state;
}

/* --- TLS -------------------------------------------------------------- */

struct server {
	int fd;
	SSL_CTX *ctx;
	char name[64]; /* that the client asked for */
	bool shown;    /* it showed a certificate */
};

/* One handshake, as far as it goes. */
static void *serve(void *arg)
{
	struct server *s = arg;
	SSL *ssl = SSL_new(s->ctx);
	const char *name;
	X509 *peer;
	int conn;

	ear_socket_wait(s->fd, POLLIN, 5000);
	conn = accept(s->fd, NULL, NULL);
	SSL_set_fd(ssl, conn);
	if (SSL_accept(ssl) == 1) {
		name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		snprintf(s->name, sizeof(s->name), "%s", name ? name : "");
		peer = SSL_get1_peer_certificate(ssl);
		s->shown = peer != NULL;
		X509_free(peer);
	}
	(void)ear_tls_reason();
	SSL_free(ssl);
	close(conn);
	return NULL;
}

static void test_tls(void **state)
{
	const struct {
		const char *name;
		struct ear_tls_client client;
		const char *host; /* that is expected */
		enum ear_err want;
		const char *told, *asked;
		bool shown;
	} rows[] = {
		{"name", {.ca = cert, .verify = true}, "localhost", EAR_OK, "",
			"localhost", false},
		{"ip", {.ca = cert, .verify = true}, "127.0.0.1", EAR_OK, "",
			"", false},
		{"ipv6", {.ca = cert, .verify = true}, "::1", EAR_OK, "", "",
			false},
		{"other name", {.ca = cert, .verify = true}, "example.net",
			EAR_BAD, "ostname mismatch", NULL, false},
		{"other ip", {.ca = cert, .verify = true}, "192.0.2.1", EAR_BAD,
			"IP address mismatch", NULL, false},
		{"not trusted", {.ca = other, .verify = true}, "localhost",
			EAR_BAD, "not trusted", NULL, false},
		{"the system's", {.ca = "", .verify = true}, "localhost",
			EAR_BAD, "not trusted", NULL, false},
		{"not verified", {.ca = "", .verify = false}, "example.net",
			EAR_OK, "", "example.net", false},
		{"client shows one",
			{.ca = cert,
				.verify = true,
				.certificate = other,
				.private_key = other_key},
			"localhost", EAR_OK, "", "localhost", true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct server s = {0};
		struct ear_fault fault = {0};
		struct ear_addr at, to;
		struct ear_connect c = {.host = "127.0.0.1", .tcp = true};
		SSL_CTX *ctx;
		SSL *ssl;
		pthread_t thread;
		enum ear_err err;
		int conn;

		s.fd = listen_at("127.0.0.1:0", &at);
		c.port = at.port;
		assert_int_equal(
			ear_tls_server_new(cert, key, &s.ctx, NULL), EAR_OK);
		if (rows[i].shown) {
			SSL_CTX_set_verify(s.ctx, SSL_VERIFY_PEER, NULL);
			SSL_CTX_load_verify_locations(s.ctx, other, NULL);
		}
		assert_int_equal(
			ear_tls_client_new(&rows[i].client, &ctx, &fault),
			EAR_OK);
		pthread_create(&thread, NULL, serve, &s);
		assert_int_equal(ear_connect(&c, &conn, &to, &fault), EAR_OK);
		err = ear_tls_connect(
			ctx, conn, rows[i].host, 5000, &ssl, &fault);
		if (err != rows[i].want || !strstr(fault.text, rows[i].told))
			fail_msg("%s: %d %s", rows[i].name, err, fault.text);
		SSL_free(ssl);
		close(conn);
		pthread_join(thread, NULL);
		if (rows[i].asked)
			assert_string_equal(s.name, rows[i].asked);
		if (!err)
			assert_int_equal(s.shown, rows[i].shown);
		SSL_CTX_free(ctx);
		SSL_CTX_free(s.ctx);
		close(s.fd);
	}
	(void)state;
}

static void test_tls_bad(void **state)
{
	const struct {
		struct ear_tls_client client;
		enum ear_err want;
	} rows[] = {
		{{.ca = "/nonexistent", .verify = true}, EAR_SYS},
		{{.ca = key, .verify = true}, EAR_BAD},
		{{.certificate = cert}, EAR_USAGE},
		{{.private_key = key}, EAR_USAGE},
		{{.certificate = cert, .private_key = "/nonexistent"}, EAR_SYS},
		{{.certificate = cert, .private_key = other_key}, EAR_BAD},
	};
	struct ear_fault fault = {0};
	struct ear_addr at, to;
	int fd = listen_at("127.0.0.1:0", &at), conn;
	struct ear_connect c = {
		.host = "127.0.0.1", .port = at.port, .tcp = true};
	SSL_CTX *ctx;
	SSL *ssl;

	for (size_t i = 0; i < ROWS(rows); i++) {
		fault = (struct ear_fault){0};
		if (ear_tls_client_new(&rows[i].client, &ctx, &fault) !=
				rows[i].want ||
			ctx || !fault.text[0])
			fail_msg("row %zu: %s", i, fault.text);
	}
	/* one that never answers */
	assert_int_equal(
		ear_tls_client_new(&(struct ear_tls_client){0}, &ctx, &fault),
		EAR_OK);
	assert_int_equal(ear_connect(&c, &conn, &to, &fault), EAR_OK);
	assert_int_equal(
		ear_tls_connect(ctx, conn, "localhost", 100, &ssl, &fault),
		EAR_SYS);
	assert_non_null(strstr(fault.text, "100 ms"));
	close(conn);
	close(fd);
	SSL_CTX_free(ctx);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_bad),
	};

	return cmocka_run_group_tests(tests, files, no_files);
}
