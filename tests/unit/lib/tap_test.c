/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of earshot.h as a server makes them. */
#include "unit/table.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "earshot/earshot.h"
#include "unit/lib/dir.h"

static struct earshot *open_with(const char *config, size_t queue)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	char why[EARSHOT_WHY];
	struct earshot *e;

	o.data_dir = dir;
	o.name = "unit";
	o.config_text = config;
	o.store = 1;
	o.queue_bytes = queue;
	if (earshot_open(&o, &e, why, sizeof(why)))
		fail_msg("%s", why);
	assert_string_equal(why, "");
	return e;
}

static const struct sockaddr_in alice = {.sin_family = AF_INET,
	.sin_port = 0xc413, /* 5060 */
	.sin_addr = {0x010200c0}};

static struct earshot_packet packet_of(const char *text)
{
	struct earshot_packet p = EARSHOT_PACKET;

	p.data = text;
	p.bytes = strlen(text);
	p.src = (const struct sockaddr *)&alice;
	p.dst = (const struct sockaddr *)&alice;
	p.transport = EARSHOT_UDP;
	return p;
}

static const char options_text[] =
	"OPTIONS sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:alice@example.com>;tag=a\r\n"
	"To: <sip:bob@example.com>\r\n"
	"Call-ID: one@unit\r\n"
	"CSeq: 1 OPTIONS\r\n"
	"Content-Length: 0\r\n\r\n";

static struct earshot_stats stats_of(struct earshot *e)
{
	struct earshot_stats s = EARSHOT_STATS;

	assert_int_equal(earshot_stats(e, &s), EARSHOT_OK);
	return s;
}

/* --- opening ----------------------------------------------------------- */

static void opening(void **state)
{
	static const struct {
		const char *name, *config;
		size_t queue;
		int answer;
		const char *why; /* part of it */
	} rows[] = {
		{"defaults", ROOM, 0, EARSHOT_OK, ""},
		{"key", "store { comit = 1s }", 0, EARSHOT_BADARG,
			"configuration:1: no such option 'comit'"},
		{"brace", "store {", 0, EARSHOT_BADARG, "never closed"},
		{"rule", ROOM "trace a { rule = \"methd == INVITE\" }", 0,
			EARSHOT_BADARG, "trace \"a\""},
		{"queue", ROOM, (size_t)2 << 30, EARSHOT_BADARG, "queue_bytes"},
		{"listener", ROOM "listener x { transport = \"udp\" }", 0,
			EARSHOT_OK, ""},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct earshot_options o = EARSHOT_OPTIONS;
		char why[EARSHOT_WHY];
		struct earshot *e;
		int answer;

		o.data_dir = dir;
		o.config_text = rows[i].config;
		o.queue_bytes = rows[i].queue;
		answer = earshot_open(&o, &e, why, sizeof(why));
		if (answer != rows[i].answer || !strstr(why, rows[i].why) ||
			!e != !!answer)
			fail_msg("%s: %d %s", rows[i].name, answer, why);
		earshot_close(e, 0);
	}
}

static void opening_wrongly(void **state)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	struct earshot *e, *other;
	char why[EARSHOT_WHY];

	(void)state;
	assert_int_equal(earshot_open(NULL, &e, NULL, 0), EARSHOT_BADARG);
	assert_int_equal(earshot_open(&o, NULL, NULL, 0), EARSHOT_BADARG);
	assert_int_equal(
		earshot_open(&o, &e, why, sizeof(why)), EARSHOT_BADARG);
	assert_non_null(strstr(why, "data_dir"));
	o.size = 8;
	assert_int_equal(earshot_open(&o, &e, NULL, 0), EARSHOT_BADARG);
	o.size = sizeof(o);
	o.data_dir = "/proc/nothing/here";
	assert_int_equal(earshot_open(&o, &e, why, sizeof(why)), EARSHOT_SYS);
	assert_non_null(strstr(why, "/proc/nothing/here"));
	assert_int_equal(earshot_open(&o, &e, why, 4), EARSHOT_SYS);
	assert_int_equal(strlen(why), 3);
	o.data_dir = dir;
	o.config_text = ROOM;
	o.config_file = "/etc/hostname";
	assert_int_equal(
		earshot_open(&o, &e, why, sizeof(why)), EARSHOT_BADARG);
	assert_non_null(strstr(why, "only one"));
	/* one at a time */
	e = open_with(ROOM, 0);
	o.config_file = NULL;
	assert_int_not_equal(
		earshot_open(&o, &other, why, sizeof(why)), EARSHOT_OK);
	assert_null(other);
	assert_string_not_equal(why, "");
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* --- handing over ------------------------------------------------------ */

