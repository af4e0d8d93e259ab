/* SPDX-License-Identifier: Apache-2.0 */
/* Legs of a B2BUA: A calls P, P calls B by a call of its own. */
#include "unit/track/call_scene.h"

#define LEG_A "call=a ft=fa f=909 t=600"
#define LEG_B "call=b ft=fb f=909 t=600"
#define ENDS                                                               \
	"2 B>P 200 call=b ft=fb b=xb", "2.1 P>A 200 call=a ft=fa b=xa",    \
		"2.2 A>P ACK call=a ft=fa", "9 A>P BYE call=a ft=fa cs=2", \
		"9.1 P>B BYE call=b ft=fb cs=2", NULL

static const struct {
	const char *name;
	const char *lines[12];
	unsigned score; /* of the second leg; 0: not joined */
	const char *why;
} cases[] = {
	{"X-CID",
		{"0 A>P INVITE b=xa f=1 t=2 call=a ft=fa",
			"3 Q>B INVITE b=xb f=3 t=4 call=b ft=fb | X-CID: "
			"a-leg@h",
			ENDS},
		0, ""},
	{"X-CID that we know",
		{"0 A>P INVITE b=xa f=1 t=2 call=a-leg@h ft=fa",
			"3 Q>B INVITE b=xb f=3 t=4 call=b ft=fb | X-CID: "
			"a-leg@h",
			NULL},
		98, "X-CID"},
	{"any unknown field, with parameters behind",
		{"0 A>P INVITE b=xa f=1 t=2 call=a-leg@h ft=fa",
			"3 Q>B INVITE b=xb f=3 t=4 call=b ft=fb | "
			"Other-Leg: a-leg@h;from=x",
			NULL},
		98, "Other-Leg"},
	{"Replaces",
		{"0 A>P INVITE b=xa f=1 t=2 call=a-leg@h ft=fa",
			"3 Q>B INVITE b=xb f=3 t=4 call=b ft=fb | "
			"Replaces: a-leg@h;to-tag=x;from-tag=y",
			NULL},
		98, "Replaces"},
	{"the same Call-ID with another tag",
		{"0 A>P INVITE b=xa f=1 t=2 call=a ft=fa",
			"3 Q>B INVITE b=xb f=3 t=4 ft=fb", NULL},
		90, "Call-ID"},
	{"Session-ID",
		{"0 A>P INVITE b=xa f=1 t=2 call=a ft=fa | Session-ID: "
		 "ab30317f1a784dc48ff824d0d3715d86;"
		 "remote=00000000000000000000000000000000",
			"3 Q>B INVITE b=xb f=3 t=4 call=b ft=fb | Session-ID: "
			"ab30317f1a784dc48ff824d0d3715d86;"
			"remote=47755a9de7794ba387653f2099600ef2",
			NULL},
		95, "Session-ID"},
	{"SDP passed on",
		{"0 A>P INVITE b=xa f=1 t=2 call=a ft=fa sdp=12345",
			"0.1 Q>B INVITE b=xb f=3 t=4 call=b ft=fb sdp=12345",
			NULL},
		100, "SDP origin, media address"},
	{"SDP of another call",
		{"0 A>P INVITE b=xa f=1 t=2 call=a ft=fa sdp=12345",
			"0.1 Q>B INVITE b=xb f=3 t=4 call=b ft=fb sdp=12346",
			NULL},
		0, ""},
	{"extensions, through the same host, at once",
		{"0 A>P INVITE b=xa " LEG_A, "0.1 P>B INVITE b=xb " LEG_B,
			NULL},
		70,
		"number called, number calling, through the same host, time"},
	{"extensions, from another host",
		{"0 A>P INVITE b=xa " LEG_A, "0.1 Q>B INVITE b=xb " LEG_B,
			NULL},
		0, ""},
	{"long numbers, differently written, from another host",
		{"0 A>P INVITE b=xa call=a ft=fa f=+4930123456 t=0221654321",
			"0.1 Q>B INVITE b=xb call=b ft=fb f=030123456 "
			"t=+49221654321",
			NULL},
		75, "number called, number calling, time"},
	{"a blind transfer",
		{"0 A>P INVITE b=xa call=a ft=fa f=909 t=600", "1 P>A 200",
			"1.1 A>P ACK",
			"5 P>A REFER rev=1 | "
			"Refer-To: <sip:601@h>",
			"5.1 A>P 202",
			"5.2 A>P INVITE b=xb call=b ft=fb f=909 t=601 | "
			"Referred-By: <sip:600@h>",
			NULL},
		90, "through the same host, transfer"},
	{"a blind transfer by one that hangs up at once",
		{"0 A>P INVITE b=xa call=a ft=fa f=909 t=600", "1 P>A 200",
			"1.1 A>P ACK",
			"5 P>A REFER rev=1 | "
			"Refer-To: <sip:601@h>",
			"5.1 A>P 202", "5.2 P>A BYE rev=1",
			"7 A>P INVITE b=xb call=b ft=fb f=909 t=601 | "
			"Referred-By: <sip:600@h>",
			NULL},
		90, "through the same host, transfer"},
	{"a transfer to somebody else",
		{"0 A>P INVITE b=xa call=a ft=fa f=909 t=600", "1 P>A 200",
			"1.1 A>P ACK",
			"5 P>A REFER rev=1 | "
			"Refer-To: <sip:601@h>",
			"5.1 A>P 202",
			"5.2 A>P INVITE b=xb call=b ft=fb f=909 t=602 | "
			"Referred-By: <sip:600@h>",
			NULL},
		0, ""},
	{"back to where it came from",
		{"0 A>P INVITE b=xa call=a ft=fa sdp=12345",
			"0.1 P>A INVITE b=xb call=b ft=fb sdp=12345", NULL},
		100,
		"SDP origin, media address, number called, number calling, "
		"through the same host, time"},
	{"too late",
		{"0 A>P INVITE b=xa " LEG_A, "8 P>B INVITE b=xb " LEG_B, NULL},
		0, ""},
	{"the first was answered before",
		{"0 A>P INVITE b=xa " LEG_A, "0.1 P>A 200",
			"0.2 P>B INVITE b=xb " LEG_B, NULL},
		0, ""},
	{"the first is over",
		{"0 A>P INVITE b=xa " LEG_A, "0.1 P>A 486",
			"0.2 P>B INVITE b=xb " LEG_B, NULL},
		0, ""},
	{"answered and ended together",
		{"0 A>P INVITE b=xa " LEG_A, "0.1 P>B INVITE b=xb " LEG_B,
			ENDS},
		90,
		"number called, number calling, through the same host, time, "
		"answered together, ended together"},
};

