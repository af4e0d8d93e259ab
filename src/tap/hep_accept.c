/* SPDX-License-Identifier: Apache-2.0 */
/* Who connects: let in, or closed and told of. */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "tap/hep_serve.h"

/* At once, so that those who are in are not kept waiting. */
#define ACCEPTS 64

static void refuse(struct hep_server *s, int fd, const char *why)
{
	static struct ear_log_gate every;
	uint64_t skipped;

	close(fd);
	if (ear_log_every(&every, &skipped))
		ear_log(EAR_WARN, "tap.refused", "tap",
			EAR_LS(s->tap->gate.name), "reason", EAR_LS(why),
			"skipped", EAR_LU(skipped), NULL);
}

static bool add(struct hep_server *s, int fd, const struct ear_addr *from)
{
	struct hep_conn *c;

	if (hep_conn_new(&s->ground, fd, from, ear_mono_ns(), &c))
		return false;
	if (hep_server_watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, c)) {
		c->fd = -1; /* stays the caller's */
		hep_conn_free(&c, 0);
		return false;
	}
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	return true;
}

static void greet(struct hep_server *s, int fd, const struct ear_addr *from)
{
	struct ear_tap_tcp *tap = s->tap;
	const int on = 1;

	if (!hep_gate_allows(&tap->gate, from)) {
		close(fd);
		hep_gate_deny(&tap->gate, from, 0, ear_now_ns());
		return;
	}
	if (atomic_fetch_add(&tap->connections, 1) >= tap->max_connections) {
		atomic_fetch_sub(&tap->connections, 1);
		refuse(s, fd, "too many connections");
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (!add(s, fd, from)) {
		atomic_fetch_sub(&tap->connections, 1);
		refuse(s, fd, "out of memory");
	}
}

static void deafen(struct hep_server *s)
{
	static struct ear_log_gate every;
	uint64_t why = (uint64_t)errno, skipped;

	hep_server_watch(s, EPOLL_CTL_DEL, s->fd, 0, NULL);
	s->deaf = true;
	if (ear_log_every(&every, &skipped))
		ear_log(EAR_ERROR, "tap.accept", "tap",
			EAR_LS(s->tap->gate.name), "errno", EAR_LU(why), NULL);
}

void hep_accept(struct hep_server *s)
{
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		struct ear_addr from;
		int fd = accept4(s->fd, (struct sockaddr *)&sa, &n,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			/* Others, as ECONNABORTED, concern one connection. */
			if (errno == EMFILE || errno == ENFILE ||
				errno == ENOMEM || errno == ENOBUFS)
				deafen(s);
			if (errno != ECONNABORTED && errno != EINTR)
				return;
			continue;
		}
		from = ear_addr_from_sockaddr((struct sockaddr *)&sa);
		greet(s, fd, &from);
	}
}
