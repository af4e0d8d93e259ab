/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the SQL sink writes, and whether it writes each row once whatever
 * happens: it stands in for a spool, begins again after each failure where
 * the sink says, and ends when all is safe.
 *
 *     sql-bench --url URL [-n MESSAGES] [--mode each|batch|async]
 *               [--batch ROWS] [--workers N] [--table T] [--create]
 *               [--rate MESSAGES/S] [--tries N] [--spool N] [--rows FILE]
 *
 * The messages are the same each time, so that a second run with the same
 * URL goes on where a killed one stopped. --rows writes the rows as COPY and
 * LOAD DATA read them, for a comparison with the same bytes, and ends.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/time.h"
#include "hepgen_make.h"
#include "message/msg_hep.h"
#include "sink/sql_priv.h"

#define AT 1795348800000000000ULL
#define HAND 200 /* records at a time: about a frame of the spool */

static struct options {
	struct ear_sql_sink_options sql;
	size_t messages, rate, tries;
	uint64_t spool; /* upper half of the first number of a place */
	const char *rows;
} options = {
	.sql = {.name = "bench",
		.batch = 1000,
		.workers = 2,
		.delay_ns = EAR_SECOND_NS,
		.mode = EAR_SQL_BATCH},
	.messages = 100000,
	.tries = 100,
	.spool = 1ULL << 32,
};

static struct ear_buf bytes;
static struct ear_sink_record *records;

static void notice(const char *event, struct ear_slice text, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s: %.*s\n", event, EAR_FMT(text));
}

static void die(const char *words)
{
	fprintf(stderr, "sql-bench: %s\n", words);
	exit(2);
}

/* --- records ----------------------------------------------------------- */

static void encode(struct ear_sink *sink, struct ear_slice packet)
{
	static const struct ear_marks marks;
	struct ear_msg msg = {.seen_ns = AT};
	struct ear_facts facts;
	struct ear_hep hep;

	if (ear_hep_read(packet, AT, &hep))
		die("a packet that was made cannot be read");
	ear_msg_from_hep(&hep, &msg);
	ear_msg_facts(&msg, &facts);
	if (sink->ops->encode(sink, &msg, &facts, &marks, &bytes))
		die("cannot encode");
}

static void make_records(struct ear_sink *sink)
{
	const struct make_options make = {
		.seed = 7, .dialogs = 1000, .users = 10000};
	struct maker *maker = maker_new(&make);
	size_t *end = calloc(options.messages + 1, sizeof(*end));
	char room[MAKE_MAX];

	records = calloc(options.messages, sizeof(*records));
	if (!maker || !end || !records)
		die("out of memory");
	for (size_t i = 0; i < options.messages; i++) {
		encode(sink, maker_next(maker, AT + i * 10000, room).packet);
		end[i + 1] = bytes.n;
	}
	for (size_t i = 0; i < options.messages; i++)
		records[i] = (struct ear_sink_record){
			.bytes = ear_slice(
				bytes.p + end[i], end[i + 1] - end[i]),
			.seen_ns = AT,
			.next = {{options.spool | 1, i + 1, 0, 0}}};
	free(end);
	maker_free(maker);
}

/* --- rows for COPY and LOAD DATA --------------------------------------- */

static void escaped(FILE *f, struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '\\': fputs("\\\\", f); break;
		case '\n': fputs("\\n", f); break;
		case '\r': fputs("\\r", f); break;
		case '\t': fputs("\\t", f); break;
		default: fputc(s.p[i], f);
		}
	}
}

static void write_rows(void)
{
	const struct ear_sql_how how = {.utc = true, .table = "sip_trace"};
	struct ear_sql_batch batch = {0};
	FILE *f = fopen(options.rows, "w");

	if (!f)
		die("cannot write the file of rows");
	for (size_t i = 0; i < options.messages; i++) {
		ear_sql_batch_reset(&batch);
		if (ear_sql_batch_add(&batch, &how, &records[i]))
			die("a record makes no row");
		for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
			escaped(f, ear_sql_cell(&batch, &batch.row[0], c));
			fputc(c + 1 < EAR_SQL_COLS ? '\t' : '\n', f);
		}
	}
	ear_sql_batch_fini(&batch);
	if (fclose(f))
		die("cannot write the file of rows");
}

/* --- sessions ---------------------------------------------------------- */

static void nap(uint64_t ns)
{
	const struct timespec t = {.tv_sec = (time_t)(ns / EAR_SECOND_NS),
		.tv_nsec = (long)(ns % EAR_SECOND_NS)};

	nanosleep(&t, NULL);
}

/* Most that may be handed over by now. */
static size_t due(uint64_t began_ns)
{
	uint64_t n = options.messages;

	if (options.rate)
		n = (ear_mono_ns() - began_ns) * options.rate / EAR_SECOND_NS;
	return n < options.messages ? (size_t)n : options.messages;
}

