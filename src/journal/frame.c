/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/hash.h"
#include "journal/journal_priv.h"

/*
 * The sum covers the fields before it through the seed, so that it need not
 * be blanked to check it.
 */
static uint64_t frame_sum(const char *p, size_t bytes)
{
	uint64_t seed =
		ear_hash(ear_slice(p, offsetof(struct frame_head, sum)));

	return ear_hash_seed(ear_slice(p + EAR_FRAME_HEAD, bytes), seed);
}

void frame_seal(
	char *buf, size_t n, uint32_t records, uint32_t salt, uint64_t sequence)
{
	struct frame_head h = {
		.magic = {'E', 'A', 'R', 'J'},
		.bytes = (uint32_t)(n - EAR_FRAME_HEAD),
		.records = records,
		.salt = salt,
		.sequence = sequence,
	};

	memcpy(buf, &h, sizeof(h));
	h.sum = frame_sum(buf, h.bytes);
	memcpy(buf, &h, sizeof(h));
}

bool frame_head_fits(const struct frame_head *h, uint64_t left)
{
	return memcmp(h->magic, "EARJ", 4) == 0 &&
	       h->bytes <= EAR_FRAME_MAX - EAR_FRAME_HEAD &&
	       h->bytes + (uint64_t)EAR_FRAME_HEAD <= left && h->sequence != 0;
}

bool frame_sound(const char *p, const struct frame_head *h)
{
	return frame_sum(p, h->bytes) == h->sum;
}

bool ear_frame_next(const struct ear_frame *frame, size_t *at,
	struct ear_record *record, struct ear_slice *bytes)
{
	size_t left, padded;

	if (*at > frame->n || frame->n - *at < sizeof(*record))
		return false;
	memcpy(record, frame->p + *at, sizeof(*record));
	left = frame->n - *at - sizeof(*record);
	if (record->bytes > left)
		return false;
	*bytes = ear_slice(frame->p + *at + sizeof(*record), record->bytes);
	padded = ((size_t)record->bytes + 7) & ~(size_t)7;
	*at += sizeof(*record) + (padded < left ? padded : left);
	return true;
}
