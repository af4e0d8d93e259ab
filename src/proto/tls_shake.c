/* SPDX-License-Identifier: Apache-2.0 */
/* What records say in clear or decrypted: handshakes, alerts, data. */
#include "proto/be.h"
#include "proto/tls_cert.h"
#include "proto/tls_priv.h"

#define SHAKE_HEAD 4

enum alert { ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };

static void set_text(
	struct ear_tls_flow *f, enum ear_tls_text which, struct ear_slice text)
{
	struct ear_buf *b = &f->text[which];

	ear_buf_reset(b);
	b->max = EAR_TLS_NAME_MAX;
	ear_buf_slice(b, ear_slice_sub(text, 0, EAR_TLS_NAME_MAX));
}

static void set_alpn(
	struct ear_tls_flow *f, enum ear_tls_text which, struct ear_slice list)
{
	struct ear_buf *b = &f->text[which];

	ear_buf_reset(b);
	b->max = EAR_TLS_NAME_MAX;
	ear_tls_alpn_text(list, b);
}

static void client_hello(
	struct ear_tls_flow *f, int side, struct ear_slice body)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_tls_hello h;

	if ((f->client >= 0 && f->client != side) ||
		ear_tls_client_hello(body, &h))
		return;
	f->client = (int8_t)side;
	memcpy(s->random, h.random.p, EAR_TLS_RANDOM);
	s->hello = true;
	s->early_data = h.early;
	set_text(f, EAR_TLS_SNI, h.sni);
	set_alpn(f, EAR_TLS_OFFER, h.alpn);
}

static void server_hello(
	struct ear_tls_flow *f, int side, struct ear_slice body)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_tls_hello h;

	if (f->client == side || ear_tls_server_hello(body, &h))
		return;
	if (h.retry) {
		f->version = h.version; /* another hello follows in clear */
		return;
	}
	f->client = (int8_t)!side;
	memcpy(s->random, h.random.p, EAR_TLS_RANDOM);
	s->hello = true;
	f->version = h.version;
	f->cipher = h.cipher;
	f->mac_last = h.mac_last;
	set_alpn(f, EAR_TLS_CHOICE, h.alpn);
	f->ready = f->ready || h.version == EAR_TLS_1_3;
	f->dirty = true;
}

static void certificate(struct ear_tls_flow *f, int side, struct ear_slice body)
{
	struct ear_tls_cert cert;
	struct ear_slice der;

	if (f->client == side ||
		ear_tls_first_certificate(body, ear_tls_is_13(f), &der) ||
		ear_tls_cert_read(der, &cert))
		return;
	set_text(f, EAR_TLS_SUBJECT, ear_buf_view(&cert.subject));
	set_text(f, EAR_TLS_ISSUER, ear_buf_view(&cert.issuer));
	f->not_after_ns = cert.not_after_ns;
	f->dirty = true;
	ear_tls_cert_fini(&cert);
}

/* In TLS 1.3 the handshake's keys end behind Finished, the data's begin. */
static void finished(struct ear_tls_flow *f, struct ear_tls_side *s)
{
	if (!ear_tls_is_13(f) || s->epoch != EAR_TLS_EPOCH_HANDSHAKE ||
		!s->open.suite)
		return;
	s->epoch = EAR_TLS_EPOCH_DATA;
	s->early_data = false;
	ear_tls_opener_fini(&s->open);
	ear_tls_opener_fini(&s->early);
}

static void key_update(struct ear_tls_flow *f, struct ear_tls_side *s)
{
	if (ear_tls_is_13(f) && s->epoch == EAR_TLS_EPOCH_DATA &&
		s->open.suite && ear_tls_open_next(&s->open))
		ear_tls_give_up(f, EAR_TLS_BAD_KEY);
}

static void message(
	struct ear_tls_flow *f, int side, uint8_t type, struct ear_slice body)
{
	struct ear_tls_hello h;

	switch (type) {
	case EAR_TLS_HS_CLIENT_HELLO: client_hello(f, side, body); break;
	case EAR_TLS_HS_SERVER_HELLO: server_hello(f, side, body); break;
	case EAR_TLS_HS_CERTIFICATE: certificate(f, side, body); break;
	case EAR_TLS_HS_ENCRYPTED_EXTENSIONS:
		if (ear_tls_is_13(f) && !ear_tls_extensions(body, &h) &&
			h.alpn.n) {
			set_alpn(f, EAR_TLS_CHOICE, h.alpn);
			f->dirty = true;
		}
		break;
	case EAR_TLS_HS_FINISHED: finished(f, &f->side[side]); break;
	case EAR_TLS_HS_KEY_UPDATE: key_update(f, &f->side[side]); break;
	default: break;
	}
}

