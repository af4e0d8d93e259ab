/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes in runs, judged by plain tables of SQLite's with the same rows. */
#include "unit/table.h"

#include "base/sqlite.h"
#include "records/keys.h"
#include "unit/records/made.h"

#define ROWS_OF_MODEL 4000

static uint32_t seed = 1;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void sql(sqlite3 *db, const char *text)
{
	char *error = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &error))
		fail_msg("%s: %s", text, error);
}

struct model {
	char *dir;
	char path[300]; /* borrowed by keys */
	sqlite3 *db;
	struct ear_keys *keys;
	struct ear_fault fault;
};

static void open_model(struct model *m)
{
	*m = (struct model){.dir = made_dir()};
	snprintf(m->path, sizeof(m->path), "%s/keys.db", m->dir);
	assert_int_equal(sqlite3_open(m->path, &m->db), SQLITE_OK);
	sql(m->db, "PRAGMA page_size=8192;PRAGMA journal_mode=OFF;"
		   "PRAGMA synchronous=OFF");
	sql(m->db, ear_keys_tables);
	sql(m->db, "CREATE TABLE model(key TEXT, at INTEGER, id INTEGER,"
		   " PRIMARY KEY(key,at,id)) WITHOUT ROWID");
	assert_int_equal(
		ear_keys_new(m->db, m->path, &m->keys, &m->fault), EAR_OK);
	assert_int_equal(ear_key_table(m->db, NULL, NULL), SQLITE_OK);
}

static void close_model(struct model *m)
{
	ear_keys_free(&m->keys);
	sqlite3_close(m->db);
	made_gone(&m->dir);
}

static void change(
	struct model *m, const char *key, uint64_t at, uint64_t id, bool gone)
{
	sqlite3_stmt *st;

	ear_keys_add(
		m->keys, EAR_KEY_CALL_SRC, ear_slice_str(key), at, id, gone);
	assert_int_equal(
		sqlite3_prepare_v2(m->db,
			gone ? "DELETE FROM model WHERE key=? AND at=? AND id=?"
			     : "REPLACE INTO model VALUES(?,?,?)",
			-1, &st, NULL),
		SQLITE_OK);
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	ear_sql_bind(st, 2, at);
	ear_sql_bind(st, 3, id);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
}

static void flush(struct model *m)
{
	assert_int_equal(ear_keys_flush(m->keys, &m->fault), EAR_OK);
	assert_int_equal(ear_keys_merge(m->keys, &m->fault), EAR_OK);
}

static const char *key_name(uint32_t i)
{
	static char text[200];

	if (i == 0)
		return "";
	if (i == 1) {
		/* longer than a key may be */
		memset(text, 'x', 150);
		text[EAR_KEY_MAX] = '\0';
		return text;
	}
	snprintf(text, sizeof(text), i % 3 ? "+4930%u" : "%u", i % 97);
	return text;
}

/* Transactions of all sizes, in which keys come, go and come again. */
static void fill(struct model *m, unsigned transactions)
{
	for (unsigned t = 0; t < transactions; t++) {
		unsigned n = dice(4) ? dice(20) : dice(1500);

		while (n--) {
			uint32_t row = dice(ROWS_OF_MODEL);

			change(m, key_name(dice(200)), row / 2, row,
				dice(4) == 0);
		}
		flush(m);
	}
}

/* Both give the same, row for row. */
static void same(struct model *m, const char *of, const char *where,
	const struct ear_key_ask *ask, uint64_t from, uint64_t to,
	const char *order)
{
	sqlite3_stmt *st[2];
	char text[2][400];
	int rc[2];

	snprintf(text[0], sizeof(text[0]),
		"SELECT key,at,id FROM model WHERE at>=?2 AND at<=?3%s"
		" ORDER BY %s",
		where, order);
	snprintf(text[1], sizeof(text[1]),
		"SELECT key_value,key_at,key_id FROM ear_keys(?1,?2,?3)");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			sqlite3_prepare_v2(m->db, text[i], -1, &st[i], NULL),
			SQLITE_OK);
		ear_sql_bind(st[i], 2, from);
		ear_sql_bind(st[i], 3, to);
	}
	sqlite3_bind_pointer(
		st[1], 1, (void *)(uintptr_t)ask, "ear_key_ask", NULL);
	for (unsigned row = 0;; row++) {
		for (int i = 0; i < 2; i++)
			rc[i] = sqlite3_step(st[i]);
		if (rc[0] != rc[1])
			fail_msg("%s: row %u: %d, want %d", of, row, rc[1],
				rc[0]);
		if (rc[0] != SQLITE_ROW)
			break;
		for (int c = 0; c < 3; c++)
			assert_slice(of, ear_sql_blob(st[1], c),
				ear_sql_blob(st[0], c));
	}
	for (int i = 0; i < 2; i++)
		sqlite3_finalize(st[i]);
}

