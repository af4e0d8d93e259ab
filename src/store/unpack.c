/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a block: nothing in it is believed that was not checked. */
#include <stdlib.h>

#include "base/reader.h"
#include "store/block.h"
#include "store/varint.h"

/* Make *p hold n items of size bytes. */
static bool room(void *p, size_t *cap, size_t n, size_t size)
{
	void **at = p;
	void *grown;

	if (n <= *cap)
		return true;
	n += n / 2;
	grown = realloc(*at, n * size);
	if (!grown)
		return false;
	*at = grown;
	*cap = n;
	return true;
}

static enum ear_err inflate(struct ear_block *b, struct ear_slice in,
	char **out, size_t *cap, size_t *n)
{
	unsigned long long full = ZSTD_getFrameContentSize(in.p, in.n);

	if (full == ZSTD_CONTENTSIZE_UNKNOWN ||
		full == ZSTD_CONTENTSIZE_ERROR || full > EAR_BLOCK_MAX)
		return EAR_BAD;
	if (!b->zstd)
		b->zstd = ZSTD_createDCtx();
	if (!b->zstd || !room(out, cap, (size_t)full + 1, 1))
		return EAR_NOMEM;
	*n = ZSTD_decompressDCtx(b->zstd, *out, *cap, in.p, in.n);
	return ZSTD_isError(*n) || *n != full ? EAR_BAD : EAR_OK;
}

static enum ear_err read_addrs(struct ear_block *b, struct ear_reader *r)
{
	uint64_t n = ear_read_varint(r);

	if (r->err || n > ear_reader_left(r))
		return EAR_BAD;
	if (!room(&b->addrs, &b->addr_cap, (size_t)n + 1, sizeof(*b->addrs)))
		return EAR_NOMEM;
	b->addr_n = (size_t)n;
	for (size_t i = 0; i < b->addr_n; i++) {
		struct ear_addr a = {.family = ear_read_u8(r)};
		struct ear_slice ip;

		a.port = ear_read_be16(r);
		if (a.family != 0 && a.family != 4 && a.family != 6)
			return EAR_BAD;
		ip = ear_read(r, a.family == 4 ? 4 : a.family ? 16 : 0);
		if (ip.n)
			memcpy(a.ip, ip.p, ip.n);
		b->addrs[i] = a;
	}
	return r->err ? EAR_BAD : EAR_OK;
}

static enum ear_err read_strings(struct ear_block *b, struct ear_reader *r)
{
	uint64_t n = ear_read_varint(r);

	if (r->err || n > ear_reader_left(r))
		return EAR_BAD;
	if (!room(&b->strings, &b->string_cap, (size_t)n + 1,
		    sizeof(*b->strings)))
		return EAR_NOMEM;
	b->string_n = (size_t)n;
	for (size_t i = 0; i < b->string_n; i++) {
		uint64_t len = ear_read_varint(r);

		if (len > EAR_BLOCK_MAX)
			return EAR_BAD;
		b->strings[i].n = (size_t)len;
	}
	for (size_t i = 0; i < b->string_n; i++)
		b->strings[i] = ear_read(r, b->strings[i].n);
	return r->err ? EAR_BAD : EAR_OK;
}

/* One column of n values. @return behind it, NULL when damaged */
static const uint8_t *read_column(const uint8_t *p, const uint8_t *end,
	uint64_t *v, size_t n, bool is_signed)
{
	uint64_t scale;
	bool same;

	if (p >= end)
		return NULL;
	same = *p++;
	p = ear_varint_get(p, end, &scale);
	for (size_t i = 0; p && i < (same ? 1 : n); i++) {
		p = ear_varint_get(p, end, &v[i]);
		if (p && is_signed)
			v[i] = ear_unzigzag(v[i]) * scale;
	}
	for (size_t i = 1; p && same && i < n; i++)
		v[i] = v[0];
	return p;
}

static void sum_up(uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		v[i] += v[i - 1];
}

static enum ear_err read_columns(struct ear_block *b, struct ear_slice in)
{
	const uint8_t *p = (const uint8_t *)in.p, *end = p + in.n;

	for (size_t c = 0; c < EAR_COL_COUNT; c++) {
		b->col[c] = b->cells + c * b->rows;
		p = read_column(p, end, b->col[c], b->rows, c <= EAR_COL_CONV);
		if (!p)
			return EAR_BAD;
	}
	sum_up(b->col[EAR_COL_AT], b->rows);
	sum_up(b->col[EAR_COL_SEQ], b->rows);
	sum_up(b->col[EAR_COL_CONV], b->rows);
	for (size_t i = 0; i < b->rows; i++)
		b->col[EAR_COL_SEEN][i] += b->col[EAR_COL_AT][i];
	return EAR_OK;
}

static bool below(const uint64_t *v, size_t n, uint64_t bound)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] >= bound)
			return false;
	}
	return true;
}

/* Where each row's bytes begin; also whether all indexes are in bounds. */
static enum ear_err lay_out(struct ear_block *b)
{
	uint64_t at = 0;

