/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_crypt.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "proto/be.h"

#define GCM_TAG 16
#define NONCE 12
#define CBC_BLOCK 16

static const EVP_MD *digest(enum ear_tls_hash hash)
{
	switch (hash) {
	case EAR_TLS_HASH_SHA1: return EVP_sha1();
	case EAR_TLS_HASH_SHA384: return EVP_sha384();
	default: return EVP_sha256();
	}
}

size_t ear_tls_hash_bytes(enum ear_tls_hash hash)
{
	switch (hash) {
	case EAR_TLS_HASH_SHA1: return 20;
	case EAR_TLS_HASH_SHA256: return 32;
	case EAR_TLS_HASH_SHA384: return 48;
	default: return 0;
	}
}

static bool hmac(enum ear_tls_hash hash, struct ear_slice key,
	struct ear_slice in, uint8_t *out)
{
	unsigned n;

	return HMAC(digest(hash), key.p, (int)key.n, (const uint8_t *)in.p,
		       in.n, out, &n) != NULL;
}

/*
 * RFC 5246 s5: A(0) = label seed, A(i) = HMAC(A(i-1)),
 * output = HMAC(A(1) label seed) HMAC(A(2) label seed) …
 */
bool ear_tls_prf(enum ear_tls_hash hash, struct ear_slice secret,
	struct ear_slice label, struct ear_slice seed, uint8_t *out, size_t n)
{
	uint8_t text[48 + 160], block[48];
	size_t size = ear_tls_hash_bytes(hash), tail = label.n + seed.n;
	bool good = tail <= sizeof(text) - 48;

	if (!good)
		return false;
	memcpy(text + size, label.p, label.n);
	memcpy(text + size + label.n, seed.p, seed.n);
	good = hmac(hash, secret, ear_slice(text + size, tail), text);
	while (good && n) {
		size_t part = n < size ? n : size;

		good = hmac(hash, secret, ear_slice(text, size + tail), block);
		memcpy(out, block, part);
		out += part;
		n -= part;
		if (good && n) {
			good = hmac(hash, secret, ear_slice(text, size), block);
			memcpy(text, block, size);
		}
	}
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(text, sizeof(text));
	return good;
}

/*
 * RFC 8446 s7.1 with RFC 5869 s2.3 of one block, which is all that keys of
 * TLS need: HMAC(secret, length(2) "tls13 " label context-length(1)=0 0x01).
 */
bool ear_tls_expand(enum ear_tls_hash hash, struct ear_slice secret,
	struct ear_slice label, uint8_t *out, size_t n)
{
	uint8_t text[2 + 1 + 6 + 12 + 1 + 1], block[48];
	size_t at = 0;
	bool good;

	if (label.n > 12 || n > ear_tls_hash_bytes(hash))
		return false;
	text[at++] = 0;
	text[at++] = (uint8_t)n;
	text[at++] = (uint8_t)(6 + label.n);
	memcpy(text + at, "tls13 ", 6);
	at += 6;
	memcpy(text + at, label.p, label.n);
	at += label.n;
	text[at++] = 0;
	text[at++] = 1;
	good = hmac(hash, secret, ear_slice(text, at), block);
	if (good)
		memcpy(out, block, n);
	OPENSSL_cleanse(block, sizeof(block));
	return good;
}

static const EVP_CIPHER *cipher_of(const struct ear_tls_suite *s)
{
	bool wide = s->key_bytes == 32;

	switch (s->cipher) {
	case EAR_TLS_GCM: return wide ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	case EAR_TLS_CCM:
	case EAR_TLS_CCM8: return wide ? EVP_aes_256_ccm() : EVP_aes_128_ccm();
	case EAR_TLS_CHACHA: return EVP_chacha20_poly1305();
	case EAR_TLS_CBC: return wide ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	default: return NULL;
	}
}

static size_t tag_bytes(const struct ear_tls_suite *s)
{
	return s->cipher == EAR_TLS_CCM8 ? 8 : GCM_TAG;
}