static void compare(struct model *m)
{
	struct ear_key_range range[2] = {ear_key_all, ear_key_all};
	struct ear_key_ask ask = {.of = EAR_KEY_CALL_SRC};

	same(m, "all", "", &ask, 0, INT64_MAX, "key,at,id");
	ask.down = true;
	same(m, "all, down", "", &ask, 0, INT64_MAX,
		"key DESC,at DESC,id DESC");
	same(m, "some time", "", &ask, 300, 900, "key DESC,at DESC,id DESC");
	range[0].low.key = range[0].high.key = EAR_S("+49307");
	range[1].low.key = range[1].high.key = EAR_S("9");
	ask.range = range;
	ask.ranges = 1;
	ask.by_time = true;
	same(m, "one", " AND key='+49307'", &ask, 0, INT64_MAX,
		"at DESC,id DESC");
	ask.down = false;
	same(m, "one, up", " AND key='+49307'", &ask, 100, 1900, "at,id");
	range[0].low.key = range[0].high.key = EAR_S("");
	same(m, "none", " AND key=''", &ask, 0, INT64_MAX, "at,id");
	range[0].low.key = range[0].high.key = EAR_S("nobody");
	same(m, "nobody", " AND key='nobody'", &ask, 0, INT64_MAX, "at,id");
	/* from an entry on, as a page goes on */
	range[0] = ear_key_all;
	range[0].low = (struct ear_key_entry){EAR_S("+49307"), 700, 1400, 0};
	ask.by_time = false;
	same(m, "on", " AND (key,at,id)>=('+49307',700,1400)", &ask, 0,
		INT64_MAX, "key,at,id");
	range[0] = ear_key_all;
	range[0].high = (struct ear_key_entry){EAR_S("+49307"), 700, 1400, 0};
	ask.down = true;
	same(m, "back", " AND (key,at,id)<=('+49307',700,1400)", &ask, 0,
		INT64_MAX, "key DESC,at DESC,id DESC");
}

static void test_model(void **state)
{
	struct model m;

	(void)state;
	open_model(&m);
	for (unsigned round = 0; round < 12; round++) {
		fill(&m, round < 4 ? round : 40);
		compare(&m);
	}
	/* merged, again and again */
	assert_true(ear_file_u64(m.db, "SELECT count(*) FROM key_run", 0) < 40);
	assert_int_equal(
		ear_file_u64(m.db,
			"SELECT count(*) FROM key_page WHERE page>>20 NOT IN"
			" (SELECT run FROM key_run)",
			0),
		0);
	close_model(&m);
}

/* Keys of two rows that share all but what is skipped come in one order. */
static void test_skipped(void **state)
{
	struct ear_key_range range[3];
	struct ear_key_ask ask = {.of = EAR_KEY_CALL_TALK,
		.range = range,
		.ranges = 3,
		.down = true,
		.skip = 1};
	struct ear_key_walk *walk;
	struct ear_key_entry e;
	uint8_t rooms[6][8];
	struct model m;
	uint64_t last = UINT64_MAX, n = 0;

	(void)state;
	open_model(&m);
	for (uint64_t i = 0; i < 3000; i++) {
		struct ear_call_keys c = {
			.disposition = i % 5, .talk_ms = i * 7919 % 1000};

		ear_keys_call(m.keys, &c, i, i, false);
		if (i % 100 == 99)
			flush(&m);
	}
	for (uint64_t i = 0; i < 3; i++) {
		range[i] = ear_key_all;
		range[i].low.key = ear_key_talk(i + 1, 0, rooms[i * 2]);
		range[i].high.key =
			ear_key_talk(i + 1, UINT64_MAX, rooms[i * 2 + 1]);
	}
	assert_int_equal(
		ear_key_walk_new(m.db, &ask, 0, INT64_MAX, NULL, NULL, &walk),
		SQLITE_OK);
	while (ear_key_walk_next(walk, false, &e) == SQLITE_ROW) {
		assert_in_range(e.id % 5, 1, 3);
		assert_true(e.id * 7919 % 1000 <= last);
		last = e.id * 7919 % 1000;
		n++;
	}
	assert_int_equal(n, 1800);
	ear_key_walk_free(&walk);
	close_model(&m);
}

