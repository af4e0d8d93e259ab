/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/wire.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/connect.h"
#include "net/tls.h"
#include "net/tls_client.h"

#define WAIT_MS 5000

/* What one datagram socket may hold back while the network is slow. */
#define DATAGRAM_BUFFER (4u << 20)

/* Datagrams in one call to the kernel. */
#define BATCH 256

/* A TLS record holds so much (RFC 8446 s5.1): each becomes one. */
#define TLS_WRITE (16u << 10)

/* Writes over TLS that the peer's kernel has not acknowledged yet. */
#define MARKS 1024

/* So many bytes of ours became so many on the wire. */
struct mark {
	uint64_t plain;
	uint64_t wire;
};

struct ear_wire {
	int fd;
	SSL *ssl; /* NULL: in the clear */
	struct ear_addr peer;
	char host[EAR_HOST_TEXT];
	char *buffer; /* EAR_WIRE_BUFFER bytes; streams only */
	size_t from;  /* first byte not written */
	size_t n;     /* behind the last byte put */
	uint64_t written;
	uint64_t acknowledged;
	struct mark mark[MARKS]; /* a ring; TLS only */
	size_t first_mark;
	size_t marks;
};

static enum ear_err open_parts(struct ear_wire *w,
	const struct ear_wire_options *o, struct ear_fault *fault)
{
	const uint32_t wait_ms = o->wait_ms ? o->wait_ms : WAIT_MS;
	const bool udp = o->to->carrier == EAR_CARRY_UDP;
	const struct ear_connect connect = {
		.host = o->to->host,
		.port = o->to->port,
		.tcp = !udp,
		.from = o->from,
		.wait_ms = wait_ms,
		.send_buffer = udp ? DATAGRAM_BUFFER : 0,
	};
	enum ear_err err;

	memcpy(w->host, o->to->host, sizeof(w->host));
	if (!udp) {
		w->buffer = malloc(EAR_WIRE_BUFFER);
		if (!w->buffer)
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	err = ear_connect(&connect, &w->fd, &w->peer, fault);
	if (!err && o->to->carrier == EAR_CARRY_TLS)
		err = ear_tls_connect(
			o->tls, w->fd, w->host, wait_ms, &w->ssl, fault);
	return err;
}

enum ear_err ear_wire_open(const struct ear_wire_options *options,
	struct ear_wire **wire, struct ear_fault *fault)
{
	struct ear_wire *w = calloc(1, sizeof(*w));
	enum ear_err err;

	*wire = NULL;
	if (!w)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	w->fd = -1;
	err = open_parts(w, options, fault);
	if (err)
		ear_wire_close(&w);
	*wire = w;
	return err;
}

void ear_wire_close(struct ear_wire **wire)
{
	struct ear_wire *w = *wire;

	if (!w)
		return;
	if (w->ssl) {
		(void)SSL_shutdown(w->ssl);
		SSL_free(w->ssl);
		(void)ear_tls_reason();
	}
	if (w->fd >= 0)
		close(w->fd);
	free(w->buffer);
	free(w);
	*wire = NULL;
}

struct ear_addr ear_wire_peer(const struct ear_wire *w)
{
	return w->peer;
}

/* --- streams ---------------------------------------------------------- */

static enum ear_err broken(struct ear_wire *w, struct ear_fault *fault)
{
	char text[EAR_ADDR_TEXT];

	ear_addr_text(&w->peer, text);
	return ear_fail_sys(fault, "the connection to %s broke", text);
}

static enum ear_err closed(struct ear_wire *w, struct ear_fault *fault)
{
	char text[EAR_ADDR_TEXT];

	ear_addr_text(&w->peer, text);
	return ear_fail(fault, EAR_GONE, 0, "%s closed the connection", text);
}

/* What SSL_get_error() says: -1 with errno as a socket would have it. */
static ssize_t tls_result(struct ear_wire *w, int rc)
{
	int why = SSL_get_error(w->ssl, rc), saved = errno;

	ERR_clear_error();
	switch (why) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
	case SSL_ERROR_ZERO_RETURN: return 0;
	case SSL_ERROR_SYSCALL: errno = saved ? saved : ECONNRESET; return -1;
	default: errno = EPROTO; return -1;
	}
}

static void add_mark(struct ear_wire *w)
{
	struct mark m = {w->written, BIO_number_written(SSL_get_wbio(w->ssl))};

	/* without room the next one stands for this one too */
	if (w->marks < MARKS)
		w->mark[(w->first_mark + w->marks++) % MARKS] = m;
}

static ssize_t write_some(struct ear_wire *w)
{
	size_t left = w->n - w->from, wrote = 0;
	int rc;

	if (!w->ssl)
		return send(w->fd, w->buffer + w->from, left, MSG_NOSIGNAL);
	ERR_clear_error();
	rc = SSL_write_ex(w->ssl, w->buffer + w->from,
		left < TLS_WRITE ? left : TLS_WRITE, &wrote);
	return rc == 1 ? (ssize_t)wrote : tls_result(w, rc);
}