/* Bytes of the nonce that come from the key block in TLS 1.2. */
static size_t fixed_iv(const struct ear_tls_suite *s)
{
	switch (s->cipher) {
	case EAR_TLS_CHACHA: return NONCE;
	case EAR_TLS_CBC: return 0;
	default: return 4;
	}
}

/* The cipher is set up once; each record then only sets its nonce. */
static enum ear_err set_up(
	struct ear_tls_opener *o, const struct ear_tls_suite *suite)
{
	int wide = suite->cipher == EAR_TLS_CBC ? CBC_BLOCK : NONCE;

	o->suite = suite;
	o->seq = 0;
	if (!o->ctx)
		o->ctx = EVP_CIPHER_CTX_new();
	if (!o->ctx ||
		EVP_DecryptInit_ex(
			o->ctx, cipher_of(suite), NULL, NULL, NULL) != 1 ||
		(suite->cipher != EAR_TLS_CBC &&
			EVP_CIPHER_CTX_ctrl(o->ctx, EVP_CTRL_AEAD_SET_IVLEN,
				wide, NULL) != 1)) {
		ear_tls_opener_fini(o);
		return EAR_NOMEM;
	}
	if (suite->cipher == EAR_TLS_CCM || suite->cipher == EAR_TLS_CCM8)
		EVP_CIPHER_CTX_ctrl(o->ctx, EVP_CTRL_AEAD_SET_TAG,
			(int)tag_bytes(suite), NULL);
	if (EVP_DecryptInit_ex(o->ctx, NULL, NULL, o->key, NULL) != 1) {
		ear_tls_opener_fini(o);
		return EAR_NOMEM;
	}
	EVP_CIPHER_CTX_set_padding(o->ctx, 0);
	return EAR_OK;
}

/*
 * The key block: client MAC key, server MAC key, client key, server key,
 * client IV, server IV (RFC 5246 s6.3). Here one direction's are picked.
 */
enum ear_err ear_tls_open_12(struct ear_tls_opener *o,
	const struct ear_tls_suite *suite, const struct ear_tls_master *from)
{
	uint8_t block[2 * (48 + 32 + NONCE)], seed[2 * EAR_TLS_RANDOM];
	size_t mac = ear_tls_hash_bytes(suite->mac), key = suite->key_bytes;
	size_t iv = fixed_iv(suite), second = from->of_server ? 1 : 0;
	bool good;

	if (!suite->cipher)
		return EAR_UNSUPPORTED;
	if (from->secret.n != EAR_TLS_SECRET_MAX)
		return EAR_BAD;
	memcpy(seed, from->server_random, EAR_TLS_RANDOM);
	memcpy(seed + EAR_TLS_RANDOM, from->client_random, EAR_TLS_RANDOM);
	good = ear_tls_prf(suite->prf, from->secret, EAR_S("key expansion"),
		ear_slice(seed, sizeof(seed)), block, 2 * (mac + key + iv));
	if (good) {
		memcpy(o->mac, block + second * mac, mac);
		memcpy(o->key, block + 2 * mac + second * key, key);
		memcpy(o->iv, block + 2 * (mac + key) + second * iv, iv);
	}
	OPENSSL_cleanse(block, sizeof(block));
	o->tls13 = false;
	o->mac_last = from->mac_last;
	return good ? set_up(o, suite) : EAR_NOMEM;
}

enum ear_err ear_tls_open_13(struct ear_tls_opener *o,
	const struct ear_tls_suite *suite, struct ear_slice secret)
{
	if (!suite->cipher || suite->cipher == EAR_TLS_CBC)
		return EAR_UNSUPPORTED;
	if (secret.n != ear_tls_hash_bytes(suite->prf))
		return EAR_BAD;
	if (secret.p != (const char *)o->secret)
		memcpy(o->secret, secret.p, secret.n);
	o->secret_n = (uint8_t)secret.n;
	if (!ear_tls_expand(suite->prf, secret, EAR_S("key"), o->key,
		    suite->key_bytes) ||
		!ear_tls_expand(suite->prf, secret, EAR_S("iv"), o->iv, NONCE))
		return EAR_NOMEM;
	o->tls13 = true;
	return set_up(o, suite);
}

