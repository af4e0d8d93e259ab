/* SPDX-License-Identifier: Apache-2.0 */
#include "net/connect.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/time.h"

#define WAIT_MS 5000

/* A peer that acknowledges nothing for so long is gone. */
#define USER_TIMEOUT_MS 15000
/* The same for a connection on which nothing is sent. */
#define KEEP_IDLE_S 6
#define KEEP_EVERY_S 3
#define KEEP_COUNT 3

int ear_socket_wait(int fd, int events, uint32_t wait_ms)
{
	struct pollfd p = {.fd = fd, .events = (short)events};
	uint64_t end = ear_mono_ns() + wait_ms * EAR_MS_NS;
	int left = (int)wait_ms, n;

	while ((n = poll(&p, 1, left)) < 0 && errno == EINTR) {
		uint64_t now = ear_mono_ns();

		left = now < end ? (int)((end - now) / EAR_MS_NS) : 0;
	}
	return n > 0 ? p.revents : 0;
}

uint64_t ear_socket_unacknowledged(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) || n < 0 ? 0 : (uint64_t)n;
}

static void set(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void set_options(int fd, const struct ear_connect *c)
{
	if (c->send_buffer)
		set(fd, SOL_SOCKET, SO_SNDBUF, (int)c->send_buffer);
	if (!c->tcp)
		return;
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* 0, or -1 with errno */
static int begin(int fd, const struct ear_connect *c, const struct addrinfo *ai)
{
	struct sockaddr_storage local;
	socklen_t n = ear_addr_to_sockaddr(&c->from, &local);

	set_options(fd, c);
	/* Two mirrors may share a port towards different collectors. */
	if (n && c->from.port)
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (n && bind(fd, (struct sockaddr *)&local, n))
		return -1;
	return connect(fd, ai->ai_addr, ai->ai_addrlen);
}

/* The result of a connect that was under way. */
static int finish(int fd, uint32_t wait_ms)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (!ear_socket_wait(fd, POLLOUT, wait_ms)) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n))
		return -1;
	errno = error;
	return error ? -1 : 0;
}

static int try_one(const struct ear_connect *c, const struct addrinfo *ai)
{
	int type = (c->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK |
		   SOCK_CLOEXEC;
	int fd = socket(ai->ai_family, type, 0), saved;

	if (fd < 0)
		return -1;
	if (!begin(fd, c, ai) ||
		(errno == EINPROGRESS &&
			!finish(fd, c->wait_ms ? c->wait_ms : WAIT_MS)))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum ear_err look_up(const struct ear_connect *c, struct addrinfo **list,
	struct ear_fault *fault)
{
	struct addrinfo hints = {
		.ai_family = c->from.family == 4   ? AF_INET
			     : c->from.family == 6 ? AF_INET6
						   : AF_UNSPEC,
		.ai_socktype = c->tcp ? SOCK_STREAM : SOCK_DGRAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", c->port);
	rc = getaddrinfo(c->host, port, &hints, list);
	if (rc == EAI_SYSTEM)
		return ear_fail_sys(fault, "cannot look up %s", c->host);
	if (rc)
		return ear_fail(fault, EAR_SYS, 0, "cannot look up %s: %s",
			c->host, gai_strerror(rc));
	return EAR_OK;
}

enum ear_err ear_connect(const struct ear_connect *c, int *fd,
	struct ear_addr *to, struct ear_fault *fault)
{
	struct addrinfo *list;
	enum ear_err err = look_up(c, &list, fault);
	char text[EAR_ADDR_TEXT] = "";

	*fd = -1;
	*to = (struct ear_addr){0};
	if (err)
		return err;
	for (struct addrinfo *ai = list; ai && *fd < 0; ai = ai->ai_next) {
		*to = ear_addr_from_sockaddr(ai->ai_addr);
		ear_addr_text(to, text);
		*fd = try_one(c, ai);
		if (*fd < 0)
			err = ear_fail_sys(fault,
				"cannot connect to %s (%s) by %s", c->host,
				text, c->tcp ? "tcp" : "udp");
	}
	freeaddrinfo(list);
	return *fd < 0 ? err : EAR_OK;
}
