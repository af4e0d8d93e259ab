/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <signal.h>
#include <sys/wait.h>

#include "unit/records/made.h"

/* Everything that the tables have, as text. */
static char *dump(const char *dir)
{
	static const char *const table[] = {
		"session", "binding", "call", "connection", "account", "mark"};
	struct ear_buf out = {0};
	size_t rows = 0;

	for (size_t i = 0; i < ROWS(table); i++)
		rows += made_dump(dir, table[i], &out);
	assert_true(rows > 0);
	ear_buf_byte(&out, 0);
	assert_int_equal(out.err, EAR_OK);
	return out.p; /* the caller's to free */
}

static void play(struct ear_records *r, unsigned n)
{
	struct ear_records_mark mark = {.name = "lane"};
	struct ear_track_out out;

	ear_records_out(r, &out);
	for (unsigned i = 0; i < n; i++) {
		struct ear_call_row c = made_call(S(i), i + 1, "1", "2");
		struct ear_binding_row b = made_binding(S(i), i + 1, "909");

		c.disposition = EAR_CALL_IN_PROGRESS;
		out.call(&c, out.arg);
		out.binding(&b, out.arg);
		c.disposition = EAR_CALL_BUSY;
		out.call(&c, out.arg);
		mark.v[0] = i + 1;
		ear_records_mark(r, &mark);
		if (i % 10 == 9)
			ear_records_commit(r, NULL);
	}
	made_flush(r);
}

static void test_replay(void **state)
{
	char *dir = made_dir(), *once, *twice;
	struct ear_records *r = made_open(dir, "server");
	struct ear_records_stats stats;
	struct ear_records_mark mark;

	(void)state;
	play(r, 105);
	ear_records_close(&r);
	once = dump(dir);
	r = made_open(dir, "server");
	assert_int_equal(ear_records_marked(r, "lane", &mark), EAR_OK);
	assert_int_equal(mark.v[0], 105);
	assert_int_equal(ear_records_marked(r, "other", &mark), EAR_GONE);
	play(r, 105);
	ear_records_stats(r, &stats);
	assert_int_equal(stats.calls, 105);
	assert_int_equal(stats.bindings, 105);
	assert_int_equal(stats.waiting, 0);
	ear_records_close(&r);
	twice = dump(dir);
	assert_string_equal(once, twice);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM account"), 1);
	free(once);
	free(twice);
	made_gone(&dir);
}

/* Killed while it writes: marks and rows are those of one moment. */
static void test_killed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		char *dir = made_dir();
		uint64_t rows, mark;
		pid_t child = fork();
		int status;

		if (!child) {
			struct ear_records *r = made_open(dir, "server");

			play(r, 1u << 20);
			_exit(0);
		}
		usleep(30000 + i * 20000);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		{
			struct ear_records *r = made_open(dir, "server");

			ear_records_close(&r);
		}
		rows = made_number(dir, "SELECT count(*) FROM call");
		mark = made_number(dir, "SELECT a FROM mark WHERE name='lane'");
		assert_int_equal(rows, mark);
		assert_int_equal(
			made_number(
				dir, "SELECT n FROM meta WHERE name='call'"),
			rows);
		made_gone(&dir);
	}
}

static void note(const char *event, struct ear_slice text, void *arg)
{
	(void)text;
	snprintf(arg, 40, "%s", event);
}

static void test_damaged(void **state)
{
	char *dir = made_dir(), path[200], event[40] = "";
	struct ear_records_options options = {.dir = dir,
		.write = true,
		.owner = "server",
		.notice = note,
		.notice_arg = event};
	struct ear_fault fault = {0};
	struct ear_records *r;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/records.db", dir);
	f = fopen(path, "w");
	for (int i = 0; i < 5000; i++)
		fputs("no database", f);
	fclose(f);
	options.write = false;
	assert_int_equal(ear_records_open(&options, &r, &fault), EAR_BAD);
	options.write = true;
	assert_int_equal(ear_records_open(&options, &r, &fault), EAR_OK);
	assert_string_equal(event, "records.damaged");
	play(r, 3);
	ear_records_close(&r);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM call"), 3);
	made_gone(&dir);
}

