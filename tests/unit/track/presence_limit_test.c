/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of presence, and states that are not what it wrote. */
#include "unit/track/presence_scene.h"

struct counts {
	uint32_t sessions, bindings, conns;
	uint32_t given_up;
};

static void count_session(const struct ear_session_row *row, void *arg)
{
	struct counts *c = arg;

	c->sessions++;
	c->given_up += ear_slice_starts(row->reason, EAR_S("given up"));
}

static void count_binding(const struct ear_binding_row *row, void *arg)
{
	((struct counts *)arg)->bindings++;
	(void)row;
}

static void count_conn(const struct ear_conn_row *row, void *arg)
{
	((struct counts *)arg)->conns++;
	(void)row;
}

static struct ear_presence *counting(
	const struct ear_presence_options *options, struct counts *counts)
{
	const struct ear_track_out out = {.session = count_session,
		.binding = count_binding,
		.conn = count_conn,
		.arg = counts};
	struct ear_presence *p;

	assert_int_equal(ear_presence_new(options, &out, &p), EAR_OK);
	return p;
}

/* A REGISTER of user i and its 200. */
static void registers(struct ear_presence *p, struct scene *s, unsigned i,
	const char *user, const char *transport, bool answered)
{
	struct scene_msg m;
	char line[300];

	snprintf(line, sizeof(line),
		"%u 10.%u.%u.%u:4000>B REGISTER tr=%s call=r%u f=%s t=%s | "
		"Contact: <sip:%u@10.0.0.1>",
		i / 1000, i >> 16 & 255, i >> 8 & 255, i & 255, transport, i,
		user, user, i);
	scene_line(s, line, &m);
	ear_presence_take(p, &m.msg, &m.facts);
	if (!answered)
		return;
	snprintf(line, sizeof(line),
		"%u B>10.%u.%u.%u:4000 200 | Contact: "
		"<sip:%u@10.0.0.1>;expires=3600",
		i / 1000, i >> 16 & 255, i >> 8 & 255, i & 255, i);
	scene_line(s, line, &m);
	ear_presence_take(p, &m.msg, &m.facts);
}

static void test_full(void **state)
{
	const struct ear_presence_options options = {
		.max_bindings = 100, .max_connections = 50};
	struct counts counts = {0};
	struct ear_presence *p = counting(&options, &counts);
	struct ear_presence_stats stats;
	struct scene s = {0};
	char user[16];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		registers(p, &s, i, user, "tcp", true);
	}
	ear_presence_stats(p, &stats);
	assert_int_equal(stats.bindings, 100);
	assert_int_equal(stats.connections, 50);
	assert_int_equal(stats.evicted, 400 + 450);
	assert_int_equal(stats.registered, 500);
	assert_int_equal(counts.given_up, 450);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		registers(p, &s, i + 1000, user, "udp", false);
	}
	ear_presence_stats(p, &stats);
	assert_int_equal(stats.pending, 1025);
	ear_presence_free(&p);
	(void)state;
}

/* Someone registers one account from everywhere. */
static void test_one_account(void **state)
{
	const struct ear_presence_options options = {0};
	struct counts counts = {0};
	struct ear_presence *p = counting(&options, &counts);
	struct ear_presence_stats stats;
	struct scene s = {0};

	for (unsigned i = 0; i < 1000; i++)
		registers(p, &s, i, "909", "udp", true);
	ear_presence_stats(p, &stats);
	assert_int_equal(stats.bindings, 256);
	assert_int_equal(stats.evicted, 744);
	ear_presence_free(&p);
	(void)state;
}

/* One pair of addresses, seen by ever other agents: each is looked for among
 * the others. */
static void test_one_pair(void **state)
{
	const struct ear_presence_options options = {0};
	struct counts counts = {0};
	struct ear_presence *p = counting(&options, &counts);
	struct ear_presence_stats stats;
	struct scene s = {0};

	for (unsigned i = 0; i < 500; i++) {
		struct scene_msg m;
		char line[80];

		snprintf(line, sizeof(line),
			"%u A>B OPTIONS tr=tcp call=c%u node=n%u", i / 100, i,
			i);
		scene_line(&s, line, &m);
		ear_presence_take(p, &m.msg, &m.facts);
	}
	ear_presence_stats(p, &stats);
	assert_int_equal(stats.connections, 64);
	assert_int_equal(stats.evicted, 436);
	ear_presence_free(&p);
	(void)state;
}

/* What 20,000 bindings with a connection each take, all in. */
static void test_memory(void **state)
{
	const struct ear_presence_options options = {0};
	struct counts counts = {0};
	struct ear_presence *p = counting(&options, &counts);
	struct ear_presence_stats stats;
	struct scene s = {0};
	char user[16];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		registers(p, &s, i, user, "tls", true);
	}
	ear_presence_stats(p, &stats);
	assert_int_equal(stats.bindings, 20000);
	print_message("# %llu bytes per binding with its connection\n",
		(unsigned long long)stats.bytes / 20000);
	assert_in_range(stats.bytes / 20000, 100, 700);
	ear_presence_free(&p);
	(void)state;
}

static void fill(struct stage *st)
{
	static const char *const lines[] = {
		"0 A:4000>B:5061 !OPENED tr=tls",
		"0.1 A:4000>B:5061 !TLS opened=0 tr=tls tls=1.3",
		("1 A:4000>B:5061 REGISTER tr=tls f=909 t=909 call=r1 | "
		 "Contact: <sip:909@10.0.0.1>;+sip.instance=\"<urn:1>\""
		 ";reg-id=1"),
		"1.1 B:5061>A:4000 200 | Contact: <sip:909@10.0.0.1>",
		("2 A:4000>B:5061 REGISTER call=r2 f=904 t=904 | "
		 "Contact: <sip:904@10.0.0.1>"),
	};

	*st = (struct stage){0};
	stage_begin(st);
	for (size_t i = 0; i < ROWS(lines); i++)
		stage_line(st, lines[i]);
	ear_presence_save(st->presence);
}

/* Cut anywhere, or with any byte changed: no harm, whatever it makes of it. */
static void test_hostile(void **state)
{
	static struct stage st, other;

	fill(&st);
	assert_true(st.states_n >= 4);
	for (size_t i = 0; i < st.states_n; i++) {
		const struct kept_state *kept = &st.states[i];
		uint8_t bytes[4096];

		for (size_t at = 0; at < kept->n; at++) {
			other = (struct stage){0};
			stage_begin(&other);
			memcpy(bytes, kept->bytes, kept->n);
			ear_presence_restore(other.presence, kept->key,
				ear_slice(bytes, at));
			bytes[at] = (uint8_t)(bytes[at] + 1 + at % 254);
			for (size_t k = 0; k < st.states_n; k++)
				ear_presence_restore(other.presence,
					st.states[k].key,
					k == i ? ear_slice(bytes, kept->n)
					       : ear_slice(st.states[k].bytes,
							 st.states[k].n));
			stage_line(&other, "9000 tick");
			stage_end(&other);
		}
	}
	ear_presence_free(&st.presence);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_one_account),
		cmocka_unit_test(test_one_pair),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
