/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL talks to itself, and its records are read from outside with its own
 * key log: every cipher suite, resumption, HelloRetryRequest, KeyUpdate,
 * renegotiation, 0-RTT; in pieces, with late keys, with bytes missing.
 */
#include "unit/table.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/tls.h"
#include "proto/tls_suite.h"

#define SIDES 2
#define TURNS 64

/* What goes over the wire: whose bytes, in order. */
struct wire {
	struct ear_buf turn[TURNS];
	uint8_t side[TURNS];
	size_t n;
};

/* One connection between two ends of OpenSSL. */
struct ends {
	SSL_CTX *ctx[SIDES]; /* 0 the client */
	SSL *ssl[SIDES];
	SSL_SESSION *session;
	struct wire wire;
	struct ear_buf said[SIDES];
};

static struct ear_buf keylog; /* of the connection at hand */

static void on_key(const SSL *ssl, const char *line)
{
	(void)ssl;
	ear_buf_printf(&keylog, "%s\n", line);
}

/* --- certificates ------------------------------------------------------ */

static EVP_PKEY *rsa, *ec;
static X509 *rsa_cert, *ec_cert;

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20350102030405Z");
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		(const uint8_t *)"Test, Inc", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const uint8_t *)"sip.example", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static int set_up(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	rsa_cert = self_signed(rsa);
	ec_cert = self_signed(ec);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	X509_free(rsa_cert);
	X509_free(ec_cert);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	ear_buf_fini(&keylog);
	return 0;
}

/* --- the two ends ------------------------------------------------------ */

static unsigned on_psk_client(SSL *ssl, const char *hint, char *identity,
	unsigned max_identity, unsigned char *psk, unsigned max_psk)
{
	snprintf(identity, max_identity, "x");
	memset(psk, 7, 16);
	return 16;
}

static unsigned on_psk_server(
	SSL *ssl, const char *identity, unsigned char *psk, unsigned max_psk)
{
	memset(psk, 7, 16);
	return 16;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
	const unsigned char *in, unsigned in_n, void *arg)
{
	(void)SSL_select_next_proto((unsigned char **)out, out_n,
		(const unsigned char *)"\3sip", 4, in, in_n);
	return SSL_TLSEXT_ERR_OK;
}

static void open_ends(struct ends *e, int version, const char *suite)
{
	*e = (struct ends){0};
	e->ctx[0] = SSL_CTX_new(TLS_client_method());
	e->ctx[1] = SSL_CTX_new(TLS_server_method());
	for (int i = 0; i < SIDES; i++) {
		SSL_CTX *c = e->ctx[i];

		SSL_CTX_set_min_proto_version(c, version);
		SSL_CTX_set_max_proto_version(c, version);
		SSL_CTX_set_keylog_callback(c, on_key);
		SSL_CTX_set_options(c, SSL_OP_LEGACY_SERVER_CONNECT);
		SSL_CTX_set_security_level(c, 0);
		if (version == TLS1_3_VERSION && suite)
			assert_int_equal(SSL_CTX_set_ciphersuites(c, suite), 1);
		else if (suite)
			assert_int_equal(SSL_CTX_set_cipher_list(c, suite), 1);
	}
	SSL_CTX_use_certificate(e->ctx[1], rsa_cert);
	SSL_CTX_use_PrivateKey(e->ctx[1], rsa);
	SSL_CTX_use_certificate(e->ctx[1], ec_cert);
	SSL_CTX_use_PrivateKey(e->ctx[1], ec);
	SSL_CTX_set_dh_auto(e->ctx[1], 1);
	if (suite && strstr(suite, "PSK")) {
		SSL_CTX_set_psk_client_callback(e->ctx[0], on_psk_client);
		SSL_CTX_set_psk_server_callback(e->ctx[1], on_psk_server);
	}
	SSL_CTX_set_alpn_select_cb(e->ctx[1], on_alpn, NULL);
	SSL_CTX_set_alpn_protos(
		e->ctx[0], (const unsigned char *)"\4ftp!\3sip", 9);
	SSL_CTX_set_session_cache_mode(e->ctx[0], SSL_SESS_CACHE_CLIENT);
}

