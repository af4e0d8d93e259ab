/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "rule/recorder.h"

#define S UINT64_C(1000000000)
#define MIB (UINT64_C(1) << 20)

static char *const tally = "a tally";

static enum ear_err put(struct ear_recorder *r, const char *call_id,
	uint64_t second, struct ear_slice raw, bool stored)
{
	struct ear_msg msg = {.at_ns = second * S,
		.seen_ns = second * S,
		.tap = EAR_S("hep/udp"),
		.node = EAR_S(""),
		.correlation = EAR_S("c"),
		.extra = EAR_S("extra"),
		.raw = raw};
	struct ear_facts facts = {.call_id = ear_slice_str(call_id)};

	return ear_recorder_put(
		r, &msg, &facts, stored, (struct ear_tally *)(void *)tally);
}

struct seen {
	char text[4096];
	size_t n;
};

static void see(
	struct ear_msg *msg, bool stored, struct ear_tally *t, void *arg)
{
	struct seen *seen = arg;

	assert_ptr_equal(t, tally);
	assert_slice("tap", msg->tap, EAR_S("hep/udp"));
	assert_slice("extra", msg->extra, EAR_S("extra"));
	assert_slice("correlation", msg->correlation, EAR_S("c"));
	seen->n += (size_t)snprintf(seen->text + seen->n,
		sizeof(seen->text) - seen->n, "%.*s%s ",
		EAR_FMT(ear_slice_sub(msg->raw, 0, 10)), stored ? "*" : "");
}

static void assert_recall(struct ear_recorder *r, const char *call_id,
	uint64_t from, const char *want)
{
	struct seen seen = {.text = ""};

	ear_recorder_recall(r, ear_slice_str(call_id), from * S, see, &seen);
	assert_string_equal(seen.text, want);
}

static void test_recall(void **state)
{
	struct ear_recorder_stats stats;
	struct ear_recorder *r;

	assert_int_equal(ear_recorder_new(MIB, 60 * S, &r), EAR_OK);
	assert_int_equal(put(r, "a", 100, EAR_S("a1"), false), EAR_OK);
	assert_int_equal(put(r, "b", 101, EAR_S("b1"), false), EAR_OK);
	assert_int_equal(put(r, "a", 102, EAR_S("a2"), true), EAR_OK);
	assert_int_equal(put(r, "", 103, EAR_S("x"), false), EAR_OK);
	assert_int_equal(put(r, "a", 104, EAR_S(""), false), EAR_OK);
	ear_recorder_stats(r, &stats);
	assert_int_equal(stats.messages, 5);
	assert_int_equal(stats.oldest_ns, 100 * S);
	assert_int_equal(stats.max_bytes, MIB);

	assert_recall(r, "c", 0, "");
	assert_recall(r, "", 0, "");
	assert_recall(r, "a", 101, "a2*  ");
	assert_recall(r, "a", 0, "a1 ");
	assert_recall(r, "a", 0, "");
	assert_recall(r, "b", 0, "b1 ");
	ear_recorder_stats(r, &stats);
	assert_int_equal(stats.messages, 1);
	assert_int_equal(stats.oldest_ns, 103 * S);
	assert_int_equal(stats.evicted, 0);
	ear_recorder_free(&r);
	(void)state;
}

static void test_age(void **state)
{
	static const struct {
		const char *name;
		uint64_t at, seen;
		unsigned flags;
		size_t left;
	} rows[] = {
		{"both clocks went on", 200, 200, 0, 1},
		{"within its time", 160, 160, 0, 2},
		{"capture's stepped", 9000, 101, 0, 2},
		{"ours stepped", 101, 9000, 0, 2},
		{"both back", 1, 1, 0, 2},
		{"imported", 200, 100, EAR_MSG_IMPORTED, 1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = {.at_ns = rows[i].at * S,
			.seen_ns = rows[i].seen * S,
			.flags = (uint16_t)rows[i].flags};
		struct ear_facts facts = {.call_id = EAR_S("b")};
		struct ear_recorder_stats stats;
		struct ear_recorder *r;

		assert_int_equal(ear_recorder_new(MIB, 60 * S, &r), EAR_OK);
		assert_int_equal(put(r, "a", 100, EAR_S("a"), false), EAR_OK);
		assert_int_equal(
			ear_recorder_put(r, &msg, &facts, false, NULL), EAR_OK);
		ear_recorder_stats(r, &stats);
		if (stats.messages != rows[i].left)
			fail_msg("%s: %d", rows[i].name, (int)stats.messages);
		assert_int_equal(stats.evicted, 0);
		ear_recorder_free(&r);
	}
	(void)state;
}

/* Sizes that end anywhere in the ring, so that every remainder comes up. */
static void test_round(void **state)
{
	static char raw[70000];
	struct ear_recorder_stats stats;
	struct ear_recorder *r;
	uint64_t puts = 0, recalled = 0;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (char)('a' + i % 26);
	assert_int_equal(ear_recorder_new(1, 3600 * S, &r), EAR_OK);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = (i * 7919u) % (i % 50 ? 900 : sizeof(raw));
		char id[16];

		snprintf(id, sizeof(id), "%u", i);
		assert_int_equal(
			put(r, id, 100, ear_slice(raw, n), false), EAR_OK);
		puts++;
		if (i % 3 == 0) {
			struct seen seen = {.text = ""};

			snprintf(id, sizeof(id), "%u", i > 7 ? i - 7 : i);
			recalled += ear_recorder_recall(
				r, ear_slice_str(id), 0, see, &seen);
		}
		ear_recorder_stats(r, &stats);
		assert_true(stats.bytes <= MIB);
		assert_int_equal(
			stats.messages + stats.evicted + recalled, puts);
	}
	assert_true(stats.evicted > 10000);
	assert_true(stats.messages > 10);
	assert_int_equal(
		put(r, "big", 100, ear_slice(raw, MIB), false), EAR_LIMIT);
	ear_recorder_free(&r);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recall),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_round),
	};

	return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
