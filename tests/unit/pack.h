/* SPDX-License-Identifier: Apache-2.0 */
/** Compressed bytes, as senders of HEP make them. */
#ifndef EAR_TESTS_PACK_H
#define EAR_TESTS_PACK_H

#include "unit/table.h"

#include <zlib.h>

/** window as zlib names them: 15 zlib, 31 gzip, -15 raw. */
static inline struct ear_slice pack(
	int window, struct ear_slice in, char *out, size_t n)
{
	z_stream z = {.next_in = (Bytef *)in.p,
		.avail_in = (uInt)in.n,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)n};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return ear_slice(out, n - z.avail_out);
}

#endif
