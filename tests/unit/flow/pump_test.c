/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an intake through a real journal to a store that only remembers: the
 * sums of the ledger, and exactly once over a death between two commits.
 */
#include "unit/table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/lane.h"
#include "flow/pump.h"
#include "message/msg.h"

/* What is left of a run when it dies: the Call-IDs and the mark committed. */
struct fake {
	struct ear_store base;
	char seen[512][24];
	size_t n;
	struct ear_store_mark mark;
	bool marked;
	size_t commit_at; /* messages after which nothing more is committed */
	size_t committed;
	struct ear_store_mark committed_mark;
	bool has_committed;
	enum ear_err refuse; /* what put() says to the message refuse_at */
	size_t refuse_at, puts;
};

static enum ear_err put(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct fake *f = (struct fake *)store;

	(void)msg;
	if (f->refuse && f->puts++ == f->refuse_at)
		return f->refuse;
	assert_true(f->n < ROWS(f->seen));
	snprintf(f->seen[f->n++], sizeof(f->seen[0]), "%.*s",
		EAR_FMT(facts->call_id));
	return EAR_OK;
}

static void mark(struct ear_store *store, const struct ear_store_mark *m)
{
	struct fake *f = (struct fake *)store;

	f->mark = *m;
	if (f->n <= f->commit_at) {
		f->committed = f->n;
		f->committed_mark = *m;
		f->has_committed = true;
	}
}

static enum ear_err marked(
	struct ear_store *store, const char *name, struct ear_store_mark *m)
{
	struct fake *f = (struct fake *)store;

	if (!f->has_committed || strcmp(f->committed_mark.name, name) != 0)
		return EAR_GONE;
	*m = f->committed_mark;
	return EAR_OK;
}

static void tick(struct ear_store *store, uint64_t mono_ns)
{
	(void)store;
	(void)mono_ns;
}

static enum ear_err flush(struct ear_store *store, struct ear_fault *fault)
{
	(void)store;
	(void)fault;
	return EAR_OK;
}

static const struct ear_store_ops ops = {.name = "fake",
	.put = put,
	.mark = mark,
	.marked = marked,
	.tick = tick,
	.flush = flush};

static void quiet(
	const char *event, struct ear_slice text, uint64_t lost, void *arg)
{
	(void)event;
	(void)text;
	(void)lost;
	(void)arg;
}

struct bench {
	char dir[32];
	struct ear_terms terms;
	struct ear_journal *journal;
	struct ear_ledger *ledger;
	bool track;
	struct ear_tracking *tracking; /* when track */
	struct ear_pump *pump;
	struct ear_lane *lane;
	struct ear_flow_lane *intake;
};

static void begin(struct bench *b, struct fake *store)
{
	struct ear_fault fault = {0};

	assert_int_equal(
		ear_journal_open(&(struct ear_journal_options){.dir = b->dir},
			quiet, NULL, &b->journal, &fault),
		EAR_OK);
	assert_int_equal(ear_ledger_new(64, &b->ledger), EAR_OK);
	if (b->track)
		assert_int_equal(ear_tracking_new(
					 &(struct ear_tracking_options){
						 .records = {.dir = b->dir,
							 .write = true,
							 .owner = "server"}},
					 &b->tracking, &fault),
			EAR_OK);
	assert_int_equal(
		ear_pump_new(&(struct ear_pump_options){.journal = b->journal,
				     .store = &store->base,
				     .ledger = b->ledger,
				     .tracking = b->tracking,
				     .journal_dir = b->dir},
			&b->pump, &fault),
		EAR_OK);
	assert_int_equal(ear_pump_lane(b->pump, "l0-udp-0",
				 EAR_S("hep/udp:127.0.0.1:9060"), &b->terms,
				 &b->lane, &fault),
		EAR_OK);
	assert_int_equal(ear_flow_lane_new(b->lane, b->ledger,
				 EAR_S("hep/udp:127.0.0.1:9060"), &b->intake),
		EAR_OK);
}

static void end(struct bench *b)
{
	ear_pump_free(&b->pump);
	ear_tracking_free(&b->tracking);
	ear_flow_lane_free(&b->intake);
	ear_journal_close(&b->journal);
	ear_ledger_free(&b->ledger);
}

static void offer(struct bench *b, struct ear_slice bytes, uint8_t host)
{
	struct ear_intake *in = ear_flow_lane_intake(b->intake);
	const uint8_t from[4] = {10, 0, 0, host}, to[4] = {127, 0, 0, 1};
	const struct ear_unit unit = {.kind = EAR_UNIT_DATAGRAM,
		.transport = EAR_TR_UDP,
		.units = 1,
		.seen_ns = 1795348800000000000ULL,
		.from = ear_addr_v4(from, 5060),
		.to = ear_addr_v4(to, 9060)};

	in->put(in, &unit, bytes);
}

