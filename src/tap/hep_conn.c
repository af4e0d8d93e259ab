/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/hep_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"
#include "net/tls.h"
#include "proto/hep_write.h"

/* Bytes read of one connection before the others get their turn. */
#define BUDGET (1u << 20)

/* --- what the stream finds -------------------------------------------- */

/* Whether the first packet of a connection asks to be told. */
static void look_first(struct hep_conn *c, struct ear_slice bytes)
{
	struct ear_hep hep;

	c->asks = !ear_hep_read(bytes, 0, &hep) &&
		  ear_hep_number(&hep, EAR_HEP_ACK_WANTED) == 1;
	c->barred = c->asks && !hep_gate_key_fits(c->ground->gate,
				       ear_hep_value(&hep, EAR_HEP_KEY));
}

static void put(enum ear_unit_kind kind, struct ear_slice bytes, uint32_t units,
	void *arg)
{
	struct hep_conn *c = arg;
	struct ear_intake *intake = c->ground->intake;
	const struct ear_unit unit = {
		.kind = (uint8_t)kind,
		.transport = (uint8_t)c->ground->gate->transport,
		.units = units,
		.seen_ns = c->seen_ns,
		.from = c->from,
		.to = c->ground->gate->address,
	};

	if (kind == EAR_UNIT_HEP_STREAM) {
		if (!c->units)
			look_first(c, bytes);
		c->units += units;
	}
	intake->put(intake, &unit, bytes);
}

static void count(enum ear_count what, void *arg)
{
	struct hep_conn *c = arg;

	hep_gate_count(c->ground->gate, &c->from, what, c->seen_ns);
}

static void say(const struct hep_conn *c, struct ear_log_gate *every,
	const char *event, const char *why, uint64_t bytes)
{
	char from[EAR_ADDR_TEXT];
	uint64_t skipped;

	if (!ear_log_every(every, &skipped))
		return;
	ear_addr_text(&c->from, from);
	ear_log(EAR_NOTICE, event, "tap", EAR_LS(c->ground->gate->name),
		"source", EAR_LS(from), "reason", EAR_LS(why), "bytes",
		EAR_LU(bytes), "skipped", EAR_LU(skipped), NULL);
}

static void skipped(uint64_t bytes, void *arg)
{
	static struct ear_log_gate every;

	say(arg, &every, "tap.garbage", "bytes between packets were skipped",
		bytes);
}

void hep_conn_say(const struct hep_conn *c, const char *why)
{
	static struct ear_log_gate every;

	say(c, &every, "tap.closed", why, c->stream.garbage);
}

static const struct ear_hep_stream_ops ops = {put, count, skipped};

/* --- beginning and end ------------------------------------------------ */

static bool begin_tls(struct hep_conn *c)
{
	c->ssl = SSL_new(c->ground->tls);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
		return false;
	SSL_set_accept_state(c->ssl);
	return true;
}

enum ear_err hep_conn_new(const struct hep_conn_ground *ground, int fd,
	const struct ear_addr *from, uint64_t mono_ns, struct hep_conn **out)
{
	struct hep_conn *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return EAR_NOMEM;
	c->ground = ground;
	c->fd = fd;
	c->from = *from;
	c->active_ns = mono_ns;
	c->stream.ops = &ops;
	c->stream.arg = c;
	c->stream.max_garbage = ground->max_garbage;
	c->shaken = !ground->tls;
	c->begun_ns = ground->tls ? mono_ns : 0;
	if (ground->tls && !begin_tls(c)) {
		SSL_free(c->ssl);
		free(c);
		return EAR_NOMEM;
	}
	*out = c;
	return EAR_OK;
}

void hep_conn_free(struct hep_conn **conn, uint64_t now_ns)
{
	struct hep_conn *c = *conn;

	c->seen_ns = now_ns;
	ear_hep_stream_end(&c->stream);
	if (c->ssl && c->shaken)
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	/* The thread's queue of TLS errors must not blame the next one. */
	if (c->ground->tls)
		(void)ear_tls_reason();
	close(c->fd);
	free(c);
	*conn = NULL;
}

/* --- reading ---------------------------------------------------------- */

/* As recv(): bytes, 0 at the end, -1 with errno. */
static ssize_t read_tcp(struct hep_conn *c, char *room, size_t n)
{
	ssize_t got;

	do
		got = recv(c->fd, room, n, 0);
	while (got < 0 && errno == EINTR);
	return got;
}

