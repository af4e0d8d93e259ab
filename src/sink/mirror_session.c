/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with a collector, and what of it is safe.
 *
 *     window   first                      n records handed over
 *                ├──── not yet safe ─────────────┤
 *
 * Over UDP a record is safe when no error has come back for a while: more
 * cannot be known. Over TCP and TLS the collector is asked, in a packet of its
 * own before all others, to say what it has accepted; where it does not answer,
 * what its kernel has acknowledged counts.
 */
#include <poll.h>
#include <time.h>

#include "base/reader.h"
#include "base/time.h"
#include "proto/hep_write.h"
#include "sink/mirror_priv.h"

/* An ICMP error is back by then, from nearly everywhere. */
#define QUIET_NS (100 * EAR_MS_NS)
/* The same for the first datagram: long enough for a network near by. */
#define PROBE_MS 20

/* Datagrams handed to the kernel at once. */
#define BATCH 256

/* How long a greeting waits for its answer. Others than Earshot give none, so
   one that is known to answer gets more time. */
#define ANSWER_MS 1500
#define ANSWER_KNOWN_MS 5000

/* Reads at a time: a collector that talks on and on holds up nothing. */
#define READS 64

/* How long delivering waits for room. */
#define ROOM_MS 500

/* --- the window ------------------------------------------------------- */

static bool window_full(const struct mirror *m)
{
	return m->window_n == MIRROR_WINDOW;
}

static void window_add(struct mirror *m, uint64_t at)
{
	m->window[(m->window_first + m->window_n++) % MIRROR_WINDOW] =
		(struct mirror_mark){at, m->packets};
}

static bool proven(const struct mirror *m, const struct mirror_mark *mark,
	uint64_t reached)
{
	return m->proof == MIRROR_COLLECTOR ? mark->packets <= m->accepted
					    : mark->at <= reached;
}

static void window_advance(struct mirror *m)
{
	uint64_t reached = 0;

	if (m->proof == MIRROR_TIME)
		reached = ear_mono_ns() - QUIET_NS;
	else if (m->proof == MIRROR_KERNEL)
		reached = ear_wire_acknowledged(m->wire);
	while (m->window_n && proven(m, &m->window[m->window_first], reached)) {
		m->window_first = (m->window_first + 1) % MIRROR_WINDOW;
		m->window_n--;
		m->safe++;
	}
}

/* --- what the collector says ------------------------------------------ */

static enum ear_err take_answer(
	struct mirror *m, struct ear_slice packet, struct ear_fault *fault)
{
	struct ear_hep hep;
	uint64_t accepted;

	if (ear_hep_read(packet, 0, &hep) || !hep.chunk[EAR_HEP_ACCEPTED].at)
		return EAR_OK; /* some answer of some collector */
	accepted = ear_hep_number(&hep, EAR_HEP_ACCEPTED);
	if (!accepted)
		return ear_fail(fault, EAR_BAD, 0,
			"%s accepts nothing: is auth_key right?", m->to);
	if (accepted > m->packets)
		return ear_fail(fault, EAR_BAD, 0,
			"%s says that it accepted more than was sent", m->to);
	m->accepted = accepted;
	m->proof = MIRROR_COLLECTOR;
	m->answered = true;
	pthread_mutex_lock(&m->lock);
	m->shown = m->proof;
	pthread_mutex_unlock(&m->lock);
	return EAR_OK;
}

/* Cut what came into packets. What is none is not ours to understand. */
static enum ear_err take_answers(struct mirror *m, struct ear_fault *fault)
{
	struct ear_slice rest = ear_slice(m->in, m->in_n);
	enum ear_err err = EAR_OK;

	while (!err && rest.n >= EAR_HEP_HEAD) {
		struct ear_reader head =
			ear_reader(ear_slice_sub(rest, 4, EAR_HEP_HEAD));
		size_t n = ear_read_be16(&head);

		if (ear_hep_version(rest) != 3 || n < EAR_HEP_HEAD ||
			n > sizeof(m->in)) {
			rest.n = 0;
			break;
		}
		if (n > rest.n)
			break;
		err = take_answer(m, ear_slice_sub(rest, 0, n), fault);
		rest = ear_slice_sub(rest, n, rest.n);
	}
	if (rest.n)
		memmove(m->in, rest.p, rest.n);
	m->in_n = rest.n;
	return err;
}

