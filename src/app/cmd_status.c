/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/open.h"
#include "app/options.h"
#include "app/term.h"
#include "base/json.h"
#include "base/ledger.h"
#include "base/size.h"
#include "base/time.h"
#include "console/control_client.h"
#include "flow/status.h"

/* Member "records"; none where nothing was tracked. */
static void records_now(const char *data, struct ear_json *j)
{
	struct ear_records *records = NULL;
	struct ear_app_journal journal;
	struct ear_fault fault = {0};
	enum ear_err err =
		ear_app_records_open(data, &records, &journal, &fault);

	if (!err)
		ear_status_records(j, records);
	else if (err != EAR_GONE)
		ear_command_failed("status", &fault);
	ear_records_close(&records);
}

/*
 * Without a server: what the last one wrote down as it went, store and records
 * as they are now.
 */
static enum ear_err offline(
	const char *data, json_t **status, struct ear_fault *fault)
{
	struct ear_store_stats stats = {0};
	struct ear_retention keep = {0};
	struct ear_store *store = NULL;
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);
	json_t *now = NULL, *last;
	char path[4096];
	enum ear_err err = ear_app_store_open(data, &store, NULL, fault);

	if (err)
		return err;
	store->ops->stats(store, &stats);
	ear_app_store_close(&store);
	snprintf(path, sizeof(path), "%s/" EAR_STATUS_FILE, data);
	last = json_load_file(path, 0, NULL);
	ear_json_open(&j, '{');
	ear_status_store(&j, &stats, &keep);
	records_now(data, &j);
	ear_json_close(&j, '}');
	now = json_loadb(out.p, out.n, 0, NULL);
	ear_buf_fini(&out);
	*status = json_object();
	if (json_is_object(last))
		json_object_update(*status, last);
	if (json_is_object(now)) {
		json_t *limits = json_object_get(
			json_object_get(last, "store"), "retention");

		if (limits)
			json_object_set(json_object_get(now, "store"),
				"retention", limits);
		json_object_update(*status, now);
	}
	json_object_set_new(*status, "running", json_false());
	json_decref(last);
	json_decref(now);
	return EAR_OK;
}

static enum ear_err online(
	const char *data, json_t **status, struct ear_fault *fault)
{
	struct ear_buf answer = {0};
	enum ear_err err =
		ear_control_call(data, "status", NULL, &answer, 5000, fault);

	if (!err)
		*status = json_loadb(answer.p, answer.n, 0, NULL);
	ear_buf_fini(&answer);
	if (err)
		return err;
	if (!json_is_object(*status))
		return ear_fail(fault, EAR_BAD, 0,
			"the server's answer is not understood");
	json_object_set_new(*status, "running", json_true());
	return EAR_OK;
}