/* One message off the front. @return bytes used; 0: it is not whole */
static size_t next_message(
	struct ear_tls_flow *f, int side, struct ear_slice in)
{
	size_t n;

	if (in.n < SHAKE_HEAD)
		return 0;
	n = ear_be32(in.p) & 0xffffff;
	if (n > EAR_TLS_SHAKE_MAX - SHAKE_HEAD) {
		f->side[side].shake_skip = (uint32_t)n;
		return SHAKE_HEAD;
	}
	if (in.n - SHAKE_HEAD < n)
		return 0;
	message(f, side, (uint8_t)in.p[0],
		ear_slice_sub(in, SHAKE_HEAD, SHAKE_HEAD + n));
	return SHAKE_HEAD + n;
}

static size_t pass_over(struct ear_tls_side *s, struct ear_slice in)
{
	size_t n = s->shake_skip < in.n ? s->shake_skip : in.n;

	s->shake_skip -= (uint32_t)n;
	return n;
}

/* Messages may share a record or span several (RFC 8446 s5.1). */
static void handshake(struct ear_tls_flow *f, int side, struct ear_slice in)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_buf *b = &s->shake;
	struct ear_slice all = in;
	size_t at = pass_over(s, in), n;

	if (b->n) {
		ear_buf_slice(b, ear_slice_sub(in, at, in.n));
		all = ear_buf_view(b);
		at = 0;
	}
	while ((n = next_message(f, side, ear_slice_sub(all, at, all.n)))) {
		at += n;
		at += pass_over(s, ear_slice_sub(all, at, all.n));
	}
	if (at == all.n) {
		ear_buf_fini(b);
		*b = (struct ear_buf){0};
	} else if (all.p != b->p) {
		b->max = EAR_TLS_SHAKE_MAX + EAR_TLS_RECORD_MAX;
		ear_buf_slice(b, ear_slice_sub(all, at, all.n));
	} else {
		memmove(b->p, b->p + at, all.n - at);
		b->n = all.n - at;
	}
	if (b->err) {
		ear_buf_fini(b);
		*b = (struct ear_buf){0};
		s->gapped = true;
	}
}

static void alert(struct ear_tls_flow *f, int side, struct ear_slice in)
{
	uint8_t level, what;
	bool soft;

	if (in.n != 2)
		return;
	level = (uint8_t)in.p[0];
	what = (uint8_t)in.p[1];
	soft = what == ALERT_CLOSE_NOTIFY || what == ALERT_USER_CANCELED;
	/* RFC 8446 s6: of TLS 1.3 the level says nothing. */
	if (what == ALERT_CLOSE_NOTIFY) {
		f->side[side].close_notify = true;
		if (f->closer < 0)
			f->closer = (int8_t)side;
	} else if (!f->alert && (level == 2 || (ear_tls_is_13(f) && !soft))) {
		f->alert = (uint8_t)(what == 255 ? what : what + 1);
		f->alert_by = (int8_t)side;
		f->ready = f->dirty = true;
	}
}

void ear_tls_content(struct ear_tls_flow *f, int side, uint64_t at_ns,
	uint8_t type, struct ear_slice bytes)
{
	struct ear_tls_side *s = &f->side[side];

	switch (type) {
	case EAR_TLS_HANDSHAKE: handshake(f, side, bytes); break;
	case EAR_TLS_ALERT: alert(f, side, bytes); break;
	case EAR_TLS_CHANGE_CIPHER:
		/* Decrypted: keys are changed once more, TLS 1.2 only. */
		if (s->changed && !ear_tls_is_13(f))
			ear_tls_opener_fini(&s->open);
		s->changed = true;
		if (f->version && !f->ready)
			f->ready = f->dirty = true;
		break;
	case EAR_TLS_DATA:
		f->tls->stats.bytes += bytes.n;
		if (bytes.n)
			f->tls->events.data(
				f->user, side, at_ns, bytes, f->tls->arg);
		break;
	default: break;
	}
}
