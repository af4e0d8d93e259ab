/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a thread is called and how it stands against the others when there are
 * more of them than processors.
 *
 * What a receive thread does not take from the kernel in time is lost; all
 * behind it only comes later, since the journal holds it. So the further back
 * a thread works, the more it gives way.
 */
#ifndef EAR_BASE_THREAD_H
#define EAR_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum ear_weight {
	EAR_WEIGHT_RECEIVE, /**< before all others, where that is allowed */
	EAR_WEIGHT_PUMP,    /**< reads the journal */
	EAR_WEIGHT_WORK,    /**< compresses, sorts, commits */
};

/**
 * Name the calling thread and weigh it. Neither can fail in a way that
 * matters.
 *
 * @param name at most 15 bytes, as "store-pack"
 */
void ear_thread_self(const char *name, enum ear_weight weight);

/**
 * A condition whose timed waits go by the monotonic clock: no step of the
 * other may lengthen or cut them.
 */
void ear_cond_init(pthread_cond_t *cond);

/**
 * With the lock held: wait until the condition is told, or until then. As
 * with every condition, it may also end without either.
 *
 * @param cond     of ear_cond_init()
 * @param until_ns as ear_mono_ns() tells it
 * @return false: the time is over
 */
bool ear_cond_wait(
	pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns);

#endif
