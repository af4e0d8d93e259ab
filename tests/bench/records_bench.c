/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the records cost and how fast they are listed.
 *
 *     records-bench DIR [ROWS] [keep]
 *
 * Fills DIR/records.db with so many sessions and as many calls, a twentieth of
 * connections and a tenth of bindings, of a thirtieth as many users over 30
 * days; then asks what a person asks first. One JSON object a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/hash.h"
#include "base/time.h"
#include "records/records.h"

#define DAYS 30
#define BEGIN (1795341600ULL * EAR_SECOND_NS)
/* Rows between two commits: what a busy second brings. */
#define BATCH 20000
/* What one answer may take before it is cut short, as the console has it. */
#define DEADLINE (2 * EAR_SECOND_NS)
#define CHART_DEADLINE (800 * EAR_MS_NS)

struct fill {
	struct ear_records *records;
	struct ear_track_out out;
	uint64_t seed, rows, users, step_ns;
	char text[8][64];
};

static uint64_t rnd(struct fill *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed;
}

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct ear_slice say(
	struct fill *f, unsigned i, const char *format, uint64_t v)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	int n = snprintf(f->text[i], sizeof(f->text[i]), format, v);
#pragma GCC diagnostic pop

	return ear_slice(f->text[i], (size_t)n);
}

static struct ear_addr host(uint64_t user)
{
	uint32_t ip = (uint32_t)(0x0a000000 + user * 7);
	uint8_t four[4] = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16),
		(uint8_t)(ip >> 8), (uint8_t)ip};

	return ear_addr_v4(four, (uint16_t)(1024 + user % 60000));
}

static const char *const agents[] = {"snom320/8.4.18", "snom300/8.4.22",
	"PGSM-10.3.1626-blackberry", "Linphone Desktop/4.3.2", "baresip v1.0"};

static void one_session(struct fill *f, uint64_t at, uint64_t i)
{
	uint64_t user = rnd(f) % f->users;
	uint8_t event = (uint8_t)(1 + rnd(f) % 4);
	struct ear_session_row s = {.at_ns = at,
		.id = (rnd(f) >> 1) | 1,
		.event = event,
		.source = EAR_SOURCE_CLIENT,
		.failed = event == 2 && rnd(f) % 50 == 0,
		.reconciled = true,
		.transport = EAR_TR_TLS,
		.code = event == 2 ? 200 : 0,
		.tls_version = 0x0303,
		.connection = (rnd(f) >> 1) | 1,
		.remote = host(user),
		.local = host(1u << 20),
		.peername = say(f, 0, "%07" PRIu64, user),
		.domain = EAR_S("sip.example.org"),
		.account = say(f, 1, "User %" PRIu64, user),
		.details = EAR_S("200 OK"),
		.user_agent = ear_slice_str(agents[user % 5]),
		.tls_cipher = EAR_S("ECDHE-RSA-AES256-GCM-SHA384"),
		.call_id = say(f, 2, "%016" PRIx64 "@10.0.0.1", rnd(f)),
		.node = EAR_S("edge1")};

	(void)i;
	f->out.session(&s, f->out.arg);
}

static void one_call(struct fill *f, uint64_t at)
{
	uint64_t r = rnd(f) % 100;
	uint64_t talk = r < 60 ? rnd(f) % 600000 : 0;
	struct ear_call_row c = {.at_ns = at,
		.id = (rnd(f) >> 1) | 1,
		.ring_ns = at + 100000000,
		.answer_ns = talk ? at + 5000000000 : 0,
		.end_ns = at + 5000000000 + talk * 1000000,
		.ring_ms = rnd(f) % 20000,
		.talk_ms = talk,
		.disposition = r < 60   ? EAR_CALL_ANSWERED
			       : r < 80 ? EAR_CALL_NO_ANSWER
			       : r < 92 ? EAR_CALL_BUSY
					: EAR_CALL_FAILED,
		.code = r < 60   ? 200
			: r < 80 ? 480
			: r < 92 ? 486
				 : 503,
		.transport = EAR_TR_UDP,
		.branches = 1,
		.from_addr = host(rnd(f) % f->users),
		.to_addr = host(1u << 20),
		.src = say(f, 0, "%07" PRIu64, rnd(f) % f->users),
		.dst = say(f, 1, "%07" PRIu64, rnd(f) % f->users),
		.domain = EAR_S("sip.example.org"),
		.src_agent = ear_slice_str(agents[r % 5]),
		.dst_agent = ear_slice_str(agents[r % 4]),
		.reason = EAR_S("OK"),
		.call_id = say(f, 2, "%016" PRIx64 "@10.0.0.1", rnd(f)),
		.from_tag = say(f, 3, "%08" PRIx64, rnd(f) & 0xffffffff),
		.to_tag = say(f, 4, "%08" PRIx64, rnd(f) & 0xffffffff),
		.node = EAR_S("edge1")};

	f->out.call(&c, f->out.arg);
}

