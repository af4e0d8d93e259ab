/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_hello.h"

#include "base/reader.h"
#include "proto/tls_keys.h"

enum extension {
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	EXT_ENCRYPT_THEN_MAC = 22,
	EXT_SESSION_TICKET = 35,
	EXT_PRE_SHARED_KEY = 41,
	EXT_EARLY_DATA = 42,
	EXT_SUPPORTED_VERSIONS = 43,
};

/* The random that makes a ServerHello a HelloRetryRequest: SHA-256 of
 * "HelloRetryRequest" (RFC 8446 s4.1.3). */
static const uint8_t retry_random[EAR_TLS_RANDOM] = {0xcf, 0x21, 0xad, 0x74,
	0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2,
	0xc8, 0xa8, 0x33, 0x9c};

/* A run of bytes behind its length in one or two bytes. */
static struct ear_slice run8(struct ear_reader *r)
{
	return ear_read(r, ear_read_u8(r));
}

static struct ear_slice run16(struct ear_reader *r)
{
	return ear_read(r, ear_read_be16(r));
}

/* ServerNameList: the first host_name (type 0). */
static struct ear_slice read_sni(struct ear_slice in)
{
	struct ear_reader r = ear_reader(in);
	struct ear_reader list = ear_reader(run16(&r));

	while (ear_reader_left(&list)) {
		uint8_t type = ear_read_u8(&list);
		struct ear_slice name = run16(&list);

		if (!list.err && !type && name.n <= 255)
			return name;
	}
	return EAR_S("");
}

/* The best version of a list. Reserved ones (0x?a?a, RFC 8701) and drafts are
 * not versions. */
static uint16_t best_version(struct ear_slice in)
{
	struct ear_reader r = ear_reader(in);
	struct ear_reader list = ear_reader(run8(&r));
	uint16_t best = 0;

	while (ear_reader_left(&list) >= 2) {
		uint16_t v = ear_read_be16(&list);

		if (v >> 8 == 3 && v <= EAR_TLS_1_3 && v > best)
			best = v;
	}
	return best;
}

static void one_extension(struct ear_tls_hello *h, uint16_t type,
	struct ear_slice body, bool client)
{
	struct ear_reader r = ear_reader(body);
	uint16_t version;

	switch (type) {
	case EXT_SERVER_NAME:
		if (client)
			h->sni = read_sni(body);
		break;
	case EXT_ALPN: h->alpn = run16(&r); break;
	case EXT_ENCRYPT_THEN_MAC: h->mac_last = true; break;
	case EXT_SESSION_TICKET: h->ticket = h->ticket || body.n; break;
	case EXT_PRE_SHARED_KEY: h->ticket = true; break;
	case EXT_EARLY_DATA: h->early = true; break;
	case EXT_SUPPORTED_VERSIONS:
		version = client ? best_version(body) : ear_read_be16(&r);
		if (version)
			h->version = version;
		break;
	default: break;
	}
}

static void extensions(
	struct ear_reader *r, struct ear_tls_hello *h, bool client)
{
	struct ear_reader list;

	if (!ear_reader_left(r))
		return; /* RFC 5246 s7.4.1.2: they may be missing */
	list = ear_reader(run16(r));
	while (ear_reader_left(&list) >= 4) {
		uint16_t type = ear_read_be16(&list);
		struct ear_slice body = run16(&list);

		if (list.err)
			return;
		one_extension(h, type, body, client);
	}
}

enum ear_err ear_tls_client_hello(
	struct ear_slice body, struct ear_tls_hello *h)
{
	struct ear_reader r = ear_reader(body);

	*h = (struct ear_tls_hello){0};
	h->version = ear_read_be16(&r);
	h->random = ear_read(&r, EAR_TLS_RANDOM);
	h->session = run8(&r);
	(void)run16(&r); /* cipher suites offered */
	(void)run8(&r);  /* compression */
	if (r.err || !h->random.n)
		return EAR_BAD;
	extensions(&r, h, true);
	return EAR_OK;
}

enum ear_err ear_tls_server_hello(
	struct ear_slice body, struct ear_tls_hello *h)
{
	struct ear_reader r = ear_reader(body);

	*h = (struct ear_tls_hello){0};
	h->version = ear_read_be16(&r);
	h->random = ear_read(&r, EAR_TLS_RANDOM);
	h->session = run8(&r);
	h->cipher = ear_read_be16(&r);
	(void)ear_read_u8(&r); /* compression */
	if (r.err || !h->random.n)
		return EAR_BAD;
	h->retry = !memcmp(h->random.p, retry_random, sizeof(retry_random));
	extensions(&r, h, false);
	return EAR_OK;
}

enum ear_err ear_tls_extensions(struct ear_slice body, struct ear_tls_hello *h)
{
	struct ear_reader r = ear_reader(body);

	*h = (struct ear_tls_hello){0};
	if (body.n < 2)
		return EAR_BAD;
	extensions(&r, h, false);
	return r.err ? EAR_BAD : EAR_OK;
}

static uint32_t read_be24(struct ear_reader *r)
{
	uint32_t high = ear_read_u8(r);

	return high << 16 | ear_read_be16(r);
}

enum ear_err ear_tls_first_certificate(
	struct ear_slice body, bool tls13, struct ear_slice *der)
{
	struct ear_reader r = ear_reader(body);

	if (tls13)
		(void)run8(&r); /* context */
	(void)read_be24(&r);    /* length of the list */
	*der = ear_read(&r, read_be24(&r));
	return r.err || !der->n ? EAR_BAD : EAR_OK;
}

void ear_tls_alpn_text(struct ear_slice list, struct ear_buf *out)
{
	struct ear_reader r = ear_reader(list);

	while (ear_reader_left(&r)) {
		struct ear_slice name = run8(&r);

		if (r.err || !name.n)
			return;
		if (out->n)
			ear_buf_byte(out, ',');
		ear_buf_slice(out, name);
	}
}
