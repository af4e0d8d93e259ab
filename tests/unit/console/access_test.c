/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, the throttle and users: who gets in, under a time of our own. */
#include "unit/table.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "console/rows.h"
#include "console/session.h"
#include "console/throttle.h"
#include "console/users.h"

#define S EAR_SECOND_NS

static struct ear_session_info person(const char *name)
{
	struct ear_session_info info = {.epoch = 7};

	snprintf(info.name, sizeof(info.name), "%s", name);
	return info;
}

static void session_life(void **state)
{
	struct ear_session_info sara = person("sara"), got;
	char a[EAR_TOKEN_TEXT], b[EAR_TOKEN_TEXT];
	struct ear_sessions *s;

	assert_int_equal(ear_sessions_new(100 * S, 250 * S, &s), EAR_OK);
	ear_sessions_begin(s, &sara, 1000 * S, a);
	ear_sessions_begin(s, &sara, 1000 * S, b);
	assert_string_not_equal(a, b);
	assert_true(ear_sessions_use(s, ear_slice_str(a), 1099 * S, &got));
	assert_string_equal(got.name, "sara");
	/* looking is no use: b was not used for 100 s */
	assert_true(ear_sessions_see(s, ear_slice_str(b), 1099 * S, &got));
	assert_false(ear_sessions_use(s, ear_slice_str(b), 1100 * S, &got));
	assert_true(ear_sessions_use(s, ear_slice_str(a), 1198 * S, &got));
	/* in use, but 250 s old */
	assert_true(ear_sessions_use(s, ear_slice_str(a), 1249 * S, &got));
	assert_false(ear_sessions_use(s, ear_slice_str(a), 1250 * S, &got));
	assert_true(ear_sessions_expired(s, 1250 * S, &got));
	assert_true(ear_sessions_expired(s, 1250 * S, &got));
	assert_false(ear_sessions_expired(s, 1250 * S, &got));
	assert_false(ear_sessions_use(s, EAR_S("short"), 1001 * S, &got));
	assert_false(ear_sessions_use(s, EAR_S(""), 1001 * S, &got));
	ear_sessions_free(&s);
	assert_null(s);
}

static void session_bounds(void **state)
{
	static char token[EAR_SESSIONS_MAX + 40][EAR_TOKEN_TEXT];
	struct ear_session_info info, got;
	struct ear_sessions *s;
	char name[16];

	assert_int_equal(ear_sessions_new(1000 * S, 1000 * S, &s), EAR_OK);
	for (size_t i = 0; i <= EAR_SESSIONS_PER_USER; i++) {
		info = person("sara");
		ear_sessions_begin(s, &info, (1000 + i) * S, token[i]);
	}
	/* one too many of hers: her oldest goes */
	assert_false(
		ear_sessions_use(s, ear_slice_str(token[0]), 1100 * S, &got));
	assert_true(
		ear_sessions_use(s, ear_slice_str(token[1]), 1100 * S, &got));
	for (size_t i = 0; i < EAR_SESSIONS_MAX; i++) {
		snprintf(name, sizeof(name), "u%zu", i);
		info = person(name);
		ear_sessions_begin(s, &info, 1200 * S, token[i]);
	}
	/* one too many of all: the longest unused one goes; these are used */
	assert_true(ear_sessions_use(
		s, ear_slice_str(token[EAR_SESSIONS_MAX - 1]), 1201 * S, &got));
	ear_sessions_end_others(s, EAR_S("u5"), EAR_S(""));
	assert_false(
		ear_sessions_use(s, ear_slice_str(token[5]), 1201 * S, &got));
	ear_sessions_renew(s, ear_slice_str(token[6]), 99);
	assert_true(
		ear_sessions_use(s, ear_slice_str(token[6]), 1201 * S, &got));
	assert_int_equal(got.epoch, 99);
	ear_sessions_end(s, ear_slice_str(token[6]));
	assert_false(
		ear_sessions_use(s, ear_slice_str(token[6]), 1201 * S, &got));
	ear_sessions_free(&s);
}

