/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restart needs, one state per connection, binding and waiting
 * REGISTER: version, then fields as varints and texts behind their length. One
 * function writes and reads each kind, so that both agree. What is read is
 * believed no more than anything else from outside: lengths are checked, and
 * what does not fit is left out.
 *
 * A key is the row's id (of a REGISTER its transaction) with the kind in its
 * last two bits.
 */
#include <endian.h>
#include <stdlib.h>

#include "base/reader.h"
#include "track/presence_register.h"

#define VERSION 2

uint64_t state_key(uint64_t id, enum state_kind kind)
{
	return (id & ~3ULL) | (uint64_t)kind;
}

void state_gone(struct ear_presence *p, uint64_t id, enum state_kind kind)
{
	if (p->out.state)
		p->out.state(EAR_TRACK_PRESENCE, state_key(id, kind),
			(struct ear_slice){0}, p->out.arg);
}

/* --- fields ------------------------------------------------------------- */

/** Writes to out, or reads from in. */
struct io {
	struct ear_presence *p;
	struct ear_buf *out;
	struct ear_reader in;
};

static void io_u64(struct io *io, uint64_t *v)
{
	if (io->out)
		ear_buf_varint(io->out, *v);
	else
		*v = ear_read_varint(&io->in);
}

/* Hashes and times: as varints they would take more. */
static void io_wide(struct io *io, uint64_t *v)
{
	uint64_t be = htobe64(*v);

	if (io->out)
		ear_buf_add(io->out, &be, sizeof(be));
	else
		*v = ear_read_be64(&io->in);
}

#define IO_NUMBER(name, type)                         \
	static void io_##name(struct io *io, type *v) \
	{                                             \
		uint64_t wide = (uint64_t)*v;         \
                                                      \
		io_u64(io, &wide);                    \
		*v = (type)wide;                      \
	}
IO_NUMBER(u32, uint32_t)
IO_NUMBER(u16, uint16_t)
IO_NUMBER(u8, uint8_t)

static void io_i32(struct io *io, int32_t *v)
{
	uint32_t bits = (uint32_t)*v;

	io_u32(io, &bits);
	*v = (int32_t)bits;
}

static void io_text(struct io *io, struct ear_slice *text)
{
	uint64_t n = text->n;

	io_u64(io, &n);
	if (io->out)
		ear_buf_slice(io->out, *text);
	else
		*text = ear_read(&io->in, n < SIZE_MAX ? (size_t)n : SIZE_MAX);
}

static void io_name(struct io *io, uint32_t *name)
{
	struct ear_slice text = ear_names_text(&io->p->names, *name);

	io_text(io, &text);
	if (!io->out)
		*name = ear_names_take(
			&io->p->names, ear_slice_sub(text, 0, UINT16_MAX));
}

static void io_addr(struct io *io, struct ear_addr *addr)
{
	size_t bytes;
	struct ear_slice ip;

	io_u8(io, &addr->family);
	io_u16(io, &addr->port);
	bytes = addr->family == 4 ? 4 : addr->family == 6 ? 16 : 0;
	ip = ear_slice(addr->ip, bytes);
	if (io->out) {
		ear_buf_slice(io->out, ip);
		return;
	}
	ip = ear_read(&io->in, bytes);
	if (ip.n)
		memcpy(addr->ip, ip.p, ip.n);
	else
		addr->family = 0;
}

/* A block of texts by their lengths. */
static void io_block(struct io *io, char **block, size_t n)
{
	struct ear_slice text = ear_slice(*block, n);
	size_t bytes;

	io_text(io, &text);
	if (!io->out && text.n == n)
		*block = texts_copy(io->p, &text, 1, &bytes);
}

/* --- connections -------------------------------------------------------- */

static void io_conn(struct io *io, struct conn *c)
{
	uint8_t flags = (uint8_t)(c->inferred | c->joined << 1);

	io_wide(io, &c->cell.hash);
	io_wide(io, &c->id);
	io_wide(io, &c->at_ns);
	io_u64(io, &c->gen_ns);
	io_wide(io, &c->last_ns);
	io_u64(io, &c->holds_ns);
	io_u64(io, &c->closed_ns);
	io_addr(io, &c->client);
	io_name(io, &c->server);
	io_name(io, &c->node);
	io_name(io, &c->tls);
	io_name(io, &c->user);
	io_u32(io, &c->messages);
	io_u32(io, &c->told_s);
	io_u8(io, &c->transport);
	io_u8(io, &c->cause);
	io_u8(io, &c->by);
	io_u8(io, &flags);
	c->inferred = flags & 1;
	c->joined = flags >> 1 & 1;
	io_u16(io, &c->peers_n);
	io_u16(io, &c->peers_bytes);
	io_block(io, &c->peers, c->peers_bytes);
}