static void connect_ends(struct ends *e)
{
	BIO *a[SIDES], *b[SIDES];

	ear_buf_reset(&keylog);
	for (int i = 0; i < SIDES; i++) {
		e->ssl[i] = SSL_new(e->ctx[i]);
		a[i] = BIO_new(BIO_s_mem());
		b[i] = BIO_new(BIO_s_mem());
		SSL_set_bio(e->ssl[i], a[i], b[i]);
	}
	SSL_set_connect_state(e->ssl[0]);
	SSL_set_accept_state(e->ssl[1]);
	SSL_set_tlsext_host_name(e->ssl[0], "proxy.sip.example");
	if (e->session)
		SSL_set_session(e->ssl[0], e->session);
}

/* What one end has written goes to the wire and to the other. */
static bool carry(struct ends *e, int from)
{
	struct ear_buf *turn;
	char *data;
	long n = BIO_get_mem_data(SSL_get_wbio(e->ssl[from]), &data);

	if (n <= 0)
		return false;
	assert_true(e->wire.n < TURNS);
	e->wire.side[e->wire.n] = (uint8_t)from;
	turn = &e->wire.turn[e->wire.n++];
	ear_buf_add(turn, data, (size_t)n);
	BIO_write(SSL_get_rbio(e->ssl[!from]), data, (int)n);
	(void)BIO_reset(SSL_get_wbio(e->ssl[from]));
	return true;
}

/* Let both ends do what they can until nothing moves. */
static void run(struct ends *e)
{
	char in[4096];
	bool moved = true;

	while (moved) {
		moved = false;
		for (int i = 0; i < SIDES; i++) {
			(void)SSL_do_handshake(e->ssl[i]);
			while (SSL_read(e->ssl[i], in, sizeof(in)) > 0)
				;
			moved = carry(e, i) || moved;
		}
	}
	ERR_clear_error();
}

static void say(struct ends *e, int side, const char *text)
{
	assert_true(SSL_write(e->ssl[side], text, (int)strlen(text)) > 0);
	ear_buf_str(&e->said[side], text);
	carry(e, side);
	run(e);
}

static void converse(struct ends *e)
{
	static char big[30000];

	memset(big, 'x', sizeof(big) - 1);
	say(e, 0, "REGISTER sip:example SIP/2.0\r\n\r\n");
	say(e, 1, "SIP/2.0 200 OK\r\n\r\n");
	say(e, 1, big);
	say(e, 0, "bye");
}

/* Connect, with the handshake. */
static void meet(struct ends *e)
{
	connect_ends(e);
	run(e);
}

/* Two ends, what they always say, and both still there. */
static void talk(struct ends *e, int version, const char *suite)
{
	open_ends(e, version, suite);
	meet(e);
	converse(e);
}

static void hang_up(struct ends *e)
{
	for (int i = 0; i < SIDES; i++) {
		SSL_shutdown(e->ssl[i]);
		carry(e, i);
	}
}

static void forget(struct ends *e)
{
	for (int i = 0; i < SIDES; i++) {
		SSL_free(e->ssl[i]);
		ear_buf_fini(&e->said[i]);
		e->said[i] = (struct ear_buf){0};
		e->ssl[i] = NULL;
	}
	for (size_t i = 0; i < e->wire.n; i++)
		ear_buf_fini(&e->wire.turn[i]);
	e->wire = (struct wire){0};
}

static void close_ends(struct ends *e)
{
	forget(e);
	SSL_SESSION_free(e->session);
	for (int i = 0; i < SIDES; i++)
		SSL_CTX_free(e->ctx[i]);
}

/* --- reading from outside ---------------------------------------------- */

struct seen {
	struct ear_buf data[SIDES];
	int infos;
	struct ear_tls_info info;
	char text[5][80];
};

static void on_data(
	void *user, int side, uint64_t at_ns, struct ear_slice b, void *arg)
{
	(void)at_ns;
	(void)arg;
	ear_buf_slice(&((struct seen *)user)->data[side], b);
}

