/* SPDX-License-Identifier: Apache-2.0 */
#include "console/lockout.h"

#include <stdio.h>

#include "base/time.h"
#include "base/utf8.h"
#include "console/users_priv.h"

/* What a pair is known by. A household has a whole IPv6 /64, as in the
 * throttle. */
struct pair {
	char name[EAR_USER_NAME_MAX];
	size_t n;
	char address[EAR_ADDR_TEXT];
};

static struct pair pair_of(struct ear_slice name, const struct ear_addr *from)
{
	struct ear_addr net = *from;
	struct pair pair;

	if (net.family == 6)
		memset(net.ip + 8, 0, 8);
	ear_addr_ip_text(&net, pair.address);
	name = ear_slice_sub(name, 0, sizeof(pair.name));
	pair.n = ear_utf8_clean(name, pair.name);
	return pair;
}

static void bind_pair(sqlite3_stmt *st, const struct pair *pair)
{
	ear_users_bind(st, 1, ear_slice(pair->name, pair->n));
	ear_users_bind(st, 2, ear_slice_str(pair->address));
}

struct found {
	uint32_t n;
	uint64_t last_ns, until_ns;
};

static struct found find(struct ear_users *users, const struct pair *pair)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"SELECT n,last_ns,until_ns FROM failure"
		" WHERE name=? AND address=?");
	struct found found = {0};

	if (!st)
		return found;
	bind_pair(st, pair);
	if (sqlite3_step(st) == SQLITE_ROW)
		found = (struct found){
			.n = (uint32_t)sqlite3_column_int64(st, 0),
			.last_ns = (uint64_t)sqlite3_column_int64(st, 1),
			.until_ns = (uint64_t)sqlite3_column_int64(st, 2)};
	sqlite3_finalize(st);
	return found;
}

uint64_t ear_lockout_left(struct ear_users *users,
	const struct ear_lockout *lockout, struct ear_slice name,
	const struct ear_addr *from, uint64_t now_ns)
{
	struct pair pair = pair_of(name, from);
	struct found found;
	uint64_t left;

	if (lockout->after == 0)
		return 0;
	found = find(users, &pair);
	if (found.until_ns <= now_ns)
		return 0;
	left = found.until_ns - now_ns;
	/* a clock that was set back must not make it longer */
	if (left > lockout->for_ns)
		left = lockout->for_ns;
	return (left + EAR_SECOND_NS - 1) / EAR_SECOND_NS;
}

static void forget_quiet(struct ear_users *users)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"DELETE FROM failure WHERE (SELECT count(*) FROM failure)>?1"
		" AND last_ns<=(SELECT last_ns FROM failure"
		" ORDER BY last_ns DESC LIMIT 1 OFFSET ?1)");

	if (!st)
		return;
	sqlite3_bind_int64(st, 1, EAR_LOCKOUT_PAIRS);
	ear_users_finish(users, st);
}

bool ear_lockout_failed(struct ear_users *users,
	const struct ear_lockout *lockout, struct ear_slice name,
	const struct ear_addr *from, uint64_t now_ns)
{
	struct pair pair = pair_of(name, from);
	struct found found = find(users, &pair);
	uint64_t since = now_ns - found.last_ns;
	sqlite3_stmt *st;
	bool locks;

	if (lockout->after == 0)
		return false;
	/* a lock that is over is the end of what led to it */
	if (since >= lockout->for_ns || found.until_ns)
		found.n = 0;
	found.n++;
	locks = found.n >= lockout->after;
	st = ear_users_prepare(
		users, "INSERT OR REPLACE INTO failure VALUES(?,?,?,?,?)");
	if (!st)
		return false;
	bind_pair(st, &pair);
	sqlite3_bind_int64(st, 3, found.n);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)now_ns);
	sqlite3_bind_int64(
		st, 5, locks ? (sqlite3_int64)(now_ns + lockout->for_ns) : 0);
	if (ear_users_finish(users, st) < 0)
		return false;
	if (found.n == 1)
		forget_quiet(users);
	return locks;
}

void ear_lockout_good(struct ear_users *users, struct ear_slice name,
	const struct ear_addr *from)
{
	struct pair pair = pair_of(name, from);
	sqlite3_stmt *st = ear_users_prepare(
		users, "DELETE FROM failure WHERE name=? AND address=?");

	if (!st)
		return;
	bind_pair(st, &pair);
	ear_users_finish(users, st);
}

enum ear_err ear_lockout_end(
	struct ear_users *users, struct ear_slice name, struct ear_fault *fault)
{
	sqlite3_stmt *st =
		ear_users_prepare(users, "DELETE FROM failure WHERE name=?");
	int changed;

	if (!st)
		return ear_users_fail(users, fault);
	ear_users_bind(st, 1, name);
	changed = ear_users_finish(users, st);
	if (changed < 0)
		return ear_users_fail(users, fault);
	return changed ? EAR_OK
		       : ear_fail(fault, EAR_GONE, 0, "'%.*s' is not locked",
				 EAR_FMT(name));
}

void ear_lockout_state(struct ear_users *users, struct ear_slice name,
	uint64_t now_ns, struct ear_lockout_state *state)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"SELECT coalesce(sum(n),0),coalesce(max(until_ns),0)"
		" FROM failure WHERE name=?");

	*state = (struct ear_lockout_state){0};
	if (!st)
		return;
	ear_users_bind(st, 1, name);
	if (sqlite3_step(st) == SQLITE_ROW) {
		state->failures = (uint64_t)sqlite3_column_int64(st, 0);
		state->until_ns = (uint64_t)sqlite3_column_int64(st, 1);
	}
	sqlite3_finalize(st);
	if (state->until_ns <= now_ns)
		state->until_ns = 0;
}
