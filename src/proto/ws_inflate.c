/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ws_inflate.h"

#include <stdlib.h>
#include <zlib.h>

/* Raw DEFLATE with the largest window. */
#define WINDOW_BITS (-15)
#define WINDOW_BYTES (32u << 10)
#define STEP_BYTES 4096
/* Last blocks in one message: real ones have one at most, and each makes us
 * move the window. */
#define LASTS_MAX 16

struct ear_ws_inflate {
	z_stream z;
	uint8_t window[WINDOW_BYTES]; /* for a moment, between two streams */
};

enum ear_err ear_ws_inflate_new(struct ear_ws_inflate **inflate)
{
	struct ear_ws_inflate *f = calloc(1, sizeof(*f));

	*inflate = NULL;
	if (!f)
		return EAR_NOMEM;
	if (inflateInit2(&f->z, WINDOW_BITS) != Z_OK) {
		free(f);
		return EAR_NOMEM;
	}
	*inflate = f;
	return EAR_OK;
}

void ear_ws_inflate_free(struct ear_ws_inflate **inflate)
{
	if (!*inflate)
		return;
	inflateEnd(&(*inflate)->z);
	free(*inflate);
	*inflate = NULL;
}

/* A block that says it is the last (BFINAL) ends zlib's stream, not the
 * connection's: what it knew is taken along (RFC 7692 s7.2.3.5). */
static bool go_on(struct ear_ws_inflate *f)
{
	uInt n = WINDOW_BYTES;

	return inflateGetDictionary(&f->z, f->window, &n) == Z_OK &&
	       inflateReset(&f->z) == Z_OK &&
	       (!n || inflateSetDictionary(&f->z, f->window, n) == Z_OK);
}

static enum ear_err put(
	struct ear_ws_inflate *f, struct ear_slice in, struct ear_buf *out)
{
	int lasts = 0;

	f->z.next_in = (Bytef *)in.p;
	f->z.avail_in = (uInt)in.n;
	for (;;) {
		char *to = ear_buf_reserve(out, STEP_BYTES);
		int got;

		if (!to)
			return out->err;
		f->z.next_out = (Bytef *)to;
		f->z.avail_out = STEP_BYTES;
		got = inflate(&f->z, Z_SYNC_FLUSH);
		out->n += STEP_BYTES - f->z.avail_out;
		if (got == Z_STREAM_END && ++lasts > LASTS_MAX)
			return EAR_BAD;
		if (got == Z_STREAM_END && !go_on(f))
			return EAR_NOMEM;
		if (got == Z_STREAM_END && f->z.avail_in)
			continue;
		if (got == Z_MEM_ERROR)
			return EAR_NOMEM;
		if (got != Z_OK && got != Z_BUF_ERROR && got != Z_STREAM_END)
			return EAR_BAD;
		if (f->z.avail_out)
			return f->z.avail_in ? EAR_BAD : EAR_OK;
	}
}

enum ear_err ear_ws_inflate(
	struct ear_ws_inflate *f, struct ear_slice in, struct ear_buf *out)
{
	enum ear_err err;

	if (in.n > UINT32_MAX)
		return EAR_LIMIT;
	/* The sender cuts the empty block off that ends each message. */
	err = in.n ? put(f, in, out) : EAR_OK;
	if (!err)
		err = put(f, EAR_S("\0\0\xff\xff"), out);
	if (err)
		(void)inflateReset(&f->z); /* the next may stand for itself */
	return err;
}