static void offer_sip(struct bench *b, unsigned serial, uint8_t host)
{
	char sip[400];
	int n = snprintf(sip, sizeof(sip),
		"OPTIONS sip:e SIP/2.0\r\nVia: SIP/2.0/UDP "
		"h;branch=z9hG4bK%u\r\n"
		"From: <sip:a@e>;tag=1\r\nTo: <sip:b@e>\r\nCall-ID: call%u\r\n"
		"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
		"Content-Length: 0\r\n\r\n",
		serial, serial);

	offer(b, ear_slice(sip, (size_t)n), host);
}

static void remove_dir(const struct bench *b)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
}

static void flush_intake(struct bench *b)
{
	struct ear_intake *in = ear_flow_lane_intake(b->intake);

	in->flush(in);
}

static void test_sums(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake store = {.base = {&ops}, .commit_at = SIZE_MAX};
	uint64_t n[EAR_N_COUNT];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	/* more sources than one frame counts apart */
	for (unsigned i = 0; i < 200; i++)
		offer_sip(&b, i, (uint8_t)i);
	offer(&b, EAR_S("\r\n\r\n"), 1);
	offer(&b, EAR_S("\x80\x00 this is RTP by its first bits"), 1);
	offer(&b, EAR_S("neither"), 2);
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(n[EAR_N_RECEIVED], 203);
	assert_int_equal(n[EAR_N_ACCEPTED], 203);
	assert_int_equal(n[EAR_N_STORED], 200);
	assert_int_equal(n[EAR_N_KEEPALIVE], 1);
	assert_int_equal(n[EAR_N_MALFORMED], 0);
	assert_int_equal(n[EAR_N_REPLAYED], 0);
	assert_int_equal(ear_ledger_open(n), 0);
	assert_int_equal(store.n, 200);
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* Dies after each number of messages committed; the rest comes, once. */
static void test_exactly_once(void **state)
{
	for (size_t die = 0; die <= 30; die++) {
		struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
		struct fake first = {.base = {&ops}, .commit_at = die};
		struct fake then = {.base = {&ops}, .commit_at = SIZE_MAX};
		uint64_t n[EAR_N_COUNT];

		assert_non_null(mkdtemp(b.dir));
		begin(&b, &first);
		for (unsigned i = 0; i < 30; i++) {
			offer_sip(&b, i, 1);
			if (i % 7 == 6)
				flush_intake(&b);
		}
		flush_intake(&b);
		assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
		assert_int_equal(first.n, 30);
		end(&b);

		then.committed_mark = first.committed_mark;
		then.has_committed = first.has_committed;
		begin(&b, &then);
		offer_sip(&b, 30, 1);
		flush_intake(&b);
		assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
		assert_int_equal(first.committed + then.n, 31);
		for (size_t i = 0; i < then.n; i++) {
			char want[24];

			snprintf(want, sizeof(want), "call%zu",
				first.committed + i);
			assert_string_equal(then.seen[i], want);
		}
		ear_ledger_sum(b.ledger, n);
		assert_int_equal(ear_ledger_open(n), 0);
		assert_int_equal(n[EAR_N_RECEIVED] - n[EAR_N_REPLAYED], 1);
		end(&b);
		remove_dir(&b);
	}
	(void)state;
}

/* A call that fails: its INVITE, and the answer. */
static void offer_call(struct bench *b, unsigned serial, bool answer)
{
	char sip[400];
	int n = snprintf(sip, sizeof(sip),
		"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%u\r\n"
		"From: <sip:a@e>;tag=1\r\nTo: <sip:b@e>%s\r\n"
		"Call-ID: call%u\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
		"Content-Length: 0\r\n\r\n",
		answer ? "SIP/2.0 404 Not Found" : "INVITE sip:b@e SIP/2.0",
		serial, answer ? ";tag=2" : "", serial);

	offer(b, ear_slice(sip, (size_t)n), 1);
}

static void offer_half_calls(struct bench *b, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		offer_call(b, i / 2, i % 2);
		if (i % 5 == 4)
			flush_intake(b);
	}
	flush_intake(b);
}

struct rows {
	unsigned n;
	unsigned failed;
};

static bool count_row(const struct ear_cell *cells, void *arg)
{
	struct rows *rows = arg;
	size_t n;
	const struct ear_column *column = ear_columns(EAR_LIST_CALLS, &n);

	rows->n++;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(column[i].name, "disposition") &&
			ear_slice_eq(cells[i].text, EAR_S("FAILED")))
			rows->failed++;
	}
	return true;
}

