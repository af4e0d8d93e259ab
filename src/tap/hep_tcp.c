/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Epoll as it is, without libevent: each thread has one set, three kinds of
 * events and nothing to schedule, and the thread must know when a batch is
 * over to flush its intake once.
 */
#include "tap/hep_tcp.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "net/socket.h"
#include "net/tls.h"
#include "tap/hep_conn.h"

#define MAX_CONNECTIONS 1024
#define CONNECTIONS_LIMIT 65536
#define IDLE_NS (3600 * EAR_SECOND_NS)
#define IDLE_LEAST_NS EAR_SECOND_NS
#define PACKET_NS (30 * EAR_SECOND_NS)
#define PACKET_LEAST_NS (100 * EAR_MS_NS)
#define MAX_GARBAGE (1u << 20)

/* Received at once. More does not make it faster and leaves the L2 cache. */
#define ROOM (256u << 10)

/* How often a sender that asks is told what was accepted, and after how many
   packets at once: often enough that little is sent again after a break,
   seldom enough to cost nothing. */
#define TELL_MS 5
#define TELL_NS (TELL_MS * EAR_MS_NS)
#define TELL_PACKETS 1000

#define EVENTS 64
#define ACCEPTS 64

/* At the end: what the kernel holds of a connection is less than this many
   times the budget of a read. */
#define LAST_READS 64

struct server {
	struct ear_tap_tcp *tap;
	struct hep_conn_ground ground;
	pthread_t thread;
	bool started;
	int fd;           /* listens */
	int epoll;        /* data.ptr: a connection, &fd, or &tap->wake */
	bool deaf;        /* not accepting: out of descriptors; see sweep() */
	bool more;        /* some connection has more than its budget */
	unsigned changes; /* of the allow-list, when all were held to it */
	struct hep_conn *conns;
	struct hep_conn *askers; /* those of them that are told */
	bool owing;              /* some asker is not told yet */
	uint64_t owed;           /* packets of askers since they were told */
	uint64_t told_ns;        /* monotonic; when they last were */
	uint64_t refused;        /* of the intake, at that time */
	char *room;
};

struct ear_tap_tcp {
	struct hep_gate gate;
	uint32_t threads;
	uint32_t max_connections;
	uint64_t sweep_ns;
	_Atomic uint32_t connections;
	int wake;
	atomic_bool stop;
	SSL_CTX *tls;
	struct server *server;
};

static int watch(struct server *s, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event e = {.events = events, .data.ptr = ptr};

	return epoll_ctl(s->epoll, op, fd, &e);
}

static void drop(struct server *s, struct hep_conn *c, uint64_t now_ns)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev_asker)
		c->prev_asker->next_asker = c->next_asker;
	else if (s->askers == c)
		s->askers = c->next_asker;
	if (c->next_asker)
		c->next_asker->prev_asker = c->prev_asker;
	hep_conn_free(&c, now_ns);
	atomic_fetch_sub(&s->tap->connections, 1);
}

/* --- accepting -------------------------------------------------------- */

static void refuse(struct server *s, int fd, const char *why)
{
	static struct ear_log_gate every;
	uint64_t skipped;

	close(fd);
	if (ear_log_every(&every, &skipped))
		ear_log(EAR_WARN, "tap.refused", "tap",
			EAR_LS(s->tap->gate.name), "reason", EAR_LS(why),
			"skipped", EAR_LU(skipped), NULL);
}

