/* SPDX-License-Identifier: Apache-2.0 */
#include "console/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privilege.h"
#include "console/control_path.h"

/* A client that sends nothing for so long, or takes no answer, is cut off. */
#define IDLE_S 300
/* Answers that a client has not taken before we read its next request. */
#define OUT_MAX (1u << 20)

struct client {
	struct ear_control *control;
	struct bufferevent *bev; /* NULL: free place */
	struct ear_rpc_split split;
	char by[64]; /* who it is */
};

struct ear_control {
	struct ear_control_options o;
	struct ear_rpc_table tables[3];
	size_t n_tables;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *wake;
	int wake_fd;
	bool bound;
	bool running;
	pthread_t thread;
	struct client clients[EAR_CONTROL_CLIENTS];
};

static enum ear_err ping(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	ear_json_str(result, EAR_S("pong"));
	return EAR_OK;
}

static enum ear_err status(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	struct ear_control *c = call->arg;

	ear_json_open(result, '{');
	c->o.status_json(result, c->o.arg);
	ear_json_close(result, '}');
	return EAR_OK;
}

static enum ear_err stop(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	struct ear_control *c = call->arg;

	ear_log(EAR_NOTICE, "control.stop", "by", EAR_LS(call->by), NULL);
	ear_json_bool(result, true);
	c->o.stop(c->o.arg);
	return EAR_OK;
}

static const struct ear_rpc_method always[] = {
	{"ping", ping, "answers \"pong\""},
	{"status", status, "what the server is doing"},
};
static const struct ear_rpc_method stopping[] = {
	{"stop", stop, "end the server, in order"},
};

static void drop(struct client *client)
{
	bufferevent_free(client->bev);
	*client = (struct client){0};
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	drop(arg);
}

/* Sends the rest, then ends. */
static void on_last_written(struct bufferevent *bev, void *arg)
{
	drop(arg);
}

static void on_read(struct bufferevent *bev, void *arg);

static void on_written(struct bufferevent *bev, void *arg)
{
	bufferevent_enable(bev, EV_READ);
	on_read(bev, arg);
}

/* Answers the first request in the buffer. @return whether to go on */
static bool answer_next(struct client *client)
{
	struct ear_control *c = client->control;
	struct evbuffer *in = bufferevent_get_input(client->bev);
	size_t n = evbuffer_get_length(in), used;
	const char *p = (const char *)evbuffer_pullup(in, -1);
	struct ear_buf out = {0};
	enum ear_err err;

	if (n == 0)
		return false;
	err = ear_rpc_next(
		&client->split, ear_slice(p, n), EAR_RPC_BYTES, &used);
	if (err == EAR_MORE)
		return false;
	if (err == EAR_OK)
		ear_rpc_answer(c->tables, c->n_tables, client->by,
			ear_slice(p, used), &out);
	else
		ear_rpc_refuse(&out, EAR_RPC_PARSE,
			err == EAR_LIMIT ? "too long or too deep"
					 : "neither object nor array");
	evbuffer_drain(in, used);
	if (!out.err)
		bufferevent_write(client->bev, out.p, out.n);
	ear_buf_fini(&out);
	if (err != EAR_LIMIT)
		return true;
	/* where the next request begins is unknown */
	bufferevent_disable(client->bev, EV_READ);
	bufferevent_setcb(client->bev, NULL, on_last_written, on_event, client);
	return false;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *client = arg;
	struct evbuffer *out = bufferevent_get_output(bev);

	while (evbuffer_get_length(out) < OUT_MAX)
		if (!answer_next(client))
			return;
	/* goes on when the client has taken its answers */
	bufferevent_disable(bev, EV_READ);
}

/* Who opened the connection, as the kernel knows it. */
static void name_client(struct client *client, int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0) {
		snprintf(client->by, sizeof(client->by), "control");
		return;
	}
	ear_privilege_name(who.uid, "control", client->by, sizeof(client->by));
}

