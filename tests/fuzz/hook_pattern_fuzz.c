/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any pattern over any text, up to the first zero byte the one, behind it the
 * other: the places found are those that Lua's own library finds.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>

#include "rule/hook_pattern.h"

/* Beyond, Lua's own would not end. */
#define SUBJECT_MAX 24
#define REPEATS_MAX 4

static void check(bool holds)
{
	if (!holds)
		abort();
}

static unsigned repeats(const struct ear_pattern *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->items; i++)
		n += p->item[i].count != 0;
	return n;
}

/* Leaves the results of string.match, with places around the whole. */
static bool ask_lua(
	lua_State *L, struct ear_slice subject, struct ear_slice pattern)
{
	lua_settop(L, 0);
	lua_getglobal(L, "string");
	lua_getfield(L, 1, "find");
	lua_remove(L, 1);
	lua_pushlstring(L, subject.n ? subject.p : "", subject.n);
	lua_pushlstring(L, pattern.n ? pattern.p : "", pattern.n);
	return lua_pcall(L, 2, LUA_MULTRET, 0) == LUA_OK;
}

static void compare(lua_State *L, bool found, const struct ear_pattern_hit *hit,
	struct ear_slice subject)
{
	check(found == (lua_toboolean(L, 1) != 0));
	if (!found)
		return;
	check(lua_tointeger(L, 1) == (lua_Integer)hit->from + 1);
	check(lua_tointeger(L, 2) == (lua_Integer)hit->to);
	check(lua_gettop(L) == 2 + (int)hit->captures);
	for (unsigned i = 0; i < hit->captures; i++) {
		struct ear_slice text;

		if (hit->capture[i].n == EAR_PATTERN_PLACE) {
			check(lua_tointeger(L, 3 + (int)i) ==
				(lua_Integer)hit->capture[i].at + 1);
			continue;
		}
		text.p = lua_tolstring(L, 3 + (int)i, &text.n);
		check(ear_slice_eq(
			text, ear_slice_sub(subject, hit->capture[i].at,
				      hit->capture[i].at + hit->capture[i].n)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lua_State *L;
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t split = zero ? (size_t)(zero - data) : size;
	struct ear_slice pattern = ear_slice(data, split);
	struct ear_slice subject =
		ear_slice(data + split + !!zero, size - split - !!zero);
	struct ear_pattern_hit hit;
	struct ear_pattern p;
	int64_t steps = 1000000;
	bool found;

	if (!L) {
		L = luaL_newstate();
		luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
	}
	if (ear_pattern_compile(&p, pattern, true))
		return 0;
	found = ear_pattern_find(&p, subject, 0, &steps, &hit);
	if (steps < 0 || subject.n > SUBJECT_MAX || repeats(&p) > REPEATS_MAX ||
		ear_pattern_plain(pattern))
		return 0;
	if (ask_lua(L, subject, pattern))
		compare(L, found, &hit, subject);
	return 0;
}
