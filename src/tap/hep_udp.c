/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/hep_udp.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "net/socket.h"
#include "tap/hep_gate.h"

#define RECEIVE_BUFFER (32u << 20)
#define RECEIVE_BUFFER_MAX (1u << 30)

/* Datagrams taken by one call; past this the call's own cost is gone. */
#define BATCH 256

/*
 * Room for a datagram. More than the longest, by an odd number of cache
 * lines: with a power of two all their heads would fall into one cache set.
 */
#define SLOT (65536 + 17 * 64)

/* A batch below this is small: see hep_gather(). */
#define GATHER_BELOW (BATCH / 4)

struct receiver {
	struct ear_tap_udp *tap;
	struct ear_intake *intake;
	pthread_t thread;
	bool started;
	int fd;
	uint32_t drops;    /* as last read */
	uint64_t drops_ns; /* when to read it again; monotonic */
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage sa[BATCH];
	struct sockaddr_storage last; /* sender of the datagram before */
	struct ear_addr from;         /* the same, and whether it may */
	bool allowed;
	unsigned changes; /* of the allow-list, when it was asked */
	char *room;       /* BATCH slots */
};

struct ear_tap_udp {
	struct hep_gate gate;
	uint32_t threads;
	int wake; /* becomes readable when the threads are to stop */
	atomic_bool stop;
	struct receiver *receiver;
};

static void count_drops(struct receiver *r)
{
	static struct ear_log_gate every;
	struct ear_tap_udp *tap = r->tap;
	uint32_t now = ear_socket_drops(r->fd);
	uint32_t dropped = now - r->drops;
	uint64_t skipped;

	r->drops = now;
	if (!dropped)
		return;
	ear_tally_add(ear_ledger_line(tap->gate.ledger,
			      ear_slice_str(tap->gate.name), EAR_S("")),
		EAR_N_KERNEL_DROP, dropped, ear_now_ns());
	if (ear_log_every(&every, &skipped))
		ear_log(EAR_WARN, "tap.kernel_drop", "tap",
			EAR_LS(tap->gate.name), "datagrams", EAR_LU(dropped),
			NULL);
}

/* Senders come in runs: the same one needs no second look. */
static void look_at_sender(
	struct receiver *r, const struct sockaddr_storage *sa, socklen_t n)
{
	unsigned changes = r->tap->gate.changes;

	if (n <= sizeof(*sa) && r->from.family && !memcmp(sa, &r->last, n) &&
		changes == r->changes)
		return;
	r->last = *sa;
	r->changes = changes;
	r->from = ear_addr_from_sockaddr((const struct sockaddr *)sa);
	r->allowed = hep_gate_allows(&r->tap->gate, &r->from);
}

static void take(struct receiver *r, int n)
{
	struct ear_unit unit = {
		.kind = EAR_UNIT_DATAGRAM,
		.transport = EAR_TR_UDP,
		.units = 1,
		.seen_ns = ear_now_ns(),
		.to = r->tap->gate.address,
	};

	for (int i = 0; i < n; i++) {
		struct msghdr *head = &r->msg[i].msg_hdr;
		struct ear_slice bytes =
			ear_slice(r->iov[i].iov_base, r->msg[i].msg_len);

		look_at_sender(r, &r->sa[i], head->msg_namelen);
		head->msg_namelen = sizeof(r->sa[i]);
		if (!r->allowed) {
			hep_gate_deny(
				&r->tap->gate, &r->from, bytes.n, unit.seen_ns);
			continue;
		}
		unit.from = r->from;
		unit.flags =
			head->msg_flags & MSG_TRUNC ? EAR_UNIT_TRUNCATED : 0;
		r->intake->put(r->intake, &unit, bytes);
	}
	r->intake->flush(r->intake);
}

static void wait_for_more(struct receiver *r)
{
	struct pollfd fds[2] = {
		{.fd = r->fd, .events = POLLIN},
		{.fd = r->tap->wake, .events = POLLIN},
	};

	(void)poll(fds, 2, 1000);
}