static void without_tap(void **state)
{
	struct earshot_packet p = packet_of(options_text);
	struct earshot_stats s = EARSHOT_STATS;
	char text[EARSHOT_WHY];

	(void)state;
	assert_int_equal(earshot_received(NULL, &p), EARSHOT_CLOSED);
	assert_int_equal(earshot_sending(NULL, &p), EARSHOT_CLOSED);
	assert_int_equal(earshot_sip_trace_mode(NULL, &p, 'd'), EARSHOT_CLOSED);
	assert_int_equal(earshot_hlog(NULL, NULL, "x"), EARSHOT_CLOSED);
	assert_int_equal(earshot_sip_trace_msg(NULL, "x", 1, NULL, NULL, NULL),
		EARSHOT_CLOSED);
	assert_int_equal(earshot_stats(NULL, &s), EARSHOT_CLOSED);
	assert_int_equal(earshot_flush(NULL, 0), EARSHOT_CLOSED);
	assert_int_equal(earshot_close(NULL, 0), EARSHOT_CLOSED);
	assert_int_equal(
		earshot_status(NULL, "on", text, sizeof(text)), EARSHOT_CLOSED);
	assert_int_equal(
		earshot_trace_start(NULL, NULL, NULL, NULL, 0), EARSHOT_CLOSED);
	assert_int_equal(
		earshot_trace_stop(NULL, "x", NULL, 0), EARSHOT_CLOSED);
	assert_int_equal(earshot_trace_switch(NULL, "x", 1, text, sizeof(text)),
		EARSHOT_CLOSED);
}