static unsigned long long number(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (unsigned long long)v : 0;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

static void print_retention(const json_t *s)
{
	const json_t *keep = json_object_get(s, "retention");
	char free_[EAR_SIZE_TEXT], age[EAR_TIME_TEXT];
	char most[EAR_SIZE_TEXT], least[EAR_SIZE_TEXT];

	ear_size_text(number(s, "disk_free"), free_);
	ear_duration_text(number(keep, "max_age_s") * EAR_SECOND_NS, age);
	ear_size_text(number(keep, "max_bytes"), most);
	ear_size_text(number(keep, "min_free"), least);
	printf("Retention  %s%s, %s%s, at least %s free of %s free now\n",
		number(keep, "max_age_s") ? "at most " : "",
		number(keep, "max_age_s") ? age : "any age",
		number(keep, "max_bytes") ? "at most " : "",
		number(keep, "max_bytes") ? most : "any size", least, free_);
}

static void print_forecast(const json_t *s)
{
	char day[EAR_SIZE_TEXT], left[EAR_TIME_TEXT];

	if (!number(s, "bytes_per_day"))
		return;
	ear_size_text(number(s, "bytes_per_day"), day);
	ear_duration_text(number(s, "left_s") * EAR_SECOND_NS, left);
	printf("Forecast   %s a day; %s%s\n", day,
		number(s, "left_s") ? "the oldest goes after another "
				    : "no limit comes into reach",
		number(s, "left_s") ? left : "");
}

static void print_store(const json_t *s)
{
	char bytes[EAR_SIZE_TEXT], raw[EAR_SIZE_TEXT];

	ear_size_text(number(s, "bytes"), bytes);
	ear_size_text(number(s, "raw_bytes"), raw);
	printf("Store      %llu messages (%llu malformed) in %llu segment%s, "
	       "%s for %s received%s\n",
		number(s, "messages"), number(s, "malformed"),
		number(s, "segments"), number(s, "segments") == 1 ? "" : "s",
		bytes, raw,
		json_is_true(json_object_get(s, "full"))
			? "; FULL: nothing is stored"
			: "");
	if (number(s, "damaged"))
		printf("           %llu of them damaged and not read\n",
			number(s, "damaged"));
	if (number(s, "messages"))
		printf("Kept       from %s to %s\n", text(s, "oldest"),
			text(s, "newest"));
}

/* How connections are bound to accounts: docs/sessions.md. */
static void print_reconciliation(const json_t *r)
{
	if (!number(r, "bound") && !number(r, "ambiguous") &&
		!number(r, "unbound") && !number(r, "waiting"))
		return;
	printf("Bound      %llu connections to one account, %llu to several "
	       "(ambiguous), %llu unbound, %llu waiting\n",
		number(r, "bound"), number(r, "ambiguous"),
		number(r, "unbound"), number(r, "waiting"));
	if (json_object_get(r, "oldest_unbound"))
		printf("           the oldest unbound one is of %s: "
		       "earshot sessions 'not reconciled'\n",
			text(r, "oldest_unbound"));
}

static void print_records(const json_t *r)
{
	char bytes[EAR_SIZE_TEXT];

	if (!json_is_object(r))
		return;
	ear_size_text(number(r, "bytes"), bytes);
	printf("Records    %llu session events, %llu registrations, %llu "
	       "connections, %llu calls, %s%s\n",
		number(r, "sessions"), number(r, "accounts"),
		number(r, "connections"), number(r, "calls"), bytes,
		json_is_true(json_object_get(r, "full"))
			? "; FULL: nothing is written"
			: "");
	if (number(r, "failed"))
		printf("           %llu could not be written and are lost\n",
			number(r, "failed"));
	print_reconciliation(json_object_get(r, "reconciliation"));
}

/* The newest; hundreds would hide all else. */
static void print_notices(const json_t *notices)
{
	size_t i, most = 10;
	json_t *o;

	json_array_foreach(notices, i, o)
	{
		if (i == most)
			break;
		printf("%s%s  %s: ", i ? "" : "\n", text(o, "at"),
			text(o, "event"));
		ear_term_print(text(o, "text"));
		printf("\n");
	}
	if (json_array_size(notices) > most)
		printf("%zu older: earshot status --json\n",
			json_array_size(notices) - most);
}

/* A mirror or database without losses: its line above says it all. */
static bool is_outlet(const json_t *line)
{
	static const char own[] = "mirror:";

	return !strncmp(text(line, "tap"), own, sizeof(own) - 1) &&
	       !number(line, ear_count_key(EAR_N_MIRROR_FULL)) &&
	       !number(line, ear_count_key(EAR_N_MIRROR_REFUSED));
}

static void print_ledger(const json_t *lines)
{
	size_t i, shown = 0;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (is_outlet(line))
			continue;
		if (!shown++)
			printf("\n%-30s %-16s %12s %12s %10s\n", "TAP",
				"SOURCE", "RECEIVED", "STORED", "MALFORMED");
		printf("%-30s %-16s %12llu %12llu %10llu", text(line, "tap"),
			text(line, "source"), number(line, "received"),
			number(line, "stored"), number(line, "malformed"));
		for (unsigned c = 0; c < EAR_N_COUNT; c++) {
			enum ear_count_class class = ear_count_class(c);
			unsigned long long n = number(line, ear_count_key(c));

			if (n && class != EAR_CLASS_IN &&
				class != EAR_CLASS_STORED &&
				class != EAR_CLASS_BYTES &&
				c != EAR_N_MALFORMED && c != EAR_N_ACCEPTED)
				printf("  %s %llu", ear_count_key(c), n);
		}
		printf("\n");
	}
}

static void print_outlet(const json_t *o, bool running)
{
	bool up = json_is_true(json_object_get(o, "connected"));
	char lag[EAR_TIME_TEXT];

	ear_duration_text(number(o, "lag_ms") * EAR_MS_NS, lag);
	printf("%-10s %s%s%s: %sdelivered %llu, lost %llu",
		!strcmp(text(o, "kind"), "sql") ? "Database" : "Mirror",
		text(o, "name"), json_object_get(o, "to") ? " to " : "",
		json_object_get(o, "to") ? text(o, "to") : "",
		!running ? ""
		: up     ? "connected, "
			 : "not connected, ",
		number(o, "delivered"), number(o, "lost"));
	if (number(o, "waiting"))
		printf(", %llu wait, behind by %s", number(o, "waiting"), lag);
	if (json_is_true(json_object_get(o, "full")))
		printf("; FULL: what comes is lost for it");
	if (!up && text(o, "trouble")[0]) {
		printf("; ");
		ear_term_print(text(o, "trouble"));
	}
	printf("\n");
}

