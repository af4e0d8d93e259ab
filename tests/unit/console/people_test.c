/* SPDX-License-Identifier: Apache-2.0 */
/* Locks, tokens, audit trail and the lists of users.db, under a time of our
 * own. */
#include "unit/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "base/utf8.h"
#include "console/audit.h"
#include "console/lockout.h"
#include "console/rows.h"
#include "console/token.h"

#define S EAR_SECOND_NS

struct place {
	char dir[40];
	struct ear_users *users;
};

static int begin(void **state)
{
	static struct place place;
	struct ear_fault fault = {0};

	strcpy(place.dir, "/tmp/earshot-people-XXXXXX");
	assert_non_null(mkdtemp(place.dir));
	assert_int_equal(
		ear_users_open(place.dir, &place.users, &fault), EAR_OK);
	*state = &place;
	return 0;
}

static int end(void **state)
{
	static const char *const files[] = {
		"users.db", "users.db-wal", "users.db-shm"};
	struct place *place = *state;
	char path[80];

	ear_users_close(&place->users);
	for (size_t i = 0; i < ROWS(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->dir, files[i]);
		unlink(path);
	}
	return rmdir(place->dir);
}

static struct ear_addr at(uint8_t last)
{
	return ear_addr_v4((uint8_t[]){192, 0, 2, last}, 4000);
}

static void locks(void **state)
{
	const struct ear_lockout lockout = {3, 100 * S};
	const struct ear_lockout never = {0, 100 * S};
	struct ear_addr here = at(1), there = at(2), port = at(1);
	struct ear_users *u = ((struct place *)*state)->users;
	struct ear_lockout_state lock;
	struct ear_fault fault = {0};
	uint64_t now = 5000 * S;

	port.port = 4001;
	assert_false(
		ear_lockout_failed(u, &lockout, EAR_S("sara"), &here, now));
	assert_false(
		ear_lockout_failed(u, &lockout, EAR_S("sara"), &port, now));
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, now), 0);
	assert_true(ear_lockout_failed(u, &lockout, EAR_S("sara"), &here, now));
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, now), 100);
	/* from elsewhere, and for others there, it goes on */
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &there, now), 0);
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("bob"), &here, now), 0);
	assert_int_equal(
		ear_lockout_left(u, &never, EAR_S("sara"), &here, now), 0);
	ear_lockout_state(u, EAR_S("sara"), now, &lock);
	assert_int_equal(lock.failures, 3);
	assert_int_equal(lock.until_ns, now + 100 * S);
	/* over at its time, to the second; then counted from the beginning */
	assert_int_equal(ear_lockout_left(u, &lockout, EAR_S("sara"), &here,
				 now + 100 * S - 1),
		1);
	now += 100 * S;
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, now), 0);
	assert_false(
		ear_lockout_failed(u, &lockout, EAR_S("sara"), &here, now));
	assert_false(
		ear_lockout_failed(u, &lockout, EAR_S("sara"), &here, now));
	/* failures that lie far apart are those of people */
	assert_false(ear_lockout_failed(
		u, &lockout, EAR_S("sara"), &here, now + 101 * S));
	/* a good one forgets */
	ear_lockout_good(u, EAR_S("sara"), &here);
	ear_lockout_state(u, EAR_S("sara"), now, &lock);
	assert_int_equal(lock.failures, 0);
	for (int i = 0; i < 3; i++)
		(void)ear_lockout_failed(
			u, &lockout, EAR_S("sara"), &here, now);
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, now), 100);
	/* a clock that was set back does not make it longer */
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, 10 * S),
		100);
	assert_int_equal(ear_lockout_end(u, EAR_S("sara"), &fault), EAR_OK);
	assert_int_equal(ear_lockout_end(u, EAR_S("sara"), &fault), EAR_GONE);
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("sara"), &here, now), 0);
	/* an IPv6 household is one address */
	here = ear_addr_v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 1);
	there = ear_addr_v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 1);
	for (int i = 0; i < 3; i++)
		(void)ear_lockout_failed(u, &lockout, EAR_S("x"), &here, now);
	assert_int_equal(
		ear_lockout_left(u, &lockout, EAR_S("x"), &there, now), 100);
}

