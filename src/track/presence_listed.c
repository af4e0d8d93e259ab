/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 2xx to a REGISTER lists all bindings of its address of record (RFC 3261
 * s10.3 step 8), so that one which it does not list is gone: a registrar that
 * keeps one contact for each user dropped it for the next, or somebody deleted
 * it. Mind what else may leave one out:
 *
 *  - a registrar that lists nothing but what this REGISTER asked for;
 *  - another registrar, with other bindings;
 *  - a session border controller, which shows contacts under other addresses.
 *
 * So only a registrar is asked about a binding that granted it, and only a
 * list where all is known: this REGISTER's own contact stands in it, and no
 * contact of which we cannot tell whose it is. Beyond that, whether it ends
 * depends on what this registrar's lists were worth before.
 */
#include "track/presence_register.h"

void listing_read(const struct head *head, struct listing *listing)
{
	struct ear_slice list = head->contacts;
	struct contact c;

	listing->n = 0;
	listing->placed = false;
	while (listing->n < LISTED_MAX && contact_next(&list, &c))
		listing->v[listing->n++] =
			(struct listed){.exact = ear_hash(c.spec),
				.spec = c.spec,
				.expires = c.expires};
	listing->whole = head->whole && !list.n;
}

struct listed *listing_find(
	struct listing *listing, struct ear_slice spec, uint64_t exact)
{
	uint64_t place;

	for (size_t i = 0; i < listing->n; i++) {
		if (listing->v[i].exact == exact)
			return &listing->v[i];
	}
	if (!listing->n)
		return NULL;
	for (size_t i = 0; !listing->placed && i < listing->n; i++)
		listing->v[i].place = contact_place(listing->v[i].spec);
	listing->placed = true;
	place = contact_place(spec);
	for (size_t i = 0; i < listing->n; i++) {
		if (listing->v[i].place == place)
			return &listing->v[i];
	}
	return NULL;
}

static struct listed *listed_as(
	struct listing *listing, const struct binding *b)
{
	struct ear_slice contact = binding_text(b, B_CONTACT);

	return listing_find(listing, contact, ear_hash(contact));
}

/* A contact that was cut when it was kept may be any. */
static bool is_cut(const struct binding *b)
{
	return b->len[B_CONTACT] == TEXT_MAX;
}

/** What a list says. */
struct said {
	bool own;       /* it has a contact of this REGISTER */
	bool others;    /* and one of another, which we know */
	bool strangers; /* and one that we do not */
};

static struct said look(struct ear_presence *p, uint64_t aor, struct listing *l)
{
	struct said said = {0};

	for (uint32_t h = ear_table_first(&p->bindings, aor); h;
		h = ear_table_next(&p->bindings, h)) {
		const struct binding *b = binding_at(p, h);
		struct listed *found =
			b->dropped || is_cut(b) ? NULL : listed_as(l, b);

		if (found)
			found->held = true;
	}
	for (size_t i = 0; i < l->n; i++) {
		const struct listed *v = &l->v[i];

		said.own |= v->own;
		said.others |= v->held && !v->own && v->expires;
		said.strangers |= !v->held && !v->own && v->expires;
	}
	return said;
}

/* The same phone, which has another contact now. */
static bool same_phone(const struct binding *b, const struct bind *how)
{
	return how->instance.n &&
	       ear_slice_eq(binding_text(b, B_INSTANCE),
		       ear_slice_sub(how->instance, 0, TEXT_MAX));
}

/*
 * A registrar that is not known drops a binding when it takes another instead,
 * not when it refreshes one; then there must be another reason to think so.
 */
static bool is_dropped(const struct ear_presence *p, const struct binding *b,
	const struct bind *how, const struct said *said, bool begun)
{
	if (b->registrar != how->registrar ||
		b->refreshed_ns >= how->w->at_ns || b->expires_ns <= how->at_ns)
		return false;
	switch (registrar_lists(p, b->registrar)) {
	case LISTS_ALL: return true;
	case LISTS_MAYBE:
		return !said->strangers && !b->back &&
		       (begun || b->lost_ns || same_phone(b, how));
	default: return false;
	}
}

void listing_apply(struct ear_presence *p, const struct bind *how,
	struct listing *listing, bool begun)
{
	uint32_t h = ear_table_first(&p->bindings, how->w->aor), next;
	struct said said;

	/* The usual case: there is no other. */
	if (!h || !ear_table_next(&p->bindings, h))
		return;
	said = look(p, how->w->aor, listing);
	if (said.own && said.others)
		registrar_listed(p, how->registrar);
	if (!said.own || !listing->whole)
		return;
	for (; h; h = next) {
		const struct binding *b = binding_at(p, h);

		next = ear_table_next(&p->bindings, h);
		if (!b->dropped && !is_cut(b) && !listed_as(listing, b) &&
			is_dropped(p, b, how, &said, begun))
			binding_dropped(p, h, how->at_ns);
	}
}
