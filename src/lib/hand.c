/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side: copy into the ring, and be gone. */
#include "base/time.h"
#include "lib/lib_priv.h"

static int refuse(struct earshot *e, int answer)
{
	atomic_fetch_add_explicit(
		answer == EARSHOT_FULL ? &e->refused_full : &e->refused_other,
		1, memory_order_relaxed);
	return answer;
}

static struct ear_addr address(const struct sockaddr *sa)
{
	return sa ? ear_addr_from_sockaddr(sa) : (struct ear_addr){0};
}

/*
 * Lay one record into the ring.
 *
 * @param texts bytes of what follows the message
 */
static int hand(struct earshot *e, const struct ear_handed *h, const void *raw,
	const struct ear_slice *text, size_t texts)
{
	size_t n = sizeof(*h) + h->raw_n;
	char *to;

	for (size_t i = 0; i < texts; i++)
		n += text[i].n;
	if (n > ear_ring_longest(e->ring))
		return refuse(e, EARSHOT_TOOBIG);
	to = ear_ring_claim(e->ring, n);
	if (!to)
		return refuse(e, EARSHOT_FULL);
	memcpy(to, h, sizeof(*h));
	memcpy(to + sizeof(*h), raw, h->raw_n);
	n = sizeof(*h) + h->raw_n;
	for (size_t i = 0; i < texts; i++) {
		if (text[i].n)
			memcpy(to + n, text[i].p, text[i].n);
		n += text[i].n;
	}
	ear_ring_publish(e->ring, to);
	atomic_fetch_add_explicit(&e->taken, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&e->bytes, h->raw_n, memory_order_relaxed);
	return EARSHOT_OK;
}

/* What an event or packet without further words is; @return an answer */
static int begin(
	struct earshot *e, struct ear_handed *h, const void *data, size_t bytes)
{
	if (!data || !bytes)
		return refuse(e, EARSHOT_BADARG);
	if (bytes > EAR_LIB_LONGEST)
		return refuse(e, EARSHOT_TOOBIG);
	h->seen_ns = ear_now_ns();
	if (!h->at_ns)
		h->at_ns = h->seen_ns;
	h->raw_n = (uint32_t)bytes;
	return EARSHOT_OK;
}

static int begin_packet(struct earshot *e, const struct earshot_packet *p,
	bool sending, struct ear_handed *h)
{
	if (!ear_lib_usable(e))
		return EARSHOT_CLOSED;
	if (!p || p->size < sizeof(*p) || p->transport < EARSHOT_UNKNOWN ||
		p->transport > EARSHOT_WSS)
		return refuse(e, EARSHOT_BADARG);
	*h = (struct ear_handed){
		.at_ns = p->at_ns,
		.src = address(p->src),
		.dst = address(p->dst),
		.kind = EAR_HANDED_PACKET,
		.transport = (uint8_t)p->transport,
		.direction = sending ? EAR_DIR_OUT : EAR_DIR_IN,
	};
	return begin(e, h, p->data, p->bytes);
}

EARSHOT_API int earshot_received(
	struct earshot *e, const struct earshot_packet *packet)
{
	struct ear_handed h;
	int answer = begin_packet(e, packet, false, &h);

	return answer ? answer : hand(e, &h, packet->data, NULL, 0);
}

EARSHOT_API int earshot_sending(
	struct earshot *e, const struct earshot_packet *packet)
{
	struct ear_handed h;
	int answer = begin_packet(e, packet, true, &h);

	return answer ? answer : hand(e, &h, packet->data, NULL, 0);
}

/* @return false when the caller asked wrongly */
static bool read_trace(const struct earshot_trace *trace, struct ear_handed *h,
	struct ear_slice text[EAR_HANDED_TEXTS])
{
	const char *given[EAR_HANDED_TEXTS];
	enum ear_scope scope;

	if (!trace || trace->size < sizeof(*trace) ||
		!ear_scope_of(ear_slice(&trace->mode, 1), &scope))
		return false;
	given[EAR_HANDED_USERS] = trace->users;
	given[EAR_HANDED_TABLE] = trace->table;
	given[EAR_HANDED_MIRRORS] = trace->mirrors;
	given[EAR_HANDED_CORRELATION] = trace->correlation;
	for (size_t i = 0; i < EAR_HANDED_TEXTS; i++) {
		const char *s = given[i] ? given[i] : "";

		if (!ear_lib_text_fits(s))
			return false;
		text[i] = ear_slice(s, strlen(s) + 1);
	}
	h->kind = EAR_HANDED_TRACE;
	h->scope = (uint8_t)scope;
	h->before_ns = ear_lib_ns(trace->keep_before_ms);
	return true;
}

EARSHOT_API int earshot_sip_trace_as(struct earshot *e,
	const struct earshot_packet *packet, const struct earshot_trace *trace)
{
	struct ear_slice text[EAR_HANDED_TEXTS];
	struct ear_handed h;
	int answer = begin_packet(e, packet, packet && packet->sending, &h);

	if (answer)
		return answer;
	if (!read_trace(trace, &h, text))
		return refuse(e, EARSHOT_BADARG);
	answer = hand(e, &h, packet->data, text, EAR_HANDED_TEXTS);
	if (answer)
		return answer;
	/* siptrace writes the rows of traced users even so */
	return atomic_load_explicit(&e->on, memory_order_relaxed) ||
			       text[EAR_HANDED_USERS].n > 1
		       ? EARSHOT_OK
		       : EARSHOT_OFF;
}

EARSHOT_API int earshot_sip_trace(struct earshot *e,
	const struct earshot_packet *packet, const char *mirrors,
	const char *correlation, char mode)
{
	struct earshot_trace trace = EARSHOT_TRACE;

	trace.mode = mode;
	trace.mirrors = mirrors;
	trace.correlation = correlation;
	return earshot_sip_trace_as(e, packet, &trace);
}

EARSHOT_API int earshot_sip_trace_mode(
	struct earshot *e, const struct earshot_packet *packet, char mode)
{
	return earshot_sip_trace(e, packet, NULL, NULL, mode);
}

static int hand_event(struct earshot *e, struct ear_handed *h, const void *raw,
	size_t bytes, const char *correlation)
{
	struct ear_slice id = ear_slice_str(correlation);
	int answer = begin(e, h, raw, bytes);

	if (answer)
		return answer;
	if (id.n > EAR_MARK_TEXT)
		return refuse(e, EARSHOT_BADARG);
	h->correlation_n = (uint32_t)id.n;
	return hand(e, h, raw, &id, 1);
}

EARSHOT_API int earshot_sip_trace_msg(struct earshot *e, const void *msg,
	size_t bytes, const struct sockaddr *src, const struct sockaddr *dst,
	const char *correlation)
{
	struct ear_handed h = {.src = address(src),
		.dst = address(dst),
		.kind = EAR_HANDED_SIP};

	if (!ear_lib_usable(e))
		return EARSHOT_CLOSED;
	return hand_event(e, &h, msg, bytes, correlation);
}

EARSHOT_API int earshot_hlog(
	struct earshot *e, const char *correlation, const char *text)
{
	struct ear_handed h = {.kind = EAR_HANDED_LOG};

	if (!ear_lib_usable(e))
		return EARSHOT_CLOSED;
	return hand_event(e, &h, text, text ? strlen(text) : 0, correlation);
}
