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

#endif