static enum ear_err hear(struct mirror *m, struct ear_fault *fault)
{
	int reads = READS;
	enum ear_err err;
	size_t n;

	do {
		err = ear_wire_read(m->wire, m->in + m->in_n,
			sizeof(m->in) - m->in_n, &n, fault);
		m->in_n += n;
		if (!err && n)
			err = take_answers(m, fault);
	} while (!err && n && --reads);
	return err;
}

/* --- beginning and end ------------------------------------------------ */

/*
 * A packet without payload: others take it for a keep-alive, which its first
 * chunk says it is.
 */
static void write_greeting(struct mirror *m, struct ear_buf *out)
{
	struct ear_slice key = ear_slice_str(m->key);

	ear_buf_add(out, "HEP3\0", EAR_HEP_HEAD);
	ear_hep_write_chunk(out, EAR_HEP_KEEPALIVE, ear_slice("\0\x0f", 2));
	if (key.n)
		ear_hep_write_chunk(out, EAR_HEP_KEY, key);
	ear_hep_write_chunk(out, EAR_HEP_ACK_WANTED, ear_slice("\1", 1));
	if (out->err)
		return;
	out->p[4] = (char)(out->n >> 8);
	out->p[5] = (char)out->n;
}

static enum ear_err greet(struct mirror *m, struct ear_fault *fault)
{
	uint64_t wait_ms = m->answered ? ANSWER_KNOWN_MS : ANSWER_MS;
	uint64_t now = ear_mono_ns(), end = now + wait_ms * EAR_MS_NS;
	struct ear_buf out = {0};
	enum ear_err err;

	write_greeting(m, &out);
	err = out.err;
	if (!err) {
		ear_wire_put(m->wire, ear_buf_view(&out));
		m->bytes = out.n;
		m->packets = 1;
		err = ear_wire_flush(m->wire, ROOM_MS, fault);
	}
	ear_buf_fini(&out);
	while (!err && m->proof != MIRROR_COLLECTOR && now < end) {
		ear_wire_wait(m->wire, (uint32_t)((end - now) / EAR_MS_NS) + 1);
		err = hear(m, fault);
		now = ear_mono_ns();
	}
	if (err && err != EAR_BAD && !m->answered)
		m->unwanted++;
	else if (!err)
		m->unwanted = 0;
	return err == EAR_FULL ? EAR_OK : err;
}

static bool wants_answer(const struct mirror *m)
{
	return m->acknowledge && !m->uri.sip && m->version == 3 &&
	       m->uri.carrier != EAR_CARRY_UDP &&
	       m->unwanted < EAR_MIRROR_GREETINGS;
}

static void reset(struct mirror *m)
{
	m->proof =
		m->uri.carrier == EAR_CARRY_UDP ? MIRROR_TIME : MIRROR_KERNEL;
	m->first = true;
	m->window_first = m->window_n = m->in_n = 0;
	m->safe = m->bytes = m->packets = m->accepted = 0;
}

enum ear_err mirror_begin(struct ear_sink *sink, struct ear_sink_pos *pos,
	struct ear_fault *fault)
{
	struct mirror *m = (struct mirror *)sink;
	const struct ear_wire_options options = {
		.to = &m->uri, .from = m->from, .tls = m->tls};
	enum ear_err err;

	(void)pos;
	mirror_end(sink);
	reset(m);
	err = ear_wire_open(&options, &m->wire, fault);
	if (err)
		return err;
	pthread_mutex_lock(&m->lock);
	m->peer = ear_wire_peer(m->wire);
	pthread_mutex_unlock(&m->lock);
	if (wants_answer(m))
		err = greet(m, fault);
	if (err) {
		mirror_end(sink);
		return err;
	}
	pthread_mutex_lock(&m->lock);
	m->connected = true;
	m->shown = m->proof;
	m->sessions++;
	pthread_mutex_unlock(&m->lock);
	return EAR_OK;
}

void mirror_end(struct ear_sink *sink)
{
	struct mirror *m = (struct mirror *)sink;

	if (!m->wire)
		return;
	ear_wire_close(&m->wire);
	pthread_mutex_lock(&m->lock);
	m->connected = false;
	m->again += m->window_n;
	pthread_mutex_unlock(&m->lock);
	m->window_n = 0;
}

/* --- delivering ------------------------------------------------------- */

struct ear_slice mirror_packet(const struct mirror *m, struct ear_slice record)
{
	struct ear_reader head = ear_reader(ear_slice_sub(record, 4, 6));