/* What is damaged is said to be, and nothing is read beyond it. */
static void test_damaged(void **state)
{
	static const char *const damage[] = {
		"UPDATE key_page SET entries=x'7f'",
		"UPDATE key_page SET entries=x''",
		("UPDATE key_page SET entries=substr(entries,1,"
		 "length(entries)-1)"),
		"UPDATE key_page SET entries=zeroblob(9000)",
		/* a key longer than any is */
		"UPDATE key_page SET entries='~'||printf('%142d',1)",
		"UPDATE key_run SET fences='~'||printf('%142d',1)",
		"UPDATE key_run SET fences=x'ff'",
		"UPDATE key_run SET fences=x''",
		"UPDATE key_run SET fences=substr(fences,2)",
		"DELETE FROM key_page",
	};

	(void)state;
	for (size_t i = 0; i < ROWS(damage); i++) {
		struct ear_key_ask ask = {.of = EAR_KEY_CALL_SRC};
		struct ear_key_walk *walk = NULL;
		struct ear_key_entry e;
		struct model m;
		int rc;

		open_model(&m);
		change(&m, "a", 1, 1, false);
		change(&m, "b", 2, 2, false);
		flush(&m);
		sql(m.db, damage[i]);
		rc = ear_key_walk_new(
			m.db, &ask, 0, INT64_MAX, NULL, NULL, &walk);
		while (!rc &&
			(rc = ear_key_walk_next(walk, false, &e)) == SQLITE_ROW)
			rc = SQLITE_OK;
		if (rc != SQLITE_CORRUPT)
			fail_msg("%s: %d", damage[i], rc);
		ear_key_walk_free(&walk);
		close_model(&m);
	}
}

/* Runs that cannot be read are not taken for none. */
static void test_unread(void **state)
{
	struct model m;

	(void)state;
	open_model(&m);
	change(&m, "a", 1, 1, false);
	flush(&m);
	sql(m.db, "DROP TABLE key_run");
	assert_int_not_equal(ear_keys_merge(m.keys, &m.fault), EAR_OK);
	assert_int_not_equal(ear_keys_retain(m.keys, 30, &m.fault), EAR_OK);
	close_model(&m);
}

/* Runs that are too old go, with their pages. */
static void test_retained(void **state)
{
	struct model m;

	(void)state;
	open_model(&m);
	for (uint64_t i = 0; i < 5; i++) {
		change(&m, "a", i * 10, 1, false);
		flush(&m);
	}
	assert_int_equal(ear_keys_retain(m.keys, 30, &m.fault), EAR_OK);
	assert_int_equal(
		ear_file_u64(m.db, "SELECT min(low_at) FROM key_run", 0), 30);
	assert_int_equal(
		ear_file_u64(m.db, "SELECT count(*) FROM key_page", 0), 2);
	close_model(&m);
}

/* A file of format 1 is brought up to date with its rows. */
static void test_upgrade(void **state)
{
	struct ear_rows_query calls = {
		.list = EAR_LIST_CALLS, .filter = EAR_S("src == 100")};
	struct ear_rows_query sessions = {
		.list = EAR_LIST_SESSIONS, .filter = EAR_S("peername == 200")};
	struct ear_session_row s = {.at_ns = S(3),
		.id = 3,
		.event = EAR_SESSION_CONNECT,
		.peername = EAR_S("100,200"),
		.remote = made_addr("192.0.2.1:5060")};
	struct ear_rows_found found;
	struct ear_track_out out;
	struct made_text text;
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_fault fault = {0};
	struct ear_call_row c = made_call(S(1), 1, "100", "200");
	sqlite3 *db;

	(void)state;
	ear_records_out(r, &out);
	out.call(&c, out.arg);
	c = made_call(S(2), 2, "101", "200");
	out.call(&c, out.arg);
	out.session(&s, out.arg);
	made_flush(r);
	ear_records_close(&r);
	assert_int_equal(ear_file_open(dir, true, &db, &fault), EAR_OK);
	sql(db, "DROP TABLE key_run; DROP TABLE key_page;"
		"CREATE INDEX call_src ON call(span, src);"
		"CREATE TABLE session_peer(span, peername, at, id);"
		"PRAGMA user_version=1");
	sqlite3_close(db);
	assert_int_equal(
		ear_file_open(dir, false, &db, &fault), EAR_UNSUPPORTED);
	r = made_open(dir, "server");
	made_flush(r);
	assert_slice("calls", made_s(made_list(r, calls, "dst", &text, &found)),
		EAR_S("200"));
	assert_slice("sessions",
		made_s(made_list(r, sessions, "peername", &text, &found)),
		EAR_S("100,200"));
	ear_records_close(&r);
	assert_int_equal(
		made_number(dir, "SELECT count(*) FROM sqlite_schema WHERE"
				 " name IN('call_src','session_peer')"),
		0);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_retained),
		cmocka_unit_test(test_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
