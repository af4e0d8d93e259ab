/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TCP stream carries. Each direction finds out by itself, from its
 * bytes, so that it does not matter whether the capture saw the other one or
 * the beginning:
 *
 *     NEW ──▶ SIP, HEP, WS, TLS     by how the bytes begin
 *      │
 *      └────▶ SEEK ──▶ SIP          a first line of SIP somewhere in them
 *               │
 *               └────▶ OTHER        after 64 KiB without one; then only the
 *                                   beginning of each segment is looked at
 *
 * A gap, or bytes that cannot be, lead back to NEW.
 */
#include <stdlib.h>

#include "proto/be.h"
#include "proto/hep.h"
#include "proto/sip_frame.h"
#include "proto/ws.h"
#include "tap/file_priv.h"
#include "tap/sort.h"

enum mode { NEW, SIP, HEP, WS, TLS, SEEK, OTHER };

#define SEEK_BYTES (64u << 10)
/* A first line of SIP that has not ended yet is waited for this far. */
#define LINE_BYTES 2048

static struct ear_file_place place_of(const struct ear_tcp_half *h)
{
	return (struct ear_file_place){
		.at_ns = h->at_ns,
		.src = h->src,
		.dst = h->dst,
		.transport = h->mode == WS ? EAR_TR_WS : EAR_TR_TCP,
		.ip_proto = EAR_IP_TCP,
	};
}

/* May become a first line of SIP: "SIP/2.0 …" or a method in capitals. */
static bool may_be_line(struct ear_slice in)
{
	size_t i = 0;

	if (!in.n || in.n >= LINE_BYTES || memchr(in.p, '\n', in.n))
		return false;
	while (i < in.n && i < 32 && in.p[i] >= 'A' && in.p[i] <= 'Z')
		i++;
	return i && (i == in.n || in.p[i] == ' ' ||
			    !memcmp(in.p, "SIP/2.0", in.n < 7 ? in.n : 7));
}

/* Where a first line of SIP begins behind a line end; in.n: nowhere. */
static size_t find_line(struct ear_slice in)
{
	for (size_t at = 0; at < in.n;) {
		struct ear_slice rest = ear_slice_sub(in, at, in.n);
		size_t hit = at + ear_slice_find(rest, EAR_S("SIP/2.0"));
		const char *lf;

		if (hit >= in.n)
			break;
		lf = memrchr(in.p, '\n', hit);
		if (lf) {
			size_t line = (size_t)(lf + 1 - in.p);

			if (ear_sip_looks_like(ear_slice_sub(in, line, in.n)))
				return line;
		}
		at = hit + 7;
	}
	return in.n;
}

/* TLS: handshake, alert, data …; version 3.x; a length that may be. */
static bool is_tls(struct ear_slice in)
{
	const uint8_t *b = (const uint8_t *)in.p;

	return in.n >= 5 && b[0] >= 20 && b[0] <= 24 && b[1] == 3 &&
	       b[2] <= 4 && b[3] <= 0x48;
}

/* A frame of which the beginning, unmasked, is SIP. */
static bool is_ws(struct ear_slice in)
{
	char text[LINE_BYTES];
	struct ear_ws_frame f;
	struct ear_slice payload;

	if (ear_ws_head(in, &f) || f.packed ||
		(f.opcode != EAR_WS_TEXT && f.opcode != EAR_WS_BINARY))
		return false;
	payload = ear_slice_sub(in, f.head, in.n);
	if (payload.n > f.n)
		payload.n = (size_t)f.n;
	if (payload.n > sizeof(text))
		payload.n = sizeof(text);
	if (!f.masked)
		return ear_sip_looks_like(payload);
	ear_ws_unmask(&f, 0, payload, text);
	return ear_sip_looks_like(ear_slice(text, payload.n));
}

