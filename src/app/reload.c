/* SPDX-License-Identifier: Apache-2.0 */
#include "app/reload.h"

#include <stdio.h>

#include "store/embedded.h"

enum ear_err ear_reload_read(const char *path, const char *data,
	struct ear_config **config, struct ear_settings **settings,
	struct ear_fault *fault)
{
	enum ear_err err = ear_config_read(path, config, fault);

	if (!err)
		err = ear_settings_make(*config, settings, fault);
	if (err) {
		ear_config_free(config);
		return err;
	}
	(*settings)->server.data_dir = data;
	(*settings)->server.store_ops = &ear_store_embedded;
	return EAR_OK;
}

/* What is opened once, at the start. */
static void tell_restart(const struct ear_reload *r, const struct ear_config *c,
	struct ear_buf *told)
{
	static const char *const sections[] = {
		"console", "control", "calls", "sessions"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!ear_config_same(r->first, c, sections[i]))
			ear_buf_printf(told,
				"%s: stays as it was until the next start\n",
				sections[i]);
	}
}

/* Its files are read again, whatever the section says: that is how a renewed
 * certificate comes into use. */
static void read_certificate(const struct ear_reload *r,
	const struct ear_config_console *from, struct ear_buf *told)
{
	struct ear_fault fault = {0};

	if (r->console && ear_console_certificate(r->console, from->certificate,
				  from->private_key, &fault))
		ear_buf_printf(told, "console: certificate: %s\n", fault.text);
}

enum ear_err ear_app_reload(
	struct ear_buf *told, struct ear_fault *fault, void *arg)
{
	struct ear_reload *r = arg;
	struct ear_settings *settings = NULL;
	struct ear_config *config = NULL;
	enum ear_err err;

	if (!r->path)
		return ear_fail(fault, EAR_USAGE, 0,
			"the server runs without a configuration file: start "
			"it with -c FILE");
	err = ear_reload_read(r->path, r->data, &config, &settings, fault);
	if (err)
		return err;
	pthread_mutex_lock(&r->lock);
	err = ear_server_reload(r->server, &settings->server,
		settings->listener, settings->listeners, told, fault);
	if (!err) {
		tell_restart(r, config, told);
		read_certificate(r, &config->console[0], told);
		ear_log_level_set(settings->level);
		ear_settings_free(&r->settings);
		ear_config_free(&r->config);
		r->settings = settings;
		r->config = config;
	} else {
		ear_config_blame(config, fault);
		ear_settings_free(&settings);
		ear_config_free(&config);
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

void ear_app_reload_for(struct ear_reload *r, const char *by)
{
	struct ear_notices *notices = ear_server_notices(r->server);
	struct ear_fault fault = {0};
	struct ear_buf told = {0};
	char text[600];
	enum ear_err err = ear_app_reload(&told, &fault, r);

	snprintf(text, sizeof(text), "by %s: %s%s%.*s", by,
		err ? "the configuration was not applied: "
		    : "the configuration was read again",
		err      ? fault.text
		: told.n ? "; "
			 : "",
		err ? 0 : (int)told.n, told.n ? told.p : "");
	/* one line for each key */
	for (char *p = text; *p; p++) {
		if (*p == '\n')
			*p = p[1] ? ';' : '\0';
	}
	ear_notices_add(err ? "config.refused" : "config.reloaded",
		ear_slice_str(text), notices);
	ear_buf_fini(&told);
}

void ear_reload_fini(struct ear_reload *r)
{
	ear_settings_free(&r->settings);
	ear_config_free(&r->config);
	pthread_mutex_destroy(&r->lock);
}
