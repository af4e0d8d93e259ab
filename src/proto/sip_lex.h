/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Private to the SIP parsers: character classes and small scanners. Each
 * scanner goes as far as it can and notes the first thing that is wrong, so
 * that one pass gives both the facts and the verdict.
 */
#ifndef EAR_PROTO_SIP_LEX_H
#define EAR_PROTO_SIP_LEX_H

#include "proto/sip.h"

/* RFC 3261 s25.1 unless said otherwise; '%' of an escape is in none of the
 * URI's classes, since two hexadecimal digits must follow it. */
enum sip_class {
	C_LWS = 1 << 0,    /* SP HTAB, and CR LF inside a fold */
	C_DIGIT = 1 << 1,  /* 0-9 */
	C_HEX = 1 << 2,    /* 0-9 A-F a-f */
	C_TOKEN = 1 << 3,  /* alphanum - . ! % * _ + ` ' ~ */
	C_WORD = 1 << 4,   /* token ( ) < > : \ " / [ ] ? { } and @ */
	C_USER = 1 << 5,   /* unreserved & = + $ , ; ? / */
	C_HOST = 1 << 6,   /* alphanum - . and _, which names in use have */
	C_PARAM = 1 << 7,  /* unreserved [ ] / : & + $ */
	C_HNV = 1 << 8,    /* unreserved [ ] / ? : + $ */
	C_URIC = 1 << 9,   /* RFC 2396 uric, and [ ] of RFC 2732 */
	C_VALUE = 1 << 10, /* token : [ ], a parameter's value without quotes */
	C_SCHEME = 1 << 11, /* alphanum + - . */
	C_PHONE = 1 << 12,  /* RFC 3966: hexdig * # + - . ( ) */
	C_PASS = 1 << 13,   /* unreserved & = + $ , */
	C_COLON = 1 << 14,
};

extern const uint16_t ear_sip_class[256];

static inline bool is(char c, unsigned class)
{
	return ear_sip_class[(unsigned char)c] & class;
}

static inline const char *skip(const char *p, const char *end, unsigned class)
{
	while (p < end && is(*p, class))
		p++;
	return p;
}

static inline struct ear_slice span(const char *from, const char *to)
{
	return (struct ear_slice){from, (size_t)(to - from)};
}

/**
 * Zero a struct by the library's memset. Where it knows the size, gcc writes
 * `rep stos`, whose start alone costs as much as scanning a header value.
 */
static inline void clear(void *p, size_t n)
{
	__asm__("" : "+r"(n));
	memset(p, 0, n);
}

/** Keep the first thing that is wrong. */
static inline void flaw_at(
	struct ear_sip_flaw *flaw, const char *at, enum ear_sip_rule rule)
{
	if (!flaw->rule) {
		flaw->rule = (uint8_t)rule;
		flaw->at = at;
	}
}

/** Whether a name of letters and "-" is lit, any case; lit is lower case. */
static inline bool name_is(struct ear_slice name, const char *lit, size_t n)
{
	if (name.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((name.p[i] | 32) != lit[i])
			return false;
	}
	return true;
}
#define NAME_IS(name, lit) name_is(name, lit, sizeof(lit) - 1)

/** What run() does from the first '%' on. */
const char *ear_sip_run_on(const char *p, const char *end, unsigned class,
	struct ear_sip_flaw *flaw);

/** Past a run of a URI class, escapes included. */
static inline const char *run(const char *p, const char *end, unsigned class,
	struct ear_sip_flaw *flaw)
{
	p = skip(p, end, class);
	return p == end || *p != '%' ? p : ear_sip_run_on(p, end, class, flaw);
}

/**
 * Past a quoted string; *p is its opening quote.
 *
 * @param[out] text what stands between the quotes, quoted pairs as they are
 */
const char *ear_sip_quoted(const char *p, const char *end,
	struct ear_slice *text, struct ear_sip_flaw *flaw);

/**
 * Past one ";name=value"; *p is its semicolon.
 *
 * @param[out] name  empty when there is none
 * @param[out] value without quotes; empty when there is none
 */
const char *ear_sip_param(const char *p, const char *end,
	struct ear_slice *name, struct ear_slice *value,
	struct ear_sip_flaw *flaw);

/** What host_or_ipv6() does when it does not begin like a host name. */
const char *ear_sip_host_odd(const char *p, const char *end,
	struct ear_slice *host, struct ear_sip_flaw *flaw);

/** Past "host" or "[IPv6]". @param[out] host as written, brackets included */
static inline const char *host_or_ipv6(const char *p, const char *end,
	struct ear_slice *host, struct ear_sip_flaw *flaw)
{
	const char *from = p;

	p = skip(p, end, C_HOST);
	if (p == from)
		return ear_sip_host_odd(p, end, host, flaw);
	*host = span(from, p);
	return p;
}

/** Past the digits of a port; they must be there and fit. */
const char *ear_sip_port(const char *p, const char *end, uint16_t *port,
	struct ear_sip_flaw *flaw);

/** A URI from p on, past as much as can belong to it. */
const char *ear_sip_uri_to(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw);

/** A URI that fills [p, end). */
void ear_sip_uri(const char *p, const char *end, struct ear_sip_uri *uri,
	struct ear_sip_flaw *flaw);

/** Past one address of a list, up to its comma or the end. */
const char *ear_sip_addr(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw);

/** Past one Via value of a list, up to its comma or the end. */
const char *ear_sip_via(const char *p, const char *end, struct ear_sip_via *via,
	struct ear_sip_flaw *flaw);

/** As ear_sip_id_of(); end is how far may be read. */
enum ear_sip_id ear_sip_id_at(const char *p, size_t n, const char *end);

/** Past digits. @param[out] number exact below 2^48, else above it */
const char *ear_sip_number(const char *p, const char *end, uint64_t *number);

/** CSeq: number (0 when it does not fit) and method. */
void ear_sip_cseq_scan(struct ear_slice value, uint32_t *number,
	struct ear_slice *method, struct ear_sip_flaw *flaw);

#endif
