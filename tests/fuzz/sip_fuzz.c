/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a SIP message: whatever is found lies inside of them, the
 * quick verdict says what the long one says, and blanking the secrets leaves
 * none behind and shifts nothing.
 */
#include <stdlib.h>

#include "message/msg.h"
#include "proto/sdp.h"
#include "proto/sip_body.h"
#include "proto/sip_check.h"
#include "proto/sip_frame.h"
#include "proto/sip_secret.h"

#define FOUND_MAX 16

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void inside(struct ear_slice whole, struct ear_slice part)
{
	if (part.n)
		check(part.p >= whole.p && part.n <= whole.n &&
			part.p - whole.p <= (ptrdiff_t)(whole.n - part.n));
}

static void try_facts(struct ear_slice in)
{
	struct ear_msg msg = {.proto = EAR_PROTO_SIP, .raw = in};
	struct ear_finding found[EAR_FINDINGS_MAX];
	struct ear_facts f;
	size_t n = ear_msg_check(&msg, found);

	ear_msg_examine(&msg, &f);
	check(f.malformed == (n > 0));
	for (size_t i = 0; i < n; i++)
		check(found[i].offset <= in.n && found[i].rule.n);
	for (const struct ear_slice *s = &f.method; s <= &f.body; s++)
		inside(in, *s);
}

static void try_values(struct ear_slice in, const struct ear_sip *sip)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;

	while (ear_sip_next(sip, &cursor, &header)) {
		struct ear_slice vias = header.value, addrs = header.value;
		struct ear_sip_addr addr;
		struct ear_sip_via via;

		inside(in, header.name);
		inside(in, header.value);
		while (ear_sip_addr_next(&addrs, &addr)) {
			inside(header.value, addr.spec);
			inside(header.value, addr.params);
			ear_sip_param_of(addr.params, EAR_S("none"));
			ear_sip_param_of(addr.uri.params, EAR_S("none"));
		}
		while (ear_sip_via_next(&vias, &via))
			inside(header.value, via.params);
	}
}

static void try_sdp(struct ear_slice body)
{
	struct ear_sdp_media media;
	struct ear_sdp_codec codec;
	struct ear_slice formats;
	struct ear_sdp sdp;

	if (ear_sdp_parse(body, &sdp) != EAR_OK)
		return;
	while (ear_sdp_media_next(&sdp, &media)) {
		inside(body, media.lines);
		formats = media.formats;
		/* each codec walks the lines again */
		for (int i = 0; i < 8; i++) {
			if (!ear_sdp_codec_next(&media, &formats, &codec))
				break;
			inside(body, codec.fmtp);
		}
	}
}

struct copy {
	char *p;
	size_t n;
	size_t bytes; /* blanked */
};

static void blank(size_t offset, size_t length, void *arg)
{
	struct copy *copy = arg;

	check(length > 0 && offset <= copy->n && length <= copy->n - offset);
	memset(copy->p + offset, 'x', length);
	copy->bytes += length;
}

static void try_secrets(struct ear_slice in, const struct ear_sip *sip)
{
	struct copy copy = {.p = malloc(in.n + 1), .n = in.n};
	struct copy again;
	struct ear_sip masked;
	size_t n;

	if (!copy.p)
		return;
	memcpy(copy.p, in.p, in.n);
	n = ear_sip_secrets(sip, blank, &copy);
	again = copy;
	again.bytes = 0;
	ear_sip_parse(ear_slice(copy.p, copy.n), &masked);
	check(ear_sip_secrets(&masked, blank, &again) == n);
	check(again.bytes == copy.bytes);
	check(memcmp(copy.p, again.p, copy.n) == 0);
	free(copy.p);
}

static void try_frames(struct ear_slice in)
{
	struct ear_sip_frame whole = {0}, step = {0};

	while (in.n && ear_sip_frame(in, &whole) == EAR_OK) {
		enum ear_err err = EAR_MORE;

		check(whole.n > 0 && whole.idle + whole.n <= in.n);
		for (size_t n = 0; err == EAR_MORE; n += 1 + n / 8) {
			if (n > in.n)
				n = in.n;
			err = ear_sip_frame(ear_slice_sub(in, 0, n), &step);
		}
		check(err == EAR_OK && step.n == whole.n &&
			step.idle == whole.idle);
		in = ear_slice_sub(in, whole.idle + whole.n, in.n);
		whole = step = (struct ear_sip_frame){0};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice in = ear_slice(data, size);
	struct ear_sip_finding found[FOUND_MAX];
	struct ear_sip_verdict verdict;
	struct ear_sip_core core;
	struct ear_sip sip;
	size_t n;

	if (size == 0)
		in = EAR_S("");
	ear_sip_looks_like(in);
	ear_sip_parse(in, &sip);
	ear_sip_core(&sip, &core);
	n = ear_sip_check(&sip, &core, EAR_SIP_STREAM, found, FOUND_MAX);
	verdict = ear_sip_judge(&sip, &core, EAR_SIP_STREAM);
	check(verdict.malformed == (n > 0));
	check(verdict.secrets == (ear_sip_secrets(&sip, NULL, NULL) > 0));
	try_facts(in);
	try_values(in, &sip);
	try_secrets(in, &sip);
	try_frames(in);
	try_sdp(sip.body);
	return 0;
}
