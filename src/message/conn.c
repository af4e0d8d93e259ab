/* SPDX-License-Identifier: Apache-2.0 */
#include "message/conn.h"

#include <inttypes.h>
#include <stdio.h>

/* Longest text kept: a certificate's names, as the wire had them. */
#define TEXT_BYTES 1024

static const struct ear_slice causes[] = {
	[EAR_CAUSE_UNKNOWN] = EAR_S_INIT("UNKNOWN"),
	[EAR_CAUSE_NORMAL] = EAR_S_INIT("NORMAL"),
	[EAR_CAUSE_NETWORK_ERROR] = EAR_S_INIT("NETWORK_ERROR"),
	[EAR_CAUSE_TIMEOUT] = EAR_S_INIT("TIMEOUT"),
	[EAR_CAUSE_TLS_ERROR] = EAR_S_INIT("TLS_ERROR"),
	[EAR_CAUSE_SERVER_STOP] = EAR_S_INIT("SERVER_STOP"),
};
#define CAUSES (sizeof(causes) / sizeof(causes[0]))

struct ear_slice ear_conn_cause_name(enum ear_conn_cause cause)
{
	return causes[cause < CAUSES ? cause : EAR_CAUSE_UNKNOWN];
}

enum ear_conn_cause ear_conn_cause_of(struct ear_slice name)
{
	for (size_t i = 0; i < CAUSES; i++) {
		if (ear_slice_ieq(name, causes[i]))
			return (enum ear_conn_cause)i;
	}
	return EAR_CAUSE_UNKNOWN;
}

struct ear_slice ear_tls_version_name(uint16_t version, char room[8])
{
	int n;

	switch (version) {
	case 0: return EAR_S("");
	case 0x0300: return EAR_S("SSLv3");
	case 0x0301: return EAR_S("TLSv1.0");
	case 0x0302: return EAR_S("TLSv1.1");
	case 0x0303: return EAR_S("TLSv1.2");
	case 0x0304: return EAR_S("TLSv1.3");
	default: break;
	}
	n = snprintf(room, 8, "0x%04x", version);
	return ear_slice(room, (size_t)n);
}

/* --- the table of keys ------------------------------------------------- */

enum shape { U8, U16, U64, FLAG, TEXT };

/* Keys are written into the journal: a word stays what it is. */
static const struct key {
	struct ear_slice name;
	enum shape shape;
	size_t at;
	uint64_t most;
} keys[] = {
#define K(key, shape, member, most)                                   \
	{                                                             \
		EAR_S_INIT(key), shape,                               \
			offsetof(struct ear_conn_event, member), most \
	}
	K("kind", U8, kind, EAR_CONN_CLOSED),
	K("cause", U8, cause, EAR_CAUSE_SERVER_STOP),
	K("by", U8, by, EAR_SIDE_SERVER),
	K("joined", FLAG, joined, 1),
	K("opened", U64, opened_ns, UINT64_MAX),
	K("client_bytes", U64, bytes[0], UINT64_MAX),
	K("server_bytes", U64, bytes[1], UINT64_MAX),
	K("version", U16, tls.version, UINT16_MAX),
	K("cipher", U16, tls.cipher, UINT16_MAX),
	K("alert", U8, tls.alert, UINT8_MAX),
	K("alert_by", U8, tls.alert_by, EAR_SIDE_SERVER),
	K("not_after", U64, tls.not_after_ns, UINT64_MAX),
	K("cipher_name", TEXT, tls.cipher_name, 0),
	K("sni", TEXT, tls.sni, 0),
	K("alpn", TEXT, tls.alpn, 0),
	K("subject", TEXT, tls.subject, 0),
	K("issuer", TEXT, tls.issuer, 0),
	K("unread", TEXT, tls.unread, 0),
#undef K
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* --- out --------------------------------------------------------------- */

static uint64_t number(const struct ear_conn_event *e, const struct key *k)
{
	const void *at = (const char *)e + k->at;

	switch (k->shape) {
	case U8: return *(const uint8_t *)at;
	case U16: return *(const uint16_t *)at;
	case U64: return *(const uint64_t *)at;
	case FLAG: return *(const bool *)at;
	default: return 0;
	}
}

/* One line it stays, whatever a certificate says. */
static void put_text(struct ear_buf *out, struct ear_slice text)
{
	text = ear_slice_sub(text, 0, TEXT_BYTES);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];

		ear_buf_byte(out, c < 0x20 || c == 0x7f ? '?' : c);
	}
}

void ear_conn_write(const struct ear_conn_event *e, struct ear_buf *out)
{
	for (const struct key *k = keys; k < keys + KEYS; k++) {
		const struct ear_slice *text =
			(const void *)((const char *)e + k->at);

		if (k->shape == TEXT ? !text->n : !number(e, k))
			continue;
		ear_buf_slice(out, k->name);
		ear_buf_byte(out, ' ');
		if (k->shape == TEXT)
			put_text(out, *text);
		else
			ear_buf_printf(out, "%" PRIu64, number(e, k));
		ear_buf_byte(out, '\n');
	}
}

/* --- in ---------------------------------------------------------------- */

static enum ear_err take(
	struct ear_conn_event *e, const struct key *k, struct ear_slice value)
{
	void *at = (char *)e + k->at;
	uint64_t n;

	if (k->shape == TEXT) {
		*(struct ear_slice *)at = value;
		return EAR_OK;
	}
	if (!ear_slice_u64(value, k->most, &n))
		return EAR_BAD;
	switch (k->shape) {
	case U8: *(uint8_t *)at = (uint8_t)n; break;
	case U16: *(uint16_t *)at = (uint16_t)n; break;
	case FLAG: *(bool *)at = n != 0; break;
	default: *(uint64_t *)at = n; break;
	}
	return EAR_OK;
}

/* A key of a later version is passed over. */
static enum ear_err take_line(struct ear_conn_event *e, struct ear_slice line)
{
	size_t space = ear_slice_find(line, EAR_S(" "));

	if (space == line.n)
		return EAR_BAD;
	for (const struct key *k = keys; k < keys + KEYS; k++) {
		if (ear_slice_eq(ear_slice_sub(line, 0, space), k->name))
			return take(
				e, k, ear_slice_sub(line, space + 1, line.n));
	}
	return EAR_OK;
}

enum ear_err ear_conn_read(struct ear_slice raw, struct ear_conn_event *e)
{
	*e = (struct ear_conn_event){0};
	while (raw.n) {
		size_t end = ear_slice_find(raw, EAR_S("\n"));

		if (end == raw.n || take_line(e, ear_slice_sub(raw, 0, end)))
			return EAR_BAD;
		raw = ear_slice_sub(raw, end + 1, raw.n);
	}
	return e->kind ? EAR_OK : EAR_BAD;
}