/* Traces, mirrors and what stands behind them; nothing where there is none. */
static void print_rules(const json_t *status, bool running)
{
	const json_t *traces = json_object_get(status, "traces");
	size_t i, run = 0;
	json_t *o;

	json_array_foreach(traces, i, o)
	{
		run += !json_object_get(o, "ended") ||
		       json_is_null(json_object_get(o, "ended"));
	}
	if (run)
		printf("Traces     %zu%s%s\n", run,
			json_is_true(json_object_get(status, "tracing"))
				? ""
				: ", tracing switched OFF",
			running ? ": earshot ctl trace list" : "");
	json_array_foreach(json_object_get(status, "outlets"), i, o)
	{
		print_outlet(o, running);
	}
	o = json_object_get(status, "hook");
	if (json_is_object(o)) {
		printf("Script     ");
		ear_term_print(text(o, "file"));
		printf(": %llu calls, %llu errors%s", number(o, "calls"),
			number(o, "errors"),
			number(o, "errors") ? "; the last: " : "");
		if (number(o, "errors"))
			ear_term_print(text(o, "last_error"));
		printf("\n");
	}
}

static void print_captures(const json_t *captures, bool running)
{
	size_t i;
	json_t *o;

	json_array_foreach(captures, i, o)
	{
		printf("Capture    %s from %s: %llu packets, %llu messages, "
		       "%llu dropped by the kernel, %llu TCP connections, "
		       "%llu bytes held\n",
			text(o, "name"), text(o, "device"),
			number(o, "packets"), number(o, "messages"),
			number(o, "kernel_drop"), number(o, "connections"),
			number(o, "held_bytes"));
		if (running && !json_is_true(json_object_get(o, "open")))
			printf("           gets nothing now: %s\n",
				text(o, "why"));
	}
}

static void print_text(const json_t *status)
{
	const json_t *t = json_object_get(status, "totals");
	const json_t *taps = json_object_get(status, "taps");
	const json_t *store = json_object_get(status, "store");
	bool running = json_is_true(json_object_get(status, "running"));
	char up[EAR_TIME_TEXT];
	size_t i;
	json_t *o;

	ear_duration_text(number(status, "uptime_s") * EAR_SECOND_NS, up);
	if (running)
		printf("Server     running for %s\n", up);
	else if (t)
		printf("Server     not running; last seen %s after %s\n",
			text(status, "as_of"), up);
	else
		printf("Server     not running\n");
	if (t)
		printf("%s received %llu, accepted %llu, searchable "
		       "%llu, malformed %llu, dropped %llu, kernel drops "
		       "%llu\n",
			running ? "Since then" : "In that run",
			number(t, "received"), number(t, "accepted"),
			number(t, "searchable"), number(t, "malformed"),
			number(t, "dropped"), number(t, "kernel_drop"));
	json_array_foreach(taps, i, o)
	{
		printf("Listener   %s %s on %s%s\n", text(o, "name"),
			text(o, "transport"), text(o, "address"),
			json_is_true(json_object_get(o, "open_to_network"))
				? ", open to the network"
				: "");
	}
	print_captures(json_object_get(status, "captures"), running);
	print_rules(status, running);
	print_store(store);
	print_records(json_object_get(status, "records"));
	/* a store alone does not know the limits that a server gives it */
	if (t)
		print_retention(store);
	if (running)
		print_forecast(store);
	print_ledger(json_object_get(status, "ledger"));
	print_notices(json_object_get(status, "notices"));
}

int ear_cmd_status(int argc, char **argv)
{
	const char *data = ear_data_dir();
	bool as_json = false;
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&data),
		EAR_OPTION_JSON(&as_json),
	};
	const struct ear_usage usage = {"status", "",
		"What came in, what is kept and for how long, and what was "
		"lost and why. Asks the running server; without one, shows "
		"what the last one left.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	struct ear_fault fault = {0};
	json_t *status = NULL;
	enum ear_err err;
	int code;

	if (!ear_options(&usage, &argc, &argv, &code))
		return code;
	err = online(data, &status, &fault);
	if (err == EAR_GONE) {
		fault = (struct ear_fault){0};
		err = offline(data, &status, &fault);
	}
	if (err) {
		json_decref(status);
		return ear_command_failed("status", &fault);
	}
	if (as_json) {
		json_dumpf(status, stdout, JSON_COMPACT);
		printf("\n");
	} else {
		print_text(status);
	}
	json_decref(status);
	return EAR_EXIT_DONE;
}
