/* SPDX-License-Identifier: Apache-2.0 */
/* The library string: Lua's own where its work is bounded by the memory it
 * needs, ours where it is not. */
#include <lualib.h>

#include "rule/hook_pattern.h"
#include "rule/hook_priv.h"

/* A step of the matcher is less work than an instruction. */
#define STEPS_PER_INSTRUCTION 8

static struct ear_slice check(lua_State *L, int arg)
{
	size_t n;
	const char *p = luaL_checklstring(L, arg, &n);

	return ear_slice(p, n);
}

static void compile(lua_State *L, int arg, struct ear_pattern *p, bool anchor)
{
	const char *why = ear_pattern_compile(p, check(L, arg), anchor);

	if (why)
		luaL_argerror(L, arg, why);
}

static bool find(lua_State *L, const struct ear_pattern *p,
	struct ear_slice subject, size_t from, struct ear_pattern_hit *hit)
{
	struct ear_hook *h = ear_hook_of(L);
	int64_t all = (h->left > 0 ? h->left : 0) * STEPS_PER_INSTRUCTION;
	int64_t steps = all;
	bool found = ear_pattern_find(p, subject, from, &steps, hit);

	ear_hook_charge(L, (uint64_t)(all - steps) / STEPS_PER_INSTRUCTION);
	if (steps < 0)
		ear_hook_stop(L, EAR_HOOK_INSTRUCTIONS);
	return found;
}

/* Capture number at; without any, number 0 is the whole match. */
static void push_capture(lua_State *L, struct ear_slice subject,
	const struct ear_pattern_hit *hit, unsigned at)
{
	if (hit->captures == 0)
		lua_pushlstring(L, subject.n ? subject.p + hit->from : "",
			hit->to - hit->from);
	else if (hit->capture[at].n == EAR_PATTERN_PLACE)
		lua_pushinteger(L, (lua_Integer)hit->capture[at].at + 1);
	else
		lua_pushlstring(L,
			subject.n ? subject.p + hit->capture[at].at : "",
			hit->capture[at].n);
}

/* All captures, or the whole match where there are none and it is wanted. */
static int push_captures(lua_State *L, struct ear_slice subject,
	const struct ear_pattern_hit *hit, bool whole)
{
	unsigned n = hit->captures ? hit->captures : whole;

	luaL_checkstack(L, (int)n, "too many captures");
	for (unsigned i = 0; i < n; i++)
		push_capture(L, subject, hit, i);
	return (int)n;
}

/* Where to begin, from 0; false behind the end. */
static bool begin(lua_State *L, int arg, size_t n, size_t *from)
{
	lua_Integer at = luaL_optinteger(L, arg, 1);

	if (at < 0)
		at = (uint64_t) - (at + 1) < n ? (lua_Integer)n + at + 1 : 1;
	else if (at == 0)
		at = 1;
	*from = (size_t)at - 1;
	return *from <= n;
}

static int find_plain(
	lua_State *L, struct ear_slice s, struct ear_slice what, size_t from)
{
	struct ear_slice rest = ear_slice_sub(s, from, s.n);
	size_t at = ear_slice_find(rest, what);

	ear_hook_charge(L, rest.n / 64);
	if (at + what.n > rest.n) {
		luaL_pushfail(L);
		return 1;
	}
	lua_pushinteger(L, (lua_Integer)from + (lua_Integer)at + 1);
	lua_pushinteger(
		L, (lua_Integer)from + (lua_Integer)at + (lua_Integer)what.n);
	return 2;
}

static int find_or_match(lua_State *L, bool places)
{
	struct ear_slice s = check(L, 1), pattern = check(L, 2);
	struct ear_pattern_hit hit = {0};
	struct ear_pattern p;
	size_t from;

	if (!begin(L, 3, s.n, &from)) {
		luaL_pushfail(L);
		return 1;
	}
	if (places && (lua_toboolean(L, 4) || ear_pattern_plain(pattern)))
		return find_plain(L, s, pattern, from);
	compile(L, 2, &p, true);
	if (!find(L, &p, s, from, &hit)) {
		luaL_pushfail(L);
		return 1;
	}
	if (!places)
		return push_captures(L, s, &hit, true);
	lua_pushinteger(L, (lua_Integer)hit.from + 1);
	lua_pushinteger(L, (lua_Integer)hit.to);
	return 2 + push_captures(L, s, &hit, false);
}

static int string_find(lua_State *L)
{
	return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
	return find_or_match(L, false);
}

/* Upvalues: subject, pattern, where to go on, end of the last match. */
static int next_match(lua_State *L)
{
	struct ear_slice s = check(L, lua_upvalueindex(1));
	lua_Integer from = lua_tointeger(L, lua_upvalueindex(3));
	lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
	struct ear_pattern_hit hit = {0};
	struct ear_pattern p;

	compile(L, lua_upvalueindex(2), &p, false);
	while ((size_t)from <= s.n && find(L, &p, s, (size_t)from, &hit)) {
		if ((lua_Integer)hit.to == last) {
			/* Nothing, right behind the match before. */
			from = (lua_Integer)hit.from + 1;
			continue;
		}
		lua_pushinteger(L, (lua_Integer)hit.to);
		lua_copy(L, -1, lua_upvalueindex(3));
		lua_replace(L, lua_upvalueindex(4));
		return push_captures(L, s, &hit, true);
	}
	return 0;
}