static void throttle_grows(void **state)
{
	static const uint64_t want[] = {
		0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60};
	struct ear_throttle *t;
	uint64_t now = 5000 * S;
	struct ear_addr from;

	assert_int_equal(ear_throttle_new(&t), EAR_OK);
	for (size_t i = 0; i < ROWS(want); i++) {
		/* each from elsewhere: only the name counts */
		from = ear_addr_v4((uint8_t[]){10, 0, 0, (uint8_t)i}, 1);
		assert_int_equal(ear_throttle_try(t, EAR_S("sara"), &from, now),
			want[i]);
		if (want[i]) {
			now += want[i] * S;
			assert_int_equal(ear_throttle_try(t, EAR_S("sara"),
						 &from, now - 1),
				1);
			assert_int_equal(
				ear_throttle_try(t, EAR_S("sara"), &from, now),
				0);
		}
	}
	/* forgotten after a while */
	now += (EAR_FORGET_S + 1) * S;
	for (size_t i = 0; i < EAR_FREE_BY_NAME; i++)
		assert_int_equal(
			ear_throttle_try(t, EAR_S("sara"), &from, now), 0);
	assert_int_equal(ear_throttle_try(t, EAR_S("sara"), &from, now), 1);
	ear_throttle_good(t, EAR_S("sara"), &from);
	assert_int_equal(ear_throttle_try(t, EAR_S("sara"), &from, now), 0);
	ear_throttle_free(&t);
}

static void throttle_address(void **state)
{
	struct ear_addr six = ear_addr_v6("\x20\x01\x0d\xb8\0\0\0\0"
					  "\0\0\0\0\0\0\0\1",
		1);
	struct ear_addr other;
	struct ear_throttle *t;
	char name[16];

	assert_int_equal(ear_throttle_new(&t), EAR_OK);
	for (int i = 0; i < EAR_FREE_BY_ADDR; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		/* another host of the same network, another port */
		six.ip[15] = (uint8_t)i;
		six.port = (uint16_t)i;
		assert_int_equal(ear_throttle_try(t, ear_slice_str(name), &six,
					 5000 * S),
			0);
	}
	assert_int_equal(ear_throttle_try(t, EAR_S("new"), &six, 5000 * S), 1);
	other = six;
	other.ip[7] = 1;
	assert_int_equal(
		ear_throttle_try(t, EAR_S("new"), &other, 5000 * S), 0);
	/* a table that is full of attackers still works */
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		other = ear_addr_v4(&i, 0);
		assert_int_equal(ear_throttle_try(t, ear_slice_str(name),
					 &other, 6000 * S),
			0);
	}
	ear_throttle_free(&t);
}

/* Who tries again and again from elsewhere keeps nobody out of a place where
 * that name has logged in. */
static void throttle_known(void **state)
{
	struct ear_addr home = ear_addr_v4("\12\0\0\1", 1), other = home;
	struct ear_throttle *t;
	uint64_t now = 5000 * S;

	assert_int_equal(ear_throttle_new(&t), EAR_OK);
	assert_int_equal(ear_throttle_try(t, EAR_S("sara"), &home, now), 0);
	ear_throttle_good(t, EAR_S("sara"), &home);
	for (int i = 0; i < 100; i++) {
		other.ip[2] = (uint8_t)(i + 1);
		now += ear_throttle_try(t, EAR_S("sara"), &other, now) * S;
	}
	(void)ear_throttle_try(t, EAR_S("sara"), &other, now);
	assert_true(ear_throttle_try(t, EAR_S("sara"), &other, now) > 0);
	/* there it has failures of its own */
	for (int i = 0; i < EAR_FREE_BY_NAME; i++)
		assert_int_equal(
			ear_throttle_try(t, EAR_S("sara"), &home, now), 0);
	assert_true(ear_throttle_try(t, EAR_S("sara"), &home, now) > 0);
	ear_throttle_free(&t);
}

static void count_user(const struct ear_user *user, void *arg)
{
	++*(unsigned *)arg;
}

static bool see_event(const struct ear_cell *cells, void *arg)
{
	struct ear_buf *out = arg;

	ear_buf_printf(out, "%.*s %.*s %.*s\n", EAR_FMT(cells[2].text),
		EAR_FMT(cells[3].text), EAR_FMT(cells[4].text));
	return true;
}

