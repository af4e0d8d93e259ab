/* SPDX-License-Identifier: Apache-2.0 */
#include "console/priv.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "console/stream.h"
#include "net/tls.h"

/* What a request may weigh. */
#define HEAD_MAX (32 * 1024)
#define BODY_MAX (64 * 1024)
/* A connection without traffic, or an answer that nobody takes, seconds. */
#define IDLE_S 60
/* Threads for what asks little of the store. */
#define LOOKUPS 2

void ear_console_post(struct ear_console *c, struct ear_post *post)
{
	uint64_t one = 1;

	pthread_mutex_lock(&c->mail_lock);
	post->next = NULL;
	*c->posts_last = post;
	c->posts_last = &post->next;
	pthread_mutex_unlock(&c->mail_lock);
	/* fails only when 2^64 - 2 wake-ups are pending: it is awake */
	if (write(c->mail_fd, &one, sizeof(one)) < 0)
		return;
}

static void job_done(struct ear_job *job, void *arg)
{
	ear_console_post(arg, &((struct ear_task *)job)->post);
}

static void run_posts(struct ear_console *c)
{
	struct ear_post *post, *next;

	pthread_mutex_lock(&c->mail_lock);
	post = c->posts;
	c->posts = NULL;
	c->posts_last = &c->posts;
	pthread_mutex_unlock(&c->mail_lock);
	for (; post; post = next) {
		next = post->next;
		post->fn(post);
	}
}

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct ear_console *c = arg;
	uint64_t count;
	bool ending;

	if (read(fd, &count, sizeof(count)) < 0)
		return;
	run_posts(c);
	pthread_mutex_lock(&c->mail_lock);
	ending = c->ending;
	pthread_mutex_unlock(&c->mail_lock);
	if (ending)
		event_base_loopbreak(c->base);
}

/* evhttp does not read while a request is answered, so it does not see the
 * client leave; the kernel tells when asked. */
