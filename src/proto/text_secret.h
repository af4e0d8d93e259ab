/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where the secrets of a text stand that has no grammar: a line that some
 * program logged, perhaps with a message quoted in it.
 *
 * Found is what can be told by its look: the token of a quoted Authorization
 * header; response, rspauth and gssapi-data of credentials, where they are as
 * long as these are; what follows password=, secret: and their like, also as
 * JSON; the password of a SIP URI; keys of quoted SDP. What a program writes
 * in words of its own is not.
 */
#ifndef EAR_PROTO_TEXT_SECRET_H
#define EAR_PROTO_TEXT_SECRET_H

#include "proto/sip_secret.h"

/**
 * Give the byte ranges of all secrets of a text; they do not overlap, but for
 * a password within an address that is a password itself.
 *
 * @return how many there were
 *
 * Cost: two passes. Threads: pure.
 */
size_t ear_text_secrets(struct ear_slice text, ear_sip_secret_fn fn, void *arg);

#endif
