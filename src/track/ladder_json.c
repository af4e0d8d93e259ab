/* SPDX-License-Identifier: Apache-2.0 */
#include "track/ladder_json.h"

#include "base/time.h"
#include "message/msg_json.h"

static void party(struct ear_json *j, const struct ear_party *p, size_t index)
{
	char addr[EAR_ADDR_TEXT];

	ear_json_open(j, '{');
	ear_json_kstr(
		j, "addr", ear_slice(addr, ear_addr_text(&p->addr, addr)));
	ear_json_ku64(j, "index", index);
	ear_json_kstr(j, "agent", p->agent);
	ear_json_close(j, '}');
}

static void milliseconds(struct ear_json *j, const char *key, uint64_t ns)
{
	uint64_t us = ns / EAR_US_NS;

	ear_json_key(j, key);
	ear_json_num(j, (double)us / 1000.0);
}

static void repeat_of(
	struct ear_json *j, const struct ear_ladder *l, uint32_t row)
{
	ear_json_key(j, "retransmission_of");
	if (row == EAR_LADDER_NONE)
		ear_json_null(j);
	else
		ear_json_str(j, ear_slice_str(l->rows[row].from->id));
}

/* A note is between nobody. */
static void party_index(struct ear_json *j, const char *key, uint32_t party)
{
	ear_json_key(j, key);
	if (party == EAR_LADDER_NONE)
		ear_json_null(j);
	else
		ear_json_u64(j, party);
}

static void row(struct ear_json *j, const struct ear_ladder *l,
	const struct ear_ladder_row *r)
{
	struct ear_buf label = {0};

	ear_ladder_label(&r->from->facts, &label);
	ear_json_open(j, '{');
	ear_msg_json_members(
		j, &r->from->msg, &r->from->facts, ear_slice_str(r->from->id));
	ear_json_kstr(j, "raw", r->from->msg.raw);
	party_index(j, "from_party", r->from_party);
	party_index(j, "to_party", r->to_party);
	milliseconds(j, "delta_ms", r->delta_ns);
	milliseconds(j, "offset_ms", r->offset_ns);
	repeat_of(j, l, r->retransmission_of);
	ear_json_ku64(j, "transaction", r->transaction);
	ear_json_kstr(
		j, "class", ear_slice_str(ear_ladder_class_name(r->class)));
	ear_json_kstr(j, "label", ear_buf_view(&label));
	ear_msg_json_findings(j, &r->from->msg);
	ear_json_close(j, '}');
	if (label.err && !j->out->err)
		j->out->err = label.err;
	ear_buf_fini(&label);
}

void ear_ladder_json_members(struct ear_json *j, const struct ear_ladder *l)
{
	size_t n = l->row_count;

	ear_json_ktime(j, "first", n ? l->rows[0].from->msg.at_ns : 0);
	ear_json_ktime(j, "last", n ? l->rows[n - 1].from->msg.at_ns : 0);
	ear_json_kstr(j, "summary", ear_buf_view(&l->summary));
	ear_json_key(j, "parties");
	ear_json_open(j, '[');
	for (size_t i = 0; i < l->party_count; i++)
		party(j, &l->parties[i], i);
	ear_json_close(j, ']');
	ear_json_key(j, "messages");
	ear_json_open(j, '[');
	for (size_t i = 0; i < n; i++)
		row(j, l, &l->rows[i]);
	ear_json_close(j, ']');
}