enum ear_err ear_tls_open_next(struct ear_tls_opener *o)
{
	uint8_t next[EAR_TLS_SECRET_MAX];
	enum ear_err err;

	if (!o->suite || !o->tls13)
		return EAR_BAD;
	if (!ear_tls_expand(o->suite->prf, ear_slice(o->secret, o->secret_n),
		    EAR_S("traffic upd"), next, o->secret_n))
		return EAR_NOMEM;
	err = ear_tls_open_13(o, o->suite, ear_slice(next, o->secret_n));
	OPENSSL_cleanse(next, sizeof(next));
	return err;
}

static void put_seq(uint64_t seq, uint8_t *out)
{
	for (int i = 7; i >= 0; i--, seq >>= 8)
		out[i] = (uint8_t)seq;
}

/* The per-record nonce (RFC 8446 s5.3, RFC 5288 s3, RFC 7905 s2). */
static void make_nonce(const struct ear_tls_opener *o, uint64_t seq,
	const char *explicit, uint8_t nonce[NONCE])
{
	uint8_t number[8];

	memcpy(nonce, o->iv, NONCE);
	if (explicit) {
		memcpy(nonce + 4, explicit, 8);
		return;
	}
	put_seq(seq, number);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= number[i];
}

/* What else is signed. @return its length */
static size_t make_aad(const struct ear_tls_opener *o, const uint8_t *head,
	size_t plain_n, uint8_t aad[13])
{
	if (o->tls13) {
		memcpy(aad, head, EAR_TLS_HEAD);
		return EAR_TLS_HEAD;
	}
	put_seq(o->seq, aad);
	memcpy(aad + 8, head, 3);
	aad[11] = (uint8_t)(plain_n >> 8);
	aad[12] = (uint8_t)plain_n;
	return 13;
}

/* CCM wants its tag and the length before the text; GCM and ChaCha20 the tag
 * last. */
static bool aead(const struct ear_tls_opener *o, const uint8_t *nonce,
	const uint8_t *aad, size_t aad_n, struct ear_slice text, uint8_t *out)
{
	size_t tag_n = tag_bytes(o->suite), n = text.n - tag_n;
	bool ccm = o->suite->cipher == EAR_TLS_CCM ||
		   o->suite->cipher == EAR_TLS_CCM8;
	void *tag = (void *)(text.p + n);
	int got = 0, end = 0;

	if (EVP_CIPHER_CTX_ctrl(
		    o->ctx, EVP_CTRL_AEAD_SET_TAG, (int)tag_n, tag) != 1 ||
		EVP_DecryptInit_ex(
			o->ctx, NULL, NULL, ccm ? o->key : NULL, nonce) != 1 ||
		(ccm && EVP_DecryptUpdate(o->ctx, NULL, &got, NULL, (int)n) !=
				1) ||
		EVP_DecryptUpdate(o->ctx, NULL, &got, aad, (int)aad_n) != 1)
		return false;
	if ((n || ccm) && EVP_DecryptUpdate(o->ctx, out, &got,
				  (const uint8_t *)text.p, (int)n) != 1)
		return false;
	return ccm || EVP_DecryptFinal_ex(o->ctx, out + got, &end) == 1;
}

static enum ear_err open_aead(struct ear_tls_opener *o, const uint8_t *head,
	struct ear_slice in, uint8_t *out, struct ear_slice *plain)
{
	bool explicit = !o->tls13 && o->suite->cipher != EAR_TLS_CHACHA;
	size_t front = explicit ? 8 : 0, tag = tag_bytes(o->suite);
	uint8_t nonce[NONCE], aad[13];
	size_t aad_n;

	if (in.n < front + tag)
		return EAR_BAD;
	make_nonce(o, o->seq, explicit ? in.p : NULL, nonce);
	in = ear_slice_sub(in, front, in.n);
	aad_n = make_aad(o, head, in.n - tag, aad);
	if (!aead(o, nonce, aad, aad_n, in, out))
		return EAR_BAD;
	*plain = ear_slice(out, in.n - tag);
	return EAR_OK;
}

