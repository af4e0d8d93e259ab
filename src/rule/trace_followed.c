/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of what is followed, traces.open, by which a dialog in the middle
 * of a restart goes on being followed:
 *
 *     "EARTRO1\n"  bytes of a unit
 *     per unit     name of the trace, Call-ID, texts, each behind its length
 *                  as a varint (of texts: plus 1; 0 for none), then the unit
 *     8 bytes      hash of all before
 *
 * Numbers of a unit lie as they do in memory: the file is for the next run of
 * this program on this machine, and any other is no loss.
 */
#include "base/hash.h"
#include "base/reader.h"
#include "rule/trace_priv.h"

static const struct ear_slice magic = EAR_S_INIT("EARTRO1\n");

/* --- writing -------------------------------------------------------------- */

static void put(struct ear_buf *out, struct ear_slice s)
{
	ear_buf_varint(out, s.n);
	ear_buf_slice(out, s);
}

static void write_unit(
	const struct trace_conv *conv, const struct trace_unit *unit, void *arg)
{
	struct ear_buf *out = arg;

	put(out, ear_slice_str(unit->trace->spec.name));
	put(out, ear_slice(conv->call_id, conv->n));
	ear_buf_varint(out, unit->texts ? unit->texts_n + 1 : 0);
	if (unit->texts)
		ear_buf_add(out, unit->texts, unit->texts_n);
	ear_buf_add(out, &unit->scope, sizeof(unit->scope));
}

void traces_write_open(struct ear_traces *t, struct ear_buf *out)
{
	uint64_t sum;

	ear_buf_slice(out, magic);
	ear_buf_varint(out, sizeof(struct ear_scope_unit));
	trace_open_each(t->open, write_unit, out);
	sum = ear_hash(ear_buf_view(out));
	ear_buf_add(out, &sum, sizeof(sum));
}

/* --- reading -------------------------------------------------------------- */

static struct ear_slice get(struct ear_reader *r)
{
	uint64_t n = ear_read_varint(r);

	return ear_read(r, n < SIZE_MAX ? (size_t)n : SIZE_MAX);
}

/* @return false: what is there is no unit */
static bool read_unit(struct ear_traces *t, struct ear_reader *r, bool standing)
{
	struct ear_slice name = get(r), call_id = get(r), texts = {0}, raw;
	static const struct ear_msg no_msg;
	uint64_t n = ear_read_varint(r);
	struct ear_scope_unit unit;
	struct trace *trace;

	if (n)
		texts = ear_read(
			r, n - 1 < SIZE_MAX ? (size_t)n - 1 : SIZE_MAX);
	raw = ear_read(r, sizeof(unit));
	if (r->err)
		return false;
	memcpy(&unit, raw.p, sizeof(unit));
	if (!ear_scope_sound(&unit))
		return false;
	trace = traces_running(t, name);
	if (trace && trace->standing == standing)
		(void)trace_open_add(t->open, call_id, trace, &unit,
			n ? &texts : NULL, &no_msg);
	return true;
}

enum ear_err traces_read_open(
	struct ear_traces *t, struct ear_slice bytes, bool standing)
{
	struct ear_reader r;
	uint64_t sum;

	if (bytes.n < magic.n + sizeof(sum) || !ear_slice_starts(bytes, magic))
		return EAR_BAD;
	bytes.n -= sizeof(sum);
	memcpy(&sum, bytes.p + bytes.n, sizeof(sum));
	if (sum != ear_hash(bytes))
		return EAR_BAD;
	r = ear_reader(ear_slice_sub(bytes, magic.n, bytes.n));
	if (ear_read_varint(&r) != sizeof(struct ear_scope_unit))
		return EAR_BAD;
	while (ear_reader_left(&r)) {
		if (!read_unit(t, &r, standing))
			return EAR_BAD;
	}
	return r.err ? EAR_BAD : EAR_OK;
}
