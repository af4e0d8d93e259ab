/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the keys of encrypted records and reads them. */
#include "proto/tls_priv.h"

/* Records in a row that may not fit behind a gap before it is given up. */
#define FAILS_MAX 8

/* A reason that names what is not read. */
static void name_reason(struct ear_tls_flow *f, enum ear_tls_unread why)
{
	struct ear_buf *b = &f->text[EAR_TLS_REASON];
	struct ear_slice name = ear_tls_suite_name(f->cipher);

	if (why == EAR_TLS_BAD_CIPHER && name.n)
		ear_buf_printf(b, "cipher %.*s is not read", EAR_FMT(name));
	else if (why == EAR_TLS_BAD_CIPHER)
		ear_buf_printf(b, "cipher 0x%04x is not read", f->cipher);
	else if (why == EAR_TLS_BAD_VERSION && f->version >> 8 == 3 &&
		 (f->version & 255))
		ear_buf_printf(
			b, "TLS 1.%u is not read", (f->version & 255u) - 1);
	else if (why == EAR_TLS_BAD_VERSION)
		ear_buf_printf(b, "version 0x%04x is not read", f->version);
}

void ear_tls_give_up(struct ear_tls_flow *f, enum ear_tls_unread why)
{
	if (f->why)
		return;
	f->why = (uint8_t)why;
	f->dirty = f->ready = true;
	f->tls->stats.unread[why]++;
	name_reason(f, why);
}

static enum ear_tls_step give_up(
	struct ear_tls_flow *f, enum ear_tls_unread why)
{
	ear_tls_give_up(f, why);
	return EAR_TLS_DONE;
}

static enum ear_tls_step wait_for(
	struct ear_tls_flow *f, enum ear_tls_unread why)
{
	f->waits = (uint8_t)why;
	return EAR_TLS_WAIT;
}

static struct ear_slice secret_of(
	const struct ear_tls_key *key, enum ear_tls_secret which)
{
	return ear_slice(key->secret[which], key->bytes[which]);
}

static enum ear_tls_secret which_13(bool client, uint8_t epoch)
{
	if (epoch == EAR_TLS_EPOCH_HANDSHAKE)
		return client ? EAR_TLS_CLIENT_HANDSHAKE
			      : EAR_TLS_SERVER_HANDSHAKE;
	return client ? EAR_TLS_CLIENT_DATA : EAR_TLS_SERVER_DATA;
}

static enum ear_err make_keys(struct ear_tls_flow *f, int side,
	const struct ear_tls_suite *suite, const struct ear_tls_key *key)
{
	struct ear_tls_side *s = &f->side[side];
	bool client = f->client == side;
	struct ear_slice secret;

	if (ear_tls_is_13(f)) {
		secret = secret_of(key, which_13(client, s->epoch));
		return secret.n ? ear_tls_open_13(&s->open, suite, secret)
				: EAR_MORE;
	}
	secret = secret_of(key, EAR_TLS_MASTER);
	if (!secret.n)
		return EAR_MORE;
	return ear_tls_open_12(&s->open, suite,
		&(struct ear_tls_master){
			.secret = secret,
			.client_random = f->side[f->client].random,
			.server_random = f->side[!f->client].random,
			.of_server = !client,
			.mac_last = f->mac_last,
		});
}

/* 0-RTT comes under keys of its own, with the cipher that the server takes. */
static void make_early(struct ear_tls_flow *f, struct ear_tls_side *s,
	const struct ear_tls_suite *suite, const struct ear_tls_key *key)
{
	struct ear_slice secret = secret_of(key, EAR_TLS_CLIENT_EARLY);

	if (!s->early_data || s->early.suite || !secret.n)
		return;
	if (ear_tls_open_13(&s->early, suite, secret))
		ear_tls_opener_fini(&s->early);
}

/* Have keys for a side. On EAR_TLS_DONE flow->why says whether there are. */
static enum ear_tls_step prepare(struct ear_tls_flow *f, int side)
{
	const struct ear_tls_suite *suite;
	const struct ear_tls_key *key;

