/* SPDX-License-Identifier: Apache-2.0 */
/** Content-Type and bodies of several parts (RFC 2046, RFC 5621). */
#ifndef EAR_PROTO_SIP_BODY_H
#define EAR_PROTO_SIP_BODY_H

#include "base/slice.h"

struct ear_sip_type {
	struct ear_slice type;    /**< "application" */
	struct ear_slice subtype; /**< "sdp" */
	struct ear_slice params;  /**< after the first ';' */
};

/** Read a Content-Type value. @return false when it is none */
bool ear_sip_type_parse(struct ear_slice value, struct ear_sip_type *type);

/** Whether it is wanted, as "application/sdp", any case. */
bool ear_sip_type_is(const struct ear_sip_type *type, struct ear_slice wanted);

/** Parts of one multipart body; see ear_sip_parts(). */
struct ear_sip_parts {
	struct ear_slice boundary; /**< without its leading "--" */
	struct ear_slice rest;     /**< what is not read yet */
	bool begun;
};

/** One part. Its body may hold any bytes. */
struct ear_sip_part {
	struct ear_slice headers; /**< header lines */
	struct ear_slice type;    /**< value of its Content-Type; may be "" */
	struct ear_slice body;
};

/** Begin. @return false when the type is no multipart with a boundary */
bool ear_sip_parts(struct ear_slice content_type, struct ear_slice body,
	struct ear_sip_parts *parts);

/** @return false after the last part; one that does not end is given too */
bool ear_sip_part_next(struct ear_sip_parts *parts, struct ear_sip_part *part);

/**
 * The body of a media type: the whole body, or the first such part of a
 * multipart, at most two levels down.
 *
 * @param wanted as "application/sdp", any case
 * @return empty when there is none
 */
struct ear_slice ear_sip_find_body(struct ear_slice content_type,
	struct ear_slice body, struct ear_slice wanted);

#endif