	for (size_t c = EAR_COL_SRC; c <= EAR_COL_VIA; c++) {
		if (!below(b->col[c], b->rows, b->addr_n))
			return EAR_BAD;
	}
	for (size_t c = EAR_COL_TAP; c <= EAR_COL_METHOD; c++) {
		if (!below(b->col[c], b->rows, b->string_n))
			return EAR_BAD;
	}
	for (size_t c = EAR_COL_RAW; c <= EAR_COL_NOTE; c++) {
		if (!below(b->col[c], b->rows, EAR_BLOCK_MAX + 1))
			return EAR_BAD;
	}
	for (size_t i = 0; i < b->rows; i++) {
		b->raw_at[i] = (uint32_t)at;
		for (size_t c = EAR_COL_RAW; c <= EAR_COL_NOTE; c++)
			at += b->col[c][i];
		if (at > EAR_BLOCK_MAX)
			return EAR_BAD;
	}
	b->raw_at[b->rows] = (uint32_t)at;
	return EAR_OK;
}

enum ear_err ear_block_open(struct ear_block *b, struct ear_slice facts)
{
	enum ear_err err =
		inflate(b, facts, &b->facts, &b->facts_cap, &b->facts_n);
	struct ear_reader r;
	uint64_t rows;
	size_t cap;

	b->rows = 0;
	b->has_raw = false;
	if (err)
		return err;
	r = ear_reader(ear_slice(b->facts, b->facts_n));
	rows = ear_read_varint(&r);
	if (r.err || rows > EAR_BLOCK_ROWS)
		return EAR_BAD;
	err = read_addrs(b, &r);
	if (!err)
		err = read_strings(b, &r);
	if (err)
		return err;
	cap = b->row_cap;
	if (!room(&b->cells, &cap, (size_t)rows + 1,
		    EAR_COL_COUNT * sizeof(*b->cells)) ||
		!room(&b->raw_at, &b->row_cap, (size_t)rows + 1,
			sizeof(*b->raw_at)))
		return EAR_NOMEM;
	b->rows = (size_t)rows;
	err = read_columns(b, ear_slice(b->facts + r.at, b->facts_n - r.at));
	if (!err)
		err = lay_out(b);
	if (err)
		b->rows = 0;
	return err;
}

enum ear_err ear_block_open_raw(struct ear_block *b, struct ear_slice raw)
{
	enum ear_err err = inflate(b, raw, &b->raw, &b->raw_cap, &b->raw_n);

	if (!err && (!b->rows || b->raw_n != b->raw_at[b->rows]))
		err = EAR_BAD;
	b->has_raw = !err;
	return err;
}

void ear_block_fini(struct ear_block *b)
{
	ZSTD_freeDCtx(b->zstd);
	free(b->cells);
	free(b->raw_at);
	free(b->addrs);
	free(b->strings);
	free(b->facts);
	free(b->raw);
	*b = (struct ear_block){0};
}

void ear_block_msg(const struct ear_block *b, size_t i, struct ear_msg *msg)
{
	const char *p = b->has_raw ? b->raw + b->raw_at[i] : NULL;
	struct ear_slice *parts[] = {
		&msg->raw, &msg->correlation, &msg->extra, &msg->note};

#define CELL(c) b->col[EAR_COL_##c][i]
	*msg = (struct ear_msg){
		.at_ns = CELL(AT),
		.seen_ns = CELL(SEEN),
		.id = CELL(SEQ),
		.src = b->addrs[CELL(SRC)],
		.dst = b->addrs[CELL(DST)],
		.via = b->addrs[CELL(VIA)],
		.capture_id = (uint32_t)CELL(CAPTURE),
		.flags = (uint16_t)CELL(FLAGS),
		.transport = (uint8_t)CELL(TRANSPORT),
		.proto = (uint8_t)CELL(PROTO),
		.direction = (uint8_t)CELL(DIRECTION),
		.ip_proto = (uint8_t)CELL(IP_PROTO),
		.tap = b->strings[CELL(TAP)],
		.node = b->strings[CELL(NODE)],
	};
#undef CELL
	for (size_t k = 0; k < 4; k++) {
		*parts[k] = ear_slice(p, b->col[EAR_COL_RAW + k][i]);
		if (p)
			p += parts[k]->n;
	}
}

void ear_block_facts(
	const struct ear_block *b, size_t i, struct ear_facts *facts)
{
	uint64_t bits = b->col[EAR_COL_BITS][i];

	*facts = (struct ear_facts){
		.kind = (uint8_t)b->col[EAR_COL_KIND][i],
		.malformed = bits & EAR_ROW_MALFORMED,
		.sdp = bits & EAR_ROW_SDP,
		.status = (uint16_t)b->col[EAR_COL_STATUS][i],
		.method = b->strings[b->col[EAR_COL_METHOD][i]],
	};
}

void ear_block_refind(const struct ear_facts *stored, const struct ear_msg *msg,
	struct ear_facts *facts)
{
	ear_msg_facts(msg, facts);
	facts->kind = stored->kind;
	facts->malformed = stored->malformed;
	facts->sdp = stored->sdp;
	facts->status = stored->status;
	facts->method = stored->method;
}
