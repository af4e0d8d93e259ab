/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip.h"

#include "proto/sip_lex.h"
#include "proto/vec.h"

/*
 * Request-Line = Method SP Request-URI SP SIP-Version CRLF
 * Status-Line  = SIP-Version SP Status-Code SP Reason-Phrase CRLF
 */

static bool is_sip_version(struct ear_slice s)
{
	return s.n >= 5 && (s.p[0] | 32) == 's' && (s.p[1] | 32) == 'i' &&
	       (s.p[2] | 32) == 'p' && s.p[3] == '/' && is(s.p[4], C_DIGIT);
}

static void check_version(struct ear_sip *sip)
{
	if (!ear_slice_eq(sip->version, EAR_S("SIP/2.0")) &&
		!ear_slice_ieq(sip->version, EAR_S("SIP/2.0")))
		flaw_at(&sip->flaw, sip->version.p, EAR_SIP_RULE_VERSION);
}

static void read_status(struct ear_sip *sip, const char *p, const char *end)
{
	const char *from = p;
	uint32_t code = 0;

	for (; p < end && is(*p, C_DIGIT); p++) {
		if (code <= UINT16_MAX)
			code = code * 10 + (uint32_t)(*p - '0');
	}
	if (p - from != 3 || code < 100 || code > 699)
		flaw_at(&sip->flaw, from, EAR_SIP_RULE_STATUS);
	sip->status = code > UINT16_MAX ? 0 : (uint16_t)code;
	if (p < end && *p == ' ')
		p++;
	else
		flaw_at(&sip->flaw, p, EAR_SIP_RULE_START_SPACE);
	sip->reason = span(p, end);
}

static bool read_reply(struct ear_sip *sip, const char *p, const char *end)
{
	const char *space = memchr(p, ' ', (size_t)(end - p));

	if (!space)
		space = end;
	sip->version = span(p, space);
	sip->reply = true;
	check_version(sip);
	p = space;
	while (p < end && *p == ' ')
		p++;
	if (p - space != 1)
		flaw_at(&sip->flaw, space, EAR_SIP_RULE_START_SPACE);
	read_status(sip, p, end);
	return true;
}

/* The URI itself is checked by sip_check.c; here only what parts it. */
static void read_ruri(struct ear_sip *sip, const char *from, const char *to)
{
	const char *p = from, *q = to;

	while (p < q && is(*p, C_LWS))
		p++;
	while (q > p && is(q[-1], C_LWS))
		q--;
	if (p == q || p != from || q != to)
		flaw_at(&sip->flaw, p != from || p == q ? from : q,
			EAR_SIP_RULE_START_SPACE);
	sip->ruri = span(p, q);
}

static bool read_request(struct ear_sip *sip, const char *p, const char *end)
{
	const char *space, *last, *tail = end;

	space = skip(p, end, C_TOKEN);
	if (space == p || space == end || *space != ' ')
		return false;
	while (tail > space && is(tail[-1], C_LWS))
		tail--;
	for (last = tail; last > space && !is(last[-1], C_LWS);)
		last--;
	if (last <= space || !is_sip_version(span(last, tail)))
		return false;
	sip->method = span(p, space);
	sip->version = span(last, tail);
	sip->request = true;
	read_ruri(sip, space + 1, last - 1 < space + 1 ? space + 1 : last - 1);
	check_version(sip);
	if (tail != end)
		flaw_at(&sip->flaw, tail, EAR_SIP_RULE_START_TRAIL);
	return true;
}

static void read_start(struct ear_sip *sip)
{
	const char *p = sip->start.p, *end = p + sip->start.n;

	if (is_sip_version(sip->start))
		read_reply(sip, p, end);
	else if (!read_request(sip, p, end))
		flaw_at(&sip->flaw, p, EAR_SIP_RULE_START);
}

/*
 * One header line with its folds, from p on. Sets *line_end past its last
 * line feed and *cut where the value may end at most.
 */
static const char *fold_end(const char *p, const char *end, const char **cut)
{
	const char *lf;

	for (;;) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (!lf) {
			*cut = end;
			return end;
		}
		p = lf + 1;
		if (p == end || (*p != ' ' && *p != '\t'))
			break;
	}
	*cut = lf;
	return p;
}

static bool is_blank_line(const char *p, const char *end)
{
	return *p == '\n' || (*p == '\r' && end - p >= 2 && p[1] == '\n');
}

/*
 * A name of a known header field with its colon right behind it, as nearly
 * all are: found without looking at each of its characters.
 *
 * @return its length; 0 when this is any other line
 */
static size_t known_name(
	const char *p, const char *end, struct ear_sip_header *header)
{
	size_t n;

	if (end - p < VEC_BYTES)
		return 0;
	n = vec_first((vec_mask)(vec_load(p) == ':'));
	if (n == 0 || n == VEC_BYTES)
		return 0;
	header->id = (uint8_t)ear_sip_id_at(p, n, end);
	return header->id ? n : 0;
}

