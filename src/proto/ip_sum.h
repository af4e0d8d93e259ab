/* SPDX-License-Identifier: Apache-2.0 */
/** The checksums that IP and its transports carry. */
#ifndef EAR_PROTO_IP_SUM_H
#define EAR_PROTO_IP_SUM_H

#include "base/slice.h"

/**
 * Add bytes to a running Internet checksum (RFC 1071), as of an even position.
 * Starts at 0; an odd length is padded with a zero byte.
 */
uint64_t ear_ip_sum_add(uint64_t sum, struct ear_slice bytes);

/** The checksum of all that was added, in host order. */
uint16_t ear_ip_sum_end(uint64_t sum);

/** CRC32c as SCTP carries it, little-endian (RFC 9260 appendix A). */
uint32_t ear_crc32c(struct ear_slice bytes);

#endif
