/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool before a sink that only remembers: order, commits, far sides that
 * break, ends of the process at any point, a full disk.
 */
#include "unit/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "flow/spool.h"

/* The far side; survives the sinks that lead to it. */
struct far {
	pthread_mutex_t lock;
	char got[40000][12];
	size_t n;
	bool away;          /* begin() fails */
	size_t break_after; /* deliver() fails after so many of a session */
	size_t safe_most;   /* says no more than so many are safe */
	bool keeps_place;   /* as a database does */
	struct ear_sink_pos place;
	bool has_place;
	bool refuse_odd;
	size_t sessions;
};

struct fake {
	struct ear_sink base;
	struct far *far;
	uint64_t handed;
	size_t at_begin;
};

static enum ear_err encode(struct ear_sink *sink, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	struct ear_buf *out)
{
	(void)sink;
	(void)facts;
	(void)marks;
	if (ear_slice_eq(msg->raw, EAR_S("not for it")))
		return EAR_UNSUPPORTED;
	ear_buf_slice(out, msg->raw);
	return out->err;
}

static enum ear_err begin(struct ear_sink *sink, struct ear_sink_pos *pos,
	struct ear_fault *fault)
{
	struct fake *f = (struct fake *)sink;
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&f->far->lock);
	f->handed = 0;
	f->at_begin = f->far->n;
	f->far->sessions++;
	if (f->far->away)
		err = ear_fail(fault, EAR_SYS, 0, "nobody there");
	else if (f->far->has_place)
		*pos = f->far->place;
	pthread_mutex_unlock(&f->far->lock);
	return err;
}

static enum ear_err deliver(struct ear_sink *sink,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	size_t *refused, struct ear_fault *fault)
{
	struct fake *f = (struct fake *)sink;
	struct far *far = f->far;
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&far->lock);
	for (*handed = 0; *handed < n && *handed < 7; ++*handed) {
		const struct ear_sink_record *r = &records[*handed];

		if (far->away ||
			(far->break_after && f->handed >= far->break_after)) {
			err = ear_fail(fault, EAR_SYS, 0, "it broke");
			break;
		}
		f->handed++;
		if (far->refuse_odd && r->bytes.p[r->bytes.n - 1] & 1) {
			++*refused;
			continue;
		}
		assert_true(far->n < ROWS(far->got));
		snprintf(far->got[far->n++], sizeof(far->got[0]), "%.*s",
			EAR_FMT(r->bytes));
		if (far->keeps_place) {
			far->place = r->next;
			far->has_place = true;
		}
	}
	pthread_mutex_unlock(&far->lock);
	return err;
}

static enum ear_err safe(
	struct ear_sink *sink, uint64_t *records, struct ear_fault *fault)
{
	struct fake *f = (struct fake *)sink;

	(void)fault;
	*records = f->handed;
	if (f->far->safe_most && *records > f->far->safe_most)
		*records = f->far->safe_most;
	return EAR_OK;
}

static void end(struct ear_sink *sink)
{
	(void)sink;
}

static void status(struct ear_sink *sink, struct ear_json *j)
{
	(void)sink;
	ear_json_kstr(j, "to", EAR_S("nowhere"));
}

static void close_sink(struct ear_sink **sink)
{
	free(*sink);
	*sink = NULL;
}

static const struct ear_sink_ops ops = {.kind = "fake",
	.encode = encode,
	.begin = begin,
	.deliver = deliver,
	.safe = safe,
	.end = end,
	.status = status,
	.close = close_sink};

/* --- one run of a process ------------------------------------------------- */

struct run {
	char dir[64];
	struct far *far;
	struct ear_ledger *ledger;
	struct ear_spool *spool;
	struct ear_store_mark committed; /* what "the store" has */
	bool has_committed;
	size_t next; /* number of the next message */
	char told[4096];
};

static void notice(const char *event, struct ear_slice text, void *arg)
{
	struct run *r = arg;

	(void)text;
	strncat(r->told, event, sizeof(r->told) - strlen(r->told) - 2);
	strncat(r->told, " ", sizeof(r->told) - strlen(r->told) - 2);
}

static struct ear_sink *sink_to(struct far *far)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->base.ops = &ops;
	f->far = far;
	return &f->base;
}

