/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/size.h"
#include "base/time.h"

static bool is_text(const struct config_key *key)
{
	return key->type == CONFIG_TEXT || key->type == CONFIG_WORD ||
	       key->type == CONFIG_ADDR;
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

/* An assignment of a list is asked for each of its entries: n with the last. */
static enum ear_err check_list(const struct config_key *key, const char *text,
	size_t n, struct ear_fault *fault)
{
	if (key->type == CONFIG_NETS && n && !is_net(text))
		return ear_fail(fault, EAR_USAGE, 0,
			"%s: '%s' is no address or network", key->name, text);
	if (n > key->most)
		return ear_fail(fault, EAR_USAGE, 0, "%s: more than %u entries",
			key->name, (unsigned)key->most);
	return EAR_OK;
}

enum ear_err config_value_check(const struct config_key *key, const char *text,
	size_t n, struct ear_fault *fault)
{
	struct ear_fault why = {0};
	uint64_t v;
	bool b;

	switch (key->type) {
	case CONFIG_TEXT: return EAR_OK;
	case CONFIG_LIST:
	case CONFIG_NETS: return check_list(key, text, n, fault);
	case CONFIG_BOOL:
		if (!convert_bool(text, &b))
			return EAR_OK;
		return ear_fail(fault, EAR_USAGE, 0,
			"%s = %s: write true or false", key->name, text);
	case CONFIG_WORD:
		if (is_word_of(key->unit, text))
			return EAR_OK;
		return ear_fail(fault, EAR_USAGE, 0, "%s: '%s' is none of %s",
			key->name, text, key->unit);
	case CONFIG_ADDR:
		if (is_ip_port(text))
			return EAR_OK;
		return ear_fail(fault, EAR_USAGE, 0, "%s: '%s' is not ip:port",
			key->name, text);
	default:
		if (!convert_number(key, text, &v, &why))
			return EAR_OK;
		return ear_fail(
			fault, EAR_USAGE, 0, "%s: %.240s", key->name, why.text);
	}
}

static char *copy(const char *text)
{
	char *s = strdup(text ? text : "");

	if (!s)
		abort();
	return s;
}

static struct ear_config_list copy_list(const char *const *text, size_t n)
{
	struct ear_config_list list = {.n = n};

	list.item = calloc(n + 1, sizeof(*list.item));
	if (!list.item)
		abort();
	for (size_t i = 0; i < n; i++)
		list.item[i] = copy(text[i]);
	return list;
}

void config_value_put(const struct config_key *key, const char *const *text,
	size_t n, char *section)
{
	char *member = section + key->offset;
	uint64_t v = 0;

	switch (key->type) {
	case CONFIG_BOOL: (void)convert_bool(text[0], (bool *)member); break;
	case CONFIG_TEXT:
	case CONFIG_WORD:
	case CONFIG_ADDR: *(char **)member = copy(text[0]); break;
	case CONFIG_LIST:
	case CONFIG_NETS:
		*(struct ear_config_list *)member = copy_list(text, n);
		break;
	default:
		(void)convert_number(key, text[0], &v, NULL);
		*(uint64_t *)member = v;
	}
}

void config_value_free(const struct config_key *key, char *section)
{
	struct ear_config_list *list;

	if (is_text(key))
		free(*(char **)(section + key->offset));
	if (!config_is_list(key))
		return;
	list = (struct ear_config_list *)(section + key->offset);
	for (size_t i = 0; i < list->n; i++)
		free(list->item[i]);
	free(list->item);
}

static bool same_list(
	const struct ear_config_list *a, const struct ear_config_list *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++)
		same = !strcmp(a->item[i], b->item[i]);
	return same;
}

bool config_value_same(
	const struct config_key *key, const char *a, const char *b)
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
