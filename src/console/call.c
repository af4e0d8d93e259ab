/* SPDX-License-Identifier: Apache-2.0 */
#include "console/call.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "console/priv.h"

/* Most bytes of all answers that clients have not taken, small ones aside. */
#define UNSENT_MAX (64u << 20)
#define UNSENT_SMALL 4096u

struct ear_slice ear_call_arg(const struct ear_call *call, const char *name)
{
	return ear_slice_str(evhttp_find_header(&call->query, name));
}

void ear_call_quote(struct ear_slice text, struct ear_buf *out)
{
	ear_buf_byte(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			ear_buf_byte(out, '\\');
		ear_buf_byte(out, (uint8_t)text.p[i]);
	}
	ear_buf_byte(out, '"');
}

bool ear_call_number(struct ear_call *call, const char *name, uint64_t least,
	uint64_t most, uint64_t absent, uint64_t *value)
{
	struct ear_slice text = ear_call_arg(call, name);

	*value = absent;
	if (text.n == 0 ||
		(ear_slice_u64(text, most, value) && *value >= least))
		return true;
	ear_call_fail(call, 400, "%s is a number from %llu to %llu", name,
		(unsigned long long)least, (unsigned long long)most);
	return false;
}

bool ear_call_time(struct ear_call *call, const char *name, uint64_t now_ns,
	uint64_t absent, uint64_t *at_ns)
{
	struct ear_slice text = ear_call_arg(call, name);
	struct ear_fault fault = {0};

	*at_ns = absent;
	if (text.n == 0 || !ear_time_parse(text, now_ns, at_ns, &fault))
		return true;
	ear_call_fail(call, 400, "%s: %s", name, fault.text);
	return false;
}