static struct rows rows_of(struct bench *b)
{
	const struct ear_rows_query query = {
		.list = EAR_LIST_CALLS, .to_ns = UINT64_MAX};
	struct ear_rows_found found;
	struct rows rows = {0};

	assert_int_equal(ear_records_list(ear_tracking_records(b->tracking),
				 &query, count_row, &rows, &found, NULL),
		EAR_OK);
	return rows;
}

/*
 * Store and records come to different places before they die: the messages
 * and the rows are there once all the same. stuck: the records write nothing
 * in the second run.
 */
static void check_rows(unsigned first, size_t die, bool stuck)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX", .track = true};
	struct fake run = {.base = {&ops}, .commit_at = SIZE_MAX};
	struct fake then = {.base = {&ops}, .commit_at = SIZE_MAX};
	uint64_t n[EAR_N_COUNT];
	struct rows rows;

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &run);
	offer_half_calls(&b, 0, first);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	end(&b);

	run.commit_at = first + die;
	begin(&b, &run);
	if (stuck)
		ear_records_limits(ear_tracking_records(b.tracking), 0, 0,
			(uint64_t)1 << 62);
	offer_half_calls(&b, first, 24);
	assert_int_equal(ear_pump_drain(b.pump, NULL) == EAR_OK, !stuck);
	end(&b);

	then.committed_mark = run.committed_mark;
	then.has_committed = run.has_committed;
	begin(&b, &then);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	assert_int_equal(run.committed + then.n, 24);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(ear_ledger_open(n), 0);
	rows = rows_of(&b);
	assert_int_equal(rows.n, 12);
	assert_int_equal(rows.failed, 12);
	end(&b);
	remove_dir(&b);
}

static void test_rows_exactly_once(void **state)
{
	static const unsigned firsts[] = {0, 7, 10};

	for (size_t i = 0; i < ROWS(firsts); i++) {
		for (size_t die = 0; die + firsts[i] <= 24; die += 3) {
			check_rows(firsts[i], die, true);
			check_rows(firsts[i], die, false);
		}
	}
	(void)state;
}

/* The frame that was being stored is gone: nothing of the next is skipped. */
static void test_lost_frame(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake first = {.base = {&ops}, .commit_at = 3};
	struct fake then = {.base = {&ops}, .commit_at = SIZE_MAX};
	char command[80];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &first);
	for (unsigned i = 0; i < 7; i++)
		offer_sip(&b, i, 1);
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	assert_int_equal(first.committed, 3);
	end(&b);
	snprintf(command, sizeof(command), "rm %s/*.journal", b.dir);
	assert_int_equal(system(command), 0);

	then.committed_mark = first.committed_mark;
	then.has_committed = true;
	begin(&b, &then);
	for (unsigned i = 7; i < 12; i++)
		offer_sip(&b, i, 1);
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	assert_int_equal(then.n, 5);
	assert_string_equal(then.seen[0], "call7");
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* Overwrite the end of the lane's file, as a failing disk does. */
static void damage(const struct bench *b, off_t from_end)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/l0-udp-0.00000001.journal", b->dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_true(lseek(fd, -from_end, SEEK_END) > 0);
	assert_int_equal(write(fd, "damaged", 7), 7);
	close(fd);
}

