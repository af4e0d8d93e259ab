/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The configuration file of a running server, read again: by SIGHUP and by the
 * control method reload.
 */
#ifndef EAR_APP_RELOAD_H
#define EAR_APP_RELOAD_H

#include <pthread.h>

#include "config/settings.h"
#include "console/console.h"

struct ear_reload {
	const char *path; /**< of the file; NULL: there is none */
	const char *data;
	struct ear_server *server;
	struct ear_console *console; /**< NULL: there is none */
	/** of the start: console and control socket keep to it */
	const struct ear_config *first;
	pthread_mutex_t lock;          /**< of the two below */
	struct ear_config *config;     /**< in use since; NULL: still first */
	struct ear_settings *settings; /**< of config */
};

/** Read the file and what follows from it. */
EAR_MUST_USE enum ear_err ear_reload_read(const char *path, const char *data,
	struct ear_config **config, struct ear_settings **settings,
	struct ear_fault *fault);

/**
 * Apply what the file says now, all of it or nothing. Any thread.
 *
 * @param[out] told one line for each key that needs a restart; appended
 * @param      arg  struct ear_reload
 * @return EAR_OK; else the fault names file, section and key, and nothing was
 *         changed
 */
enum ear_err ear_app_reload(
	struct ear_buf *told, struct ear_fault *fault, void *arg);

/** The same, told as a notice with who asked. */
void ear_app_reload_for(struct ear_reload *reload, const char *by);

void ear_reload_fini(struct ear_reload *reload);

#endif