/* Who is moved away while it is written is missed. */
static void test_replaced(void **state)
{
	char *dir = made_dir(), command[300], event[40] = "";
	const struct ear_records_options options = {.dir = dir,
		.write = true,
		.owner = "server",
		.notice = note,
		.notice_arg = event};
	struct ear_records *r;

	(void)state;
	assert_int_equal(ear_records_open(&options, &r, NULL), EAR_OK);
	play(r, 3);
	snprintf(command, sizeof(command), "mkdir %s/old; mv %s/records.db* %s",
		dir, dir, dir);
	strcat(command, "/old");
	assert_int_equal(system(command), 0);
	play(r, 5);
	assert_string_equal(event, "records.replaced");
	ear_records_close(&r);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM call"), 5);
	made_gone(&dir);
}

/* Calls are nobody's business: whatever the umask, and however it was. */
static void test_mode(void **state)
{
	char *dir = made_dir(), path[200];
	mode_t mask = umask(0);
	struct ear_fault fault = {0};
	struct ear_records *r;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/records.db", dir);
	for (int i = 0; i < 2; i++) {
		r = made_open(dir, "server");
		play(r, 3);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		strcat(path, "-wal");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
		path[strlen(path) - 4] = '\0';
		ear_records_close(&r);
		assert_int_equal(chmod(path, 0664), 0);
	}
	umask(mask);
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(
		ear_records_open(
			&(struct ear_records_options){
				.dir = dir, .write = true, .owner = "server"},
			&r, &fault),
		EAR_SYS);
	made_gone(&dir);
}

/* Two writers of one owner: only the first has its states. */
static void test_two(void **state)
{
	char *dir = made_dir();
	struct ear_records *a = made_open(dir, "server"),
			   *b = made_open(dir, "server");
	struct ear_track_out out;

	(void)state;
	ear_records_out(b, &out);
	out.state(1, 7, EAR_S("b"), out.arg);
	made_flush(b);
	ear_records_out(a, &out);
	out.state(1, 8, EAR_S("a"), out.arg);
	out.state(1, 9, EAR_S("gone"), out.arg);
	out.state(1, 9, EAR_S(""), out.arg);
	play(a, 20);
	play(b, 30);
	ear_records_close(&a);
	ear_records_close(&b);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM call"), 30);
	assert_int_equal(made_number(dir, "SELECT sum(key) FROM state"), 8);
	made_gone(&dir);
}

/* --- connections and accounts that came apart --------------------------- */

enum { CONN = 100 };

static void tell_conn(struct ear_track_out *out, int from, int to, uint64_t id)
{
	struct ear_conn_row n = made_conn(S(from), id);
	struct ear_session_row s =
		made_session(S(from), id + 1, EAR_SESSION_CONNECT);

	n.tls.version = 0x0304;
	n.closed_ns = to ? S(to) : 0;
	out->conn(&n, out->arg);
	s.connection = id;
	out->session(&s, out->arg);
	if (!to)
		return;
	s = made_session(S(to), id + 2, EAR_SESSION_DISCONNECT);
	s.connection = id;
	s.details = EAR_S("NETWORK_ERROR");
	out->session(&s, out->arg);
}

static void tell_register(struct ear_track_out *out, int at, const char *peer)
{
	struct ear_session_row s =
		made_session(S(at), (uint64_t)at + 7000, EAR_SESSION_REGISTER);

	s.peername = made_s(peer);
	s.code = 200;
	out->session(&s, out->arg);
}

/* What "909@5" and the like say: who registered when; "-" before the
 * connections are known. */
