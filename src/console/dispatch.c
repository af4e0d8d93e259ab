/* SPDX-License-Identifier: Apache-2.0 */
/* From evhttp's request to the handler of its route and back. */
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "console/priv.h"

static struct bufferevent *bev_of(struct evhttp_request *http)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(http);

	return conn ? evhttp_connection_get_bufferevent(conn) : NULL;
}

static void answered(struct evhttp_request *http, void *arg)
{
	struct ear_console *c = arg;
	struct bufferevent *bev = bev_of(http);

	if (bev)
		ear_conns_idle(c->conns, bev);
}

static void note_connection(struct ear_call *call)
{
	struct bufferevent *bev = bev_of(call->http);
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);
	int fd, on = 1;

	if (!bev)
		return;
	ear_conns_busy(call->console->conns, bev);
	evhttp_request_set_on_complete_cb(call->http, answered, call->console);
	fd = bufferevent_getfd(bev);
	if (getpeername(fd, (struct sockaddr *)&ss, &n) == 0)
		call->peer = ear_addr_from_sockaddr((struct sockaddr *)&ss);
	call->from = call->peer;
	call->tls = call->console->tls != NULL;
	ear_door_forwarded(call);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/*
 * Where a request ends must be beyond doubt: a proxy that takes another of two
 * lengths than we do hands us the rest as somebody else's request (RFC 9112
 * s11.2). Such a connection is closed.
 */
static bool is_framed_once(struct ear_call *call)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(call->http);
	const struct evkeyval *h;
	unsigned lengths = 0;
	bool good = true;

	for (h = in->tqh_first; h; h = h->next.tqe_next) {
		struct ear_slice name = ear_slice_str(h->key);
		struct ear_slice value = ear_slice_str(h->value);

		if (ear_slice_trim(name).n != name.n)
			good = false;
		else if (ear_slice_ieq(name, EAR_S("Content-Length")))
			lengths++;
		else if (ear_slice_ieq(name, EAR_S("Transfer-Encoding")))
			good = good && !lengths++ &&
			       ear_slice_ieq(value, EAR_S("chunked"));
	}
	if (good && lengths < 2)
		return true;
	ear_call_header(call, "Connection", "close");
	ear_call_fail(call, 400, "it is not clear where the request ends");
	return false;
}

static bool read_query(struct ear_call *call, const struct evhttp_uri *uri)
{
	const char *query = evhttp_uri_get_query(uri);

	if (!query || !*query)
		return true;
	if (evhttp_parse_query_str(query, &call->query) == 0)
		return true;
	ear_call_fail(call, 400, "the query string cannot be read");
	return false;
}

static bool read_body(struct ear_call *call)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(call->http);
	size_t n = evbuffer_get_length(in);
	char *to = n ? ear_buf_reserve(&call->body, n) : NULL;

	if (!to)
		return n == 0;
	if (evbuffer_remove(in, to, n) != (int)n)
		return false;
	call->body.n = n;
	return true;
}

/* @return false: the answer is an error */
static bool read_request(struct ear_call *call)
{
	const struct evhttp_uri *uri =
		evhttp_request_get_evhttp_uri(call->http);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type cmd = evhttp_request_get_command(call->http);
	size_t n = 0;
	bool other;

	if (!path || !*path)
		path = "/";
	call->path = evhttp_uridecode(path, 0, &n);
	if (!call->path || strlen(call->path) != n) {
		ear_call_fail(call, 400, "the path cannot be read");
		return false;
	}
	call->route = ear_route_find(cmd == EVHTTP_REQ_POST ? "POST" : "GET",
		ear_slice(call->path, n), &call->rest, &other);
	if (!call->route) {
		ear_call_fail(call, other ? 405 : 404,
			other ? "not with this method" : "no such page");
		return false;
	}
	if (cmd == EVHTTP_REQ_HEAD && call->route->where == EAR_ON_ITS_OWN) {
		ear_call_fail(call, 405, "not with this method");
		return false;
	}
	return read_query(call, uri);
}

static void send_posted(struct ear_post *post)
{
	ear_call_send(
		(struct ear_call *)((char *)post -
				    offsetof(struct ear_call, task.post)));
}

static void run(struct ear_job *job)
{
	struct ear_call *call = (struct ear_call *)job;

	call->fn(call);
}

void ear_call_on(struct ear_call *call, struct ear_pool *pool,
	void (*fn)(struct ear_call *call))
{
	call->fn = fn;
	call->task.job.run = run;
	call->task.post.fn = send_posted;
	if (ear_pool_put(pool, &call->task.job)) {
		call->retry_after_s = 1;
		ear_call_fail(call, 503,
			"too much is being asked at once, try again");
		ear_call_send(call);
	}
}

static void start(struct ear_call *call)
{
	struct ear_console *c = call->console;
	const struct ear_route *route = call->route;

	switch (route->where) {
	case EAR_ON_LOOP:
		route->fn(call);
		ear_call_send(call);
		break;
	case EAR_ON_ITS_OWN: route->fn(call); break;
	case EAR_ON_SEARCHES: ear_call_on(call, c->searches, route->fn); break;
	case EAR_ON_LOOKUPS: ear_call_on(call, c->lookups, route->fn); break;
	case EAR_ON_ACCOUNTS: ear_call_on(call, c->accounts, route->fn); break;
	}
}

void ear_dispatch(struct evhttp_request *http, void *arg)
{
	struct ear_console *c = arg;
	struct ear_call *call = calloc(1, sizeof(*call));

	if (!call) {
		evhttp_send_error(http, 503, NULL);
		return;
	}
	call->console = c;
	call->http = http;
	TAILQ_INIT(&call->query);
	call->next = c->calls;
	if (c->calls)
		c->calls->prev = call;
	c->calls = call;
	note_connection(call);
	if (!is_framed_once(call) || !ear_door_host(call) ||
		!read_request(call) || !ear_door_enter(call) ||
		!ear_openapi_query(call)) {
		ear_call_send(call);
	} else if (!read_body(call)) {
		ear_call_fail(call, 503, "out of memory");
		ear_call_send(call);
	} else {
		start(call);
	}
}
