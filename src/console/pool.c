/* SPDX-License-Identifier: Apache-2.0 */
#include "console/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct ear_pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct ear_job *first;
	struct ear_job **last;
	unsigned waiting;
	unsigned idle; /* threads with nothing to do */
	unsigned queue;
	bool stop;
	ear_job_done_fn done;
	void *arg;
	unsigned threads;
	pthread_t thread[64];
};

static void *work(void *arg)
{
	struct ear_pool *p = arg;
	struct ear_job *job;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->first && !p->stop) {
			p->idle++;
			pthread_cond_wait(&p->wake, &p->lock);
			p->idle--;
		}
		job = p->first;
		if (!job)
			break;
		p->first = job->next;
		if (!p->first)
			p->last = &p->first;
		p->waiting--;
		pthread_mutex_unlock(&p->lock);
		job->run(job);
		p->done(job, p->arg);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

enum ear_err ear_pool_new(const char *name, unsigned threads, unsigned queue,
	ear_job_done_fn done, void *arg, struct ear_pool **pool)
{
	struct ear_pool *p = calloc(1, sizeof(*p));

	*pool = NULL;
	if (!p)
		return EAR_NOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	p->last = &p->first;
	p->queue = queue;
	p->done = done;
	p->arg = arg;
	for (unsigned i = 0; i < threads && i < 64; i++) {
		if (pthread_create(&p->thread[i], NULL, work, p))
			break;
		pthread_setname_np(p->thread[i], name);
		p->threads++;
	}
	if (p->threads == 0) {
		ear_pool_free(&p);
		return EAR_SYS;
	}
	*pool = p;
	return EAR_OK;
}

enum ear_err ear_pool_put(struct ear_pool *p, struct ear_job *job)
{
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&p->lock);
	if (p->stop || p->waiting >= p->queue + p->idle) {
		err = EAR_FULL;
	} else {
		job->next = NULL;
		*p->last = job;
		p->last = &job->next;
		p->waiting++;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	return err;
}

void ear_pool_free(struct ear_pool **pool)
{
	struct ear_pool *p = *pool;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	*pool = NULL;
}
