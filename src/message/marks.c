/* SPDX-License-Identifier: Apache-2.0 */
#include "message/marks.h"

#include "proto/hep_write.h"

void ear_mark_add(struct ear_mark_list *list, struct ear_slice text)
{
	text = ear_slice_sub(text, 0, EAR_MARK_TEXT);
	for (size_t i = 0; i < list->n; i++) {
		if (ear_slice_eq(list->item[i], text))
			return;
	}
	if (list->n == EAR_MARKS_MAX)
		list->left_out++;
	else
		list->item[list->n++] = text;
}

/* The next chunk; of an empty extra not even its pointer is looked at. */
static bool next_chunk(struct ear_hep_walk *walk, struct ear_hep_piece *piece)
{
	return walk->in.n && ear_hep_next(walk, piece);
}

/* The list that a chunk belongs to; NULL: it is no mark. */
static struct ear_mark_list *list_of(
	struct ear_marks *marks, const struct ear_hep_piece *piece)
{
	switch (ear_hep_chunk_of(piece->vendor, piece->type)) {
	case EAR_HEP_TRACED_USER: return &marks->users;
	case EAR_HEP_TRACE: return &marks->traces;
	case EAR_HEP_TABLE: return &marks->tables;
	default: return NULL;
	}
}

void ear_marks_read(struct ear_slice extra, struct ear_marks *marks)
{
	struct ear_hep_walk walk = {.in = extra};
	struct ear_hep_piece piece;
	struct ear_mark_list *list;

	/* not the items, which nobody reads beyond n */
	marks->users.n = marks->users.left_out = 0;
	marks->traces.n = marks->traces.left_out = 0;
	marks->tables.n = marks->tables.left_out = 0;
	while (next_chunk(&walk, &piece)) {
		list = list_of(marks, &piece);
		if (list)
			ear_mark_add(list, piece.value);
	}
}

void ear_marks_strip(struct ear_slice extra, bool all, struct ear_buf *out)
{
	struct ear_hep_walk walk = {.in = extra};
	struct ear_hep_piece piece;

	while (next_chunk(&walk, &piece)) {
		enum ear_hep_chunk chunk =
			ear_hep_chunk_of(piece.vendor, piece.type);
		bool drop = chunk == EAR_HEP_TABLE ||
			    (all && (chunk == EAR_HEP_TRACED_USER ||
					    chunk == EAR_HEP_TRACE));

		if (!drop)
			ear_buf_slice(out, piece.whole);
	}
	/* what is no chunk is evidence too */
	ear_buf_slice(out, ear_slice_sub(extra, walk.at, extra.n));
}

static void write_list(const struct ear_mark_list *list,
	enum ear_hep_chunk chunk, struct ear_buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		ear_hep_write_chunk(out, chunk, list->item[i]);
}

void ear_marks_write(const struct ear_marks *marks, struct ear_buf *out)
{
	write_list(&marks->users, EAR_HEP_TRACED_USER, out);
	write_list(&marks->traces, EAR_HEP_TRACE, out);
	write_list(&marks->tables, EAR_HEP_TABLE, out);
}
