/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls whom, as the first hop has it. */
#include "proto/sip.h"
#include "track/call_priv.h"

struct ear_slice call_caller(
	const struct ear_calls *c, const struct ear_facts *f)
{
	return c->options.src_is_auth_user && f->auth_user.n ? f->auth_user
							     : f->from_user;
}

static bool has_param(struct ear_slice params, struct ear_slice name)
{
	while (params.n) {
		size_t n = ear_slice_find(params, EAR_S(";"));
		struct ear_slice one = ear_slice_sub(params, 0, n);

		one = ear_slice_sub(one, 0, ear_slice_find(one, EAR_S("=")));
		if (ear_slice_ieq(ear_slice_trim(one), name))
			return true;
		params = ear_slice_sub(params, n + 1, params.n);
	}
	return false;
}

static bool is_number(struct ear_slice user)
{
	for (size_t i = 0; i < user.n; i++) {
		if (!memchr("0123456789+-.()*#", user.p[i], 17))
			return false;
	}
	return user.n > 0;
}

/* A user that is no number, at the address of one host, where To has another
 * host: nobody dials that. */
static bool is_word_at_address(
	const struct ear_sip_uri *uri, const struct ear_facts *f)
{
	struct ear_addr addr;

	return !is_number(uri->user) && !ear_slice_ieq(uri->host, f->to_host) &&
	       !ear_addr_parse(uri->host, &addr);
}

/* A Request-URI that a registrar has put in place of the number: a phone's
 * contact, whose user may be any word. RFC 7118 s5 (.invalid), RFC 5627 (gr),
 * RFC 5626 (ob), and what phones and proxies mark theirs with. */
static bool is_contact(const struct ear_facts *f)
{
	static const struct ear_slice marks[] = {EAR_S_INIT("gr"),
		EAR_S_INIT("ob"), EAR_S_INIT("rinstance"), EAR_S_INIT("line"),
		EAR_S_INIT("alias")};
	const struct ear_slice invalid = EAR_S(".invalid");
	struct ear_sip_uri uri;

	if (ear_sip_uri_parse(f->ruri, &uri))
		return false;
	if (uri.host.n > invalid.n &&
		ear_slice_ieq(ear_slice_sub(uri.host, uri.host.n - invalid.n,
				      uri.host.n),
			invalid))
		return true;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (has_param(uri.params, marks[i]))
			return true;
	}
	return is_word_at_address(&uri, f);
}

/* The number that was dialled. Behind a proxy the Request-URI is what became
 * of it, while To stays. */
static struct ear_slice callee_of(const struct call_event *e)
{
	const struct ear_facts *f = e->f;

	if (!f->ruri_user.n || ear_slice_eq(f->ruri_user, f->to_user))
		return f->to_user;
	if (!f->to_user.n)
		return f->ruri_user;
	return e->path.hops > 1 || is_contact(f) ? f->to_user : f->ruri_user;
}

void call_set_parties(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	const struct ear_facts *f = e->f;
	struct call *call = c->call[slot];
	bool reply = f->kind == EAR_KIND_REPLY;
	struct ear_slice texts[CALL_TEXTS] = {
		[CALL_CALL_ID] = f->call_id,
		[CALL_FROM_TAG] = f->from_tag,
		[CALL_SRC] = call_caller(c, f),
		[CALL_DST] = callee_of(e),
		[CALL_NAME] = f->from_name,
		[CALL_DOMAIN] = f->from_host,
		[CALL_AGENT] = reply ? ear_slice(NULL, 0) : f->user_agent,
		[CALL_NODE] = e->msg->node,
		[CALL_AUTH] = f->auth_user,
	};

	call->from = reply ? e->msg->dst : e->msg->src;
	call->to = reply ? e->msg->src : e->msg->dst;
	call->transport = e->msg->transport;
	call->hops = e->path.hops;
	call->forwards = e->path.forwards;
	call_set_first(c, slot, texts, CALL_AUTH + 1);
}
