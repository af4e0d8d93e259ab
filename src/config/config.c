/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <confuse.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/size.h"
#include "base/time.h"
#include "config/config_table.h"
#include "config/config_text.h"
#include "config/places.h"
#include "message/field.h"

static bool is_text(const struct config_key *key)
{
	return key->type == CONFIG_TEXT || key->type == CONFIG_WORD ||
	       key->type == CONFIG_ADDR;
}

/* libconfuse reports through a callback without an argument of ours. */
static _Thread_local struct ear_fault *reading;
/* The whole file: a section that stands once does not know its file's name. */
static _Thread_local const cfg_t *reading_top;
static _Thread_local struct config_places *reading_places;
static _Thread_local struct config_text *reading_text;

/* Where libconfuse is; sections count lines as the whole does. */
static const char *place_of(const cfg_t *cfg, unsigned *line)
{
	return config_text_place(
		reading_text, cfg ? (unsigned)cfg->line : 1, line);
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

		if (i < CONFIG_KEYS ? cfg == reading_top ||
					      strcmp(config_keys[i].section,
						      cfg->name) != 0
				    : cfg != reading_top)
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

	if (!reading || reading->code)
		return;
	words_of(format, args, text, sizeof(text));
	if (cfg && !strncmp(text, unknown, sizeof(unknown) - 1)) {
		struct ear_slice wrong =
			ear_slice_str(text + sizeof(unknown) - 1);

		near = nearest(cfg, ear_slice_sub(wrong, 0, wrong.n - 1));
	}
	file = place_of(cfg, &line);
	(void)ear_fail(reading, EAR_USAGE, line, "%s:%u: %s%s%s%s", file, line,
		text, near ? "; do you mean " : "", near ? near : "",
		near ? "?" : "");
}

static enum ear_err convert_bool(const char *text, bool *v)
{
	if (!strcmp(text, "true") || !strcmp(text, "yes") ||
		!strcmp(text, "on"))
		*v = true;
	else if (!strcmp(text, "false") || !strcmp(text, "no") ||
		 !strcmp(text, "off"))
		*v = false;
	else
		return EAR_USAGE;
	return EAR_OK;
}

/* As one would write it in the file: 64M, 30d. */
static void number_text(const struct config_key *key, uint64_t v, char out[32])
{
	static const struct {
		enum config_type type;
		uint64_t size;
		const char *name;
	} units[] = {{CONFIG_SIZE, 1ULL << 40, "T"},
		{CONFIG_SIZE, 1 << 30, "G"}, {CONFIG_SIZE, 1 << 20, "M"},
		{CONFIG_SIZE, 1 << 10, "k"},
		{CONFIG_TIME, 86400 * EAR_SECOND_NS, "d"},
		{CONFIG_TIME, 3600 * EAR_SECOND_NS, "h"},
		{CONFIG_TIME, 60 * EAR_SECOND_NS, "m"},
		{CONFIG_TIME, EAR_SECOND_NS, "s"},
		{CONFIG_TIME, EAR_MS_NS, "ms"}};
	size_t n = sizeof(units) / sizeof(units[0]);

	for (size_t i = 0; i < n; i++) {
		if (units[i].type != key->type || v % units[i].size || !v)
			continue;
		snprintf(out, 32, "%" PRIu64 "%s", v / units[i].size,
			units[i].name);
		return;
	}
	snprintf(out, 32, "%" PRIu64 "%s", v,
		key->type == CONFIG_TIME ? "s" : "");
}

/* The number of an INT, SIZE or TIME key, in its range. */
static enum ear_err convert_number(const struct config_key *key,
	const char *text, uint64_t *v, struct ear_fault *fault)
{
	struct ear_slice s = ear_slice_str(text);
	char least[32], most[32];
	enum ear_err err = EAR_OK;

	if (key->type == CONFIG_SIZE)
		err = ear_size_parse(s, v, fault);
	else if (key->type == CONFIG_TIME)
		err = ear_duration_parse(s, v, fault);
	else if (!ear_slice_u64(s, UINT64_MAX, v))
		err = ear_fail(
			fault, EAR_USAGE, 0, "'%s' is not a number", text);
	if (err)
		return err;
	/* 0 often means "no limit", and is then below least only by intent */
	if (*v >= key->least && *v <= key->most)
		return EAR_OK;
	number_text(key, key->least, least);
	number_text(key, key->most, most);
	return ear_fail(fault, EAR_USAGE, 0, "'%s' is outside %s to %s", text,
		least, most);
}

