/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the decoder share: decode.c sorts what came and counts,
 * decode_hep.c opens HEP.
 */
#ifndef EAR_TAP_DECODE_PRIV_H
#define EAR_TAP_DECODE_PRIV_H

#include "base/buf.h"
#include "proto/hep_zip.h"
#include "tap/decode.h"

/*
 * Most bytes that something compressed may open into: a HEP packet has at most
 * 64 KiB, a compressed payload may hold more than one could.
 */
#define DECODE_ROOM (256u << 10)

/* A note is one line of about 100 bytes, and a packet has 8. */
#define DECODE_NOTES 4096

struct ear_decoder {
	struct ear_hep_zip *zip;
	char *packet;         /* DECODE_ROOM bytes: what a gzip member held */
	char *payload;        /* DECODE_ROOM bytes: what chunk 0x10 held */
	struct ear_buf extra; /* gathered chunks of one message */
	struct ear_buf notes; /* notes of one message */
};

/* One call of ear_decode(). */
struct decode_job {
	struct ear_decoder *d;
	const struct ear_unit *unit;
	struct ear_slice tap;
	struct ear_slice key;
	struct ear_tally *tally;
	ear_msg_fn fn;
	void *arg;
	uint32_t ended;  /* units that have come to their end */
	uint64_t opened; /* bytes that compressed ones may still open into */
};

/** One more unit is no message: counted as what. */
void decode_count(struct decode_job *job, enum ear_count what);
/** The same as JUNK, and said now and then. */
void decode_junk(struct decode_job *job, const char *why);

/**
 * Whether it is exactly the key that is asked for, in a time that tells nothing
 * of it; else the unit is counted.
 */
bool decode_key_fits(struct decode_job *job, struct ear_slice key);

/** An empty message, with what the unit says of it; room is empty again. */
struct ear_msg decode_begin(struct decode_job *job);
/** One more unit is this message. */
void decode_emit(struct decode_job *job, struct ear_msg *msg);

/**
 * Decompress, as far as the unit may open.
 *
 * @param[out] out  DECODE_ROOM bytes
 * @param[out] used bytes of in
 * @param[out] n    bytes of out, also where it fails
 * @return EAR_OK; EAR_LIMIT; as ear_hep_unzip()
 */
EAR_MUST_USE enum ear_err decode_unzip(struct decode_job *job,
	struct ear_slice in, char *out, size_t *used, size_t *n);

/** Packets of HEP to the end of bytes. decode_hep.c */
void decode_hep(struct decode_job *job, struct ear_slice bytes);

#endif