static void on_info(
	void *user, uint64_t at_ns, const struct ear_tls_info *info, void *arg)
{
	(void)at_ns;
	(void)arg;
	(void)info;
	((struct seen *)user)->infos++;
}

static const struct ear_tls_events events = {on_data, on_info};

struct how {
	size_t piece;    /* bytes shown at once; 0 all */
	size_t key_turn; /* keys come before it */
	size_t drop;     /* turn that is lost; SIZE_MAX none */
	bool swap;       /* the sides are numbered the other way */
	bool no_keys;
};

static void keep(struct seen *s, const struct ear_tls_flow *flow)
{
	ear_tls_info(flow, &s->info);
	const struct ear_slice from[] = {s->info.sni, s->info.alpn,
		s->info.subject, s->info.issuer, s->info.unread};

	for (int i = 0; i < 5; i++)
		snprintf(s->text[i], sizeof(s->text[i]), "%.*s",
			EAR_FMT(from[i]));
}

static void show(struct ear_tls_flow *flow, int side, uint64_t at_ns,
	struct ear_slice in, size_t piece)
{
	size_t used = 0, shown = 0, need;

	while (used < in.n) {
		size_t was = used;

		shown = piece && shown + piece < in.n ? shown + piece : in.n;
		used += ear_tls_take(flow, side, at_ns,
			ear_slice_sub(in, used, shown), &need);
		if (shown == in.n && used == was)
			fail_msg("stuck at %zu of %zu", used, in.n);
	}
}

static void read_wire(
	const struct wire *w, const struct how *how, struct seen *seen)
{
	struct ear_tls_keys *keys;
	struct ear_tls *tls;
	struct ear_tls_flow *flow;
	struct ear_tls_stats stats;

	*seen = (struct seen){0};
	assert_int_equal(ear_tls_keys_new(0, &keys), EAR_OK);
	assert_int_equal(ear_tls_new(&(struct ear_tls_options){.keys = keys,
					     .expect = !how->no_keys},
				 &events, NULL, &tls),
		EAR_OK);
	assert_int_equal(ear_tls_flow_new(tls, seen, &flow), EAR_OK);
	for (size_t i = 0; i < w->n; i++) {
		int side = w->side[i] ^ how->swap;

		if (i == how->key_turn && !how->no_keys)
			assert_int_equal(
				ear_tls_keys_feed(keys, ear_buf_view(&keylog)),
				EAR_OK);
		ear_tls_tick(tls, i);
		if (i == how->drop)
			ear_tls_gap(flow, side, EAR_S(""), w->turn[i].n);
		else
			show(flow, side, i, ear_buf_view(&w->turn[i]),
				how->piece);
	}
	ear_tls_end(flow, w->n);
	keep(seen, flow);
	ear_tls_flow_free(&flow);
	ear_tls_stats(tls, &stats);
	assert_int_equal(stats.memory, 0);
	assert_int_equal(stats.waiting, 0);
	ear_tls_free(&tls);
	ear_tls_keys_free(&keys);
}

static void drop_seen(struct seen *s)
{
	ear_buf_fini(&s->data[0]);
	ear_buf_fini(&s->data[1]);
}

static void check_read(const char *name, const struct ends *e,
	const struct how *how, int version)
{
	struct seen s;

	read_wire(&e->wire, how, &s);
	if (s.info.why)
		fail_msg("%s: %s", name, s.text[4]);
	for (int i = 0; i < SIDES; i++) {
		struct ear_slice got = ear_buf_view(&s.data[i ^ how->swap]),
				 want = ear_buf_view(&e->said[i]);

		if (!ear_slice_eq(got, want))
			fail_msg("%s: side %d: %zu bytes of %zu", name, i,
				got.n, want.n);
	}
	assert_int_equal(s.info.version, version);
	assert_int_equal(s.info.client, how->swap);
	assert_string_equal(s.text[0], "proxy.sip.example");
	assert_string_equal(s.text[1], "sip");
	assert_true(s.info.close_notify[0] && s.info.close_notify[1]);
	assert_int_equal(s.info.closer, how->swap);
	assert_true(s.infos >= 1);
	drop_seen(&s);
}

