/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/open.h"
#include "app/options.h"
#include "base/json.h"
#include "base/size.h"
#include "base/stop.h"
#include "base/time.h"
#include "config/settings.h"
#include "flow/import.h"

struct choices {
	const char *data;
	bool json;
	bool quiet;
	bool keep_secrets;
	const char *keylog;
	const char *config;
	const char *tls_ports;
	struct ear_ports ports; /* of both */
};

/* The bar on a terminal: drawn ten times a second, wiped at the end. */
struct bar {
	const char *file;
	bool shown;
	uint64_t next_ns;
	uint64_t began_ns;
};

static volatile bool interrupted;

static void interrupt(int signal)
{
	(void)signal;
	ear_stop(&interrupted);
}

static void draw(uint64_t done, uint64_t total, void *arg)
{
	static const char full[] = "##############################";
	struct bar *bar = arg;
	uint64_t now = ear_mono_ns();
	char size[EAR_SIZE_TEXT], left[EAR_TIME_TEXT] = "?";
	unsigned percent;

	if (!bar->shown || now < bar->next_ns)
		return;
	bar->next_ns = now + 100 * EAR_MS_NS;
	ear_size_text(done, size);
	if (!total) {
		fprintf(stderr, "\r\033[K%s  %s", bar->file, size);
		return;
	}
	percent = (unsigned)(done * 100 / total);
	if (done)
		ear_duration_text(
			(uint64_t)((double)(now - bar->began_ns) /
				   (double)done * (double)(total - done)),
			left);
	fprintf(stderr, "\r\033[K%s  [%-30.*s] %3u%%  %s  %s left", bar->file,
		(int)(percent * 30 / 100), full, percent, size, left);
}

static void print_json(const char *path, const struct ear_import_summary *s,
	enum ear_err err, const struct ear_fault *fault)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);

	ear_json_open(&j, '{');
	ear_json_kstr(&j, "file", ear_slice_str(path));
	ear_json_ku64(&j, "packets", s->file.packets);
	ear_json_ku64(&j, "messages", s->stored);
	ear_json_ku64(&j, "malformed", s->malformed);
	ear_json_ku64(&j, "conversations", s->conversations);
	ear_json_kbool(&j, "conversations_at_least", s->at_least);
	ear_json_key(&j, "seconds");
	ear_json_num(&j, (double)s->took_ns / 1e9);
	ear_json_ku64(&j, "truncated", s->file.truncated);
	ear_json_ku64(&j, "reassembled", s->file.reassembled);
	ear_json_ku64(&j, "unfinished", s->file.unfinished);
	ear_json_ku64(&j, "snapped", s->file.snapped);
	ear_json_ku64(&j, "streams", s->file.streams);
	ear_json_ku64(&j, "gaps", s->file.gaps);
	ear_json_ku64(&j, "retransmitted", s->file.retransmitted);
	ear_json_ktime(&j, "first", s->file.first_ns);
	ear_json_ktime(&j, "last", s->file.last_ns);
	ear_json_key(&j, "other");
	ear_json_open(&j, '{');
	for (int k = 0; k < EAR_PACKET_KINDS; k++)
		ear_json_ku64(&j, ear_packet_kind_key(k), s->file.kind[k]);
	ear_json_close(&j, '}');
	ear_packets_tls_json(&s->file, &j);
	ear_json_kbool(&j, "complete", !err && !ear_stopped(&interrupted));
	if (err)
		ear_json_kstr(&j, "error", ear_slice_str(fault->text));
	ear_json_close(&j, '}');
	printf("%.*s\n", EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
}

/* What was there and is no message; the rest only carried messages. */
static bool is_left_out(enum ear_packet_kind kind)
{
	return kind != EAR_PACKET_SIP && kind != EAR_PACKET_HEP &&
	       kind != EAR_PACKET_IDLE && kind != EAR_PACKET_FRAGMENT;
}

