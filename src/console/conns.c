/* SPDX-License-Identifier: Apache-2.0 */
#include "console/conns.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/time.h"

struct conn {
	struct bufferevent *bev; /* a reference of ours; NULL: free place */
	uint64_t begun;          /* of the request that is coming in; 0 none */
	bool busy;               /* with an answer */
};

struct ear_conns {
	struct evconnlistener *listener;
	SSL_CTX *tls;
	uint64_t head_ns;
	unsigned most;
	unsigned n;
	struct conn at[];
};

enum ear_err ear_conns_new(unsigned most, uint64_t head_ns,
	struct evconnlistener *listener, SSL_CTX *tls, struct ear_conns **conns)
{
	struct ear_conns *c = calloc(1, sizeof(*c) + most * sizeof(c->at[0]));

	*conns = c;
	if (!c)
		return EAR_NOMEM;
	c->listener = listener;
	c->tls = tls;
	c->head_ns = head_ns;
	c->most = most;
	return EAR_OK;
}

void ear_conns_tls(struct ear_conns *c, SSL_CTX *tls)
{
	c->tls = tls;
}

static void forget(struct ear_conns *c, struct conn *conn)
{
	bufferevent_decref(conn->bev);
	*conn = (struct conn){0};
	c->n--;
}

void ear_conns_free(struct ear_conns **conns)
{
	struct ear_conns *c = *conns;

	if (!c)
		return;
	for (unsigned i = 0; i < c->most; i++)
		if (c->at[i].bev)
			forget(c, &c->at[i]);
	free(c);
	*conns = NULL;
}

static struct conn *find(struct ear_conns *c, const struct bufferevent *bev)
{
	for (unsigned i = 0; i < c->most; i++)
		if (c->at[i].bev == bev)
			return &c->at[i];
	return NULL;
}

/* The first byte after an answer starts the clock of the next request. */
static void came(
	struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
	struct conn *conn = arg;

	if (info->n_added && !conn->busy && conn->begun == 0)
		conn->begun = ear_mono_ns();
}

static struct bufferevent *make_bev(struct event_base *base, SSL_CTX *tls)
{
	struct bufferevent *bev;
	SSL *ssl;

	if (!tls)
		return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = SSL_new(tls);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, -1, ssl,
		BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		SSL_free(ssl);
		return NULL;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

struct bufferevent *ear_conns_make(struct event_base *base, void *arg)
{
	struct ear_conns *c = arg;
	struct conn *conn = find(c, NULL);
	struct bufferevent *bev;

	/* the listener pauses at the last place, so there is one; were there
	 * none, evhttp would serve the connection without our clock */
	bev = make_bev(base, c->tls);
	if (!bev || !conn)
		return bev;
	bufferevent_incref(bev);
	*conn = (struct conn){.bev = bev, .begun = ear_mono_ns()};
	evbuffer_add_cb(bufferevent_get_input(bev), came, conn);
	if (++c->n == c->most)
		evconnlistener_disable(c->listener);
	return bev;
}

void ear_conns_busy(struct ear_conns *c, struct bufferevent *bev)
{
	struct conn *conn = find(c, bev);

	if (conn) {
		conn->busy = true;
		conn->begun = 0;
	}
}

void ear_conns_idle(struct ear_conns *c, struct bufferevent *bev)
{
	struct conn *conn = find(c, bev);

	if (!conn)
		return;
	conn->busy = false;
	if (evbuffer_get_length(bufferevent_get_input(bev)) > 0)
		conn->begun = ear_mono_ns();
}

/* evhttp clears the callbacks of a connection that it gives up. */
static bool gone(struct bufferevent *bev)
{
	bufferevent_data_cb read_cb, write_cb;
	bufferevent_event_cb event_cb;

	bufferevent_getcb(bev, &read_cb, &write_cb, &event_cb, NULL);
	return !read_cb && !write_cb && !event_cb;
}

void ear_conns_sweep(struct ear_conns *c, uint64_t now)
{
	for (unsigned i = 0; i < c->most; i++) {
		struct conn *conn = &c->at[i];

		if (!conn->bev)
			continue;
		if (gone(conn->bev))
			forget(c, conn);
		else if (conn->begun && now > conn->begun &&
			 now - conn->begun > c->head_ns)
			/* evhttp then sees the end and cleans up */
			shutdown(bufferevent_getfd(conn->bev), SHUT_RDWR);
	}
	if (c->n < c->most)
		evconnlistener_enable(c->listener);
}
