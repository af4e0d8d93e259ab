/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or a text becomes a struct ear_config: libconfuse cuts it into
 * sections and assignments, each is checked where it stands, so that a fault
 * names its line, and all are taken at the end.
 */
#include "config/config.h"

#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_text.h"
#include "config/config_value.h"
#include "config/places.h"
#include "message/field.h"

/*
 * What this thread reads: libconfuse calls back without an argument of ours.
 * A section that stands once does not know its file's name, hence the top.
 */
static _Thread_local struct {
	struct ear_fault *fault; /* NULL: nothing is read */
	const cfg_t *top;
	struct config_places *places;
	struct config_text text;
} reading;

/* Where libconfuse is; sections count lines as the whole does. */
static const char *place_of(const cfg_t *cfg, unsigned *line)
{
	return config_text_place(
		&reading.text, cfg ? (unsigned)cfg->line : 1, line);
}

/* The key or section that a wrong name in this section looks most like. */
static const char *nearest(const cfg_t *cfg, struct ear_slice wrong)
{
	const char *near = NULL;
	unsigned least = ~0u, distance;

	for (size_t i = 0; i < CONFIG_KEYS + CONFIG_SECTIONS; i++) {
		const char *name =
			i < CONFIG_KEYS ? config_keys[i].name
					: config_sections[i - CONFIG_KEYS].name;

		if (i < CONFIG_KEYS ? cfg == reading.top ||
					      strcmp(config_keys[i].section,
						      cfg->name) != 0
				    : cfg != reading.top)
			continue;
		if (ear_word_alike(wrong, ear_slice_str(name), &distance) &&
			distance < least) {
			least = distance;
			near = name;
		}
	}
	return near;
}

/* What libconfuse calls titles are names here. */
static void words_of(const char *format, va_list args, char *text, size_t room)
{
	const char *what;

	if (!strcmp(format, "missing title for section '%s'")) {
		what = va_arg(args, const char *);
		snprintf(text, room, "the section needs a name: %s NAME { … }",
			what);
	} else if (!strcmp(format, "found duplicate title '%s'")) {
		what = va_arg(args, const char *);
		snprintf(text, room,
			"there is another section of this kind with the name "
			"'%s'",
			what);
	} else {
		vsnprintf(text, room, format, args);
	}
}

static void report(cfg_t *cfg, const char *format, va_list args)
{
	static const char unknown[] = "no such option '";
	const char *near = NULL, *file;
	unsigned line;
	char text[256];

	if (!reading.fault || reading.fault->code)
		return;
	words_of(format, args, text, sizeof(text));
	if (cfg && !strncmp(text, unknown, sizeof(unknown) - 1)) {
		struct ear_slice wrong =
			ear_slice_str(text + sizeof(unknown) - 1);

		near = nearest(cfg, ear_slice_sub(wrong, 0, wrong.n - 1));
	}
	file = place_of(cfg, &line);
	(void)ear_fail(reading.fault, EAR_USAGE, line, "%s:%u: %s%s%s%s", file,
		line, text, near ? "; do you mean " : "", near ? near : "",
		near ? "?" : "");
}

static const struct config_key *find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		if (!strcmp(config_keys[i].section, section) &&
			!strcmp(config_keys[i].name, name))
			return &config_keys[i];
	}
	return NULL;
}

static void note(cfg_t *cfg, const char *section, const char *key, bool list)
{
	struct config_place place = {
		.in = cfg,
		.section = section,
		.name = (char *)cfg_title(cfg),
		.key = key,
	};

	place.file = (char *)place_of(cfg, &place.line);
	config_places_add(reading.places, &place, list);
}

/* Called by libconfuse behind the end of a section. */
static int end_section(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		if (!strcmp(config_sections[i].name, cfg_opt_name(opt)))
			note(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1),
				config_sections[i].name, NULL, false);
	}
	return 0;
}

/* Called by libconfuse after each assignment: the line is then known. */
static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_key *key =
		find_key(cfg_name(cfg), cfg_opt_name(opt));
	unsigned n = cfg_opt_size(opt);
	const char *text = n ? cfg_opt_getnstr(opt, n - 1) : "";
	struct ear_fault fault = {0};

	note(cfg, key->section, key->name, config_is_list(key));
	if (!config_value_check(key, text, n, &fault))
		return 0;
	cfg_error(cfg, "%s", fault.text);
	return -1;
}

/* The options of one section, from its rows; ends with CFG_END. */
static cfg_opt_t *section_options(const char *section)
{
	cfg_opt_t *opts = calloc(CONFIG_KEYS + 1, sizeof(*opts));
	size_t n = 0;

	for (size_t i = 0; opts && i < CONFIG_KEYS; i++) {
		cfg_opt_t text = CFG_STR(config_keys[i].name,
			(char *)config_keys[i].def, CFGF_NONE);
		cfg_opt_t list =
			CFG_STR_LIST(config_keys[i].name, "{}", CFGF_NONE);

		if (strcmp(config_keys[i].section, section) != 0)
			continue;
		opts[n++] = config_is_list(&config_keys[i]) ? list : text;
	}
	if (opts) {
		cfg_opt_t end = CFG_END();

		opts[n] = end;
	}
	return opts;
}

