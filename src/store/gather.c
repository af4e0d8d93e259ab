/* SPDX-License-Identifier: Apache-2.0 */
/* Writing blocks: those of a batch, and those of small batches once more. */
#include <stdlib.h>

#include "store/writer_priv.h"

#define RADIX_BITS 10
#define RADIX_PASSES 5
_Static_assert(
	UINT64_C(1) << (RADIX_BITS * RADIX_PASSES) >= EAR_KEY_END, "all");

/*
 * Sort by key; what has the same stays in its order, which is that of the
 * blocks. An odd number of passes: the result is in to.
 */
static void sort_refs(
	struct ear_key_ref *from, struct ear_key_ref *to, size_t n)
{
	for (unsigned pass = 0; pass < RADIX_PASSES; pass++) {
		size_t start[(1u << RADIX_BITS) + 1] = {0};
		unsigned shift = pass * RADIX_BITS;
		struct ear_key_ref *t = from;

#define DIGIT(r) ((r).key >> shift & ((1u << RADIX_BITS) - 1))
		for (size_t i = 0; i < n; i++)
			start[DIGIT(from[i]) + 1]++;
		for (size_t i = 0; i < 1u << RADIX_BITS; i++)
			start[i + 1] += start[i];
		for (size_t i = 0; i < n; i++)
			to[start[DIGIT(from[i])]++] = from[i];
#undef DIGIT
		from = to;
		to = t;
	}
}

static enum ear_err add_run(
	struct ear_segment *s, struct ear_batch *b, struct ear_fault *fault)
{
	struct ear_key_ref *refs;
	size_t n = 0, to = 0;
	enum ear_err err;

	for (uint32_t i = 0; i < b->pieces; i++)
		n += b->packed[i].key_n;
	/* twice: sorting takes as much again */
	refs = malloc((2 * n + 1) * sizeof(*refs));
	if (!refs)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < b->pieces; i++) {
		const struct ear_packed *p = &b->packed[i];

		for (size_t k = 0; k < p->key_n; k++)
			refs[to++] =
				(struct ear_key_ref){p->keys[k], p->head.id};
	}
	sort_refs(refs, refs + n, n);
	err = ear_segment_add_run(s, b->level, 0, refs + n, n, fault);
	free(refs);
	return err;
}

enum ear_err writer_add(struct ear_segment *s, struct ear_batch *b,
	uint32_t seq_base, struct ear_fault *fault)
{
	enum ear_err err = b->err;

	if (err)
		return ear_fail(fault, err, 0, "out of memory");
	for (uint32_t i = 0; !err && i < b->pieces; i++)
		err = ear_segment_add(
			s, &b->packed[i], b->level, seq_base, fault);
	return !err && b->pieces ? add_run(s, b, fault) : err;
}

/* Pack and add what was gathered so far, empty the batch. */
static enum ear_err settle_batch(struct ear_segment *s, struct ear_batch *b,
	struct ear_packer *packer, uint32_t level, struct ear_fault *fault)
{
	enum ear_err err = ear_batch_arrange(b);

	b->level = level;
	for (uint32_t i = 0; !err && i < b->pieces; i++)
		err = ear_batch_pack(b, i, packer);
	if (err)
		ear_fail(fault, err, 0, "out of memory");
	else
		err = writer_add(s, b, 0, fault);
	ear_batch_reset(b);
	return err;
}

/* Put the rows of an opened block into the batch; hand it on when full. */
static enum ear_err move_rows(struct ear_segment *s, struct ear_batch *b,
	struct ear_packer *packer, const struct ear_block *block,
	uint32_t seq_base, uint32_t level, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < block->rows; i++) {
		struct ear_facts known, facts;
		struct ear_msg msg;
		uint32_t seq;

		ear_block_msg(block, i, &msg);
		ear_block_facts(block, i, &known);
		seq = seq_base + (uint32_t)msg.id;
		ear_block_refind(&known, &msg, &facts);
		err = ear_batch_add(b, &msg, &facts, seq);
		if (err != EAR_FULL)
			continue;
		err = settle_batch(s, b, packer, level, fault);
		if (!err)
			err = ear_batch_add(b, &msg, &facts, seq);
	}
	return err;
}

static enum ear_err list_blocks(struct ear_segment *s, uint32_t level,
	struct ear_ids *ids, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(s->db,
		"SELECT id FROM block WHERE level<=? ORDER BY id", -1, &st,
		NULL);
	if (!rc)
		ear_sql_bind(st, 1, level);
	while (!rc && !err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		err = ear_ids_add(ids, ear_sql_u64(st, 0));
		rc = 0;
	}
	if (!err && rc != SQLITE_DONE)
		err = ear_sql_fail(fault, s->db, rc, s->path);
	sqlite3_finalize(st);
	return err;
}

static enum ear_err move_block(struct ear_segment *s, sqlite3_stmt *st,
	uint64_t id, struct ear_batch *b, struct ear_packer *packer,
	struct ear_block *block, uint32_t level, struct ear_fault *fault)
{
	enum ear_err err;

	ear_sql_bind(st, 1, id);
	if (sqlite3_step(st) != SQLITE_ROW)
		return ear_fail(
			fault, EAR_BAD, 0, "%s: a block is missing", s->path);
	err = ear_block_open(block, ear_sql_blob(st, 1));
	if (!err)
		err = ear_block_open_raw(block, ear_sql_blob(st, 2));
	if (err)
		ear_fail(fault, err, 0, "%s: a damaged block", s->path);
	else
		err = move_rows(s, b, packer, block,
			(uint32_t)ear_sql_u64(st, 0), level, fault);
	sqlite3_reset(st);
	return err;
}

enum ear_err writer_gather(struct ear_segment *s, struct ear_packer *packer,
	uint32_t level, struct ear_fault *fault)
{
	struct ear_batch *b = ear_batch_new();
	struct ear_block block = {0};
	struct ear_ids ids = {0};
	sqlite3_stmt *st = NULL;
	enum ear_err err;

	err = b ? list_blocks(s, level, &ids, fault)
		: ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!err && sqlite3_prepare_v2(s->db,
			    "SELECT seq_base, facts, raw FROM block JOIN body"
			    " USING(id) WHERE id=?",
			    -1, &st, NULL))
		err = ear_sql_fail(
			fault, s->db, sqlite3_extended_errcode(s->db), s->path);
	for (size_t i = 0; !err && i < ids.n; i++)
		err = move_block(
			s, st, ids.v[i], b, packer, &block, level + 1, fault);
	sqlite3_finalize(st);
	/* first away with the old ones: totals count each message once */
	if (!err)
		err = ear_segment_drop(s, level, fault);
	if (!err && b->n)
		err = settle_batch(s, b, packer, level + 1, fault);
	ear_block_fini(&block);
	ear_ids_fini(&ids);
	ear_batch_free(&b);
	return err;
}

enum ear_err writer_settle(struct ear_segment *s, struct ear_packer *packer,
	struct ear_fault *fault)
{
	struct ear_ids runs = {0};
	enum ear_err err = ear_segment_begin(s, fault);

	if (err)
		return err;
	err = writer_gather(s, packer, EAR_GATHERED, fault);
	if (!err)
		err = ear_segment_runs(
			s, EAR_SETTLED, UINT32_MAX, &runs, fault);
	if (!err && runs.n > 1)
		err = ear_segment_merge(s, &runs, EAR_SETTLED, 0, fault);
	ear_ids_fini(&runs);
	s->total.sealed = 1;
	if (!err)
		return ear_segment_commit(s, fault);
	ear_segment_rollback(s);
	return err;
}
