/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Decompresses what HEP senders compress: chunk 0x0010 (OpenSIPS, captagent:
 * zlib or raw deflate, sometimes with stale bytes behind it) and whole packets
 * (heplify: gzip). The state is made once and reused; the output is the
 * caller's and bounded, so that a bomb costs no memory.
 */
#ifndef EAR_PROTO_HEP_ZIP_H
#define EAR_PROTO_HEP_ZIP_H

#include "base/err.h"
#include "base/slice.h"

struct ear_hep_zip;

/** Some 40 kB for zlib. @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_hep_zip_new(struct ear_hep_zip **zip);
void ear_hep_zip_free(struct ear_hep_zip **zip);

/** Whether bytes begin like a gzip member (RFC 1952 s2.3.1). */
static inline bool ear_hep_is_gzip(struct ear_slice in)
{
	return in.n >= 2 && in.p[0] == '\x1f' && in.p[1] == '\x8b';
}

/**
 * Decompress one run of gzip (RFC 1952), zlib (RFC 1950) or raw deflate
 * (RFC 1951), told apart by their first bytes.
 *
 * @param[in]  in   borrowed
 * @param[out] out  where to; cap bytes
 * @param[out] used bytes of in that belonged to it; the rest is trailing
 * @param[out] n    bytes written
 * @return EAR_OK; EAR_MORE when in ends before the run does, *n bytes are
 *         good; EAR_LIMIT when out is full, all of it good; EAR_BAD when it is
 *         none of them or damaged, *n bytes are good
 */
EAR_MUST_USE enum ear_err ear_hep_unzip(struct ear_hep_zip *zip,
	struct ear_slice in, char *out, size_t cap, size_t *used, size_t *n);

/**
 * The same for a gzip member that comes in pieces: begin, then feed until
 * EAR_OK says that the member has ended.
 */
void ear_hep_gunzip_begin(struct ear_hep_zip *zip);

/**
 * @param[out] used bytes of in consumed: less than in.n when out was filled
 *                  (call again with the rest) or the member ended
 * @param[out] n    bytes written to out
 * @return EAR_OK at the end of the member; EAR_MORE; EAR_BAD
 */
EAR_MUST_USE enum ear_err ear_hep_gunzip_feed(struct ear_hep_zip *zip,
	struct ear_slice in, char *out, size_t cap, size_t *used, size_t *n);

#endif