static void look_at_drops(struct receiver *r, uint64_t now)
{
	if (now < r->drops_ns)
		return;
	count_drops(r);
	r->drops_ns = now + EAR_SECOND_NS;
}

static int receive(struct receiver *r)
{
	static struct ear_log_gate every;
	int n = recvmmsg(r->fd, r->msg, BATCH, MSG_DONTWAIT, NULL);
	uint64_t skipped;

	if (n < 0 && errno != EAGAIN && errno != EINTR &&
		ear_log_every(&every, &skipped))
		ear_log(EAR_ERROR, "tap.receive", "tap",
			EAR_LS(r->tap->gate.name), "errno", EAR_LU(errno),
			NULL);
	return n;
}

/*
 * A connected socket is given what its peer sends, and nobody is behind port 9
 * of this machine: what comes from now on goes to who listens there as well,
 * and what came before can be taken to its end. Where that is not possible,
 * what comes while we take the last is ours and may be lost.
 */
static void leave_port(struct receiver *r)
{
	static const uint8_t loopback[4] = {127, 0, 0, 1},
			     loopback6[16] = {[15] = 1};
	struct ear_addr nobody = r->tap->gate.address.family == 6
					 ? ear_addr_v6(loopback6, 9)
					 : ear_addr_v4(loopback, 9);
	struct sockaddr_storage sa;
	socklen_t n = ear_addr_to_sockaddr(&nobody, &sa);

	(void)!connect(r->fd, (struct sockaddr *)&sa, n);
}

static void *serve(void *arg)
{
	struct receiver *r = arg;
	uint64_t last = 0;
	int n;

	ear_thread_self("tap-udp", EAR_WEIGHT_RECEIVE);
	hep_thread_begin();
	while (!atomic_load_explicit(&r->tap->stop, memory_order_relaxed)) {
		uint64_t now;

		n = receive(r);
		if (n > 0)
			take(r, n);
		now = ear_mono_ns();
		look_at_drops(r, now);
		if (n > 0)
			hep_gather(&last, now, n < GATHER_BELOW);
		else
			wait_for_more(r);
	}
	leave_port(r);
	/* Bounded: what arrives meanwhile must not keep us here. */
	for (int i = 0; i < 4096 && (n = receive(r)) > 0; i++)
		take(r, n);
	count_drops(r);
	return NULL;
}

static enum ear_err receiver_init(
	struct receiver *r, struct ear_tap_udp *tap, int fd)
{
	r->tap = tap;
	r->fd = fd;
	r->room = mmap(NULL, (size_t)BATCH * SLOT, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->room == MAP_FAILED) {
		r->room = NULL;
		return EAR_NOMEM;
	}
	for (size_t i = 0; i < BATCH; i++) {
		r->iov[i] = (struct iovec){r->room + i * SLOT, 65536};
		r->msg[i].msg_hdr = (struct msghdr){
			.msg_name = &r->sa[i],
			.msg_namelen = sizeof(r->sa[i]),
			.msg_iov = &r->iov[i],
			.msg_iovlen = 1,
		};
	}
	return EAR_OK;
}

static void tell_receive_buffer(const struct ear_tap_udp *tap, uint64_t asked)
{
	uint64_t got = ear_socket_receive_buffer(tap->receiver[0].fd);

	if (got < asked)
		ear_log(EAR_NOTICE, "tap.receive_buffer", "tap",
			EAR_LS(tap->gate.name), "asked", EAR_LU(asked), "got",
			EAR_LU(got), "hint",
			EAR_LS("raise sysctl net.core.rmem_max"), NULL);
}

