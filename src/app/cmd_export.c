/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/commands.h"
#include "app/export_send.h"
#include "app/options.h"
#include "base/stop.h"
#include "base/time.h"
#include "message/msg_json.h"
#include "net/uri.h"
#include "sink/pcap_file.h"
#include "sink/text.h"

/* A number that was not given. */
#define UNSET UINT64_MAX

struct choices {
	const char *data, *file, *format;
	const char *read, *speed, *key, *ca;
	uint64_t from_ns, to_ns, limit;
	uint64_t version, capture_id;
	bool micro, keep_secrets, no_verify;
};

/* One export under way. */
struct export
{
	FILE *to;
	struct ear_store *store;
	const struct format *format;
	struct ear_pcap_file *pcap;
	struct ear_buf out;
	bool failed;
	int sys_errno;
};

struct format {
	const char *name;
	const char *suffixes[3];
	enum ear_err (*put)(struct export *e, const struct ear_msg *msg,
		const struct ear_facts *facts);
};

static enum ear_err put_pcap(struct export *e, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	(void)facts;
	return ear_pcap_file_put(e->pcap, msg);
}

static enum ear_err drain(struct export *e)
{
	enum ear_err err = e->out.err;

	if (!err)
		err = ear_sink_to_file(ear_buf_view(&e->out), e->to);
	ear_buf_reset(&e->out);
	return err;
}

static enum ear_err put_text(struct export *e, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	(void)facts;
	ear_text_put(msg, &e->out);
	return drain(e);
}

static enum ear_err put_json(struct export *e, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct ear_json j = ear_json(&e->out);
	char id[40] = "";

	e->store->ops->id_text(e->store, msg, facts, id);
	ear_json_open(&j, '{');
	ear_msg_json_members(&j, msg, facts, ear_slice_str(id));
	ear_json_kstr(&j, "raw", msg->raw);
	ear_json_close(&j, '}');
	ear_buf_byte(&e->out, '\n');
	return drain(e);
}

static const struct format formats[] = {
	{"pcap", {".pcap", ".cap"}, put_pcap},
	{"text", {".txt", ".log", ".sip"}, put_text},
	{"json", {".json", ".jsonl", ".ndjson"}, put_json},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static bool ends(const char *file, const char *suffix)
{
	size_t n = strlen(file), m = suffix ? strlen(suffix) : 0;

	return m && n > m && !strcmp(file + n - m, suffix);
}

static const struct format *format_of(const struct choices *c)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (c->format && !strcmp(c->format, formats[i].name))
			return &formats[i];
		for (size_t k = 0; !c->format && k < 3; k++) {
			if (ends(c->file, formats[i].suffixes[k]))
				return &formats[i];
		}
	}
	return NULL;
}

static bool put(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct export *e = arg;

	e->failed = e->format->put(e, msg, facts) != EAR_OK;
	e->sys_errno = errno;
	return !e->failed;
}

static int write_all(
	struct export *e, struct ear_ask *ask, const struct choices *c)
{
	const struct ear_pcap_write_options options = {.micro = c->micro};
	bool pcap = e->format->put == put_pcap;
	int status;

	if (pcap &&
		ear_pcap_file_open(&options, ear_sink_to_file, e->to, &e->pcap))
		e->failed = true;
	status = e->failed ? EAR_EXIT_FAILED : ear_ask_find(ask, put, e);
	if (e->pcap && ear_pcap_file_close(&e->pcap) && !e->failed) {
		e->failed = true;
		e->sys_errno = errno;
	}
	if (fflush(e->to) && !e->failed) {
		e->failed = true;
		e->sys_errno = errno;
	}
	if (!e->failed)
		return status;
	/* a reader that has seen enough, as head, knows that it went */
	if (e->sys_errno != EPIPE)
		fprintf(stderr, "earshot export: cannot write %s: %s\n",
			c->file, strerror(e->sys_errno));
	return EAR_EXIT_FAILED;
}

/* Under another name until it is whole, so that nobody takes half for all. */
static int to_file(
	struct export *e, struct ear_ask *ask, const struct choices *c)
{
	struct ear_buf part = {0};
	int status = EAR_EXIT_FAILED;