static void give(struct ear_presence *p, uint64_t id, enum state_kind kind,
	struct io *io, bool *saved)
{
	if (io->out->err)
		return;
	p->out.state(EAR_TRACK_PRESENCE, state_key(id, kind),
		ear_buf_view(io->out), p->out.arg);
	*saved = true;
}

static struct io writing(struct ear_presence *p)
{
	ear_buf_reset(&p->state);
	ear_buf_byte(&p->state, VERSION);
	return (struct io){.p = p, .out = &p->state};
}

void state_conn(struct ear_presence *p, struct conn *c)
{
	struct io io = writing(p);
	bool saved = c->saved;

	io_conn(&io, c);
	give(p, c->id, STATE_CONN, &io, &saved);
	c->saved = saved;
}

static void read_conn(struct ear_presence *p, struct io *io)
{
	struct conn c = {0};
	uint32_t h = 0;

	io_conn(io, &c);
	if (!io->in.err && c.id && (c.peers || !c.peers_bytes) &&
		p->conns.n < p->options.max_connections)
		h = ear_table_add(&p->conns, c.cell.hash);
	if (!h) {
		conn_free_texts(p, &c);
		return;
	}
	c.cell = conn_at(p, h)->cell;
	c.saved = true;
	*conn_at(p, h) = c;
	p->up += !c.closed_ns;
	if (!conn_schedule(p, h))
		conn_drop(p, h);
}

/* --- bindings ----------------------------------------------------------- */

static void io_binding(struct io *io, struct binding *b)
{
	uint8_t flags = (uint8_t)(b->trunk | b->dropped << 1 | b->back << 2);

	io_wide(io, &b->cell.hash);
	io_wide(io, &b->key);
	io_wide(io, &b->id);
	io_wide(io, &b->at_ns);
	io_wide(io, &b->refreshed_ns);
	io_wide(io, &b->expires_ns);
	io_wide(io, &b->due_ns);
	io_u64(io, &b->lost_ns);
	io_u64(io, &b->connection);
	io_addr(io, &b->remote);
	io_name(io, &b->local);
	io_name(io, &b->domain);
	io_name(io, &b->agent);
	io_name(io, &b->node);
	io_u32(io, &b->refreshes);
	io_u32(io, &b->interval_s);
	io_i32(io, &b->margin_s);
	io_u32(io, &b->cseq);
	io_u32(io, &b->call);
	io_u32(io, &b->registrar);
	io_u8(io, &b->transport);
	io_u8(io, &b->lost_cause);
	io_u8(io, &b->hops);
	io_u8(io, &flags);
	b->trunk = flags & 1;
	b->dropped = flags >> 1 & 1;
	b->back = flags >> 2 & 1;
	for (int i = 0; i < B_TEXTS; i++)
		io_u8(io, &b->len[i]);
	io_block(io, &b->text, binding_text_bytes(b));
}

void state_binding(struct ear_presence *p, struct binding *b)
{
	struct io io = writing(p);
	bool saved = b->saved;

	io_binding(&io, b);
	give(p, b->id, STATE_BINDING, &io, &saved);
	b->saved = saved;
}

static void read_binding(struct ear_presence *p, struct io *io)
{
	struct binding b = {0};
	uint32_t h = 0;

	io_binding(io, &b);
	if (!io->in.err && b.id && b.text &&
		p->bindings.n < p->options.max_bindings)
		h = ear_table_add(&p->bindings, b.cell.hash);
	if (!h) {
		binding_free_texts(p, &b);
		return;
	}
	b.cell = binding_at(p, h)->cell;
	b.saved = true;
	*binding_at(p, h) = b;
	p->dropped += b.dropped;
	if (!ear_wheel_set(&p->bindings_due, h, b.due_ns / EAR_SECOND_NS))
		binding_drop(p, h);
}

/* --- REGISTERs that wait ------------------------------------------------ */