static void open_run(struct run *r)
{
	struct ear_fault fault = {0};
	const struct ear_spool_options options = {
		.name = "far",
		.dir = r->dir,
		.max_bytes = 64 << 20,
		.ledger = r->ledger,
		.notice = notice,
		.notice_arg = r,
		.committed = r->has_committed ? &r->committed : NULL,
	};

	if (ear_spool_open(&options, sink_to(r->far), &r->spool, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(ear_spool_start(r->spool, &fault), EAR_OK);
}

static void put(struct run *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[16];
		struct ear_msg msg = {.seen_ns = ear_now_ns()};
		struct ear_facts facts = {0};
		struct ear_marks marks = {0};

		snprintf(text, sizeof(text), "m%zu", r->next++);
		msg.raw = ear_slice_str(text);
		ear_spool_put(r->spool, &msg, &facts, &marks);
	}
}

static struct ear_store_mark flush(struct run *r)
{
	struct ear_store_mark mark = {0};

	assert_true(ear_spool_flush(r->spool, &mark));
	return mark;
}

static void commit(struct run *r)
{
	r->committed = flush(r);
	r->has_committed = true;
	ear_spool_committed(r->spool, &r->committed);
}

static size_t got(struct far *far)
{
	size_t n;

	pthread_mutex_lock(&far->lock);
	n = far->n;
	pthread_mutex_unlock(&far->lock);
	return n;
}

static void expect(struct run *r, size_t n)
{
	for (int i = 0; i < 1000 && got(r->far) < n; i++)
		usleep(5000);
	assert_int_equal(got(r->far), n);
}

/* All of m0 … in order, each once. */
static void expect_row(struct run *r, size_t n)
{
	char text[16];

	expect(r, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "m%zu", i);
		assert_string_equal(r->far->got[i], text);
	}
}

static void begin_test(struct run *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "/tmp/spool-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->far = calloc(1, sizeof(*r->far));
	assert_non_null(r->far);
	pthread_mutex_init(&r->far->lock, NULL);
	assert_int_equal(ear_ledger_new(16, &r->ledger), EAR_OK);
}

static void end_test(struct run *r)
{
	char command[128];

	ear_spool_close(&r->spool, 1000);
	ear_ledger_free(&r->ledger);
	free(r->far);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	assert_int_equal(system(command), 0);
}

static struct ear_spool_stats stats_of(struct run *r)
{
	struct ear_spool_stats s;

	ear_spool_stats(r->spool, &s);
	return s;
}

static void wait_until_empty(struct run *r)
{
	for (int i = 0; i < 1000 && stats_of(r).waiting; i++)
		usleep(5000);
	assert_int_equal(stats_of(r).waiting, 0);
}

/* --- tests ------------------------------------------------------------- */

static void in_order_and_only_when_committed(void **state)
{
	uint64_t n[EAR_N_COUNT];
	struct run r;

	(void)state;
	begin_test(&r);
	open_run(&r);
	put(&r, 100);
	flush(&r);
	usleep(100000);
	assert_int_equal(got(r.far), 0);
	put(&r, 50);
	commit(&r);
	expect_row(&r, 150);
	wait_until_empty(&r);
	ear_ledger_sum(r.ledger, n);
	assert_int_equal(n[EAR_N_MIRRORED], 150);
	assert_int_equal(n[EAR_N_DELIVERED], 150);
	end_test(&r);
}

/* A far side that is away for a while gets it all; a stop does not matter. */
static void away_and_restarted(void **state)
{
	struct run r;

	(void)state;
	begin_test(&r);
	r.far->away = true;
	open_run(&r);
	put(&r, 3000);
	commit(&r);
	for (int i = 0; i < 1000 && !stats_of(&r).trouble[0]; i++)
		usleep(5000);
	usleep(110000);
	assert_false(stats_of(&r).connected);
	assert_string_equal(stats_of(&r).trouble, "nobody there");
	assert_int_equal(stats_of(&r).waiting, 3000);
	assert_true(stats_of(&r).lag_ns > 100 * EAR_MS_NS);
	ear_spool_close(&r.spool, 0);

	r.far->away = false;
	open_run(&r);
	put(&r, 10);
	commit(&r);
	expect_row(&r, 3010);
	wait_until_empty(&r);
	assert_non_null(strstr(r.told, "mirror.down"));
	end_test(&r);
}

/* What the store had not committed is put again, and comes once. */
static void killed_before_the_commit(void **state)
{
	struct run r;

	(void)state;
	begin_test(&r);
	open_run(&r);
	put(&r, 500);
	commit(&r);
	expect(&r, 500);
	put(&r, 300); /* in the spool, and the process ends */
	flush(&r);
	ear_spool_close(&r.spool, 0);

	r.next = 500; /* so the journal gives them again */
	open_run(&r);
	put(&r, 300);
	commit(&r);
	expect_row(&r, 800);
	end_test(&r);
}

/* The first commit never came: nothing of that run counts. */
static void killed_before_any_commit(void **state)
{
	struct run r;

	(void)state;
	begin_test(&r);
	open_run(&r);
	put(&r, 20);
	flush(&r);
	ear_spool_close(&r.spool, 0);
	r.next = 0;
	open_run(&r);
	put(&r, 25);
	commit(&r);
	expect_row(&r, 25);
	end_test(&r);
}

/* Not safe is handed over again: at least once, in order. */
static void breaks_in_the_middle(void **state)
{
	struct run r;

	(void)state;
	begin_test(&r);
	r.far->break_after = 40;
	r.far->safe_most = 30;
	open_run(&r);
	put(&r, 60);
	commit(&r);
	/* 40, of which 30 are safe; then from the 31st on */
	expect(&r, 70);
	assert_string_equal(r.far->got[39], "m39");
	assert_string_equal(r.far->got[40], "m30");
	assert_string_equal(r.far->got[69], "m59");
	end_test(&r);
}