/* Whether "udp, tcp or tls" has the word "tcp". */
static bool is_word_of(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; n && (at = strstr(at, word)); at++) {
		if ((at == list || at[-1] == ' ') && strcmp(word, "or") != 0 &&
			(!at[n] || at[n] == ',' || at[n] == ' '))
			return true;
	}
	return false;
}

static bool is_ip_port(const char *text)
{
	struct ear_addr addr;
	const char *port = strrchr(text, ':');

	if (!port || (text[0] == '[' && port[-1] != ']'))
		return false;
	return isdigit((unsigned char)port[1]) &&
	       (text[0] == '[' || port == strchr(text, ':')) &&
	       ear_addr_parse(ear_slice_str(text), &addr) == EAR_OK;
}

static bool is_net(const char *text)
{
	struct ear_net net;

	return ear_net_parse(ear_slice_str(text), &net) == EAR_OK;
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
	config_places_add(reading_places, &place, list);
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
	uint64_t v;
	bool b;

	note(cfg, key->section, key->name, config_is_list(key));
	switch (key->type) {
	case CONFIG_BOOL:
		if (!convert_bool(text, &b))
			return 0;
		cfg_error(cfg, "%s = %s: write true or false", key->name, text);
		return -1;
	case CONFIG_TEXT: return 0;
	case CONFIG_WORD:
		if (is_word_of(key->unit, text))
			return 0;
		cfg_error(cfg, "%s: '%s' is none of %s", key->name, text,
			key->unit);
		return -1;
	case CONFIG_ADDR:
		if (is_ip_port(text))
			return 0;
		cfg_error(cfg, "%s: '%s' is not ip:port", key->name, text);
		return -1;
	case CONFIG_NETS:
		if (n && !is_net(text)) {
			cfg_error(cfg, "%s: '%s' is no address or network",
				key->name, text);
			return -1;
		}
		/* fall through */
	case CONFIG_LIST:
		if (n <= key->most)
			return 0;
		cfg_error(cfg, "%s: more than %u entries", key->name,
			(unsigned)key->most);
		return -1;
	default:
		if (!convert_number(key, text, &v, &fault))
			return 0;
		cfg_error(cfg, "%s: %s", key->name, fault.text);
		return -1;
	}
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

static char *copy(const char *text)
{
	char *s = strdup(text ? text : "");

	if (!s)
		abort();
	return s;
}

/* One key of one section from libconfuse into our struct. */
static void take_key(const struct config_key *key, cfg_t *from, char *to)
{
	char *member = to + key->offset;
	const char *text =
		config_is_list(key) ? NULL : cfg_getstr(from, key->name);
	struct ear_config_list list = {0};
	uint64_t v = 0;

	switch (key->type) {
	case CONFIG_BOOL: (void)convert_bool(text, (bool *)member); break;
	case CONFIG_TEXT:
	case CONFIG_WORD:
	case CONFIG_ADDR: *(char **)member = copy(text); break;
	case CONFIG_LIST:
	case CONFIG_NETS:
		list.n = cfg_size(from, key->name);
		list.item = calloc(list.n + 1, sizeof(*list.item));
		if (!list.item)
			abort();
		for (size_t i = 0; i < list.n; i++)
			list.item[i] =
				copy(cfg_getnstr(from, key->name, (unsigned)i));
		*(struct ear_config_list *)member = list;
		break;
	default:
		(void)convert_number(key, text, &v, NULL);
		*(uint64_t *)member = v;
	}
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
			*(char **)to = copy(cfg_title(from));
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
	enum ear_err err = config_text_read(reading_text, path, text, fault);

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
	if (cfg_parse_buf(cfg, reading_text->all.p) == CFG_SUCCESS)
		return EAR_OK;
	if (!fault->code)
		(void)ear_fail(fault, EAR_USAGE, 0, "%s is not understood",
			reading_text->file[0]);
	return EAR_USAGE;
}

static enum ear_err read_config(const char *path, const char *text,
	struct ear_config **out, struct ear_fault *fault)
{
	struct ear_config *config = calloc(1, sizeof(*config));
	cfg_opt_t *opts[CONFIG_SECTIONS] = {0};
	cfg_opt_t top[CONFIG_SECTIONS + 1];
	cfg_t *cfg = NULL;
	enum ear_err err = EAR_NOMEM;
	cfg_opt_t end = CFG_END();
	struct ear_fault unread = {0};
	struct config_text whole = {0};

	*out = NULL;
	if (config)
		reading_places = config->places =
			calloc(1, sizeof(*config->places));
	reading = fault ? fault : &unread;
	*reading = unread;
	reading_text = &whole;
	reading_top = NULL;
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		cfg_flag_t flags =
			config_sections[i].multi
				? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
				: CFGF_NONE;

		opts[i] = section_options(config_sections[i].name);
		if (!config || !config->places || !opts[i])
			goto out;
		cfg_opt_t sec =
			CFG_SEC(config_sections[i].name, opts[i], flags);

		top[i] = sec;
	}
	top[CONFIG_SECTIONS] = end;
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg)
		goto out;
	reading_top = cfg;
	err = parse(cfg, path, text, reading);
	if (err)
		goto out;
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		if (cfg_size(cfg, config_sections[i].name) > EAR_CONFIG_MANY) {
			err = ear_fail(reading, EAR_USAGE, 0,
				"%s: more than %d sections named %s",
				whole.file[0], EAR_CONFIG_MANY,
				config_sections[i].name);
			goto out;
		}
		take_section(&config_sections[i], cfg, config);
	}
	*out = config;
	config = NULL;
