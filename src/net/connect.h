/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Connects to a host by name or IP, and waits for sockets with an end. Blocks,
 * so it is for threads that do nothing else.
 */
#ifndef EAR_NET_CONNECT_H
#define EAR_NET_CONNECT_H

#include "base/addr.h"
#include "net/uri.h"

struct ear_connect {
	const char *host;     /**< name or IP */
	uint16_t port;        /**< host order */
	bool tcp;             /**< else UDP */
	struct ear_addr from; /**< local address; unknown: the kernel's choice;
				   port 0: any */
	uint32_t wait_ms;     /**< most for one address of the host; 0: 5000 */
	uint32_t send_buffer; /**< bytes; 0: the kernel's choice */
};

/**
 * Look the host up and connect to the first of its addresses that answers. A
 * TCP socket then notices within about 15 s that its peer is silently gone
 * (TCP_USER_TIMEOUT, RFC 5482, and keep-alives).
 *
 * @param[out] fd non-blocking, close-on-exec
 * @param[out] to the address taken
 * @return EAR_OK; EAR_SYS: no such host, or none answers: the fault says which
 *         and why
 *
 * How long the look-up takes is the resolver's matter (resolv.conf(5)).
 */
EAR_MUST_USE enum ear_err ear_connect(const struct ear_connect *connect,
	int *fd, struct ear_addr *to, struct ear_fault *fault);

/**
 * Wait until a socket is ready or in error.
 *
 * @param events POLLIN, POLLOUT of poll(2)
 * @param wait_ms 0: only look
 * @return what poll(2) found; 0: nothing in time
 */
int ear_socket_wait(int fd, int events, uint32_t wait_ms);

/** Bytes written to a TCP socket that the peer's kernel has not acknowledged;
    0 when it cannot be told. */
uint64_t ear_socket_unacknowledged(int fd);

#endif
