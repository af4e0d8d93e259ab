/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the HEP reader's two halves. */
#ifndef EAR_PROTO_HEP_PRIV_H
#define EAR_PROTO_HEP_PRIV_H

#include "proto/hep.h"

/** The number of up to 8 big-endian bytes. */
static inline uint64_t hep_be(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/** Whether a family number is some system's AF_INET6. */
bool hep_family_is_6(uint8_t family);

/** All-zero address and port are what senders write for "unknown". */
struct ear_addr hep_addr(const char *ip, bool six, uint16_t port);

/** Seconds and microseconds as ns; notes an overflow of the latter. */
uint64_t hep_time(struct ear_hep *hep, uint32_t s, uint32_t us, size_t at);

/** Versions 1 and 2; in begins like them. */
enum ear_err hep_read_old(
	struct ear_slice in, uint64_t now_ns, struct ear_hep *hep);

#endif
