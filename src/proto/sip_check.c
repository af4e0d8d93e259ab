/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_check.h"

#include "proto/sip_check_priv.h"
#include "proto/sip_secret.h"

struct list {
	const struct ear_sip *sip;
	struct ear_sip_finding *found;
	size_t n;
	size_t max;
	bool secret; /* there may be passwords */
};

/* @return true when there is no room for more */
static bool add(struct list *list, const char *at, enum ear_sip_rule rule)
{
	size_t offset = (size_t)(at - list->sip->raw.p);

	if (list->n < list->max)
		list->found[list->n++] = (struct ear_sip_finding){
			.offset = (uint32_t)offset, .rule = (uint8_t)rule};
	return list->n >= list->max;
}

static bool add_flaw(struct list *list, const struct ear_sip_flaw *flaw)
{
	list->secret |= flaw->secret;
	return flaw->rule && add(list, flaw->at, flaw->rule);
}

/* A line without a known name: is it a header line at all? */
static void check_name(
	const struct ear_sip_header *header, struct ear_sip_flaw *flaw)
{
	struct ear_slice name = header->name;
	const char *stop = skip(name.p, name.p + name.n, C_TOKEN);

	if (name.n == 0)
		flaw_at(flaw, name.p, EAR_SIP_RULE_LINE_COLON);
	else if (stop != name.p + name.n)
		flaw_at(flaw, stop, EAR_SIP_RULE_HEADER_NAME);
	flaw->secret |= ear_sip_has_password(ear_sip_line(header));
}

static void check_vias(const struct ear_sip_header *header,
	const struct ear_sip_core *core, struct ear_sip_flaw *flaw)
{
	const char *end = header->value.p + header->value.n, *p;
	struct ear_sip_via via;

	*flaw = core->via_flaw;
	for (p = core->via_end; p < end;)
		p = ear_sip_via(p + 1, end, &via, flaw);
}

/* What core read already is not read again. */
static void check_first(const struct ear_sip *sip,
	const struct ear_sip_header *header, const struct ear_sip_core *core,
	struct ear_sip_flaw *flaw)
{
	switch (header->id) {
	case EAR_SIP_FROM: *flaw = core->from_flaw; break;
	case EAR_SIP_TO: *flaw = core->to_flaw; break;
	case EAR_SIP_VIA: check_vias(header, core, flaw); break;
	case EAR_SIP_CSEQ:
		*flaw = core->cseq_flaw;
		if (sip->request &&
			!ear_slice_eq(sip->method, core->cseq_method))
			flaw_at(flaw, core->cseq_method.p,
				EAR_SIP_RULE_CSEQ_METHOD);
		break;
	case EAR_SIP_OTHER: check_name(header, flaw); break;
	default: ear_sip_check_value(header, flaw);
	}
}

/* @return true when there is no room for more findings */
static bool check_header(struct list *list, const struct ear_sip_core *core,
	const struct ear_sip_header *header, bool first)
{
	struct ear_sip_flaw flaw = {0};

	if (first || !header->id)
		check_first(list->sip, header, core, &flaw);
	else if (ear_sip_id_once(header->id))
		flaw_at(&flaw, header->name.p, EAR_SIP_RULE_HEADER_TWICE);
	else
		ear_sip_check_value(header, &flaw);
	return add_flaw(list, &flaw);
}

/* Header fields behind the index. */
static bool check_more(struct list *list, const struct ear_sip_core *core)
{
	const struct ear_sip *sip = list->sip;
	struct ear_sip_cursor cursor = {.at = sip->count};
	bool seen[EAR_SIP_ID_COUNT] = {false};
	struct ear_sip_header header;

	while (ear_sip_next(sip, &cursor, &header)) {
		bool first = !sip->first[header.id] && !seen[header.id];

		seen[header.id] = true;
		if (check_header(list, core, &header, first))
			return true;
	}
	return false;
}

static bool check_headers(struct list *list, const struct ear_sip_core *core)
{
	const struct ear_sip *sip = list->sip;

	for (uint32_t i = 0; i < sip->count; i++) {
		const struct ear_sip_header *header = &sip->header[i];

		if (check_header(list, core, header,
			    sip->first[header->id] == i + 1))
			return true;
	}
	return sip->more && check_more(list, core);
}