static void check_all(const char *name, const struct ends *e, int version)
{
	static const struct how hows[] = {
		{.drop = SIZE_MAX},
		{.drop = SIZE_MAX, .piece = 1},
		{.drop = SIZE_MAX, .piece = 1400, .swap = true},
		{.drop = SIZE_MAX, .key_turn = 3},
		{.drop = SIZE_MAX, .key_turn = 6, .piece = 100},
	};

	for (size_t i = 0; i < ROWS(hows); i++)
		check_read(name, e, &hows[i], version);
}

static const struct {
	int version;
	const char *openssl;
	const char *iana;
} suites[] = {
	{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
	{TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
	{TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256",
		"TLS_CHACHA20_POLY1305_SHA256"},
	{TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"},
	{TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256",
		"TLS_AES_128_CCM_8_SHA256"},
	{TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
	{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
	{TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
	{TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384",
		"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
	{TLS1_2_VERSION, "AES128-GCM-SHA256",
		"TLS_RSA_WITH_AES_128_GCM_SHA256"},
	{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM",
		"TLS_ECDHE_ECDSA_WITH_AES_128_CCM"},
	{TLS1_2_VERSION, "ECDHE-ECDSA-AES256-CCM8",
		"TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8"},
	{TLS1_2_VERSION, "PSK-AES128-GCM-SHA256",
		"TLS_PSK_WITH_AES_128_GCM_SHA256"},
	{TLS1_2_VERSION, "ECDHE-PSK-CHACHA20-POLY1305",
		"TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"},
	{TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
	{TLS1_2_VERSION, "AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"},
	{TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384",
		"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"},
};

static void test_suites(void **state)
{
	for (size_t i = 0; i < ROWS(suites); i++) {
		struct ends e;
		struct seen s;

		talk(&e, suites[i].version, suites[i].openssl);
		hang_up(&e);
		check_all(suites[i].openssl, &e, suites[i].version);
		read_wire(&e.wire,
			&(struct how){.drop = SIZE_MAX, .no_keys = true}, &s);
		assert_slice(suites[i].openssl,
			ear_tls_suite_name(s.info.cipher),
			ear_slice_str(suites[i].iana));
		assert_int_equal(s.info.version, suites[i].version);
		assert_int_equal(s.data[0].n + s.data[1].n, 0);
		assert_int_equal(s.infos, 1);
		assert_string_equal(s.text[4], "");
		if (suites[i].version == TLS1_2_VERSION &&
			!strstr(suites[i].openssl, "PSK")) {
			assert_string_equal(
				s.text[2], "CN=sip.example,O=Test\\, Inc");
			assert_string_equal(s.text[3], s.text[2]);
			assert_int_equal(s.info.not_after_ns,
				2051319845ULL * 1000000000ULL);
		}
		assert_string_equal(s.text[1],
			suites[i].version == TLS1_2_VERSION ? "sip"
							    : "ftp!,sip");
		drop_seen(&s);
		close_ends(&e);
	}
	(void)state;
}

/* CBC with the MAC first, as where a side does not know RFC 7366. */
static void test_mac_first(void **state)
{
	struct ends e;

	open_ends(&e, TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA");
	SSL_CTX_set_options(e.ctx[0], SSL_OP_NO_ENCRYPT_THEN_MAC);
	meet(&e);
	converse(&e);
	hang_up(&e);
	check_all("MAC first", &e, TLS1_2_VERSION);
	close_ends(&e);
	(void)state;
}

static void test_resumed(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < ROWS(versions); i++) {
		struct ends e;

		open_ends(&e, versions[i], NULL);
		meet(&e);
		e.session = SSL_get1_session(e.ssl[0]);
		hang_up(&e);
		forget(&e);
		meet(&e);
		assert_true(SSL_session_reused(e.ssl[0]));
		converse(&e);
		hang_up(&e);
		check_all("resumed", &e, versions[i]);
		close_ends(&e);
	}
	(void)state;
}

static void test_retry(void **state)
{
	struct ends e;

	open_ends(&e, TLS1_3_VERSION, NULL);
	SSL_CTX_set1_groups_list(e.ctx[0], "X25519:P-384");
	SSL_CTX_set1_groups_list(e.ctx[1], "P-384");
	meet(&e);
	assert_true(e.wire.n >= 4);
	converse(&e);
	hang_up(&e);
	check_all("HelloRetryRequest", &e, TLS1_3_VERSION);
	close_ends(&e);
	(void)state;
}

static void test_key_update(void **state)
{
	struct ends e;

	talk(&e, TLS1_3_VERSION, NULL);
	for (int i = 0; i < 3; i++) {
		SSL_key_update(e.ssl[i & 1], i ? SSL_KEY_UPDATE_REQUESTED
					       : SSL_KEY_UPDATE_NOT_REQUESTED);
		say(&e, i & 1, "after KeyUpdate");
		say(&e, !(i & 1), "the other one");
	}
	hang_up(&e);
	check_all("KeyUpdate", &e, TLS1_3_VERSION);
	close_ends(&e);
	(void)state;
}

/* A second handshake under the first one's keys. */
static void test_renegotiated(void **state)
{
	struct ends e;
	struct seen s;

	open_ends(&e, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256");
	SSL_CTX_set_options(e.ctx[1], SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	meet(&e);
	say(&e, 0, "before");
	assert_true(SSL_renegotiate(e.ssl[0]));
	run(&e);
	say(&e, 0, "behind");
	hang_up(&e);
	read_wire(&e.wire, &(struct how){.drop = SIZE_MAX}, &s);
	assert_string_equal(s.text[4], "");
	assert_slice("client", ear_buf_view(&s.data[0]), EAR_S("beforebehind"));
	drop_seen(&s);
	close_ends(&e);
	(void)state;
}

static void test_early_data(void **state)
{
	struct ends e;
	size_t n;
	struct seen s;

	open_ends(&e, TLS1_3_VERSION, NULL);
	SSL_CTX_set_max_early_data(e.ctx[1], 4096);
	SSL_CTX_set_options(e.ctx[1], SSL_OP_NO_ANTI_REPLAY);
	meet(&e);
	e.session = SSL_get1_session(e.ssl[0]);
	hang_up(&e);
	forget(&e);
	connect_ends(&e);
	assert_int_equal(SSL_write_early_data(e.ssl[0], "early", 5, &n), 1);
	carry(&e, 0);
	{
		char in[64];

		assert_int_equal(
			SSL_read_early_data(e.ssl[1], in, sizeof(in), &n),
			SSL_READ_EARLY_DATA_SUCCESS);
		assert_int_equal(n, 5);
		carry(&e, 1);
		while (SSL_read_early_data(e.ssl[1], in, sizeof(in), &n) ==
			SSL_READ_EARLY_DATA_SUCCESS)
			;
	}
	run(&e);
	say(&e, 0, "later");
	hang_up(&e);
	for (size_t key = 0; key < 4; key++) {
		read_wire(&e.wire,
			&(struct how){.drop = SIZE_MAX, .key_turn = key}, &s);
		assert_string_equal(s.text[4], "");
		assert_slice(
			"0-RTT", ear_buf_view(&s.data[0]), EAR_S("earlylater"));
		drop_seen(&s);
	}
	close_ends(&e);
	(void)state;
}

/* What is behind a gap is read; what was in it is not. */
static void test_gap(void **state)
{
	for (size_t i = 0; i < ROWS(suites); i++) {
		struct ends e;
		size_t first;

		open_ends(&e, suites[i].version, suites[i].openssl);
		meet(&e);
		first = e.wire.n;
		say(&e, 0, "one");
		say(&e, 0, "two");
		say(&e, 0, "three");
		for (size_t drop = first; drop < first + 2; drop++) {
			struct seen s;

			read_wire(&e.wire, &(struct how){.drop = drop}, &s);
			assert_string_equal(s.text[4], "");
			assert_slice(suites[i].openssl,
				ear_buf_view(&s.data[0]),
				drop == first ? EAR_S("twothree")
					      : EAR_S("onethree"));
			drop_seen(&s);
		}
		close_ends(&e);
	}
	(void)state;
}

/* Any turn of the handshake is lost: no crash, a reason or the data. */
static void test_lost_handshake(void **state)
{
	for (size_t i = 0; i < ROWS(suites); i += 4) {
		struct ends e;

		talk(&e, suites[i].version, suites[i].openssl);
		for (size_t drop = 0; drop < e.wire.n; drop++) {
			struct seen s;

			read_wire(&e.wire, &(struct how){.drop = drop}, &s);
			if (drop == 0)
				assert_string_equal(
					s.text[4], "bytes are missing");
			else if (!s.data[0].n)
				assert_true(s.text[4][0]);
			drop_seen(&s);
		}
		close_ends(&e);
	}
	(void)state;
}

static void test_unread(void **state)
{
	struct ends e;
	struct seen s;

	/* a key log, but of others */
	talk(&e, TLS1_3_VERSION, NULL);
	read_wire(&e.wire,
		&(struct how){.drop = SIZE_MAX, .key_turn = SIZE_MAX}, &s);
	assert_string_equal(
		s.text[4], "no key in the key log for this connection");
	assert_int_equal(s.infos, 2);
	drop_seen(&s);

	/* begun behind the handshake */
	while (e.wire.n && e.wire.turn[0].p[0] != 23) {
		ear_buf_fini(&e.wire.turn[0]);
		e.wire.n--;
		memmove(e.wire.turn, e.wire.turn + 1,
			e.wire.n * sizeof(e.wire.turn[0]));
		memmove(e.wire.side, e.wire.side + 1, e.wire.n);
	}
	read_wire(&e.wire, &(struct how){.drop = SIZE_MAX}, &s);
	assert_string_equal(s.text[4], "the capture began after the handshake");
	drop_seen(&s);
	close_ends(&e);

	/* the wrong key */
	talk(&e, TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256");
	keylog.p[keylog.n - 2] = keylog.p[keylog.n - 2] == '0' ? '1' : '0';
	read_wire(&e.wire, &(struct how){.drop = SIZE_MAX}, &s);
	assert_string_equal(s.text[4],
		"the key in the key log does not fit this connection");
	drop_seen(&s);
	close_ends(&e);

	/* a version and a cipher that are not read */
	talk(&e, TLS1_1_VERSION, "DEFAULT@SECLEVEL=0");
	read_wire(&e.wire, &(struct how){.drop = SIZE_MAX}, &s);
	assert_string_equal(s.text[4], "TLS 1.1 is not read");
	drop_seen(&s);
	close_ends(&e);
	talk(&e, TLS1_2_VERSION, "CAMELLIA128-SHA");
	read_wire(&e.wire, &(struct how){.drop = SIZE_MAX}, &s);
	assert_string_equal(s.text[4],
		"cipher TLS_RSA_WITH_CAMELLIA_128_CBC_SHA is not read");
	drop_seen(&s);
	close_ends(&e);
	(void)state;
}

/* A server without a common cipher says so in clear. */
static void test_alert(void **state)
{
	struct ends e;
	struct seen s;

	open_ends(&e, TLS1_2_VERSION, "AES128-SHA");
	SSL_CTX_set_cipher_list(e.ctx[1], "AES256-SHA");
	meet(&e);
	read_wire(
		&e.wire, &(struct how){.drop = SIZE_MAX, .no_keys = true}, &s);
	assert_int_equal(s.info.alert, 40 + 1);
	assert_int_equal(s.info.alert_by, 1);
	assert_int_equal(s.infos, 1);
	assert_string_equal(s.text[0], "proxy.sip.example");
	drop_seen(&s);
	close_ends(&e);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_mac_first),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_key_update),
		cmocka_unit_test(test_renegotiated),
		cmocka_unit_test(test_early_data),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_lost_handshake),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_alert),
	};

	return cmocka_run_group_tests_name(
		"proto/tls_live", tests, set_up, tear_down);
}
