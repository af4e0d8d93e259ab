/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runs scenes through presence and keeps the rows that come out, as text, a
 * row told again in the place of the one before. Lines are those of scene.h,
 * and two more:
 *
 *     "3 A:4000>B:5061 !CLOSED opened=1 cause=NETWORK_ERROR by=client"
 *     "90 tick"
 *
 * Of events: tr= as in scene.h, joined=1, tls=1.3 (with a cipher). Of
 * messages: dir=out.
 */
#ifndef EAR_TESTS_PRESENCE_SCENE_H
#define EAR_TESTS_PRESENCE_SCENE_H

#include "track/presence.h"
#include "unit/track/scene.h"

#define ROWS_MAX 256
#define STATES_MAX 256

struct kept_row {
	char list;
	uint64_t at_ns, id;
	char text[400];
};

struct kept_state {
	uint64_t key;
	size_t n;
	uint8_t bytes[4096];
};

struct stage {
	struct ear_presence *presence;
	struct ear_presence_options options;
	struct scene scene;
	struct kept_row rows[ROWS_MAX];
	size_t rows_n;
	struct kept_state states[STATES_MAX];
	size_t states_n;
};

static inline void stage_row(struct stage *st, char list, uint64_t at_ns,
	uint64_t id, const char *text)
{
	size_t i = 0;

	assert_true(id && id >> 63 == 0);
	while (i < st->rows_n &&
		(st->rows[i].list != list || st->rows[i].at_ns != at_ns ||
			st->rows[i].id != id))
		i++;
	assert_true(i < ROWS_MAX);
	if (i == st->rows_n)
		st->rows_n++;
	st->rows[i].list = list;
	st->rows[i].at_ns = at_ns;
	st->rows[i].id = id;
	snprintf(st->rows[i].text, sizeof(st->rows[i].text), "%s", text);
}

static inline double stage_s(uint64_t at_ns)
{
	return at_ns ? ((double)at_ns - (double)SCENE_NS) / 1e9 : -1;
}

static inline void stage_session(const struct ear_session_row *row, void *arg)
{
	char text[400], remote[EAR_ADDR_TEXT], tls[8];

	ear_addr_text(&row->remote, remote);
	snprintf(text, sizeof(text),
		"%.3f %.*s %.*s [%.*s] [%.*s] %.*s; "
		"%s%s%s%s%s%s%.*s%s%s%.*s%s%.*s",
		stage_s(row->at_ns),
		EAR_FMT(ear_session_event_name(row->event)),
		EAR_FMT(ear_session_source_name(row->source)),
		EAR_FMT(row->peername), EAR_FMT(row->account),
		EAR_FMT(row->details), remote, row->connection ? " conn" : "",
		row->failed ? " failed" : "", row->inferred ? " inferred" : "",
		row->reconciled ? "" : " loose", row->reason.n ? " (" : "",
		EAR_FMT(row->reason), row->reason.n ? ")" : "",
		row->tls_version ? " " : "",
		EAR_FMT(ear_tls_version_name(row->tls_version, tls)),
		row->tls_cipher.n ? " " : "", EAR_FMT(row->tls_cipher));
	stage_row(arg, 'S', row->at_ns, row->id, text);
}

static inline void stage_binding(const struct ear_binding_row *row, void *arg)
{
	static const char *const ends[] = {
		"", " removed", " expired", " replaced", " dropped"};
	char text[400], remote[EAR_ADDR_TEXT], lost[64] = "", ended[32] = "";

	ear_addr_text(&row->remote, remote);
	if (row->lost_ns)
		snprintf(lost, sizeof(lost), " lost %.3f %.*s",
			stage_s(row->lost_ns),
			EAR_FMT(ear_conn_cause_name(row->lost_cause)));
	if (row->ended_ns)
		snprintf(ended, sizeof(ended), " %.3f", stage_s(row->ended_ns));
	snprintf(text, sizeof(text),
		"%.3f %.*s@%.*s [%.*s] %.*s; %s%s until %.3f n=%u i=%u m=%d%s%s"
		"%s",
		stage_s(row->at_ns), EAR_FMT(row->username),
		EAR_FMT(row->domain), EAR_FMT(row->description),
		EAR_FMT(row->contact), remote, row->connection ? " conn" : "",
		stage_s(row->expires_ns), row->refreshes, row->interval_s,
		row->margin_s, lost, ends[row->end], ended);
	stage_row(arg, 'B', row->at_ns, row->id, text);
}

static inline void stage_conn(const struct ear_conn_row *row, void *arg)
{
	char text[400], client[EAR_ADDR_TEXT], server[EAR_ADDR_TEXT];
	char closed[64] = "";

	ear_addr_text(&row->client, client);
	ear_addr_text(&row->server, server);
	if (row->closed_ns)
		snprintf(closed, sizeof(closed), " closed %.3f %.*s",
			stage_s(row->closed_ns),
			EAR_FMT(ear_conn_cause_name(row->cause)));
	snprintf(text, sizeof(text), "%.3f %.*s %s>%s%s%s%s m=%u b=%u,%u",
		stage_s(row->at_ns),
		EAR_FMT(ear_transport_name(row->transport)), client, server,
		row->inferred ? " inferred" : "", row->joined ? " joined" : "",
		closed, row->messages, (unsigned)row->bytes[0],
		(unsigned)row->bytes[1]);
	stage_row(arg, 'C', row->at_ns, row->id, text);
}

