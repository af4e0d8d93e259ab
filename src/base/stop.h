/* SPDX-License-Identifier: Apache-2.0 */
/** A flag that another thread, or a signal, sets to end some work. */
#ifndef EAR_BASE_STOP_H
#define EAR_BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

/** Whether the work shall stop. @param stop may be NULL: never */
static inline bool ear_stopped(const volatile bool *stop)
{
	return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
}

/** Let it stop. Any thread, and signal handlers. */
static inline void ear_stop(volatile bool *stop)
{
	__atomic_store_n(stop, true, __ATOMIC_RELAXED);
}

#endif
