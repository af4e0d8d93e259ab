/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pcap.h"

#include <stdlib.h>

#include "base/time.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_LONG 0xa1b2cd34u /* record header with 8 bytes more */
#define MAGIC_NG 0x0a0d0d0au   /* the same in both byte orders */
#define NG_ORDER 0x1a2b3c4du
#define SECRETS_TLS 0x544c534bu /* "TLSK" */

#define FILE_HEADER 24
#define RECORD_HEADER 16

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_SECRETS = 10,
};

enum option { OPT_END = 0, OPT_TSRESOL = 9, OPT_TSOFFSET = 14 };

static uint32_t get32(const struct ear_pcap *p, const char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return p->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct ear_pcap *p, const char *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return p->swapped ? __builtin_bswap16(v) : v;
}

/* Magic numbers read so that "as written here" means not swapped. */
static bool classic_magic(uint32_t v, bool *swapped, uint32_t *magic)
{
	static const uint32_t known[] = {MAGIC_MICRO, MAGIC_NANO, MAGIC_LONG};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		*magic = known[i];
		*swapped = v != known[i];
		if (v == known[i] || v == __builtin_bswap32(known[i]))
			return true;
	}
	return false;
}

bool ear_pcap_is(struct ear_slice head)
{
	uint32_t v, magic;
	bool swapped;

	if (head.n < sizeof(v))
		return false;
	memcpy(&v, head.p, sizeof(v));
	return v == MAGIC_NG || classic_magic(v, &swapped, &magic);
}

void ear_pcap_fini(struct ear_pcap *p)
{
	free(p->face);
	*p = (struct ear_pcap){0};
}

static enum ear_err more(struct ear_pcap *p, size_t need)
{
	p->need = need;
	return EAR_MORE;
}

/* The first bytes of the file say which form it has. */
static enum ear_err begin(struct ear_pcap *p, struct ear_slice in, size_t *used,
	struct ear_fault *fault)
{
	uint32_t v, magic = 0;

	if (in.n < sizeof(v))
		return more(p, sizeof(v));
	memcpy(&v, in.p, sizeof(v));
	if (v == MAGIC_NG) {
		p->form = EAR_PCAP_NG;
		return EAR_OK;
	}
	if (!classic_magic(v, &p->swapped, &magic))
		return ear_fail(fault, EAR_BAD, 0,
			"not a capture: it begins with %02x %02x %02x %02x",
			(uint8_t)in.p[0], (uint8_t)in.p[1], (uint8_t)in.p[2],
			(uint8_t)in.p[3]);
	if (in.n < FILE_HEADER)
		return more(p, FILE_HEADER);
	p->form = EAR_PCAP_CLASSIC;
	p->nano = magic == MAGIC_NANO;
	p->record_bytes = RECORD_HEADER + (magic == MAGIC_LONG ? 8 : 0);
	/* The upper half says how long a frame check sequence is. */
	p->link = get32(p, in.p + 20) & 0xffff;
	*used += FILE_HEADER;
	return EAR_OK;
}

static enum ear_err classic_next(struct ear_pcap *p, struct ear_slice in,
	size_t *used, struct ear_pcap_packet *packet, struct ear_fault *fault)
{
	size_t head = p->record_bytes;
	uint32_t s, fraction, n;

	if (in.n < head)
		return more(p, head);
	s = get32(p, in.p);
	fraction = get32(p, in.p + 4);
	n = get32(p, in.p + 8);
	if (n > EAR_PCAP_PACKET_MAX)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a packet of %u bytes", n);
	if (in.n < head + n)
		return more(p, head + n);
	packet->at_ns =
		s * EAR_SECOND_NS + fraction * (p->nano ? 1 : EAR_US_NS);
	packet->offset = p->offset;
	packet->link = p->link;
	packet->wire_bytes = get32(p, in.p + 12);
	packet->data = ear_slice(in.p + head, n);
	*used += head + n;
	return EAR_OK;
}

/*
 * ns since 1970 of a timestamp in its interface's unit; 0 when it lies
 * outside of what 64 bits of ns can say.
 */
static uint64_t ng_time(const struct ear_pcap_interface *f, uint64_t ts)
{
	unsigned power = f->resolution & 0x7f;
	unsigned __int128 ns = ts;
	__int128 at;

	if (f->resolution == 9 && !f->offset_s)
		return ts > INT64_MAX ? 0 : ts;
	if (f->resolution & 0x80) {
		ns = (ns * EAR_SECOND_NS) >> power;
	} else {
		for (; power < 9; power++)
			ns *= 10;
		for (; power > 9 && ns; power--)
			ns /= 10;
	}
	at = (__int128)ns + (__int128)f->offset_s * (int64_t)EAR_SECOND_NS;
	return at < 0 || at > INT64_MAX ? 0 : (uint64_t)at;
}

