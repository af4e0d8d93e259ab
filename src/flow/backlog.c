/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/backlog.h"

#include <jansson.h>
#include <stdio.h>

#include "base/size.h"
#include "base/time.h"
#include "flow/gaps.h"
#include "flow/status.h"

/* Samples stand this far apart, so that they reach back long enough. */
#define APART_NS (200 * EAR_MS_NS)

/* The file is written every 5 seconds; older, its writer has trouble. */
#define STALE_NS (15 * EAR_SECOND_NS)

static void add_sample(struct ear_backlog_watch *w, uint64_t bytes,
	uint64_t mono_ns, uint64_t now_ns)
{
	size_t last = (w->n - 1) % EAR_BACKLOG_SAMPLES;
	size_t at = w->n % EAR_BACKLOG_SAMPLES;

	if (w->n && mono_ns - w->sample[last].mono_ns < APART_NS)
		return;
	w->sample[at].mono_ns = mono_ns;
	w->sample[at].at_ns = now_ns;
	w->sample[at].bytes = bytes;
	w->n++;
}

/*
 * The journal always holds something while messages come in. What tells is
 * whether something waits that was there some time ago: `bytes` went in until
 * now, so `bytes` less those waiting are through.
 */
void ear_backlog_look(struct ear_backlog_watch *w,
	const struct ear_journal_stats *journal, uint64_t mono_ns,
	uint64_t now_ns)
{
	uint64_t appended, through;
	bool old = false, known = false;
	size_t most = EAR_BACKLOG_SAMPLES;

	if (!w->n) /* what was left from before is older than any sample */
		w->base = journal->bytes > journal->appended_bytes
				  ? journal->bytes - journal->appended_bytes
				  : 0;
	appended = w->base + journal->appended_bytes;
	through = appended > journal->bytes ? appended - journal->bytes : 0;
	add_sample(w, appended, mono_ns, now_ns);
	for (size_t i = 0; i < w->n && i < most && !(old && known); i++) {
		size_t at = (w->n - 1 - i) % EAR_BACKLOG_SAMPLES;

		if (!known && w->sample[at].bytes <= through) {
			w->from_ns = w->sample[at].at_ns;
			known = true;
		}
		if (!old && mono_ns - w->sample[at].mono_ns >= w->usual_ns) {
			w->now.lasts = w->sample[at].bytes > through;
			old = true;
		}
	}
	if (!old)
		w->now.lasts = false;
	if (!journal->bytes) {
		w->from_ns = now_ns;
		w->now.lasts = false;
	}
	w->now.bytes = journal->bytes;
	w->now.since_ns = w->from_ns;
}

static bool concerns(const struct ear_backlog *b, uint64_t to_ns)
{
	return b->lasts && to_ns >= b->since_ns;
}

void ear_backlog_tell(
	const struct ear_backlog *b, uint64_t to_ns, struct ear_found *found)
{
	char size[EAR_SIZE_TEXT], since[EAR_TIME_TEXT];

	if (!concerns(b, to_ns))
		return;
	ear_size_text(b->bytes, size);
	ear_time_human(b->since_ns, false, since);
	since[19] = '\0';
	ear_found_missing(found, "%s received%s%s%s cannot be searched yet",
		size, b->since_ns ? " since " : "", b->since_ns ? since : "",
		b->since_ns ? " UTC" : "");
}

static uint64_t time_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	uint64_t at_ns;

	if (!text || ear_time_parse(ear_slice_str(text), 0, &at_ns, NULL))
		return 0;
	return at_ns;
}

void ear_backlog_add_to(const char *data_dir, uint64_t to_ns, uint64_t now_ns,
	struct ear_found *found)
{
	char path[2200], text[EAR_TIME_TEXT];
	struct ear_backlog b = {0};
	const json_t *backlog;
	json_t *status;
	uint64_t as_of;

	snprintf(path, sizeof(path), "%s/" EAR_STATUS_FILE, data_dir);
	status = json_load_file(path, 0, NULL);
	as_of = time_of(status, "as_of");
	backlog = json_object_get(status, "backlog");
	if (backlog) {
		b.bytes = (uint64_t)json_integer_value(
			json_object_get(backlog, "bytes"));
		b.since_ns = time_of(backlog, "since");
		b.lasts = json_is_true(json_object_get(backlog, "lasts"));
	}
	json_decref(status);
	if (as_of && now_ns > as_of + STALE_NS && to_ns >= as_of) {
		ear_time_human(as_of, false, text);
		text[19] = '\0';
		ear_found_missing(found,
			"the server has not written its status since %s UTC: "
			"what waits in its journal is not known",
			text);
		return;
	}
	ear_backlog_tell(&b, to_ns, found);
}