static void locks_are_bounded(void **state)
{
	const struct ear_lockout lockout = {3, 100 * S};
	struct ear_users *u = ((struct place *)*state)->users;
	struct ear_lockout_state lock;
	struct ear_addr from = at(1);
	char name[16];

	assert_int_equal(ear_utf8_clean(EAR_S(""), name), 0);
	for (int i = 0; i <= EAR_LOCKOUT_PAIRS; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_false(ear_lockout_failed(u, &lockout,
			ear_slice_str(name), &from, (1000 + (uint64_t)i) * S));
	}
	ear_lockout_state(u, EAR_S("n0"), 0, &lock);
	assert_int_equal(lock.failures, 0);
	ear_lockout_state(u, EAR_S("n1"), 0, &lock);
	assert_int_equal(lock.failures, 1);
}

static void count(const struct ear_api_token *token, void *arg)
{
	++*(unsigned *)arg;
}

static void tokens(void **state)
{
	struct ear_users *u = ((struct place *)*state)->users;
	struct ear_api_token token = {.name = "ci",
		.user = "sara",
		.role = EAR_ROLE_OPERATOR,
		.scopes = EAR_MAY_READ | EAR_MAY_TRACE,
		.made_ns = 7,
		.expires_ns = 9};
	struct ear_api_token none = {.user = "sara"}, got;
	char text[EAR_BEARER_TEXT], other[EAR_BEARER_TEXT];
	struct ear_fault fault = {0};
	unsigned n = 0;

	assert_int_equal(ear_token_add(u, &none, text, &fault), EAR_USAGE);
	assert_int_equal(ear_token_add(u, &token, text, &fault), EAR_OK);
	assert_int_equal(strlen(text), EAR_BEARER_TEXT - 1);
	assert_int_equal(ear_token_find(u, ear_slice_str(text), &got), EAR_OK);
	assert_string_equal(got.name, "ci");
	assert_string_equal(got.user, "sara");
	assert_true(got.role == EAR_ROLE_OPERATOR && got.expires_ns == 9 &&
		    got.scopes == (EAR_MAY_READ | EAR_MAY_TRACE) &&
		    !got.revoked && !got.last_used_ns);
	ear_token_used(u, got.id, 8);
	assert_int_equal(ear_token_get(u, got.id, &got), EAR_OK);
	assert_int_equal(got.last_used_ns, 8);
	text[20] = text[20] == '0' ? '1' : '0';
	assert_int_equal(
		ear_token_find(u, ear_slice_str(text), &got), EAR_GONE);
	assert_int_equal(ear_token_find(u, EAR_S("ear_"), &got), EAR_GONE);
	assert_int_equal(ear_token_find(u, EAR_S(""), &got), EAR_GONE);
	assert_int_equal(ear_token_add(u, &token, other, &fault), EAR_OK);
	assert_string_not_equal(text, other);
	assert_int_equal(ear_token_revoke(u, token.id, &fault), EAR_OK);
	assert_int_equal(ear_token_revoke(u, token.id, &fault), EAR_GONE);
	assert_int_equal(ear_token_find(u, ear_slice_str(other), &got), EAR_OK);
	assert_true(got.revoked);
	assert_int_equal(ear_tokens_each(u, "sara", count, &n, &fault), EAR_OK);
	assert_int_equal(n, 2);
	assert_int_equal(ear_tokens_each(u, "bob", count, &n, &fault), EAR_OK);
	assert_int_equal(n, 2);
	for (int i = 1; i < EAR_TOKENS_PER_USER; i++)
		assert_int_equal(
			ear_token_add(u, &token, other, &fault), EAR_OK);
	assert_int_equal(ear_token_add(u, &token, other, &fault), EAR_USAGE);
}

