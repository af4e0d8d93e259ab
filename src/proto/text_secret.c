/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/text_secret.h"

/* Shorter ones are no credentials: "response=200". */
#define CREDENTIAL_LEAST 16

struct search {
	struct ear_slice text;
	ear_sip_secret_fn fn;
	void *arg;
	size_t n;
};

static void give(struct search *s, struct ear_slice secret)
{
	if (secret.n == 0)
		return;
	s->n++;
	if (s->fn)
		s->fn((size_t)(secret.p - s->text.p), secret.n, s->arg);
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The word that a sign at p follows: password=, "password" :, \"password\": */
static struct ear_slice word_before(
	const char *begin, const char *p, bool *quoted)
{
	const char *end;

	*quoted = false;
	while (p > begin && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	while (p > begin && (p[-1] == '"' || p[-1] == '\'' || p[-1] == '\\')) {
		*quoted = true;
		p--;
	}
	end = p;
	while (p > begin && is_word(p[-1]))
		p--;
	return ear_slice(p, (size_t)(end - p));
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Up to the closing quote; without quotes, as far as a word goes. */
static struct ear_slice value_at(const char *p, const char *end)
{
	const char *from;
	char quote;

	p = blanks(p, end);
	while (p < end && *p == '\\')
		p++;
	if (p < end && (*p == '"' || *p == '\'')) {
		quote = *p++;
		for (from = p; p < end && *p != quote && *p != '\\'; p++)
			continue;
		return ear_slice(from, (size_t)(p - from));
	}
	for (from = p; p < end && (unsigned char)*p > ' ' &&
		       !memchr("\"'\\,;&|<>()[]{}", *p, 15);
		p++)
		continue;
	return ear_slice(from, (size_t)(p - from));
}

static bool ends_with(struct ear_slice word, struct ear_slice end)
{
	return word.n >= end.n &&
	       ear_slice_ieq(ear_slice_sub(word, word.n - end.n, word.n), end);
}

/* @param apart what stands before the end must be no letter: compass */
static bool any_end(struct ear_slice word, const struct ear_slice *ends,
	size_t n, bool apart)
{
	for (size_t i = 0; i < n; i++) {
		if (!ends_with(word, ends[i]))
			continue;
		if (!apart || word.n == ends[i].n ||
			memchr("_-", word.p[word.n - ends[i].n - 1], 2))
			return true;
	}
	return false;
}
#define ANY_END(word, ends, apart) \
	any_end(word, ends, sizeof(ends) / sizeof((ends)[0]), apart)

/* Hexadecimal or base64 of some length. */
static bool is_credential(struct ear_slice value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (!is_word(value.p[i]) && !memchr("+/=.", value.p[i], 4))
			return false;
	}
	return value.n >= CREDENTIAL_LEAST;
}

/* Behind "Authorization:": the token of Basic, Bearer and their like. The
 * schemes with parameters have those that are found by name. */
static struct ear_slice token(const char *p, const char *end)
{
	static const struct ear_slice known[] = {EAR_S_INIT("Digest"),
		EAR_S_INIT("NTLM"), EAR_S_INIT("Kerberos"),
		EAR_S_INIT("TLS-DSK")};
	struct ear_slice scheme = value_at(p, end), rest;
	const char *q = scheme.p + scheme.n;

	if (scheme.n && memchr(scheme.p, ' ', scheme.n)) {
		/* A value in quotes has both. */
		q = memchr(scheme.p, ' ', scheme.n);
		end = scheme.p + scheme.n;
		scheme.n = (size_t)(q - scheme.p);
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (ear_slice_ieq(scheme, known[i]))
			return (struct ear_slice){0};
	}
	rest = q < end && *q == ' ' ? value_at(q, end) : (struct ear_slice){0};
	if (rest.n)
		return rest;
	return is_credential(scheme) ? scheme : rest;
}

/* a=key-mgmt:PROTOCOL KEY */
static struct ear_slice managed_key(const char *p, const char *end)
{
	struct ear_slice protocol = value_at(p, end);

	return value_at(protocol.p + protocol.n, end);
}

/* What stands behind a sign at p, if the word before it makes it secret. */
static struct ear_slice secret_at(const struct search *s, const char *p)
{
	static const struct ear_slice always[] = {EAR_S_INIT("password"),
		EAR_S_INIT("passwd"), EAR_S_INIT("passphrase"),
		EAR_S_INIT("pwd"), EAR_S_INIT("secret")};
	static const struct ear_slice named[] = {EAR_S_INIT("token"),
		EAR_S_INIT("api_key"), EAR_S_INIT("api-key"),
		EAR_S_INIT("apikey"), EAR_S_INIT("auth_key"),
		EAR_S_INIT("private_key"), EAR_S_INIT("pass"),
		EAR_S_INIT("ha1")};
	static const struct ear_slice credentials[] = {EAR_S_INIT("response"),
		EAR_S_INIT("rspauth"), EAR_S_INIT("gssapi-data")};
	const char *end = s->text.p + s->text.n;
	struct ear_slice none = {0}, value;
	bool quoted, equals = *p == '=';
	struct ear_slice word = word_before(s->text.p, p, &quoted);

	if (!word.n)
		return none;
	if (!equals && ends_with(word, EAR_S("authorization")))
		return token(p + 1, end);
	if (!equals && ear_slice_ieq(word, EAR_S("key-mgmt")))
		return managed_key(p + 1, end);
	value = value_at(p + 1, end);
	if (ANY_END(word, always, false) ||
		((equals || quoted) && ANY_END(word, named, true)))
		return value;
	if (ANY_END(word, credentials, true) ||
		(!equals && ear_slice_ieq(word, EAR_S("inline"))) ||
		(equals && ear_slice_ieq(word, EAR_S("k"))))
		return is_credential(value) ? value : none;
	return none;
}

/* k=METHOD:KEY is found by the method. */
static bool is_key_method(const struct search *s, const char *p)
{
	bool quoted;
	struct ear_slice word = word_before(s->text.p, p, &quoted);

	return (ear_slice_ieq(word, EAR_S("clear")) ||
		       ear_slice_ieq(word, EAR_S("base64"))) &&
	       word.p - s->text.p >= 2 && !memcmp(word.p - 2, "k=", 2);
}

size_t ear_text_secrets(struct ear_slice text, ear_sip_secret_fn fn, void *arg)
{
	struct search s = {.text = text, .fn = fn, .arg = arg};
	const char *p = text.p, *end;

	if (text.n == 0)
		return 0;
	for (end = p + text.n; p < end; p++) {
		struct ear_slice secret;

		if (*p != '=' && *p != ':')
			continue;
		secret = *p == ':' && is_key_method(&s, p)
				 ? value_at(p + 1, end)
				 : secret_at(&s, p);
		give(&s, secret);
		if (secret.n)
			p = secret.p + secret.n - 1;
	}
	return s.n + ear_sip_passwords(text, fn, arg);
}