static void arguments(void **state)
{
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_packet p = packet_of(options_text);
	struct earshot_packet bad = p;
	struct earshot_trace t = EARSHOT_TRACE;
	static char big[(4 << 20) + 1], list[1200];

	(void)state;
	assert_int_equal(earshot_received(e, NULL), EARSHOT_BADARG);
	bad.size = 4;
	assert_int_equal(earshot_received(e, &bad), EARSHOT_BADARG);
	bad = p;
	bad.bytes = 0;
	assert_int_equal(earshot_received(e, &bad), EARSHOT_BADARG);
	bad = p;
	bad.transport = 99;
	assert_int_equal(earshot_sending(e, &bad), EARSHOT_BADARG);
	assert_int_equal(earshot_sip_trace_mode(e, &p, 'x'), EARSHOT_BADARG);
	assert_int_equal(earshot_sip_trace_as(e, &p, NULL), EARSHOT_BADARG);
	memset(list, 'a', sizeof(list) - 1);
	t.users = list;
	assert_int_equal(earshot_sip_trace_as(e, &p, &t), EARSHOT_BADARG);
	t.users = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q";
	assert_int_equal(earshot_sip_trace_as(e, &p, &t), EARSHOT_BADARG);
	assert_int_equal(earshot_hlog(e, NULL, NULL), EARSHOT_BADARG);
	assert_int_equal(earshot_hlog(e, NULL, ""), EARSHOT_BADARG);
	assert_int_equal(earshot_hlog(e, list, "x"), EARSHOT_BADARG);
	bad = p;
	bad.data = big;
	bad.bytes = sizeof(big);
	assert_int_equal(earshot_received(e, &bad), EARSHOT_TOOBIG);
	assert_int_equal(stats_of(e).refused_other, 12);
	assert_int_equal(stats_of(e).taken, 0);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* What is handed over becomes one of kept, passed, not_sip. */
static void sums(void **state)
{
	static const char *const texts[] = {options_text, "\r\n\r\n",
		"HEP3 is nothing that a peer may say",
		"OPTIONS x SIP/2.0\r\n\r\n"};
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_stats s;

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++) {
		struct earshot_packet p = packet_of(texts[i]);

		p.src = NULL;
		assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
		assert_int_equal(earshot_sending(e, &p), EARSHOT_OK);
	}
	assert_int_equal(earshot_hlog(e, "one@unit", "words"), EARSHOT_OK);
	assert_int_equal(
		earshot_sip_trace_msg(e, "not SIP at all", 14,
			(const struct sockaddr *)&alice, NULL, "one@unit"),
		EARSHOT_OK);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	s = stats_of(e);
	assert_int_equal(s.taken, 10);
	assert_int_equal(s.done, 10);
	assert_int_equal(s.not_sip, 4);
	assert_int_equal(s.kept, 6);
	assert_int_equal(s.passed, 0);
	assert_int_equal(s.refused_full, 0);
	assert_int_equal(s.queue_used, 0);
	assert_true(s.malformed >= 2);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* A caller that is faster than the worker sees it, and is counted. */
static void full_queue(void **state)
{
	struct earshot *e = open_with(ROOM, 1);
	struct earshot_packet p = packet_of(options_text);
	uint64_t full = 0, taken = 0;
	struct earshot_stats s;

	(void)state;
	for (size_t i = 0; i < 200000 && full < 100; i++) {
		int answer = earshot_received(e, &p);

		assert_true(answer == EARSHOT_OK || answer == EARSHOT_FULL);
		full += answer == EARSHOT_FULL;
		taken += answer == EARSHOT_OK;
	}
	assert_true(full > 0);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	s = stats_of(e);
	assert_int_equal(s.taken, taken);
	assert_int_equal(s.refused_full, full);
	assert_int_equal(s.kept, taken);
	assert_int_equal(s.queue_bytes, 65536);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* --- many threads ------------------------------------------------------ */

#define THREADS 4
#define EACH 2000

static void *hand_over(void *arg)
{
	struct earshot_packet p = packet_of(options_text);

	for (size_t i = 0; i < EACH; i++) {
		while (earshot_received(arg, &p) == EARSHOT_FULL)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		if (i % 500 == 0)
			earshot_flush(arg, 20000);
	}
	return NULL;
}

static void threads(void **state)
{
	struct earshot *e = open_with(ROOM, 0);
	pthread_t thread[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, hand_over, e), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	assert_int_equal(stats_of(e).kept, THREADS * EACH);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* --- switches and orders ----------------------------------------------- */

static void status(void **state)
{
	static const struct {
		const char *command;
		int answer;
		const char *text;
		int on;
	} rows[] = {
		{"check", EARSHOT_OK, "Enabled", 1},
		{"off", EARSHOT_OK, "Disabled", 0},
		{"CHECK", EARSHOT_OK, "Disabled", 0},
		{"only", EARSHOT_OK, "Enabled", 1},
		{"Off!", EARSHOT_OK, "Disabled", 0},
		{"of", EARSHOT_BADARG, "Bad parameter (on, off or check)", 0},
		{"", EARSHOT_BADARG, "Not enough parameters (on, off or check)",
			0},
		{NULL, EARSHOT_BADARG,
			"Not enough parameters (on, off or check)", 0},
		{"O", EARSHOT_BADARG, "Bad parameter (on, off or check)", 0},
	};
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_packet p = packet_of(options_text);
	struct earshot_trace t = EARSHOT_TRACE;
	char text[EARSHOT_WHY];

	(void)state;
	assert_int_equal(earshot_sip_trace_mode(e, &p, 'T'), EARSHOT_OK);
	for (size_t i = 0; i < ROWS(rows); i++) {
		int answer =
			earshot_status(e, rows[i].command, text, sizeof(text));

		if (answer != rows[i].answer || strcmp(text, rows[i].text) ||
			stats_of(e).on != rows[i].on)
			fail_msg("%zu: %d %s", i, answer, text);
	}
	/* off: handed over all the same */
	assert_int_equal(
		earshot_sip_trace(e, &p, NULL, NULL, 'm'), EARSHOT_OFF);
	t.users = "alice";
	assert_int_equal(earshot_sip_trace_as(e, &p, &t), EARSHOT_OK);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	assert_int_equal(stats_of(e).kept, 3);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
	/* how it stands survives */
	e = open_with(ROOM, 0);
	assert_int_equal(
		earshot_status(e, "check", text, sizeof(text)), EARSHOT_OK);
	assert_string_equal(text, "Disabled");
	assert_int_equal(earshot_status(e, "on", NULL, 0), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

static void orders(void **state)
{
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_trace t = EARSHOT_TRACE;
	char name[EARSHOT_TRACE_NAME], why[EARSHOT_WHY];

	(void)state;
	t.name = "alice";
	t.rule = "from.user == alice";
	t.mode = EARSHOT_DIALOG;
	t.users = " alice , ,bob";
	t.for_ms = 60000;
	assert_int_equal(
		earshot_trace_start(e, &t, name, why, sizeof(why)), EARSHOT_OK);
	assert_string_equal(name, "alice");
	assert_string_equal(why, "");
	assert_int_equal(earshot_trace_start(e, &t, name, why, sizeof(why)),
		EARSHOT_BADARG);
	assert_string_not_equal(why, "");
	t.name = NULL;
	t.rule = "from.usr == alice";
	assert_int_equal(earshot_trace_start(e, &t, name, why, sizeof(why)),
		EARSHOT_BADARG);
	t.rule = NULL;
	assert_int_equal(
		earshot_trace_start(e, &t, name, why, sizeof(why)), EARSHOT_OK);
	assert_string_not_equal(name, "");
	assert_int_equal(
		earshot_trace_switch(e, name, 0, why, sizeof(why)), EARSHOT_OK);
	assert_int_equal(earshot_trace_switch(e, "nobody", 0, why, sizeof(why)),
		EARSHOT_NOTFOUND);
	assert_int_equal(earshot_trace_stop(e, NULL, NULL, 0), EARSHOT_BADARG);
	assert_int_equal(
		earshot_trace_stop(e, name, why, sizeof(why)), EARSHOT_OK);
	assert_int_equal(earshot_trace_stop(e, name, why, sizeof(why)),
		EARSHOT_NOTFOUND);
	/* longer than times go */
	t.for_ms = t.keep_before_ms = UINT64_MAX;
	t.name = "long";
	if (earshot_trace_start(e, &t, NULL, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(
		earshot_trace_stop(e, "long", why, sizeof(why)), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
	/* the other one goes on */
	e = open_with(ROOM, 0);
	assert_int_equal(
		earshot_trace_stop(e, "alice", why, sizeof(why)), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* Another configuration takes effect as a whole, or not at all. */
static void reload(void **state)
{
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_packet p = packet_of(options_text);
	char why[EARSHOT_WHY];

	(void)state;
	assert_int_equal(earshot_reload(e, NULL, ROOM "store { keep = x }", why,
				 sizeof(why)),
		EARSHOT_BADARG);
	assert_string_not_equal(why, "");
	assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	assert_int_equal(stats_of(e).kept, 1);
	assert_int_equal(earshot_reload(e, NULL, ROOM "store { keep = traced }",
				 why, sizeof(why)),
		EARSHOT_OK);
	assert_string_equal(why, "");
	assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
	assert_int_equal(earshot_flush(e, 20000), EARSHOT_OK);
	assert_int_equal(stats_of(e).kept, 1);
	assert_int_equal(stats_of(e).done, 2);
	assert_int_equal(earshot_reload(e, NULL, ROOM "trace all { }", NULL, 0),
		EARSHOT_OK);
	assert_int_equal(earshot_reload(NULL, NULL, ROOM, why, sizeof(why)),
		EARSHOT_CLOSED);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

/* --- the process it is in ---------------------------------------------- */

static void child_of_a_fork(void **state)
{
	struct earshot *e = open_with(ROOM, 0);
	struct earshot_packet p = packet_of(options_text);
	int how;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		int closed = earshot_received(e, &p) == EARSHOT_CLOSED &&
			     earshot_flush(e, 5000) == EARSHOT_CLOSED &&
			     earshot_close(e, 5000) == EARSHOT_CLOSED;

		_exit(closed ? 7 : 8);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 7);
	assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
}

static atomic_int lines, unknown, strange;

static void count_line(int level, const char *line, void *arg)
{
	/* no assertion here: it would jump out of the library */
	strange += level < EARSHOT_NOTICE || !strstr(line, "trace") ||
		   strcmp(arg, "mine") != 0;
	unknown += strstr(line, "mirror.unknown name=nowhere") != NULL;
	lines++;
}

static void signals_and_log(void **state)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	struct earshot_packet p = packet_of(options_text);
	struct earshot_trace t = EARSHOT_TRACE;
	struct earshot *e;
	sigset_t before, after;
	char mine[] = "mine";

	(void)state;
	/* the kernel fills in only as many as it has */
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	o.data_dir = dir;
	o.config_text = ROOM;
	o.log = count_line;
	o.log_arg = mine;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(earshot_open(&o, &e, NULL, 0), EARSHOT_OK);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	/* starting one is a notice */
	assert_int_equal(earshot_trace_start(e, &t, NULL, NULL, 0), EARSHOT_OK);
	/* and so is a mirror that there is not */
	assert_int_equal(
		earshot_sip_trace(e, &p, "nowhere", NULL, 'm'), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
	assert_true(lines > 1);
	assert_int_equal(unknown, 1);
	assert_int_equal(strange, 0);
}

/* --- closing ----------------------------------------------------------- */

/* What was handed over right before is not left behind. */
static void closing_at_once(void **state)
{
	struct earshot_packet p = packet_of(options_text);

	(void)state;
	for (long i = 0; i < 20; i++) {
		struct earshot *e = open_with(ROOM, 0);

		/* to meet the worker at another point of its round */
		nanosleep(&(struct timespec){.tv_nsec = i * 97000}, NULL);
		assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
		assert_int_equal(earshot_close(e, 20000), EARSHOT_OK);
	}
}

static char left[EARSHOT_WHY];

static void keep_left(int level, const char *line, void *arg)
{
	(void)arg;
	if (level == EARSHOT_ERROR && strstr(line, "tap.left"))
		snprintf(left, sizeof(left), "%s", line);
}

/* Whoever closes learns why something is lost. */
static void closing_without_room(void **state)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	struct earshot_packet p = packet_of(options_text);
	struct earshot *e;

	(void)state;
	o.data_dir = dir;
	o.config_text = "retention { min_free = 1000000G }\n"
			"journal { min_free = 1M }\n";
	o.store = 1;
	o.log = keep_left;
	left[0] = '\0';
	assert_int_equal(earshot_open(&o, &e, NULL, 0), EARSHOT_OK);
	assert_int_equal(earshot_received(e, &p), EARSHOT_OK);
	assert_int_equal(earshot_close(e, 2000), EARSHOT_SYS);
	assert_non_null(strstr(left, "the store cannot write"));
}

static void words(void **state)
{
	(void)state;
	for (int i = -1; i <= EARSHOT_TIMEOUT + 1; i++)
		assert_true(strlen(earshot_strerror(i)) > 3);
	assert_string_not_equal(
		earshot_strerror(EARSHOT_TIMEOUT), earshot_strerror(-1));
	assert_string_equal(
		earshot_strerror(EARSHOT_TIMEOUT + 1), earshot_strerror(-1));
	assert_string_equal(earshot_version(), EARSHOT_VERSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opening),
		TEST(opening_wrongly),
		cmocka_unit_test(without_tap),
		TEST(arguments),
		TEST(sums),
		TEST(full_queue),
		TEST(threads),
		TEST(status),
		TEST(orders),
		TEST(reload),
		TEST(child_of_a_fork),
		TEST(signals_and_log),
		TEST(closing_at_once),
		TEST(closing_without_room),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
