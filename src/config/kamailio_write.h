/* SPDX-License-Identifier: Apache-2.0 */
/** Writing an Earshot configuration out of one of Kamailio's. */
#ifndef EAR_CONFIG_KAMAILIO_WRITE_H
#define EAR_CONFIG_KAMAILIO_WRITE_H

#include "base/addr.h"
#include "config/config.h"
#include "config/kamailio_priv.h"

struct ear_kamailio_writer {
	struct ear_kamailio *k;
	struct ear_buf *out;
	const char *indent; /**< of the section we are in */
	size_t listeners;   /**< written; the address of each: */
	struct {
		bool datagrams;
		struct ear_addr address;
	} listener[EAR_CONFIG_MANY];
	unsigned port;  /**< of the listener that Kamailio sends to */
	size_t missing; /**< that have no equivalent */
};

/** A comment, folded; control bytes become '?'. */
void ear_kamailio_remark(struct ear_kamailio_writer *w, const char *format, ...)
	EAR_PRINTF(2, 3);
/** The same for something without an equivalent: counted. */
void ear_kamailio_gap(struct ear_kamailio_writer *w, const char *format, ...)
	EAR_PRINTF(2, 3);
/** "siptrace duplicate_uri = … (kamailio.cfg:7)", or what its default is. */
void ear_kamailio_tell(struct ear_kamailio_writer *w, const char *name);
/** The same of one that is set; earlier ones of its name lost. */
void ear_kamailio_tell_param(
	struct ear_kamailio_writer *w, struct ear_kamailio_param *p);
/** Each parameter that nothing has told of, with what became of it. */
void ear_kamailio_write_untold(struct ear_kamailio_writer *w);

void ear_kamailio_open(
	struct ear_kamailio_writer *w, const char *section, const char *name);
void ear_kamailio_close(struct ear_kamailio_writer *w);
/** key = "value", quoted as libconfuse reads it. */
void ear_kamailio_key(
	struct ear_kamailio_writer *w, const char *key, struct ear_slice value);
void ear_kamailio_put_quoted(struct ear_buf *out, struct ear_slice value);

/** Value of a siptrace parameter, or its default. */
int64_t ear_kamailio_int(
	struct ear_kamailio *k, const char *name, int64_t otherwise);
struct ear_slice ear_kamailio_text(
	struct ear_kamailio *k, const char *name, const char *otherwise);

/**
 * The port on this machine that Kamailio shall send to. The collector that it
 * has sent to so far may be on the usual one: it keeps that, or a mirror would
 * come back to us.
 */
unsigned ear_kamailio_free_port(struct ear_kamailio *k);
/** The listener on it. */
void ear_kamailio_write_listener(struct ear_kamailio_writer *w);
/** Kamailio with sipcapture was the collector: Earshot takes its sockets. */
void ear_kamailio_write_capture(struct ear_kamailio_writer *w);

/** Traces, mirrors, databases, hook. */
void ear_kamailio_write_siptrace(struct ear_kamailio_writer *w);

#endif
