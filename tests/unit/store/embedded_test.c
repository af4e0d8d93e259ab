/* SPDX-License-Identifier: Apache-2.0 */
/* What is put is found, whatever is asked, in exact order. */
#include "unit/table.h"

#include "made.h"

static const char *const questions[] = {
	"",
	"call_id == \"call-7@example.com\"",
	"call_id in (\"call-7@example.com\", \"call-8@example.com\")",
	"call_id == nobody",
	"user == u5",
	"from.user == u5 and method == INVITE",
	"method == REGISTER",
	"status == 401 or status == 486",
	"status >= 400",
	"src.ip == 10.0.0.3",
	"dst == \"[2001:db8::1]:5061\"",
	"transport == tcp and not method == BYE",
	"capture_id == 2",
	"node == proxy-7",
	"tap has pcap",
	"correlation == corr-4",
	"\"Word3\"",
	"\"word3\" and status == 503",
	"reason ~ \"[45]$\"",
	"size > 500",
	"kind == reply and user == u3",
	"malformed",
	"at >= 2026-11-22T12:00:00.3Z and at < 2026-11-22T12:00:00.4Z",
};

struct ranked {
	const struct made *m;
	uint64_t i;
};

static int oldest(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->m->msg.at_ns != y->m->msg.at_ns)
		return x->m->msg.at_ns < y->m->msg.at_ns ? -1 : 1;
	return (x->i > y->i) - (x->i < y->i);
}

static int newest(const void *a, const void *b)
{
	return oldest(b, a);
}

/* What the answer has to be. */
static size_t expect(const struct made *m, size_t n, const char *text,
	const struct ear_query *q, struct ranked *want)
{
	struct ear_fault fault = {0};
	struct ear_expr *expr;
	size_t k = 0;

	if (ear_expr_new(ear_slice_str(text), NOON, &expr, &fault))
		fail_msg("%s: %s", text, fault.text);
	for (size_t i = 0; i < n; i++) {
		if (m[i].msg.at_ns >= q->from_ns &&
			m[i].msg.at_ns <= q->to_ns &&
			ear_expr_match(expr, &m[i].msg, &m[i].facts))
			want[k++] = (struct ranked){&m[i], i};
	}
	ear_expr_free(&expr);
	qsort(want, k, sizeof(*want), q->oldest_first ? oldest : newest);
	return k;
}

static void compare(const char *label, const struct got *g,
	const struct ranked *want, size_t n)
{
	if (g->n != n)
		fail_msg("%s: found %zu, want %zu (%s)", label, g->n, n,
			g->found.why);
	for (size_t i = 0; i < n; i++) {
		if (!ear_slice_eq(ear_slice(g->v[i].raw, g->v[i].n),
			    want[i].m->msg.raw) ||
			g->v[i].at_ns != want[i].m->msg.at_ns)
			fail_msg("%s: another message at %zu of %zu", label, i,
				n);
	}
}

static void ask(struct ear_store *store, const struct made *m, size_t n,
	const char *text, struct ear_query q)
{
	struct ranked *want = calloc(n + 1, sizeof(*want));
	size_t all = expect(m, n, text, &q, want);
	size_t k = q.limit && q.limit < all ? q.limit : all;
	struct got g = {0};

	search_q(store, text, q, &g);
	compare(text, &g, want, k);
	assert_int_equal(g.found.more, k < all);
	assert_int_equal(g.found.complete, k == all);
	assert_int_equal(g.found.matched, k);
	if (k < all)
		assert_true(g.found.why[0] && g.found.cursor[0]);
	got_free(&g);
	free(want);
}

/* Page after page gives the same as all at once. */
static void ask_paged(struct ear_store *store, const struct made *m, size_t n,
	const char *text, struct ear_query q)
{
	struct ranked *want = calloc(n + 1, sizeof(*want));
	size_t all = expect(m, n, text, &q, want), rounds = 0;
	struct got g = {0};
	char cursor[96] = "";

	do {
		q.cursor = cursor;
		search_q(store, text, q, &g);
		memcpy(cursor, g.found.cursor, sizeof(cursor));
		assert_true(++rounds < n + 2);
	} while (g.found.more);
	compare(text, &g, want, all);
	got_free(&g);
	free(want);
}

static void ask_everything(
	struct ear_store *store, const struct made *m, size_t n)
{
	static const uint64_t limits[] = {0, 1, 7, 100};

	for (size_t i = 0; i < ROWS(questions); i++) {
		for (size_t way = 0; way < 2; way++) {
			struct ear_query q = {
				.to_ns = UINT64_MAX, .oldest_first = way};

			for (size_t k = 0; k < ROWS(limits); k++) {
				q.limit = limits[k];
				ask(store, m, n, questions[i], q);
			}
			q.from_ns = NOON + 200 * EAR_MS_NS;
			q.to_ns = NOON + 300 * EAR_MS_NS;
			ask(store, m, n, questions[i], q);
			q.limit = 37;
			ask_paged(store, m, n, questions[i], q);
		}
	}
}

