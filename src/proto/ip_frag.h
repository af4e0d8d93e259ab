/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Puts IP fragments together (RFC 791 s3.2, RFC 8200 s4.5).
 *
 * Where fragments overlap, what came first stands: a later fragment fills
 * only the gaps. So the copies that a capture on all interfaces holds are
 * harmless, and a fragment sent to change bytes already seen changes nothing.
 *
 * Bounded: 512 datagrams of 64 KiB at once. A new one takes the place of the
 * oldest of its eight places; what is not whole after 30 s of packet time is
 * given up. Either is told through the lost function with the bytes that
 * stand before the first gap, because a SIP message without its tail is still
 * evidence.
 */
#ifndef EAR_PROTO_IP_FRAG_H
#define EAR_PROTO_IP_FRAG_H

#include "proto/ip.h"

#define EAR_FRAG_WAIT_NS (30ULL * 1000000000ULL)

struct ear_ip_frag;

/**
 * A datagram that will not become whole: ip as of its fragments, payload the
 * bytes before the first gap (empty when its head never came).
 */
typedef void (*ear_frag_lost_fn)(
	const struct ear_ip *ip, uint64_t at_ns, void *arg);

/** lost is told of each that never becomes whole. @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_ip_frag_new(
	ear_frag_lost_fn lost, void *arg, struct ear_ip_frag **f);
void ear_ip_frag_free(struct ear_ip_frag **f);

/**
 * Take a fragment; when it completes its datagram, ip becomes the whole.
 *
 * @param[in,out] ip  a fragment; after EAR_OK its payload lies in f, valid
 *                    until the next call
 * @return EAR_OK; EAR_MORE: kept; EAR_BAD: impossible place or length;
 *         EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_ip_frag_add(
	struct ear_ip_frag *f, struct ear_ip *ip, uint64_t at_ns);

/** Give up what began before at_ns; UINT64_MAX gives up all. */
void ear_ip_frag_expire(struct ear_ip_frag *f, uint64_t at_ns);

#endif
