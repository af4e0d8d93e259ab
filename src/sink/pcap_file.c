/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/pcap_file.h"

#include <stdlib.h>

#include "proto/sip.h"

#define PIECE (64u << 10)

enum ip_proto { IP_TCP = 6, IP_UDP = 17, IP_SCTP = 132 };

struct ear_pcap_file {
	struct ear_pcap_writer *writer;
	ear_sink_write_fn fn;
	void *arg;
	enum ear_err err; /* first failure */
	struct ear_buf out;
};

static enum ear_err drain(struct ear_pcap_file *s)
{
	if (!s->err)
		s->err = s->out.err;
	if (!s->err)
		s->err = s->fn(ear_buf_view(&s->out), s->arg);
	ear_buf_reset(&s->out);
	return s->err;
}

enum ear_err ear_pcap_file_open(const struct ear_pcap_write_options *options,
	ear_sink_write_fn fn, void *arg, struct ear_pcap_file **out)
{
	struct ear_pcap_file *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return EAR_NOMEM;
	s->fn = fn;
	s->arg = arg;
	if (ear_pcap_writer_new(options, &s->writer)) {
		free(s);
		return EAR_NOMEM;
	}
	ear_pcap_writer_begin(s->writer, &s->out);
	*out = s;
	return EAR_OK;
}

static uint8_t ip_proto(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_TCP:
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS:
	case EAR_TR_SECURE: return IP_TCP;
	case EAR_TR_SCTP: return IP_SCTP;
	default: return IP_UDP;
	}
}

/* What a truncated message lacks: by its Content-Length, or not known. */
static uint32_t missing(const struct ear_msg *msg)
{
	struct ear_sip sip;

	if (!(msg->flags & EAR_MSG_TRUNCATED))
		return 0;
	if (ear_sip_parse(msg->raw, &sip) || sip.length <= sip.rest.n)
		return 1;
	return sip.length - (uint32_t)sip.rest.n;
}

enum ear_err ear_pcap_file_put(
	struct ear_pcap_file *s, const struct ear_msg *msg)
{
	struct ear_pcap_write m = {
		.at_ns = msg->at_ns,
		.src = msg->src,
		.dst = msg->dst,
		.ip_proto = ip_proto(msg),
		.missing = missing(msg),
		.payload = msg->raw,
	};

	if (s->err)
		return s->err;
	ear_pcap_writer_add(s->writer, &m, &s->out);
	return s->out.err || s->out.n >= PIECE ? drain(s) : EAR_OK;
}

enum ear_err ear_pcap_file_close(struct ear_pcap_file **sp)
{
	struct ear_pcap_file *s = *sp;
	enum ear_err err;

	if (!s)
		return EAR_OK;
	err = drain(s);
	ear_pcap_writer_free(&s->writer);
	ear_buf_fini(&s->out);
	free(s);
	*sp = NULL;
	return err;
}
