/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of siptrace and sipcapture: what is known of each, what they are
 * set to, and what nothing else has spoken of.
 */
#include "config/kamailio_write.h"

static const struct known {
	bool capture;
	const char *name;
	const char *def;
	bool gap;
	const char *text;
} known[] = {
#define siptrace false
#define sipcapture true
#define GAP true
#define PLAIN false
#define P(module, name, def, gap, text) {module, #name, def, gap, text},
#include "config/kamailio_param.def"
#undef P
#undef siptrace
#undef sipcapture
#undef GAP
#undef PLAIN
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static const struct known *find_known(bool capture, struct ear_slice name)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].capture == capture &&
			ear_slice_eq(name, ear_slice_str(known[i].name)))
			return &known[i];
	}
	return NULL;
}

struct ear_kamailio_param *ear_kamailio_param(
	struct ear_kamailio *k, bool capture, const char *name)
{
	for (size_t i = k->params; i; i--) {
		struct ear_kamailio_param *p = &k->param[i - 1];

		if (p->capture == capture &&
			ear_slice_eq(p->name, ear_slice_str(name)))
			return p;
	}
	return NULL;
}

int64_t ear_kamailio_int(
	struct ear_kamailio *k, const char *name, int64_t otherwise)
{
	const struct ear_kamailio_param *p = ear_kamailio_param(k, false, name);

	return p ? p->i : otherwise;
}

struct ear_slice ear_kamailio_text(
	struct ear_kamailio *k, const char *name, const char *otherwise)
{
	const struct ear_kamailio_param *p = ear_kamailio_param(k, false, name);

	return p ? p->value : ear_slice_str(otherwise);
}

/* Where the password of a URL is, nobody needs to read it in a comment. */
static struct ear_slice shown(
	struct ear_kamailio *k, struct ear_slice name, struct ear_slice value)
{
	size_t at = ear_slice_find(value, EAR_S("@"));
	size_t user = ear_slice_find(value, EAR_S("://"));
	struct ear_buf out = {0};

	if (ear_slice_find(name, EAR_S("key")) < name.n)
		return EAR_S("***");
	if (at == value.n || user + 3 >= at)
		return value;
	ear_buf_slice(&out, ear_slice_sub(value, 0, user + 3));
	ear_buf_str(&out, "***");
	ear_buf_slice(&out, ear_slice_sub(value, at, value.n));
	value = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return value;
}

void ear_kamailio_tell_param(
	struct ear_kamailio_writer *w, struct ear_kamailio_param *p)
{
	struct ear_slice value = shown(w->k, p->name, p->value);

	ear_kamailio_remark(w, "%s %.*s = %s%.*s%s (%s:%u)",
		p->capture ? "sipcapture" : "siptrace", EAR_FMT(p->name),
		p->number ? "" : "\"", EAR_FMT(value), p->number ? "" : "\"",
		p->pos.file, p->pos.line);
	for (size_t i = 0; i < w->k->params; i++) { /* earlier ones lost */
		struct ear_kamailio_param *other = &w->k->param[i];

		if (other->capture == p->capture &&
			ear_slice_eq(other->name, p->name))
			other->told = true;
	}
}

void ear_kamailio_tell(struct ear_kamailio_writer *w, const char *name)
{
	struct ear_kamailio_param *p = ear_kamailio_param(w->k, false, name);
	const struct known *is = find_known(false, ear_slice_str(name));
	struct ear_slice def;

	if (p) {
		ear_kamailio_tell_param(w, p);
		return;
	}
	def = is && *is->def
		      ? shown(w->k, ear_slice_str(name), ear_slice_str(is->def))
		      : EAR_S("nothing");
	ear_kamailio_remark(w, "siptrace %s is not set; its default is %.*s",
		name, EAR_FMT(def));
}

/* Set, and to something else than what it is anyway. */
static bool differs(const struct ear_kamailio_param *p, const struct known *is)
{
	return !ear_slice_eq(p->value, ear_slice_str(is->def));
}

void ear_kamailio_write_untold(struct ear_kamailio_writer *w)
{
	struct ear_kamailio *k = w->k;

	for (size_t i = 0; i < k->params; i++) {
		struct ear_kamailio_param *p =
			ear_kamailio_param(k, k->param[i].capture,
				ear_kamailio_str(k, k->param[i].name));
		const struct known *is;

		if (!p || p->told)
			continue;
		is = find_known(p->capture, p->name);
		ear_buf_str(w->out, "#\n");
		ear_kamailio_tell_param(w, p);
		if (is && !(is->gap && differs(p, is)))
			ear_kamailio_remark(w, "  %s", is->text);
		else if (is)
			ear_kamailio_gap(w, "  no equivalent: %s", is->text);
		else
			ear_kamailio_gap(w,
				"  no equivalent: Earshot knows no parameter "
				"of this name");
	}
}