/* @return past the name's colon; NULL when the line has none behind a token */
static const char *read_name(
	const char *p, const char *end, struct ear_sip_header *header)
{
	const char *name = p;
	size_t n = known_name(p, end, header);

	if (n) {
		header->name = ear_slice(p, n);
		return p + n + 1;
	}
	p = skip(p, end, C_TOKEN);
	header->name = span(name, p);
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p != ':')
		return NULL;
	header->id = (uint8_t)ear_sip_id_at(name, header->name.n, end);
	return p + 1;
}

/* @return past the line; header->name is empty where there is no colon */
static const char *read_line(
	const char *p, const char *end, struct ear_sip_header *header)
{
	const char *name = p, *start, *value, *cut, *next;

	value = read_name(p, end, header);
	if (value) {
		next = fold_end(value, end, &cut);
	} else {
		next = fold_end(name, end, &cut);
		p = memchr(name, ':', (size_t)(cut - name));
		header->id = EAR_SIP_OTHER;
		header->name = span(name, p ? p : name);
		value = p ? p + 1 : name;
	}
	start = value;
	while (value < cut && is(*value, C_LWS))
		value++;
	while (cut > value && is(cut[-1], C_LWS))
		cut--;
	/* Of an empty value findings point right behind the colon. */
	header->value = value < cut ? span(value, cut) : span(start, start);
	return next;
}

static void read_headers(struct ear_sip *sip, const char *p, const char *end)
{
	const char *from = p;

	while (p < end && !is_blank_line(p, end)) {
		struct ear_sip_header *header = &sip->header[sip->count];

		if (sip->count == EAR_SIP_INDEXED) {
			struct ear_sip_header unused;

			if (!sip->more)
				sip->more = p;
			p = read_line(p, end, &unused);
			continue;
		}
		p = read_line(p, end, header);
		sip->count++;
		if (!sip->first[header->id])
			sip->first[header->id] = (uint8_t)sip->count;
	}
	sip->headers = span(from, p);
	sip->ended = p < end;
	if (sip->ended)
		p += *p == '\r' ? 2 : 1;
	sip->rest = span(p, end);
}

static void read_length(struct ear_sip *sip)
{
	struct ear_sip_header header;
	uint64_t v;

	sip->body = sip->rest;
	if (!ear_sip_find(sip, EAR_SIP_CONTENT_LENGTH, &header) ||
		!ear_slice_u64(header.value, UINT32_MAX, &v))
		return;
	sip->length = (uint32_t)v;
	if (v < sip->rest.n)
		sip->body.n = (size_t)v;
}

enum ear_err ear_sip_parse(struct ear_slice raw, struct ear_sip *sip)
{
	const char *p, *end, *lf, *line_end;

	if (!raw.p)
		raw = EAR_S("");
	p = raw.p;
	end = p + raw.n;
	clear(sip, offsetof(struct ear_sip, header));
	sip->raw = raw;
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	lf = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	line_end = lf ? lf : end;
	if (lf && line_end > p && line_end[-1] == '\r')
		line_end--;
	sip->start = span(p, line_end);
	read_start(sip);
	read_headers(sip, lf ? lf + 1 : end, end);
	read_length(sip);
	return sip->request || sip->reply ? EAR_OK : EAR_BAD;
}

bool ear_sip_next(const struct ear_sip *sip, struct ear_sip_cursor *cursor,
	struct ear_sip_header *header)
{
	const char *end = sip->headers.p + sip->headers.n;

	if (cursor->at < sip->count) {
		*header = sip->header[cursor->at++];
		return true;
	}
	if (!cursor->line)
		cursor->line = sip->more;
	if (!cursor->line || cursor->line >= end)
		return false;
	cursor->line = read_line(cursor->line, end, header);
	return true;
}

bool ear_sip_next_of(const struct ear_sip *sip, enum ear_sip_id id,
	struct ear_sip_cursor *cursor, struct ear_sip_header *header)
{
	if (cursor->at == 0 && !sip->more && !sip->first[id])
		return false;
	while (ear_sip_next(sip, cursor, header)) {
		if (header->id == id)
			return true;
	}
	return false;
}

bool ear_sip_find(const struct ear_sip *sip, enum ear_sip_id id,
	struct ear_sip_header *header)
{
	struct ear_sip_cursor cursor = {.at = sip->count};

	if (sip->first[id]) {
		*header = sip->header[sip->first[id] - 1];
		return true;
	}
	return sip->more && ear_sip_next_of(sip, id, &cursor, header);
}

struct ear_slice ear_sip_value(const struct ear_sip *sip, enum ear_sip_id id)
{
	struct ear_sip_header header;

	if (sip->first[id])
		return sip->header[sip->first[id] - 1].value;
	if (!sip->more || !ear_sip_find(sip, id, &header))
		return (struct ear_slice){0};
	return header.value;
}

struct ear_slice ear_sip_value_of(
	const struct ear_sip *sip, struct ear_slice name)
{
	enum ear_sip_id id = ear_sip_id_of(name);
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;

	if (id)
		return ear_sip_value(sip, id);
	while (ear_sip_next(sip, &cursor, &header)) {
		if (!header.id && ear_slice_ieq(header.name, name))
			return header.value;
	}
	return (struct ear_slice){0};
}
