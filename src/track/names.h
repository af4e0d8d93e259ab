/* SPDX-License-Identifier: Apache-2.0 */
/** Texts that many share, each kept once and counted: user agents, domains. */
#ifndef EAR_TRACK_NAMES_H
#define EAR_TRACK_NAMES_H

#include "base/slice.h"
#include "track/table.h"

struct ear_names {
	struct ear_table table;
	size_t text_bytes;
};

void ear_names_init(struct ear_names *names);
void ear_names_fini(struct ear_names *names);

/** @return its handle, for one ear_names_drop(); 0 for the empty text, and
 *          without memory */
uint32_t ear_names_take(struct ear_names *names, struct ear_slice text);
void ear_names_drop(struct ear_names *names, uint32_t h);

/** Lives until the last one drops it. */
struct ear_slice ear_names_text(const struct ear_names *names, uint32_t h);

size_t ear_names_bytes(const struct ear_names *names);

#endif
