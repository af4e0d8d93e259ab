/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define BACKLOG 1024

/* FORCE passes net.core.rmem_max and needs CAP_NET_ADMIN. */
static void set_receive_buffer(int fd, uint64_t bytes)
{
	int n = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

static int set_options(int fd, const struct ear_listen *listen, bool tcp)
{
	const int on = 1;

	if (tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -1;
	if (listen->reuse_port &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		return -1;
	if (listen->address.family == 6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -1;
	if (listen->receive_buffer)
		set_receive_buffer(fd, listen->receive_buffer);
	return 0;
}

static enum ear_err bind_socket(const struct ear_listen *listen_at, bool tcp,
	int *out, struct ear_fault *fault)
{
	const int type =
		(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	const char *name = tcp ? "tcp" : "udp";
	struct sockaddr_storage sa;
	socklen_t n = ear_addr_to_sockaddr(&listen_at->address, &sa);
	char text[EAR_ADDR_TEXT];
	enum ear_err err;
	int fd;

	*out = -1;
	if (!n)
		return ear_fail(fault, EAR_USAGE, 0,
			"no address to listen on for %s", name);
	ear_addr_text(&listen_at->address, text);
	fd = socket(sa.ss_family, type, 0);
	if (fd < 0)
		return ear_fail_sys(
			fault, "cannot listen on %s %s", name, text);
	if (set_options(fd, listen_at, tcp) ||
		bind(fd, (struct sockaddr *)&sa, n) ||
		(tcp && listen(fd, BACKLOG))) {
		err = ear_fail_sys(fault, "cannot listen on %s %s", name, text);
		close(fd);
		return err;
	}
	*out = fd;
	return EAR_OK;
}

enum ear_err ear_listen_udp(
	const struct ear_listen *listen_at, int *fd, struct ear_fault *fault)
{
	return bind_socket(listen_at, false, fd, fault);
}

enum ear_err ear_listen_tcp(
	const struct ear_listen *listen_at, int *fd, struct ear_fault *fault)
{
	return bind_socket(listen_at, true, fd, fault);
}

/*
 * With SO_REUSEPORT set a port that another program of the same user holds
 * could be joined unawares, and each would get a part. The first bind is
 * tried without it, so that a taken port is told.
 */
static enum ear_err probe(
	const struct ear_listen *first, bool tcp, struct ear_fault *fault)
{
	struct ear_listen alone = {.address = first->address};
	enum ear_err err;
	int fd;

	err = bind_socket(&alone, tcp, &fd, fault);
	if (!err)
		close(fd);
	return err;
}

enum ear_err ear_listen_many(const struct ear_listen *listen_at, bool tcp,
	int *fds, size_t n, struct ear_addr *at, struct ear_fault *fault)
{
	struct ear_listen one = *listen_at;
	enum ear_err err = EAR_OK;
	size_t open = 0;

	/* on one thread too: another may come to take its place */
	one.reuse_port = n > 1 || one.address.port;
	if (one.address.port && !one.again)
		err = probe(&one, tcp, fault);
	while (!err && open < n) {
		err = bind_socket(&one, tcp, &fds[open], fault);
		if (!err)
			one.address = ear_socket_address(fds[open++]);
	}
	*at = one.address;
	while (err && open > 0)
		close(fds[--open]);
	return err;
}

struct ear_addr ear_socket_address(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &n))
		return (struct ear_addr){0};
	return ear_addr_from_sockaddr((struct sockaddr *)&sa);
}

uint64_t ear_socket_receive_buffer(int fd)
{
	int bytes = 0;
	socklen_t n = sizeof(bytes);

	/* The kernel doubles what it is given, for its own overhead. */
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &n))
		return 0;
	return (uint64_t)bytes / 2;
}

uint32_t ear_socket_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t n = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &n))
		return 0;
	return info[SK_MEMINFO_DROPS];
}
