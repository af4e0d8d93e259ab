/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounts that registered over a connection, in the order they came: one
 * block of "bytes of user, bytes of account, user, account" each.
 */
#include <stdlib.h>

#include "track/presence_priv.h"

/* The next peer of a block. @return false after the last */
static bool next_peer(struct ear_slice *rest, struct ear_slice *user,
	struct ear_slice *account)
{
	size_t u, a;

	if (rest->n < 2)
		return false;
	u = (uint8_t)rest->p[0];
	a = (uint8_t)rest->p[1];
	*user = ear_slice_sub(*rest, 2, 2 + u);
	*account = ear_slice_sub(*rest, 2 + u, 2 + u + a);
	*rest = ear_slice_sub(*rest, 2 + u + a, rest->n);
	return true;
}

static bool has(const struct conn *c, struct ear_slice user)
{
	struct ear_slice rest = ear_slice(c->peers, c->peers_bytes), u, a;

	while (next_peer(&rest, &u, &a)) {
		if (ear_slice_eq(u, user))
			return true;
	}
	return false;
}

static void add(struct ear_presence *p, uint32_t h, struct ear_slice user,
	struct ear_slice account)
{
	struct conn *c = conn_at(p, h);
	char head[2];
	char *block;
	size_t n;

	user = ear_slice_sub(user, 0, TEXT_MAX);
	account = ear_slice_sub(account, 0, TEXT_MAX);
	n = 2 + user.n + account.n;
	if (has(c, user) || c->peers_n >= PEERS_MAX)
		return;
	block = realloc(c->peers, c->peers_bytes + n);
	if (!block)
		return;
	head[0] = (char)user.n;
	head[1] = (char)account.n;
	c->peers = block;
	block += c->peers_bytes;
	memcpy(block, head, 2);
	memcpy(block + 2, user.p, user.n);
	if (account.n)
		memcpy(block + 2 + user.n, account.p, account.n);
	c->peers_bytes = (uint16_t)(c->peers_bytes + n);
	c->peers_n++;
	p->text_bytes += n;
	row_conn_events(p, h);
	conn_changed(p, h, false);
}

/* Agents at both ends of a connection, or two taps, tell of it under their own
 * names: what is known by one holds for the others. */
void peers_add(struct ear_presence *p, uint32_t h, struct ear_slice user,
	struct ear_slice account)
{
	add(p, h, user, account);
	for (uint32_t other =
			ear_table_first(&p->conns, conn_at(p, h)->cell.hash);
		other; other = ear_table_next(&p->conns, other)) {
		if (other != h && !conn_at(p, other)->closed_ns)
			add(p, other, user, account);
	}
}

void peers_share(struct ear_presence *p, uint32_t h)
{
	struct conn *c = conn_at(p, h);
	struct ear_slice rest, user, account;

	if (c->peers_n)
		return;
	for (uint32_t other = ear_table_first(&p->conns, c->cell.hash); other;
		other = ear_table_next(&p->conns, other)) {
		const struct conn *twin = conn_at(p, other);

		if (other == h || twin->closed_ns)
			continue;
		rest = ear_slice(twin->peers, twin->peers_bytes);
		while (next_peer(&rest, &user, &account))
			add(p, h, user, account);
	}
}

static bool among(struct ear_slice list, struct ear_slice item)
{
	while (list.n) {
		size_t n = ear_slice_find(list, EAR_S(","));

		if (ear_slice_eq(ear_slice_sub(list, 0, n), item))
			return true;
		list = ear_slice_sub(list, n + 1, list.n);
	}
	return false;
}

static void join(struct ear_buf *out, struct ear_slice item)
{
	if (!item.n || among(ear_buf_view(out), item))
		return;
	if (out->n)
		ear_buf_byte(out, ',');
	ear_buf_slice(out, item);
}

void peers_text(struct ear_presence *p, const struct conn *c,
	struct ear_slice *users, struct ear_slice *accounts)
{
	struct ear_slice rest = ear_slice(c->peers, c->peers_bytes), u, a;

	ear_buf_reset(&p->text);
	ear_buf_reset(&p->text2);
	while (next_peer(&rest, &u, &a)) {
		join(&p->text, u);
		join(&p->text2, a);
	}
	*users = ear_buf_view(&p->text);
	*accounts = ear_buf_view(&p->text2);
}