/* One key of one section from libconfuse into our struct. */
static void take_key(const struct config_key *key, cfg_t *from, char *to)
{
	unsigned n = config_is_list(key) ? cfg_size(from, key->name) : 1;
	const char **text = calloc(n + 1, sizeof(*text));

	if (!text)
		abort();
	for (unsigned i = 0; i < n; i++)
		text[i] = cfg_getnstr(from, key->name, i);
	config_value_put(key, text, n, to);
	free(text);
}

static char *title_of(cfg_t *section)
{
	char *title = strdup(cfg_title(section));

	if (!title)
		abort();
	return title;
}

static void take_section(const struct config_section *section, cfg_t *cfg,
	struct ear_config *config)
{
	char *base = (char *)config;
	size_t *count = (size_t *)(base + section->count_offset);
	size_t n = cfg_size(cfg, section->name);

	for (size_t i = 0; i < n; i++) {
		cfg_t *from = cfg_getnsec(cfg, section->name, (unsigned)i);
		char *to = base + section->offset + *count * section->size;

		if (section->multi)
			*(char **)to = title_of(from);
		for (size_t k = 0; k < CONFIG_KEYS; k++) {
			if (!strcmp(config_keys[k].section, section->name))
				take_key(&config_keys[k], from, to);
		}
		++*count;
	}
}

/* A file, or the text where there is none. */
static enum ear_err parse(
	cfg_t *cfg, const char *path, const char *text, struct ear_fault *fault)
{
	enum ear_err err = config_text_read(&reading.text, path, text, fault);

	if (err)
		return err;
	cfg_set_error_function(cfg, report);
	for (size_t i = 0; i < CONFIG_KEYS; i++) {
		char option[96];

		snprintf(option, sizeof(option), "%s|%s",
			config_keys[i].section, config_keys[i].name);
		cfg_set_validate_func(cfg, option, validate);
	}
	for (size_t i = 0; i < CONFIG_SECTIONS; i++)
		cfg_set_validate_func(
			cfg, config_sections[i].name, end_section);
	if (cfg_parse_buf(cfg, reading.text.all.p) == CFG_SUCCESS)
		return EAR_OK;
	if (!fault->code)
		(void)ear_fail(fault, EAR_USAGE, 0, "%s is not understood",
			reading.text.file[0]);
	return EAR_USAGE;
}

/* The sections as libconfuse wants them; it copies what it is given. */
static enum ear_err make_options(
	cfg_opt_t *opts[CONFIG_SECTIONS], cfg_opt_t top[CONFIG_SECTIONS + 1])
{
	cfg_opt_t end = CFG_END();

	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		cfg_flag_t flags =
			config_sections[i].multi
				? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
				: CFGF_NONE;

		opts[i] = section_options(config_sections[i].name);
		if (!opts[i])
			return EAR_NOMEM;
		cfg_opt_t sec =
			CFG_SEC(config_sections[i].name, opts[i], flags);

		top[i] = sec;
	}
	top[CONFIG_SECTIONS] = end;
	return EAR_OK;
}

static enum ear_err take_sections(
	cfg_t *cfg, struct ear_config *config, struct ear_fault *fault)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct config_section *s = &config_sections[i];

		if (cfg_size(cfg, s->name) > EAR_CONFIG_MANY)
			return ear_fail(fault, EAR_USAGE, 0,
				"%s: more than %d sections named %s",
				reading.text.file[0], EAR_CONFIG_MANY, s->name);
		take_section(s, cfg, config);
	}
	return EAR_OK;
}

static enum ear_err read_config(const char *path, const char *text,
	struct ear_config **out, struct ear_fault *fault)
{
	struct ear_config *config = calloc(1, sizeof(*config));
	cfg_opt_t *opts[CONFIG_SECTIONS] = {0};
	cfg_opt_t top[CONFIG_SECTIONS + 1];
	struct ear_fault unread = {0};
	cfg_t *cfg = NULL;
	enum ear_err err = EAR_NOMEM;

	*out = NULL;
	memset(&reading, 0, sizeof(reading));
	reading.fault = fault ? fault : &unread;
	*reading.fault = (struct ear_fault){0};
	if (config)
		reading.places = config->places =
			calloc(1, sizeof(*config->places));
	if (reading.places && !make_options(opts, top))
		cfg = cfg_init(top, CFGF_NONE);
	reading.top = cfg;
	if (cfg)
		err = parse(cfg, path, text, reading.fault);
	else
		(void)ear_fail(reading.fault, err, 0, "out of memory");
	if (!err)
		err = take_sections(cfg, config, reading.fault);
	if (!err) {
		*out = config;
		config = NULL;
	}
	config_text_fini(&reading.text);
	memset(&reading, 0, sizeof(reading));
	if (cfg)
		cfg_free(cfg);
	for (size_t i = 0; i < CONFIG_SECTIONS; i++)
		free(opts[i]);
	ear_config_free(&config);
	return err;
}

enum ear_err ear_config_read(
	const char *path, struct ear_config **config, struct ear_fault *fault)
{
	return read_config(path, "", config, fault);
}

enum ear_err ear_config_read_text(
	const char *text, struct ear_config **config, struct ear_fault *fault)
{
	return read_config(NULL, text, config, fault);
}