static enum ear_err ng_section(struct ear_pcap *p, struct ear_slice in,
	size_t *used, struct ear_fault *fault)
{
	uint32_t order, n;

	if (in.n < 28)
		return more(p, 28);
	memcpy(&order, in.p + 8, sizeof(order));
	if (order != NG_ORDER && order != __builtin_bswap32(NG_ORDER))
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: no byte order in the section header");
	p->swapped = order != NG_ORDER;
	n = get32(p, in.p + 4);
	if (n < 28 || n % 4)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a section header of %u bytes", n);
	if (get16(p, in.p + 12) != 1)
		return ear_fail(fault, EAR_UNSUPPORTED, p->offset,
			"pcapng version %u is not known", get16(p, in.p + 12));
	p->faces = 0;
	p->skip = n - 28;
	*used += 28;
	return EAR_OK;
}

static void ng_options(
	struct ear_pcap *p, struct ear_slice in, struct ear_pcap_interface *f)
{
	while (in.n >= 4) {
		uint16_t code = get16(p, in.p), n = get16(p, in.p + 2);
		size_t whole = 4 + (((size_t)n + 3) & ~(size_t)3);

		if (code == OPT_END || 4 + (size_t)n > in.n)
			return;
		if (code == OPT_TSRESOL && n >= 1)
			f->resolution = (uint8_t)in.p[4];
		if (code == OPT_TSOFFSET && n >= 8) {
			uint64_t v;

			memcpy(&v, in.p + 4, sizeof(v));
			if (p->swapped)
				v = __builtin_bswap64(v);
			f->offset_s = (int64_t)v;
		}
		in = ear_slice_sub(in, whole, in.n);
	}
}

static enum ear_err ng_interface(
	struct ear_pcap *p, struct ear_slice body, struct ear_fault *fault)
{
	struct ear_pcap_interface f = {.resolution = 6};

	if (body.n < 8)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: an interface block of %zu bytes",
			body.n);
	if (p->faces == EAR_PCAP_INTERFACES_MAX)
		return ear_fail(fault, EAR_LIMIT, p->offset,
			"more than %u interfaces in one section",
			EAR_PCAP_INTERFACES_MAX);
	if (p->faces == p->faces_cap) {
		size_t cap = p->faces_cap ? p->faces_cap * 2 : 8;
		void *face = realloc(p->face, cap * sizeof(*p->face));

		if (!face)
			return ear_fail(
				fault, EAR_NOMEM, p->offset, "out of memory");
		p->face = face;
		p->faces_cap = cap;
	}
	f.link = get16(p, body.p);
	f.snap_bytes = get32(p, body.p + 4);
	ng_options(p, ear_slice_sub(body, 8, body.n), &f);
	p->face[p->faces++] = f;
	return EAR_OK;
}

/* A packet block's body; which fields stand where depends on its type. */
static enum ear_err ng_packet(struct ear_pcap *p, uint32_t type,
	struct ear_slice body, struct ear_pcap_packet *packet,
	struct ear_fault *fault)
{
	size_t head = type == BLOCK_SIMPLE ? 4 : 20;
	uint32_t face = 0, n;

	if (body.n < head)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a packet block of %zu bytes", body.n);
	if (type == BLOCK_ENHANCED)
		face = get32(p, body.p);
	else if (type == BLOCK_OLD_PACKET)
		face = get16(p, body.p);
	if (face >= p->faces)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a packet of interface %u, which is "
			"not described",
			face);
	packet->link = p->face[face].link;
	packet->offset = p->offset;
	if (type == BLOCK_SIMPLE) {
		uint32_t snap = p->face[face].snap_bytes;

		packet->at_ns = 0;
		packet->wire_bytes = n = get32(p, body.p);
		if (snap && n > snap)
			n = snap;
		if (n > body.n - head)
			n = (uint32_t)(body.n - head);
	} else {
		packet->at_ns = ng_time(
			&p->face[face], (uint64_t)get32(p, body.p + 4) << 32 |
						get32(p, body.p + 8));
		n = get32(p, body.p + 12);
		packet->wire_bytes = get32(p, body.p + 16);
	}
	if (n > body.n - head)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a packet of %u bytes in a block of "
			"%zu",
			n, body.n);
	packet->data = ear_slice(body.p + head, n);
	return EAR_OK;
}

