/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are told once, many at a time, and again. */
#include "unit/table.h"

#include "unit/records/made.h"

static void tell_calls(struct ear_track_out *out, int from, int to, int talk_s)
{
	for (int i = from; i < to; i++) {
		struct ear_call_row c =
			made_call(S(i), (uint64_t)i + 1, "1", "2");

		c.talk_ms = (uint64_t)talk_s * 1000;
		out->call(&c, out->arg);
	}
}

/* Some, then more of which the first were told already, as when a file is read
 * a second time by another process. */
static void test_many(void **state)
{
	static const int most[] = {1, 15, 16, 17, 31, 32, 33, 100};
	struct ear_track_out out;

	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		char *dir = made_dir();
		struct ear_records *r = made_open(dir, "server");
		int n = most[i];

		ear_records_out(r, &out);
		tell_calls(&out, 0, n / 2, 1);
		made_flush(r);
		ear_records_close(&r);
		r = made_open(dir, "server");
		ear_records_out(r, &out);
		tell_calls(&out, 0, n, 2);
		made_flush(r);
		tell_calls(&out, n / 2, n + 20, 3);
		made_flush(r);
		ear_records_close(&r);
		assert_int_equal(
			made_number(dir, "SELECT count(*) FROM call"), n + 20);
		assert_int_equal(
			made_number(
				dir, "SELECT n FROM meta WHERE name='call'"),
			n + 20);
		assert_int_equal(
			made_number(dir, "SELECT sum(talk_ms) FROM call"),
			n / 2 * 2000 + (n + 20 - n / 2) * 3000);
		made_gone(&dir);
	}
}

/* What is found by each index of a binding's. */
#define FOUND(where)                                                         \
	made_number(dir, "SELECT count(*) FROM binding WHERE ended=0 AND id" \
			 "=7 AND " where)

static void tell_binding(struct ear_records *r, const struct ear_binding_row *b)
{
	struct ear_track_out out;

	ear_records_out(r, &out);
	out.binding(b, out.arg);
	made_flush(r);
}

static void test_refresh(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_binding_row b = made_binding(S(0), 7, "909");

	(void)state;
	tell_binding(r, &b);
	b.expires_ns = 5000;
	b.refreshes = 1;
	b.user_agent = EAR_S("other/2");
	tell_binding(r, &b);
	assert_int_equal(FOUND("expires=5000 AND refreshes=1"), 1);
	assert_int_equal(FOUND("user_agent='other/2' AND username='909'"), 1);
	/* the phone is elsewhere */
	b.remote = made_addr("192.0.2.77:5060");
	b.refreshes = 2;
	tell_binding(r, &b);
	assert_int_equal(FOUND("remote_ip=x'c000024d' AND refreshes=2"), 1);
	b.ended_ns = S(9);
	tell_binding(r, &b);
	assert_int_equal(FOUND("1"), 0);
	/* and, as read once more, it held */
	b.ended_ns = 0;
	tell_binding(r, &b);
	assert_int_equal(FOUND("remote_ip=x'c000024d'"), 1);
	assert_int_equal(FOUND("username='909'"), 1);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM binding"), 1);
	assert_int_equal(
		made_number(dir, "SELECT count(*) FROM pragma_integrity_check"
				 " WHERE integrity_check='ok'"),
		1);
	ear_records_close(&r);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