/* The line goes into an empty socket; where it does not, it is left out. */
static void turn_away(int fd)
{
	struct ear_buf out = {0};

	ear_rpc_refuse(&out, EAR_RPC_BUSY,
		"too many clients at the control socket; try again when one "
		"has gone");
	if (!out.err)
		(void)!send(fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	ear_buf_fini(&out);
	close(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *sa, int n, void *arg)
{
	struct timeval idle = {.tv_sec = IDLE_S};
	struct ear_control *c = arg;
	struct client *client = NULL;

	for (size_t i = 0; i < EAR_CONTROL_CLIENTS && !client; i++)
		if (!c->clients[i].bev)
			client = &c->clients[i];
	if (client)
		client->bev = bufferevent_socket_new(
			c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->bev) {
		turn_away(fd);
		return;
	}
	client->control = c;
	name_client(client, fd);
	bufferevent_setwatermark(client->bev, EV_READ, 0, EAR_RPC_BYTES);
	bufferevent_setcb(client->bev, on_read, on_written, on_event, client);
	bufferevent_set_timeouts(client->bev, &idle, &idle);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	event_base_loopbreak(((struct ear_control *)arg)->base);
}

static void *loop(void *arg)
{
	event_base_dispatch(((struct ear_control *)arg)->base);
	return NULL;
}

/* A socket that nobody answers on was left by a server that died. */
static enum ear_err remove_stale(
	const struct sockaddr_un *sun, struct ear_fault *fault)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc, saved;

	if (fd < 0)
		return ear_fail_sys(fault, "control socket");
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	saved = errno;
	close(fd);
	if (rc == 0)
		return ear_fail(fault, EAR_FULL, 0,
			"another server answers at %s", sun->sun_path);
	if (saved == ECONNREFUSED && unlink(sun->sun_path) < 0)
		return ear_fail_sys(fault, "%s", sun->sun_path);
	return EAR_OK;
}

/* The group that may use the socket besides its owner. */
static enum ear_err give_to_group(
	const struct ear_control *c, const char *path, struct ear_fault *fault)
{
	struct group entry, *found = NULL;
	char text[16384];

	if (!c->o.group || !c->o.group[0])
		return EAR_OK;
	if (getgrnam_r(c->o.group, &entry, text, sizeof(text), &found) ||
		!found)
		return ear_fail(fault, EAR_USAGE, 0,
			"control: group: there is no group '%.60s'; groupadd "
			"makes one",
			c->o.group);
	if (chown(path, (uid_t)-1, entry.gr_gid) < 0)
		return ear_fail_sys(fault,
			"%s cannot be given to the group %.60s (is the "
			"server's "
			"user a member?)",
			path, c->o.group);
	return EAR_OK;
}

static enum ear_err bind_socket(
	struct ear_control *c, int *fd, struct ear_fault *fault)
{
	struct sockaddr_un sun;
	enum ear_err err;
	int dir_fd;

	*fd = -1;
	err = ear_control_path(c->o.dir, &sun, &dir_fd, fault);
	if (!err)
		err = remove_stale(&sun, fault);
	if (err)
		goto out;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* the mode before it has a name, so that it is never open to more */
	if (*fd < 0 || fchmod(*fd, 0600) < 0 ||
		bind(*fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		err = ear_fail_sys(fault, "%s", sun.sun_path);
		goto out;
	}
	c->bound = true;
	err = give_to_group(c, sun.sun_path, fault);
	if (err)
		goto out;
	if (chmod(sun.sun_path, 0660) < 0 ||
		listen(*fd, EAR_CONTROL_CLIENTS) < 0)
		err = ear_fail_sys(fault, "%s", sun.sun_path);
out:
	if (dir_fd >= 0)
		close(dir_fd);
	if (err && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

static enum ear_err start(
	struct ear_control *c, int fd, struct ear_fault *fault)
{
	c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->base = event_base_new();
	if (c->base)
		c->listener = evconnlistener_new(
			c->base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (!c->listener)
		close(fd);
	if (!c->listener || c->wake_fd < 0)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	c->wake = event_new(c->base, c->wake_fd, EV_READ, on_wake, c);
	if (!c->wake || event_add(c->wake, NULL))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (pthread_create(&c->thread, NULL, loop, c))
		return ear_fail(fault, EAR_SYS, 0, "no more threads");
	pthread_setname_np(c->thread, "control");
	c->running = true;
	return EAR_OK;
}

enum ear_err ear_control_open(const struct ear_control_options *options,
	struct ear_control **control, struct ear_fault *fault)
{
	struct ear_control *c = calloc(1, sizeof(*c));
	enum ear_err err;
	int fd;

	*control = NULL;
	if (!c)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	c->o = *options;
	c->wake_fd = -1;
	c->tables[c->n_tables++] = (struct ear_rpc_table){always, 2, c};
	if (c->o.stop)
		c->tables[c->n_tables++] =
			(struct ear_rpc_table){stopping, 1, c};
	if (c->o.more.n)
		c->tables[c->n_tables++] = c->o.more;
	err = bind_socket(c, &fd, fault);
	if (!err)
		err = start(c, fd, fault);
	if (err)
		ear_control_close(&c);
	*control = c;
	return err;
}

static void remove_socket(struct ear_control *c)
{
	struct sockaddr_un sun;
	int dir_fd;

	if (ear_control_path(c->o.dir, &sun, &dir_fd, NULL))
		return;
	unlink(sun.sun_path);
	if (dir_fd >= 0)
		close(dir_fd);
}

void ear_control_close(struct ear_control **control)
{
	struct ear_control *c = *control;
	uint64_t one = 1;

	if (!c)
		return;
	if (c->running && write(c->wake_fd, &one, sizeof(one)) > 0)
		pthread_join(c->thread, NULL);
	if (c->bound)
		remove_socket(c);
	for (size_t i = 0; i < EAR_CONTROL_CLIENTS; i++)
		if (c->clients[i].bev)
			drop(&c->clients[i]);
	if (c->listener)
		evconnlistener_free(c->listener);
	if (c->wake)
		event_free(c->wake);
	if (c->base)
		event_base_free(c->base);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	free(c);
	*control = NULL;
}
