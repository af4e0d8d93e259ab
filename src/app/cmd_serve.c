/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/hints.h"
#include "app/open.h"
#include "app/options.h"
#include "app/reload.h"
#include "app/version.h"
#include "base/time.h"
#include "config/settings.h"
#include "console/assets.h"
#include "console/audit.h"
#include "console/console.h"
#include "console/control.h"
#include "console/methods.h"
#include "flow/import.h"

struct choices {
	const char *config;
	const char *data;
	const char *sample;
};

/* What runs, in the order in which it was opened. */
struct service {
	struct ear_config *config;
	struct ear_settings *settings;
	struct ear_server *server;
	struct ear_audit *audit;
	struct ear_console *console;
	struct ear_methods_options methods;
	struct ear_control *control;
	struct ear_reload reload;
};

static void status_members(struct ear_json *j, void *arg)
{
	struct service *s = arg;

	ear_json_kstr(j, "version", EAR_S(EAR_VERSION));
	ear_server_status(j, s->server);
	ear_audit_json(s->audit, j);
}

static void ask_to_stop(void *arg)
{
	(void)arg;
	kill(getpid(), SIGTERM);
}

/* How long ago the sample began: it is among what came last. */
#define SAMPLE_AGO_NS (5 * 60 * EAR_SECOND_NS)

/* A first look for newcomers: the sample, where the store is empty. */
static enum ear_err import_sample(
	const struct choices *c, bool track, struct ear_fault *fault)
{
	struct ear_import_summary summary;
	struct ear_store_stats stats = {0};
	struct ear_tracking *tracking = NULL;
	struct ear_store *store = NULL;
	enum ear_err err = ear_app_store_write(
		c->data, &(struct ear_store_options){0}, &store, fault);

	if (!err && track)
		err = ear_app_tracking_open(c->data, &tracking, fault);
	if (err) {
		ear_app_store_close(&store);
		return err;
	}
	store->ops->stats(store, &stats);
	if (!stats.messages) {
		err = ear_import_file(c->sample,
			&(struct ear_import_options){.store = store,
				.tracking = tracking,
				.mask_secrets = true,
				.begin_ns = ear_now_ns() - SAMPLE_AGO_NS},
			&summary, fault);
		if (!err)
			printf("Imported %s into the empty store: %llu "
			       "messages, %llu conversations, as if they were "
			       "of just now\n",
				c->sample, (unsigned long long)summary.stored,
				(unsigned long long)summary.conversations);
	}
	ear_tracking_free(&tracking);
	ear_app_store_close(&store);
	return err;
}

static enum ear_err listen_all(struct service *s, struct ear_fault *fault)
{
	for (size_t i = 0; i < s->settings->listeners; i++) {
		const struct ear_listener *l = &s->settings->listener[i];
		enum ear_err err = ear_server_listen(s->server, l, fault);

		if (!err)
			continue;
		if (!l->optional) {
			const struct ear_fault why = *fault;

			return ear_fail(fault, err, why.offset,
				"listener \"%s\": %.240s", l->name, why.text);
		}
		fprintf(stderr, "earshot serve: %s is not served: %s\n",
			l->name, fault->text);
		*fault = (struct ear_fault){0};
	}
	if (!ear_server_listeners(s->server) && !s->settings->server.n_captures)
		return ear_fail(
			fault, EAR_SYS, 0, "no listener could be opened");
	return ear_server_capture(s->server, fault);
}

static enum ear_err open_console(
	struct service *s, const struct choices *c, struct ear_fault *fault)
{
	const struct ear_config_console *from = &s->config->console[0];
	const struct ear_console_options options = {
		.listen = from->address,
		.dir = c->data,
		.version = EAR_VERSION,
		.store = ear_server_store(s->server),
		.status_json = status_members,
		.status_arg = s,
		.tell = ear_server_tell,
		.tell_arg = s->server,
		.rules = ear_server_rules(s->server),
		.records = ear_server_records(s->server),
		.audit = s->audit,
		.assets = ear_assets,
		.n_assets = ear_assets_n,
		.hosts = (const char *const *)from->host_names.item,
		.n_hosts = from->host_names.n,
		.certificate = from->certificate,
		.private_key = from->private_key,
		.with_tls = from->tls,
		.session_idle_ns = from->session_idle,
		.proxies = s->settings->proxies,
		.n_proxies = s->settings->n_proxies,
		.lock_after = (uint32_t)from->lock_after,
		.lock_for_ns = from->lock_for,
		.metrics = ear_metrics_for_of(ear_slice_str(from->metrics)),
	};

	if (!from->enabled)
		return EAR_OK;
	return ear_console_open(&options, &s->console, fault);
}