/* Open with small commits, open after gathering, sealed, sealed in parts. */
static void test_every_question(void **state)
{
	struct made_rnd r = {88172645463325252ULL};
	size_t n = 3000;
	struct made *m = make_many(&r, n, 60);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);

	for (size_t i = 0; i < 500; i++) {
		put_all(store, m + i, 1);
		if (i % 13 == 0)
			flush_all(store);
	}
	flush_all(store);
	ask_everything(store, m, 500);
	put_all(store, m + 500, 1000);
	flush_all(store);
	ask_everything(store, m, 1500);
	ear_store_embedded.close(&store);

	/* a second segment beside it, whose times overlap */
	store = open_store(&o, NULL);
	put_all(store, m + 1500, n - 1500);
	flush_all(store);
	ask_everything(store, m, n);
	ear_store_embedded.close(&store);
	o.write = false;
	store = open_store(&o, NULL);
	ask_everything(store, m, n);
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

static bool same(struct ear_slice a, struct ear_slice b)
{
	return ear_slice_eq(a, b);
}

/* Every member of a message comes back as it was. */
static bool check_whole(
	const struct ear_msg *got, const struct ear_facts *facts, void *arg)
{
	const struct made *want = arg;
	const struct ear_msg *w = &want->msg;

	assert_int_equal(got->at_ns, w->at_ns);
	assert_int_equal(got->seen_ns, w->seen_ns);
	assert_true(ear_addr_eq(&got->src, &w->src));
	assert_true(ear_addr_eq(&got->dst, &w->dst));
	assert_true(ear_addr_eq(&got->via, &w->via));
	assert_int_equal(got->capture_id, w->capture_id);
	assert_int_equal(got->flags, w->flags);
	assert_int_equal(got->transport, w->transport);
	assert_int_equal(got->proto, w->proto);
	assert_int_equal(got->direction, w->direction);
	assert_int_equal(got->ip_proto, w->ip_proto);
	assert_true(same(got->tap, w->tap) && same(got->node, w->node));
	assert_true(same(got->correlation, w->correlation));
	assert_true(same(got->extra, w->extra) && same(got->note, w->note));
	assert_true(same(got->raw, w->raw));
	assert_int_equal(facts->kind, want->facts.kind);
	assert_int_equal(facts->status, want->facts.status);
	assert_int_equal(facts->malformed, want->facts.malformed);
	assert_true(same(facts->method, want->facts.method));
	assert_true(same(facts->call_id, want->facts.call_id));
	return true;
}

/* Odd members, sizes at and beyond the edge of a block. */
static void test_whole(void **state)
{
	static const size_t pads[] = {0, 1, 65536, 262144, 1 << 20, 7 << 20};
	struct made_rnd r = {42};
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);

	for (size_t i = 0; i < ROWS(pads); i++) {
		struct made m = make(&r, (unsigned)i * 308, pads[i]);
		struct ear_fault fault = {0};
		struct got g;
		char text[64];

		m.msg.at_ns = NOON + i * 999999937ULL;
		m.msg.seen_ns = i & 1 ? 0 : m.msg.at_ns + 12345;
		m.msg.flags = EAR_MSG_TRUNCATED | EAR_MSG_IMPORTED;
		m.msg.direction = EAR_DIR_OUT;
		m.facts.malformed = i & 1;
		put_all(store, &m, 1);
		flush_all(store);
		snprintf(text, sizeof(text), "call_id == call-%zu@example.com",
			i * 308);
		g = search(store, text);
		assert_int_equal(g.n, 1);
		assert_int_equal(
			store->ops->get(store, ear_slice_str(g.v[0].id_text),
				check_whole, &m, &fault),
			EAR_OK);
		got_free(&g);
		free((char *)m.msg.raw.p);
	}
	ear_store_embedded.close(&store);
	remove_dir(dir);
	(void)state;
}

static void test_too_large(void **state)
{
	struct made_rnd r = {42};
	char *dir = temp_dir(), *huge = calloc(1, 9 << 20);
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	struct made m = make(&r, 1, 10);
	struct ear_msg msg = m.msg;
	struct ear_facts facts = {0};

	msg.raw = ear_slice(huge, 9 << 20);
	assert_int_equal(store->ops->put(store, &msg, &facts), EAR_LIMIT);
	put_all(store, &m, 1);
	flush_all(store);
	assert_int_equal(count(store, ""), 1);
	ear_store_embedded.close(&store);
	free((char *)m.msg.raw.p);
	free(huge);
	remove_dir(dir);
	(void)state;
}

