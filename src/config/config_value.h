/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The value of a key: a text of the file, checked by the key's row, and a
 * member of its section's struct, set, freed and compared by the same row.
 */
#ifndef EAR_CONFIG_VALUE_H
#define EAR_CONFIG_VALUE_H

#include "base/err.h"
#include "config/config_table.h"

/**
 * Whether a key takes a text.
 *
 * @param text what was assigned last, of a list the entry that came last
 * @param n    how many entries a list has with it; 0: it was emptied
 * @return EAR_OK; EAR_USAGE with a fault that begins with the key
 */
EAR_MUST_USE enum ear_err config_value_check(const struct config_key *key,
	const char *text, size_t n, struct ear_fault *fault);

/**
 * Set the member; texts are copied, and were checked or are the default.
 *
 * @param text    n of them for a list, else one
 * @param section struct ear_config_x of the key, this member not set yet
 */
void config_value_put(const struct config_key *key, const char *const *text,
	size_t n, char *section);

/** Free what the member holds. */
void config_value_free(const struct config_key *key, char *section);

/** Whether the member is the same in two structs of one section. */
bool config_value_same(
	const struct config_key *key, const char *a, const char *b);

#endif