static void users(void **state)
{
	static const struct {
		const char *name, *password;
		enum ear_role role;
		enum ear_err want;
	} rows[] = {
		{"sara", "0123456789", EAR_ROLE_VIEWER, EAR_OK},
		{"sara", "0123456789", EAR_ROLE_VIEWER, EAR_USAGE},
		{"s\303\244ra", "0123456789", EAR_ROLE_VIEWER, EAR_USAGE},
		{"sa ra", "0123456789", EAR_ROLE_VIEWER, EAR_USAGE},
		{"", "0123456789", EAR_ROLE_VIEWER, EAR_USAGE},
		{"bob", "012345678", EAR_ROLE_VIEWER, EAR_USAGE},
		{"bob", "0123456789", EAR_ROLE_NONE, EAR_USAGE},
	};
	char dir[] = "/tmp/earshot-users-XXXXXX", password[EAR_PASSWORD_TEXT];
	char path[64];
	struct ear_users *u, *second;
	struct ear_fault fault = {0};
	const struct ear_rows_query all = {.to_ns = UINT64_MAX};
	struct ear_rows_found found;
	struct ear_buf out = {0};
	struct ear_user user;
	struct stat st;
	unsigned n = 0;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(ear_users_open(dir, &u, &fault), EAR_OK);
	assert_int_equal(ear_users_first(u, password, &fault), EAR_OK);
	assert_int_equal(strlen(password), 19);
	assert_int_equal(ear_users_check(u, EAR_S("admin"),
				 ear_slice_str(password), &user),
		EAR_OK);
	assert_true(user.must_change && user.role == EAR_ROLE_ADMIN);
	assert_int_equal(ear_users_first(u, password, &fault), EAR_OK);
	assert_string_equal(password, "");
	for (size_t i = 0; i < ROWS(rows); i++)
		if (ear_users_add(u, ear_slice_str(rows[i].name),
			    ear_slice_str(rows[i].password), rows[i].role,
			    false, &fault) != rows[i].want)
			fail_msg("row %zu: %s", i, fault.text);
	/* a second handle, and its end, leave the first alone */
	assert_int_equal(ear_users_open(dir, &second, &fault), EAR_OK);
	assert_int_equal(ear_users_get(second, EAR_S("sara"), &user), EAR_OK);
	assert_int_equal(ear_users_set_password(second, EAR_S("sara"),
				 EAR_S("another one"), true, &fault),
		EAR_OK);
	ear_users_close(&second);
	assert_int_equal(
		ear_users_check(u, EAR_S("sara"), EAR_S("0123456789"), &user),
		EAR_BAD);
	assert_int_equal(
		ear_users_check(u, EAR_S("sara"), EAR_S("another one"), &user),
		EAR_OK);
	assert_int_equal(ear_users_check(u, EAR_S("nobody"), EAR_S("x"), &user),
		EAR_GONE);
	assert_int_equal(
		ear_users_remove(u, EAR_S("admin"), &fault), EAR_USAGE);
	assert_int_equal(ear_users_remove(u, EAR_S("sara"), &fault), EAR_OK);
	assert_int_equal(ear_users_remove(u, EAR_S("sara"), &fault), EAR_GONE);
	assert_int_equal(ear_users_each(u, count_user, &n, &fault), EAR_OK);
	assert_int_equal(n, 1);

	assert_int_equal(ear_web_event_add(u, EAR_WEB_SUCCESS_INTERACTIVE, 5,
				 EAR_S("admin"), EAR_S("192.0.2.1:1")),
		EAR_OK);
	assert_int_equal(ear_web_event_add(u, EAR_WEB_FAIL_USER_NOT_FOUND, 6,
				 EAR_S("x"), EAR_S("")),
		EAR_OK);
	assert_int_equal(ear_people_list(dir, EAR_ROWS_WEB_SESSIONS, &all,
				 see_event, &out, &found, &fault),
		EAR_OK);
	assert_slice("events", ear_buf_view(&out),
		EAR_S("FAIL_USER_NOT_FOUND x \nSUCCESS admin 192.0.2.1:1\n"
		      "SUCCESS_INTERACTIVE admin 192.0.2.1:1\n"));
	ear_buf_fini(&out);
	snprintf(path, sizeof(path), "%s/users.db", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	ear_users_close(&u);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_life),
		cmocka_unit_test(session_bounds),
		cmocka_unit_test(throttle_grows),
		cmocka_unit_test(throttle_address),
		cmocka_unit_test(throttle_known),
		cmocka_unit_test(users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
