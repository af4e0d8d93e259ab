/* SPDX-License-Identifier: Apache-2.0 */
/** The rows of config_keys.h as data, for the files config*.c only. */
#ifndef EAR_CONFIG_TABLE_H
#define EAR_CONFIG_TABLE_H

#include "config/config.h"

enum config_type {
	CONFIG_INT,
	CONFIG_SIZE,
	CONFIG_TIME,
	CONFIG_BOOL,
	CONFIG_TEXT,
	CONFIG_WORD,
	CONFIG_ADDR,
	CONFIG_LIST,
	CONFIG_NETS,
};

/** A key. */
struct config_key {
	const char *section;
	const char *name;
	enum config_type type;
	const char *def;
	uint64_t least, most;
	const char *unit;
	const char *help;
	size_t offset; /**< of the member in its section's struct */
};

struct config_section {
	const char *name;
	bool multi;
	const char *help;
	size_t offset; /**< of the array in struct ear_config */
	size_t size;   /**< of one element */
	size_t count_offset;
};

#define K(section, key, type, def, least, most, unit, help) +1
#define S(section, many, help) EAR_CONFIG_##section(K)
enum { CONFIG_KEYS = 0 EAR_CONFIG_SECTIONS(S) };
#undef S
#define S(section, many, help) +1
enum { CONFIG_SECTIONS = 0 EAR_CONFIG_SECTIONS(S) };
#undef S
#undef K

extern const struct config_key config_keys[CONFIG_KEYS];
extern const struct config_section config_sections[CONFIG_SECTIONS];

static inline bool config_is_list(const struct config_key *key)
{
	return key->type == CONFIG_LIST || key->type == CONFIG_NETS;
}

#endif