/* CR, LF and NUL between messages: keep-alives (RFC 5626 s3.5.1). */
static size_t skip_blanks(struct ear_file *f, struct ear_slice in)
{
	size_t n = 0;

	while (n < in.n && (in.p[n] == '\r' || in.p[n] == '\n' || !in.p[n]))
		n++;
	if (n)
		ear_file_count(f, EAR_FILE_KEEPALIVE, n);
	return n;
}

static void set_mode(struct ear_tcp_half *h, enum mode mode)
{
	h->mode = mode;
	h->count = 0;
	if (mode != WS && h->user) {
		ear_ws_fini(h->user);
		free(h->user);
		h->user = NULL;
	}
}

/* Bytes that are nothing known: look for SIP in them, for a while. */
static size_t seek(
	struct ear_file *f, struct ear_tcp_half *h, struct ear_slice in)
{
	size_t at = h->mode == OTHER ? in.n : find_line(in);
	bool found = at < in.n;

	if (!found && h->mode != OTHER) {
		const char *lf = memrchr(in.p, '\n', in.n);
		size_t line = lf ? (size_t)(lf + 1 - in.p) : 0;

		h->mode = SEEK;
		if (line && may_be_line(ear_slice_sub(in, line, in.n)))
			at = line;
	}
	ear_file_count(f, found ? EAR_FILE_CUT : EAR_FILE_TCP, at);
	if (found) {
		set_mode(h, SIP);
	} else if (h->mode == SEEK) {
		h->count += (uint32_t)at;
		if (h->count > SEEK_BYTES)
			h->mode = OTHER;
	}
	return at;
}

/* How do the bytes begin? *wait: it cannot be said yet. @return bytes used */
static size_t begin(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice in, bool *wait)
{
	size_t used = 0;

	switch (ear_sort(in)) {
	case EAR_SORT_SIP: set_mode(h, SIP); return 0;
	case EAR_SORT_HEP:
		if (ear_hep_version(in) != 3)
			break;
		set_mode(h, HEP);
		return 0;
	case EAR_SORT_KEEPALIVE:
		ear_file_count(f, EAR_FILE_KEEPALIVE, in.n);
		return in.n;
	default: break;
	}
	if (is_tls(in)) {
		set_mode(h, TLS);
		return 0;
	}
	if (is_ws(in)) {
		set_mode(h, WS);
		return 0;
	}
	switch (ear_ws_upgrade(in, &used)) {
	case EAR_OK: set_mode(h, WS); return used;
	case EAR_MORE: *wait = true; return 0;
	default: break;
	}
	if (may_be_line(in)) {
		*wait = true;
		return 0;
	}
	return seek(f, h, in);
}

/*
 * A message whose end cannot be told, for its Content-Length is no number or
 * too large: it reaches to the next first line, or as far as there are bytes.
 */
static size_t broken(
	struct ear_file *f, struct ear_tcp_half *h, struct ear_slice in)
{
	struct ear_file_place place = place_of(h);
	size_t n = find_line(in);

	set_mode(h, NEW);
	if (!ear_sip_looks_like(in))
		return 0;
	ear_file_sip(f, &place, ear_slice_sub(in, 0, n), NULL);
	return n;
}

static size_t read_sip(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice in, bool *wait)
{
	struct ear_file_place place = place_of(h);
	struct ear_sip_frame frame = {0};
	size_t used = skip_blanks(f, in);

	in = ear_slice_sub(in, used, in.n);
	switch (ear_sip_frame(in, &frame)) {
	case EAR_OK:
		ear_file_sip(f, &place, ear_slice_sub(in, 0, frame.n), NULL);
		return used + frame.n;
	case EAR_MORE: *wait = true; return used;
	default: return used + broken(f, h, in);
	}
}

static size_t read_hep(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice in, bool *wait)
{
	struct ear_file_place place = place_of(h);
	size_t n;

	if (in.n < EAR_HEP_HEAD) {
		*wait = true;
		h->want = EAR_HEP_HEAD;
		return 0;
	}
	n = ear_be16(in.p + 4);
	if (ear_hep_version(in) != 3 || n < EAR_HEP_HEAD) {
		set_mode(h, NEW);
		return 0;
	}
	if (in.n < n) {
		*wait = true;
		h->want = n;
		return 0;
	}
	ear_file_hep(f, &place, ear_slice_sub(in, 0, n), NULL);
	return n;
}