/* What SSL_get_error() says, as recv() would. */
static ssize_t tls_result(struct hep_conn *c, int rc)
{
	const char *reason;

	c->wants_write = false;
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_WANT_WRITE: c->wants_write = true; /* fall through */
	case SSL_ERROR_WANT_READ: errno = EAGAIN; return -1;
	case SSL_ERROR_ZERO_RETURN: return 0;
	default: break;
	}
	reason = ear_tls_reason();
	if (*reason)
		hep_conn_say(c, reason);
	errno = ECONNRESET;
	return -1;
}

/* Several records at once: each is at most 16 KiB. */
static ssize_t read_tls(struct hep_conn *c, char *room, size_t n)
{
	size_t have = 0;
	int rc = 1;

	/* What another connection left there would be taken for ours. */
	ERR_clear_error();
	if (!c->shaken) {
		rc = SSL_do_handshake(c->ssl);
		if (rc != 1)
			return tls_result(c, rc);
		c->shaken = true;
		c->begun_ns = 0;
	}
	while (have < n) {
		size_t got = 0;

		rc = SSL_read_ex(c->ssl, room + have, n - have, &got);
		if (rc != 1)
			break;
		have += got;
	}
	if (rc == 1)
		c->wants_write = false;
	/* An end or error is met again by the next call. */
	return have ? (ssize_t)have : tls_result(c, rc);
}

static bool take(struct hep_conn *c, struct ear_slice bytes, uint64_t mono_ns)
{
	uint64_t pieces = c->stream.pieces;

	c->active_ns = mono_ns;
	if (ear_hep_stream_feed(&c->stream, bytes)) {
		hep_conn_say(c, c->stream.why);
		return false;
	}
	if (!ear_hep_stream_open(&c->stream))
		c->begun_ns = 0;
	else if (!c->begun_ns || c->stream.pieces != pieces)
		c->begun_ns = mono_ns;
	return true;
}

bool hep_conn_read(struct hep_conn *c, uint64_t now_ns, uint64_t mono_ns)
{
	const struct hep_conn_ground *g = c->ground;
	size_t total = 0;

	c->seen_ns = now_ns;
	c->more = false;
	while (total < BUDGET) {
		ssize_t got = c->ssl ? read_tls(c, g->room, g->room_bytes)
				     : read_tcp(c, g->room, g->room_bytes);

		if (got < 0)
			return errno == EAGAIN;
		if (got == 0 ||
			!take(c, ear_slice(g->room, (size_t)got), mono_ns))
			return false;
		total += (size_t)got;
		/* A short read has emptied the socket; epoll tells of more. */
		if (!c->ssl && (size_t)got < g->room_bytes)
			return true;
	}
	/* TLS may hold bytes that epoll knows nothing of. */
	c->more = true;
	return true;
}

/* --- telling what was accepted ---------------------------------------- */

/* 0 says that none is: a sender that went on would lose what it sends. */
static void write_answer(struct hep_conn *c)
{
	uint64_t accepted = c->barred ? 0 : c->units;
	struct ear_buf out = {0};
	char be[8];

	for (int i = 0; i < 8; i++)
		be[i] = (char)(accepted >> 8 * (7 - i));
	ear_buf_add(&out, "HEP3\0", EAR_HEP_HEAD);
	ear_hep_write_chunk(&out, EAR_HEP_ACCEPTED, ear_slice(be, sizeof(be)));
	if (!out.err) {
		out.p[5] = (char)out.n;
		memcpy(c->answer, out.p, sizeof(c->answer));
		c->answer_left = sizeof(c->answer);
		c->told = c->units;
	}
	ear_buf_fini(&out);
}

/* The reader finds what is wrong with a connection that takes nothing. */
static size_t send_some(struct hep_conn *c, const char *p, size_t n)
{
	size_t wrote = 0;
	ssize_t sent;

	if (!c->ssl) {
		sent = send(c->fd, p, n, MSG_NOSIGNAL);
		return sent > 0 ? (size_t)sent : 0;
	}
	ERR_clear_error();
	if (SSL_write_ex(c->ssl, p, n, &wrote) != 1)
		(void)ear_tls_reason();
	return wrote;
}

bool hep_conn_tell(struct hep_conn *c)
{
	if (!c->answer_left && c->told != c->units)
		write_answer(c);
	if (c->answer_left)
		c->answer_left -= send_some(c,
			c->answer + sizeof(c->answer) - c->answer_left,
			c->answer_left);
	return !c->answer_left && c->told == c->units;
}

const char *hep_conn_overdue(const struct hep_conn *c, uint64_t mono_ns)
{
	if (c->begun_ns && mono_ns - c->begun_ns > c->ground->packet_ns)
		return c->shaken ? "a packet was begun and not finished in time"
				 : "no TLS handshake in time";
	if (mono_ns - c->active_ns > c->ground->idle_ns)
		return "silent for too long";
	return NULL;
}