static void io_pend(struct io *io, struct pend *w)
{
	uint8_t flags = (uint8_t)(w->auth | w->again << 1);

	io_wide(io, &w->cell.hash);
	io_wide(io, &w->at_ns);
	io_wide(io, &w->due_ns);
	io_wide(io, &w->call);
	io_u64(io, &w->connection);
	io_addr(io, &w->src);
	io_addr(io, &w->dst);
	io_addr(io, &w->path);
	io_name(io, &w->node);
	io_name(io, &w->held_reason);
	io_u32(io, &w->cseq);
	io_i32(io, &w->expires);
	io_u16(io, &w->held);
	io_u8(io, &w->transport);
	io_u8(io, &w->direction);
	io_u8(io, &w->hops);
	io_u8(io, &flags);
	w->auth = flags & 1;
	w->again = flags >> 1 & 1;
	for (int i = 0; i < P_TEXTS; i++)
		io_u16(io, &w->len[i]);
	io_block(io, &w->text, pend_text_bytes(w));
}

void state_pend(struct ear_presence *p, struct pend *w)
{
	struct io io = writing(p);
	bool saved = w->saved;

	io_pend(&io, w);
	give(p, w->cell.hash, STATE_PEND, &io, &saved);
	w->saved = saved;
}

static void read_pend(struct ear_presence *p, struct io *io)
{
	struct pend w = {0};
	uint32_t h = 0;

	io_pend(io, &w);
	if (!io->in.err && w.text)
		h = ear_table_add(&p->pends, w.cell.hash);
	if (!h) {
		pend_free_texts(p, &w);
		return;
	}
	w.cell = pend_at(p, h)->cell;
	w.saved = true;
	*pend_at(p, h) = w;
	if (!ear_wheel_set(&p->pends_due, h, w.due_ns / EAR_SECOND_NS))
		pend_drop(p, h);
}

/* --- all ---------------------------------------------------------------- */

/* The time, and what registrars' lists are worth: a few of them. */
static void io_own(struct io *io, struct ear_presence *p)
{
	uint64_t now_ns = p->now_ns, n = p->registrars_n;

	io_u64(io, &now_ns);
	if (now_ns > p->now_ns)
		p->now_ns = now_ns;
	io_u64(io, &n);
	for (size_t i = 0; i < n && i < REGISTRARS_MAX && !io->in.err; i++) {
		struct registrar *r = &p->registrars[i];
		uint8_t lists = r->lists;

		io_u32(io, &r->key);
		io_u8(io, &lists);
		io_u16(io, &r->back);
		io_u16(io, &r->away);
		r->lists = lists & 1;
		p->registrars_n = i + 1;
	}
}

void state_own(struct ear_presence *p)
{
	struct io io = writing(p);
	bool saved;

	io_own(&io, p);
	give(p, 0, STATE_OWN, &io, &saved);
}

void ear_presence_restore(
	struct ear_presence *p, uint64_t key, struct ear_slice state)
{
	struct io io = {.p = p, .in = ear_reader(state)};

	p->restored = true;
	if (key != STATE_OWN && (key & 3) == STATE_OWN) {
		done_restore(p, key, state);
		return;
	}
	if (ear_read_u8(&io.in) != VERSION)
		return;
	switch (key & 3) {
	case STATE_CONN: read_conn(p, &io); break;
	case STATE_BINDING: read_binding(p, &io); break;
	case STATE_PEND: read_pend(p, &io); break;
	default: io_own(&io, p);
	}
}

/** A connection by its id. */
struct id {
	struct ear_cell cell;
	uint32_t conn;
};

static uint32_t conn_by_id(const struct ear_table *ids, uint64_t id)
{
	uint32_t h = id && ids->n ? ear_table_first(ids, id) : 0;

	return h ? ((struct id *)ear_table_at(ids, h))->conn : 0;
}

/* States come in any order: what belongs together is joined at the end. */
void state_join(struct ear_presence *p)
{
	struct ear_table ids = {.bytes = sizeof(struct id)};

	p->restored = false;
	for (uint32_t h = 1; h <= p->conns.last; h++) {
		uint32_t i;

		if (!ear_table_has(&p->conns, h))
			continue;
		i = ear_table_add(&ids, conn_at(p, h)->id);
		if (i)
			((struct id *)ear_table_at(&ids, i))->conn = h;
	}
	for (uint32_t h = 1; h <= p->bindings.last; h++) {
		if (ear_table_has(&p->bindings, h) &&
			!binding_at(p, h)->dropped)
			binding_link(p, h,
				conn_by_id(&ids, binding_at(p, h)->connection));
	}
	for (uint32_t h = 1; h <= p->pends.last; h++) {
		if (ear_table_has(&p->pends, h))
			pend_at(p, h)->conn =
				conn_by_id(&ids, pend_at(p, h)->connection);
	}
	ear_table_fini(&ids);
}
