/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/gaps.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "flow/gaps_priv.h"

#define MAX_BYTES ((uint64_t)1 << 20)

/* Gaps that wait for the disk; further ones are joined to the last. */
#define WAITING 256

/* Taps whose counters are kept apart, and lines of a ledger looked at. */
#define TAPS 160
#define LINES 4096

/* Losses; the first ones are counted where messages come in. */
static const enum ear_count losses[] = {EAR_N_KERNEL_DROP, EAR_N_JOURNAL_FULL,
	EAR_N_OVERSIZE, EAR_N_STORE_FULL, EAR_N_CORRUPT};
#define LOSSES (sizeof(losses) / sizeof(losses[0]))
#define AT_ONCE 2

struct tap {
	char name[48];
	uint64_t n[LOSSES];   /* now */
	uint64_t was[LOSSES]; /* at the last look */
};

struct ear_gaps {
	char path[2200];
	uint64_t max_bytes;
	pthread_mutex_t lock; /* of waiting */
	struct ear_gap_list waiting;

	/* what the last look saw */
	uint64_t looked_ns;
	struct tap tap[TAPS];
	size_t taps;
	struct ear_ledger_line *lines;
	uint64_t lost_bytes, missing;
	uint64_t removed_messages;
};

enum ear_err ear_gaps_new(
	const char *data_dir, uint64_t max_bytes, struct ear_gaps **out)
{
	struct ear_gaps *g = calloc(1, sizeof(*g));

	*out = NULL;
	if (g)
		g->lines = calloc(LINES, sizeof(*g->lines));
	if (!g || !g->lines) {
		free(g);
		return EAR_NOMEM;
	}
	g->max_bytes = max_bytes ? max_bytes : MAX_BYTES;
	snprintf(g->path, sizeof(g->path), "%s/" EAR_GAPS_FILE, data_dir);
	pthread_mutex_init(&g->lock, NULL);
	ear_gaps_reserve(g->path);
	*out = g;
	return EAR_OK;
}

void ear_gaps_free(struct ear_gaps **gp)
{
	struct ear_gaps *g = *gp;

	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	ear_gap_list_fini(&g->waiting);
	free(g->lines);
	free(g);
	*gp = NULL;
}

static void complain(const struct ear_fault *fault)
{
	static struct ear_log_gate gate;
	uint64_t skipped;

	if (ear_log_every(&gate, &skipped))
		ear_log(EAR_WARN, "gaps.write", "reason", EAR_LS(fault->text),
			NULL);
}

/* Under the lock. */
static void keep(struct ear_gaps *g, const struct ear_gap *gap)
{
	struct ear_gap *last;

	if (g->waiting.n < WAITING && !ear_gap_list_add(&g->waiting, gap))
		return;
	if (!g->waiting.n)
		return; /* no memory for the first: the ledger still has it */
	last = &g->waiting.v[g->waiting.n - 1];
	if (gap->from_ns < last->from_ns)
		last->from_ns = gap->from_ns;
	if (gap->to_ns > last->to_ns)
		last->to_ns = gap->to_ns;
	last->count += gap->count;
	last->tap[0] = '\0';
	snprintf(last->reason, sizeof(last->reason), "%s", EAR_GAP_SEVERAL);
}

/* Under the lock. */
static void write_waiting(struct ear_gaps *g)
{
	struct ear_fault fault = {0};

	if (!g->waiting.n)
		return;
	if (ear_gaps_append(g->path, &g->waiting, &fault)) {
		complain(&fault);
		return;
	}
	g->waiting.n = 0;
	if (ear_gaps_compact(g->path, g->max_bytes, &fault))
		complain(&fault);
}

void ear_gaps_add(struct ear_gaps *g, const struct ear_gap *gap)
{
	pthread_mutex_lock(&g->lock);
	keep(g, gap);
	write_waiting(g);
	pthread_mutex_unlock(&g->lock);
}

/* --- what to note ------------------------------------------------------- */

static struct tap *tap_of(struct ear_gaps *g, const char *name)
{
	for (size_t i = 0; i < g->taps; i++)
		if (!strcmp(g->tap[i].name, name))
			return &g->tap[i];
	if (g->taps == TAPS)
		return &g->tap[TAPS - 1];
	/* the last one is for all that have no place of their own */
	if (g->taps == TAPS - 1)
		name = "";
	snprintf(g->tap[g->taps].name, sizeof(g->tap[0].name), "%s", name);
	return &g->tap[g->taps++];
}

