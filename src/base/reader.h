/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads numbers and runs of bytes from a hostile buffer. The first step that
 * would pass the end sets err and every later step gives zero or the empty
 * slice, so a run of reads is checked once.
 */
#ifndef EAR_BASE_READER_H
#define EAR_BASE_READER_H

#include "base/err.h"
#include "base/slice.h"

struct ear_reader {
	struct ear_slice in;
	size_t at;        /**< next byte */
	enum ear_err err; /**< EAR_MORE: cut short; EAR_BAD: bad varint */
};

static inline struct ear_reader ear_reader(struct ear_slice in)
{
	return (struct ear_reader){.in = in};
}

static inline size_t ear_reader_left(const struct ear_reader *r)
{
	return r->err ? 0 : r->in.n - r->at;
}

/** The next n bytes; the empty slice and EAR_MORE when there are fewer. */
static inline struct ear_slice ear_read(struct ear_reader *r, size_t n)
{
	struct ear_slice s = {0};

	if (r->err || n > r->in.n - r->at) {
		if (!r->err)
			r->err = EAR_MORE;
		return s;
	}
	s = ear_slice(r->in.p + r->at, n);
	r->at += n;
	return s;
}

uint8_t ear_read_u8(struct ear_reader *r);
uint16_t ear_read_be16(struct ear_reader *r);
uint32_t ear_read_be32(struct ear_reader *r);
uint64_t ear_read_be64(struct ear_reader *r);
uint16_t ear_read_le16(struct ear_reader *r);
uint32_t ear_read_le32(struct ear_reader *r);
/** Unsigned LEB128; EAR_BAD when longer than 10 bytes or above 64 bits. */
uint64_t ear_read_varint(struct ear_reader *r);

#endif