static void one_binding(struct fill *f, uint64_t at)
{
	uint64_t user = rnd(f) % f->users;
	bool over = rnd(f) % 5 > 0;
	struct ear_binding_row b = {.at_ns = at,
		.id = (rnd(f) >> 1) | 1,
		.refreshed_ns = at,
		.expires_ns = BEGIN + (DAYS + 1) * 86400 * EAR_SECOND_NS +
			      rnd(f) % (3600 * EAR_SECOND_NS),
		.ended_ns = over ? at + 7200 * EAR_SECOND_NS : 0,
		.end = over ? EAR_BINDING_EXPIRED : EAR_BINDING_OPEN,
		.transport = EAR_TR_TLS,
		.remote = host(user),
		.username = say(f, 0, "%07" PRIu64, user),
		.domain = EAR_S("sip.example.org"),
		.description = say(f, 1, "User %" PRIu64, user),
		.contact = say(f, 2, "<sip:%" PRIu64 "@10.0.0.1:5060>", user),
		.user_agent = ear_slice_str(agents[user % 5]),
		.call_id = say(f, 3, "%016" PRIx64 "@10.0.0.1", rnd(f)),
		.node = EAR_S("edge1")};

	f->out.binding(&b, f->out.arg);
}

static void one_connection(struct fill *f, uint64_t at)
{
	uint64_t user = rnd(f) % f->users;
	struct ear_conn_row c = {.at_ns = at,
		.id = (rnd(f) >> 1) | 1,
		.closed_ns = at + 600 * EAR_SECOND_NS,
		.last_ns = at + 600 * EAR_SECOND_NS,
		.cause = (uint8_t)(1 + rnd(f) % 3),
		.transport = EAR_TR_TLS,
		.client = host(user),
		.server = host(1u << 20),
		.bytes = {rnd(f) % 100000, rnd(f) % 100000},
		.messages = (uint32_t)(rnd(f) % 100),
		.tls = {.version = 0x0303,
			.cipher_name = EAR_S("ECDHE-RSA-AES256-GCM-SHA384"),
			.sni = EAR_S("sip.example.org")},
		.node = EAR_S("edge1")};

	f->out.conn(&c, f->out.arg);
}

static void fill(struct fill *f)
{
	for (uint64_t i = 0; i < f->rows; i++) {
		uint64_t at = BEGIN + i * f->step_ns;

		one_session(f, at, i);
		one_call(f, at + 1000);
		if (i % 20 == 0)
			one_connection(f, at + 2000);
		if (i % 10 == 0)
			one_binding(f, at + 3000);
		if (ear_records_waiting(f->records) >= BATCH)
			ear_records_commit(f->records, NULL);
	}
}

/* --- what is asked ----------------------------------------------------- */