static void print_text_tls(const struct ear_tls_stats *s)
{
	if (!s->flows)
		return;
	printf("  TLS: %llu connections, %llu records decrypted\n",
		(unsigned long long)s->flows, (unsigned long long)s->records);
	for (int why = EAR_TLS_READ + 1; why < EAR_TLS_UNREADS; why++) {
		if (s->unread[why])
			printf("  not decrypted: %llu connections, %s\n",
				(unsigned long long)s->unread[why],
				ear_tls_unread_words(why));
	}
}

static void print_text(const char *path, const struct ear_import_summary *s)
{
	char took[EAR_TIME_TEXT], first[EAR_TIME_TEXT], last[EAR_TIME_TEXT];
	double seconds = (double)s->took_ns / 1e9;

	ear_duration_text(s->took_ns, took);
	printf("%s: %llu packets, %llu SIP messages, %llu malformed, %s%llu "
	       "conversations in %s (%.0f messages/s)\n",
		path, (unsigned long long)s->file.packets,
		(unsigned long long)s->stored, (unsigned long long)s->malformed,
		s->at_least ? "at least " : "",
		(unsigned long long)s->conversations, took,
		seconds > 0 ? (double)s->stored / seconds : 0);
	if (s->file.first_ns) {
		ear_time_human(s->file.first_ns, false, first);
		ear_time_human(s->file.last_ns, false, last);
		printf("  from %s to %s UTC\n", first, last);
	}
	if (s->file.truncated || s->file.gaps || s->file.unfinished)
		printf("  incomplete: messages cut short %llu, holes in TCP "
		       "streams %llu, datagrams without all fragments %llu\n",
			(unsigned long long)s->file.truncated,
			(unsigned long long)s->file.gaps,
			(unsigned long long)s->file.unfinished);
	print_text_tls(&s->file.tls);
	for (int k = 0; k < EAR_PACKET_KINDS; k++) {
		if (s->file.kind[k] && is_left_out(k))
			printf("  not kept: %llu %s\n",
				(unsigned long long)s->file.kind[k],
				ear_packet_kind_help(k));
	}
}

static enum ear_err import(struct ear_store *store,
	struct ear_tracking *tracking, const char *path,
	const struct choices *c, struct ear_fault *fault)
{
	struct bar bar = {.file = path,
		.shown = !c->quiet && isatty(STDERR_FILENO),
		.began_ns = ear_mono_ns()};
	struct ear_import_summary summary;
	enum ear_err err = ear_import_file(path,
		&(struct ear_import_options){.store = store,
			.tracking = tracking,
			.mask_secrets = !c->keep_secrets,
			.keylog = c->keylog,
			.ports = c->ports,
			.progress = draw,
			.arg = &bar,
			.stop = &interrupted},
		&summary, fault);

	if (bar.shown)
		fputs("\r\033[K", stderr);
	if (c->json)
		print_json(path, &summary, err, fault);
	else if (!c->quiet && (!err || summary.file.packets))
		print_text(path, &summary);
	fflush(stdout);
	return err;
}

static bool any_readable(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "-") || access(argv[i], R_OK) == 0)
			return true;
	}
	return false;
}

/* A slip in a name must not leave a new data directory behind. */
static int none_readable(const struct choices *c, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		struct ear_import_summary nothing = {0};
		struct ear_fault fault = {0};

		if (access(argv[i], R_OK) == 0)
			continue;
		ear_fail_sys(&fault, "%s", argv[i]);
		if (c->json)
			print_json(argv[i], &nothing, EAR_SYS, &fault);
		(void)ear_command_failed("import", &fault);
	}
	return EAR_EXIT_FAILED;
}

static enum ear_err take_ports(struct choices *c, struct ear_fault *fault)
{
	struct ear_slice rest = ear_slice_str(c->tls_ports);