	if (m->uri.sip || ear_hep_version(record) != 3)
		return record;
	return ear_slice_sub(record, 0, ear_read_be16(&head));
}

static size_t packets_of(const struct mirror *m, struct ear_slice record)
{
	size_t n = 0;

	while (record.n) {
		size_t one = mirror_packet(m, record).n;

		record = ear_slice_sub(record, one ? one : record.n, record.n);
		n++;
	}
	return n;
}

static enum ear_err deliver_stream(struct mirror *m,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	while (*handed < n && !window_full(m)) {
		struct ear_slice record = records[*handed].bytes;

		if (record.n > ear_wire_room(m->wire)) {
			err = ear_wire_flush(
				m->wire, *handed ? 0 : ROOM_MS, fault);
			if (err && err != EAR_FULL)
				return err;
			if (record.n > ear_wire_room(m->wire))
				return EAR_OK;
		}
		ear_wire_put(m->wire, record);
		m->bytes += record.n;
		m->packets += packets_of(m, record);
		window_add(m, m->bytes);
		++*handed;
	}
	err = ear_wire_flush(m->wire, 0, fault);
	if (err && err != EAR_FULL)
		return err;
	if (!*handed)
		ear_wire_wait(m->wire, 20); /* for what empties the window */
	return EAR_OK;
}

/* Datagrams of whole records. */
struct batch {
	struct ear_slice datagram[BATCH];
	size_t record[BATCH]; /* which one it is of, from the first on */
	size_t n;
	size_t records;
};

static void gather(const struct mirror *m, struct batch *b,
	const struct ear_sink_record *records, size_t n)
{
	b->n = b->records = 0;
	while (b->records < n) {
		struct ear_slice rest = records[b->records].bytes;

		if (b->n && b->n + packets_of(m, rest) > BATCH)
			return;
		while (rest.n && b->n < BATCH) {
			struct ear_slice d = mirror_packet(m, rest);

			if (!d.n)
				d = rest;
			b->record[b->n] = b->records;
			b->datagram[b->n++] = d;
			rest = ear_slice_sub(rest, d.n, rest.n);
		}
		b->records++;
	}
}

/* Records of which all datagrams are among the first so many. */
static size_t whole(const struct batch *b, size_t sent)
{
	return sent == b->n ? b->records : b->record[sent];
}

static enum ear_err deliver_datagrams(struct mirror *m,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	size_t *refused, struct ear_fault *fault)
{
	size_t room = MIRROR_WINDOW - m->window_n, sent, done;
	enum ear_err err = EAR_OK;
	struct batch b;

	if (n > room)
		n = room;
	if (!n)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	while (*handed < n) {
		gather(m, &b, records + *handed, m->first ? 1 : n - *handed);
		err = ear_wire_send(m->wire, b.datagram, b.n, &sent, fault);
		done = whole(&b, sent);
		if (err == EAR_LIMIT && sent < b.n) {
			done = b.record[sent] + 1;
			++*refused;
			err = EAR_OK;
		}
		if (!err && m->first)
			err = ear_wire_probe(m->wire, PROBE_MS, fault);
		if (err)
			return err;
		m->first = false;
		for (size_t i = 0; i < done; i++)
			window_add(m, ear_mono_ns());
		*handed += done;
		if (done < b.records)
			break;
	}
	return EAR_OK;
}

enum ear_err mirror_deliver(struct ear_sink *sink,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	size_t *refused, struct ear_fault *fault)
{
	struct mirror *m = (struct mirror *)sink;

	*handed = *refused = 0;
	if (m->uri.carrier == EAR_CARRY_UDP)
		return deliver_datagrams(m, records, n, handed, refused, fault);
	return deliver_stream(m, records, n, handed, fault);
}

enum ear_err mirror_safe(
	struct ear_sink *sink, uint64_t *records, struct ear_fault *fault)
{
	struct mirror *m = (struct mirror *)sink;
	enum ear_err err;

	if (m->uri.carrier == EAR_CARRY_UDP) {
		err = ear_wire_probe(m->wire, 0, fault);
	} else {
		err = ear_wire_flush(m->wire, 0, fault);
		if (!err || err == EAR_FULL)
			err = hear(m, fault);
	}
	if (!err)
		window_advance(m);
	*records = m->safe;
	return err;
}
