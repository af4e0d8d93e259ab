/* SPDX-License-Identifier: Apache-2.0 */
/** Where sections and keys stand, for faults that are found after reading. */
#ifndef EAR_CONFIG_PLACES_H
#define EAR_CONFIG_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/** A key that stands in a file, or the end of a section. */
struct config_place {
	const void *in;      /**< tells sections apart while they are read */
	const char *section; /**< its kind; borrowed */
	char *name;          /**< of the section; NULL where there is none */
	const char *key;     /**< borrowed; NULL: the section itself */
	char *file;
	unsigned line; /**< from 1 */
};

struct config_places {
	struct config_place *item;
	size_t n, room;
};

/**
 * Note a place; texts of name and file are copied. Of a key that stands
 * there twice it is the last, of what a list has the first.
 */
void config_places_add(struct config_places *places,
	const struct config_place *place, bool list);

void config_places_free(struct config_places **places);

#endif
