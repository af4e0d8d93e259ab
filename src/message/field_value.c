/* SPDX-License-Identifier: Apache-2.0 */
/* The value that a field has in one message. */
#include "base/time.h"
#include "message/field.h"

uint64_t ear_field_number(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	switch (f) {
	case EAR_F_AT: return msg->at_ns;
	case EAR_F_SEEN: return msg->seen_ns;
	case EAR_F_CAPTURE_ID: return msg->capture_id;
	case EAR_F_PROTO: return msg->proto;
	case EAR_F_TRANSPORT: return msg->transport;
	case EAR_F_DIRECTION: return msg->direction;
	case EAR_F_SRC_PORT: return msg->src.port;
	case EAR_F_DST_PORT: return msg->dst.port;
	case EAR_F_KIND: return facts->kind;
	case EAR_F_STATUS: return facts->status;
	case EAR_F_SDP: return facts->sdp;
	case EAR_F_MALFORMED:
		return facts->malformed || (msg->flags & EAR_MSG_MALFORMED);
	case EAR_F_TRUNCATED: return (msg->flags & EAR_MSG_TRUNCATED) != 0;
	case EAR_F_SIZE: return msg->raw.n;
	default: return 0;
	}
}

const struct ear_addr *ear_field_addr(
	enum ear_field f, const struct ear_msg *msg)
{
	switch (f) {
	case EAR_F_AGENT: return &msg->via;
	case EAR_F_SRC:
	case EAR_F_SRC_IP: return &msg->src;
	case EAR_F_DST:
	case EAR_F_DST_IP: return &msg->dst;
	default: return NULL;
	}
}

const struct ear_mark_list *ear_field_marks(
	enum ear_field f, const struct ear_msg *msg, struct ear_marks *marks)
{
	if (f != EAR_F_TRACE && f != EAR_F_TRACED_USER)
		return NULL;
	ear_marks_read(msg->extra, marks);
	return f == EAR_F_TRACE ? &marks->traces : &marks->users;
}

/* With commas between; one alone lies in the message. */
static struct ear_slice marked(
	enum ear_field f, const struct ear_msg *msg, struct ear_buf *scratch)
{
	struct ear_marks marks;
	const struct ear_mark_list *list = ear_field_marks(f, msg, &marks);

	if (list->n == 1)
		return list->item[0];
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			ear_buf_byte(scratch, ',');
		ear_buf_slice(scratch, list->item[i]);
	}
	return scratch->err ? (struct ear_slice){0} : ear_buf_view(scratch);
}

/* The fields that are slices already. */
static struct ear_slice plain(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	switch (f) {
	case EAR_F_TAP: return msg->tap;
	case EAR_F_NODE: return msg->node;
	case EAR_F_CORRELATION: return msg->correlation;
	case EAR_F_METHOD: return facts->method;
	case EAR_F_REASON: return facts->reason;
	case EAR_F_RURI: return facts->ruri;
	case EAR_F_RURI_USER: return facts->ruri_user;
	case EAR_F_CALL_ID: return facts->call_id;
	case EAR_F_FROM: return facts->from_uri;
	case EAR_F_USER:
	case EAR_F_FROM_USER: return facts->from_user;
	case EAR_F_FROM_HOST: return facts->from_host;
	case EAR_F_FROM_NAME: return facts->from_name;
	case EAR_F_FROM_TAG: return facts->from_tag;
	case EAR_F_TO: return facts->to_uri;
	case EAR_F_TO_USER: return facts->to_user;
	case EAR_F_TO_HOST: return facts->to_host;
	case EAR_F_TO_NAME: return facts->to_name;
	case EAR_F_TO_TAG: return facts->to_tag;
	case EAR_F_AUTH_USER: return facts->auth_user;
	case EAR_F_CONTACT: return facts->contact;
	case EAR_F_USER_AGENT: return facts->user_agent;
	case EAR_F_BRANCH: return facts->branch;
	case EAR_F_CONTENT_TYPE: return facts->content_type;
	case EAR_F_TEXT: return msg->raw;
	case EAR_F_BODY: return facts->body;
	default: return (struct ear_slice){0};
	}
}

static void cseq(const struct ear_facts *facts, struct ear_buf *scratch)
{
	if (!facts->cseq && !facts->cseq_method.n)
		return;
	ear_buf_printf(scratch, "%u ", facts->cseq);
	ear_buf_slice(scratch, facts->cseq_method);
}

static void addr(
	enum ear_field f, const struct ear_msg *msg, struct ear_buf *scratch)
{
	const struct ear_addr *a = ear_field_addr(f, msg);
	char text[EAR_ADDR_TEXT];
	size_t n;

	if (ear_field_info(f)->type == EAR_TYPE_ADDR)
		n = ear_addr_text(a, text);
	else
		n = ear_addr_ip_text(a, text);
	ear_buf_add(scratch, text, n);
}

static void when(uint64_t at_ns, struct ear_buf *scratch)
{
	char text[EAR_TIME_TEXT];

	if (at_ns)
		ear_buf_add(scratch, text, ear_time_text(at_ns, text));
}

struct ear_slice ear_field_text(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *scratch)
{
	uint64_t v = ear_field_number(f, msg, facts);

	ear_buf_reset(scratch);
	switch (ear_field_info(f)->type) {
	case EAR_TYPE_STR:
	case EAR_TYPE_TEXT:
		if (f == EAR_F_TRACE || f == EAR_F_TRACED_USER)
			return marked(f, msg, scratch);
		if (f != EAR_F_CSEQ)
			return plain(f, msg, facts);
		cseq(facts, scratch);
		break;
	case EAR_TYPE_ENUM:
		if (!v)
			return (struct ear_slice){0};
		return ear_field_value(f, (unsigned)v - 1);
	case EAR_TYPE_ADDR: addr(f, msg, scratch); break;
	case EAR_TYPE_IP:
		addr(f == EAR_F_IP ? EAR_F_SRC_IP : f, msg, scratch);
		break;
	case EAR_TYPE_TIME: when(v, scratch); break;
	case EAR_TYPE_BOOL: return v ? EAR_S("true") : EAR_S("false");
	case EAR_TYPE_INT:
	case EAR_TYPE_PORT:
		ear_buf_printf(scratch, "%llu", (unsigned long long)v);
		break;
	}
	return scratch->err ? (struct ear_slice){0} : ear_buf_view(scratch);
}

void ear_field_json(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_json *j)
{
	char space[EAR_ADDR_TEXT + EAR_TIME_TEXT];
	struct ear_buf scratch = {0};

	switch (ear_field_info(f)->type) {
	case EAR_TYPE_INT:
	case EAR_TYPE_PORT:
		ear_json_u64(j, ear_field_number(f, msg, facts));
		return;
	case EAR_TYPE_BOOL:
		ear_json_bool(j, ear_field_number(f, msg, facts));
		return;
	case EAR_TYPE_TIME:
		ear_json_time(j, ear_field_number(f, msg, facts));
		return;
	case EAR_TYPE_ADDR:
		ear_json_str(j,
			ear_slice(space,
				ear_addr_text(ear_field_addr(f, msg), space)));
		return;
	default:
		ear_json_str(j, ear_field_text(f, msg, facts, &scratch));
		ear_buf_fini(&scratch);
	}
}
