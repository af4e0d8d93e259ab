/* SPDX-License-Identifier: Apache-2.0 */
#include "track/names.h"

#include <stdlib.h>

#include "base/hash.h"

struct name {
	struct ear_cell cell;
	char *p; /* owned */
	uint32_t n;
	uint32_t refs;
};

void ear_names_init(struct ear_names *names)
{
	*names = (struct ear_names){.table.bytes = sizeof(struct name)};
}

void ear_names_fini(struct ear_names *names)
{
	for (uint32_t h = 1; h <= names->table.last; h++) {
		if (ear_table_has(&names->table, h))
			free(((struct name *)ear_table_at(&names->table, h))
					->p);
	}
	ear_table_fini(&names->table);
}

uint32_t ear_names_take(struct ear_names *names, struct ear_slice text)
{
	uint64_t hash;
	uint32_t h;
	struct name *name;

	if (!text.n || text.n > UINT32_MAX)
		return 0;
	/* never written, so no two texts can be made to share it */
	hash = ear_hash_seed(text, ear_hash_secret());
	for (h = ear_table_first(&names->table, hash); h;
		h = ear_table_next(&names->table, h)) {
		name = ear_table_at(&names->table, h);
		if (name->n != text.n || memcmp(name->p, text.p, text.n) != 0 ||
			name->refs == UINT32_MAX)
			continue;
		name->refs++;
		return h;
	}
	h = ear_table_add(&names->table, hash);
	if (!h)
		return 0;
	name = ear_table_at(&names->table, h);
	name->p = malloc(text.n);
	if (!name->p) {
		ear_table_del(&names->table, h);
		return 0;
	}
	memcpy(name->p, text.p, text.n);
	name->n = (uint32_t)text.n;
	name->refs = 1;
	names->text_bytes += text.n;
	return h;
}

void ear_names_drop(struct ear_names *names, uint32_t h)
{
	struct name *name;

	if (!h)
		return;
	name = ear_table_at(&names->table, h);
	if (--name->refs)
		return;
	names->text_bytes -= name->n;
	free(name->p);
	ear_table_del(&names->table, h);
}

struct ear_slice ear_names_text(const struct ear_names *names, uint32_t h)
{
	const struct name *name;

	if (!h)
		return (struct ear_slice){0};
	name = ear_table_at(&names->table, h);
	return ear_slice(name->p, name->n);
}

size_t ear_names_bytes(const struct ear_names *names)
{
	return ear_table_bytes(&names->table) + names->text_bytes;
}