static const struct {
	const char *name;
	int from, to;
	struct {
		int at;
		const char *peer;
	} registers[4];
	const char *want; /* peername of CONNECT */
	uint64_t bound, ambiguous, unbound;
} scenes[] = {
	{"one account", 10, 100, {{20, "909"}}, "909", 1, 0, 0},
	{"three accounts", 10, 100, {{20, "909"}, {21, "904"}, {22, "910"}},
		"909,904,910", 0, 1, 0},
	{"before it opened", 10, 100, {{5, "909"}}, "", 0, 0, 1},
	{"after it closed: the port is another's", 10, 100, {{150, "909"}}, "",
		0, 0, 1},
	{"nobody", 10, 100, {{0, NULL}}, "", 0, 0, 1},
	{"still up", 10, 0, {{20, "909"}}, "909", 1, 0, 0},
	{"its capture ended long before", 10, 0, {{4000, "909"}}, "", 0, 0, 0},
};

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(scenes) * 2; i++) {
		bool late = i % 2; /* the connection was imported later */
		char *dir = made_dir();
		struct ear_records *r = made_open(dir, "server");
		struct ear_reconciled stand;
		struct ear_track_out out;
		struct made_text text;
		struct ear_rows_found found;
		struct ear_call_row c = made_call(S(5000), 1, "1", "2");
		struct ear_rows_query q = {.list = EAR_LIST_SESSIONS,
			.filter = EAR_S("event == CONNECT")};

		ear_records_out(r, &out);
		if (!late)
			tell_conn(&out, scenes[i / 2].from, scenes[i / 2].to,
				CONN);
		made_flush(r);
		for (size_t k = 0; scenes[i / 2].registers[k].peer; k++)
			tell_register(&out, scenes[i / 2].registers[k].at,
				scenes[i / 2].registers[k].peer);
		ear_records_close(&r);
		r = made_open(dir, "import");
		ear_records_out(r, &out);
		if (late)
			tell_conn(&out, scenes[i / 2].from, scenes[i / 2].to,
				CONN);
		/* time goes on */
		out.call(&c, out.arg);
		ear_records_close(&r);
		r = made_open(dir, NULL);
		assert_slice(scenes[i / 2].name,
			made_s(made_list(r, q, "peername", &text, &found)),
			made_s(scenes[i / 2].want));
		ear_records_reconciled(r, &stand);
		assert_int_equal(stand.bound, scenes[i / 2].bound);
		assert_int_equal(stand.ambiguous, scenes[i / 2].ambiguous);
		assert_int_equal(stand.unbound, scenes[i / 2].unbound);
		assert_int_equal(stand.waiting,
			!scenes[i / 2].to && !scenes[i / 2].bound);
		if (scenes[i / 2].ambiguous) {
			q.filter = EAR_S("peername == 904");
			assert_slice("904",
				made_s(made_list(
					r, q, "tls_version", &text, &found)),
				EAR_S("TLSv1.3 TLSv1.3 TLSv1.3"));
		}
		ear_records_close(&r);
		made_gone(&dir);
	}
}

static void test_retention(void **state)
{
	char *dir = made_dir();
	struct ear_records_options options = {.dir = dir,
		.write = true,
		.owner = "server",
		.max_age_ns = 3600 * EAR_SECOND_NS};
	struct ear_fault fault = {0};
	struct ear_records *r;
	struct ear_track_out out;
	struct ear_call_row c = made_call(ear_now_ns(), 1, "1", "2");

	(void)state;
	assert_int_equal(ear_records_open(&options, &r, &fault), EAR_OK);
	ear_records_out(r, &out);
	out.call(&c, out.arg);
	c.at_ns -= 7200 * EAR_SECOND_NS;
	out.call(&c, out.arg);
	made_flush(r);
	ear_records_close(&r);
	assert_int_equal(ear_records_open(&options, &r, &fault), EAR_OK);
	for (int i = 0;
		i < 100 && made_number(dir, "SELECT count(*) FROM call") > 1;
		i++)
		usleep(50000);
	ear_records_close(&r);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM call"), 1);
	assert_int_equal(
		made_number(dir, "SELECT n FROM meta WHERE name='call'"), 1);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_retention),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