static void ws_message(struct ear_file *f, struct ear_tcp_half *h,
	const struct ear_ws_message *m, size_t bytes)
{
	struct ear_file_place place = place_of(h);

	if (m->control)
		ear_file_count(f, EAR_FILE_KEEPALIVE, bytes);
	else if (m->packed)
		ear_file_count(f, EAR_FILE_WS, bytes);
	else if (m->bytes.p)
		ear_file_datagram(f, &place, m->bytes, NULL, EAR_FILE_WS);
}

static size_t read_ws(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice in, bool *wait)
{
	struct ear_ws_message message;
	size_t used, need;

	if (!h->user)
		h->user = calloc(1, sizeof(struct ear_ws));
	if (!h->user) {
		set_mode(h, OTHER);
		return 0;
	}
	switch (ear_ws_next(h->user, in, &used, &need, &message)) {
	case EAR_OK: ws_message(f, h, &message, used); return used;
	case EAR_MORE:
		*wait = true;
		h->want = need;
		return 0;
	default: set_mode(h, NEW); return 0;
	}
}

static size_t step(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice in, bool *wait)
{
	switch (h->mode) {
	case SIP: return read_sip(f, h, in, wait);
	case HEP: return read_hep(f, h, in, wait);
	case WS: return read_ws(f, h, in, wait);
	case TLS: ear_file_count(f, EAR_FILE_TLS, in.n); return in.n;
	default: return begin(f, h, in, wait);
	}
}

static size_t on_data(struct ear_tcp_half *h, struct ear_slice bytes, void *arg)
{
	struct ear_file *f = arg;
	size_t used = 0;
	bool wait = false;
	int idle = 0;

	while (used < bytes.n && !wait) {
		size_t n =
			step(f, h, ear_slice_sub(bytes, used, bytes.n), &wait);

		used += n;
		/* Modes may hand on to each other a few times, not for ever:
		 * what two of them refuse is looked through for SIP. */
		idle = n ? 0 : idle + 1;
		if (idle > 2 && !wait) {
			struct ear_slice in =
				ear_slice_sub(bytes, used + 1, bytes.n);

			set_mode(h, SEEK);
			used += 1 + (in.n ? seek(f, h, in) : 0);
			idle = 0;
		}
	}
	return used;
}

/* A message that stays without its end. */
static void unfinished(struct ear_file *f, struct ear_tcp_half *h,
	struct ear_slice rest, const struct ear_file_cut *cut)
{
	struct ear_file_place place = place_of(h);

	if (!rest.n)
		return;
	if (h->mode == SIP && ear_sip_looks_like(rest))
		ear_file_sip(f, &place, rest, cut);
	else if (h->mode == HEP && rest.n > EAR_HEP_HEAD)
		ear_file_hep(f, &place, rest, cut);
	else
		ear_file_count(f, EAR_FILE_TCP, rest.n);
}

static void on_gap(struct ear_tcp_half *h, struct ear_slice rest,
	uint64_t missing, void *arg)
{
	struct ear_file_cut cut = {"capture.gap", missing};

	unfinished(arg, h, rest, &cut);
	/* TLS goes on as TLS; all else must show what it is again. */
	if (h->mode != TLS && h->mode != OTHER)
		set_mode(h, NEW);
}

static void on_end(struct ear_tcp_half *h, struct ear_slice rest, void *arg)
{
	struct ear_file_cut cut = {"capture.end", 0};

	unfinished(arg, h, rest, &cut);
	set_mode(h, NEW);
}

const struct ear_tcp_events ear_file_stream = {
	.data = on_data,
	.gap = on_gap,
	.end = on_end,
};
