/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where the secrets of a SIP message stand, so that a rule can blank them
 * before messages are stored.
 *
 * Secret are: of Authorization and Proxy-Authorization the digest response,
 * the token of Basic, Bearer and their like, gssapi-data and signature values
 * of NTLM, Kerberos and TLS-DSK; of (Proxy-)Authentication-Info rspauth and
 * the same; of the challenges gssapi-data; the password in any SIP URI
 * ("sip:alice:secret@host"); in SDP the keys of a=crypto and k= lines, the
 * same in each SDP part of a multipart body.
 *
 * Not secret, since they are needed to explain a failed log-in: user name,
 * realm, nonce, cnonce, nc, uri, algorithm.
 */
#ifndef EAR_PROTO_SIP_SECRET_H
#define EAR_PROTO_SIP_SECRET_H

#include "proto/sip.h"

/** Called for each secret, in no particular order; ranges do not overlap. */
typedef void (*ear_sip_secret_fn)(size_t offset, size_t length, void *arg);

/**
 * Give the byte ranges of all secrets in a parsed message.
 *
 * @param[in] sip as ear_sip_parse() left it; offsets are into sip->raw
 * @return how many there were
 *
 * Cost: without credentials, passwords and keys a look-up per header name and
 * one search for "@" with a colon before it. Threads: pure.
 */
size_t ear_sip_secrets(
	const struct ear_sip *sip, ear_sip_secret_fn fn, void *arg);

/** As ear_sip_secrets(), of the body alone. */
size_t ear_sip_body_secrets(
	const struct ear_sip *sip, ear_sip_secret_fn fn, void *arg);

/**
 * Whether an address in a text has a password, as "sip:alice:secret@host":
 * for header fields that nobody parses.
 */
bool ear_sip_has_password(struct ear_slice text);

/** The passwords of addresses in a text; offsets into it. */
size_t ear_sip_passwords(
	struct ear_slice text, ear_sip_secret_fn fn, void *arg);

#endif
