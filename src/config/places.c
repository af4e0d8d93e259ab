/* SPDX-License-Identifier: Apache-2.0 */
#include "config/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "config/config.h"

/* Faults cut names of sections there; see settings_rules.c. */
#define NAME_CUT 64

static char *copy(const char *text)
{
	char *s = text ? strdup(text) : NULL;

	if (text && !s)
		abort();
	return s;
}

/* The same key of the section that is being read. */
static struct config_place *find_again(
	struct config_places *places, const struct config_place *place)
{
	for (size_t i = places->n; i-- > 0;) {
		struct config_place *p = &places->item[i];

		if (p->in != place->in)
			break;
		if (p->key == place->key)
			return p;
	}
	return NULL;
}

void config_places_add(struct config_places *places,
	const struct config_place *place, bool list)
{
	struct config_place *p = find_again(places, place);

	if (p && list)
		return;
	if (!p) {
		if (places->n == places->room) {
			places->room = places->room ? 2 * places->room : 64;
			places->item = reallocarray(places->item, places->room,
				sizeof(*places->item));
			if (!places->item)
				abort();
		}
		p = &places->item[places->n++];
		*p = *place;
		p->name = copy(place->name);
		p->file = copy(place->file);
	}
	p->line = place->line;
}

void config_places_free(struct config_places **places)
{
	for (size_t i = 0; *places && i < (*places)->n; i++) {
		free((*places)->item[i].name);
		free((*places)->item[i].file);
	}
	if (*places)
		free((*places)->item);
	free(*places);
	*places = NULL;
}

/* --- what a fault speaks of ---------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

static struct ear_slice first_word(struct ear_slice s)
{
	size_t n = 0;

	while (n < s.n && is_word(s.p[n]))
		n++;
	return ear_slice_sub(s, 0, n);
}

/* The name between quotes behind a section's kind; cuts it off. */
static struct ear_slice take_name(struct ear_slice *s)
{
	struct ear_slice name = {0};
	size_t end;

	if (s->n < 3 || s->p[0] != ' ' || (s->p[1] != '"' && s->p[1] != '\''))
		return name;
	name = ear_slice_sub(*s, 2, s->n);
	for (end = 0; end + 1 < name.n; end++) {
		if (name.p[end] == s->p[1] &&
			(name.p[end + 1] == ':' || name.p[end + 1] == ' '))
			break;
	}
	*s = ear_slice_sub(name, end + 1, name.n);
	return ear_slice_sub(name, 0, end);
}

static bool same_section(const struct config_place *p, struct ear_slice section,
	struct ear_slice name)
{
	struct ear_slice own = ear_slice_str(p->name ? p->name : "");

	if (!ear_slice_eq(ear_slice_str(p->section), section))
		return false;
	if (name.n >= NAME_CUT && own.n > name.n)
		own.n = name.n;
	return ear_slice_eq(own, name);
}

/* How far from the start of a text a word stands in it; n: nowhere. */
static size_t find_word(struct ear_slice text, const char *word)
{
	for (size_t at = 0; at < text.n; at++) {
		struct ear_slice w =
			first_word(ear_slice_sub(text, at, text.n));

		if (ear_slice_eq(w, ear_slice_str(word)))
			return at;
		at += w.n;
	}
	return text.n;
}

void ear_config_blame(const struct ear_config *config, struct ear_fault *fault)
{
	const struct config_places *places = config->places;
	struct ear_slice text = ear_slice_str(fault->text);
	struct ear_slice section = first_word(text), name;
	const struct config_place *best = NULL;
	struct ear_fault why = *fault;
	size_t least = text.n + 1;

	text = ear_slice_sub(text, section.n, text.n);
	name = take_name(&text);
	if (!text.n || text.p[0] != ':')
		return;
	for (size_t i = 0; places && i < places->n; i++) {
		const struct config_place *p = &places->item[i];
		size_t at;

		if (!same_section(p, section, name))
			continue;
		at = p->key ? find_word(text, p->key) : text.n;
		if (at < least) {
			least = at;
			best = p;
		}
	}
	if (!best)
		return;
	ear_fail(fault, why.code, why.offset, "%s:%u: %.*s", best->file,
		best->line, (int)sizeof(fault->text), why.text);
	fault->sys_errno = why.sys_errno;
}
