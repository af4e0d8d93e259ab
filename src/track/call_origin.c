/* SPDX-License-Identifier: Apache-2.0 */
/* What an INVITE says of where it comes from: its hops, and other calls. */
#include "base/hash.h"
#include "track/call_priv.h"

/* --- hops ----------------------------------------------------------------- */

/* "Via:" or "v:", of a line that begins with that letter. */
static bool is_via(struct ear_slice line)
{
	size_t at = 1;

	if (line.n > 4 && (line.p[1] | 0x20) == 'i' &&
		(line.p[2] | 0x20) == 'a')
		at = 3;
	while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
		at++;
	return at < line.n && line.p[at] == ':';
}

/* A line may hold several (RFC 3261 s7.3.1). The parent is looked for only
 * where there is one that it may be: behind the first INVITE that was seen. */
static void take_via(struct call_path *path, struct ear_slice line, bool parent)
{
	struct ear_slice list;
	struct ear_sip_via via;

	if (path->hops == UINT8_MAX || !is_via(line))
		return;
	if (!(parent && path->hops == 1) && !memchr(line.p, ',', line.n)) {
		path->hops++;
		return;
	}
	list = ear_slice_sub(
		line, ear_slice_find(line, EAR_S(":")) + 1, line.n);
	while (path->hops < UINT8_MAX && ear_sip_via_next(&list, &via)) {
		if (++path->hops == 2 && parent)
			path->parent = call_branch_name(
				(uint32_t)ear_hash(via.branch));
	}
}

static void take_forwards(struct call_path *path, struct ear_slice line)
{
	struct ear_slice value;
	uint64_t n;

	if (call_is_field(line, EAR_S("Max-Forwards"), 0, &value) &&
		ear_slice_u64(value, UINT8_MAX - 1, &n))
		path->forwards = (uint8_t)(n + 1);
}

void call_read_path(struct call_event *e)
{
	struct call_lines lines = call_lines_of(e->msg);
	struct ear_slice line;

	if (e->path.hops)
		return;
	while (call_next_line(&lines, &line)) {
		if ((line.p[0] | 0x20) == 'v')
			take_via(&e->path, line, true);
		else if ((line.p[0] | 0x20) == 'm')
			take_forwards(&e->path, line);
	}
}

/* --- other calls ---------------------------------------------------------- */

static struct ear_slice before(struct ear_slice value, struct ear_slice mark)
{
	return ear_slice_trim(
		ear_slice_sub(value, 0, ear_slice_find(value, mark)));
}

static bool ends_word(char ch)
{
	switch (ch) {
	case ' ':
	case '\t':
	case ',':
	case '"':
	case '<':
	case ';':
	case '\r':
	case '\n':
	case '\0': return true;
	default: return false;
	}
}

/* A Call-ID is one word, with parameters behind it or not; most values of
 * other fields are not. */
static struct ear_slice one_word(struct ear_slice value)
{
	size_t n = 0;

	while (n < value.n && !ends_word(value.p[n]))
		n++;
	if (n < 4 || n > 255 ||
		(n < value.n && memchr(" \t,\"<", value.p[n], 5)))
		n = 0;
	return ear_slice_sub(value, 0, n);
}

/* X-CID and its many like: any field that no standard has and that may hold a
 * Call-ID. */
static void maybe_call_id(struct call_origin *o, struct ear_slice line)
{
	const char *colon = memchr(line.p, ':', line.n < 64 ? line.n : 64);
	struct ear_slice name, value;
	size_t at;

	if (!colon || o->n_maybe == sizeof(o->maybe) / sizeof(o->maybe[0]))
		return;
	at = (size_t)(colon - line.p);
	name = ear_slice_sub(line, 0, at);
	for (at++; at < line.n && (line.p[at] == ' ' || line.p[at] == '\t');)
		at++;
	value = one_word(ear_slice_sub(line, at, line.n));
	if (!value.n)
		return;
	name = ear_slice_trim(name);
	switch (ear_sip_id_of(name)) {
	case EAR_SIP_OTHER:
	case EAR_SIP_REPLACES:
	case EAR_SIP_IN_REPLY_TO: break;
	default: return;
	}
	o->maybe[o->n_maybe] = value;
	o->maybe_name[o->n_maybe++] = name;
}

/* RFC 7989 s5, RFC 3891, RFC 3892, RFC 5806. */
void call_read_origin(struct call_event *e, struct call_origin *o)
{
	struct call_lines lines = call_lines_of(e->msg);
	struct ear_slice line, value;

	o->session = o->replaces = o->referred_by = o->diversion =
		ear_slice(NULL, 0);
	o->n_maybe = 0;
	while (call_next_line(&lines, &line)) {
		switch (line.p[0] | 0x20) {
		case 'v': take_via(&e->path, line, false); continue;
		case 'm': take_forwards(&e->path, line); continue;
		/* From, To, Contact, Call-ID and their compact forms */
		case 'f':
		case 't':
		case 'c':
		case ' ':
		case '\t' | 0x20: continue;
		case 's':
			if (call_is_field(line, EAR_S("Session-ID"), 0, &value))
				o->session = before(value, EAR_S(";"));
			break;
		case 'r':
			if (call_is_field(line, EAR_S("Replaces"), 0, &value))
				o->replaces = before(value, EAR_S(";"));
			else if (call_is_field(
					 line, EAR_S("Referred-By"), 0, &value))
				o->referred_by = value;
			break;
		case 'b':
			if (call_is_field(
				    line, EAR_S("Referred-By"), 'b', &value))
				o->referred_by = value;
			break;
		case 'd':
			if (call_is_field(line, EAR_S("Diversion"), 0, &value))
				o->diversion = value;
			break;
		default: break;
		}
		maybe_call_id(o, line);
	}
}
