/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys for people: as an example file, and for the manual. */
#include <inttypes.h>
#include <string.h>

#include "config/config_table.h"

/* Help folded to comment lines. */
static void print_help(FILE *out, const char *indent, const char *text)
{
	while (*text) {
		size_t n = strlen(text), room = 76 - strlen(indent);

		if (n > room) {
			for (n = room; n && text[n] != ' ';)
				n--;
			if (!n) /* one long word */
				n = strcspn(text, " ");
		}
		fprintf(out, "%s# %.*s\n", indent, (int)n, text);
		text += n;
		while (*text == ' ')
			text++;
	}
}

/* A section that stands under a name is one more, not a default. */
void ear_config_print_keys(FILE *out)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct config_section *s = &config_sections[i];
		const char *off = s->multi ? "#" : "";
		const char *indent = s->multi ? "#\t" : "\t";

		print_help(out, "", s->help);
		fprintf(out, "%s%s%s {\n", off, s->name,
			s->multi ? " \"name\"" : "");
		for (size_t k = 0; k < CONFIG_KEYS; k++) {
			const struct config_key *key = &config_keys[k];

			if (strcmp(key->section, s->name) != 0)
				continue;
			print_help(out, indent, key->help);
			fprintf(out, "%s# %s\n", indent, key->unit);
			if (config_is_list(key))
				fprintf(out, "%s# %s = {}\n%s\n", indent,
					key->name, off);
			else
				fprintf(out, "%s# %s = \"%s\"\n%s\n", indent,
					key->name, key->def, off);
		}
		fprintf(out, "%s}\n\n", off);
	}
}

/* A text for troff: backslashes, and dots and quotes at a line's start. */
static void print_man_text(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

void ear_config_print_man(FILE *out)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct config_section *s = &config_sections[i];

		fprintf(out, ".SS %s%s\n", s->name,
			s->multi ? " \"name\"" : "");
		print_man_text(out, s->help);
		for (size_t k = 0; k < CONFIG_KEYS; k++) {
			const struct config_key *key = &config_keys[k];

			if (strcmp(key->section, s->name) != 0)
				continue;
			fprintf(out, ".TP\n.B %s\n", key->name);
			print_man_text(out, key->help);
			fprintf(out, ".br\nUnit: %s. Default: %s.", key->unit,
				config_is_list(key) ? "{}"
				: *key->def         ? key->def
						    : "empty");
			if (key->most && key->type == CONFIG_INT)
				fprintf(out,
					" From %" PRIu64 " to %" PRIu64 ".",
					key->least, key->most);
			fputc('\n', out);
		}
	}
}