static void check(size_t i, const struct rows *rows)
{
	const struct ear_call_row *a = &rows->v[0], *b = &rows->v[1];

	assert_int_equal(rows->n, 2);
	if (b->group_score != cases[i].score)
		fail_msg("%s: score %u, want %u (%.*s)", cases[i].name,
			b->group_score, cases[i].score, EAR_FMT(b->group_why));
	assert_slice(cases[i].name, b->group_why, ear_slice_str(cases[i].why));
	assert_true(a->group == (cases[i].score ? a->id : 0));
	assert_true(b->group == a->group);
	assert_int_equal(a->group_score, 0);
}

static void test_legs(void **state)
{
	const struct ear_calls_options options = {.join_legs = true};

	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		for (size_t cut = 0; !cut || cases[i].lines[cut]; cut++) {
			struct rows *rows = calloc(1, sizeof(*rows));

			play(cases[i].lines, cut ? cut : SIZE_MAX, &options,
				rows);
			check(i, rows);
			free(rows);
		}
	}
}

/* Of several that fit the best is taken, and only that one; where two fit as
 * well it takes more than numbers. */
static void test_best(void **state)
{
	static const struct {
		const char *lines[6];
		size_t leg_of; /* row of the other leg; 9: none */
		unsigned score;
	} several[] = {
		{{"0 A>P INVITE b=x1 call=one ft=1",
			 "0.5 C>P INVITE b=x2 call=other ft=2",
			 "0.6 P>B INVITE b=x3 call=b ft=3 | X-CID: other"},
			1, 98},
		{{"0 A>P INVITE b=x1 call=one ft=1",
			 "0.5 C>P INVITE b=x2 call=other ft=2",
			 "0.6 P>B INVITE b=x3 call=b ft=3"},
			9, 0},
		{{"0 A>P INVITE b=x1 call=one ft=1 sdp=12345",
			 "0.5 C>P INVITE b=x2 call=other ft=2 sdp=12345",
			 "0.6 P>B INVITE b=x3 call=b ft=3 sdp=12345"},
			0, 85},
		{{"0 A>P INVITE b=x1 call=one ft=1 sdp=12345",
			 "0.1 P>B INVITE b=x2 call=two ft=2 sdp=12345",
			 "0.2 A>P INVITE b=x3 call=three ft=3 sdp=12345"},
			9, 0},
	};
	const struct ear_calls_options options = {.join_legs = true};

	(void)state;
	for (size_t i = 0; i < ROWS(several); i++) {
		struct rows *rows = calloc(1, sizeof(*rows));

		play(several[i].lines, SIZE_MAX, &options, rows);
		assert_int_equal(rows->v[2].group_score, several[i].score);
		if (several[i].leg_of < 9)
			assert_true(rows->v[2].group ==
				    rows->v[several[i].leg_of].group);
		free(rows);
	}
}