static bool client_gone(struct ear_call *call)
{
	struct evhttp_connection *conn =
		evhttp_request_get_connection(call->http);
	struct pollfd p = {.events = POLLRDHUP};

	if (!conn)
		return true;
	p.fd = bufferevent_getfd(evhttp_connection_get_bufferevent(conn));
	return poll(&p, 1, 0) > 0 &&
	       (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Sessions that are over, and the answers that go on for them. */
static void expire_sessions(struct ear_console *c, uint64_t now)
{
	struct ear_session_info info;
	struct ear_call *call, *next;

	if (now < c->next_expiry)
		return;
	c->next_expiry = now + EAR_SECOND_NS;
	for (call = c->calls; call; call = next) {
		next = call->next;
		if (call->gone && !ear_door_still(call))
			call->gone(call);
	}
	while (ear_sessions_expired(c->sessions, now, &info))
		ear_console_event(
			c, EAR_WEB_SESSION_TIMEOUT, info.name, &info.from);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ear_console *c = arg;
	uint64_t now = ear_mono_ns();
	struct ear_call *call, *next;

	for (call = c->calls; call; call = next) {
		next = call->next;
		if (!client_gone(call))
			continue;
		ear_call_stop(call);
		if (call->gone)
			call->gone(call);
	}
	ear_streams_sweep(c);
	ear_conns_sweep(c->conns, now);
	expire_sessions(c, now);
}

static void *loop(void *arg)
{
	struct ear_console *c = arg;

	event_base_dispatch(c->base);
	return NULL;
}

/* Where a certificate lies that we made ourselves. */
struct own_pair {
	char certificate[PATH_MAX], private_key[PATH_MAX];
};

static enum ear_err make_own(const struct ear_console *c, struct own_pair *own,
	struct ear_fault *fault)
{
	if (snprintf(own->certificate, PATH_MAX, "%s/console.crt", c->o.dir) >=
			PATH_MAX ||
		snprintf(own->private_key, PATH_MAX, "%s/console.key",
			c->o.dir) >= PATH_MAX)
		return ear_fail(fault, EAR_USAGE, 0, "path too long");
	return ear_tls_self_signed(own->certificate, own->private_key, fault);
}

static enum ear_err open_tls(struct ear_console *c, struct ear_fault *fault)
{
	const char *cert = c->o.certificate, *key = c->o.private_key;
	struct own_pair own;
	enum ear_err err = EAR_OK;

	if (!cert || !*cert) {
		if (!c->o.with_tls)
			return EAR_OK;
		err = make_own(c, &own, fault);
		cert = own.certificate;
		key = own.private_key;
	}
	if (!err)
		err = ear_tls_server_new(
			cert, key && *key ? key : cert, &c->tls, fault);
	c->o.with_tls = !err;
	if (!err)
		c->o.secure_cookie = true;
	return err;
}

/* A certificate on its way to the loop. */
struct change {
	struct ear_post post; /* first */
	struct ear_console *console;
	SSL_CTX *tls;
};

static void change_tls(struct ear_post *post)
{
	struct change *change = (struct change *)post;
	struct ear_console *c = change->console;

	ear_conns_tls(c->conns, change->tls);
	/* connections that are up hold it for themselves */
	SSL_CTX_free(c->tls);
	c->tls = change->tls;
	free(change);
}

enum ear_err ear_console_certificate(struct ear_console *c,
	const char *certificate, const char *private_key,
	struct ear_fault *fault)
{
	bool given = certificate && *certificate;
	struct change *change;
	struct own_pair own;
	SSL_CTX *tls = NULL;
	enum ear_err err = EAR_OK;

	if (!c->o.with_tls)
		return given ? ear_fail(fault, EAR_USAGE, 0,
				       "console: certificate: TLS begins with "
				       "the next start")
			     : EAR_OK;
	if (!given) {
		err = make_own(c, &own, fault);
		certificate = own.certificate;
		private_key = own.private_key;
	}
	if (!err)
		err = ear_tls_server_new(certificate,
			private_key && *private_key ? private_key : certificate,
			&tls, fault);
	if (err)
		return err;
	change = calloc(1, sizeof(*change));
	if (!change) {
		SSL_CTX_free(tls);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	*change = (struct change){{.fn = change_tls}, c, tls};
	ear_console_post(c, &change->post);
	return EAR_OK;
}

static enum ear_err listen_on(struct ear_console *c,
	struct evconnlistener **listener, struct ear_fault *fault)
{
	const char *text = c->o.listen ? c->o.listen : "127.0.0.1:9080";
	struct sockaddr_storage ss;
	char bound[EAR_ADDR_TEXT];
	struct ear_addr addr;
	socklen_t n;

	if (ear_addr_parse(ear_slice_str(text), &addr))
		return ear_fail(fault, EAR_USAGE, 0,
			"the console's address '%s' is not ip:port", text);
	n = ear_addr_to_sockaddr(&addr, &ss);
	*listener = evconnlistener_new_bind(c->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
			LEV_OPT_REUSEABLE,
		128, (struct sockaddr *)&ss, (int)n);
	if (!*listener)
		return ear_fail_sys(fault, "console %s", text);
	n = sizeof(ss);
	if (getsockname(evconnlistener_get_fd(*listener),
		    (struct sockaddr *)&ss, &n) < 0)
		return ear_fail_sys(fault, "console %s", text);
	c->bound = ear_addr_from_sockaddr((struct sockaddr *)&ss);
	ear_addr_text(&c->bound, bound);
	snprintf(c->url, sizeof(c->url), "http%s://%s/", c->tls ? "s" : "",
		bound);
	return EAR_OK;
}

static enum ear_err open_http(struct ear_console *c, struct ear_fault *fault)
{
	struct evconnlistener *listener = NULL;
	struct timeval tick = {.tv_usec = 250000};
	enum ear_err err;

	c->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->mail_fd < 0)
		return ear_fail_sys(fault, "eventfd");
	c->base = event_base_new();
	c->http = c->base ? evhttp_new(c->base) : NULL;
	if (!c->http)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = listen_on(c, &listener, fault);
	if (!err && ear_conns_new(c->o.connections, c->o.head_ms * EAR_MS_NS,
			    listener, c->tls, &c->conns))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!err && !evhttp_bind_listener(c->http, listener))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (err) {
		if (listener)
			evconnlistener_free(listener);
		return err;
	}
	evhttp_set_bevcb(c->http, ear_conns_make, c->conns);
	evhttp_set_gencb(c->http, ear_dispatch, c);
	evhttp_set_allowed_methods(
		c->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_max_headers_size(c->http, HEAD_MAX);
	evhttp_set_max_body_size(c->http, BODY_MAX);
	evhttp_set_timeout(c->http, IDLE_S);
	c->mail = event_new(
		c->base, c->mail_fd, EV_READ | EV_PERSIST, on_mail, c);
	c->tick = event_new(c->base, -1, EV_PERSIST, on_tick, c);
	if (!c->mail || !c->tick || event_add(c->mail, NULL) ||
		event_add(c->tick, &tick))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return EAR_OK;
}

static enum ear_err open_people(struct ear_console *c, struct ear_fault *fault)
{
	enum ear_err err = ear_users_open(c->o.dir, &c->users, fault);

	if (!err)
		err = ear_users_open(c->o.dir, &c->users_work, fault);
	if (!err)
		err = ear_users_first(c->users_work, c->first_password, fault);
	if (err)
		return err;
	if (ear_sessions_new(
		    c->o.session_idle_ns, c->o.session_max_ns, &c->sessions) ||
		ear_throttle_new(&c->throttle))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return EAR_OK;
}

static enum ear_err open_threads(struct ear_console *c, struct ear_fault *fault)
{
	if (ear_pool_new("console-find", c->o.searches, 4 * c->o.searches,
		    job_done, c, &c->searches) ||
		ear_pool_new("console-look", LOOKUPS, 16, job_done, c,
			&c->lookups) ||
		ear_pool_new("console-export", c->o.exports, c->o.exports,
			job_done, c, &c->exports) ||
		ear_pool_new(
			"console-people", 1, 32, job_done, c, &c->accounts) ||
		ear_follow_new(c, &c->follow))
		return ear_fail(fault, EAR_SYS, 0, "no more threads");
	if (pthread_create(&c->thread, NULL, loop, c))
		return ear_fail(fault, EAR_SYS, 0, "no more threads");
	pthread_setname_np(c->thread, "console");
	c->running = true;
	return EAR_OK;
}

static void set_defaults(struct ear_console_options *o)
{
	if (!o->session_idle_ns)
		o->session_idle_ns = 12 * 3600 * EAR_SECOND_NS;
	if (!o->session_max_ns)
		o->session_max_ns = 7 * 24 * 3600 * EAR_SECOND_NS;
	if (!o->search_ms)
		o->search_ms = 20000;
	if (!o->head_ms)
		o->head_ms = 10000;
	if (!o->searches)
		o->searches = 4;
	if (o->searches > 64)
		o->searches = 64;
	if (!o->exports)
		o->exports = 8;
	if (!o->followers)
		o->followers = 32;
	if (!o->connections)
		o->connections = 256;
	if (!o->lock_for_ns)
		o->lock_for_ns = 15 * 60 * EAR_SECOND_NS;
}

enum ear_err ear_console_open(const struct ear_console_options *options,
	struct ear_console **console, struct ear_fault *fault)
{
	struct ear_console *c = calloc(1, sizeof(*c));
	enum ear_err err;

	*console = NULL;
	if (!c)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	c->o = *options;
	set_defaults(&c->o);
	c->mail_fd = -1;
	c->posts_last = &c->posts;
	pthread_mutex_init(&c->mail_lock, NULL);
	/* a client that leaves is told by the return of write */
	signal(SIGPIPE, SIG_IGN);
	err = open_people(c, fault);
	if (!err)
		err = ear_openapi_load(c, fault);
	if (!err)
		err = open_tls(c, fault);
	if (!err)
		err = open_http(c, fault);
	if (!err)
		err = open_threads(c, fault);
	if (err) {
		ear_console_close(&c);
		return err;
	}
	if (!ear_addr_is_loopback(&c->bound) && !c->o.secure_cookie)
		ear_log(EAR_WARN, "console.clear_text", "url", EAR_LS(c->url),
			"hint",
			EAR_LS("passwords cross the network unencrypted; "
			       "give the console a certificate"),
			NULL);
	ear_log(EAR_NOTICE, "console.open", "url", EAR_LS(c->url), NULL);
	*console = c;
	return EAR_OK;
}

static void end_calls(struct ear_console *c)
{
	struct ear_call *call, *next;

	for (call = c->calls; call; call = call->next)
		ear_call_stop(call);
	for (call = c->calls; call; call = next) {
		next = call->next;
		if (call->gone)
			call->gone(call);
	}
}

static void end_loop(struct ear_console *c)
{
	uint64_t one = 1;

	if (!c->running)
		return;
	pthread_mutex_lock(&c->mail_lock);
	c->ending = true;
	pthread_mutex_unlock(&c->mail_lock);
	if (write(c->mail_fd, &one, sizeof(one)) < 0)
		ear_log(EAR_ERROR, "console.wake", NULL);
	pthread_join(c->thread, NULL);
}

void ear_console_close(struct ear_console **console)
{
	struct ear_console *c = *console;

	if (!c)
		return;
	/* the loop first, so that nothing new begins; what it did is then
	 * done here, until every call has its end */
	end_loop(c);
	if (c->follow)
		ear_follow_stop(c->follow);
	end_calls(c);
	ear_pool_free(&c->searches);
	ear_pool_free(&c->lookups);
	ear_pool_free(&c->exports);
	run_posts(c);
	ear_pool_free(&c->accounts);
	run_posts(c);
	ear_follow_free(&c->follow);
	if (c->base && c->running)
		event_base_loop(c->base, EVLOOP_NONBLOCK);
	if (c->http)
		evhttp_free(c->http);
	ear_conns_free(&c->conns);
	if (c->mail)
		event_free(c->mail);
	if (c->tick)
		event_free(c->tick);
	if (c->base)
		event_base_free(c->base);
	if (c->mail_fd >= 0)
		close(c->mail_fd);
	SSL_CTX_free(c->tls);
	json_decref(c->api);
	ear_throttle_free(&c->throttle);
	ear_sessions_free(&c->sessions);
	ear_users_close(&c->users_work);
	ear_users_close(&c->users);
	pthread_mutex_destroy(&c->mail_lock);
	explicit_bzero(c->first_password, sizeof(c->first_password));
	free(c);
	*console = NULL;
}

const char *ear_console_url(const struct ear_console *c)
{
	return c->url;
}

const char *ear_console_first_password(const struct ear_console *c)
{
	return c->first_password;
}