static bool check_missing(struct list *list, unsigned how)
{
	static const struct {
		uint8_t id, rule;
	} must[] = {
		{EAR_SIP_VIA, EAR_SIP_RULE_NO_VIA},
		{EAR_SIP_FROM, EAR_SIP_RULE_NO_FROM},
		{EAR_SIP_TO, EAR_SIP_RULE_NO_TO},
		{EAR_SIP_CALL_ID, EAR_SIP_RULE_NO_CALL_ID},
		{EAR_SIP_CSEQ, EAR_SIP_RULE_NO_CSEQ},
		{EAR_SIP_CONTENT_LENGTH, EAR_SIP_RULE_NO_LENGTH},
	};
	size_t n = sizeof(must) / sizeof(must[0]) - !(how & EAR_SIP_STREAM);
	const struct ear_sip *sip = list->sip;
	const char *at = sip->headers.p + sip->headers.n;

	if (!sip->ended && add(list, at, EAR_SIP_RULE_HEADER_END))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!sip->first[must[i].id] &&
			!ear_sip_value(sip, must[i].id).p &&
			add(list, at, must[i].rule))
			return true;
	}
	return false;
}

static void check_body(struct list *list)
{
	const struct ear_sip *sip = list->sip;
	struct ear_sip_header header;

	if (sip->length > sip->rest.n &&
		ear_sip_find(sip, EAR_SIP_CONTENT_LENGTH, &header) &&
		add(list, header.value.p, EAR_SIP_RULE_LENGTH_LARGE))
		return;
	if (sip->body.n && !sip->first[EAR_SIP_CONTENT_TYPE] &&
		!ear_sip_find(sip, EAR_SIP_CONTENT_TYPE, &header) &&
		skip(sip->body.p, sip->body.p + sip->body.n, C_LWS) !=
			sip->body.p + sip->body.n)
		add(list, sip->body.p, EAR_SIP_RULE_NO_TYPE);
}

static void check(
	struct list *list, const struct ear_sip_core *core, unsigned how)
{
	const struct ear_sip *sip = list->sip;
	struct ear_sip_flaw bytes = {0};

	if (add_flaw(list, &sip->flaw) || !(sip->request || sip->reply))
		return;
	if (add_flaw(list, &core->ruri_flaw))
		return;
	list->secret |= ear_sip_has_password(sip->reason);
	ear_sip_check_bytes(sip->start.p, sip->rest.p, &bytes);
	if (add_flaw(list, &bytes))
		return;
	if (!check_headers(list, core) && !check_missing(list, how))
		check_body(list);
}

size_t ear_sip_check(const struct ear_sip *sip, const struct ear_sip_core *core,
	unsigned how, struct ear_sip_finding *found, size_t max)
{
	struct list list = {.sip = sip, .found = found, .max = max};

	check(&list, core, how);
	return list.n;
}

/* The header fields that may hold more than passwords. */
static bool has_auth(const struct ear_sip *sip)
{
	return sip->more || sip->first[EAR_SIP_AUTHORIZATION] ||
	       sip->first[EAR_SIP_PROXY_AUTHORIZATION] ||
	       sip->first[EAR_SIP_AUTHENTICATION_INFO] ||
	       sip->first[EAR_SIP_PROXY_AUTHENTICATION_INFO] ||
	       sip->first[EAR_SIP_WWW_AUTHENTICATE] ||
	       sip->first[EAR_SIP_PROXY_AUTHENTICATE];
}

struct ear_sip_verdict ear_sip_judge(const struct ear_sip *sip,
	const struct ear_sip_core *core, unsigned how)
{
	struct ear_sip_finding finding;
	struct list list = {.sip = sip, .found = &finding, .max = 1};

	check(&list, core, how);
	return (struct ear_sip_verdict){
		.malformed = list.n > 0,
		/* After a finding not all header fields were looked at. */
		.secrets = list.secret || list.n > 0 || has_auth(sip)
				   ? ear_sip_secrets(sip, NULL, NULL) > 0
				   : ear_sip_body_secrets(sip, NULL, NULL) > 0,
	};
}

#define X(id, name, text, source) EAR_S_INIT(name),
static const struct ear_slice rule_names[EAR_SIP_RULE_COUNT] = {
	{"", 0},
#include "proto/sip_rule.def"
};
#undef X

#define X(id, name, text, source) EAR_S_INIT(text),
static const struct ear_slice rule_texts[EAR_SIP_RULE_COUNT] = {
	{"", 0},
#include "proto/sip_rule.def"
};
#undef X

#define X(id, name, text, source) EAR_S_INIT(source),
static const struct ear_slice rule_sources[EAR_SIP_RULE_COUNT] = {
	{"", 0},
#include "proto/sip_rule.def"
};
#undef X

struct ear_slice ear_sip_rule_name(enum ear_sip_rule rule)
{
	return rule_names[rule];
}

struct ear_slice ear_sip_rule_text(enum ear_sip_rule rule)
{
	return rule_texts[rule];
}

struct ear_slice ear_sip_rule_source(enum ear_sip_rule rule)
{
	return rule_sources[rule];
}
