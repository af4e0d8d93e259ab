/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pages.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/varint.h"

enum ear_err ear_ids_add(struct ear_ids *ids, uint64_t id)
{
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 64;
		uint64_t *v = realloc(ids->v, cap * sizeof(*v));

		if (!v)
			return EAR_NOMEM;
		ids->v = v;
		ids->cap = cap;
	}
	ids->v[ids->n++] = id;
	return EAR_OK;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void ear_ids_sort(struct ear_ids *ids)
{
	size_t to = 0;

	if (!ids->n)
		return;
	for (size_t i = 1; i < ids->n; i++) {
		if (ids->v[i] <= ids->v[i - 1]) {
			qsort(ids->v, ids->n, sizeof(*ids->v), by_number);
			break;
		}
	}
	for (size_t i = 1; i < ids->n; i++) {
		if (ids->v[i] != ids->v[to])
			ids->v[++to] = ids->v[i];
	}
	ids->n = to + 1;
}

void ear_ids_fini(struct ear_ids *ids)
{
	free(ids->v);
	*ids = (struct ear_ids){0};
}

static uint32_t sum_of(uint64_t first, struct ear_slice rest)
{
	return (uint32_t)ear_hash_seed(rest, first + 1);
}

static enum ear_err flush(struct ear_page_writer *w, uint64_t next)
{
	uint32_t sum;
	uint8_t le[4] = {0};

	ear_buf_reset(&w->page);
	ear_buf_add(&w->page, le, 4);
	ear_buf_varint(&w->page, next);
	ear_buf_slice(&w->page, ear_buf_view(&w->entries));
	if (w->page.err || w->entries.err)
		return EAR_NOMEM;
	sum = sum_of(w->first, ear_slice(w->page.p + 4, w->page.n - 4));
	for (size_t i = 0; i < 4; i++)
		w->page.p[i] = (char)(sum >> 8 * i);
	ear_buf_reset(&w->entries);
	return w->emit(w->first, ear_buf_view(&w->page), w->arg);
}

enum ear_err ear_pages_add(struct ear_page_writer *w, uint64_t key,
	const uint64_t *blocks, size_t n)
{
	uint64_t before = 0;
	char *room;
	uint8_t *to;

	if (w->entries.n >= EAR_PAGE_BYTES) {
		enum ear_err err = flush(w, key);

		if (err)
			return err;
		w->first = w->before = key;
	}
	room = ear_buf_reserve(&w->entries, (n + 2) * EAR_VARINT_MAX);
	if (!room)
		return EAR_NOMEM;
	to = ear_varint_put((uint8_t *)room, key - w->before);
	to = ear_varint_put(to, n);
	for (size_t i = 0; i < n; i++) {
		to = ear_varint_put(to, blocks[i] - before);
		before = blocks[i];
	}
	w->entries.n += (size_t)((char *)to - room);
	w->before = key;
	return EAR_OK;
}

enum ear_err ear_pages_end(struct ear_page_writer *w)
{
	enum ear_err err = flush(w, EAR_KEY_END);

	ear_buf_fini(&w->entries);
	ear_buf_fini(&w->page);
	return err;
}

enum ear_err ear_page_open(
	struct ear_page *page, uint64_t first, struct ear_slice bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	uint32_t sum = 0;

	if (bytes.n < 5)
		return EAR_BAD;
	for (size_t i = 0; i < 4; i++)
		sum |= (uint32_t)p[i] << 8 * i;
	if (sum != sum_of(first, ear_slice(p + 4, bytes.n - 4)))
		return EAR_BAD;
	page->end = p + bytes.n;
	page->p = ear_varint_get(p + 4, page->end, &page->next);
	page->first = page->key = first;
	return page->p ? EAR_OK : EAR_BAD;
}

enum ear_err ear_page_next(struct ear_page *page, struct ear_ids *ids)
{
	uint64_t step, n, block = 0;

	if (page->p == page->end)
		return EAR_GONE;
	page->p = ear_varint_get(page->p, page->end, &step);
	if (page->p)
		page->p = ear_varint_get(page->p, page->end, &n);
	if (!page->p || n > (size_t)(page->end - page->p))
		return EAR_BAD;
	page->key += step;
	for (uint64_t i = 0; i < n; i++) {
		enum ear_err err;

		page->p = ear_varint_get(page->p, page->end, &step);
		if (!page->p)
			return EAR_BAD;
		block += step;
		err = ids ? ear_ids_add(ids, block) : EAR_OK;
		if (err)
			return err;
	}
	return EAR_OK;
}