static inline void stage_state(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	struct stage *st = arg;
	size_t i = 0;

	assert_int_equal(part, EAR_TRACK_PRESENCE);
	while (i < st->states_n && st->states[i].key != key)
		i++;
	assert_true(i < STATES_MAX && state.n <= sizeof(st->states[i].bytes));
	if (!state.n) {
		if (i < st->states_n)
			st->states[i] = st->states[--st->states_n];
		return;
	}
	if (i == st->states_n)
		st->states_n++;
	st->states[i].key = key;
	st->states[i].n = state.n;
	memcpy(st->states[i].bytes, state.p, state.n);
}

static inline void stage_begin(struct stage *st)
{
	const struct ear_track_out out = {.session = stage_session,
		.binding = stage_binding,
		.conn = stage_conn,
		.state = stage_state,
		.arg = st};

	assert_int_equal(
		ear_presence_new(&st->options, &out, &st->presence), EAR_OK);
}

/** As after a restart: what was not saved is gone. */
static inline void stage_again(struct stage *st)
{
	ear_presence_free(&st->presence);
	stage_begin(st);
	for (size_t i = 0; i < st->states_n; i++)
		ear_presence_restore(st->presence, st->states[i].key,
			ear_slice(st->states[i].bytes, st->states[i].n));
}

static inline void stage_tls(struct ear_conn_event *event, const char *value)
{
	event->tls.version = !strcmp(value, "1.3") ? 0x0304 : 0x0303;
	event->tls.cipher = 0x1301;
	event->tls.cipher_name = EAR_S("TLS_AES_128_GCM_SHA256");
}

static inline void stage_event_word(struct ear_conn_event *event,
	struct ear_msg *msg, const char *key, const char *value)
{
	if (!strcmp(key, "opened"))
		event->opened_ns = scene_at(strtod(value, NULL));
	else if (!strcmp(key, "cause"))
		event->cause = (uint8_t)ear_conn_cause_of(ear_slice_str(value));
	else if (!strcmp(key, "by"))
		event->by = strcmp(value, "client") ? EAR_SIDE_SERVER
						    : EAR_SIDE_CLIENT;
	else if (!strcmp(key, "joined"))
		event->joined = atoi(value);
	else if (!strcmp(key, "bytes"))
		event->bytes[0] = event->bytes[1] = (uint64_t)atoi(value);
	else if (!strcmp(key, "tr"))
		msg->transport =
			(uint8_t)ear_transport_of(ear_slice_str(value));
	else if (!strcmp(key, "tls"))
		stage_tls(event, value);
	else
		fail_msg("scene: what is %s?", key);
}

static inline void stage_event(struct stage *st, const char *line)
{
	static const char *const kinds[] = {
		"", "!OPENED", "!TLS", "!CARRIES", "!CLOSED"};
	struct ear_msg msg = {.proto = EAR_PROTO_CONN,
		.transport = EAR_TR_TCP,
		.ip_proto = 6};
	struct ear_conn_event event = {0};
	struct ear_facts facts = {0};
	struct ear_buf raw = {0};
	char text[300], *words, *token, *to, *end;

	snprintf(text, sizeof(text), "%s", line);
	msg.at_ns = scene_at(strtod(strtok_r(text, " ", &words), &end));
	token = strtok_r(NULL, " ", &words);
	to = strchr(token, '>');
	*to++ = '\0';
	msg.src = scene_party(token);
	msg.dst = scene_party(to);
	token = strtok_r(NULL, " ", &words);
	for (uint8_t i = 1; i < ROWS(kinds); i++) {
		if (!strcmp(token, kinds[i]))
			event.kind = i;
	}
	event.opened_ns = msg.at_ns;
	while ((token = strtok_r(NULL, " ", &words)) != NULL) {
		char *value = strchr(token, '=');

		assert_non_null(value);
		*value++ = '\0';
		stage_event_word(&event, &msg, token, value);
	}
	ear_conn_write(&event, &raw);
	msg.raw = ear_buf_view(&raw);
	ear_presence_take(st->presence, &msg, &facts);
	ear_buf_fini(&raw);
}

static inline void stage_line(struct stage *st, const char *line)
{
	struct scene_msg m;
	char text[700];

	if (strstr(line, " tick")) {
		ear_presence_tick(st->presence, scene_at(strtod(line, NULL)));
	} else if (strchr(line, '!')) {
		stage_event(st, line);
	} else {
		bool out = strstr(line, " dir=out") != NULL;

		snprintf(text, sizeof(text), "%s", line);
		if (out)
			memset(strstr(text, " dir=out"), ' ', 8);
		scene_line(&st->scene, text, &m);
		m.msg.direction = out ? EAR_DIR_OUT : EAR_DIR_UNKNOWN;
		ear_presence_take(st->presence, &m.msg, &m.facts);
	}
}

static inline int stage_order(const void *a, const void *b)
{
	const struct kept_row *x = a, *y = b;

	if (x->list != y->list)
		return x->list > y->list ? -1 : 1; /* sessions first */
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return strcmp(x->text, y->text);
}

static inline void stage_end(struct stage *st)
{
	ear_presence_end(st->presence);
	ear_presence_free(&st->presence);
	qsort(st->rows, st->rows_n, sizeof(*st->rows), stage_order);
}

#endif