static bool see(const struct ear_cell *cells, void *arg)
{
	struct ear_buf *out = arg;

	ear_people_csv(EAR_ROWS_AUDIT, cells, out);
	return true;
}

static struct ear_buf audit_of(const char *dir, const struct ear_rows_query *q,
	struct ear_rows_found *found)
{
	struct ear_fault fault = {0};
	struct ear_buf out = {0};

	if (ear_people_list(dir, EAR_ROWS_AUDIT, q, see, &out, found, &fault))
		ear_buf_printf(&out, "%s", fault.text);
	return out;
}

/* Who looks on is noted at once, and each hour. */
static void looks(void **state)
{
	const char *dir = ((struct place *)*state)->dir;
	struct ear_audit_entry entry = {.at_ns = 60 * S,
		.actor = EAR_S("sara"),
		.action = EAR_S("list"),
		.object = EAR_S("calls"),
		.look = true};
	struct ear_fault fault = {0};
	struct ear_audit_stats stats;
	struct ear_audit *a;

	assert_int_equal(ear_audit_open(dir, &a, &fault), EAR_OK);
	for (int i = 0; i < 3599; i++) {
		ear_audit_add(a, &entry);
		entry.at_ns += S;
	}
	ear_audit_flush(a);
	ear_audit_stats(a, &stats);
	assert_int_equal(stats.written, 1);
	for (int i = 0; i < 10; i++) {
		entry.at_ns += S;
		ear_audit_add(a, &entry);
	}
	ear_audit_flush(a);
	ear_audit_stats(a, &stats);
	assert_int_equal(stats.written, 2);
	ear_audit_close(&a);
}

static void audit(void **state)
{
	const char *dir = ((struct place *)*state)->dir;
	struct ear_audit_entry entry = {.at_ns = 60 * S,
		.actor = EAR_S("sara"),
		.action = EAR_S("search"),
		.object = EAR_S("from.user == \"a\"\nx\377"),
		.detail = EAR_S("=1+1"),
		.address = EAR_S("192.0.2.1:1"),
		.look = true};
	struct ear_rows_query q = {.to_ns = UINT64_MAX};
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	struct ear_audit_stats stats;
	struct ear_audit *a;
	struct ear_buf out;

	assert_int_equal(ear_audit_open(dir, &a, &fault), EAR_OK);
	ear_audit_add(NULL, &entry);
	ear_audit_add(a, &entry);
	ear_audit_add(a, &entry); /* the same look: not again */
	entry.at_ns += 61 * S;
	ear_audit_add(a, &entry);
	entry.look = false; /* a deed is always noted */
	entry.action = EAR_S("export");
	ear_audit_add(a, &entry);
	ear_audit_add(a, &entry);
	ear_audit_flush(a);
	ear_audit_stats(a, &stats);
	assert_int_equal(stats.written, 4);
	assert_int_equal(stats.waiting + stats.lost, 0);
	q.filter = EAR_S("\"SEARCH\" and actor == sara");
	q.ascending = true;
	out = audit_of(dir, &q, &found);
	assert_slice("csv", ear_buf_view(&out),
		EAR_S("1,1970-01-01 00:01:00.000,sara,search,"
		      "\"from.user == \"\"a\"\"?x?\",\"'=1+1\",192.0.2.1:1\r\n"
		      "2,1970-01-01 00:02:01.000,sara,search,"
		      "\"from.user == "
		      "\"\"a\"\"?x?\",\"'=1+1\",192.0.2.1:1\r\n"));
	ear_buf_fini(&out);
	/* by cursor each once, either way */
	q = (struct ear_rows_query){.to_ns = UINT64_MAX, .limit = 3};
	out = audit_of(dir, &q, &found);
	ear_buf_fini(&out);
	assert_true(found.more && found.rows == 3);
	assert_string_equal(found.cursor, "2");
	q.cursor = "2";
	out = audit_of(dir, &q, &found);
	assert_true(!found.more && found.rows == 1);
	ear_buf_fini(&out);
	q.cursor = "x";
	out = audit_of(dir, &q, &found);
	assert_slice("cursor", ear_buf_view(&out),
		EAR_S("the cursor is not one of ours"));
	ear_buf_fini(&out);
	q = (struct ear_rows_query){.from_ns = 120 * S,
		.to_ns = 120 * S,
		.filter = EAR_S("\"nothing%\"")};
	out = audit_of(dir, &q, &found);
	assert_int_equal(found.rows, 0);
	ear_buf_fini(&out);
	ear_audit_close(&a);
	assert_null(a);
}