/* MAC over sequence number, head with the length of body, and body. */
static bool mac_fits(const struct ear_tls_opener *o, const uint8_t *head,
	struct ear_slice body, const char *mac)
{
	enum ear_tls_hash hash = o->suite->mac;
	size_t size = ear_tls_hash_bytes(hash);
	uint8_t aad[13], got[48];
	bool good;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, o->mac, size);
	size_t got_n = sizeof(got);

	make_aad(o, head, body.n, aad);
	good = ctx && key &&
	       EVP_DigestSignInit(ctx, NULL, digest(hash), NULL, key) == 1 &&
	       EVP_DigestSignUpdate(ctx, aad, sizeof(aad)) == 1 &&
	       EVP_DigestSignUpdate(ctx, body.p, body.n) == 1 &&
	       EVP_DigestSignFinal(ctx, got, &got_n) == 1 && got_n == size &&
	       !CRYPTO_memcmp(got, mac, size);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

/*
 *     MAC first:     IV | { text | MAC | padding | padding length }
 *     encrypt first: IV | { text | padding | padding length } | MAC
 */
static enum ear_err open_cbc(struct ear_tls_opener *o, const uint8_t *head,
	struct ear_slice in, uint8_t *out, struct ear_slice *plain)
{
	size_t mac_n = ear_tls_hash_bytes(o->suite->mac), n, pad;
	struct ear_slice text = in;
	int got = 0;

	if (o->mac_last) {
		if (in.n < mac_n)
			return EAR_BAD;
		text.n -= mac_n;
		if (!mac_fits(o, head, text, in.p + text.n))
			return EAR_BAD;
	}
	if (text.n < 2 * CBC_BLOCK || text.n % CBC_BLOCK ||
		EVP_DecryptInit_ex(o->ctx, NULL, NULL, NULL,
			(const uint8_t *)text.p) != 1 ||
		EVP_DecryptUpdate(o->ctx, out, &got,
			(const uint8_t *)text.p + CBC_BLOCK,
			(int)(text.n - CBC_BLOCK)) != 1)
		return EAR_BAD;
	n = (size_t)got;
	pad = n ? (size_t)out[n - 1] + 1 : 1;
	if (pad + (o->mac_last ? 0 : mac_n) > n)
		return EAR_BAD;
	n -= pad;
	if (!o->mac_last) {
		n -= mac_n;
		if (!mac_fits(
			    o, head, ear_slice(out, n), (const char *)out + n))
			return EAR_BAD;
	}
	*plain = ear_slice(out, n);
	return EAR_OK;
}

/* TLSInnerPlaintext: text, its type, zeros (RFC 8446 s5.4). */
static enum ear_err strip(struct ear_slice *plain, uint8_t *type)
{
	while (plain->n && !plain->p[plain->n - 1])
		plain->n--;
	if (!plain->n)
		return EAR_BAD;
	*type = (uint8_t)plain->p[--plain->n];
	return EAR_OK;
}

enum ear_err ear_tls_open_record(struct ear_tls_opener *o, const uint8_t *head,
	struct ear_slice in, uint8_t *out, struct ear_slice *plain,
	uint8_t *type)
{
	enum ear_err err;

	*type = head[0];
	if (!o->suite || in.n > EAR_TLS_RECORD_MAX)
		return EAR_BAD;
	err = o->suite->cipher == EAR_TLS_CBC
		      ? open_cbc(o, head, in, out, plain)
		      : open_aead(o, head, in, out, plain);
	if (!err && o->tls13)
		err = strip(plain, type);
	if (!err)
		o->seq++;
	else
		ERR_clear_error();
	return err;
}

void ear_tls_opener_fini(struct ear_tls_opener *o)
{
	EVP_CIPHER_CTX_free(o->ctx);
	OPENSSL_cleanse(o, sizeof(*o));
}
