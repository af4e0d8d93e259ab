/* SPDX-License-Identifier: Apache-2.0 */
/** Messages made up for the tests of the store, and a search that is slow. */
#ifndef EAR_TESTS_STORE_MADE_H
#define EAR_TESTS_STORE_MADE_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "store/embedded.h"

#define NOON (1795348800ULL * EAR_SECOND_NS)

struct made {
	struct ear_msg msg; /* raw is owned */
	struct ear_facts facts;
};

struct made_rnd {
	uint64_t v;
};

static inline uint64_t rnd(struct made_rnd *r, uint64_t below)
{
	r->v ^= r->v << 13;
	r->v ^= r->v >> 7;
	r->v ^= r->v << 17;
	return r->v % below;
}

/* One message of dialog d; pad bytes of body. */
static inline struct made make(struct made_rnd *r, unsigned d, size_t pad)
{
	static const char *const methods[] = {
		"REGISTER", "INVITE", "OPTIONS", "BYE"};
	static const int replies[] = {100, 180, 200, 401, 486, 503};
	const char *method = methods[d % 4];
	struct ear_buf b = {0};
	struct made m = {0};
	bool reply = rnd(r, 2);
	int status = replies[rnd(r, 6)];

	if (reply)
		ear_buf_printf(&b, "SIP/2.0 %d Word%u\r\n", status,
			(unsigned)rnd(r, 10));
	else
		ear_buf_printf(&b, "%s sip:u%u@example.com SIP/2.0\r\n", method,
			d % 13);
	ear_buf_printf(&b,
		"Via: SIP/2.0/UDP 10.0.0.%u:5060;branch=z9hG4bK%08x\r\n"
		"From: <sip:u%u@example.com>;tag=%u\r\n"
		"To: <sip:u%u@example.com>\r\n"
		"Call-ID: call-%u@example.com\r\nCSeq: 1 %s\r\n"
		"Content-Length: %zu\r\n\r\n",
		d % 29, (unsigned)rnd(r, 1u << 31), d % 17, d, d % 13, d,
		method, pad);
	for (size_t i = 0; i < pad; i++)
		ear_buf_byte(&b, (uint8_t)('a' + rnd(r, 26)));
	m.msg.at_ns = NOON + rnd(r, 1000000) * EAR_US_NS;
	m.msg.seen_ns = NOON + rnd(r, 100) * EAR_MS_NS;
	m.msg.src = ear_addr_v4(
		"\012\0\0", 0); /* the fourth byte is the literal's NUL */
	m.msg.src.ip[3] = (uint8_t)(d % 29);
	m.msg.src.port = 5060;
	m.msg.dst = ear_addr_v6("\040\001\015\270\0\0\0\0\0\0\0\0\0\0\0\001",
		(uint16_t)(5060 + d % 2));
	m.msg.capture_id = d % 3;
	m.msg.transport = d % 5 ? EAR_TR_UDP : EAR_TR_TCP;
	m.msg.proto = EAR_PROTO_SIP;
	m.msg.ip_proto = 17;
	m.msg.tap =
		d % 2 ? EAR_S("hep/udp:127.0.0.1:9060") : EAR_S("file:a.pcap");
	m.msg.node = d % 7 ? EAR_S("") : EAR_S("proxy-7");
	m.msg.note = d % 11 ? EAR_S("") : EAR_S("0 hep.odd Odd\n");
	m.msg.extra = d % 6 ? EAR_S("") : EAR_S("\0\0\0\042\0\007!");
	m.msg.correlation = d % 4 ? EAR_S("") : EAR_S("corr-4");
	m.msg.raw = ear_buf_view(&b);
	ear_msg_facts(&m.msg, &m.facts);
	return m;
}

static inline struct made *make_many(
	struct made_rnd *r, size_t n, unsigned dialogs)
{
	struct made *m = calloc(n, sizeof(*m));

	for (size_t i = 0; i < n; i++)
		m[i] = make(r, (unsigned)rnd(r, dialogs), rnd(r, 300));
	return m;
}

static inline void free_many(struct made *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)m[i].msg.raw.p);
	free(m);
}

/* A directory that is gone when the test is. */
static inline char *temp_dir(void)
{
	char *dir = strdup("/tmp/earshot-store-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void remove_dir(char *dir)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	free(dir);
}

struct notices {
	pthread_mutex_t lock; /* zeroed is a fresh one */
	char last[400];
	unsigned n;
	char events[2000];
};

static inline void on_notice(
	const char *event, struct ear_slice text, void *arg)
{
	struct notices *n = arg;
	size_t used;

	pthread_mutex_lock(&n->lock);
	used = strlen(n->events);
	n->n++;
	snprintf(n->last, sizeof(n->last), "%s: %.*s", event, EAR_FMT(text));
	snprintf(n->events + used, sizeof(n->events) - used, "%s ", event);
	pthread_mutex_unlock(&n->lock);
}

static inline bool was_told(struct notices *n, const char *event)
{
	bool told;

	pthread_mutex_lock(&n->lock);
	told = strstr(n->events, event);
	pthread_mutex_unlock(&n->lock);
	return told;
}

static inline struct ear_store *open_store(
	const struct ear_store_options *o, struct notices *notices)
{
	struct ear_fault fault = {0};
	struct ear_store *store;

	if (ear_store_embedded.open(
		    o, notices ? on_notice : NULL, notices, &store, &fault))
		fail_msg("open: %s", fault.text);
	return store;
}

static inline void put_all(
	struct ear_store *store, const struct made *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
			store->ops->put(store, &m[i].msg, &m[i].facts), EAR_OK);
}

static inline void flush_all(struct ear_store *store)
{
	struct ear_fault fault = {0};

	if (store->ops->flush(store, &fault))
		fail_msg("flush: %s", fault.text);
}

/* What a search found, as copies. */
struct got {
	struct one {
		uint64_t at_ns, id;
		char *raw;
		size_t n;
		char id_text[40];
	} * v;
	size_t n, cap;
	struct ear_store *store;
	struct ear_found found;
};

static inline bool collect(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct got *g = arg;
	struct one *o;

	if (g->n == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 64;
		g->v = realloc(g->v, g->cap * sizeof(*g->v));
	}
	o = &g->v[g->n++];
	*o = (struct one){
		msg->at_ns, msg->id, malloc(msg->raw.n + 1), msg->raw.n, ""};
	memcpy(o->raw, msg->raw.p, msg->raw.n);
	g->store->ops->id_text(g->store, msg, facts, o->id_text);
	return true;
}

static inline void got_free(struct got *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].raw);
	free(g->v);
	*g = (struct got){0};
}

/* Search by text; q holds the rest. Appends to g. */
static inline void search_q(struct ear_store *store, const char *text,
	struct ear_query q, struct got *g)
{
	struct ear_fault fault = {0};

	g->store = store;
	if (ear_expr_new(ear_slice_str(text), NOON, &q.expr, &fault))
		fail_msg("%s: %s", text, fault.text);
	if (store->ops->find(store, &q, collect, g, &g->found, &fault))
		fail_msg("%s: %s", text, fault.text);
	ear_expr_free(&q.expr);
}

static inline struct got search(struct ear_store *store, const char *text)
{
	struct ear_query q = {.to_ns = UINT64_MAX, .oldest_first = true};
	struct got g = {0};

	search_q(store, text, q, &g);
	return g;
}

static inline size_t count(struct ear_store *store, const char *text)
{
	struct got g = search(store, text);
	size_t n = g.n;

	if (!g.found.complete)
		fail_msg("%s: %s", text, g.found.why);
	got_free(&g);
	return n;
}

#endif