static void audit_full(void **state)
{
	const char *dir = ((struct place *)*state)->dir;
	struct ear_audit_entry entry = {.at_ns = S, .actor = EAR_S("x")};
	const struct ear_rows_query q = {.to_ns = UINT64_MAX,
		.filter = EAR_S("action == \"audit.lost\"")};
	struct ear_fault fault = {0};
	struct ear_audit_stats stats;
	struct ear_rows_found found;
	struct ear_audit *a;
	struct ear_buf out;

	assert_int_equal(ear_audit_open(dir, &a, &fault), EAR_OK);
	for (int i = 0; i < 6000; i++)
		ear_audit_add(a, &entry);
	ear_audit_flush(a);
	ear_audit_flush(a);
	ear_audit_stats(a, &stats);
	assert_true(stats.written + stats.lost >= 6000);
	assert_int_equal(stats.waiting, 0);
	ear_audit_close(&a);
	out = audit_of(dir, &q, &found);
	assert_true(stats.lost == 0 || found.rows > 0);
	ear_buf_fini(&out);
}

static void roles(void **state)
{
	struct ear_users *u = ((struct place *)*state)->users;
	struct ear_fault fault = {0};
	struct ear_user was, is;

	assert_int_equal(ear_users_add(u, EAR_S("a"), EAR_S("0123456789"),
				 EAR_ROLE_ADMIN, false, &fault),
		EAR_OK);
	assert_int_equal(ear_users_add(u, EAR_S("b"), EAR_S("0123456789"),
				 EAR_ROLE_VIEWER, false, &fault),
		EAR_OK);
	assert_int_equal(ear_users_get(u, EAR_S("b"), &was), EAR_OK);
	assert_int_equal(
		ear_users_set_role(u, EAR_S("b"), EAR_ROLE_OPERATOR, &fault),
		EAR_OK);
	assert_int_equal(ear_users_get(u, EAR_S("b"), &is), EAR_OK);
	assert_true(is.role == EAR_ROLE_OPERATOR && is.epoch != was.epoch);
	assert_int_equal(
		ear_users_set_role(u, EAR_S("a"), EAR_ROLE_VIEWER, &fault),
		EAR_USAGE);
	assert_int_equal(ear_users_get(u, EAR_S("a"), &is), EAR_OK);
	assert_int_equal(is.role, EAR_ROLE_ADMIN);
	assert_int_equal(
		ear_users_set_role(u, EAR_S("a"), EAR_ROLE_NONE, &fault),
		EAR_USAGE);
	assert_int_equal(
		ear_users_set_role(u, EAR_S("c"), EAR_ROLE_VIEWER, &fault),
		EAR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(locks, begin, end),
		cmocka_unit_test_setup_teardown(locks_are_bounded, begin, end),
		cmocka_unit_test_setup_teardown(tokens, begin, end),
		cmocka_unit_test_setup_teardown(looks, begin, end),
		cmocka_unit_test_setup_teardown(audit, begin, end),
		cmocka_unit_test_setup_teardown(audit_full, begin, end),
		cmocka_unit_test_setup_teardown(roles, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
