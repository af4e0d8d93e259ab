/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/notices.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"

struct notice {
	uint64_t at_ns;
	char event[48];
	char text[320];
};

struct ear_notices {
	pthread_mutex_t lock;
	size_t added; /* since the start; the ring's next place */
	struct notice ring[EAR_NOTICES_KEPT];
};

enum ear_err ear_notices_new(struct ear_notices **out)
{
	struct ear_notices *n = calloc(1, sizeof(*n));

	*out = n;
	if (!n)
		return EAR_NOMEM;
	pthread_mutex_init(&n->lock, NULL);
	return EAR_OK;
}

void ear_notices_free(struct ear_notices **np)
{
	if (!*np)
		return;
	pthread_mutex_destroy(&(*np)->lock);
	free(*np);
	*np = NULL;
}

void ear_notices_add(const char *event, struct ear_slice text, void *arg)
{
	struct ear_notices *n = arg;
	struct notice *at;

	ear_log(EAR_NOTICE, event, "text", EAR_LB(text), NULL);
	pthread_mutex_lock(&n->lock);
	at = &n->ring[n->added++ % EAR_NOTICES_KEPT];
	at->at_ns = ear_now_ns();
	snprintf(at->event, sizeof(at->event), "%s", event);
	snprintf(at->text, sizeof(at->text), "%.*s", EAR_FMT(text));
	pthread_mutex_unlock(&n->lock);
}

void ear_notices_json(struct ear_notices *n, struct ear_json *json)
{
	size_t kept;

	pthread_mutex_lock(&n->lock);
	kept = n->added < EAR_NOTICES_KEPT ? n->added : EAR_NOTICES_KEPT;
	ear_json_open(json, '[');
	for (size_t i = 0; i < kept; i++) {
		const struct notice *at =
			&n->ring[(n->added - 1 - i) % EAR_NOTICES_KEPT];

		ear_json_open(json, '{');
		ear_json_ktime(json, "at", at->at_ns);
		ear_json_kstr(json, "event", ear_slice_str(at->event));
		ear_json_kstr(json, "text", ear_slice_str(at->text));
		ear_json_close(json, '}');
	}
	ear_json_close(json, ']');
	pthread_mutex_unlock(&n->lock);
}
