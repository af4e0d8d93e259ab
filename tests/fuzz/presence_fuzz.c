/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What presence takes, as any bytes: pieces with NUL between, the first byte
 * of each says what it is:
 *
 *     'm'  a SIP message; the second byte picks addresses and transport
 *     'e'  a connection event; the second byte likewise
 *     's'  a state; the second byte is its kind
 *     't'  time goes on, by the second byte squared, in seconds
 *     'r'  a restart: saved, and given back to another
 */
#include <stdlib.h>

#include "base/time.h"
#include "track/presence.h"

#define NOW 1795348800000000000ULL
#define STATES 512

static struct {
	uint64_t key;
	size_t n;
	char *p;
} states[STATES];
static size_t states_n;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void session(const struct ear_session_row *row, void *arg)
{
	check(row->id && row->id >> 63 == 0);
	check(row->event >= EAR_SESSION_CONNECT &&
		row->event <= EAR_SESSION_DISCONNECT);
	check(!row->failed || row->event == EAR_SESSION_REGISTER);
	(void)arg;
}

static void binding(const struct ear_binding_row *row, void *arg)
{
	check(row->id && row->id >> 63 == 0);
	check((row->end != EAR_BINDING_OPEN) == (row->ended_ns != 0));
	(void)arg;
}

static void conn(const struct ear_conn_row *row, void *arg)
{
	check(row->id && row->id >> 63 == 0);
	(void)arg;
}

static void forget(size_t i)
{
	free(states[i].p);
	states[i] = states[--states_n];
}

static void state(uint8_t part, uint64_t key, struct ear_slice bytes, void *arg)
{
	size_t i = 0;

	check(part == EAR_TRACK_PRESENCE);
	while (i < states_n && states[i].key != key)
		i++;
	if (i < states_n)
		forget(i);
	if (!bytes.n || states_n == STATES)
		return;
	states[states_n].p = malloc(bytes.n);
	check(states[states_n].p != NULL);
	memcpy(states[states_n].p, bytes.p, bytes.n);
	states[states_n].key = key;
	states[states_n++].n = bytes.n;
	(void)arg;
}

static struct ear_presence *begin(void)
{
	const struct ear_track_out out = {.session = session,
		.binding = binding,
		.conn = conn,
		.state = state};
	const struct ear_presence_options options = {
		.max_bindings = 64, .max_connections = 16};
	struct ear_presence *p;

	check(ear_presence_new(&options, &out, &p) == EAR_OK);
	return p;
}

static void take(struct ear_presence *p, uint8_t proto, uint8_t where,
	uint64_t now_ns, struct ear_slice raw)
{
	const uint8_t a[4] = {10, 0, 0, (uint8_t)(where & 3)};
	const uint8_t b[4] = {10, 0, 1, 1};
	struct ear_facts facts = {0};
	struct ear_msg msg = {.at_ns = now_ns,
		.seen_ns = now_ns,
		.src = ear_addr_v4(a, 4000),
		.dst = ear_addr_v4(b, 5060),
		.transport = where >> 2 & 7,
		.direction = where & 1 ? EAR_DIR_OUT : EAR_DIR_IN,
		.proto = proto,
		.raw = raw};

	if (where & 0x20) {
		struct ear_addr turned = msg.src;

		msg.src = msg.dst;
		msg.dst = turned;
	}
	if (where & 0x40)
		msg.node = EAR_S("n");
	if (proto == EAR_PROTO_SIP)
		ear_msg_facts(&msg, &facts);
	ear_presence_take(p, &msg, &facts);
}

static void restart(struct ear_presence **p)
{
	size_t n;

	ear_presence_save(*p);
	ear_presence_free(p);
	*p = begin();
	n = states_n;
	for (size_t i = 0; i < n; i++)
		ear_presence_restore(
			*p, states[i].key, ear_slice(states[i].p, states[i].n));
}

static void piece(
	struct ear_presence **p, struct ear_slice in, uint64_t *now_ns)
{
	uint8_t second = (uint8_t)in.p[1];
	struct ear_slice rest = ear_slice_sub(in, 2, in.n);

	*now_ns += EAR_MS_NS;
	switch (in.p[0]) {
	case 'm': take(*p, EAR_PROTO_SIP, second, *now_ns, rest); break;
	case 'e': take(*p, EAR_PROTO_CONN, second, *now_ns, rest); break;
	case 's': ear_presence_restore(*p, second, rest); break;
	case 't':
		*now_ns += (uint64_t)second * second * EAR_SECOND_NS;
		ear_presence_tick(*p, *now_ns);
		break;
	case 'r': restart(p); break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct ear_slice in = ear_slice(bytes, n);
	struct ear_presence *p = begin();
	struct ear_presence_stats stats;
	uint64_t now_ns = NOW;

	while (in.n) {
		const char *end = memchr(in.p, '\0', in.n);
		size_t one = end ? (size_t)(end - in.p) : in.n;

		if (one >= 2)
			piece(&p, ear_slice_sub(in, 0, one), &now_ns);
		in = ear_slice_sub(in, one + 1, in.n);
	}
	ear_presence_end(p);
	ear_presence_stats(p, &stats);
	check(stats.bindings <= 64 && stats.connections <= 16);
	ear_presence_free(&p);
	while (states_n)
		forget(0);
	return 0;
}
