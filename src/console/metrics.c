/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, for Prometheus: text format 0.0.4, docs/metrics.md.
 *
 * All of it is read out of the status object, which says everything already;
 * a number that is not there, as of a part that does not run, is left out.
 *
 * How many series there are is bounded by construction: names come from these
 * tables; labels are taps (TAPS_MOST, the others together), outlets and
 * traces of the configuration (64 of each), and words of our own.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ledger.h"
#include "base/time.h"
#include "console/priv.h"

#define TAPS_MOST 64

bool ear_metrics_open(struct ear_call *call)
{
	static const char *const added[] = {
		"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};
	struct evkeyvalq *in = evhttp_request_get_input_headers(call->http);

	switch (call->console->o.metrics) {
	case EAR_METRICS_OPEN:
	case EAR_METRICS_OFF: return true; /* the handler says so */
	case EAR_METRICS_TOKEN: return false;
	case EAR_METRICS_LOCAL: break;
	}
	/* who comes through a proxy on this machine is not on it */
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		if (evhttp_find_header(in, added[i]))
			return false;
	return ear_addr_is_loopback(&call->peer);
}

enum ear_metrics_for ear_metrics_for_of(struct ear_slice word)
{
	if (ear_slice_eq(word, EAR_S("token")))
		return EAR_METRICS_TOKEN;
	if (ear_slice_eq(word, EAR_S("open")))
		return EAR_METRICS_OPEN;
	if (ear_slice_eq(word, EAR_S("off")))
		return EAR_METRICS_OFF;
	return EAR_METRICS_LOCAL;
}

/* --- writing ------------------------------------------------------------ */

static void head(
	struct ear_buf *b, const char *name, const char *type, const char *help)
{
	ear_buf_printf(b, "# HELP earshot_%s %s\n# TYPE earshot_%s %s\n", name,
		help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void label(struct ear_buf *b, const char *name, const char *value)
{
	ear_buf_printf(b, "%s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '\\' || *p == '"')
			ear_buf_byte(b, '\\');
		if (*p == '\n')
			ear_buf_str(b, "\\n");
		else
			ear_buf_byte(b, (uint8_t)*p);
	}
	ear_buf_byte(b, '"');
}

static void number(struct ear_buf *b, double v)
{
	/* counters of bytes need all digits of a double */
	ear_buf_printf(b, " %.17g\n", v);
}

/* Texts are times, which become seconds since 1970. @return false: no number */
static bool value_of(const json_t *v, double *out)
{
	struct ear_fault fault = {0};
	uint64_t at_ns;

	if (json_is_boolean(v))
		*out = json_is_true(v);
	else if (json_is_number(v))
		*out = json_number_value(v);
	else if (json_is_string(v) &&
		 !ear_time_parse(ear_slice_str(json_string_value(v)), 0, &at_ns,
			 &fault))
		*out = (double)at_ns / EAR_SECOND_NS;
	else
		return false;
	return true;
}

static json_t *at_path(json_t *root, const char *path)
{
	char text[96], *save = NULL;

	snprintf(text, sizeof(text), "%s", path);
	for (char *part = strtok_r(text, ".", &save); part && root;
		part = strtok_r(NULL, ".", &save))
		root = json_object_get(root, part);
	return root;
}

/* --- single numbers ----------------------------------------------------- */

#define GAUGE "gauge"
#define COUNTER "counter"

static const struct single {
	const char *path; /* in the status */
	const char *name, *type, *help;
	double scale;      /* 0: 1 */
	const char *label; /* NULL none; rows of one name stand together */
} singles[] = {
#define X(path, name, type, help, scale) {path, name, type, help, scale, NULL},
#define L(path, name, type, help, label) {path, name, type, help, 0, label},
#include "console/metrics.def"
#undef X
#undef L
};

static void write_singles(struct ear_buf *b, json_t *status)
{
	const char *headed = "";

	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++) {
		const struct single *s = &singles[i];
		double v;

		if (!value_of(at_path(status, s->path), &v))
			continue;
		if (strcmp(headed, s->name) != 0)
			head(b, s->name, s->type, s->help);
		headed = s->name;
		ear_buf_printf(b, "earshot_%s", s->name);
		if (s->label)
			ear_buf_printf(b, "{%s}", s->label);
		number(b, s->scale != 0 ? v * s->scale : v);
	}
}

/* --- the ledger, by tap -------------------------------------------------- */

struct tap {
	char name[48];
	uint64_t n[EAR_N_COUNT];
};

/* Sources are not told apart: there may be thousands. */
static size_t sum_taps(const json_t *ledger, struct tap *taps)
{
	size_t n = 0, i, t;
	json_t *line;

	json_array_foreach(ledger, i, line)
	{
		const char *name =
			json_string_value(json_object_get(line, "tap"));

		if (!name)
			continue;
		for (t = 0; t < n && strcmp(taps[t].name, name) != 0;)
			t++;
		if (t == n && n < TAPS_MOST)
			snprintf(taps[n++].name, sizeof(taps[t].name), "%s",
				name);
		else if (t == n)
			t = TAPS_MOST; /* the others */
		for (enum ear_count c = 0; c < EAR_N_COUNT; c++)
			taps[t].n[c] += (uint64_t)json_integer_value(
				json_object_get(line, ear_count_key(c)));
	}
	snprintf(taps[TAPS_MOST].name, sizeof(taps[0].name), "other");
	return n;
}

static void write_ledger(struct ear_buf *b, json_t *status)
{
	struct tap *taps = calloc(TAPS_MOST + 1, sizeof(*taps));
	size_t n;

	if (!taps)
		return;
	n = sum_taps(json_object_get(status, "ledger"), taps);
	if (taps[TAPS_MOST].n[EAR_N_RECEIVED])
		taps[n++] = taps[TAPS_MOST];
	for (enum ear_count c = 0; c < EAR_N_COUNT && n > 0; c++) {
		char name[64];

		snprintf(name, sizeof(name), "tap_%s_total", ear_count_key(c));
		head(b, name, COUNTER, ear_count_help(c));
		for (size_t t = 0; t < n; t++) {
			ear_buf_printf(b, "earshot_%s{", name);
			label(b, "tap", taps[t].name);
			ear_buf_str(b, "}");
			number(b, (double)taps[t].n[c]);
		}
	}
	free(taps);
}

/* --- arrays of things with a name ---------------------------------------- */

static const struct member {
	const char *array; /* in the status */
	const char *key;   /* of each */
	const char *name, *type, *help;
	double scale;
} members[] = {
	{"outlets", "connected", "outlet_connected", GAUGE,
		"1 while the far side of a mirror or database is connected", 0},
	{"outlets", "mirrored", "outlet_taken_total", COUNTER,
		"copies taken for a mirror or database", 0},
	{"outlets", "delivered", "outlet_delivered_total", COUNTER,
		"copies that the far side has", 0},
	{"outlets", "lost", "outlet_lost_total", COUNTER,
		"copies that found no room or were refused", 0},
	{"outlets", "waiting", "outlet_waiting_messages", GAUGE,
		"copies in the spool", 0},
	{"outlets", "bytes", "outlet_spool_bytes", GAUGE, "bytes in the spool",
		0},
	{"outlets", "max_bytes", "outlet_spool_limit_bytes", GAUGE,
		"most bytes in the spool", 0},
	{"outlets", "lag_ms", "outlet_lag_seconds", GAUGE,
		"age of the oldest copy that waits", 0.001},
};

static void write_members(struct ear_buf *b, json_t *status)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct member *m = &members[i];
		json_t *array = json_object_get(status, m->array), *one;
		bool headed = false;
		size_t k;

		json_array_foreach(array, k, one)
		{
			const char *name =
				json_string_value(json_object_get(one, "name"));
			double v;

			if (!name ||
				!value_of(json_object_get(one, m->key), &v))
				continue;
			if (!headed)
				head(b, m->name, m->type, m->help);
			headed = true;
			ear_buf_printf(b, "earshot_%s{", m->name);
			label(b, "name", name);
			ear_buf_str(b, "}");
			number(b, m->scale != 0 ? v * m->scale : v);
		}
	}
}

