/* SPDX-License-Identifier: Apache-2.0 */
/** Plays scenes to the call tracker and keeps the rows it tells. */
#ifndef EAR_TESTS_CALL_SCENE_H
#define EAR_TESTS_CALL_SCENE_H

#include "track/call.h"
#include "unit/track/scene.h"

#define ROWS_MOST 16

/* Rows by (at, id), the last that was told of each; states as kept. */
struct rows {
	struct ear_call_row v[ROWS_MOST];
	char text[ROWS_MOST][15][256];
	size_t n;
	struct {
		uint64_t key;
		char bytes[4096];
		size_t n;
	} state[64];
	size_t states, states_told;
};

static inline void keep_texts(struct rows *rows, size_t at)
{
	struct ear_call_row *r = &rows->v[at];
	struct ear_slice *texts[] = {&r->src, &r->dst, &r->src_name, &r->domain,
		&r->auth_user, &r->src_agent, &r->dst_agent, &r->reason,
		&r->reason_header, &r->call_id, &r->from_tag, &r->to_tag,
		&r->note, &r->group_why, &r->node};

	for (size_t i = 0; i < ROWS(texts); i++) {
		char *room = rows->text[at][i];

		assert_true(texts[i]->n < 256);
		if (texts[i]->n)
			memcpy(room, texts[i]->p, texts[i]->n);
		*texts[i] = ear_slice(room, texts[i]->n);
	}
}

static inline void keep_row(const struct ear_call_row *row, void *arg)
{
	struct rows *rows = arg;
	size_t at = 0;

	while (at < rows->n &&
		(rows->v[at].at_ns != row->at_ns || rows->v[at].id != row->id))
		at++;
	assert_true(at < ROWS_MOST);
	rows->n += at == rows->n;
	rows->v[at] = *row;
	keep_texts(rows, at);
}

static inline void keep_state(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	struct rows *rows = arg;
	size_t at = 0;

	assert_int_equal(part, EAR_TRACK_CALLS);
	while (at < rows->states && rows->state[at].key != key)
		at++;
	if (!state.n) {
		assert_true(at < rows->states);
		rows->state[at] = rows->state[--rows->states];
		return;
	}
	rows->states_told++;
	assert_true(at < ROWS(rows->state));
	assert_true(state.n <= sizeof(rows->state[at].bytes));
	rows->states += at == rows->states;
	rows->state[at].key = key;
	rows->state[at].n = state.n;
	memcpy(rows->state[at].bytes, state.p, state.n);
}

static inline struct ear_calls *calls_new(
	const struct ear_calls_options *options, struct rows *rows)
{
	const struct ear_track_out out = {
		.call = keep_row, .state = keep_state, .arg = rows};
	struct ear_calls *calls;

	assert_int_equal(ear_calls_new(options, &out, &calls), EAR_OK);
	return calls;
}

/* As after kill -9: what was saved is all there is. */
static inline void calls_restart(struct ear_calls **calls,
	const struct ear_calls_options *options, struct rows *rows)
{
	ear_calls_save(*calls);
	ear_calls_free(calls);
	*calls = calls_new(options, rows);
	for (size_t i = rows->states; i; i--)
		ear_calls_restore(*calls, rows->state[i - 1].key,
			ear_slice(rows->state[i - 1].bytes,
				rows->state[i - 1].n));
}

/**
 * Lines up to NULL; "@SECONDS" is a tick.
 *
 * @param cut restart before this line
 */
static inline void play(const char *const *lines, size_t cut,
	const struct ear_calls_options *options, struct rows *rows)
{
	struct ear_calls *calls = calls_new(options, rows);
	struct scene scene = {0};

	for (size_t i = 0; lines[i]; i++) {
		struct scene_msg m;

		if (i == cut)
			calls_restart(&calls, options, rows);
		if (lines[i][0] == '@') {
			ear_calls_tick(calls, scene_at(atof(lines[i] + 1)));
			continue;
		}
		scene_line(&scene, lines[i], &m);
		ear_calls_take(calls, &m.msg, &m.facts);
	}
	ear_calls_end(calls);
	ear_calls_free(&calls);
}

struct call_scene {
	const char *name;
	const char *lines[16];
	const char *want; /* of the first row, as row_text() has it */
};

static inline void row_text(
	const struct ear_call_row *r, char *out, size_t room)
{
	int n = snprintf(out, room,
		"%.*s %u ring=%llu talk=%llu by=%u '%.*s' '%.*s'",
		EAR_FMT(ear_disposition_name(
			(enum ear_disposition)r->disposition)),
		r->code, (unsigned long long)r->ring_ms,
		(unsigned long long)r->talk_ms, r->by, EAR_FMT(r->reason),
		EAR_FMT(r->note));
	char *at = out + n, *end = out + room;

	if (r->retries)
		at += snprintf(
			at, (size_t)(end - at), " retries=%u", r->retries);
	if (r->branches > 1)
		at += snprintf(
			at, (size_t)(end - at), " branches=%u", r->branches);
	if (r->q850)
		at += snprintf(at, (size_t)(end - at), " q850=%u", r->q850);
	if (r->auth_user.n)
		at += snprintf(at, (size_t)(end - at), " auth=%.*s",
			EAR_FMT(r->auth_user));
	snprintf(at, (size_t)(end - at), "%s%s%s", r->joined ? " joined" : "",
		r->estimated ? " estimated" : "", r->end_ns ? "" : " open");
}

/* Each scene: whole, and again with a restart before each of its lines. */
static inline void call_scenes(const struct call_scene *v, size_t n)
{
	const struct ear_calls_options options = {.join_legs = true};

	for (size_t i = 0; i < n; i++) {
		for (size_t cut = 0; !cut || v[i].lines[cut]; cut++) {
			struct rows *rows = calloc(1, sizeof(*rows));
			char got[512];

			play(v[i].lines, cut ? cut : SIZE_MAX, &options, rows);
			if (!rows->n)
				fail_msg("%s: no row", v[i].name);
			row_text(&rows->v[0], got, sizeof(got));
			if (strcmp(got, v[i].want))
				fail_msg("%s (cut %zu):\n got  %s\n want %s",
					v[i].name, cut, got, v[i].want);
			if (rows->n > 1 + !!strstr(v[i].name, "ahead"))
				fail_msg("%s (cut %zu): %zu rows", v[i].name,
					cut, rows->n);
			free(rows);
		}
	}
}

#endif
