/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads session descriptions (SDP, RFC 8866) as far as they say where media
 * go: addresses, ports, codecs, directions. Nothing is allocated; everything
 * is a slice of the body. Lines that make no sense are passed over.
 *
 *     struct ear_sdp sdp;
 *     struct ear_sdp_media media;
 *     if (ear_sdp_parse(body, &sdp) == EAR_OK)
 *             while (ear_sdp_media_next(&sdp, &media))
 *                     …
 */
#ifndef EAR_PROTO_SDP_H
#define EAR_PROTO_SDP_H

#include "base/err.h"
#include "base/slice.h"

/** Where media flow, as the describing side sees it. */
enum ear_sdp_direction {
	EAR_SDP_SENDRECV = 0, /**< also when nothing is said (RFC 3264 s5.1) */
	EAR_SDP_SENDONLY,
	EAR_SDP_RECVONLY,
	EAR_SDP_INACTIVE,
};

/** "sendrecv", "sendonly", "recvonly", "inactive". */
struct ear_slice ear_sdp_direction_name(enum ear_sdp_direction d);

struct ear_sdp {
	struct ear_slice origin;  /**< value of o= */
	struct ear_slice session; /**< value of s= */
	struct ear_slice addr;    /**< address of c=; may be empty or a name */
	struct ear_slice media;   /**< from the first m= line on, then what is
				       left: see ear_sdp_media_next() */
	uint8_t direction;        /**< of the session */
};

/**
 * Read the session part.
 *
 * @return EAR_OK; EAR_BAD when the first line is not v=0
 */
enum ear_err ear_sdp_parse(struct ear_slice body, struct ear_sdp *sdp);

/** One m= line with its attributes. */
struct ear_sdp_media {
	struct ear_slice kind;    /**< "audio" */
	struct ear_slice proto;   /**< "RTP/AVP" */
	struct ear_slice formats; /**< payload types, parted by blanks */
	struct ear_slice addr;    /**< its own c=, else the session's */
	struct ear_slice lines;   /**< its other lines */
	uint16_t port;            /**< 0: the medium is rejected */
	uint16_t ports;           /**< how many; 1 when not said */
	uint16_t rtcp;            /**< a=rtcp, else port + 1; 0 with port 0 */
	uint8_t direction;        /**< enum ear_sdp_direction */
};

/** Take the next medium off. @return false after the last */
bool ear_sdp_media_next(struct ear_sdp *sdp, struct ear_sdp_media *media);

/** One payload type of a medium. */
struct ear_sdp_codec {
	struct ear_slice type; /**< "8" */
	struct ear_slice name; /**< "PCMA": a=rtpmap, else by RFC 3551; or "" */
	uint32_t clock_hz;     /**< 8000; 0 when not known */
	struct ear_slice fmtp; /**< a=fmtp parameters; may be empty */
};

/**
 * Take the next payload type off.
 *
 * @param[in,out] formats begin with media->formats
 * @return false after the last
 */
bool ear_sdp_codec_next(const struct ear_sdp_media *media,
	struct ear_slice *formats, struct ear_sdp_codec *codec);

/** Value of the first a=NAME:value among lines; empty when absent. */
struct ear_slice ear_sdp_attribute(
	struct ear_slice lines, struct ear_slice name);

typedef void (*ear_sdp_key_fn)(struct ear_slice key, void *arg);

/**
 * Give each key that a body carries in the clear: inline keys of a=crypto
 * (RFC 4568), a=key-mgmt (RFC 4567) and k=.
 *
 * Cost: 16 bytes a step where there are none.
 */
void ear_sdp_keys(struct ear_slice body, ear_sdp_key_fn fn, void *arg);

#endif
