/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How fast a store that is there finds things, inside the process:
 *
 *     find-bench DIR
 *
 * Takes a few hundred messages at random times from the store itself and asks
 * for their Call-IDs and users; then reads everything. Prints one JSON object
 * a line: {"what", "figure"}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "store/embedded.h"

#define SAMPLES 300

struct sample {
	char call_id[256];
	char user[128];
};

static struct sample samples[SAMPLES];
static size_t sampled;

static void fail(const char *what, const struct ear_fault *fault)
{
	fprintf(stderr, "find-bench: %s: %s\n", what, fault->text);
	exit(1);
}

static void ignore(const char *event, struct ear_slice text, void *arg)
{
	(void)event;
	(void)text;
	(void)arg;
}

static bool remember(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct sample *s = &samples[sampled];

	(void)msg;
	(void)arg;
	snprintf(s->call_id, sizeof(s->call_id), "call_id == \"%.*s\"",
		EAR_FMT(facts->call_id));
	snprintf(s->user, sizeof(s->user), "user == \"%.*s\"",
		EAR_FMT(facts->from_user));
	sampled++;
	return false;
}

static bool count(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	(void)msg;
	(void)facts;
	++*(uint64_t *)arg;
	return true;
}

/* Messages at random times over all that is kept. */
static void take_samples(struct ear_store *store, struct ear_store_stats *st)
{
	struct ear_fault fault = {0};
	struct ear_found found;

	srandom(1);
	for (size_t i = 0; i < SAMPLES; i++) {
		double at = (double)random() / RAND_MAX * 0.999;
		struct ear_query q = {.to_ns = UINT64_MAX,
			.from_ns = st->oldest_ns +
				   (uint64_t)(at * (double)(st->newest_ns -
							    st->oldest_ns)),
			.oldest_first = true,
			.limit = 1};

		if (store->ops->find(store, &q, remember, NULL, &found, &fault))
			fail("sample", &fault);
	}
	if (!sampled)
		fail("sample", &(struct ear_fault){.text = "store is empty"});
}

static double ask(struct ear_store *store, const char *text, uint64_t limit,
	uint64_t *got)
{
	struct ear_fault fault = {0};
	struct ear_query q = {.to_ns = UINT64_MAX, .limit = limit};
	struct ear_found found;
	uint64_t began;

	if (ear_expr_new(ear_slice_str(text), 0, &q.expr, &fault))
		fail(text, &fault);
	*got = 0;
	began = ear_mono_ns();
	if (store->ops->find(store, &q, count, got, &found, &fault))
		fail(text, &fault);
	began = ear_mono_ns() - began;
	ear_expr_free(&q.expr);
	if (!found.complete && !found.more)
		fail(text, &(struct ear_fault){.text = "not complete"});
	return (double)began / 1e6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void say(const char *what, const char *figure)
{
	printf("{\"what\":\"%s\",\"figure\":\"%s\"}\n", what, figure);
}

/* Each sample once; the median and the slowest of a hundred. */
static void look_up(
	struct ear_store *store, const char *what, bool users, uint64_t limit)
{
	static double ms[SAMPLES];
	char figure[80];
	uint64_t got;

	for (size_t i = 0; i < sampled; i++) {
		ms[i] = ask(store, users ? samples[i].user : samples[i].call_id,
			limit, &got);
		if (!got)
			fail(what, &(struct ear_fault){.text = "not found"});
	}
	qsort(ms, sampled, sizeof(*ms), by_size);
	snprintf(figure, sizeof(figure), "%.3f ms median, %.3f ms p99",
		ms[sampled / 2], ms[sampled * 99 / 100]);
	say(what, figure);
}

static void read_all(struct ear_store *store, const char *what,
	const char *text, uint64_t messages)
{
	char figure[80];
	uint64_t got;
	double ms = ask(store, text, 0, &got);

	snprintf(figure, sizeof(figure), "%.0f ms, %.1f million messages/s", ms,
		(double)messages / ms / 1000);
	say(what, figure);
}

int main(int argc, char **argv)
{
	struct ear_store_options o = {.dir = argv[1]};
	struct ear_store_stats st = {0};
	struct ear_fault fault = {0};
	struct ear_store *store;

	if (argc != 2) {
		fprintf(stderr, "usage: find-bench DIR\n");
		return 2;
	}
	if (ear_store_embedded.open(&o, ignore, NULL, &store, &fault))
		fail("open", &fault);
	store->ops->stats(store, &st);
	take_samples(store, &st);
	look_up(store, "one Call-ID, first time asked", false, 0);
	look_up(store, "one Call-ID, asked again", false, 0);
	look_up(store, "a user's newest 100 messages", true, 100);
	read_all(store, "a word that is nowhere, all text read",
		"\"no such word\"", st.messages);
	read_all(store, "status >= 900, facts read, no text", "status >= 900",
		st.messages);
	ear_store_embedded.close(&store);
	return 0;
}
