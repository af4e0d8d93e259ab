/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ws.h"

/*
 *     0               1               2               3
 *    |F|R|R|R| opcode|M| length      | longer length, 2 or 8 bytes
 *    |I|S|S|S|       |A| 126: 2 more | …             |
 *    |N|V|V|V|       |S| 127: 8 more | mask, 4 bytes | payload
 */
enum ear_err ear_ws_head(struct ear_slice in, struct ear_ws_frame *f)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t more;

	if (in.n < 1)
		return EAR_MORE;
	f->fin = p[0] & 0x80;
	f->packed = p[0] & 0x40;
	f->opcode = p[0] & 15;
	if (p[0] & 0x30 || (f->opcode > EAR_WS_BINARY && f->opcode < 8) ||
		f->opcode > EAR_WS_PONG)
		return EAR_BAD;
	if (in.n < 2)
		return EAR_MORE;
	f->masked = p[1] & 0x80;
	f->n = p[1] & 0x7f;
	more = f->n == 126 ? 2 : f->n == 127 ? 8 : 0;
	f->head = 2 + more + (f->masked ? 4 : 0);
	if (f->opcode >= 8 && (more || !f->fin || f->packed))
		return EAR_BAD;
	if (in.n < f->head)
		return EAR_MORE;
	if (more) {
		f->n = 0;
		for (size_t i = 0; i < more; i++)
			f->n = f->n << 8 | p[2 + i];
		if (f->n < (more == 2 ? 126u : 65536u) || f->n >> 63)
			return EAR_BAD;
	}
	if (f->masked)
		memcpy(f->mask, p + f->head - 4, 4);
	return EAR_OK;
}

void ear_ws_unmask(const struct ear_ws_frame *f, uint64_t at,
	struct ear_slice in, char *out)
{
	for (size_t i = 0; i < in.n; i++)
		out[i] = (char)(in.p[i] ^ (char)f->mask[(at + i) & 3]);
}

/* The value of an HTTP header names the word, in a list or alone. */
static bool header_has(
	struct ear_slice head, struct ear_slice name, struct ear_slice word)
{
	for (size_t at; (at = ear_slice_ifind(head, name)) < head.n;) {
		struct ear_slice line =
			ear_slice_sub(head, at + name.n, head.n);

		line.n = ear_slice_find(line, EAR_S("\r\n"));
		if (ear_slice_ifind(line, word) < line.n)
			return true;
		head = ear_slice_sub(head, at + name.n, head.n);
	}
	return false;
}

static bool begins(struct ear_slice in, struct ear_slice word)
{
	size_t n = in.n < word.n ? in.n : word.n;

	return memcmp(in.p, word.p, n) == 0;
}

enum ear_err ear_ws_upgrade(struct ear_slice in, size_t *used)
{
	struct ear_slice head;
	size_t end;

	if (!in.n)
		return EAR_MORE;
	if (!begins(in, EAR_S("GET ")) && !begins(in, EAR_S("HTTP/1.1 101")))
		return EAR_BAD;
	head = ear_slice_sub(in, 0, EAR_WS_HEAD_MAX);
	end = ear_slice_find(head, EAR_S("\r\n\r\n"));
	if (end == head.n)
		return in.n < EAR_WS_HEAD_MAX ? EAR_MORE : EAR_BAD;
	head.n = end + 2;
	if (!header_has(head, EAR_S("\r\nUpgrade:"), EAR_S("websocket")))
		return EAR_BAD;
	*used = end + 4;
	return EAR_OK;
}

bool ear_ws_upgrade_is_sip(struct ear_slice head)
{
	return header_has(
		head, EAR_S("\r\nSec-WebSocket-Protocol:"), EAR_S("sip"));
}

static void forget(struct ear_ws *ws)
{
	ear_buf_reset(&ws->message);
	ws->open = false;
}

void ear_ws_fini(struct ear_ws *ws)
{
	ear_buf_fini(&ws->message);
	ear_buf_fini(&ws->whole);
	ear_ws_inflate_free(&ws->inflate);
}

/* What cannot be unpacked stays as it is. */
static void unpack(struct ear_ws *ws, struct ear_ws_message *message)
{
	if (!ws->inflate && ear_ws_inflate_new(&ws->inflate))
		return;
	ear_buf_reset(&ws->whole);
	ws->whole.max = EAR_WS_MESSAGE_MAX;
	if (ear_ws_inflate(ws->inflate, message->bytes, &ws->whole))
		return;
	message->packed = false;
	message->bytes = ear_buf_view(&ws->whole);
}

static void append(struct ear_ws *ws, const struct ear_ws_frame *f,
	struct ear_slice payload)
{
	char *to;

	if (!f->masked) {
		ear_buf_slice(&ws->message, payload);
		return;
	}
	to = ear_buf_reserve(&ws->message, payload.n);
	if (!to)
		return;
	ear_ws_unmask(f, 0, payload, to);
	ws->message.n += payload.n;
}

/* A data frame: the message when it is whole. */
static enum ear_err data(struct ear_ws *ws, const struct ear_ws_frame *f,
	struct ear_slice payload, struct ear_ws_message *message)
{
	enum ear_err err;

	if (f->opcode != EAR_WS_MORE || !ws->open) {
		/* A continuation of what was never seen begins in its middle;
		 * the reader sees from its bytes that it is no message. */
		ear_buf_reset(&ws->message);
		ws->packed = f->packed;
		ws->open = true;
	}
	ws->message.max = EAR_WS_MESSAGE_MAX;
	append(ws, f, payload);
	err = ws->message.err;
	if (err) {
		forget(ws);
		return err;
	}
	if (!f->fin)
		return EAR_OK;
	ws->open = false;
	message->packed = ws->packed;
	message->bytes = ear_buf_view(&ws->message);
	if (message->packed)
		unpack(ws, message);
	if (!message->bytes.p)
		message->bytes = EAR_S("");
	return EAR_OK;
}

enum ear_err ear_ws_next(struct ear_ws *ws, struct ear_slice in, size_t *used,
	size_t *need, struct ear_ws_message *message)
{
	struct ear_ws_frame f;
	struct ear_slice payload;
	enum ear_err err = ear_ws_head(in, &f);

	*message = (struct ear_ws_message){0};
	*used = 0;
	*need = in.n + 1;
	if (err)
		return err;
	if (f.n > EAR_WS_MESSAGE_MAX)
		return EAR_LIMIT;
	*need = f.head + (size_t)f.n;
	if (in.n < *need)
		return EAR_MORE;
	*used = *need;
	payload = ear_slice_sub(in, f.head, *used);
	if (f.opcode >= EAR_WS_CLOSE) {
		message->control = true;
		return EAR_OK;
	}
	return data(ws, &f, payload, message);
}
