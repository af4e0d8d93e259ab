/* SPDX-License-Identifier: Apache-2.0 */
#include "app/draw.h"

#include <stdio.h>

#include "base/time.h"
#include "message/field.h"

/* Number, time of the day, distance: what stands left of the ladder. */
#define LEFT_WIDTH 30
/* Without the distance, where room is short. */
#define LEFT_LEAST 19
/* Of one party: under the least an arrow could not carry a label. */
#define LANE_LEAST 20
#define LANE_MOST 44
/* Widest drawing; a line is built in one array. */
#define WIDTH_MOST 512
/* From here on a silence is drawn as a gap. */
#define GAP_NS (2 * EAR_SECOND_NS)

struct signs {
	const char *line, *dash, *right, *left, *bar, *dot, *loop;
};

static const struct signs boxes = {"─", "╌", "▶", "◀", "│", "┊", "↺"};
static const struct signs ascii = {"-", ".", ">", "<", "|", ":", "@"};

struct drawing {
	const struct ear_term *term;
	const struct ear_ladder *ladder;
	const struct signs *signs;
	struct ear_buf *out;
	unsigned left; /* columns before the ladder */
	unsigned lane; /* columns between two parties; 0: no room, a list */
};

static unsigned at(const struct drawing *d, uint32_t party)
{
	return d->lane / 2 + party * d->lane;
}

static void label_of(const struct ear_ladder_row *r, struct ear_buf *out)
{
	ear_ladder_label(&r->from->facts, out);
	if (r->from->facts.sdp)
		ear_buf_str(out, " (SDP)");
	if (r->retransmission_of != EAR_LADDER_NONE)
		ear_buf_str(out, " again");
	if (ear_field_number(EAR_F_MALFORMED, &r->from->msg, &r->from->facts))
		ear_buf_str(out, " !");
}

static void repeat(struct ear_buf *out, const char *sign, unsigned n)
{
	while (n--)
		ear_buf_str(out, sign);
}

/* The columns [from, to) of a line without arrow: the parties' bars. */
static void bars(
	const struct drawing *d, unsigned from, unsigned to, const char *sign)
{
	uint32_t party = 0;

	for (unsigned x = from; x < to; x++) {
		while (at(d, party) < x)
			party++;
		if (at(d, party) == x && party < d->ladder->party_count)
			ear_buf_str(d->out, sign);
		else
			ear_buf_byte(d->out, ' ');
	}
}

static unsigned line_width(const struct drawing *d)
{
	return at(d, (uint32_t)d->ladder->party_count - 1) + 1;
}

/* From bar to bar, the label in the middle. */
static void arrow(const struct drawing *d, const struct ear_ladder_row *r,
	struct ear_slice label, unsigned width)
{
	bool right = r->from_party < r->to_party;
	uint32_t first = right ? r->from_party : r->to_party;
	uint32_t last = right ? r->to_party : r->from_party;
	unsigned room = at(d, last) - at(d, first) - 1;
	bool again = r->retransmission_of != EAR_LADDER_NONE;
	const char *line = again ? d->signs->dash : d->signs->line;
	unsigned fill = room - 1 - width - 2, before = fill / 2;

	ear_term_colour(d->term, d->out, r->class);
	if (!right)
		ear_buf_str(d->out, d->signs->left);
	repeat(d->out, line, before);
	ear_buf_byte(d->out, ' ');
	ear_term_cell(d->term, d->out, label, width);
	ear_buf_byte(d->out, ' ');
	repeat(d->out, line, fill - before);
	if (right)
		ear_buf_str(d->out, d->signs->right);
	ear_term_plain(d->term, d->out);
}

static void between(const struct drawing *d, const struct ear_ladder_row *r,
	struct ear_slice label)
{
	uint32_t first =
		r->from_party < r->to_party ? r->from_party : r->to_party;
	uint32_t last =
		r->from_party < r->to_party ? r->to_party : r->from_party;
	unsigned room = at(d, last) - at(d, first) - 1;
	unsigned width = ear_term_width(d->term, label, WIDTH_MOST);

