/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/time.h"

void ear_thread_self(const char *name, enum ear_weight weight)
{
	/* Linux weighs single threads; below 0 only with the right to. */
	static const int nice_of[] = {
		[EAR_WEIGHT_RECEIVE] = -10,
		[EAR_WEIGHT_PUMP] = 5,
		[EAR_WEIGHT_WORK] = 10,
	};

	pthread_setname_np(pthread_self(), name);
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice_of[weight]);
}

void ear_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

bool ear_cond_wait(
	pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / EAR_SECOND_NS),
		.tv_nsec = (long)(until_ns % EAR_SECOND_NS)};

	return pthread_cond_timedwait(cond, lock, &until) == 0;
}
