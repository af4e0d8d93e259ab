/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_secret.h"

#include "proto/sdp.h"
#include "proto/sip_auth.h"
#include "proto/sip_body.h"
#include "proto/sip_lex.h"

#define DEPTH_MAX 2 /* as ear_sip_find_body() */

struct walk {
	const char *raw; /* where offsets count from */
	ear_sip_secret_fn fn;
	void *arg;
	size_t n;
};

static void give(struct walk *walk, struct ear_slice secret)
{
	if (secret.n == 0)
		return;
	walk->n++;
	if (walk->fn)
		walk->fn((size_t)(secret.p - walk->raw), secret.n, walk->arg);
}

static bool any_of(struct ear_slice s, const struct ear_slice *set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ear_slice_ieq(s, set[i]))
			return true;
	}
	return false;
}

/* Schemes whose parameters are known: only some of them are secret. */
static bool has_params(struct ear_slice scheme)
{
	static const struct ear_slice known[] = {EAR_S_INIT(""),
		EAR_S_INIT("Digest"), EAR_S_INIT("NTLM"),
		EAR_S_INIT("Kerberos"), EAR_S_INIT("TLS-DSK")};

	return any_of(scheme, known, sizeof(known) / sizeof(known[0]));
}

/*
 * The password before an "@", wherever a SIP URI may stand: from the first
 * colon behind the scheme. Runs back over what a user part may hold.
 */
static struct ear_slice password_before(const char *from, const char *at)
{
	const char *p = at, *colon = NULL;

	while (p > from && (is(p[-1], C_USER | C_COLON) || p[-1] == '%')) {
		if (*--p != ':')
			continue;
		if (p - from >= 3 &&
			(NAME_IS(span(p - 3, p), "sip") ||
				(p - from >= 4 &&
					NAME_IS(span(p - 4, p), "sips"))))
			return colon ? span(colon + 1, at)
				     : (struct ear_slice){0};
		colon = p;
	}
	return (struct ear_slice){0};
}

static size_t passwords(struct walk *walk, struct ear_slice text)
{
	const char *p = text.p, *from = p, *end;
	size_t n = 0;

	if (text.n == 0)
		return 0;
	end = p + text.n;
	while (p < end && (p = memchr(p, '@', (size_t)(end - p)))) {
		struct ear_slice password = password_before(from, p);

		n += password.n > 0;
		if (walk)
			give(walk, password);
		from = ++p;
	}
	return n;
}

bool ear_sip_has_password(struct ear_slice text)
{
	return passwords(NULL, text) > 0;
}

size_t ear_sip_passwords(struct ear_slice text, ear_sip_secret_fn fn, void *arg)
{
	struct walk walk = {.raw = text.p, .fn = fn, .arg = arg};

	return passwords(&walk, text);
}

static void auth_value(
	struct walk *walk, struct ear_slice value, bool challenge)
{
	static const struct ear_slice secret[] = {EAR_S_INIT("response"),
		EAR_S_INIT("rspauth"), EAR_S_INIT("gssapi-data")};
	struct ear_sip_auth auth = ear_sip_auth_parse(value);
	struct ear_slice name, v;

	if (!has_params(auth.scheme) &&
		(!challenge ||
			ear_slice_ieq(auth.scheme, EAR_S("Negotiate")))) {
		give(walk, auth.rest);
		return;
	}
	while (ear_sip_auth_next(&auth.rest, &name, &v)) {
		if (any_of(name, secret, sizeof(secret) / sizeof(secret[0])))
			give(walk, v);
		else
			passwords(walk, v);
	}
}

static void header_field(struct walk *walk, const struct ear_sip_header *header)
{
	switch (header->id) {
	case EAR_SIP_AUTHORIZATION:
	case EAR_SIP_PROXY_AUTHORIZATION:
	case EAR_SIP_AUTHENTICATION_INFO:
	case EAR_SIP_PROXY_AUTHENTICATION_INFO:
		auth_value(walk, header->value, false);
		break;
	case EAR_SIP_WWW_AUTHENTICATE:
	case EAR_SIP_PROXY_AUTHENTICATE:
		auth_value(walk, header->value, true);
		break;
	case EAR_SIP_CALL_ID: break; /* the key of the conversation */
	default: passwords(walk, ear_sip_line(header));
	}
}

static void sdp_key(struct ear_slice key, void *arg)
{
	give(arg, key);
}

static void body(struct walk *walk, struct ear_slice content_type,
	struct ear_slice bytes, int depth)
{
	struct ear_sip_parts parts;
	struct ear_sip_part part;
	struct ear_sip_type type;

	if (bytes.n == 0 || !ear_sip_type_parse(content_type, &type))
		return;
	if (ear_sip_type_is(&type, EAR_S("application/sdp"))) {
		ear_sdp_keys(bytes, sdp_key, walk);
		return;
	}
	if (depth == DEPTH_MAX || !ear_sip_parts(content_type, bytes, &parts))
		return;
	while (ear_sip_part_next(&parts, &part))
		body(walk, part.type, part.body, depth + 1);
}

static void all_of_body(struct walk *walk, const struct ear_sip *sip)
{
	/* What exceeds Content-Length is kept too. */
	body(walk, ear_sip_value(sip, EAR_SIP_CONTENT_TYPE), sip->rest, 0);
}

size_t ear_sip_body_secrets(
	const struct ear_sip *sip, ear_sip_secret_fn fn, void *arg)
{
	struct walk walk = {.raw = sip->raw.p, .fn = fn, .arg = arg};

	if (sip->rest.n)
		all_of_body(&walk, sip);
	return walk.n;
}

size_t ear_sip_secrets(
	const struct ear_sip *sip, ear_sip_secret_fn fn, void *arg)
{
	struct walk walk = {.raw = sip->raw.p, .fn = fn, .arg = arg};
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;

	passwords(&walk, sip->start);
	while (ear_sip_next(sip, &cursor, &header))
		header_field(&walk, &header);
	all_of_body(&walk, sip);
	return walk.n;
}