	if (width > room - 3)
		width = room - 3;
	bars(d, 0, at(d, first), d->signs->bar);
	ear_buf_str(d->out, d->signs->bar);
	arrow(d, r, label, width);
	bars(d, at(d, last), line_width(d), d->signs->bar);
}

/* A message to oneself, as between two programs at one address. */
static void loop(const struct drawing *d, const struct ear_ladder_row *r,
	struct ear_slice label)
{
	unsigned x = at(d, r->from_party) + 1;

	bars(d, 0, x, d->signs->bar);
	ear_buf_str(d->out, d->signs->loop);
	ear_buf_byte(d->out, ' ');
	ear_term_colour(d->term, d->out, r->class);
	ear_term_text(d->term, d->out, label);
	ear_term_plain(d->term, d->out);
}

/* Where parties do not fit side by side. */
static void in_words(const struct drawing *d, const struct ear_ladder_row *r,
	struct ear_slice label)
{
	char src[EAR_ADDR_TEXT], dst[EAR_ADDR_TEXT];

	ear_addr_text(&r->from->msg.src, src);
	ear_addr_text(&r->from->msg.dst, dst);
	ear_buf_printf(d->out, "%s %s %s  ", src[0] ? src : "?",
		d->signs->right, dst[0] ? dst : "?");
	ear_term_colour(d->term, d->out, r->class);
	ear_term_text(d->term, d->out, label);
	ear_term_plain(d->term, d->out);
}

/* A log event stands across the ladder, between no two parties. */
static void note(const struct drawing *d, const struct ear_ladder_row *r,
	struct ear_slice text)
{
	unsigned room = d->lane ? line_width(d) : 0, width;

	if (room < 16) {
		repeat(d->out, d->signs->dash, 2);
		ear_buf_byte(d->out, ' ');
		ear_term_colour(d->term, d->out, r->class);
		ear_term_text(d->term, d->out, text);
		ear_term_plain(d->term, d->out);
		return;
	}
	width = ear_term_width(d->term, text, WIDTH_MOST);
	if (width > room - 6)
		width = room - 6;
	ear_term_colour(d->term, d->out, r->class);
	repeat(d->out, d->signs->dash, 2);
	ear_buf_byte(d->out, ' ');
	ear_term_cell(d->term, d->out, text, width);
	ear_buf_byte(d->out, ' ');
	repeat(d->out, d->signs->dash, room - width - 4);
	ear_term_plain(d->term, d->out);
}

static void left_of(
	const struct drawing *d, size_t number, const struct ear_ladder_row *r)
{
	char time[EAR_TIME_TEXT];

	ear_time_human(r->from->msg.at_ns, false, time);
	ear_term_dim(d->term, d->out);
	ear_buf_printf(d->out, "%4zu %.12s  ", number, time + 11);
	if (d->left == LEFT_WIDTH)
		ear_buf_printf(d->out, "%+9.3f  ", (double)r->delta_ns / 1e9);
	ear_term_plain(d->term, d->out);
}

static void gap(const struct drawing *d)
{
	if (!d->lane)
		return;
	ear_buf_printf(d->out, "%*s", (int)d->left, "");
	ear_term_dim(d->term, d->out);
	bars(d, 0, line_width(d), d->signs->dot);
	ear_term_plain(d->term, d->out);
	ear_buf_byte(d->out, '\n');
}

static void row(const struct drawing *d, size_t number)
{
	const struct ear_ladder_row *r = &d->ladder->rows[number];
	struct ear_buf label = {0};

	if (number && r->delta_ns >= GAP_NS)
		gap(d);
	label_of(r, &label);
	left_of(d, number + 1, r);
	if (r->from_party == EAR_LADDER_NONE)
		note(d, r, ear_buf_view(&label));
	else if (!d->lane)
		in_words(d, r, ear_buf_view(&label));
	else if (r->from_party == r->to_party)
		loop(d, r, ear_buf_view(&label));
	else
		between(d, r, ear_buf_view(&label));
	ear_buf_byte(d->out, '\n');
	ear_buf_fini(&label);
}

