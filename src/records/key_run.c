/* SPDX-License-Identifier: Apache-2.0 */
/* One run as it is written. */
#include "records/key_priv.h"

enum ear_err key_finish(struct ear_keys *k, unsigned i, struct ear_fault *fault)
{
	return ear_sql_run(k->st[i], k->path, fault);
}

void key_run_begin(
	struct ear_keys *k, struct key_run *r, struct ear_fault *fault)
{
	*r = (struct key_run){.keys = k, .fault = fault, .low_at = INT64_MAX};
	if (sqlite3_step(k->st[KEY_NEXT]) == SQLITE_ROW)
		r->run = ear_sql_u64(k->st[KEY_NEXT], 0);
	else
		r->err = ear_sql_fail(
			fault, k->db, sqlite3_extended_errcode(k->db), k->path);
	sqlite3_reset(k->st[KEY_NEXT]);
}

static void write_page(struct key_run *r)
{
	sqlite3_stmt *st = r->keys->st[KEY_PAGE];

	if (r->err || !r->page.n)
		return;
	ear_sql_bind(st, 1, (r->run << 20) + r->pages++);
	ear_sql_bind_blob(st, 2, ear_buf_view(&r->page));
	r->err = key_finish(r->keys, KEY_PAGE, r->fault);
	ear_buf_reset(&r->page);
}

void key_run_add(struct key_run *r, const struct ear_key_entry *e)
{
	/* its head and its row besides */
	if (r->page.n + e->key.n + 17 > EAR_KEY_PAGE)
		write_page(r);
	if (!r->page.n)
		ear_key_write(&r->fences, e, NULL);
	ear_key_write(&r->page, e, r->page.n ? &r->last : NULL);
	r->last = *e;
	if (e->key.n)
		memcpy(r->last_key, e->key.p, e->key.n);
	r->last.key.p = (const char *)r->last_key;
	r->n++;
	r->low_at = e->at < r->low_at ? e->at : r->low_at;
	r->high_at = e->at > r->high_at ? e->at : r->high_at;
}

enum ear_err key_run_end(struct key_run *r, enum ear_key_of of)
{
	sqlite3_stmt *st = r->keys->st[KEY_RUN];

	write_page(r);
	if (!r->err && (r->page.err || r->fences.err))
		r->err = ear_fail(r->fault, EAR_NOMEM, 0, "out of memory");
	if (!r->err && r->n) {
		const uint64_t v[] = {r->run, of, r->n, r->low_at, r->high_at};

		for (int i = 0; i < 5; i++)
			ear_sql_bind(st, i + 1, v[i]);
		ear_sql_bind_blob(st, 6, ear_buf_view(&r->fences));
		r->err = key_finish(r->keys, KEY_RUN, r->fault);
	}
	ear_buf_fini(&r->page);
	ear_buf_fini(&r->fences);
	return r->err;
}