	if (f->side[side].open.suite)
		return EAR_TLS_DONE;
	if (!f->side[0].hello && !f->side[1].hello)
		return give_up(f, f->side[0].gapped || f->side[1].gapped
					  ? EAR_TLS_MISSING
					  : EAR_TLS_LATE);
	if (!f->side[0].hello || !f->side[1].hello)
		return wait_for(f, EAR_TLS_MISSING);
	if (f->version != EAR_TLS_1_2 && f->version != EAR_TLS_1_3)
		return give_up(f, EAR_TLS_BAD_VERSION);
	suite = ear_tls_suite(f->cipher);
	if (!suite || !suite->cipher)
		return give_up(f, EAR_TLS_BAD_CIPHER);
	key = ear_tls_keys_find(
		f->tls->options.keys, f->side[f->client].random);
	if (!key)
		return wait_for(f, EAR_TLS_NO_KEY);
	make_early(f, &f->side[f->client], suite, key);
	switch (make_keys(f, side, suite, key)) {
	case EAR_OK: return EAR_TLS_DONE;
	case EAR_MORE: return wait_for(f, EAR_TLS_NO_KEY);
	case EAR_UNSUPPORTED: return give_up(f, EAR_TLS_BAD_CIPHER);
	default: return give_up(f, EAR_TLS_BAD_KEY);
	}
}

/* Behind a gap the record's number is tried out. */
static enum ear_err open_near(struct ear_tls_flow *f, struct ear_tls_side *s,
	const struct ear_tls_record *rec, struct ear_slice *plain,
	uint8_t *type)
{
	uint64_t seq = s->open.seq;
	enum ear_err err;

	for (unsigned ahead = 0; ahead <= s->window; ahead++) {
		s->open.seq = seq + ahead;
		err = ear_tls_open_record(&s->open, rec->head, rec->payload,
			f->tls->plain, plain, type);
		if (!err) {
			s->window = 0;
			s->fails = 0;
			return EAR_OK;
		}
	}
	s->open.seq = seq;
	return EAR_BAD;
}

/* The handshake's end may be among the bytes that are missing. */
static bool skip_handshake(struct ear_tls_flow *f, int side)
{
	struct ear_tls_side *s = &f->side[side];

	if (!s->gapped || !ear_tls_is_13(f) ||
		s->epoch != EAR_TLS_EPOCH_HANDSHAKE)
		return false;
	ear_tls_opener_fini(&s->open);
	s->epoch = EAR_TLS_EPOCH_DATA;
	return prepare(f, side) == EAR_TLS_DONE && !f->why;
}

/* A record that does not fit. */
static void misfit(struct ear_tls_flow *f, struct ear_tls_side *s)
{
	if (s->early_data && s->epoch == EAR_TLS_EPOCH_HANDSHAKE &&
		!s->open.seq)
		return; /* 0-RTT without its key, or refused by the server */
	if (!s->gapped) {
		ear_tls_give_up(f, EAR_TLS_BAD_KEY);
	} else if (++s->fails > FAILS_MAX) {
		ear_tls_give_up(f, EAR_TLS_MISSING);
	} else {
		s->window = EAR_TLS_WINDOW_MAX;
	}
}

static enum ear_err open_early(struct ear_tls_flow *f, struct ear_tls_side *s,
	const struct ear_tls_record *rec, struct ear_slice *plain,
	uint8_t *type)
{
	if (!s->early.suite || !s->early_data)
		return EAR_BAD;
	return ear_tls_open_record(
		&s->early, rec->head, rec->payload, f->tls->plain, plain, type);
}

enum ear_tls_step ear_tls_sealed(
	struct ear_tls_flow *f, int side, const struct ear_tls_record *rec)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_slice plain = {0};
	uint8_t type = 0;

	if (prepare(f, side) == EAR_TLS_WAIT)
		return EAR_TLS_WAIT;
	if (f->why)
		return EAR_TLS_DONE;
	if (!open_early(f, s, rec, &plain, &type) ||
		!open_near(f, s, rec, &plain, &type) ||
		(skip_handshake(f, side) &&
			!open_near(f, s, rec, &plain, &type))) {
		f->tls->stats.records++;
		ear_tls_content(f, side, rec->at_ns, type, plain);
		return EAR_TLS_DONE;
	}
	if (!f->why)
		misfit(f, s);
	return EAR_TLS_DONE;
}