static const struct {
	const char *what;
	enum ear_list_of list;
	const char *filter, *sort;
	bool up, past; /* accounts: as of the middle */
} lists[] = {
	{"sessions, newest", EAR_LIST_SESSIONS, "", NULL, false},
	{"sessions by peername", EAR_LIST_SESSIONS, "", "peername", true},
	{"sessions by address", EAR_LIST_SESSIONS, "", "remote", true},
	{"sessions of one user", EAR_LIST_SESSIONS, "peername == 0000777", NULL,
		false},
	{"sessions of one address", EAR_LIST_SESSIONS, "remote == 10.0.21.63",
		NULL, false},
	{"sessions, DISCONNECT", EAR_LIST_SESSIONS, "event == DISCONNECT", NULL,
		false},
	{"sessions of agents ~", EAR_LIST_SESSIONS,
		"user_agent ~ \"^snom3\" and event == REGISTER", NULL, false},
	{"accounts on line, newest", EAR_LIST_ACCOUNTS, "", NULL, false},
	{"accounts by username", EAR_LIST_ACCOUNTS, "", "username", true},
	{"accounts by expiry", EAR_LIST_ACCOUNTS, "", "expires", true},
	{"accounts by address", EAR_LIST_ACCOUNTS, "", "ip", true},
	{"accounts by id", EAR_LIST_ACCOUNTS, "", "id", true},
	{"one account", EAR_LIST_ACCOUNTS, "username == 0000777", NULL, false},
	{"calls, newest", EAR_LIST_CALLS, "", NULL, false},
	{"calls, oldest", EAR_LIST_CALLS, "", NULL, true},
	{"calls by src", EAR_LIST_CALLS, "", "src", true},
	{"calls by dst", EAR_LIST_CALLS, "", "dst", false},
	{"calls by talk time", EAR_LIST_CALLS, "", "talk_s", false},
	{"calls by disposition", EAR_LIST_CALLS, "", "disposition", true},
	{"calls of one user", EAR_LIST_CALLS, "src == 0000777", NULL, false},
	{"calls FAILED", EAR_LIST_CALLS, "disposition == FAILED", NULL, false},
	{"calls FAILED by talk time", EAR_LIST_CALLS, "disposition == FAILED",
		"talk_s", false},
	{"calls to a number ~", EAR_LIST_CALLS, "dst ~ \"77$\"", NULL, false},
	{"a call that never was", EAR_LIST_CALLS, "call_id == nobody", NULL,
		false},
	{"calls, nothing found, no index", EAR_LIST_CALLS, "code == 606", NULL,
		false},
	{"calls of one code", EAR_LIST_CALLS, "code == 503", NULL, false},
	{"calls ANSWERED by talk time", EAR_LIST_CALLS,
		"disposition == ANSWERED", "talk_s", false},
	{"sessions, oldest", EAR_LIST_SESSIONS, "", NULL, true},
	{"sessions by peername, last first", EAR_LIST_SESSIONS, "", "peername",
		false},
	{"sessions, REGISTER by peername", EAR_LIST_SESSIONS,
		"event == REGISTER", "peername", true},
	{"sessions of a small network", EAR_LIST_SESSIONS,
		"remote in 10.0.21.0/28", NULL, false},
	{"sessions of a large network", EAR_LIST_SESSIONS,
		"remote in 10.0.0.0/12", NULL, false},
	{"accounts of then, newest", EAR_LIST_ACCOUNTS, "", NULL, false, true},
	{"accounts of then by username", EAR_LIST_ACCOUNTS, "", "username",
		true, true},
	{"accounts of then, unreachable", EAR_LIST_ACCOUNTS,
		"state == unreachable", NULL, false, true},
	{"accounts unreachable", EAR_LIST_ACCOUNTS, "state == unreachable",
		NULL, false},
	{"one account of then", EAR_LIST_ACCOUNTS, "username == 0000777", NULL,
		false, true},
	{"connections, newest", EAR_LIST_CONNECTIONS, "", NULL, false},
	{"connections by client", EAR_LIST_CONNECTIONS, "", "client", true},
};

static bool count(const struct ear_cell *cells, void *arg)
{
	(void)cells;
	++*(uint64_t *)arg;
	return true;
}

static bool count_value(struct ear_slice value, uint64_t n, void *arg)
{
	(void)value;
	*(uint64_t *)arg += n;
	return true;
}

static void report(const char *what, double ms, uint64_t rows,
	const struct ear_rows_found *found)
{
	printf("{\"what\":\"%s\",\"ms\":%.1f,\"rows\":%" PRIu64
	       ",\"complete\":%s}\n",
		what, ms, rows, found->complete ? "true" : "false");
	fflush(stdout);
}

static void ask_lists(struct ear_records *r, uint64_t now_ns)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct ear_rows_query q = {.list = lists[i].list,
			.filter = ear_slice_str(lists[i].filter),
			.sort = lists[i].sort,
			.ascending = lists[i].up,
			.at_ns = lists[i].list != EAR_LIST_ACCOUNTS ? 0
				 : lists[i].past ? BEGIN + (now_ns - BEGIN) / 2
						 : now_ns,
			.limit = 100};
		struct ear_rows_found found;
		struct ear_fault fault = {0};
		uint64_t rows = 0, began = ear_mono_ns();

		q.deadline_ns = began + DEADLINE;
		if (ear_records_list(r, &q, count, &rows, &found, &fault))
			printf("{\"what\":\"%s\",\"error\":\"%s\"}\n",
				lists[i].what, fault.text);
		else
			report(lists[i].what,
				(double)(ear_mono_ns() - began) / 1e6, rows,
				&found);
	}
}

