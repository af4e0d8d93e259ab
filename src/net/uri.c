/* SPDX-License-Identifier: Apache-2.0 */
#include "net/uri.h"

#include <arpa/inet.h>
#include <stdio.h>

static const struct {
	struct ear_slice name;
	bool sip;
	bool tls;
} schemes[] = {
	{EAR_S_INIT("hep:"), false, false},
	{EAR_S_INIT("heps:"), false, true},
	{EAR_S_INIT("sip:"), true, false},
	{EAR_S_INIT("sips:"), true, true},
};
#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const char *const carriers[] = {"udp", "tcp", "tls"};

const char *ear_carrier_name(enum ear_carrier carrier)
{
	return carriers[carrier];
}

static size_t scheme_of(struct ear_slice text)
{
	size_t i = 0;

	while (i < SCHEMES &&
		!ear_slice_ieq(schemes[i].name,
			ear_slice_sub(text, 0, schemes[i].name.n)))
		i++;
	return i;
}

bool ear_net_uri_is(struct ear_slice text)
{
	return scheme_of(text) < SCHEMES;
}

static enum ear_err take_port(struct ear_slice all, size_t at,
	struct ear_slice digits, struct ear_net_uri *uri,
	struct ear_fault *fault)
{
	uint64_t port;

	if (!ear_slice_u64(digits, 65535, &port) || !port)
		return ear_fail(fault, EAR_USAGE, at,
			"'%.*s': a port is a number from 1 to 65535",
			EAR_FMT(all));
	uri->port = (uint16_t)port;
	return EAR_OK;
}

/* What is no IPv6 in brackets has letters, digits, '-', '.', and '_'. */
static bool host_good(struct ear_slice host, bool brackets)
{
	char text[EAR_HOST_TEXT];
	struct in6_addr six;

	if (!host.n || host.n >= EAR_HOST_TEXT)
		return false;
	snprintf(text, sizeof(text), "%.*s", EAR_FMT(host));
	if (brackets)
		return inet_pton(AF_INET6, text, &six) == 1;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789-._") == host.n;
}

static enum ear_err take_host(struct ear_slice all, size_t at,
	struct ear_slice where, struct ear_net_uri *uri,
	struct ear_fault *fault)
{
	bool brackets = where.n && where.p[0] == '[';
	const char *end =
		where.n ? memchr(where.p, brackets ? ']' : ':', where.n) : NULL;
	size_t n = end ? (size_t)(end - where.p) : where.n;
	struct ear_slice host = ear_slice_sub(where, brackets, n);
	struct ear_slice rest = ear_slice_sub(where, n + brackets, where.n);

	if ((brackets && !end) || !host_good(host, brackets))
		return ear_fail(fault, EAR_USAGE, at,
			"'%.*s' names no host; write hep:HOST:PORT, IPv6 in "
			"brackets",
			EAR_FMT(all));
	memcpy(uri->host, host.p, host.n);
	if (!rest.n)
		return EAR_OK;
	if (rest.p[0] != ':' ||
		(!brackets && memchr(rest.p + 1, ':', rest.n - 1)))
		return ear_fail(fault, EAR_USAGE, at,
			"'%.*s': write IPv6 in brackets, as "
			"hep:[2001:db8::1]:9060",
			EAR_FMT(all));
	return take_port(all, (size_t)(rest.p + 1 - all.p),
		ear_slice_sub(rest, 1, rest.n), uri, fault);
}

/* Behind sips: and heps: "tcp" names what carries TLS (RFC 3261 s26.2.2), and
 * nothing makes them plain. */
static enum ear_err take_transport(struct ear_slice all, size_t at, bool secure,
	enum ear_carrier carrier, struct ear_net_uri *uri,
	struct ear_fault *fault)
{
	if (secure && carrier == EAR_CARRY_UDP)
		return ear_fail(fault, EAR_USAGE, at,
			"'%.*s': TLS does not go over UDP; leave "
			";transport=udp away",
			EAR_FMT(all));
	uri->carrier = secure ? EAR_CARRY_TLS : carrier;
	return EAR_OK;
}

static enum ear_err take_parameter(struct ear_slice all, size_t at, bool secure,
	struct ear_slice parameter, struct ear_net_uri *uri,
	struct ear_fault *fault)
{
	struct ear_slice key = EAR_S("transport=");
	struct ear_slice value = ear_slice_sub(parameter, key.n, parameter.n);

	if (!ear_slice_ieq(ear_slice_sub(parameter, 0, key.n), key))
		return ear_fail(fault, EAR_USAGE, at,
			"'%.*s': only ;transport=udp, tcp or tls can stand "
			"behind the port",
			EAR_FMT(all));
	for (int c = EAR_CARRY_UDP; c <= EAR_CARRY_TLS; c++) {
		if (ear_slice_ieq(value, ear_slice_str(carriers[c])))
			return take_transport(all, at + key.n, secure,
				(enum ear_carrier)c, uri, fault);
	}
	return ear_fail(fault, EAR_USAGE, at + key.n,
		"'%.*s': the transport is udp, tcp or tls", EAR_FMT(all));
}

static uint16_t default_port(const struct ear_net_uri *uri)
{
	uint16_t port = uri->sip ? 5060 : 9060;

	return uri->carrier == EAR_CARRY_TLS ? port + 1 : port;
}

enum ear_err ear_net_uri_parse(
	struct ear_slice all, struct ear_net_uri *uri, struct ear_fault *fault)
{
	size_t scheme = scheme_of(all), at, end;
	enum ear_err err;

	*uri = (struct ear_net_uri){0};
	if (scheme == SCHEMES)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' begins with neither hep: nor sip:; write "
			"hep:HOST:PORT or sip:HOST:PORT",
			EAR_FMT(all));
	uri->sip = schemes[scheme].sip;
	uri->carrier = schemes[scheme].tls ? EAR_CARRY_TLS : EAR_CARRY_UDP;
	at = schemes[scheme].name.n;
	if (ear_slice_starts(ear_slice_sub(all, at, all.n), EAR_S("//")))
		at += 2;
	end = at + ear_slice_find(ear_slice_sub(all, at, all.n), EAR_S(";"));
	err = take_host(all, at, ear_slice_sub(all, at, end), uri, fault);
	while (!err && end < all.n) {
		at = end + 1;
		end = at +
		      ear_slice_find(ear_slice_sub(all, at, all.n), EAR_S(";"));
		err = take_parameter(all, at, schemes[scheme].tls,
			ear_slice_sub(all, at, end), uri, fault);
	}
	if (!uri->port)
		uri->port = default_port(uri);
	return err;
}
