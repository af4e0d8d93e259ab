/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hep_zip.h"

#include <stdlib.h>
#include <zlib.h>

/* zlib's window codes: 15 bits, with +16 gzip, negative raw deflate. */
#define WINDOW_ZLIB 15
#define WINDOW_GZIP (15 + 16)
#define WINDOW_RAW (-15)

struct ear_hep_zip {
	z_stream z;
};

enum ear_err ear_hep_zip_new(struct ear_hep_zip **out)
{
	struct ear_hep_zip *zip = calloc(1, sizeof(*zip));

	*out = NULL;
	if (!zip)
		return EAR_NOMEM;
	if (inflateInit2(&zip->z, WINDOW_GZIP) != Z_OK) {
		free(zip);
		return EAR_NOMEM;
	}
	*out = zip;
	return EAR_OK;
}

void ear_hep_zip_free(struct ear_hep_zip **zip)
{
	if (!*zip)
		return;
	inflateEnd(&(*zip)->z);
	free(*zip);
	*zip = NULL;
}

static enum ear_err step(struct ear_hep_zip *zip, struct ear_slice in,
	char *out, size_t cap, size_t *used, size_t *n)
{
	z_stream *z = &zip->z;
	int rc;

	/* zlib wants pointers even where there are no bytes. */
	z->next_in = in.n ? (Bytef *)in.p : (Bytef *)"";
	z->avail_in = (uInt)(in.n > UINT32_MAX ? UINT32_MAX : in.n);
	z->next_out = (Bytef *)out;
	z->avail_out = (uInt)(cap > UINT32_MAX ? UINT32_MAX : cap);
	rc = inflate(z, Z_SYNC_FLUSH);
	*used = in.n - z->avail_in;
	*n = cap - z->avail_out;
	if (rc == Z_STREAM_END)
		return EAR_OK;
	return rc == Z_OK || rc == Z_BUF_ERROR ? EAR_MORE : EAR_BAD;
}

static enum ear_err run(struct ear_hep_zip *zip, int window,
	struct ear_slice in, char *out, size_t cap, size_t *used, size_t *n)
{
	enum ear_err err;

	*used = *n = 0;
	if (inflateReset2(&zip->z, window) != Z_OK)
		return EAR_NOMEM;
	err = step(zip, in, out, cap, used, n);
	return err == EAR_MORE && *n == cap ? EAR_LIMIT : err;
}

/* RFC 1950 s2.2: method 8, and the first two bytes divide by 31. */
static bool is_zlib(struct ear_slice in)
{
	return in.n >= 2 && (in.p[0] & 0x0f) == 8 &&
	       ((uint8_t)in.p[0] << 8 | (uint8_t)in.p[1]) % 31 == 0;
}

enum ear_err ear_hep_unzip(struct ear_hep_zip *zip, struct ear_slice in,
	char *out, size_t cap, size_t *used, size_t *n)
{
	if (ear_hep_is_gzip(in))
		return run(zip, WINDOW_GZIP, in, out, cap, used, n);
	if (is_zlib(in)) {
		enum ear_err err = run(zip, WINDOW_ZLIB, in, out, cap, used, n);

		/* Raw deflate may begin like zlib by chance. */
		if (err != EAR_BAD || *n)
			return err;
	}
	return run(zip, WINDOW_RAW, in, out, cap, used, n);
}

void ear_hep_gunzip_begin(struct ear_hep_zip *zip)
{
	/* Cannot fail: the window is one that zlib knows. */
	(void)inflateReset2(&zip->z, WINDOW_GZIP);
}

enum ear_err ear_hep_gunzip_feed(struct ear_hep_zip *zip, struct ear_slice in,
	char *out, size_t cap, size_t *used, size_t *n)
{
	return step(zip, in, out, cap, used, n);
}
