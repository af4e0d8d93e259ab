/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A transport address: IP and port, of either family, or unknown. Compact
 * and comparable, unlike the sockaddr family.
 *
 * Text: "192.0.2.1:5060", "[2001:db8::1]:5060"; unknown is the empty string.
 */
#ifndef EAR_BASE_ADDR_H
#define EAR_BASE_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

struct ear_addr {
	uint8_t family; /**< 4, 6, or 0 for unknown */
	uint8_t zero;   /**< always 0, so that memcmp compares */
	uint16_t port;  /**< host order; 0 unknown */
	uint8_t ip[16]; /**< network order; IPv4 in the first 4, rest 0 */
};

/** The same host, of whatever port; unknown ones are no host. */
static inline bool ear_addr_ip_eq(
	const struct ear_addr *a, const struct ear_addr *b)
{
	return a->family && a->family == b->family &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/** Longest text with its NUL: "[" 39 "]" ":65535". */
#define EAR_ADDR_TEXT 56

static inline bool ear_addr_eq(
	const struct ear_addr *a, const struct ear_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct ear_addr ear_addr_v4(const void *four, uint16_t port);
struct ear_addr ear_addr_v6(const void *sixteen, uint16_t port);

/** From the kernel's form; IPv4-mapped IPv6 becomes IPv4. */
struct ear_addr ear_addr_from_sockaddr(const struct sockaddr *sa);

/** To the kernel's form. @return its length, 0 when the family is unknown */
socklen_t ear_addr_to_sockaddr(
	const struct ear_addr *a, struct sockaddr_storage *out);

/** "ip:port" (IPv6 in brackets). @return bytes written without the NUL */
size_t ear_addr_text(const struct ear_addr *a, char out[EAR_ADDR_TEXT]);

/** The IP alone, no brackets. @return bytes written without the NUL */
size_t ear_addr_ip_text(const struct ear_addr *a, char out[EAR_ADDR_TEXT]);

/**
 * Read "1.2.3.4", "1.2.3.4:5060", "2001:db8::1", "[2001:db8::1]" or
 * "[2001:db8::1]:5060". No names.
 *
 * @return EAR_OK, or EAR_BAD with *a unknown
 */
EAR_MUST_USE enum ear_err ear_addr_parse(
	struct ear_slice text, struct ear_addr *a);

/** Whether it is of this machine alone: 127.0.0.0/8 or ::1. */
bool ear_addr_is_loopback(const struct ear_addr *a);

/** 0.0.0.0 or [::]: any of this machine. */
bool ear_addr_is_any(const struct ear_addr *a);

/** A network: an address and how many leading bits count. */
struct ear_net {
	struct ear_addr addr;
	uint8_t bits; /**< 0..32 or 0..128 */
};

/** Read "10.0.0.0/8", "2001:db8::/32" or a single address. */
EAR_MUST_USE enum ear_err ear_net_parse(
	struct ear_slice text, struct ear_net *net);

/** Whether a's IP lies in net. Unknown addresses lie in none. */
bool ear_net_has(const struct ear_net *net, const struct ear_addr *a);

#endif