out:
	reading = NULL;
	reading_top = NULL;
	reading_places = NULL;
	reading_text = NULL;
	config_text_fini(&whole);
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

static void free_key(const struct config_key *key, char *from)
{
	struct ear_config_list *list;

	if (is_text(key))
		free(*(char **)(from + key->offset));
	if (!config_is_list(key))
		return;
	list = (struct ear_config_list *)(from + key->offset);
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
}

void ear_config_free(struct ear_config **config)
{
	char *base = (char *)*config;

	for (size_t i = 0; base && i < CONFIG_SECTIONS; i++) {
		const struct config_section *s = &config_sections[i];
		size_t n = *(size_t *)(base + s->count_offset);

		for (size_t at = 0; at < n; at++) {
			char *from = base + s->offset + at * s->size;

			free(*(char **)from);
			for (size_t k = 0; k < CONFIG_KEYS; k++) {
				if (!strcmp(config_keys[k].section, s->name))
					free_key(&config_keys[k], from);
			}
		}
	}
	if (base)
		config_places_free(&(*config)->places);
	free(*config);
	*config = NULL;
}

static bool same_list(
	const struct ear_config_list *a, const struct ear_config_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = !strcmp(a->item[i], b->item[i]);
	return same;
}

static bool same_key(const struct config_key *key, const char *a, const char *b)
{
	a += key->offset;
	b += key->offset;
	if (config_is_list(key))
		return same_list((const struct ear_config_list *)a,
			(const struct ear_config_list *)b);
	if (is_text(key))
		return !strcmp(*(char *const *)a, *(char *const *)b);
	if (key->type == CONFIG_BOOL)
		return *(const bool *)a == *(const bool *)b;
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

bool ear_config_same(const struct ear_config *a, const struct ear_config *b,
	const char *section)
{
	size_t offset = 0;
	bool same = true;

	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		if (!strcmp(config_sections[i].name, section))
			offset = config_sections[i].offset;
	}
	for (size_t i = 0; same && i < CONFIG_KEYS; i++) {
		if (!strcmp(config_keys[i].section, section))
			same = same_key(&config_keys[i],
				(const char *)a + offset,
				(const char *)b + offset);
	}
	return same;
}