static bool add(struct server *s, int fd, const struct ear_addr *from)
{
	struct hep_conn *c;

	if (hep_conn_new(&s->ground, fd, from, ear_mono_ns(), &c))
		return false;
	if (watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, c)) {
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

static void greet(struct server *s, int fd, const struct ear_addr *from)
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

static void deafen(struct server *s)
{
	static struct ear_log_gate every;
	uint64_t why = (uint64_t)errno, skipped;

	watch(s, EPOLL_CTL_DEL, s->fd, 0, NULL);
	s->deaf = true;
	if (ear_log_every(&every, &skipped))
		ear_log(EAR_ERROR, "tap.accept", "tap",
			EAR_LS(s->tap->gate.name), "errno", EAR_LU(why), NULL);
}

static void accept_some(struct server *s)
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

/* --- telling ---------------------------------------------------------- */

static void add_asker(struct server *s, struct hep_conn *c)
{
	if (c->prev_asker || s->askers == c)
		return;
	c->next_asker = s->askers;
	if (c->next_asker)
		c->next_asker->prev_asker = c;
	s->askers = c;
}

/*
 * After a flush, so that what was put is accepted. Where the journal had no
 * room for something, nobody knows for what of a connection: the connection is
 * closed, and the sender begins again behind what it was told.
 */
static void tell(struct server *s, uint64_t now_ns)
{
	uint64_t refused = s->ground.intake->refused;
	struct hep_conn *next;

	s->owing = false;
	s->owed = 0;
	for (struct hep_conn *c = s->askers; c; c = next) {
		next = c->next_asker;
		if (refused != s->refused && c->told != c->units) {
			hep_conn_say(c, "the journal is full; "
					"the sender will send again");
			drop(s, c, now_ns);
		} else if (!hep_conn_tell(c)) {
			s->owing = true;
		}
	}
	s->refused = refused;
}

static void tell_in_time(struct server *s, uint64_t now_ns, uint64_t mono_ns)
{
	/* what was refused before they asked does not concern them */
	if (!s->askers)
		s->refused = s->ground.intake->refused;
	if (!s->askers ||
		(s->owed < TELL_PACKETS && mono_ns - s->told_ns < TELL_NS))
		return;
	s->told_ns = mono_ns;
	tell(s, now_ns);
}

/* --- reading ---------------------------------------------------------- */

static void read_conn(
	struct server *s, struct hep_conn *c, uint64_t now_ns, uint64_t mono_ns)
{
	uint64_t units = c->units;
	bool wrote = c->wants_write;

	if (!hep_conn_read(c, now_ns, mono_ns)) {
		drop(s, c, now_ns);
		return;
	}
	if (c->wants_write != wrote)
		watch(s, EPOLL_CTL_MOD, c->fd,
			EPOLLIN | (c->wants_write ? EPOLLOUT : 0), c);
	s->more |= c->more;
	if (c->asks) {
		add_asker(s, c);
		s->owing = true;
		s->owed += c->units - units;
	}
}

static void read_more(struct server *s, uint64_t now_ns, uint64_t mono_ns)
{
	struct hep_conn *next;

	s->more = false;
	for (struct hep_conn *c = s->conns; c; c = next) {
		next = c->next;
		if (c->more)
			read_conn(s, c, now_ns, mono_ns);
	}
}

/* Close what is overdue; listen again. */
static void sweep(struct server *s, uint64_t now_ns, uint64_t mono_ns)
{
	struct hep_conn *next;

	unsigned changes = s->tap->gate.changes;

	for (struct hep_conn *c = s->conns; c; c = next) {
		const char *why = hep_conn_overdue(c, mono_ns);

		next = c->next;
		if (changes != s->changes &&
			!hep_gate_allows(&s->tap->gate, &c->from))
			why = "not in the allow-list any more";
		if (!why)
			continue;
		hep_conn_say(c, why);
		drop(s, c, now_ns);
	}
	s->changes = changes;
	if (s->deaf && !watch(s, EPOLL_CTL_ADD, s->fd, EPOLLIN, &s->fd))
		s->deaf = false;
}

/* What the kernel has, also of those that nobody has accepted yet. */
static void finish(struct server *s)
{
	uint64_t now_ns = ear_now_ns(), mono_ns = ear_mono_ns();

	accept_some(s);
	for (struct hep_conn *c = s->conns; c; c = c->next) {
		int left = LAST_READS;

		while (hep_conn_read(c, now_ns, mono_ns) && c->more && left)
			left--;
	}
	s->ground.intake->flush(s->ground.intake);
	tell(s, now_ns);
	while (s->conns)
		drop(s, s->conns, now_ns);
	s->ground.intake->flush(s->ground.intake);
}

static void turn(struct server *s, struct epoll_event *event, int n)
{
	uint64_t now_ns = ear_now_ns(), mono_ns = ear_mono_ns();

	for (int i = 0; i < n; i++) {
		void *ptr = event[i].data.ptr;

		if (ptr == &s->fd)
			accept_some(s);
		else if (ptr != &s->tap->wake)
			read_conn(s, ptr, now_ns, mono_ns);
	}
	/* Last: it may free what the events above point to. */
	if (s->more)
		read_more(s, now_ns, mono_ns);
	s->ground.intake->flush(s->ground.intake);
	tell_in_time(s, now_ns, mono_ns);
}

static void *serve(void *arg)
{
	struct epoll_event event[EVENTS];
	struct server *s = arg;
	uint64_t sweep_at = ear_mono_ns() + s->tap->sweep_ns;
	int wait_ms = (int)(s->tap->sweep_ns / EAR_MS_NS);
	uint64_t last = 0, now;

	ear_thread_self("tap-tcp", EAR_WEIGHT_RECEIVE);
	hep_thread_begin();
	while (!atomic_load_explicit(&s->tap->stop, memory_order_relaxed)) {
		int most_ms = s->owing && wait_ms > TELL_MS ? TELL_MS : wait_ms;
		int n = epoll_wait(
			s->epoll, event, EVENTS, s->more ? 0 : most_ms);

		turn(s, event, n);
		now = ear_mono_ns();
		if (n > 0)
			hep_gather(&last, now, !s->more);
		if (now < sweep_at)
			continue;
		sweep(s, ear_now_ns(), ear_mono_ns());
		s->ground.intake->flush(s->ground.intake);
		sweep_at = ear_mono_ns() + s->tap->sweep_ns;
	}
	finish(s);
	return NULL;
}

/* --- opening and closing ---------------------------------------------- */

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

static enum ear_err server_init(struct server *s,
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
		watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, &s->fd) ||
		watch(s, EPOLL_CTL_ADD, tap->wake, EPOLLIN, &tap->wake))
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
		struct server *s = &tap->server[i];

		s->ground.intake = intakes[i];
		errno = pthread_create(&s->thread, NULL, serve, s);
		if (errno)
			return ear_fail_sys(fault,
				"cannot start a thread for %s", tap->gate.name);
		s->started = true;
	}
	return EAR_OK;
}

static void server_fini(struct server *s)
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
