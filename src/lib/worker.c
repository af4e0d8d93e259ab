/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of the ring: each message along its path. */
#include "base/log.h"
#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"
#include "lib/lib_priv.h"
#include "tap/sort.h"

/* Messages before spools and store get their turn. */
#define ROUND 256

/*
 * Without work it looks again after a short nap, during which callers need
 * not wake it. After some of these it sleeps until it is woken; first for as
 * long as commits may be due, then for longer.
 */
#define NAP_NS (500 * EAR_US_NS)
#define NAPS 10
#define SLEEP_MS 20
#define SLEEPS 300
#define LONG_SLEEP_MS 250

/* What is no message ends here. @return whether it is one */
static bool sort_out(
	struct earshot *e, const struct ear_handed *h, struct ear_slice raw)
{
	enum ear_count count = EAR_N_JUNK;

	if (h->kind == EAR_HANDED_LOG || h->kind == EAR_HANDED_SIP)
		return true;
	switch (ear_sort(raw)) {
	case EAR_SORT_SIP: return true;
	case EAR_SORT_KEEPALIVE: count = EAR_N_KEEPALIVE; break;
	case EAR_SORT_RTP: count = EAR_N_RTP; break;
	default: break;
	}
	ear_tally_add(e->tally, count, 1, h->seen_ns);
	return false;
}

/* The texts behind a message, checked and laid there by hand.c. */
struct texts {
	char room[EAR_HANDED_TEXTS][EAR_LIB_TEXT + 1];
	const char *users[EAR_LIB_LIST], *mirrors[EAR_LIB_LIST];
};

static void read_texts(struct ear_slice s, struct texts *t)
{
	for (size_t i = 0; i < EAR_HANDED_TEXTS; i++) {
		ear_lib_say(t->room[i], sizeof(t->room[i]), s.p);
		s = ear_slice_sub(s, strlen(s.p) + 1, s.n);
	}
}

/* The path borrows what the trace is until the message is taken. */
static enum ear_err take_traced(struct earshot *e, const struct ear_handed *h,
	struct ear_msg *msg, struct ear_slice behind)
{
	struct texts t = {0};
	struct ear_trace_spec spec;

	read_texts(behind, &t);
	spec = (struct ear_trace_spec){
		.rule = "",
		.scope = (enum ear_scope)h->scope,
		.users = {t.users,
			ear_lib_split(t.room[EAR_HANDED_USERS], t.users)},
		.table = t.room[EAR_HANDED_TABLE],
		.mirrors = {t.mirrors,
			ear_lib_split(t.room[EAR_HANDED_MIRRORS], t.mirrors)},
		.correlation = t.room[EAR_HANDED_CORRELATION],
		.keep_before_ns = h->before_ns,
		.dialog_ack = true,
		.dialog_spiral = true,
		.by = "library",
		.why = "",
	};
	ear_path_ask(e->path, &spec);
	return ear_path_take(e->path, msg, e->tally);
}

static void take(struct earshot *e, struct ear_slice record)
{
	const struct ear_handed *h = (const struct ear_handed *)record.p;
	struct ear_slice raw = ear_slice(h + 1, h->raw_n);
	struct ear_slice behind =
		ear_slice_sub(record, sizeof(*h) + h->raw_n, record.n);
	struct ear_msg msg = {
		.at_ns = h->at_ns,
		.seen_ns = h->seen_ns,
		.src = h->src,
		.dst = h->dst,
		.transport = h->transport,
		.direction = h->direction,
		.proto = h->kind == EAR_HANDED_LOG ? EAR_PROTO_LOG
						   : EAR_PROTO_SIP,
		.tap = ear_slice_str(e->tap),
		.node = ear_slice_str(e->node),
		.correlation = ear_slice_sub(behind, 0, h->correlation_n),
		.raw = raw,
	};

	ear_tally_add(e->tally, EAR_N_RECEIVED, 1, h->seen_ns);
	ear_tally_add(e->tally, EAR_N_ACCEPTED, 1, h->seen_ns);
	ear_tally_add(e->tally, EAR_N_BYTES, h->raw_n, h->seen_ns);
	if (!sort_out(e, h, raw))
		return;
	if (h->kind == EAR_HANDED_TRACE) {
		msg.correlation = (struct ear_slice){0};
		(void)!take_traced(e, h, &msg, behind);
	} else {
		/* an error is that of a store that was not waited for */
		(void)!ear_path_take(e->path, &msg, e->tally);
	}
}

/* @return messages worked on */
static size_t round_of(struct earshot *e)
{
	size_t n = 0;

	for (struct ear_slice s; n < ROUND && !ear_stopped(&e->hurry) &&
				 (s = ear_ring_next(e->ring)).n;
		n++) {
		take(e, s);
		ear_ring_done(e->ring);
		atomic_fetch_add_explicit(&e->done, 1, memory_order_relaxed);
	}
	return n;
}

/* Whoever waits in earshot_flush() is told. */
static void flush_if_asked(struct earshot *e)
{
	uint64_t done = ear_ring_read(e->ring);
	bool due;

	pthread_mutex_lock(&e->lock_asked);
	due = e->flush_asked > e->flushed && done >= e->flush_asked;
	pthread_mutex_unlock(&e->lock_asked);
	if (!due || e->store->ops->flush(e->store, NULL))
		return;
	pthread_mutex_lock(&e->lock_asked);
	e->flushed = done;
	pthread_cond_broadcast(&e->told);
	pthread_mutex_unlock(&e->lock_asked);
}

static void rest(struct earshot *e, unsigned *naps)
{
	const struct timespec nap = {.tv_nsec = (long)NAP_NS};

	if (*naps < NAPS)
		nanosleep(&nap, NULL);
	else
		ear_ring_wait(e->ring,
			*naps < NAPS + SLEEPS ? SLEEP_MS : LONG_SLEEP_MS);
	*naps += *naps < NAPS + SLEEPS;
}

void *ear_lib_worker(void *arg)
{
	struct earshot *e = arg;
	unsigned naps = 0;

	ear_thread_self("earshot", EAR_WEIGHT_PUMP);
	while (!ear_stopped(&e->hurry)) {
		/* asked first: what was handed over before is seen then */
		bool closing = atomic_load(&e->closing);
		size_t n = round_of(e);

		ear_rules_flush(e->rules);
		e->store->ops->tick(e->store, ear_mono_ns());
		flush_if_asked(e);
		ear_lib_change_over(e);
		if (n)
			naps = 0;
		else if (closing)
			break;
		else
			rest(e, &naps);
	}
	pthread_mutex_lock(&e->lock_asked);
	e->ended = true;
	pthread_cond_broadcast(&e->told);
	pthread_mutex_unlock(&e->lock_asked);
	return NULL;
}
