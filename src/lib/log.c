/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the log know no handle: those of all that are open go to each of
 * them that wants lines of their level. Without one they go nowhere, and
 * never to standard error, which belongs to the server.
 */
#include "base/log.h"
#include "lib/lib_priv.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct earshot *open_ones;

static void line(enum ear_level level, const char *text, void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	for (struct earshot *e = open_ones; e; e = e->next) {
		if (e->log && level >= e->level)
			e->log((int)level, text, e->log_arg);
	}
	pthread_mutex_unlock(&lock);
}

static void take_over(void)
{
	ear_log_to(line, EAR_ERROR, NULL);
}

/* What nobody wants is not even made. */
static void set_level(void)
{
	enum ear_level least = EAR_ERROR;

	for (struct earshot *e = open_ones; e; e = e->next) {
		if (e->log && e->level < least)
			least = e->level;
	}
	ear_log_level_set(least);
}

void ear_lib_log_join(struct earshot *e)
{
	pthread_once(&once, take_over);
	pthread_mutex_lock(&lock);
	e->next = open_ones;
	open_ones = e;
	set_level();
	pthread_mutex_unlock(&lock);
}

void ear_lib_log_leave(struct earshot *e)
{
	pthread_mutex_lock(&lock);
	for (struct earshot **at = &open_ones; *at; at = &(*at)->next) {
		if (*at == e) {
			*at = e->next;
			break;
		}
	}
	set_level();
	pthread_mutex_unlock(&lock);
}

void ear_lib_log_level(struct earshot *e, enum ear_level level)
{
	pthread_mutex_lock(&lock);
	e->level = level;
	set_level();
	pthread_mutex_unlock(&lock);
}