/* One session from record `from`. @return how many are safe, of all */
static size_t session(struct ear_sink *sink, size_t from, uint64_t began_ns,
	size_t *began_at, struct ear_fault *fault)
{
	struct ear_sink_pos pos = {{options.spool | 1, from, 0, 0}};
	size_t at, handed, refused;
	uint64_t safe = 0;

	if (sink->ops->begin(sink, &pos, fault))
		return from;
	from = at = (size_t)pos.v[1];
	if (*began_at > from)
		*began_at = from;
	while (from + safe < options.messages) {
		size_t n = due(began_ns);

		n = n > at ? n - at : 0;
		if (n > HAND)
			n = HAND;
		handed = 0;
		if (n && sink->ops->deliver(sink, records + at, n, &handed,
				 &refused, fault))
			break;
		at += handed;
		if (sink->ops->safe(sink, &safe, fault))
			break;
		if (!handed)
			nap(2 * EAR_MS_NS);
	}
	sink->ops->end(sink);
	return from + (size_t)safe;
}

static void report(struct ear_sink *sink, size_t done, size_t sessions,
	uint64_t took_ns, size_t began_at)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);
	struct rusage use;
	double seconds = (double)took_ns / 1e9;

	getrusage(RUSAGE_SELF, &use);
	ear_json_open(&j, '{');
	ear_json_ku64(&j, "messages", done - began_at);
	ear_json_ku64(&j, "sessions", sessions);
	ear_json_key(&j, "seconds");
	ear_json_num(&j, seconds);
	ear_json_key(&j, "rate");
	ear_json_num(&j, (double)(done - began_at) / seconds);
	ear_json_key(&j, "cpu");
	ear_json_num(&j,
		(double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) /
				1e6);
	sink->ops->status(sink, &j);
	ear_json_close(&j, '}');
	printf("%.*s\n", (int)out.n, out.p);
	ear_buf_fini(&out);
}

static int deliver(struct ear_sink *sink)
{
	uint64_t began_ns = ear_mono_ns();
	size_t done = 0, sessions = 0, began_at = options.messages;

	while (done < options.messages && sessions < options.tries) {
		struct ear_fault fault = {0};

		sessions++;
		done = session(sink, done, began_ns, &began_at, &fault);
		if (done < options.messages) {
			fprintf(stderr, "session %zu: %s\n", sessions,
				fault.text);
			nap(250 * EAR_MS_NS);
		}
	}
	report(sink, done, sessions, ear_mono_ns() - began_ns,
		began_at < done ? began_at : done);
	return done == options.messages ? 0 : 1;
}

static void read_options(int argc, char **argv)
{
	static const struct option words[] = {
		{"url", required_argument, NULL, 'u'},
		{"mode", required_argument, NULL, 'm'},
		{"batch", required_argument, NULL, 'b'},
		{"workers", required_argument, NULL, 'w'},
		{"table", required_argument, NULL, 't'},
		{"rate", required_argument, NULL, 'r'},
		{"tries", required_argument, NULL, 'T'},
		{"rows", required_argument, NULL, 'R'},
		{"spool", required_argument, NULL, 's'},
		{"create", no_argument, NULL, 'c'},
		{0},
	};
	int c;

	options.sql.utc = true;
	options.sql.notice = notice;
	while ((c = getopt_long(argc, argv, "n:", words, NULL)) != -1) {
		switch (c) {
		case 'n': options.messages = strtoul(optarg, NULL, 10); break;
		case 'u': options.sql.url = optarg; break;
		case 'm':
			options.sql.mode = optarg[0] == 'e'   ? EAR_SQL_EACH
					   : optarg[0] == 'a' ? EAR_SQL_ASYNC
							      : EAR_SQL_BATCH;
			break;
		case 'b':
			options.sql.batch = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			options.sql.workers =
				(uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 't': options.sql.table = optarg; break;
		case 'r': options.rate = strtoul(optarg, NULL, 10); break;
		case 'T': options.tries = strtoul(optarg, NULL, 10); break;
		case 's':
			options.spool = strtoull(optarg, NULL, 10) << 32;
			break;
		case 'R': options.rows = optarg; break;
		case 'c': options.sql.create = true; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct ear_fault fault = {0};
	struct ear_sink *sink;
	int status = 0;

	read_options(argc, argv);
	if (ear_sql_sink_new(&options.sql, &sink, &fault))
		die(fault.text);
	make_records(sink);
	if (options.rows)
		write_rows();
	else
		status = deliver(sink);
	sink->ops->close(&sink);
	ear_buf_fini(&bytes);
	free(records);
	return status;
}
