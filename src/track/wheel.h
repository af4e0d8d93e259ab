/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Timers of a table's entries (table.h), by handle, to the second. Putting one
 * off costs nothing: it is looked at when its old time comes, and put where it
 * belongs then. Whoever needs it to the nanosecond asks the entry itself.
 */
#ifndef EAR_TRACK_WHEEL_H
#define EAR_TRACK_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAR_WHEEL_SLOTS 8192u

struct ear_wheel {
	struct ear_wheel_node *node; /**< owned; by handle */
	size_t nodes;
	uint64_t at_s; /**< slots before this one are done */
	uint32_t slot[EAR_WHEEL_SLOTS];
};

/** Fire at due_s or later. One that is set already is fired at the earlier of
 *  both. @return false: no memory */
bool ear_wheel_set(struct ear_wheel *w, uint32_t h, uint64_t due_s);
void ear_wheel_clear(struct ear_wheel *w, uint32_t h);

/** The next handle that was due before now_s, which is cleared; 0: no more */
uint32_t ear_wheel_pop(struct ear_wheel *w, uint64_t now_s);

size_t ear_wheel_bytes(const struct ear_wheel *w);
void ear_wheel_fini(struct ear_wheel *w);

#endif
