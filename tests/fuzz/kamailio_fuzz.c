/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Kamailio configuration, cut at each 0x1e into files that may
 * include one another by their numbers ("1", "2" …). Whatever is read must be
 * written as a configuration that check-config takes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/kamailio.h"
#include "config/settings.h"

#define FILES 8

struct files {
	struct ear_slice file[FILES];
	size_t n;
};

static enum ear_err open_part(const char *path, struct ear_buf *out, void *arg)
{
	const struct files *files = arg;
	size_t i = path[0] >= '0' && !path[1] ? (size_t)(path[0] - '0') : FILES;

	if (i >= files->n)
		return EAR_GONE;
	ear_buf_slice(out, files->file[i]);
	return out->err;
}

static void split(struct ear_slice all, struct files *files)
{
	while (files->n < FILES && (all.n || !files->n)) {
		size_t n = ear_slice_find(all, EAR_S("\x1e"));

		files->file[files->n++] = ear_slice_sub(all, 0, n);
		all = ear_slice_sub(all, n + 1, all.n);
	}
}

/* Its mirrors and databases must open, its traces be traces. */
static enum ear_err open_rules(
	const struct ear_rules_spec *rules, struct ear_fault *fault)
{
	const struct ear_traces_options options = {.on = true};
	struct ear_traces *traces;
	struct ear_sink *sink;
	enum ear_err err = EAR_OK;

	for (size_t i = 0; i < rules->n_outlets && !err; i++) {
		const struct ear_outlet_spec *o = &rules->outlets[i];

		if (strstr(o->mirror.to ? o->mirror.to : "", "=tls"))
			continue; /* reads the system's certificates */
		err = o->kind == EAR_OUTLET_MIRROR
			      ? ear_mirror_new(&o->mirror, &sink, fault)
			      : ear_sql_sink_new(&o->sql, &sink, fault);
		if (!err)
			sink->ops->close(&sink);
	}
	if (err || ear_traces_new(&options, &traces, fault))
		return err;
	err = ear_traces_standing(
		traces, rules->traces, rules->n_traces, fault);
	ear_traces_free(&traces);
	return err;
}

/* The written text must be a configuration. */
static void check(struct ear_slice text)
{
	char path[] = "/tmp/earshot-fuzz-XXXXXX";
	struct ear_config *config;
	struct ear_settings *settings = NULL;
	struct ear_fault fault = {0};
	int fd = mkstemp(path);
	enum ear_err err;

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n)
		abort();
	close(fd);
	err = ear_config_read(path, &config, &fault);
	if (!err)
		err = ear_settings_make(config, &settings, &fault);
	if (!err)
		err = open_rules(settings->server.rules, &fault);
	unlink(path);
	if (err) {
		fprintf(stderr, "%s\n%.*s\n", fault.text, EAR_FMT(text));
		abort();
	}
	ear_settings_free(&settings);
	ear_config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files files = {0};
	struct ear_kamailio_options options = {
		.open = open_part, .arg = &files, .defines = "WITH_A,B=1"};
	struct ear_kamailio *k;
	struct ear_fault fault = {0};
	struct ear_buf out = {0};
	size_t missing;

	split(ear_slice(data, size), &files);
	if (ear_kamailio_read("0", &options, &k, &fault)) {
		if (!fault.text[0])
			abort();
		return 0;
	}
	ear_kamailio_write(k, &out, &missing);
	if (!out.err && out.n < (1u << 20) - 1)
		check(ear_buf_view(&out));
	ear_kamailio_free(&k);
	ear_buf_fini(&out);
	return 0;
}
