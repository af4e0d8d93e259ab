/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "track/diagnose_priv.h"

#define HOUR_NS (3600 * EAR_SECOND_NS)

enum reach reach_at(const struct ear_story *story, uint64_t at_ns)
{
	enum reach reach = REACH_NONE;

	for (size_t i = 0; i < story->n_bindings; i++) {
		const struct ear_binding_row *b = &story->bindings[i];
		bool ended = b->ended_ns && b->ended_ns <= at_ns;

		if (b->at_ns > at_ns || ended || b->expires_ns <= at_ns)
			continue;
		if (!b->lost_ns || b->lost_ns > at_ns)
			return REACH_LIVE;
		reach = REACH_DEAD;
	}
	return reach;
}

bool missed_dead(const struct ear_story *story, const struct ear_call_row *call)
{
	if (!ear_slice_eq(call->dst, story->username) ||
		call->disposition == EAR_CALL_ANSWERED ||
		call->disposition == EAR_CALL_IN_PROGRESS ||
		call->disposition == EAR_CALL_BUSY)
		return false;
	return reach_at(story, call->at_ns) == REACH_DEAD;
}

static bool is_connect(const struct ear_session_row *row)
{
	return row->event == EAR_SESSION_CONNECT && row->reconciled;
}

/* Rows come in any order, and a story has some thousands at most: a window
 * from each of them is looked at. Retold rows of one connection do not come
 * twice. */
uint32_t most_connects(const struct ear_story *story, uint64_t *from_ns)
{
	uint32_t most = 0;
	/* More than so many an hour are not told apart. */
	const uint32_t enough = 1000;

	*from_ns = 0;
	for (size_t i = 0; i < story->n_sessions && most < enough; i++) {
		uint64_t from = story->sessions[i].at_ns;
		uint32_t n = 0;

		if (!is_connect(&story->sessions[i]))
			continue;
		for (size_t j = 0; j < story->n_sessions; j++) {
			const struct ear_session_row *row = &story->sessions[j];

			if (is_connect(row) && row->at_ns >= from &&
				row->at_ns - from < HOUR_NS)
				n++;
		}
		if (n > most) {
			most = n;
			*from_ns = from;
		}
	}
	return most;
}

static void count_sessions(
	const struct ear_story *story, struct ear_story_figures *f)
{
	for (size_t i = 0; i < story->n_sessions; i++) {
		const struct ear_session_row *row = &story->sessions[i];

		f->connects += is_connect(row);
		if (row->event != EAR_SESSION_REGISTER)
			continue;
		f->registers += !row->failed;
		f->refused += row->failed;
	}
}

static void count_bindings(
	const struct ear_story *story, struct ear_story_figures *f)
{
	for (size_t i = 0; i < story->n_bindings; i++) {
		const struct ear_binding_row *b = &story->bindings[i];

		if (b->refreshes &&
			(!f->has_margin || b->margin_s < f->least_margin_s)) {
			f->has_margin = true;
			f->least_margin_s = b->margin_s;
		}
		if (reach_at(story, story->now_ns) == REACH_DEAD &&
			b->lost_ns && !b->ended_ns &&
			b->expires_ns > story->now_ns &&
			b->lost_ns > f->unreachable_since_ns)
			f->unreachable_since_ns = b->lost_ns;
	}
}

void ear_story_figures(
	const struct ear_story *story, struct ear_story_figures *figures)
{
	struct ear_story_figures f = {0};
	uint64_t from_ns;

	count_sessions(story, &f);
	count_bindings(story, &f);
	for (size_t i = 0; i < story->n_calls; i++) {
		const struct ear_call_row *call = &story->calls[i];

		if (!ear_slice_eq(call->dst, story->username))
			continue;
		f.calls_to++;
		f.no_answer += call->disposition == EAR_CALL_NO_ANSWER;
		f.no_answer_unreachable += missed_dead(story, call);
	}
	f.connects_per_hour = most_connects(story, &from_ns);
	*figures = f;
}
