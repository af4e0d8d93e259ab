/* SPDX-License-Identifier: Apache-2.0 */
/* What may take long and no message waits for: retention, and the status. */
#include "base/thread.h"
#include "base/time.h"
#include "flow/status.h"
#include "lib/lib_priv.h"

#define LOOK_MS 5000

static void write_members(struct earshot *e, struct ear_json *j)
{
	struct ear_store_stats store = {0};
	struct ear_retention keep;
	uint64_t n[EAR_N_COUNT];

	pthread_mutex_lock(&e->lock_asked);
	keep = e->keep;
	pthread_mutex_unlock(&e->lock_asked);
	ear_ledger_sum(e->ledger, n);
	e->store->ops->stats(e->store, &store);
	ear_json_ktime(j, "as_of", ear_now_ns());
	ear_json_kstr(j, "version", EAR_S(EARSHOT_VERSION));
	ear_json_kstr(j, "library", ear_slice_str(e->tap));
	ear_json_ktime(j, "started", e->started_ns);
	ear_json_ku64(
		j, "uptime_s", (ear_now_ns() - e->started_ns) / EAR_SECOND_NS);
	ear_status_totals(j, n, store.pending);
	ear_status_ledger(j, e->ledger);
	ear_status_store(j, &store, &keep);
	ear_rules_json(e->rules, j);
	ear_json_key(j, "notices");
	ear_notices_json(e->notices, j);
}

void ear_lib_write_status(struct earshot *e)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);

	ear_json_open(&j, '{');
	write_members(e, &j);
	ear_json_close(&j, '}');
	ear_status_write(e->dir, &out);
	ear_buf_fini(&out);
}

void *ear_lib_keeper(void *arg)
{
	struct earshot *e = arg;

	ear_thread_self("earshot-keep", EAR_WEIGHT_WORK);
	pthread_mutex_lock(&e->lock_asked);
	while (!e->stops) {
		uint64_t until_ns = ear_lib_until(LOOK_MS);

		pthread_mutex_unlock(&e->lock_asked);
		e->store->ops->retain(e->store, ear_now_ns());
		ear_lib_write_status(e);
		pthread_mutex_lock(&e->lock_asked);
		while (!e->stops &&
			ear_cond_wait(&e->told, &e->lock_asked, until_ns))
			;
	}
	pthread_mutex_unlock(&e->lock_asked);
	return NULL;
}
