/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_frame.h"

#include "proto/sip_lex.h"

static size_t blank(struct ear_slice in)
{
	size_t n = 0;

	while (n < in.n && (in.p[n] == '\r' || in.p[n] == '\n'))
		n++;
	return n;
}

/* "SIP/2.0" or the like in [p, end) with nothing but a digit behind "SIP/" */
static bool is_version(const char *p, const char *end)
{
	return end - p >= 5 && (p[0] | 32) == 's' && (p[1] | 32) == 'i' &&
	       (p[2] | 32) == 'p' && p[3] == '/' && is(p[4], C_DIGIT);
}

static bool is_request_line(const char *p, const char *end)
{
	const char *space = skip(p, end, C_TOKEN);

	if (space == p || space == end || *space != ' ')
		return false;
	while (end > space && is(end[-1], C_LWS))
		end--;
	for (p = end; p > space && !is(p[-1], C_LWS);)
		p--;
	return p > space && is_version(p, end);
}

bool ear_sip_looks_like(struct ear_slice bytes)
{
	const char *p, *end, *lf;

	if (bytes.n == 0)
		return false;
	p = bytes.p + blank(bytes);
	end = bytes.p + bytes.n;
	if (is_version(p, end))
		return true;
	if (p == end || !is(*p, C_TOKEN))
		return false;
	if (end - p > EAR_SIP_HEAD_BYTES_MAX)
		end = p + EAR_SIP_HEAD_BYTES_MAX;
	lf = memchr(p, '\n', (size_t)(end - p));
	return lf && is_request_line(p, lf);
}

/* @return where the head ends, past its empty line; NULL when not yet */
static const char *head_end(
	const char *p, const char *end, struct ear_sip_frame *frame)
{
	const char *lf = p + frame->scanned;

	while ((lf = memchr(lf, '\n', (size_t)(end - lf)))) {
		const char *next = lf + 1;

		if (next < end && *next == '\r')
			next++;
		if (next == end) {
			frame->scanned = (size_t)(lf - p);
			return NULL;
		}
		if (*next == '\n')
			return next + 1;
		lf++;
	}
	frame->scanned = (size_t)(end - p);
	return NULL;
}

/* Before the head is whole: may this still become a SIP message? */
static enum ear_err early(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	if (!is(*p, C_TOKEN) || (lf && !ear_sip_looks_like(span(p, lf + 1))))
		return EAR_BAD;
	if (end - p > EAR_SIP_HEAD_BYTES_MAX)
		return EAR_LIMIT;
	return EAR_MORE;
}

static enum ear_err body_length(
	const char *p, const char *end, uint64_t *length)
{
	struct ear_slice head = span(p, end);
	struct ear_sip_header header;
	struct ear_sip sip;

	*length = 0;
	if (ear_sip_parse(head, &sip) != EAR_OK)
		return EAR_BAD;
	if (!ear_sip_find(&sip, EAR_SIP_CONTENT_LENGTH, &header))
		return EAR_OK;
	if (!ear_slice_u64(header.value, UINT64_MAX, length))
		return EAR_BAD;
	return EAR_OK;
}

enum ear_err ear_sip_frame(struct ear_slice in, struct ear_sip_frame *frame)
{
	const char *p, *end, *head;
	enum ear_err err;
	uint64_t length;

	frame->n = 0;
	if (in.n == 0)
		return EAR_MORE;
	frame->idle = blank(in);
	p = in.p + frame->idle;
	end = in.p + in.n;
	if (p == end)
		return EAR_MORE;
	head = head_end(p, end, frame);
	if (!head)
		return early(p, end);
	if (head - p > EAR_SIP_HEAD_BYTES_MAX)
		return EAR_LIMIT;
	err = body_length(p, head, &length);
	if (err)
		return err;
	if (length > EAR_SIP_MESSAGE_BYTES_MAX - (size_t)(head - p))
		return EAR_LIMIT;
	if (length > (uint64_t)(end - head))
		return EAR_MORE;
	frame->n = (size_t)(head - p) + (size_t)length;
	return EAR_OK;
}
