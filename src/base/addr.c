/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

struct ear_addr ear_addr_v4(const void *four, uint16_t port)
{
	struct ear_addr a = {.family = 4, .port = port};

	memcpy(a.ip, four, 4);
	return a;
}

struct ear_addr ear_addr_v6(const void *sixteen, uint16_t port)
{
	struct ear_addr a = {.family = 6, .port = port};

	memcpy(a.ip, sixteen, 16);
	return a;
}

struct ear_addr ear_addr_from_sockaddr(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		return ear_addr_v4(&in.sin_addr, ntohs(in.sin_port));
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			return ear_addr_v4(in6.sin6_addr.s6_addr + 12,
				ntohs(in6.sin6_port));
		return ear_addr_v6(&in6.sin6_addr, ntohs(in6.sin6_port));
	}
	return (struct ear_addr){0};
}

socklen_t ear_addr_to_sockaddr(
	const struct ear_addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		struct sockaddr_in in = {
			.sin_family = AF_INET, .sin_port = htons(a->port)};

		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 in6 = {
			.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

		memcpy(&in6.sin6_addr, a->ip, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

/* inet_ntop() formats with printf, and every message has two of these. */
static size_t v4_text(const uint8_t ip[4], char *out)
{
	char *p = out;

	for (int i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		if (ip[i] >= 100)
			*p++ = (char)('0' + ip[i] / 100);
		if (ip[i] >= 10)
			*p++ = (char)('0' + ip[i] / 10 % 10);
		*p++ = (char)('0' + ip[i] % 10);
	}
	*p = '\0';
	return (size_t)(p - out);
}

size_t ear_addr_ip_text(const struct ear_addr *a, char out[EAR_ADDR_TEXT])
{
	out[0] = '\0';
	if (a->family == 4)
		return v4_text(a->ip, out);
	if (a->family == 6)
		inet_ntop(AF_INET6, a->ip, out, EAR_ADDR_TEXT);
	return strlen(out);
}

size_t ear_addr_text(const struct ear_addr *a, char out[EAR_ADDR_TEXT])
{
	char ip[EAR_ADDR_TEXT];
	int n;

	if (!ear_addr_ip_text(a, ip)) {
		out[0] = '\0';
		return 0;
	}
	n = snprintf(out, EAR_ADDR_TEXT,
		a->family == 6 ? "[%.45s]:%u" : "%.45s:%u", ip, a->port);
	return n > 0 ? (size_t)n : 0;
}

bool ear_addr_is_any(const struct ear_addr *a)
{
	static const uint8_t zero[16];

	return a->family && !memcmp(a->ip, zero, sizeof(zero));
}

bool ear_addr_is_loopback(const struct ear_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->ip[0] == 127;
	return a->family == 6 && memcmp(a->ip, one, sizeof(one)) == 0;
}

/* Cut an optional ":port" off; false when there is a bad one. */
static bool split_port(struct ear_slice *text, uint16_t *port)
{
	size_t colon = text->n, colons = 0;
	uint64_t v = 0;

	for (size_t i = 0; i < text->n; i++) {
		if (text->p[i] == ':') {
			colon = i;
			colons++;
		}
	}
	*port = 0;
	if (text->n && text->p[0] == '[') {
		size_t end = ear_slice_find(*text, EAR_S("]"));

		if (end == text->n)
			return false;
		if (end + 1 < text->n &&
			(text->p[end + 1] != ':' ||
				!ear_slice_u64(
					ear_slice_sub(*text, end + 2, text->n),
					65535, &v)))
			return false;
		*text = ear_slice_sub(*text, 1, end);
	} else if (colons == 1) {
		if (!ear_slice_u64(ear_slice_sub(*text, colon + 1, text->n),
			    65535, &v))
			return false;
		*text = ear_slice_sub(*text, 0, colon);
	}
	*port = (uint16_t)v;
	return true;
}

/* As inet_pton() reads it, which takes four times as long: addresses stand in
 * every message. */
static bool parse_v4(struct ear_slice text, uint8_t four[4])
{
	const char *p = text.p, *end = p + text.n;

	for (int part = 0; part < 4; part++) {
		const char *from = p;
		unsigned v = 0;

		while (p < end && p - from < 3 && *p >= '0' && *p <= '9')
			v = v * 10 + (unsigned)(*p++ - '0');
		if (p == from || v > 255 || (*from == '0' && p - from > 1))
			return false;
		if (part < 3 && (p == end || *p++ != '.'))
			return false;
		four[part] = (uint8_t)v;
	}
	return p == end;
}

enum ear_err ear_addr_parse(struct ear_slice text, struct ear_addr *a)
{
	char ip[EAR_ADDR_TEXT];
	uint8_t bytes[16];
	uint16_t port;

	*a = (struct ear_addr){0};
	if (!split_port(&text, &port) || text.n == 0 || text.n >= sizeof(ip))
		return EAR_BAD;
	if (parse_v4(text, bytes)) {
		*a = ear_addr_v4(bytes, port);
		return EAR_OK;
	}
	memcpy(ip, text.p, text.n);
	ip[text.n] = '\0';
	if (inet_pton(AF_INET6, ip, bytes) != 1)
		return EAR_BAD;
	*a = ear_addr_v6(bytes, port);
	return EAR_OK;
}

enum ear_err ear_net_parse(struct ear_slice text, struct ear_net *net)
{
	size_t slash = ear_slice_find(text, EAR_S("/"));
	struct ear_slice ip = ear_slice_sub(text, 0, slash);
	uint64_t bits, most;

	*net = (struct ear_net){0};
	if (ear_addr_parse(ip, &net->addr))
		return EAR_BAD;
	most = net->addr.family == 4 ? 32 : 128;
	bits = most;
	if (slash < text.n &&
		!ear_slice_u64(
			ear_slice_sub(text, slash + 1, text.n), most, &bits))
		return EAR_BAD;
	net->bits = (uint8_t)bits;
	return EAR_OK;
}

bool ear_net_has(const struct ear_net *net, const struct ear_addr *a)
{
	size_t whole = net->bits / 8;
	unsigned rest = net->bits % 8;

	if (!a->family || a->family != net->addr.family)
		return false;
	if (memcmp(a->ip, net->addr.ip, whole) != 0)
		return false;
	return rest == 0 ||
	       (a->ip[whole] ^ net->addr.ip[whole]) >> (8 - rest) == 0;
}
