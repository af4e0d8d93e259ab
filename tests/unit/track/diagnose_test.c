/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/time.h"
#include "track/diagnose.h"

/* 2026-01-02 10:00:00 UTC */
#define ZERO 1767348000000000000ULL
#define AT(s) (ZERO + (s)*EAR_SECOND_NS)

struct row {
	const char *name;
	struct ear_binding_row binding[2];
	struct ear_session_row session[8];
	struct ear_call_row call[3];
	const char *want[3]; /* "severity rule text" */
};

#define HOLDS(from, ...)                                     \
	{                                                    \
		.at_ns = AT(from), .refreshed_ns = AT(from), \
		.expires_ns = AT(9000), __VA_ARGS__          \
	}
#define CALLED(at, what)                                                       \
	{                                                                      \
		.at_ns = AT(at), .dst = EAR_S_INIT("909"), .disposition = what \
	}
#define REFUSED(at, status, words)                                           \
	{                                                                    \
		.at_ns = AT(at), .event = EAR_SESSION_REGISTER,              \
		.failed = true, .code = status, .details = EAR_S_INIT(words) \
	}
#define CONNECTED(at)                                          \
	{                                                      \
		.at_ns = AT(at), .event = EAR_SESSION_CONNECT, \
		.reconciled = true                             \
	}

static const struct row rows[] = {
	{"nothing wrong", {HOLDS(0, )}, {{0}}, {{0}}, {0}},
	{"connection gone",
		{HOLDS(0, .lost_ns = AT(2282),
			.lost_cause = EAR_CAUSE_NETWORK_ERROR)},
		{{0}}, {{0}},
		{"problem account.unreachable on line but unreachable since "
		 "10:38:02: its connection was reset or the network failed, "
		 "and the registration holds until 12:30:00"}},
	{"another contact is there",
		{HOLDS(0, .lost_ns = AT(2282),
			 .lost_cause = EAR_CAUSE_NETWORK_ERROR),
			HOLDS(0, )},
		{{0}}, {{0}},
		{"note account.contact-unreachable on line but unreachable by "
		 "one of its contacts since 10:38:02: its connection was "
		 "reset or the network failed, and the registration holds "
		 "until 12:30:00"}},
	{"called while its flow was dead",
		{HOLDS(0, .lost_ns = AT(100), .end = EAR_BINDING_REPLACED,
			 .ended_ns = AT(400)),
			HOLDS(400, )},
		{{0}},
		{CALLED(200, EAR_CALL_NO_ANSWER), CALLED(300, EAR_CALL_FAILED),
			CALLED(450, EAR_CALL_NO_ANSWER)},
		{"problem account.unreachable-calls called twice while its "
		 "connection was gone, last at 10:05:00: unreachable, not "
		 "unanswered"}},
	{"a busy phone was reached",
		{HOLDS(0, .lost_ns = AT(100), .end = EAR_BINDING_REPLACED,
			 .ended_ns = AT(400)),
			HOLDS(400, )},
		{{0}}, {CALLED(200, EAR_CALL_BUSY)}, {0}},
	{"not refreshed",
		{{.at_ns = AT(0),
			.expires_ns = AT(600),
			.ended_ns = AT(600),
			.end = EAR_BINDING_EXPIRED}},
		{{0}}, {{0}},
		{"warning account.expired off line since 10:10:00: its "
		 "registration was not refreshed in time"}},
	{"unregistered",
		{{.at_ns = AT(0),
			.expires_ns = AT(600),
			.ended_ns = AT(60),
			.end = EAR_BINDING_REMOVED}},
		{{0}}, {{0}},
		{"note account.off-line off line since 10:01:00: it "
		 "unregistered"}},
	{"dropped by the registrar",
		{{.at_ns = AT(0),
			.expires_ns = AT(600),
			.ended_ns = AT(60),
			.end = EAR_BINDING_DROPPED}},
		{{0}}, {{0}},
		{"warning account.dropped off line since 10:01:00: its "
		 "registrar lists it no more, and it was not asked to"}},
	{"refreshed just in time", {HOLDS(0, .refreshes = 3, .margin_s = 12)},
		{{0}}, {{0}},
		{"warning account.refresh-margin refreshes 12 s before "
		 "expiry: too late for a second try"}},
	{"no refresh, so no margin", {HOLDS(0, .margin_s = 0)}, {{0}}, {{0}},
		{0}},
	{"refreshed late", {HOLDS(0, .refreshes = 3, .margin_s = -2)}, {{0}},
		{{0}},
		{"problem account.refresh-late refreshed 2 s after its "
		 "registration had expired"}},
	{"refused", {{0}},
		{REFUSED(1, 403, "403 Forbidden"),
			REFUSED(9, 403, "403 Forbidden"),
			REFUSED(5, 403, "403 Forbidden"),
			REFUSED(6, 408, "408 no reply within 64 s")},
		{{0}},
		{"problem account.refused refused 3 times: 403 Forbidden, "
		 "last at 10:00:09; password, account or rights",
			"warning account.refused refused once: 408 no reply "
			"within 64 s, last at 10:00:06; the server is away, "
			"or replies get lost"}},
	{"refused, and well again", {{0}},
		{REFUSED(1, 403, "403 Forbidden"),
			{.at_ns = AT(4), .event = EAR_SESSION_REGISTER},
			REFUSED(6, 408, "408 no reply within 64 s")},
		{{0}},
		{"warning account.refused refused once: 408 no reply within "
		 "64 s, last at 10:00:06; the server is away, or replies get "
		 "lost",
			"note account.refused refused once: 403 Forbidden, "
			"last at 10:00:01; it registered since"}},
	{"ping-pong", {{0}},
		{CONNECTED(0), CONNECTED(100), CONNECTED(4000), CONNECTED(4100),
			CONNECTED(3500), CONNECTED(3700), CONNECTED(3650),
			CONNECTED(7000)},
		{{0}},
		{"warning account.reconnects reconnects 6 times an hour (from "
		 "10:58:20 on): the network drops its connections, or it "
		 "gives them up"}},
	{"login never came", {{0}},
		{{.at_ns = AT(5),
			.event = EAR_SESSION_DISCONNECT,
			.tls_version = 0x0304}},
		{{0}},
		{"warning connection.no-login TLS accepted from its address, "
		 "but no login came: once, last at 10:00:05"}},
	{"new user agent", {{0}},
		{{.at_ns = AT(9),
			 .event = EAR_SESSION_REGISTER,
			 .user_agent = EAR_S_INIT("snom/9")},
			{.at_ns = AT(2),
				.event = EAR_SESSION_REGISTER,
				.user_agent = EAR_S_INIT("snom/8")}},
		{{0}},
		{"note account.user-agent user agent was snom/8 until "
		 "10:00:02, and is snom/9"}},
};