/*
 * Decryption Secrets Block: type(4) length(4) kind(4) length(4) secrets …
 * It is passed over in pieces, for it may be longer than any window.
 */
static enum ear_err ng_secrets(
	struct ear_pcap *p, struct ear_slice in, uint32_t n, size_t *used)
{
	uint32_t bytes;

	if (n < 20) {
		p->skip = n;
		return EAR_OK;
	}
	if (in.n < 16)
		return more(p, 16);
	bytes = get32(p, in.p + 12);
	p->skip = n - 16;
	if (get32(p, in.p + 8) == SECRETS_TLS && bytes <= n - 20)
		p->secret = bytes;
	*used += 16;
	return EAR_OK;
}

static bool is_packet(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE ||
	       type == BLOCK_OLD_PACKET;
}

/* One block. *got says whether it was a packet. */
static enum ear_err ng_block(struct ear_pcap *p, struct ear_slice in,
	size_t *used, struct ear_pcap_packet *packet, bool *got,
	struct ear_fault *fault)
{
	struct ear_slice body;
	enum ear_err err = EAR_OK;
	uint32_t type, n;

	if (in.n < 12)
		return more(p, 12);
	type = get32(p, in.p);
	if (type == MAGIC_NG)
		return ng_section(p, in, used, fault);
	n = get32(p, in.p + 4);
	if (n < 12 || n % 4)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a block of %u bytes", n);
	if (type == BLOCK_SECRETS && p->secrets)
		return ng_secrets(p, in, n, used);
	if (!is_packet(type) && type != BLOCK_INTERFACE) {
		p->skip = n;
		return EAR_OK;
	}
	if (n > EAR_PCAP_BLOCK_MAX)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: a packet block of %u bytes", n);
	if (in.n < n)
		return more(p, n);
	if (get32(p, in.p + n - 4) != n)
		return ear_fail(fault, EAR_BAD, p->offset,
			"damaged capture: the block's two lengths, %u and %u, "
			"differ",
			n, get32(p, in.p + n - 4));
	body = ear_slice(in.p + 8, n - 12);
	if (type == BLOCK_INTERFACE) {
		err = ng_interface(p, body, fault);
	} else {
		err = ng_packet(p, type, body, packet, fault);
		*got = !err;
	}
	*used += n;
	return err;
}

static void hand_secret(struct ear_pcap *p, struct ear_slice in)
{
	size_t n = p->secret < in.n ? (size_t)p->secret : in.n;

	if (!n)
		return;
	p->secret -= n;
	p->secrets(ear_slice_sub(in, 0, n), p->secrets_arg);
	if (!p->secret)
		p->secrets(EAR_S(""), p->secrets_arg);
}

static void skip_some(struct ear_pcap *p, struct ear_slice *in, size_t *used)
{
	size_t n = p->skip < in->n ? (size_t)p->skip : in->n;

	hand_secret(p, ear_slice_sub(*in, 0, n));
	p->skip -= n;
	p->offset += n;
	*used += n;
	*in = ear_slice_sub(*in, n, in->n);
}

enum ear_err ear_pcap_next(struct ear_pcap *p, struct ear_slice in,
	size_t *used, struct ear_pcap_packet *packet, struct ear_fault *fault)
{
	*used = 0;
	for (;;) {
		enum ear_err err;
		size_t step = 0;
		bool got = false;

		skip_some(p, &in, used);
		if (p->skip)
			return more(p, 1);
		if (p->form == EAR_PCAP_UNKNOWN) {
			err = begin(p, in, &step, fault);
		} else if (p->form == EAR_PCAP_CLASSIC) {
			err = classic_next(p, in, &step, packet, fault);
			got = !err;
		} else {
			err = ng_block(p, in, &step, packet, &got, fault);
		}
		if (err)
			return err;
		p->offset += step;
		*used += step;
		if (got)
			return EAR_OK;
		in = ear_slice_sub(in, step, in.n);
	}
}

enum ear_err ear_pcap_end(
	const struct ear_pcap *p, size_t left, struct ear_fault *fault)
{
	if (p->form == EAR_PCAP_UNKNOWN)
		return ear_fail(fault, EAR_BAD, 0,
			"not a capture: the file has only %zu bytes", left);
	if (left || p->skip)
		return ear_fail(fault, EAR_BAD, (size_t)p->offset,
			"the capture ends inside of a packet");
	return EAR_OK;
}