/* Who was called asks a third one, and puts the two together: one group. */
static void test_attended_transfer(void **state)
{
	static const char *const lines[] = {
		"0 A>P INVITE b=xa call=a ft=fa f=909 t=600", "1 P>A 200",
		"1.1 A>P ACK",
		"3 B>P INVITE b=xb call=b-leg@h ft=fb f=600 t=601", "4 P>B 200",
		"4.1 B>P ACK",
		"5 B>P REFER call=a ft=fa f=909 t=600 rev=1 cs=9 | Refer-To: "
		"<sip:601@h?x=y&Replaces=b-leg%40h%3Bto-tag%3Dx%3Bfrom-tag%"
		"3Dfb>",
		"5.1 P>B 202",
		"5.2 A>P INVITE b=xc call=c ft=fc f=909 t=601 | Referred-By: "
		"<sip:600@h> | Replaces: b-leg@h;to-tag=x;from-tag=fb",
		"5.3 P>A 200", "5.4 A>P ACK",
		"6 B>P BYE call=b-leg@h ft=fb f=600 t=601 cs=2", NULL};
	const struct ear_calls_options options = {.join_legs = true};

	(void)state;
	for (size_t cut = 0; !cut || lines[cut]; cut++) {
		struct rows *rows = calloc(1, sizeof(*rows));

		play(lines, cut ? cut : SIZE_MAX, &options, rows);
		assert_int_equal(rows->n, 3);
		assert_true(rows->v[0].group);
		assert_true(rows->v[1].group == rows->v[0].group);
		assert_true(rows->v[2].group == rows->v[0].group);
		for (size_t r = 0; r < 3; r++) {
			const struct ear_call_row *row = &rows->v[r];
			bool first = ear_slice_eq(row->call_id, EAR_S("a"));
			bool third = ear_slice_eq(row->call_id, EAR_S("c"));

			assert_true((row->group == row->id) == first);
			assert_slice("why", row->group_why,
				first   ? EAR_S("")
				: third ? EAR_S("Replaces, answered together")
					: EAR_S("Refer-To"));
			if (first)
				assert_slice("note", row->note,
					EAR_S("transferred to 601"));
		}
		free(rows);
	}
}

/* One that calls the same number again and again, with the same SDP. */
static void test_same_caller(void **state)
{
	static const char *const lines[] = {
		"0 A>P INVITE b=xa sdp=12345 " LEG_A,
		"0.1 A>P INVITE b=xb sdp=12345 " LEG_B, NULL};
	const struct ear_calls_options options = {.join_legs = true};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX, &options, &rows);
	assert_int_equal(rows.n, 2);
	assert_true(rows.v[1].group == 0);
}

static void test_switched_off(void **state)
{
	static const char *const lines[] = {
		"0 A>P INVITE b=xa " LEG_A, "0.1 P>B INVITE b=xb " LEG_B, NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.n, 2);
	assert_true(rows.v[1].group == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_legs),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_attended_transfer),
		cmocka_unit_test(test_same_caller),
		cmocka_unit_test(test_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
