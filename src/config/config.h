/* SPDX-License-Identifier: Apache-2.0 */
/** The configuration file, read by libconfuse and checked against its keys. */
#ifndef EAR_CONFIG_CONFIG_H
#define EAR_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "config/config_keys.h"

/** A list of texts. */
struct ear_config_list {
	char **item;
	size_t n;
};

#define EAR_CONFIG_C_INT uint64_t
#define EAR_CONFIG_C_SIZE uint64_t
#define EAR_CONFIG_C_TIME uint64_t
#define EAR_CONFIG_C_BOOL bool
#define EAR_CONFIG_C_TEXT char *
#define EAR_CONFIG_C_WORD char *
#define EAR_CONFIG_C_ADDR char *
#define EAR_CONFIG_C_LIST struct ear_config_list
#define EAR_CONFIG_C_NETS struct ear_config_list

/* One struct a section, one member a key: struct ear_config_listener … */
#define K(section, key, type, def, least, most, unit, help) \
	EAR_CONFIG_C_##type key;
#define S(section, many, help)                                        \
	struct ear_config_##section {                                 \
		char *name; /* the title; NULL where there is none */ \
		EAR_CONFIG_##section(K)                               \
	};
EAR_CONFIG_SECTIONS(S)
#undef K
#undef S

/** Most sections of one kind. */
#define EAR_CONFIG_MANY 64

/* Each section as an array with its count: listener[], listeners … */
#define S(section, many, help)                                       \
	struct ear_config_##section section[EAR_CONFIG_MANY_##many]; \
	size_t section##_n;
#define EAR_CONFIG_MANY_MULTI EAR_CONFIG_MANY
#define EAR_CONFIG_MANY_SINGLE 1
struct ear_config {
	EAR_CONFIG_SECTIONS(S)
	struct config_places *places; /* for ear_config_blame() */
};
#undef S

/**
 * Read a file.
 *
 * @param path NULL for the defaults alone
 * @return EAR_OK; EAR_SYS when it cannot be read; EAR_USAGE with a fault that
 *         names file, line and key
 */
EAR_MUST_USE enum ear_err ear_config_read(
	const char *path, struct ear_config **config, struct ear_fault *fault);

/**
 * The same from a text; faults name it "configuration". It may include files.
 */
EAR_MUST_USE enum ear_err ear_config_read_text(
	const char *text, struct ear_config **config, struct ear_fault *fault);

void ear_config_free(struct ear_config **config);

/**
 * Say where in the file a fault is that was found after reading: with
 * "earshot.conf:12: " before it when it begins with a section, as `trace "x":
 * rule: …`, at the line of the key that it names, else of the section.
 */
void ear_config_blame(const struct ear_config *config, struct ear_fault *fault);

/** Whether a section that stands once says the same in both. */
bool ear_config_same(const struct ear_config *a, const struct ear_config *b,
	const char *section);

/** Every key with its default, range and help, as an example file. */
void ear_config_print_keys(FILE *out);

/** The same as sections of the manual page earshot.conf(5). */
void ear_config_print_man(FILE *out);

#endif