	ear_buf_printf(&part, "%s.part", c->file);
	ear_buf_byte(&part, '\0');
	e->to = part.err ? NULL : fopen(part.p, "wb");
	if (!e->to) {
		fprintf(stderr, "earshot export: cannot make %s.part: %s\n",
			c->file, strerror(errno));
		goto out;
	}
	status = write_all(e, ask, c);
	if (fclose(e->to) || (!status && rename(part.p, c->file))) {
		fprintf(stderr, "earshot export: cannot write %s: %s\n",
			c->file, strerror(errno));
		status = EAR_EXIT_FAILED;
	}
	if (status)
		unlink(part.p);
out:
	ear_buf_fini(&part);
	return status;
}

/*
 * --to has two meanings that cannot be taken for one another: a time never
 * begins with hep: or sip:. With those it is -o.
 */
static void find_collector(int argc, char **argv)
{
	static char output[] = "--output";

	for (int i = 1; i < argc; i++) {
		bool apart = !strcmp(argv[i], "--to") || !strcmp(argv[i], "-t");
		bool joined = !strncmp(argv[i], "--to=", 5);

		if (apart && i + 1 < argc &&
			ear_net_uri_is(ear_slice_str(argv[i + 1])))
			argv[i] = output;
		else if (joined && ear_net_uri_is(ear_slice_str(argv[i] + 5)))
			argv[i] = memcpy(argv[i] + 3, "-o", 2);
	}
}

static int send_all(const struct choices *c, int argc, char **argv)
{
	struct ear_ask ask = {.command = "export",
		.query = {.from_ns = c->from_ns,
			.to_ns = c->to_ns,
			.limit = c->limit,
			.oldest_first = true}};
	const struct ear_export_send options = {
		.data = c->data,
		.read = c->read,
		.keep_secrets = c->keep_secrets,
		.speed = c->speed ? c->speed : "max",
		.send = {.to = c->file,
			.version =
				c->version == UNSET ? 3 : (uint32_t)c->version,
			.capture_id = c->capture_id == UNSET
					      ? 0
					      : (uint32_t)c->capture_id,
			.key = c->key,
			.ca = c->ca,
			.no_verify = c->no_verify},
	};

	return ear_export_send(&ask, &options, argc, argv);
}

static int run(const struct choices *c, const struct format *format, int argc,
	char **argv)
{
	struct ear_ask ask = {.command = "export",
		.query = {.from_ns = c->from_ns,
			.to_ns = c->to_ns,
			.limit = c->limit,
			.oldest_first = true}};
	struct export e = {.to = stdout, .format = format};
	int status = ear_ask_compile(&ask, argc, argv);

	if (!status)
		status = ear_ask_open(&ask, c->data);
	e.store = ask.store;
	if (!status)
		status = strcmp(c->file, "-") ? to_file(&e, &ask, c)
					      : write_all(&e, &ask, c);
	if (!status) {
		ear_ask_lost(&ask);
		ear_ask_tell(&ask);
	}
	if (!status && ear_stopped(&ear_ask_stopped))
		status = EAR_EXIT_FAILED;
	ear_buf_fini(&e.out);
	ear_ask_fini(&ask);
	return status;
}

static const char examples[] =
	"examples:\n"
	"  earshot export 'call_id == \"a84b4c76e66710\"' -o call.pcap\n"
	"  earshot export 'user == 49301' --from -1d -o - --format json\n"
	"  earshot export --from -1h --to 'hep:192.0.2.9;transport=tcp'\n"
	"  earshot export --read a.pcap --speed original --to sip:192.0.2.9\n";

