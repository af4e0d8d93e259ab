/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP listener opens, starts, is changed and closes. */
#include "tap/hep_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/time.h"
#include "net/socket.h"
#include "net/tls.h"
#include "tap/hep_serve.h"

#define MAX_CONNECTIONS 1024
#define CONNECTIONS_LIMIT 65536
#define IDLE_NS (3600 * EAR_SECOND_NS)
#define IDLE_LEAST_NS EAR_SECOND_NS
#define PACKET_NS (30 * EAR_SECOND_NS)
#define PACKET_LEAST_NS (100 * EAR_MS_NS)
#define MAX_GARBAGE (1u << 20)

/* Received at once. More does not make it faster and leaves the L2 cache. */
#define ROOM (256u << 10)

static uint64_t or_default(uint64_t v, uint64_t normal)
{
	return v ? v : normal;
}

static enum ear_err check(
	const struct ear_tap_tcp_options *o, struct ear_fault *fault)
{
	if (o->threads > HEP_THREADS_MAX ||
		o->max_connections > CONNECTIONS_LIMIT)
		return ear_fail(fault, EAR_USAGE, 0,
			"a TCP listener has at most %d threads and %d "
			"connections",
			HEP_THREADS_MAX, CONNECTIONS_LIMIT);
	if ((o->idle_ns && o->idle_ns < IDLE_LEAST_NS) ||
		(o->packet_ns && o->packet_ns < PACKET_LEAST_NS))
		return ear_fail(fault, EAR_USAGE, 0,
			"a TCP listener waits at least 1 s for a silent "
			"sender and 100 ms for a packet");
	if (!o->certificate != !o->private_key)
		return ear_fail(fault, EAR_USAGE, 0,
			"TLS needs both a certificate and a private key");
	return EAR_OK;
}

static enum ear_err server_init(struct hep_server *s,
	const struct ear_tap_tcp_options *o, struct ear_tap_tcp *tap, int fd)
{
	s->tap = tap;
	s->fd = fd;
	s->room = malloc(ROOM);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->ground = (struct hep_conn_ground){
		.gate = &tap->gate,
		.tls = tap->tls,
		.max_garbage = or_default(o->max_garbage, MAX_GARBAGE),
		.packet_ns = or_default(o->packet_ns, PACKET_NS),
		.idle_ns = or_default(o->idle_ns, IDLE_NS),
		.room = s->room,
		.room_bytes = ROOM,
	};
	if (!s->room || s->epoll < 0 ||
		hep_server_watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, &s->fd) ||
		hep_server_watch(
			s, EPOLL_CTL_ADD, tap->wake, EPOLLIN, &tap->wake))
		return EAR_NOMEM;
	return EAR_OK;
}

static enum ear_err open_sockets(struct ear_tap_tcp *tap,
	const struct ear_tap_tcp_options *o, struct ear_fault *fault)
{
	const struct ear_listen listen = {
		.address = o->address,
		.again = o->again,
		.receive_buffer = o->receive_buffer,
	};
	struct ear_addr at;
	int fds[HEP_THREADS_MAX];
	enum ear_err err =
		ear_listen_many(&listen, true, fds, tap->threads, &at, fault);

	if (err)
		return err;
	hep_gate_name(&tap->gate, tap->tls ? EAR_TR_TLS : EAR_TR_TCP, at);
	for (uint32_t i = 0; i < tap->threads; i++) {
		if (server_init(&tap->server[i], o, tap, fds[i]))
			err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	return err;
}

static enum ear_err open_parts(struct ear_tap_tcp *tap,
	const struct ear_tap_tcp_options *o, struct ear_ledger *ledger,
	struct ear_fault *fault)
{
	uint64_t packet_ns = or_default(o->packet_ns, PACKET_NS);
	enum ear_err err = EAR_OK;

	tap->threads = o->threads ? o->threads : HEP_THREADS;
	tap->max_connections =
		o->max_connections ? o->max_connections : MAX_CONNECTIONS;
	tap->sweep_ns =
		packet_ns / 2 < EAR_SECOND_NS ? packet_ns / 2 : EAR_SECOND_NS;
	tap->wake = eventfd(0, EFD_CLOEXEC);
	tap->server = calloc(tap->threads, sizeof(*tap->server));
	for (uint32_t i = 0; tap->server && i < tap->threads; i++)
		tap->server[i].fd = tap->server[i].epoll = -1;
	if (!tap->server || tap->wake < 0 ||
		hep_gate_init(&tap->gate, ledger, o->allow, o->allow_n))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (o->certificate)
		err = ear_tls_server_new(
			o->certificate, o->private_key, &tap->tls, fault);
	return err ? err : open_sockets(tap, o, fault);
}

enum ear_err ear_tap_tcp_open(const struct ear_tap_tcp_options *options,
	struct ear_ledger *ledger, struct ear_tap_tcp **out,
	struct ear_fault *fault)
{
	struct ear_tap_tcp *tap = NULL;
	enum ear_err err = check(options, fault);

	*out = NULL;
	if (err)
		return err;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = open_parts(tap, options, ledger, fault);
	if (err)
		ear_tap_tcp_close(&tap);
	*out = tap;
	return err;
}

struct ear_addr ear_tap_tcp_address(const struct ear_tap_tcp *tap)
{
	return tap->gate.address;
}

struct ear_slice ear_tap_tcp_name(const struct ear_tap_tcp *tap)
{
	return ear_slice_str(tap->gate.name);
}

uint32_t ear_tap_tcp_threads(const struct ear_tap_tcp *tap)
{
	return tap->threads;
}

uint32_t ear_tap_tcp_connections(const struct ear_tap_tcp *tap)
{
	return atomic_load(&tap->connections);
}

enum ear_err ear_tap_tcp_start(struct ear_tap_tcp *tap,
	struct ear_intake *const *intakes, struct ear_fault *fault)
{
	for (uint32_t i = 0; i < tap->threads; i++) {
		struct hep_server *s = &tap->server[i];

		s->ground.intake = intakes[i];
		errno = pthread_create(&s->thread, NULL, hep_serve, s);
		if (errno)
			return ear_fail_sys(fault,
				"cannot start a thread for %s", tap->gate.name);
		s->started = true;
	}
	return EAR_OK;
}

static void server_fini(struct hep_server *s)
{
	if (s->started)
		pthread_join(s->thread, NULL);
	if (s->fd >= 0)
		close(s->fd);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->room);
}

enum ear_err ear_tap_tcp_allow(
	struct ear_tap_tcp *tap, const struct ear_net *allow, size_t allow_n)
{
	return hep_gate_allow(&tap->gate, allow, allow_n);
}

void ear_tap_tcp_key(struct ear_tap_tcp *tap, const char *key)
{
	hep_gate_key(&tap->gate, key);
}

void ear_tap_tcp_close(struct ear_tap_tcp **tap_p)
{
	struct ear_tap_tcp *tap = *tap_p;

	if (!tap)
		return;
	atomic_store(&tap->stop, true);
	if (tap->wake >= 0)
		(void)eventfd_write(tap->wake, 1);
	for (uint32_t i = 0; tap->server && i < tap->threads; i++)
		server_fini(&tap->server[i]);
	if (tap->wake >= 0)
		close(tap->wake);
	SSL_CTX_free(tap->tls);
	hep_gate_fini(&tap->gate);
	free(tap->server);
	free(tap);
	*tap_p = NULL;
}
