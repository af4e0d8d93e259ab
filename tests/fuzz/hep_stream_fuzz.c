/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cutter on any stream: fed at once and in pieces whose lengths the input
 * says, it must find the same packets; and what it puts must be whole.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "tap/hep_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The packets of a stream as one number, however they were put. */
struct found {
	uint64_t hash;
	uint64_t packets;
};

static void add(struct found *f, struct ear_slice s)
{
	f->hash = ear_hash_seed(s, f->hash);
	f->packets++;
}

static void put(enum ear_unit_kind kind, struct ear_slice bytes, uint32_t units,
	void *arg)
{
	if (kind != EAR_UNIT_HEP_STREAM) {
		add(arg, bytes);
		return;
	}
	while (units--) {
		size_t n = (size_t)((uint8_t)bytes.p[4] << 8 |
				    (uint8_t)bytes.p[5]);

		if (bytes.n < 6 || n < 6 || n > bytes.n)
			abort();
		add(arg, ear_slice_sub(bytes, 0, n));
		bytes = ear_slice_sub(bytes, n, bytes.n);
	}
	if (bytes.n)
		abort();
}

static void count(enum ear_count what, void *arg)
{
	(void)what;
	(void)arg;
}

static void skipped(uint64_t bytes, void *arg)
{
	(void)bytes;
	(void)arg;
}

static enum ear_err feed(
	struct ear_slice in, const uint8_t *cuts, size_t n, struct found *f)
{
	static const struct ear_hep_stream_ops ops = {put, count, skipped};
	struct ear_hep_stream s = {.ops = &ops, .arg = f, .max_garbage = 4096};
	enum ear_err err = EAR_OK;

	for (size_t i = 0; in.n && !err; i++) {
		size_t piece = n ? cuts[i % n] + 1u : in.n;
		struct ear_slice part = ear_slice_sub(in, 0, piece);

		err = ear_hep_stream_feed(&s, part);
		in = ear_slice_sub(in, part.n, in.n);
	}
	ear_hep_stream_end(&s);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found whole = {0}, pieces = {0};
	enum ear_err err;
	struct ear_slice in;

	if (size < 4)
		return 0;
	in = ear_slice(data + 4, size - 4);
	err = feed(in, NULL, 0, &whole);
	/* Where it gives up is found sooner or later, but it is found. */
	if (feed(in, data, 4, &pieces) != err)
		abort();
	if (!err &&
		(whole.hash != pieces.hash || whole.packets != pieces.packets))
		abort();
	return 0;
}