json_t *ear_call_object(struct ear_call *call)
{
	json_t *root = json_loadb(call->body.p ? call->body.p : "",
		call->body.n, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	ear_call_fail(call, 400, "the body is not a JSON object");
	return NULL;
}

static void write_error(struct ear_call *call, int status, const char *text,
	const size_t *offset)
{
	struct ear_json j;

	call->status = status;
	call->type = NULL;
	call->etag = NULL;
	call->encoding = NULL;
	ear_buf_reset(&call->out);
	j = ear_call_json(call);
	ear_json_open(&j, '{');
	ear_json_kstr(&j, "error", ear_slice_str(text));
	if (offset)
		ear_json_ku64(&j, "offset", *offset);
	if (call->retry_after_s)
		ear_json_ku64(&j, "retry_after_s", call->retry_after_s);
	if (status == 403 && call->user.must_change)
		ear_json_kbool(&j, "must_change", true);
	ear_json_close(&j, '}');
}

void ear_call_fail(struct ear_call *call, int status, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	write_error(call, status, text, NULL);
}

void ear_call_fault(
	struct ear_call *call, enum ear_err err, const struct ear_fault *fault)
{
	const char *text =
		fault->text[0] ? fault->text : "the store cannot answer";

	switch (err) {
	case EAR_USAGE:
	case EAR_BAD: write_error(call, 400, text, &fault->offset); break;
	case EAR_GONE: write_error(call, 404, text, NULL); break;
	case EAR_LIMIT: write_error(call, 413, text, NULL); break;
	case EAR_FULL:
	case EAR_NOMEM: write_error(call, 503, text, NULL); break;
	default: write_error(call, 500, text, NULL); break;
	}
}

void ear_call_refuse(
	struct ear_call *call, enum ear_err err, const struct ear_fault *fault)
{
	if (err == EAR_USAGE || err == EAR_LIMIT)
		ear_call_fail(call, 400, "%s", fault->text);
	else
		ear_call_fault(call, err, fault);
}

const char *ear_http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {{200, "OK"}, {304, "Not Modified"}, {400, "Bad Request"},
		{401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {413, "Content Too Large"},
		{421, "Misdirected Request"}, {429, "Too Many Requests"},
		{500, "Internal Server Error"}, {503, "Service Unavailable"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].status == status)
			return rows[i].reason;
	return "Status";
}

void ear_call_header(struct ear_call *call, const char *name, const char *value)
{
	evhttp_add_header(
		evhttp_request_get_output_headers(call->http), name, value);
}

void ear_call_attach(struct ear_call *call, const char *name,
	const char *suffix, uint64_t now_ns)
{
	time_t at = (time_t)(now_ns / EAR_SECOND_NS);
	char text[32], value[128];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(value, sizeof(value),
		"attachment; filename=\"earshot-%s%s%s.%s\"", name,
		*name ? "-" : "", text, suffix);
	ear_call_header(call, "Content-Disposition", value);
}

void ear_call_audit(struct ear_call *call, const char *action, bool look,
	struct ear_slice object, struct ear_slice detail)
{
	call->action = action;
	call->look = look;
	ear_buf_reset(&call->object);
	ear_buf_slice(
		&call->object, ear_slice_sub(object, 0, EAR_AUDIT_OBJECT));
	ear_buf_reset(&call->detail);
	ear_buf_slice(
		&call->detail, ear_slice_sub(detail, 0, EAR_AUDIT_DETAIL));
}

void ear_call_ended(struct ear_call *call)
{
	unsigned digit = (unsigned)(call->status ? call->status : 200) / 100;
	char from[EAR_ADDR_TEXT];

	call->console->counts.answers[digit < 6 ? digit : 0]++;
	if (!call->action || digit > 3)
		return;
	ear_addr_ip_text(&call->from, from);
	ear_audit_add(call->console->o.audit,
		&(struct ear_audit_entry){.at_ns = ear_now_ns(),
			.actor = ear_slice_str(call->by),
			.action = ear_slice_str(call->action),
			.object = ear_buf_view(&call->object),
			.detail = ear_buf_view(&call->detail),
			.address = ear_slice_str(from),
			.look = call->look});
}

/* Browsers that came by TLS stay with it (RFC 6797), but where it is this
 * machine alone, whose name other programs share. */
static bool wants_transport_security(const struct ear_call *call)
{
	return call->tls && !ear_addr_is_loopback(&call->from);
}

void ear_call_headers(struct ear_call *call)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(call->http);
	const char *type = call->type ? call->type : "application/json";
	char number[24];

	evhttp_add_header(h, "Content-Type", type);
	evhttp_add_header(h, "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; "
		"img-src 'self' data:; connect-src 'self'; "
		"form-action 'self'; frame-ancestors 'none'; "
		"base-uri 'none'");
	evhttp_add_header(h, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(h, "X-Frame-Options", "DENY");
	evhttp_add_header(h, "Referrer-Policy", "same-origin");
	evhttp_add_header(h, "Cross-Origin-Resource-Policy", "same-origin");
	evhttp_add_header(h, "Cross-Origin-Opener-Policy", "same-origin");
	if (wants_transport_security(call))
		evhttp_add_header(
			h, "Strict-Transport-Security", "max-age=31536000");
	/* the page is asked for each time, its tag answers; the rest is
	 * about people and not to be kept */
	evhttp_add_header(
		h, "Cache-Control", call->etag ? "no-cache" : "no-store");
	if (call->etag) {
		evhttp_add_header(h, "ETag", call->etag);
		evhttp_add_header(h, "Vary", "Accept-Encoding");
	}
	if (call->encoding)
		evhttp_add_header(h, "Content-Encoding", call->encoding);
	if (call->cookie[0])
		evhttp_add_header(h, "Set-Cookie", call->cookie);
	if (call->retry_after_s) {
		snprintf(number, sizeof(number), "%u", call->retry_after_s);
		evhttp_add_header(h, "Retry-After", number);
	}
}

/* An answer on its way: its bytes, and what they count for. */
struct sent {
	struct ear_console *console;
	char *p;
	size_t n;
};

static void free_sent(const void *p, size_t n, void *arg)
{
	struct sent *sent = arg;

	sent->console->unsent -= sent->n;
	free(sent->p);
	free(sent);
}

/* Hands the bytes of out to body. */
static void move_out(struct ear_call *call, struct evbuffer *body)
{
	struct sent *sent = malloc(sizeof(*sent));

	if (!sent)
		return;
	*sent = (struct sent){call->console, call->out.p, call->out.n};
	if (evbuffer_add_reference(body, sent->p, sent->n, free_sent, sent) <
		0) {
		free(sent);
		return;
	}
	call->console->unsent += sent->n;
	call->out = (struct ear_buf){0};
}

/* An answer that could not be made, or has no room beside those that their
 * clients have not taken yet. */
static void refuse_if_too_large(struct ear_call *call)
{
	enum ear_err err = call->out.err;

	if (err) {
		ear_buf_fini(&call->out);
		call->out = (struct ear_buf){0};
		ear_call_fail(call, err == EAR_LIMIT ? 413 : 503,
			err == EAR_LIMIT ? "the answer is too large"
					 : "out of memory");
	} else if (call->out.n > UNSENT_SMALL &&
		   call->console->unsent + call->out.n > UNSENT_MAX) {
		call->retry_after_s = 1;
		ear_call_fail(call, 503, "too many answers are on their way");
	}
}

void ear_call_send(struct ear_call *call)
{
	struct evbuffer *body = evbuffer_new();
	int status;

	refuse_if_too_large(call);
	ear_call_ended(call);
	status = call->status ? call->status : 200;
	ear_call_headers(call);
	if (body && call->out.n > 0)
		move_out(call, body);
	evhttp_send_reply(call->http, status, ear_http_reason(status), body);
	if (body)
		evbuffer_free(body);
	ear_call_free(call);
}

void ear_call_free(struct ear_call *call)
{
	if (call->prev)
		call->prev->next = call->next;
	else if (call->console->calls == call)
		call->console->calls = call->next;
	if (call->next)
		call->next->prev = call->prev;
	evhttp_clear_headers(&call->query);
	/* it may have held a password */
	if (call->body.p)
		explicit_bzero(call->body.p, call->body.n);
	ear_buf_fini(&call->body);
	ear_buf_fini(&call->out);
	ear_buf_fini(&call->object);
	ear_buf_fini(&call->detail);
	free(call->path);
	free(call);
}

void ear_call_stop(struct ear_call *call)
{
	__atomic_store_n(&call->stop, true, __ATOMIC_RELAXED);
}
