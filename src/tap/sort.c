/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/sort.h"

#include "proto/hep.h"
#include "proto/hep_zip.h"
#include "proto/sip_frame.h"

static bool only_blanks(struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
			return false;
	}
	return true;
}

/*
 * STUN: two zero bits, a length that fits, the magic cookie (RFC 8489 s5); or
 * without a cookie (RFC 3489) one of the three types of a binding.
 */
static bool is_stun(struct ear_slice s)
{
	const uint8_t *b = (const uint8_t *)s.p;
	unsigned type;

	if (s.n < 20 || (b[0] & 0xc0) || (size_t)(b[2] << 8 | b[3]) != s.n - 20)
		return false;
	type = (unsigned)(b[0] << 8 | b[1]);
	return !memcmp(b + 4, "\x21\x12\xa4\x42", 4) || type == 0x0001 ||
	       type == 0x0101 || type == 0x0111;
}

/* Version 2; RTCP has packet types 192 to 223 (RFC 5761 s4). */
static bool is_rtp(struct ear_slice s)
{
	const uint8_t *b = (const uint8_t *)s.p;

	if (s.n < 8 || b[0] >> 6 != 2)
		return false;
	return s.n >= 12 || (b[1] >= 192 && b[1] <= 223);
}

/*
 * The first three fields of heplify-server's HEP message: IP version (varint),
 * transport (varint), source IP (text).
 */
static bool is_protobuf(struct ear_slice s)
{
	return s.n > 24 && s.p[0] == 0x08 && s.p[2] == 0x10 && s.p[4] == 0x1a &&
	       (uint8_t)s.p[5] >= 2 && (uint8_t)s.p[5] <= 45;
}

enum ear_sort ear_sort(struct ear_slice s)
{
	/* The two common ones first. */
	if (s.n >= 4 && s.p[1] == 'E' && ear_hep_version(s) == 3)
		return EAR_SORT_HEP;
	if (ear_sip_looks_like(s))
		return EAR_SORT_SIP;
	if (only_blanks(s) || is_stun(s))
		return EAR_SORT_KEEPALIVE;
	if (ear_hep_version(s))
		return EAR_SORT_HEP;
	if (ear_hep_is_gzip(s))
		return EAR_SORT_GZIP;
	if (is_rtp(s))
		return EAR_SORT_RTP;
	return is_protobuf(s) ? EAR_SORT_PROTOBUF : EAR_SORT_JUNK;
}