/* argv: becomes the words of the expression. @return as ear_options() */
static bool read_options(
	struct choices *c, int *argc, char ***argv, int *status)
{
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c->data),
		{"output", 'o', EAR_OPT_TEXT, &c->file, "FILE",
			"where to; - is standard output; or a collector: "
			"hep:HOST:PORT or sip:HOST:PORT, with "
			";transport=udp, tcp or tls"},
		{"format", 'F', EAR_OPT_TEXT, &c->format, "pcap|text|json",
			"default: by the ending of FILE"},
		{"from", 'f', EAR_OPT_TIME, &c->from_ns, "TIME",
			"not before: 2026-11-22T10:38:00Z, 10:38 (UTC), -2h"},
		{"to", 't', EAR_OPT_TIME, &c->to_ns, "TIME",
			"not after; with hep: or sip: the same as -o"},
		{"limit", 'n', EAR_OPT_U64, &c->limit, "N",
			"most messages; default all"},
		{"micro", 0, EAR_OPT_FLAG, &c->micro, NULL,
			"pcap with microseconds, for old readers"},
		{"read", 'r', EAR_OPT_TEXT, &c->read, "CAPTURE",
			"to a collector: from a capture file instead of the "
			"store; - is standard input"},
		{"speed", 's', EAR_OPT_TEXT, &c->speed, "original|max|N",
			"to a collector: at the pace of the capture times, as "
			"fast as it takes them (default), or N a second"},
		{"version", 0, EAR_OPT_U64, &c->version, "1|2|3",
			"to a collector: of HEP; default 3"},
		{"capture-id", 0, EAR_OPT_U64, &c->capture_id, "N",
			"to a collector: capture agent id; default that of "
			"the messages, else 1"},
		{"key", 0, EAR_OPT_TEXT, &c->key, "TEXT",
			"to a collector: authentication key of HEP 3"},
		{"ca", 0, EAR_OPT_TEXT, &c->ca, "FILE",
			"to a collector by TLS: certificates to trust; "
			"default the system's"},
		{"no-verify", 0, EAR_OPT_FLAG, &c->no_verify, NULL,
			"to a collector by TLS: take any certificate"},
		{"keep-secrets", 0, EAR_OPT_FLAG, &c->keep_secrets, NULL,
			"with --read: do not blank passwords, digest "
			"responses and keys"},
	};
	const struct ear_usage usage = {"export", "[EXPR…] -o FILE",
		"Writes the messages that match to a file, oldest first, or "
		"sends them to a collector, with the times at which they were "
		"captured.",
		options, sizeof(options) / sizeof(options[0]), examples};

	find_collector(*argc, *argv);
	return ear_options(&usage, argc, argv, status);
}

static int used_wrongly(const char *why)
{
	fprintf(stderr, "earshot export: %s\nTry: earshot export --help\n",
		why);
	return EAR_EXIT_USAGE;
}

static int to_collector(const struct choices *c, int argc, char **argv)
{
	if (c->format || c->micro)
		return used_wrongly("--format and --micro are for files");
	if (c->keep_secrets && !c->read)
		return used_wrongly("--keep-secrets goes with --read; what the "
				    "store has is as it was imported");
	if (c->capture_id != UNSET && c->capture_id > UINT32_MAX)
		return used_wrongly("--capture-id is at most 4294967295");
	if (c->version != UNSET && (c->version < 1 || c->version > 3))
		return used_wrongly("--version is 1, 2 or 3");
	return send_all(c, argc, argv);
}

/* The first option that a file has no use for; NULL: none. */
static const char *of_collectors(const struct choices *c)
{
	return c->speed                 ? "--speed"
	       : c->version != UNSET    ? "--version"
	       : c->capture_id != UNSET ? "--capture-id"
	       : c->key                 ? "--key"
	       : c->ca                  ? "--ca"
	       : c->no_verify           ? "--no-verify"
					: NULL;
}

static int to_name(const struct choices *c, int argc, char **argv)
{
	const char *astray = of_collectors(c);
	const struct format *format;

	if (c->read || c->keep_secrets)
		return used_wrongly("--read and --keep-secrets are for "
				    "collectors; a capture is imported first: "
				    "earshot import");
	if (!c->file)
		return used_wrongly("name a file with -o or a collector with "
				    "--to");
	if (astray) {
		fprintf(stderr,
			"earshot export: %s is for collectors; %s is a file\n",
			astray, c->file);
		return EAR_EXIT_USAGE;
	}
	format = format_of(c);
	if (!format && c->format)
		return used_wrongly("--format is pcap, text or json");
	if (!format) {
		fprintf(stderr,
			"earshot export: the name %s does not tell the "
			"format; end it with .pcap, .txt or .json, or add "
			"--format\n",
			c->file);
		return EAR_EXIT_USAGE;
	}
	return run(c, format, argc, argv);
}

int ear_cmd_export(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir(),
		.to_ns = UINT64_MAX,
		.version = UNSET,
		.capture_id = UNSET};
	int status;

	if (!read_options(&c, &argc, &argv, &status))
		return status;
	return c.file && ear_net_uri_is(ear_slice_str(c.file))
		       ? to_collector(&c, argc, argv)
		       : to_name(&c, argc, argv);
}