static int string_gmatch(lua_State *L)
{
	struct ear_slice s = check(L, 1);
	struct ear_pattern p;
	size_t from;

	compile(L, 2, &p, false);
	if (!begin(L, 3, s.n, &from))
		from = s.n + 1;
	lua_settop(L, 2);
	lua_pushinteger(L, (lua_Integer)from);
	lua_pushinteger(L, -1);
	lua_pushcclosure(L, next_match, 4);
	return 1;
}

/* "%1" and its like in the text that replaces. */
static void add_text(lua_State *L, luaL_Buffer *b, struct ear_slice subject,
	const struct ear_pattern_hit *hit)
{
	struct ear_slice with = check(L, 3);

	/* gone through for each match, also where nothing comes of it */
	ear_hook_charge(L, with.n / STEPS_PER_INSTRUCTION);
	for (size_t i = 0; i < with.n; i++) {
		char c = with.p[i];

		if (c != '%') {
			luaL_addchar(b, c);
			continue;
		}
		c = ++i < with.n ? with.p[i] : 'x';
		if (c == '%') {
			luaL_addchar(b, c);
		} else if (c == '0') {
			luaL_addlstring(b,
				subject.n ? subject.p + hit->from : "",
				hit->to - hit->from);
		} else if (c >= '1' && c <= '9' &&
			   (unsigned)(c - '1') <
				   (hit->captures ? hit->captures : 1)) {
			push_capture(L, subject, hit, (unsigned)(c - '1'));
			luaL_addvalue(b);
		} else {
			luaL_error(L, "no such capture or wrong use of '%%' "
				      "in the text that replaces");
		}
	}
}

/* What a table or function gives; false and nil leave the match as it is. */
static void add_value(lua_State *L, luaL_Buffer *b, struct ear_slice subject,
	const struct ear_pattern_hit *hit)
{
	if (lua_type(L, 3) == LUA_TFUNCTION) {
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(L, subject, hit, true), 1);
	} else {
		push_capture(L, subject, hit, 0);
		lua_gettable(L, 3);
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		luaL_addlstring(b, subject.n ? subject.p + hit->from : "",
			hit->to - hit->from);
	} else if (!lua_isstring(L, -1)) {
		luaL_error(L, "a %s cannot replace text", luaL_typename(L, -1));
	} else {
		luaL_addvalue(b);
	}
}

static int string_gsub(lua_State *L)
{
	struct ear_slice s = check(L, 1);
	int type = lua_type(L, 3);
	lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)s.n + 1), n = 0;
	struct ear_pattern_hit hit = {0};
	struct ear_pattern p;
	size_t from = 0, copied = 0, last = SIZE_MAX;
	luaL_Buffer b;

	compile(L, 2, &p, true);
	luaL_argexpected(L,
		type == LUA_TNUMBER || type == LUA_TSTRING ||
			type == LUA_TTABLE || type == LUA_TFUNCTION,
		3, "string/function/table");
	luaL_buffinit(L, &b);
	while (n < most && from <= s.n && find(L, &p, s, from, &hit)) {
		if (hit.to == last) {
			from = hit.from + 1;
			if (p.anchored)
				break;
			continue;
		}
		n++;
		if (hit.from > copied)
			luaL_addlstring(&b, s.p + copied, hit.from - copied);
		if (type == LUA_TTABLE || type == LUA_TFUNCTION)
			add_value(L, &b, s, &hit);
		else
			add_text(L, &b, s, &hit);
		copied = last = from = hit.to;
		if (p.anchored)
			break;
	}
	if (s.n > copied)
		luaL_addlstring(&b, s.p + copied, s.n - copied);
	luaL_pushresult(&b);
	lua_pushinteger(L, n);
	return 2;
}

/* Lua's own goes round n times even where there is nothing to repeat. */
static int string_rep(lua_State *L)
{
	struct ear_slice s = check(L, 1);
	lua_Integer n = luaL_checkinteger(L, 2);
	size_t separator;

	luaL_optlstring(L, 3, "", &separator);
	if (n <= 0 || s.n + separator == 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 1);
	ear_hook_charge(L, lua_rawlen(L, -1) / 64);
	return 1;
}

void ear_hook_open_string(lua_State *L)
{
	static const luaL_Reg own[] = {{"find", string_find},
		{"match", string_match}, {"gmatch", string_gmatch},
		{"gsub", string_gsub}, {NULL, NULL}};
	static const char *const without[] = {
		"dump", "pack", "unpack", "packsize"};
	static const char *const long_ones[] = {
		"byte", "format", "lower", "reverse", "upper"};

	luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
	luaL_setfuncs(L, own, 0);
	ear_hook_charge_length(
		L, long_ones, sizeof(long_ones) / sizeof(long_ones[0]));
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, without[i]);
	}
	lua_getfield(L, -1, "rep");
	lua_pushcclosure(L, string_rep, 1);
	lua_setfield(L, -2, "rep");
	/* The metatable of all strings is nobody's to change. */
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushliteral(L, "string");
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 3);
}