#define COUNT(list, there) for (n = 0; n < ROWS(list) && (list)[n].there; n++)

static void story_of(const struct row *row, struct ear_story *story)
{
	size_t n;

	*story = (struct ear_story){.username = EAR_S("909"),
		.now_ns = AT(7200),
		.bindings = row->binding,
		.sessions = row->session,
		.calls = row->call};
	COUNT(row->binding, at_ns);
	story->n_bindings = n;
	COUNT(row->session, at_ns);
	story->n_sessions = n;
	COUNT(row->call, at_ns);
	story->n_calls = n;
}

static void test_findings(void **state)
{
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_diagnosis found[EAR_DIAGNOSES_MAX];
		struct ear_story story;
		size_t n;

		story_of(&rows[i], &story);
		n = ear_diagnose(&story, found, EAR_DIAGNOSES_MAX);
		for (size_t k = 0; k < n || rows[i].want[k]; k++) {
			char text[400] = "nothing";

			if (k < n)
				snprintf(text, sizeof(text), "%.*s %s %s",
					EAR_FMT(ear_severity_name(
						found[k].severity)),
					found[k].rule, found[k].text);
			if (!rows[i].want[k] || strcmp(text, rows[i].want[k]))
				fail_msg("%s: got\n%s\nwant\n%s", rows[i].name,
					text,
					rows[i].want[k] ? rows[i].want[k] : "");
		}
		assert_int_equal(ear_diagnose(&story, found, 1), n ? 1 : 0);
	}
	(void)state;
}

static void test_figures(void **state)
{
	struct ear_story_figures f;
	struct ear_story story;

	story_of(&rows[3], &story);
	ear_story_figures(&story, &f);
	assert_int_equal(f.calls_to, 3);
	assert_int_equal(f.no_answer, 2);
	assert_int_equal(f.no_answer_unreachable, 2);
	assert_int_equal(f.unreachable_since_ns, 0);
	assert_false(f.has_margin);
	story_of(&rows[1], &story);
	ear_story_figures(&story, &f);
	assert_int_equal(f.unreachable_since_ns, AT(2282));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
