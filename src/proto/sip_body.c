/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_body.h"

#include "proto/sip_lex.h"

#define BOUNDARY_BYTES_MAX 70 /* RFC 2046 s5.1.1 */
#define DEPTH_MAX 2 /* mixed holding alternative is the deepest in use */

bool ear_sip_type_parse(struct ear_slice value, struct ear_sip_type *type)
{
	const char *p, *end, *from;

	memset(type, 0, sizeof(*type));
	if (value.n == 0)
		return false;
	end = value.p + value.n;
	from = p = skip(value.p, end, C_LWS);
	p = skip(p, end, C_TOKEN);
	type->type = span(from, p);
	p = skip(p, end, C_LWS);
	if (p == end || *p != '/' || !type->type.n)
		return false;
	p = skip(p + 1, end, C_LWS);
	type->subtype = span(p, skip(p, end, C_TOKEN));
	p += type->subtype.n;
	p = skip(p, end, C_LWS);
	if (p < end && *p == ';')
		type->params = span(p + 1, end);
	return type->subtype.n > 0;
}

bool ear_sip_type_is(const struct ear_sip_type *type, struct ear_slice wanted)
{
	size_t slash = type->type.n;

	return wanted.n == slash + 1 + type->subtype.n &&
	       ear_slice_ieq(ear_slice_sub(wanted, slash + 1, wanted.n),
		       type->subtype) &&
	       ear_slice_ieq(ear_slice_sub(wanted, 0, slash), type->type);
}

bool ear_sip_parts(struct ear_slice content_type, struct ear_slice body,
	struct ear_sip_parts *parts)
{
	struct ear_sip_type type;

	memset(parts, 0, sizeof(*parts));
	if (!ear_sip_type_parse(content_type, &type) ||
		!ear_slice_ieq(type.type, EAR_S("multipart")))
		return false;
	parts->boundary = ear_sip_param_of(type.params, EAR_S("boundary"));
	parts->rest = body;
	return parts->boundary.n > 0 && parts->boundary.n <= BOUNDARY_BYTES_MAX;
}

/*
 * delimiter = CRLF "--" boundary; the first may begin the body.
 *
 * @return where the delimiter's "--" stands, NULL when there is none
 */
static const char *find_delimiter(
	struct ear_slice boundary, const char *p, const char *end)
{
	const char *start = p, *hit;
	size_t n = boundary.n;

	while ((hit = memmem(p, (size_t)(end - p), "--", 2))) {
		if ((hit == start || hit[-1] == '\n') &&
			(size_t)(end - hit) >= n + 2 &&
			memcmp(hit + 2, boundary.p, n) == 0)
			return hit;
		p = hit + 1;
	}
	return NULL;
}

static const char *after_line(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf ? lf + 1 : end;
}

static void read_part(const char *p, const char *end, struct ear_sip_part *part)
{
	const char *from = p, *line;

	memset(part, 0, sizeof(*part));
	while (p < end && *p != '\n' &&
		!(*p == '\r' && end - p > 1 && p[1] == '\n')) {
		line = p;
		p = after_line(p, end);
		if (p - line > 13 && ear_slice_ieq(span(line, line + 13),
					     EAR_S("Content-Type:")))
			part->type = ear_slice_trim(span(line + 13, p));
	}
	part->headers = span(from, p);
	part->body = span(after_line(p, end), end);
}

bool ear_sip_part_next(struct ear_sip_parts *parts, struct ear_sip_part *part)
{
	const char *p = parts->rest.p, *end = p + parts->rest.n, *next;

	if (parts->rest.n == 0)
		return false;
	if (!parts->begun) {
		p = find_delimiter(parts->boundary, p, end);
		parts->begun = true;
		if (!p) {
			parts->rest.n = 0;
			return false;
		}
	}
	p += 2 + parts->boundary.n;
	if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
		parts->rest.n = 0;
		return false;
	}
	p = after_line(p, end);
	next = find_delimiter(parts->boundary, p, end);
	parts->rest = next ? span(next, end) : span(end, end);
	if (!next)
		next = end;
	else if (next > p)
		next -= next - p >= 2 && next[-2] == '\r' ? 2 : 1;
	read_part(p, next, part);
	return true;
}

static struct ear_slice find_body(struct ear_slice content_type,
	struct ear_slice body, struct ear_slice wanted, int depth)
{
	struct ear_sip_parts parts;
	struct ear_sip_part part;
	struct ear_sip_type type;
	struct ear_slice found;

	if (!ear_sip_type_parse(content_type, &type))
		return (struct ear_slice){0};
	if (ear_sip_type_is(&type, wanted))
		return body;
	if (depth == DEPTH_MAX || !ear_sip_parts(content_type, body, &parts))
		return (struct ear_slice){0};
	while (ear_sip_part_next(&parts, &part)) {
		found = find_body(part.type, part.body, wanted, depth + 1);
		if (found.n)
			return found;
	}
	return (struct ear_slice){0};
}

struct ear_slice ear_sip_find_body(struct ear_slice content_type,
	struct ear_slice body, struct ear_slice wanted)
{
	return find_body(content_type, body, wanted, 0);
}