	while (rest.n) {
		size_t n = ear_slice_find(rest, EAR_S(","));
		struct ear_slice port = ear_slice_sub(rest, 0, n);
		enum ear_err err = ear_ports_add(&c->ports, port);

		if (err == EAR_LIMIT)
			return ear_fail(fault, EAR_USAGE, 0,
				"--tls-ports: at most %d ports", EAR_PORTS_MAX);
		if (err)
			return ear_fail(fault, EAR_USAGE, 0,
				"--tls-ports: '%.32s' is no list of ports; "
				"write it as 443,8443",
				c->tls_ports);
		rest = ear_slice_sub(rest, n + 1, rest.n);
	}
	return EAR_OK;
}

/* Those of all captures of the file that are on. */
static enum ear_err take_config(struct choices *c, struct ear_fault *fault)
{
	struct ear_config *config = NULL;
	struct ear_settings *settings = NULL;
	enum ear_err err = ear_config_read(c->config, &config, fault);

	if (!err)
		err = ear_settings_make(config, &settings, fault);
	for (size_t i = 0; !err && i < settings->server.n_captures; i++) {
		const struct ear_ports *ports = &settings->capture[i].ports;

		for (size_t k = 0; k < ports->n && !err; k++) {
			char text[8];

			snprintf(text, sizeof(text), "%u", ports->v[k]);
			err = ear_ports_add(&c->ports, ear_slice_str(text));
		}
		if (err)
			ear_fail(fault, err, 0,
				"%s: its captures name more than %d tls_ports",
				c->config, EAR_PORTS_MAX);
	}
	ear_settings_free(&settings);
	ear_config_free(&config);
	return err;
}

int ear_cmd_import(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir()};
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c.data),
		EAR_OPTION_JSON(&c.json),
		{"quiet", 'q', EAR_OPT_FLAG, &c.quiet, NULL,
			"no progress bar, no summary"},
		{"keylog", 0, EAR_OPT_TEXT, &c.keylog, "FILE",
			"TLS key log (SSLKEYLOGFILE) to decrypt with"},
		{"tls-ports", 0, EAR_OPT_TEXT, &c.tls_ports, "PORTS",
			"beside 5060 to 5099, as 443,8443: their connections "
			"are told of even where TLS hides what they carry"},
		{"config", 'c', EAR_OPT_TEXT, &c.config, "FILE",
			"also the tls_ports of the captures in there"},
		{"keep-secrets", 0, EAR_OPT_FLAG, &c.keep_secrets, NULL,
			"do not blank passwords, digest responses and keys"},
	};
	const struct ear_usage usage = {"import", "FILE…",
		"Reads captures into the store: pcap and pcapng, plain or "
		"gzip; - is standard input. SIP is found on any port; HEP "
		"inside is unpacked. A server may be running on the same "
		"directory.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	struct ear_tracking *tracking = NULL;
	struct ear_store *store = NULL;
	struct ear_fault fault = {0};
	int status = EAR_EXIT_DONE;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc < 1) {
		ear_fail(&fault, EAR_USAGE, 0, "name at least one file");
		return ear_command_failed("import", &fault);
	}
	if ((c.tls_ports && take_ports(&c, &fault)) ||
		(c.config && take_config(&c, &fault)))
		return ear_command_failed("import", &fault);
	if (!any_readable(argc, argv))
		return none_readable(&c, argc, argv);
	if (ear_app_store_write(
		    c.data, &(struct ear_store_options){0}, &store, &fault) ||
		ear_app_tracking_open(c.data, &tracking, &fault)) {
		ear_app_store_close(&store);
		return ear_command_failed("import", &fault);
	}
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	for (int i = 0; i < argc && !ear_stopped(&interrupted); i++) {
		fault = (struct ear_fault){0};
		if (import(store, tracking, argv[i], &c, &fault))
			status = ear_command_failed("import", &fault);
	}
	ear_tracking_free(&tracking);
	ear_app_store_close(&store);
	if (ear_stopped(&interrupted)) {
		fprintf(stderr, "earshot import: interrupted; what was read "
				"so far is kept\n");
		status = EAR_EXIT_FAILED;
	}
	return status;
}
