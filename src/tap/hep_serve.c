/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread of the TCP listener: what connections have goes into the intake,
 * and who asks is told what was accepted.
 */
#include <stdatomic.h>

#include "base/thread.h"
#include "base/time.h"
#include "tap/hep_serve.h"

/* How often a sender that asks is told what was accepted, and after how many
   packets at once: often enough that little is sent again after a break,
   seldom enough to cost nothing. */
#define TELL_MS 5
#define TELL_NS (TELL_MS * EAR_MS_NS)
#define TELL_PACKETS 1000

#define EVENTS 64

/* At the end: what the kernel holds of a connection is less than this many
   times the budget of a read. */
#define LAST_READS 64

static void drop(struct hep_server *s, struct hep_conn *c, uint64_t now_ns)
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

/* --- telling ---------------------------------------------------------- */

static void add_asker(struct hep_server *s, struct hep_conn *c)
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
static void tell(struct hep_server *s, uint64_t now_ns)
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

static void tell_in_time(
	struct hep_server *s, uint64_t now_ns, uint64_t mono_ns)
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

static void read_conn(struct hep_server *s, struct hep_conn *c, uint64_t now_ns,
	uint64_t mono_ns)
{
	uint64_t units = c->units;
	bool wrote = c->wants_write;

	if (!hep_conn_read(c, now_ns, mono_ns)) {
		drop(s, c, now_ns);
		return;
	}
	if (c->wants_write != wrote)
		hep_server_watch(s, EPOLL_CTL_MOD, c->fd,
			EPOLLIN | (c->wants_write ? EPOLLOUT : 0), c);
	s->more |= c->more;
	if (c->asks) {
		add_asker(s, c);
		s->owing = true;
		s->owed += c->units - units;
	}
}

static void read_more(struct hep_server *s, uint64_t now_ns, uint64_t mono_ns)
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
static void sweep(struct hep_server *s, uint64_t now_ns, uint64_t mono_ns)
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
	if (s->deaf &&
		!hep_server_watch(s, EPOLL_CTL_ADD, s->fd, EPOLLIN, &s->fd))
		s->deaf = false;
}

/* What the kernel has, also of those that nobody has accepted yet. */
static void finish(struct hep_server *s)
{
	uint64_t now_ns = ear_now_ns(), mono_ns = ear_mono_ns();

	hep_accept(s);
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

static void turn(struct hep_server *s, struct epoll_event *event, int n)
{
	uint64_t now_ns = ear_now_ns(), mono_ns = ear_mono_ns();

	for (int i = 0; i < n; i++) {
		void *ptr = event[i].data.ptr;

		if (ptr == &s->fd)
			hep_accept(s);
		else if (ptr != &s->tap->wake)
			read_conn(s, ptr, now_ns, mono_ns);
	}
	/* Last: it may free what the events above point to. */
	if (s->more)
		read_more(s, now_ns, mono_ns);
	s->ground.intake->flush(s->ground.intake);
	tell_in_time(s, now_ns, mono_ns);
}

void *hep_serve(void *arg)
{
	struct epoll_event event[EVENTS];
	struct hep_server *s = arg;
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