static enum ear_err open_control(
	struct service *s, const struct choices *c, struct ear_fault *fault)
{
	s->reload.path = c->config;
	s->reload.data = c->data;
	s->reload.server = s->server;
	s->reload.console = s->console;
	s->reload.first = s->config;
	s->methods = (struct ear_methods_options){
		.server = s->server,
		.audit = s->audit,
		.reload = ear_app_reload,
		.arg = &s->reload,
	};
	return ear_control_open(&(struct ear_control_options){.dir = c->data,
					.group = s->config->control[0].group,
					.status_json = status_members,
					.stop = ask_to_stop,
					.arg = s,
					.more = ear_methods(&s->methods)},
		&s->control, fault);
}

static enum ear_err open_service(
	struct service *s, const struct choices *c, struct ear_fault *fault)
{
	enum ear_err err = ear_reload_read(
		c->config, c->data, &s->config, &s->settings, fault);

	if (err)
		return err;
	ear_log_to(NULL, s->settings->level, NULL);
	if (c->sample && (err = import_sample(
				  c, s->settings->server.tracking.keep, fault)))
		return err;
	err = ear_server_open(&s->settings->server, &s->server, fault);
	if (!err)
		err = listen_all(s, fault);
	if (!err)
		err = ear_server_start(s->server, fault);
	if (!err)
		err = ear_audit_open(c->data, &s->audit, fault);
	if (!err)
		err = open_console(s, c, fault);
	if (err) {
		ear_config_blame(s->config, fault);
		return err;
	}
	return open_control(s, c, fault);
}

/* The console before the store: its searches run there. */
static void close_service(struct service *s)
{
	ear_control_close(&s->control);
	ear_console_close(&s->console);
	ear_audit_close(&s->audit);
	ear_server_close(&s->server);
	ear_reload_fini(&s->reload);
	ear_settings_free(&s->settings);
	ear_config_free(&s->config);
}

static void announce(const struct service *s, const struct choices *c)
{
	struct ear_listening at;
	struct ear_addr hint = {0};
	char text[EAR_ADDR_TEXT];
	const char *password;

	printf("Earshot %s on %s\n\n", EAR_VERSION, c->data);
	for (size_t i = 0; ear_server_listener(s->server, i, &at); i++) {
		ear_addr_text(&at.address, text);
		printf("  HEP over %s  %s%s\n", at.transport, text,
			ear_addr_is_loopback(&at.address)
				? ""
				: "  (open to the network)");
		if (!hint.family && !strcmp(at.transport, "udp"))
			hint = at.address;
	}
	for (size_t i = 0; i < s->settings->server.n_captures; i++)
		printf("  Capture from  %s\n",
			s->settings->server.captures[i].device);
	if (s->console) {
		printf("  Console       %s\n", ear_console_url(s->console));
		password = ear_console_first_password(s->console);
		if (password[0])
			printf("\n  Log in as     admin\n"
			       "  One-time password  %s\n"
			       "  (lost it? earshot user passwd admin --data "
			       "%s)\n",
				password, c->data);
	}
	printf("\n");
	if (hint.family && (c->sample || isatty(STDOUT_FILENO)))
		ear_print_hints(stdout, &hint);
	printf("Ready; Ctrl-C ends it.\n");
	fflush(stdout);
}

/* Until a signal ends it; SIGHUP reads the configuration again. */
static void wait_for_end(struct service *s, const sigset_t *signals)
{
	int signal = 0;

	while (!sigwait(signals, &signal) && signal == SIGHUP) {
		ear_app_reload_for(&s->reload, "SIGHUP");
		ear_audit_add(s->audit,
			&(struct ear_audit_entry){.at_ns = ear_now_ns(),
				.actor = EAR_S("SIGHUP"),
				.action = EAR_S("reload")});
	}
}

int ear_cmd_serve(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir()};
	const struct ear_option options[] = {
		{"config", 'c', EAR_OPT_TEXT, &c.config, "FILE",
			"configuration; without one, defaults on loopback"},
		EAR_OPTION_DATA(&c.data),
		{"sample", 0, EAR_OPT_TEXT, &c.sample, "FILE",
			"a capture to import first when the store is empty, "
			"as if it began five minutes ago"},
	};
	const struct ear_usage usage = {"serve", "",
		"Receives messages, keeps them and serves the console, in the "
		"foreground, until SIGTERM or Ctrl-C; SIGHUP reads the "
		"configuration again. Listens for HEP on "
		"127.0.0.1:9060 (UDP and TCP) and 9061 (TLS), console on "
		"127.0.0.1:9080, unless the configuration says otherwise.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	struct service s = {.reload = {.lock = PTHREAD_MUTEX_INITIALIZER}};
	struct ear_fault fault = {0};
	enum ear_err err;
	sigset_t ends;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc) {
		ear_fail(&fault, EAR_USAGE, 0, "'%s' is too much", argv[0]);
		return ear_command_failed("serve", &fault);
	}
	/* Blocked in all threads; this one waits for them. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	err = open_service(&s, &c, &fault);
	if (!err) {
		announce(&s, &c);
		wait_for_end(&s, &ends);
		printf("Stopping; storing what is in the journal\n");
		fflush(stdout);
	}
	close_service(&s);
	return err ? ear_command_failed("serve", &fault) : EAR_EXIT_DONE;
}