/* A far side that keeps our place is never told anything twice. */
static void far_side_keeps_the_place(void **state)
{
	struct run r;

	(void)state;
	begin_test(&r);
	r.far->keeps_place = true;
	r.far->break_after = 100;
	r.far->safe_most = 1; /* our own position stays behind */
	open_run(&r);
	put(&r, 350);
	commit(&r);
	expect_row(&r, 350);
	ear_spool_close(&r.spool, 0);
	r.far->safe_most = 0;
	open_run(&r);
	put(&r, 5);
	commit(&r);
	expect_row(&r, 355);

	/* a place that another spool wrote is not ours */
	ear_spool_close(&r.spool, 0);
	r.far->place.v[0] ^= (uint64_t)1 << 40;
	open_run(&r);
	put(&r, 5);
	commit(&r);
	expect_row(&r, 360);
	assert_non_null(strstr(r.told, "mirror.position"));
	end_test(&r);
}

static void refused_are_counted(void **state)
{
	uint64_t n[EAR_N_COUNT];
	struct run r;

	(void)state;
	begin_test(&r);
	r.far->refuse_odd = true;
	open_run(&r);
	put(&r, 100);
	commit(&r);
	expect(&r, 50);
	wait_until_empty(&r);
	ear_ledger_sum(r.ledger, n);
	assert_int_equal(n[EAR_N_DELIVERED], 50);
	assert_int_equal(n[EAR_N_MIRROR_REFUSED], 50);
	assert_int_equal(stats_of(&r).lost, 50);
	end_test(&r);
}

static void another_sink(void **state)
{
	struct far *second = calloc(1, sizeof(*second));
	struct far *first;
	struct run r;

	(void)state;
	assert_non_null(second);
	pthread_mutex_init(&second->lock, NULL);
	begin_test(&r);
	first = r.far;
	first->away = true;
	open_run(&r);
	put(&r, 30);
	commit(&r);
	ear_spool_sink(r.spool, sink_to(first)); /* never taken up, perhaps */
	ear_spool_sink(r.spool, sink_to(second));
	r.far = second;
	expect_row(&r, 30);
	assert_int_equal(first->n, 0);
	r.far = first;
	end_test(&r);
	free(second);
}

/* Full: lost, counted, told; and room again when the far side is back. */
static void full(void **state)
{
	static char large[60000];
	uint64_t n[EAR_N_COUNT];
	struct ear_msg msg = {.seen_ns = 1, .raw = {large, sizeof(large)}};
	struct ear_facts facts = {0};
	struct ear_marks marks = {0};
	struct run r;

	(void)state;
	memset(large, '2', sizeof(large));
	begin_test(&r);
	r.far->away = true;
	open_run(&r);
	for (int i = 0; i < 1500; i++)
		ear_spool_put(r.spool, &msg, &facts, &marks);
	commit(&r);
	assert_true(stats_of(&r).full);
	assert_non_null(strstr(r.told, "mirror.full"));
	pthread_mutex_lock(&r.far->lock);
	r.far->away = false;
	pthread_mutex_unlock(&r.far->lock);
	wait_until_empty(&r);
	put(&r, 1);
	commit(&r);
	wait_until_empty(&r);
	assert_false(stats_of(&r).full);
	ear_ledger_sum(r.ledger, n);
	assert_int_equal(n[EAR_N_MIRRORED], 1501);
	assert_int_equal(n[EAR_N_DELIVERED] + n[EAR_N_MIRROR_FULL], 1501);
	assert_int_equal(n[EAR_N_DELIVERED], got(r.far));
	assert_true(n[EAR_N_MIRROR_FULL] > 100);
	end_test(&r);
}

static void names(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "123456789012345678901234"};
	struct ear_fault fault = {0};
	struct run r;

	(void)state;
	begin_test(&r);
	for (size_t i = 0; i < ROWS(bad); i++) {
		const struct ear_spool_options options = {.name = bad[i],
			.dir = r.dir,
			.max_bytes = 64 << 20,
			.ledger = r.ledger};

		assert_int_equal(ear_spool_open(&options, sink_to(r.far),
					 &r.spool, &fault),
			EAR_USAGE);
		assert_null(r.spool);
	}
	end_test(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_and_only_when_committed),
		cmocka_unit_test(away_and_restarted),
		cmocka_unit_test(killed_before_the_commit),
		cmocka_unit_test(killed_before_any_commit),
		cmocka_unit_test(breaks_in_the_middle),
		cmocka_unit_test(far_side_keeps_the_place),
		cmocka_unit_test(refused_are_counted),
		cmocka_unit_test(another_sink),
		cmocka_unit_test(full),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
