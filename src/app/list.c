/* SPDX-License-Identifier: Apache-2.0 */
#include "app/list.h"

#include "base/time.h"
#include "message/msg_json.h"

#define DAY_NS (86400 * EAR_SECOND_NS)

#define TIME_WIDTH 12
/* Of an IPv4 address, and of one with its port. */
#define IP_WIDTH 15
#define ADDR_WIDTH 21
/* A Call-ID that is cut cannot be copied; this shows most of them whole. */
#define CALL_ID_LEAST 24

/* A narrow terminal leaves ports, then columns out rather than wrap. */
struct shape {
	unsigned addr, label, user, call_id;
};

/* From the widest on; the last column takes what is left. */
static struct shape shape_of(unsigned width)
{
	static const struct shape shapes[] = {
		{ADDR_WIDTH, 24, 14, 30},
		{ADDR_WIDTH, 22, 12, CALL_ID_LEAST},
		{IP_WIDTH, 22, 10, CALL_ID_LEAST},
		{IP_WIDTH, 17, 7, 0},
		{IP_WIDTH, 16, 0, 0},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct shape s = shapes[i];
		/* a blank before each column, an arrow between two */
		unsigned fixed = TIME_WIDTH + 2 * (1 + s.addr) + 2 + 1 +
				 s.label + (s.user ? 2 * (1 + s.user) : 0) +
				 (s.call_id ? 1 : 0);

		if (width < fixed + s.call_id)
			continue;
		if (s.call_id)
			s.call_id = width - fixed;
		else if (s.user)
			s.user += (width - fixed) / 2;
		else
			s.label += width - fixed;
		return s;
	}
	return (struct shape){width > 37 ? (width - 31) / 2 : 3, 14, 0, 0};
}

static void id_of(const struct ear_list *l, const struct ear_msg *msg,
	const struct ear_facts *facts, char id[40])
{
	id[0] = '\0';
	l->store->ops->id_text(l->store, msg, facts, id);
}

static void add_json(struct ear_list *l, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct ear_json j = ear_json(&l->out);
	char id[40];

	id_of(l, msg, facts, id);
	ear_msg_json(&j, msg, facts, ear_slice_str(id));
	ear_buf_byte(&l->out, '\n');
}

static void label_of(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_buf *out)
{
	ear_ladder_label(facts, out);
	if (facts->kind == EAR_KIND_REPLY && facts->method.n) {
		ear_buf_byte(out, ' ');
		ear_buf_slice(out, ear_slice_sub(facts->method, 0, 32));
	}
	if (ear_field_number(EAR_F_MALFORMED, msg, facts))
		ear_buf_str(out, " !");
}

static void add_tabs(struct ear_list *l, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	char time[EAR_TIME_TEXT], src[EAR_ADDR_TEXT], dst[EAR_ADDR_TEXT];
	struct ear_buf label = {0};

	label_of(msg, facts, &label);
	ear_buf_add(&l->out, time, ear_time_text(msg->at_ns, time));
	ear_addr_text(&msg->src, src);
	ear_addr_text(&msg->dst, dst);
	ear_buf_printf(&l->out, "\t%s\t%s\t", src, dst);
	ear_term_text(&l->term, &l->out, ear_buf_view(&label));
	ear_buf_byte(&l->out, '\t');
	ear_term_text(&l->term, &l->out, facts->from_user);
	ear_buf_byte(&l->out, '\t');
	ear_term_text(&l->term, &l->out, facts->to_user);
	ear_buf_byte(&l->out, '\t');
	ear_term_text(&l->term, &l->out, facts->call_id);
	ear_buf_byte(&l->out, '\n');
	ear_buf_fini(&label);
}

static void cell(struct ear_list *l, struct ear_slice s, unsigned width)
{
	if (!width)
		return;
	ear_buf_byte(&l->out, ' ');
	ear_term_cell(&l->term, &l->out, s, width);
}

/* Without the port where the two do not fit. */
static void address(
	struct ear_list *l, const struct ear_addr *addr, unsigned width)
{
	char text[EAR_ADDR_TEXT];
	size_t n = ear_addr_text(addr, text);

	if (n > width)
		n = ear_addr_ip_text(addr, text);
	cell(l, ear_slice(text, n), width);
}

static void heading(struct ear_list *l, const struct shape *s)
{
	ear_term_dim(&l->term, &l->out);
	ear_term_cell(&l->term, &l->out, EAR_S("time (UTC)"), TIME_WIDTH);
	cell(l, EAR_S("source"), s->addr);
	ear_buf_str(&l->out, "  ");
	cell(l, EAR_S("destination"), s->addr);
	cell(l, EAR_S("message"), s->label);
	cell(l, EAR_S("from"), s->user);
	cell(l, EAR_S("to"), s->user);
	cell(l, EAR_S("call_id"), s->call_id);
	ear_term_plain(&l->term, &l->out);
	ear_buf_byte(&l->out, '\n');
}

/* The table shows times of the day; where the day changes, a line does. */
static void day_line(struct ear_list *l, uint64_t at_ns)
{
	char text[EAR_TIME_TEXT];

	if (l->begun && l->day == at_ns / DAY_NS)
		return;
	l->day = at_ns / DAY_NS;
	ear_time_human(at_ns, false, text);
	ear_term_bold(&l->term, &l->out);
	ear_buf_add(&l->out, text, 10);
	ear_term_plain(&l->term, &l->out);
	ear_buf_byte(&l->out, '\n');
}

static void add_row(struct ear_list *l, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct shape s = shape_of(l->term.width);
	char text[EAR_TIME_TEXT];
	struct ear_buf label = {0};

	if (!l->begun)
		heading(l, &s);
	day_line(l, msg->at_ns);
	label_of(msg, facts, &label);
	ear_time_human(msg->at_ns, false, text);
	ear_buf_add(&l->out, text + 11, TIME_WIDTH);
	address(l, &msg->src, s.addr);
	ear_buf_str(&l->out, l->term.utf8 ? " →" : " >");
	address(l, &msg->dst, s.addr);
	ear_term_colour(&l->term, &l->out, ear_ladder_class_of(facts));
	cell(l, ear_buf_view(&label), s.label);
	ear_term_plain(&l->term, &l->out);
	cell(l, facts->from_user, s.user);
	cell(l, facts->to_user, s.user);
	cell(l, facts->call_id, s.call_id);
	ear_buf_byte(&l->out, '\n');
	ear_buf_fini(&label);
}

bool ear_list_add(struct ear_list *l, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	if (l->json)
		add_json(l, msg, facts);
	else if (l->term.tty)
		add_row(l, msg, facts);
	else
		add_tabs(l, msg, facts);
	l->begun = true;
	return ear_term_write(&l->out);
}

void ear_list_fini(struct ear_list *l)
{
	ear_buf_fini(&l->out);
}