/* An id that a search gave leads to its message through gather and seal. */
static void test_ids_stay(void **state)
{
	struct made_rnd r = {7};
	size_t n = 400;
	struct made *m = make_many(&r, n, 10);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	struct got g;

	for (size_t i = 0; i < n; i++) {
		m[i].msg.at_ns = NOON + i * EAR_MS_NS;
		put_all(store, &m[i], 1);
		if (i == 30)
			flush_all(store);
	}
	flush_all(store);
	g = search(store, "");
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			struct ear_fault fault = {0};

			if (store->ops->get(store,
				    ear_slice_str(g.v[i].id_text), check_whole,
				    &m[i], &fault))
				fail_msg("%s: %s", g.v[i].id_text, fault.text);
		}
		ear_store_embedded.close(&store);
		o.write = false;
		store = open_store(&o, NULL);
	}
	assert_int_equal(
		store->ops->get(store, EAR_S("1-1-0"), check_whole, m, NULL),
		EAR_GONE);
	assert_int_equal(
		store->ops->get(store, EAR_S("x"), check_whole, m, NULL),
		EAR_GONE);
	ear_store_embedded.close(&store);
	got_free(&g);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* Small commits are written again; the answer is the same throughout. */
static void test_gather(void **state)
{
	struct made_rnd r = {99};
	size_t n = 700;
	struct made *m = make_many(&r, n, 20);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);

	for (size_t i = 0; i < n; i++) {
		put_all(store, &m[i], 1);
		if (i % 4 == 3)
			flush_all(store);
		if (i % 100 == 3)
			assert_int_equal(count(store, ""), i + 1);
	}
	ask(store, m, n, "user == u3", (struct ear_query){.to_ns = UINT64_MAX});
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

static void test_histogram(void **state)
{
	static const char *const asked[] = {
		"", "method == INVITE", "\"Word3\"", "user == u3"};
	struct made_rnd r = {5};
	size_t n = 2000;
	struct made *m = make_many(&r, n, 40);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	uint64_t counts[20][8], want[20][8];

	put_all(store, m, n);
	flush_all(store);
	for (size_t i = 0; i < 2 * ROWS(asked); i++) {
		struct ear_query q = {.to_ns = UINT64_MAX};
		struct ear_histogram h = {.from_ns = NOON + 100 * EAR_MS_NS,
			.step_ns = (i < ROWS(asked) ? 30 : 3000) * EAR_MS_NS,
			.buckets = 20,
			.n = counts};
		struct ear_fault fault = {0};
		struct ear_found found;

		assert_int_equal(ear_expr_new(ear_slice_str(asked[i % 4]), NOON,
					 &q.expr, &fault),
			EAR_OK);
		memset(want, 0, sizeof(want));
		for (size_t k = 0; k < n; k++) {
			uint64_t at = m[k].msg.at_ns;
			unsigned class = m[k].facts.kind == EAR_KIND_REQUEST
						 ? 0
						 : m[k].facts.status / 100u;

			if (at >= h.from_ns &&
				(at - h.from_ns) / h.step_ns < 20 &&
				ear_expr_match(q.expr, &m[k].msg, &m[k].facts))
				want[(at - h.from_ns) / h.step_ns][class]++;
		}
		assert_int_equal(
			store->ops->histogram(store, &q, &h, &found, &fault),
			EAR_OK);
		assert_true(found.complete);
		assert_memory_equal(counts, want, sizeof(want));
		ear_expr_free(&q.expr);
	}
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* A stopped search says what it covered, and goes on from there. */
static void test_stopped(void **state)
{
	struct made_rnd r = {11};
	size_t n = 4000;
	struct made *m = make_many(&r, n, 40);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	volatile bool stop = true;
	struct ear_query q = {.to_ns = UINT64_MAX, .stop = &stop};
	struct got g = {0};

	put_all(store, m, n);
	flush_all(store);
	search_q(store, "\"Word3\"", q, &g);
	assert_false(g.found.complete);
	assert_true(g.found.why[0]);
	assert_int_equal(g.n, 0);
	stop = false;
	q.deadline_ns = 1;
	search_q(store, "\"Word3\"", q, &g);
	assert_false(g.found.complete);
	assert_true(g.found.more && g.found.cursor[0]);
	q.deadline_ns = 0;
	q.cursor = g.found.cursor;
	search_q(store, "\"Word3\"", q, &g);
	assert_true(g.found.complete);
	assert_int_equal(g.n, count(store, "\"Word3\""));
	got_free(&g);
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

static void test_nothing_there(void **state)
{
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir};
	struct ear_store *store = open_store(&o, NULL);
	struct ear_store_stats stats;
	struct ear_store_mark mark;

	assert_int_equal(count(store, ""), 0);
	assert_int_equal(store->ops->marked(store, "a", &mark), EAR_GONE);
	store->ops->stats(store, &stats);
	assert_int_equal(stats.messages, 0);
	ear_store_embedded.close(&store);
	remove_dir(dir);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_question),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_ids_stay),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_nothing_there),
	};

	return cmocka_run_group_tests_name("store/embedded", tests, NULL, NULL);
}
