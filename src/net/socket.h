/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Listening sockets: non-blocking, close-on-exec, SO_REUSEPORT where several
 * threads share a port. Faults name the address.
 *
 * IPv6 sockets take IPv6 only; listen on 0.0.0.0 and [::] for both.
 */
#ifndef EAR_NET_SOCKET_H
#define EAR_NET_SOCKET_H

#include "base/addr.h"

struct ear_listen {
	struct ear_addr address; /**< port 0: one that is free */
	bool reuse_port;         /**< others may bind the same */
	bool again; /**< this process listens there already, and goes */
	/** Bytes as setsockopt() counts; 0 leaves the kernel's default. */
	uint64_t receive_buffer;
};

/**
 * Bind a UDP socket.
 *
 * @return EAR_OK; EAR_USAGE for an unknown address; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_listen_udp(
	const struct ear_listen *listen, int *fd, struct ear_fault *fault);

/** Bind a TCP socket and listen. */
EAR_MUST_USE enum ear_err ear_listen_tcp(
	const struct ear_listen *listen, int *fd, struct ear_fault *fault);

/**
 * Bind n sockets of one address; where its port is 0 they all get the one
 * that the first got. On failure none is left open.
 *
 * @param tcp     else UDP
 * @param[out] at the address as bound
 */
EAR_MUST_USE enum ear_err ear_listen_many(const struct ear_listen *listen,
	bool tcp, int *fds, size_t n, struct ear_addr *at,
	struct ear_fault *fault);

/** The address that a socket is bound to. */
struct ear_addr ear_socket_address(int fd);

/** The receive buffer that a socket has, as setsockopt() counts. */
uint64_t ear_socket_receive_buffer(int fd);

/**
 * How many datagrams the kernel dropped on this socket since it was made,
 * modulo 2^32. The same number as SO_RXQ_OVFL tells, asked for instead of
 * carried along with each datagram, and also seen when none follows.
 */
uint32_t ear_socket_drops(int fd);

#endif
