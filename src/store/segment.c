/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and writing segments share: checksums of rows. */
#include "store/segment.h"

#include "base/hash.h"
#include "store/varint.h"

/* Only 32 bits: the column stays small and positive. */
static uint64_t sum(const uint64_t *v, size_t n)
{
	return ear_hash(ear_slice(v, n * sizeof(*v))) & 0xffffffff;
}

uint64_t ear_total_sum(const struct ear_total *total)
{
	return sum((const uint64_t *)total, EAR_TOTAL_FIELDS);
}

uint64_t ear_head_sum(const struct ear_block_head *h)
{
	uint64_t v[10 + EAR_CLASSES] = {h->id, h->first_at, h->last_at,
		h->raw_bytes, h->rows, h->malformed, h->seq_base, h->first_seq,
		h->last_seq, h->level};

	for (size_t i = 0; i < EAR_CLASSES; i++)
		v[10 + i] = h->classes[i];
	return sum(v, 10 + EAR_CLASSES);
}

void ear_classes_write(const struct ear_block_head *head, struct ear_buf *out)
{
	ear_buf_reset(out);
	for (size_t i = 0; i < EAR_CLASSES; i++)
		ear_buf_varint(out, head->classes[i]);
}