static enum ear_err open_sockets(struct ear_tap_udp *tap,
	const struct ear_tap_udp_options *options, struct ear_fault *fault)
{
	struct ear_listen listen = {
		.address = options->address,
		.again = options->again,
		.receive_buffer = options->receive_buffer
					  ? options->receive_buffer
					  : RECEIVE_BUFFER,
	};
	struct ear_addr at;
	int fds[HEP_THREADS_MAX];
	enum ear_err err =
		ear_listen_many(&listen, false, fds, tap->threads, &at, fault);

	if (err)
		return err;
	hep_gate_name(&tap->gate, EAR_TR_UDP, at);
	for (uint32_t i = 0; i < tap->threads; i++) {
		if (receiver_init(&tap->receiver[i], tap, fds[i]))
			err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	tell_receive_buffer(tap, listen.receive_buffer);
	return err;
}

enum ear_err ear_tap_udp_open(const struct ear_tap_udp_options *options,
	struct ear_ledger *ledger, struct ear_tap_udp **out,
	struct ear_fault *fault)
{
	struct ear_tap_udp *tap;
	enum ear_err err;

	*out = NULL;
	if (options->threads > HEP_THREADS_MAX ||
		options->receive_buffer > RECEIVE_BUFFER_MAX)
		return ear_fail(fault, EAR_USAGE, 0,
			"a UDP listener has at most %d threads and %u bytes "
			"of receive buffer",
			HEP_THREADS_MAX, RECEIVE_BUFFER_MAX);
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	tap->threads = options->threads ? options->threads : HEP_THREADS;
	tap->wake = eventfd(0, EFD_CLOEXEC);
	tap->receiver = calloc(tap->threads, sizeof(*tap->receiver));
	for (uint32_t i = 0; tap->receiver && i < tap->threads; i++)
		tap->receiver[i].fd = -1;
	if (!tap->receiver || tap->wake < 0 ||
		hep_gate_init(
			&tap->gate, ledger, options->allow, options->allow_n))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else
		err = open_sockets(tap, options, fault);
	if (err)
		ear_tap_udp_close(&tap);
	*out = tap;
	return err;
}

struct ear_addr ear_tap_udp_address(const struct ear_tap_udp *tap)
{
	return tap->gate.address;
}

struct ear_slice ear_tap_udp_name(const struct ear_tap_udp *tap)
{
	return ear_slice_str(tap->gate.name);
}

uint32_t ear_tap_udp_threads(const struct ear_tap_udp *tap)
{
	return tap->threads;
}

enum ear_err ear_tap_udp_start(struct ear_tap_udp *tap,
	struct ear_intake *const *intakes, struct ear_fault *fault)
{
	for (uint32_t i = 0; i < tap->threads; i++) {
		struct receiver *r = &tap->receiver[i];

		r->intake = intakes[i];
		errno = pthread_create(&r->thread, NULL, serve, r);
		if (errno)
			return ear_fail_sys(fault,
				"cannot start a thread for %s", tap->gate.name);
		r->started = true;
	}
	return EAR_OK;
}

enum ear_err ear_tap_udp_allow(
	struct ear_tap_udp *tap, const struct ear_net *allow, size_t allow_n)
{
	return hep_gate_allow(&tap->gate, allow, allow_n);
}

void ear_tap_udp_close(struct ear_tap_udp **tap_p)
{
	struct ear_tap_udp *tap = *tap_p;

	if (!tap)
		return;
	atomic_store(&tap->stop, true);
	if (tap->wake >= 0)
		(void)eventfd_write(tap->wake, 1);
	for (uint32_t i = 0; tap->receiver && i < tap->threads; i++) {
		struct receiver *r = &tap->receiver[i];

		if (r->started)
			pthread_join(r->thread, NULL);
		if (r->fd >= 0)
			close(r->fd);
		if (r->room)
			munmap(r->room, (size_t)BATCH * SLOT);
	}
	if (tap->wake >= 0)
		close(tap->wake);
	hep_gate_fini(&tap->gate);
	free(tap->receiver);
	free(tap);
	*tap_p = NULL;
}
