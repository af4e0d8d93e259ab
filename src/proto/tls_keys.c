/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_keys.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"

/* The longest line that matters: label, 64 and 96 digits, two blanks. */
#define LINE_MAX_BYTES 256
#define LEAST 64u
#define NOWHERE UINT32_MAX

struct ear_tls_keys {
	struct ear_tls_key *key; /* mapped, so that no copy stays behind */
	size_t n, cap, most;
	size_t oldest;    /* goes next once most are there */
	uint32_t *bucket; /* cap of them */
	uint64_t serial;
	char line[LINE_MAX_BYTES];
	size_t line_n;
	bool line_bad; /* longer than any line of ours */
};

static const struct ear_slice labels[EAR_TLS_SECRETS] = {
	[EAR_TLS_MASTER] = EAR_S_INIT("CLIENT_RANDOM"),
	[EAR_TLS_CLIENT_EARLY] = EAR_S_INIT("CLIENT_EARLY_TRAFFIC_SECRET"),
	[EAR_TLS_CLIENT_HANDSHAKE] =
		EAR_S_INIT("CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
	[EAR_TLS_SERVER_HANDSHAKE] =
		EAR_S_INIT("SERVER_HANDSHAKE_TRAFFIC_SECRET"),
	[EAR_TLS_CLIENT_DATA] = EAR_S_INIT("CLIENT_TRAFFIC_SECRET_0"),
	[EAR_TLS_SERVER_DATA] = EAR_S_INIT("SERVER_TRAFFIC_SECRET_0"),
};

static struct ear_tls_key *map(size_t n)
{
	size_t bytes = n * sizeof(struct ear_tls_key);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Not in a core dump. Where the kernel does not know it, no harm. */
	(void)madvise(p, bytes, MADV_DONTDUMP);
	return p;
}

static void unmap(struct ear_tls_key *p, size_t n)
{
	if (!p)
		return;
	OPENSSL_cleanse(p, n * sizeof(*p));
	munmap(p, n * sizeof(*p));
}

static size_t bucket_of(const struct ear_tls_keys *k, const uint8_t *random)
{
	return ear_hash(ear_slice(random, EAR_TLS_RANDOM)) & (k->cap - 1);
}

static void link_key(struct ear_tls_keys *k, size_t i)
{
	uint32_t *b = &k->bucket[bucket_of(k, k->key[i].random)];

	k->key[i].next = *b;
	*b = (uint32_t)i;
}

static void unlink_key(struct ear_tls_keys *k, size_t i)
{
	uint32_t *b = &k->bucket[bucket_of(k, k->key[i].random)];

	while (*b != i)
		b = &k->key[*b].next;
	*b = k->key[i].next;
}

static bool grow(struct ear_tls_keys *k)
{
	size_t cap = k->cap ? k->cap * 2 : LEAST;
	struct ear_tls_key *key = map(cap);
	uint32_t *bucket = malloc(cap * sizeof(*bucket));

	if (!key || !bucket) {
		unmap(key, cap);
		free(bucket);
		return false;
	}
	if (k->n)
		memcpy(key, k->key, k->n * sizeof(*key));
	unmap(k->key, k->cap);
	free(k->bucket);
	k->key = key;
	k->bucket = bucket;
	k->cap = cap;
	memset(bucket, 0xff, cap * sizeof(*bucket)); /* NOWHERE */
	for (size_t i = 0; i < k->n; i++)
		link_key(k, i);
	return true;
}

enum ear_err ear_tls_keys_new(size_t most, struct ear_tls_keys **keys)
{
	struct ear_tls_keys *k = calloc(1, sizeof(*k));

	*keys = k;
	if (!k)
		return EAR_NOMEM;
	k->most = most ? most : EAR_TLS_KEYS_DEFAULT;
	if (k->most >= NOWHERE)
		k->most = NOWHERE - 1;
	return EAR_OK;
}

void ear_tls_keys_free(struct ear_tls_keys **keys)
{
	struct ear_tls_keys *k = *keys;

	if (!k)
		return;
	unmap(k->key, k->cap);
	free(k->bucket);
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
	*keys = NULL;
}

static struct ear_tls_key *find(
	const struct ear_tls_keys *k, const uint8_t *random)
{
	uint32_t i;

	if (!k->n)
		return NULL;
	for (i = k->bucket[bucket_of(k, random)]; i != NOWHERE;
		i = k->key[i].next) {
		if (!memcmp(k->key[i].random, random, EAR_TLS_RANDOM))
			return &k->key[i];
	}
	return NULL;
}

const struct ear_tls_key *ear_tls_keys_find(
	const struct ear_tls_keys *keys, const uint8_t *random)
{
	return find(keys, random);
}

/* The entry of a connection, made if need be; NULL: no memory. */
static struct ear_tls_key *entry(struct ear_tls_keys *k, const uint8_t *random)
{
	struct ear_tls_key *key = find(k, random);
	size_t i = k->n;

	if (key)
		return key;
	if (k->n == k->most) {
		i = k->oldest;
		k->oldest = i + 1 < k->most ? i + 1 : 0;
		unlink_key(k, i);
	} else if (k->n == k->cap && !grow(k)) {
		return NULL;
	} else {
		k->n++;
	}
	OPENSSL_cleanse(&k->key[i], sizeof(k->key[i]));
	memcpy(k->key[i].random, random, EAR_TLS_RANDOM);
	link_key(k, i);
	return &k->key[i];
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ear_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex to bytes. @return how many; 0: not hex, or more than max */
static size_t unhex(struct ear_slice in, uint8_t *out, size_t max)
{
	if (!in.n || in.n % 2 || in.n / 2 > max)
		return 0;
	for (size_t i = 0; i < in.n; i += 2) {
		int high = digit(in.p[i]), low = digit(in.p[i + 1]);

		if (high < 0 || low < 0)
			return 0;
		out[i / 2] = (uint8_t)(high << 4 | low);
	}
	return in.n / 2;
}

static struct ear_slice word(struct ear_slice *rest)
{
	struct ear_slice in = ear_slice_trim(*rest);
	size_t n = 0;

	while (n < in.n && in.p[n] != ' ' && in.p[n] != '\t')
		n++;
	*rest = ear_slice_sub(in, n, in.n);
	return ear_slice_sub(in, 0, n);
}

static enum ear_err take(struct ear_tls_keys *k, enum ear_tls_secret which,
	const uint8_t *random, const uint8_t *secret, size_t n)
{
	struct ear_tls_key *key = entry(k, random);

	if (!key)
		return EAR_NOMEM;
	if (key->bytes[which] == n && !memcmp(key->secret[which], secret, n))
		return EAR_OK;
	memcpy(key->secret[which], secret, n);
	key->bytes[which] = (uint8_t)n;
	k->serial++;
	return EAR_OK;
}

static enum ear_err take_line(struct ear_tls_keys *k, struct ear_slice line)
{
	struct ear_slice label = word(&line), random = word(&line);
	uint8_t id[EAR_TLS_RANDOM], secret[EAR_TLS_SECRET_MAX];
	enum ear_err err = EAR_OK;
	size_t n;

	for (int i = 0; i < EAR_TLS_SECRETS; i++) {
		if (!ear_slice_eq(label, labels[i]))
			continue;
		if (unhex(random, id, sizeof(id)) != sizeof(id))
			break;
		n = unhex(word(&line), secret, sizeof(secret));
		/* Of a hash's length; a line cut short is no key. */
		if (n == 32 || n == 48)
			err = take(k, (enum ear_tls_secret)i, id, secret, n);
		break;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return err;
}

static enum ear_err end_line(struct ear_tls_keys *k)
{
	enum ear_err err = EAR_OK;

	if (!k->line_bad)
		err = take_line(k, ear_slice(k->line, k->line_n));
	OPENSSL_cleanse(k->line, sizeof(k->line));
	k->line_n = 0;
	k->line_bad = false;
	return err;
}

enum ear_err ear_tls_keys_feed(struct ear_tls_keys *k, struct ear_slice text)
{
	enum ear_err err = EAR_OK;

	while (text.n) {
		const char *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;

		if (k->line_n + n > sizeof(k->line)) {
			k->line_bad = true;
		} else {
			memcpy(k->line + k->line_n, text.p, n);
			k->line_n += n;
		}
		if (lf) {
			enum ear_err e = end_line(k);

			err = err ? err : e;
		}
		text = ear_slice_sub(text, n + (lf ? 1 : 0), text.n);
	}
	return err;
}

void ear_tls_keys_end(struct ear_tls_keys *keys)
{
	(void)end_line(keys);
}

uint64_t ear_tls_keys_serial(const struct ear_tls_keys *keys)
{
	return keys->serial;
}

size_t ear_tls_keys_count(const struct ear_tls_keys *keys)
{
	return keys->n;
}