size_t ear_wire_room(const struct ear_wire *w)
{
	return EAR_WIRE_BUFFER - (w->n - w->from);
}

void ear_wire_put(struct ear_wire *w, struct ear_slice bytes)
{
	assert(bytes.n <= ear_wire_room(w));
	if (bytes.n > EAR_WIRE_BUFFER - w->n) {
		memmove(w->buffer, w->buffer + w->from, w->n - w->from);
		w->n -= w->from;
		w->from = 0;
	}
	memcpy(w->buffer + w->n, bytes.p, bytes.n);
	w->n += bytes.n;
}

enum ear_err ear_wire_flush(
	struct ear_wire *w, uint32_t wait_ms, struct ear_fault *fault)
{
	while (w->from < w->n) {
		ssize_t n = write_some(w);

		if (n > 0) {
			w->from += (size_t)n;
			w->written += (uint64_t)n;
			if (w->ssl)
				add_mark(w);
		} else if (n < 0 && errno == EAGAIN) {
			if (!wait_ms ||
				!ear_socket_wait(w->fd, POLLOUT, wait_ms))
				return EAR_FULL;
			wait_ms = 0;
		} else if (n == 0) {
			return closed(w, fault);
		} else if (errno != EINTR) {
			return broken(w, fault);
		}
	}
	w->from = w->n = 0;
	return EAR_OK;
}

uint64_t ear_wire_acknowledged(struct ear_wire *w)
{
	uint64_t left = ear_socket_unacknowledged(w->fd), wire;

	if (!w->ssl) {
		if (w->written >= left && w->written - left > w->acknowledged)
			w->acknowledged = w->written - left;
		return w->acknowledged;
	}
	wire = BIO_number_written(SSL_get_wbio(w->ssl));
	while (w->marks && w->mark[w->first_mark].wire + left <= wire) {
		w->acknowledged = w->mark[w->first_mark].plain;
		w->first_mark = (w->first_mark + 1) % MARKS;
		w->marks--;
	}
	return w->acknowledged;
}

enum ear_err ear_wire_read(struct ear_wire *w, char *room, size_t most,
	size_t *n, struct ear_fault *fault)
{
	ssize_t got;

	*n = 0;
	do {
		if (w->ssl) {
			size_t some = 0;
			int rc;

			ERR_clear_error();
			rc = SSL_read_ex(w->ssl, room, most, &some);
			got = rc == 1 ? (ssize_t)some : tls_result(w, rc);
		} else {
			got = recv(w->fd, room, most, 0);
		}
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		*n = (size_t)got;
	if (got == 0)
		return closed(w, fault);
	return got < 0 && errno != EAGAIN ? broken(w, fault) : EAR_OK;
}

void ear_wire_wait(struct ear_wire *w, uint32_t wait_ms)
{
	if (w->ssl && SSL_pending(w->ssl))
		return;
	ear_socket_wait(w->fd, POLLIN, wait_ms);
}

/* --- datagrams -------------------------------------------------------- */

static enum ear_err refused(struct ear_wire *w, struct ear_fault *fault)
{
	char text[EAR_ADDR_TEXT];

	ear_addr_text(&w->peer, text);
	if (errno == ECONNREFUSED)
		return ear_fail(
			fault, EAR_SYS, 0, "nobody listens at %s by udp", text);
	return ear_fail_sys(fault, "cannot send to %s by udp", text);
}

static int send_batch(
	struct ear_wire *w, const struct ear_slice *datagrams, size_t n)
{
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];

	if (n > BATCH)
		n = BATCH;
	memset(msg, 0, n * sizeof(*msg));
	for (size_t i = 0; i < n; i++) {
		iov[i].iov_base = (char *)(uintptr_t)datagrams[i].p;
		iov[i].iov_len = datagrams[i].n;
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(w->fd, msg, (unsigned)n, MSG_NOSIGNAL);
}

enum ear_err ear_wire_send(struct ear_wire *w,
	const struct ear_slice *datagrams, size_t n, size_t *sent,
	struct ear_fault *fault)
{
	*sent = 0;
	while (*sent < n) {
		int went = send_batch(w, datagrams + *sent, n - *sent);

		if (went > 0) {
			*sent += (size_t)went;
			continue;
		}
		switch (went < 0 ? errno : EAGAIN) {
		case EINTR: break;
		case EMSGSIZE: return EAR_LIMIT;
		case ENOBUFS:
			/* the interface's queue, which no poll knows */
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
			return EAR_OK;
		case EAGAIN:
			if (!ear_socket_wait(w->fd, POLLOUT, 500))
				return EAR_OK;
			break;
		default: return refused(w, fault);
		}
	}
	return EAR_OK;
}

enum ear_err ear_wire_probe(
	struct ear_wire *w, uint32_t wait_ms, struct ear_fault *fault)
{
	int error = 0;
	socklen_t n = sizeof(error);

	ear_socket_wait(w->fd, 0, wait_ms);
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) || !error)
		return EAR_OK;
	errno = error;
	return refused(w, fault);
}
