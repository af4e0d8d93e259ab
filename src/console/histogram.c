/* SPDX-License-Identifier: Apache-2.0 */
/* GET histogram: what matches, counted over time. */
#include <stdlib.h>

#include "base/time.h"
#include "console/found.h"
#include "console/priv.h"

#define BUCKETS_MAX 400

static const char *const classes[8] = {
	"request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "other"};

/* The longest step that can be said in ns. */
#define STEP_MOST_MS (UINT64_MAX / EAR_MS_NS)

uint64_t ear_step_round(uint64_t step_ms)
{
	static const uint64_t steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500,
		1000, 2000, 5000, 10000, 15000, 20000, 30000, 60000, 120000,
		180000, 300000, 600000, 900000, 1200000, 1800000, 3600000,
		7200000, 10800000, 21600000, 43200000, 86400000};
	size_t n = sizeof(steps) / sizeof(steps[0]);

	for (size_t i = 0; i < n; i++)
		if (steps[i] >= step_ms)
			return steps[i];
	/* whole days; of all of time there may be no whole one left */
	step_ms = (step_ms + steps[n - 1] - 1) / steps[n - 1] * steps[n - 1];
	return step_ms < STEP_MOST_MS ? step_ms : STEP_MOST_MS;
}

/* The span asked for, closed where it was left open by what is kept. */
static void close_span(struct ear_call *call, const struct ear_asked *asked,
	uint64_t *from, uint64_t *to)
{
	struct ear_store *store = call->console->o.store;
	struct ear_store_stats stats = {0};
	uint64_t from_expr, to_expr;

	ear_expr_span(asked->expr, &from_expr, &to_expr);
	*from = asked->query.from_ns > from_expr ? asked->query.from_ns
						 : from_expr;
	*to = asked->query.to_ns < to_expr ? asked->query.to_ns : to_expr;
	if (*from == 0 || *to == UINT64_MAX)
		store->ops->stats(store, &stats);
	if (*from == 0)
		*from = stats.oldest_ns ? stats.oldest_ns : asked->now_ns;
	if (*to == UINT64_MAX)
		*to = stats.newest_ns > asked->now_ns ? stats.newest_ns
						      : asked->now_ns;
	if (*to < *from)
		*to = *from;
}

static void write_histogram(struct ear_json *j, const struct ear_histogram *h,
	const struct ear_found *found, const struct ear_asked *asked)
{
	ear_json_open(j, '{');
	ear_json_ktime(j, "from", h->from_ns);
	ear_json_ku64(j, "step_ms", h->step_ns / EAR_MS_NS);
	ear_json_key(j, "classes");
	ear_json_open(j, '[');
	for (size_t k = 0; k < 8; k++)
		ear_json_str(j, ear_slice_str(classes[k]));
	ear_json_close(j, ']');
	ear_json_key(j, "buckets");
	ear_json_open(j, '[');
	for (size_t i = 0; i < h->buckets; i++) {
		ear_json_open(j, '[');
		for (size_t k = 0; k < 8; k++)
			ear_json_u64(j, h->n[i][k]);
		ear_json_close(j, ']');
	}
	ear_json_close(j, ']');
	ear_json_key(j, "found");
	ear_found_json(j, found, asked);
	ear_json_close(j, '}');
}

void ear_search_histogram(struct ear_call *call)
{
	struct ear_store *store = call->console->o.store;
	struct ear_json j = ear_call_json(call);
	struct ear_histogram h = {0};
	struct ear_found found = {0};
	struct ear_fault fault = {0};
	uint64_t wanted, from, to;
	struct ear_asked asked;
	enum ear_err err;

	if (!ear_asked_init(&asked, call) ||
		!ear_call_number(call, "buckets", 1, BUCKETS_MAX, 120, &wanted))
		goto out;
	close_span(call, &asked, &from, &to);
	/* one bucket of the wanted ones is spent on beginning at a round
	 * time */
	h.step_ns = ear_step_round((to - from) / EAR_MS_NS /
					   (wanted > 1 ? wanted - 1 : 1) +
				   1) *
		    EAR_MS_NS;
	h.from_ns = wanted > 1 ? from - from % h.step_ns : from;
	h.buckets = (to - h.from_ns) / h.step_ns + 1;
	h.n = calloc(h.buckets, sizeof(*h.n));
	if (!h.n) {
		ear_call_fail(call, 503, "out of memory");
		goto out;
	}
	err = store->ops->histogram(store, &asked.query, &h, &found, &fault);
	if (err) {
		ear_call_fault(call, err, &fault);
		goto out;
	}
	ear_found_tell(call, &asked, &found);
	write_histogram(&j, &h, &found, &asked);
out:
	free(h.n);
	ear_asked_fini(&asked);
}
