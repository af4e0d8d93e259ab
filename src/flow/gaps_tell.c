/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps in words. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/time.h"
#include "flow/gaps_priv.h"

/* Each gap is told up to so many; of more, the first two. */
#define TOLD 3

/* Room for "; and 12345 more gaps" behind the sentences. */
#define TAIL 28

void ear_found_missing(struct ear_found *found, const char *format, ...)
{
	size_t at = strlen(found->why);
	va_list args;

	found->complete = false;
	if (at && at + 2 < sizeof(found->why)) {
		memcpy(found->why + at, "; ", 3);
		at += 2;
	}
	va_start(args, format);
	vsnprintf(found->why + at, sizeof(found->why) - at, format, args);
	va_end(args);
}

/* 1234567 as "1,234,567". */
static void number(uint64_t n, char out[32])
{
	char digits[24];
	size_t len, at = 0;

	len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
}

/* Whole seconds: "2026-11-22 10:38:01". */
static void clock_text(uint64_t at_ns, char out[EAR_TIME_TEXT])
{
	ear_time_human(at_ns, false, out);
	out[19] = '\0';
}

static void span_text(const struct ear_gap *g, char out[96])
{
	char from[EAR_TIME_TEXT], to[EAR_TIME_TEXT];

	clock_text(g->from_ns, from);
	clock_text(g->to_ns, to);
	if (!g->from_ns)
		snprintf(out, 96, "before %s UTC", to);
	else if (!strcmp(from, to))
		snprintf(out, 96, "at %s UTC", from);
	else
		snprintf(out, 96, "between %s and %s UTC", from,
			strncmp(from, to, 11) ? to : to + 11);
}

static const struct {
	const char *reason;
	const char *unit; /* one of them; "" where none are counted */
	const char *one;
	const char *many;
} words[] = {
	{"kernel_drop", "datagram", "was dropped by the kernel",
		"were dropped by the kernel"},
	{"journal_full", "message", "was lost to a full journal",
		"were lost to a full journal"},
	{"store_full", "message", "was lost to a full store",
		"were lost to a full store"},
	{"corrupt", "message", "could not be read back from the journal",
		"could not be read back from the journal"},
	{"oversize", "message", "was too large to be kept",
		"were too large to be kept"},
	{EAR_GAP_JOURNAL, "byte", "of the journal could not be read back",
		"of the journal could not be read back"},
	{EAR_GAP_SEVERAL, "message", "was lost in part of the time",
		"were lost in parts of the time"},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static void lost_text(const struct ear_gap *g, char out[120])
{
	char n[32];
	size_t i = 0;

	while (i < WORDS && strcmp(words[i].reason, g->reason) != 0)
		i++;
	number(g->count, n);
	if (!strcmp(g->reason, EAR_GAP_DAMAGED))
		snprintf(out, 120,
			"what was lost is not known, as " EAR_GAPS_FILE
			" is damaged,");
	else if (!strcmp(g->reason, EAR_GAP_CAPTURE))
		snprintf(out, 120, "nothing could be captured");
	else if (!strcmp(g->reason, EAR_GAP_JOURNAL) && !g->count)
		snprintf(out, 120, "a part of the journal was missing");
	else if (i == WORDS)
		snprintf(out, 120, "%s message%s lost (%s)", n,
			g->count == 1 ? " was" : "s were", g->reason);
	else
		snprintf(out, 120, "%s %s%s %s", n, words[i].unit,
			g->count == 1 ? "" : "s",
			g->count == 1 ? words[i].one : words[i].many);
}

static void sentence(const struct ear_gap *g, char out[320])
{
	char lost[120], span[96], horizon[EAR_TIME_TEXT];

	if (!strcmp(g->reason, EAR_GAP_RETENTION)) {
		clock_text(g->to_ns, horizon);
		snprintf(out, 320,
			"messages until %s UTC were removed by retention",
			horizon);
		return;
	}
	lost_text(g, lost);
	span_text(g, span);
	snprintf(out, 320, "%s%s%s %s", lost, g->tap[0] ? " at " : "", g->tap,
		span);
}

static bool overlaps(const struct ear_gap *g, uint64_t from_ns, uint64_t to_ns)
{
	if (!strcmp(g->reason, EAR_GAP_RETENTION))
		return from_ns && from_ns <= g->to_ns;
	return g->from_ns <= to_ns && g->to_ns >= from_ns;
}

void ear_gap_list_tell(const struct ear_gap_list *list, uint64_t from_ns,
	uint64_t to_ns, struct ear_found *found)
{
	size_t n = 0, most = TOLD, told = 0;
	bool room = true;

	for (size_t i = 0; i < list->n; i++)
		n += overlaps(&list->v[i], from_ns, to_ns);
	if (n > TOLD)
		most = TOLD - 1;
	for (size_t i = 0; i < list->n && told < most && room; i++) {
		char text[320];

		if (!overlaps(&list->v[i], from_ns, to_ns))
			continue;
		sentence(&list->v[i], text);
		room = strlen(found->why) + strlen(text) + TAIL <
		       sizeof(found->why);
		if (room)
			ear_found_missing(found, "%s", text);
		told += room;
	}
	if (told < n)
		ear_found_missing(found, "%s%zu%s gap%s", told ? "and " : "",
			n - told, told ? " more" : "",
			n - told == 1 ? "" : "s");
}