/* What the journal lost is counted as that, the last of it too. */
static void test_corrupt(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake store = {.base = {&ops}, .commit_at = SIZE_MAX};
	uint64_t n[EAR_N_COUNT];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	for (unsigned i = 0; i < 12; i++) {
		offer_sip(&b, i, 1);
		if (i == 1 || i == 6) {
			flush_intake(&b);
			/* of two frames the second, by its end */
			if (i == 6)
				damage(&b, 20);
		}
	}
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(n[EAR_N_RECEIVED], 12);
	assert_int_equal(n[EAR_N_STORED], 7);
	assert_int_equal(n[EAR_N_CORRUPT], 5);
	assert_int_equal(ear_ledger_open(n), 0);
	offer_sip(&b, 12, 1);
	offer_sip(&b, 13, 1);
	flush_intake(&b);
	damage(&b, 20);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(n[EAR_N_CORRUPT], 7);
	assert_int_equal(ear_ledger_open(n), 0);
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* What a store never takes is counted; those behind it are kept. */
static void test_too_large(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake store = {.base = {&ops},
		.commit_at = SIZE_MAX,
		.refuse = EAR_LIMIT,
		.refuse_at = 1};
	uint64_t n[EAR_N_COUNT];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	for (unsigned i = 0; i < 4; i++)
		offer_sip(&b, i, 1);
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	assert_int_equal(store.n, 3);
	assert_string_equal(store.seen[1], "call2");
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(n[EAR_N_OVERSIZE], 1);
	assert_int_equal(n[EAR_N_STORED], 3);
	assert_int_equal(ear_ledger_open(n), 0);
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* Who empties a journal does not wait for a full store, and loses nothing. */
static void test_full_store(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake first = {.base = {&ops},
		.commit_at = SIZE_MAX,
		.refuse = EAR_FULL,
		.refuse_at = 10};
	struct fake then = {.base = {&ops}, .commit_at = SIZE_MAX};

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &first);
	for (unsigned i = 0; i < 30; i++) {
		offer_sip(&b, i, 1);
		if (i % 7 == 6)
			flush_intake(&b);
	}
	flush_intake(&b);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_FULL);
	assert_int_equal(first.n, 10);
	end(&b);

	then.committed_mark = first.committed_mark;
	then.has_committed = true;
	begin(&b, &then);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	assert_int_equal(then.n, 20);
	assert_string_equal(then.seen[0], "call10");
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* What came in under a key is judged by it, whoever stores it later. */
static void test_terms_stay(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX",
		.terms = {.mask = true, .key = "secret"}};
	struct fake store = {.base = {&ops}, .commit_at = SIZE_MAX};
	uint64_t n[EAR_N_COUNT];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	offer_sip(&b, 1, 1);
	flush_intake(&b);
	end(&b);

	assert_int_equal(
		ear_journal_open(&(struct ear_journal_options){.dir = b.dir},
			quiet, NULL, &b.journal, NULL),
		EAR_OK);
	assert_int_equal(ear_ledger_new(64, &b.ledger), EAR_OK);
	assert_int_equal(
		ear_pump_new(&(struct ear_pump_options){.journal = b.journal,
				     .store = &store.base,
				     .ledger = b.ledger,
				     .journal_dir = b.dir},
			&b.pump, NULL),
		EAR_OK);
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(n[EAR_N_BADKEY], 1);
	assert_int_equal(store.n, 0);
	assert_int_equal(ear_ledger_open(n), 0);
	end(&b);
	remove_dir(&b);
	(void)state;
}

/* An intake goes over to a lane of other terms between two frames; what came
   before is judged by the terms of then. */
static void test_other_terms(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake store = {.base = {&ops}, .commit_at = SIZE_MAX};
	const struct ear_terms other = {.key = "secret"};
	struct ear_lane *lane;
	uint64_t n[EAR_N_COUNT];

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	offer_sip(&b, 0, 1);
	assert_int_equal(
		ear_pump_lane(b.pump, "l1-udp-0",
			EAR_S("hep/udp:127.0.0.1:9060"), &other, &lane, NULL),
		EAR_OK);
	ear_flow_lane_switch(b.intake, lane);
	ear_pump_retire(b.pump, b.lane, b.intake);
	/* of the frame that was begun */
	offer_sip(&b, 1, 1);
	assert_true(ear_flow_lane_uses(b.intake, b.lane));
	flush_intake(&b);
	offer_sip(&b, 2, 1);
	flush_intake(&b);
	assert_false(ear_flow_lane_uses(b.intake, b.lane));
	assert_true(ear_flow_lane_uses(b.intake, lane));
	assert_int_equal(ear_pump_drain(b.pump, NULL), EAR_OK);
	ear_ledger_sum(b.ledger, n);
	assert_int_equal(store.n, 2);
	assert_int_equal(n[EAR_N_BADKEY], 1);
	assert_int_equal(ear_ledger_open(n), 0);
	end(&b);
	remove_dir(&b);
	(void)state;
}

static void note_errand(void *arg)
{
	++*(int *)arg;
}

/* Whether the thread runs, waits, or is gone. */
static void test_errands(void **state)
{
	struct bench b = {.dir = "/tmp/earshot-pump-XXXXXX"};
	struct fake store = {.base = {&ops}, .commit_at = SIZE_MAX};
	int done = 0;

	assert_non_null(mkdtemp(b.dir));
	begin(&b, &store);
	ear_pump_run(b.pump, note_errand, &done);
	assert_int_equal(done, 1);
	assert_int_equal(ear_pump_start(b.pump), EAR_OK);
	for (int i = 0; i < 100; i++)
		ear_pump_run(b.pump, note_errand, &done);
	assert_int_equal(done, 101);
	ear_pump_stop(b.pump, 1000);
	ear_pump_run(b.pump, note_errand, &done);
	assert_int_equal(done, 102);
	end(&b);
	remove_dir(&b);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_rows_exactly_once),
		cmocka_unit_test(test_terms_stay),
		cmocka_unit_test(test_lost_frame),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_full_store),
		cmocka_unit_test(test_other_terms),
		cmocka_unit_test(test_errands),
	};

	return cmocka_run_group_tests_name("flow/pump", tests, NULL, NULL);
}
