/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration that was read: freed, and compared with another. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config/config_value.h"
#include "config/places.h"

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
					config_value_free(
						&config_keys[k], from);
			}
		}
	}
	if (base)
		config_places_free(&(*config)->places);
	free(*config);
	*config = NULL;
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
			same = config_value_same(&config_keys[i],
				(const char *)a + offset,
				(const char *)b + offset);
	}
	return same;
}
