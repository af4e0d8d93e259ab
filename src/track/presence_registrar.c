/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a registrar's 200s list all bindings that it holds, as they should,
 * or only what they answer: learned from what it lists, and from bindings that
 * it did not list and that went on all the same. One registrar is who answers
 * for one domain.
 */
#include "track/presence_register.h"

/* So many came back, and more than stayed away: it lists its own only. Two
 * phones that fight for one account look like that too. */
#define BACK_MIN 3

uint32_t registrar_of(const struct ear_msg *reply, struct ear_slice domain)
{
	struct ear_addr from = reply->src;
	uint64_t v[2];

	if (reply->flags & EAR_MSG_RELAY)
		from = (struct ear_addr){0};
	v[0] = ear_hash(ear_slice(from.ip, sizeof(from.ip)));
	v[1] = ear_hash_lower(domain);
	return (uint32_t)(hash_of(v, 2) >> 32) | 1;
}

static const struct registrar *known(const struct ear_presence *p, uint32_t key)
{
	for (size_t i = 0; i < p->registrars_n; i++) {
		if (p->registrars[i].key == key)
			return &p->registrars[i];
	}
	return NULL;
}

static struct registrar *learn(struct ear_presence *p, uint32_t key)
{
	const struct registrar *r = known(p, key);
	size_t at = r ? (size_t)(r - p->registrars) : p->registrars_n;

	if (r)
		return &p->registrars[at];
	if (at == REGISTRARS_MAX)
		at = p->registrars_hand++ % REGISTRARS_MAX;
	else
		p->registrars_n++;
	p->registrars[at] = (struct registrar){.key = key};
	return &p->registrars[at];
}

enum lists registrar_lists(const struct ear_presence *p, uint32_t key)
{
	const struct registrar *r = known(p, key);

	if (r && r->lists)
		return LISTS_ALL;
	return r && r->back >= BACK_MIN && r->back > r->away ? LISTS_OWN
							     : LISTS_MAYBE;
}

void registrar_listed(struct ear_presence *p, uint32_t key)
{
	learn(p, key)->lists = true;
}

/* Both are halved when one is full, so that the later counts. */
static void count(struct registrar *r, uint16_t *which)
{
	if (++*which == UINT16_MAX) {
		r->back /= 2;
		r->away /= 2;
	}
}

void registrar_back(struct ear_presence *p, uint32_t key)
{
	struct registrar *r = learn(p, key);

	count(r, &r->back);
}

void registrar_away(struct ear_presence *p, uint32_t key)
{
	struct registrar *r = learn(p, key);

	count(r, &r->away);
}