static void write_traces(struct ear_buf *b, json_t *status)
{
	json_t *traces = json_object_get(status, "traces"), *list, *one;
	double runs = 0, messages = 0, open = 0;
	size_t i;

	list = json_is_array(traces) ? traces
				     : json_object_get(traces, "traces");
	json_array_foreach(list, i, one)
	{
		const char *end =
			json_string_value(json_object_get(one, "end"));

		runs += end && strcmp(end, "runs") == 0;
		messages += json_number_value(json_object_get(one, "messages"));
		open += json_number_value(json_object_get(one, "open"));
	}
	head(b, "traces_running", GAUGE, "traces that run");
	ear_buf_str(b, "earshot_traces_running");
	number(b, runs);
	head(b, "traces_messages", GAUGE,
		"messages that the traces which are still listed took");
	ear_buf_str(b, "earshot_traces_messages");
	number(b, messages);
	head(b, "traces_open", GAUGE,
		"transactions and dialogs that traces follow");
	ear_buf_str(b, "earshot_traces_open");
	number(b, open);
}

/* --- the console and the process ----------------------------------------- */

static void write_console(struct ear_buf *b, struct ear_console *c)
{
	static const char *const classes[] = {
		NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
	const struct {
		const char *name, *help;
		uint64_t v;
	} counts[] = {
		{"console_logins_total", "log-ins by hand", c->counts.logins},
		{"console_login_failures_total",
			"passwords and tokens that were refused",
			c->counts.failures},
		{"console_locks_total", "names locked after too many failures",
			c->counts.locks},
	};

	head(b, "console_answers_total", COUNTER,
		"HTTP answers, by class of status");
	for (size_t i = 2; i < 6; i++) {
		ear_buf_str(b, "earshot_console_answers_total{");
		label(b, "status", classes[i]);
		ear_buf_str(b, "}");
		number(b, (double)c->counts.answers[i]);
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		head(b, counts[i].name, COUNTER, counts[i].help);
		ear_buf_printf(b, "earshot_%s", counts[i].name);
		number(b, (double)counts[i].v);
	}
}

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void write_process(struct ear_buf *b, const char *version)
{
	struct rusage used = {0};

	getrusage(RUSAGE_SELF, &used);
	head(b, "build_info", GAUGE, "1; its label is the version");
	ear_buf_str(b, "earshot_build_info{");
	label(b, "version", version ? version : "");
	ear_buf_str(b, "} 1\n");
	head(b, "process_cpu_seconds_total", COUNTER,
		"processor time, of user and system");
	ear_buf_str(b, "earshot_process_cpu_seconds_total");
	number(b, (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			  (double)(used.ru_utime.tv_usec +
				   used.ru_stime.tv_usec) /
				  1e6);
	head(b, "process_resident_memory_bytes", GAUGE, "resident memory");
	ear_buf_str(b, "earshot_process_resident_memory_bytes");
	number(b, resident_bytes());
}

/* The status as an object; NULL: out of memory. */
static json_t *read_status(const struct ear_console_options *o)
{
	struct ear_buf text = {0};
	struct ear_json j = ear_json(&text);
	json_t *status = NULL;

	ear_json_open(&j, '{');
	if (o->status_json)
		o->status_json(&j, o->status_arg);
	ear_json_close(&j, '}');
	if (!text.err)
		status = json_loadb(text.p, text.n, 0, NULL);
	ear_buf_fini(&text);
	return status;
}

void ear_metrics_route(struct ear_call *call)
{
	struct ear_console *c = call->console;
	json_t *status;

	if (c->o.metrics == EAR_METRICS_OFF) {
		ear_call_fail(call, 404, "console.metrics is off");
		return;
	}
	status = read_status(&c->o);
	if (!status) {
		ear_call_fail(call, 503, "out of memory");
		return;
	}
	write_process(&call->out, c->o.version);
	write_singles(&call->out, status);
	write_ledger(&call->out, status);
	write_members(&call->out, status);
	write_traces(&call->out, status);
	write_console(&call->out, c);
	json_decref(status);
	call->type = "text/plain; version=0.0.4; charset=utf-8";
}