/* What may stand at the top of a lane. */
enum head { HEAD_ADDR, HEAD_IP, HEAD_PORT, HEAD_AGENT };

static struct ear_slice head_text(
	const struct ear_party *p, enum head what, char text[EAR_ADDR_TEXT])
{
	if (what == HEAD_AGENT)
		return p->agent;
	if (!p->addr.family)
		return what == HEAD_PORT ? EAR_S("") : EAR_S("unknown");
	if (what == HEAD_PORT)
		return ear_slice(text, (size_t)snprintf(text, EAR_ADDR_TEXT,
					       ":%u", p->addr.port));
	return ear_slice(text, what == HEAD_IP
				       ? ear_addr_ip_text(&p->addr, text)
				       : ear_addr_text(&p->addr, text));
}

/* Text centred in each lane. */
static void head_line(const struct drawing *d, enum head what)
{
	ear_buf_printf(d->out, "%*s", (int)d->left, "");
	for (size_t i = 0; i < d->ladder->party_count; i++) {
		char text[EAR_ADDR_TEXT];
		struct ear_slice s =
			head_text(&d->ladder->parties[i], what, text);
		unsigned room = d->lane - 1;
		unsigned width = ear_term_width(d->term, s, WIDTH_MOST);

		width = width < room ? width : room;
		ear_buf_printf(d->out, "%*s", (int)((room - width) / 2), "");
		ear_term_cell(d->term, d->out, s, width);
		ear_buf_printf(d->out, "%*s",
			(int)(d->lane - width - (room - width) / 2), "");
	}
	ear_buf_byte(d->out, '\n');
}

static bool addresses_fit(const struct drawing *d)
{
	char text[EAR_ADDR_TEXT];

	for (size_t i = 0; i < d->ladder->party_count; i++) {
		if (ear_addr_text(&d->ladder->parties[i].addr, text) >= d->lane)
			return false;
	}
	return true;
}

static bool has_agents(const struct ear_ladder *l)
{
	for (size_t i = 0; i < l->party_count; i++) {
		if (l->parties[i].agent.n)
			return true;
	}
	return false;
}

static unsigned lane_width(
	const struct ear_term *term, unsigned left, size_t parties)
{
	unsigned width = term->tty ? term->width : 120, lane;

	if (width > WIDTH_MOST)
		width = WIDTH_MOST;
	if (!parties || width < left || parties > WIDTH_MOST)
		return 0;
	lane = (width - left) / (unsigned)parties;
	if (lane < LANE_LEAST)
		return 0;
	return lane < LANE_MOST ? lane : LANE_MOST;
}

static void head(const struct drawing *d)
{
	if (addresses_fit(d)) {
		head_line(d, HEAD_ADDR);
	} else {
		head_line(d, HEAD_IP);
		head_line(d, HEAD_PORT);
	}
	if (has_agents(d->ladder))
		head_line(d, HEAD_AGENT);
}

void ear_draw_ladder(const struct ear_term *term, const struct ear_ladder *l,
	struct ear_buf *out)
{
	struct drawing d = {.term = term,
		.ladder = l,
		.signs = term->utf8 ? &boxes : &ascii,
		.out = out,
		.left = LEFT_WIDTH};
	char day[EAR_TIME_TEXT] = "";

	d.lane = lane_width(term, d.left, l->party_count);
	if (!d.lane) {
		d.lane = lane_width(term, LEFT_LEAST, l->party_count);
		d.left = d.lane ? LEFT_LEAST : LEFT_WIDTH;
	}
	if (l->row_count)
		ear_time_human(l->rows[0].from->msg.at_ns, false, day);
	ear_term_bold(term, out);
	ear_term_text(term, out, ear_buf_view(&l->summary));
	ear_term_plain(term, out);
	ear_buf_printf(out, "\n%.10s (times in UTC)\n\n", day);
	if (d.lane)
		head(&d);
	for (size_t i = 0; i < l->row_count; i++)
		row(&d, i);
}