static void sum_taps(struct ear_gaps *g, struct ear_ledger *ledger)
{
	size_t n = ear_ledger_read(ledger, g->lines, LINES);

	for (size_t i = 0; i < g->taps; i++)
		memset(g->tap[i].n, 0, sizeof(g->tap[i].n));
	for (size_t i = 0; i < n && i < LINES; i++) {
		struct tap *tap = tap_of(g, g->lines[i].tap);

		for (size_t k = 0; k < LOSSES; k++)
			tap->n[k] += g->lines[i].n[losses[k]];
	}
}

static void note_tap(struct ear_gaps *g, struct tap *tap, uint64_t behind_ns,
	uint64_t now_ns)
{
	for (size_t k = 0; k < LOSSES; k++) {
		struct ear_gap gap = {.from_ns = g->looked_ns,
			.to_ns = now_ns,
			.count = tap->n[k] - tap->was[k]};

		if (tap->n[k] <= tap->was[k])
			continue;
		if (k >= AT_ONCE && behind_ns < gap.from_ns)
			gap.from_ns = behind_ns;
		if (gap.from_ns > now_ns) /* the clock went back */
			gap.from_ns = now_ns;
		snprintf(gap.tap, sizeof(gap.tap), "%s", tap->name);
		snprintf(gap.reason, sizeof(gap.reason), "%s",
			ear_count_key(losses[k]));
		keep(g, &gap);
		tap->was[k] = tap->n[k];
	}
}

void ear_gaps_ledger(struct ear_gaps *g, struct ear_ledger *ledger,
	uint64_t behind_ns, uint64_t now_ns)
{
	sum_taps(g, ledger);
	if (!g->looked_ns)
		g->looked_ns = now_ns;
	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->taps; i++)
		note_tap(g, &g->tap[i], behind_ns, now_ns);
	write_waiting(g);
	pthread_mutex_unlock(&g->lock);
	g->looked_ns = now_ns;
}

void ear_gaps_journal(struct ear_gaps *g, uint64_t lost_bytes, uint64_t missing,
	uint64_t behind_ns, uint64_t now_ns)
{
	const struct ear_gap gap = {
		.from_ns = behind_ns < now_ns ? behind_ns : now_ns,
		.to_ns = now_ns,
		.count = lost_bytes - g->lost_bytes,
		.reason = EAR_GAP_JOURNAL,
	};

	if (lost_bytes == g->lost_bytes && missing == g->missing)
		return;
	g->lost_bytes = lost_bytes;
	g->missing = missing;
	ear_gaps_add(g, &gap);
}

void ear_gaps_retention(struct ear_gaps *g, const struct ear_store_stats *stats,
	uint64_t now_ns)
{
	/* segments overlap in capture time: the end of what went, not the
	 * beginning of what stayed; a clock that ran ahead counts as now */
	const struct ear_gap gap = {
		.to_ns = stats->removed_to_ns < now_ns ? stats->removed_to_ns
						       : now_ns,
		.count = stats->removed_messages - g->removed_messages,
		.reason = EAR_GAP_RETENTION,
	};

	if (stats->removed_messages == g->removed_messages)
		return;
	g->removed_messages = stats->removed_messages;
	ear_gaps_add(g, &gap);
}

/* --- who answers -------------------------------------------------------- */

static void tell(const char *path, struct ear_gap_list *list, uint64_t from_ns,
	uint64_t to_ns, struct ear_found *found)
{
	struct ear_fault fault = {0};

	if (ear_gaps_read(path, list, &fault))
		ear_found_missing(found, "what was lost is not known: %.160s",
			fault.text[0] ? fault.text : "out of memory");
	ear_gap_list_tell(list, from_ns, to_ns, found);
}

void ear_gaps_add_to(const char *data_dir, uint64_t from_ns, uint64_t to_ns,
	struct ear_found *found)
{
	struct ear_gap_list list = {0};
	char path[2200];

	snprintf(path, sizeof(path), "%s/" EAR_GAPS_FILE, data_dir);
	tell(path, &list, from_ns, to_ns, found);
	ear_gap_list_fini(&list);
}

void ear_gaps_tell(struct ear_gaps *g, uint64_t from_ns, uint64_t to_ns,
	struct ear_found *found)
{
	struct ear_gap_list list = {0};
	bool nomem = false;

	pthread_mutex_lock(&g->lock);
	for (size_t i = 0; i < g->waiting.n; i++)
		if (ear_gap_list_add(&list, &g->waiting.v[i]))
			nomem = true;
	pthread_mutex_unlock(&g->lock);
	if (nomem)
		ear_found_missing(
			found, "what was lost is not known: out of memory");
	tell(g->path, &list, from_ns, to_ns, found);
	ear_gap_list_fini(&list);
}