static void ask_charts(struct ear_records *r, uint64_t to_ns)
{
	static const struct {
		const char *what;
		enum ear_list_of list;
		const char *column;
	} facets[] = {
		{"facet: calls by disposition", EAR_LIST_CALLS, "disposition"},
		{"facet: calls by code", EAR_LIST_CALLS, "code"},
		{"facet: busiest callers", EAR_LIST_CALLS, "src"},
		{"facet: sessions by agent", EAR_LIST_SESSIONS, "user_agent"}};
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	uint64_t n[60 * 8] = {0}, began;
	struct ear_timeline line = {.from_ns = BEGIN,
		.step_ns = DAYS * 86400 * EAR_SECOND_NS / 60,
		.buckets = 60,
		.n = n};
	struct ear_rows_query q = {.list = EAR_LIST_CALLS};

	for (size_t i = 0; i < sizeof(facets) / sizeof(facets[0]); i++) {
		struct ear_rows_query f = {.list = facets[i].list};
		uint64_t rows = 0;

		began = ear_mono_ns();
		f.deadline_ns = began + CHART_DEADLINE;
		if (ear_records_facet(r, &f, facets[i].column, 10, count_value,
			    &rows, &found, &fault))
			exit(1);
		report(facets[i].what, (double)(ear_mono_ns() - began) / 1e6,
			rows, &found);
	}
	began = ear_mono_ns();
	q.deadline_ns = began + CHART_DEADLINE;
	if (ear_records_timeline(r, &q, "disposition", &line, &found, &fault))
		exit(1);
	report("timeline: calls by disposition",
		(double)(ear_mono_ns() - began) / 1e6, n[1], &found);
}

static struct ear_records *open_records(const char *dir, bool write)
{
	struct ear_records_options o = {
		.dir = dir, .write = write, .owner = "server"};
	struct ear_fault fault = {0};
	struct ear_records *r;

	if (ear_records_open(&o, &r, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	return r;
}

/* The writer counts in advance where nothing else is to do. */
static void wait_counted(struct ear_records *r)
{
	struct ear_records_stats stats;
	uint64_t began = ear_mono_ns();

	do {
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
		ear_records_stats(r, &stats);
	} while (!stats.counted);
	printf("{\"what\":\"counted in advance\",\"ms\":%.1f,\"rows\":0,"
	       "\"complete\":true}\n",
		(double)(ear_mono_ns() - began) / 1e6);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct fill f = {.seed = 88172645463325252ULL};
	struct ear_records_stats stats;
	double before, seconds;
	uint64_t began, told;

	if (argc < 2)
		return 2;
	f.rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
	f.users = f.rows / 30 + 1000;
	f.step_ns = DAYS * 86400 * EAR_SECOND_NS / (f.rows ? f.rows : 1);
	if (argc < 4) {
		f.records = open_records(argv[1], true);
		ear_records_out(f.records, &f.out);
		before = cpu();
		began = ear_mono_ns();
		fill(&f);
		if (ear_records_flush(f.records, NULL))
			return 1;
		seconds = (double)(ear_mono_ns() - began) / 1e9;
		before = cpu() - before;
		ear_records_stats(f.records, &stats);
		told = stats.written;
		printf("{\"what\":\"written\",\"rows\":%" PRIu64
		       ",\"cpu_us_per_row\":%.2f,\"rows_per_s\":%.0f,"
		       "\"bytes_per_row\":%.0f}\n",
			told, before / (double)told * 1e6,
			(double)told / seconds,
			(double)stats.bytes / (double)told);
		ear_records_close(&f.records);
	}
	f.records = open_records(argv[1], true);
	wait_counted(f.records);
	ear_records_close(&f.records);
	f.records = open_records(argv[1], false);
	ask_lists(f.records, ear_records_newest(f.records));
	ask_charts(f.records, ear_records_newest(f.records));
	ear_records_close(&f.records);
	return 0;
}
