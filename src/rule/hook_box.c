/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What scripts may use of Lua: no files, processes, modules, clock, bytecode,
 * debug library or coroutines, and nothing that works on for long within one
 * instruction.
 *
 * Coroutines are left out because each has its own count of instructions.
 * Finalizers (__gc) are, because they would run at any time, also between two
 * messages.
 */
#include <lualib.h>

#include "rule/hook_priv.h"

void ear_hook_charge(lua_State *L, uint64_t work)
{
	struct ear_hook *h = ear_hook_of(L);

	h->left -= work > INT32_MAX ? INT32_MAX : (int64_t)work;
	if (h->left < 0)
		ear_hook_stop(L, EAR_HOOK_INSTRUCTIONS);
}

/* Call Lua's own, the first upvalue, with the same arguments. */
static int own(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* Functions that go through their texts byte by byte. */
static int by_length(lua_State *L)
{
	for (int i = lua_gettop(L); i > 0; i--) {
		if (lua_type(L, i) == LUA_TSTRING)
			ear_hook_charge(L, lua_rawlen(L, i) / 64);
	}
	return own(L);
}

void ear_hook_charge_length(lua_State *L, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		lua_getfield(L, -1, names[i]);
		lua_pushcclosure(L, by_length, 1);
		lua_setfield(L, -2, names[i]);
	}
}

/*
 * As Lua's own, but what passed a limit is not caught: the script would only
 * go on.
 */
static int box_pcall(lua_State *L)
{
	int status;

	luaL_checkany(L, 1);
	lua_pushboolean(L, true);
	lua_insert(L, 1);
	status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
	if (status == LUA_OK)
		return lua_gettop(L);
	if (status == LUA_ERRMEM)
		ear_hook_of(L)->over = EAR_HOOK_MEMORY;
	if (ear_hook_of(L)->over)
		return lua_error(L);
	lua_pushboolean(L, false);
	lua_insert(L, -2);
	return 2;
}

static int box_setmetatable(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(
		L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "this metatable is protected");
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "__gc is not available here");
		lua_pop(L, 1);
	}
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

/* Most bytes of a line that print() writes. */
#define PRINT_MAX 512

static int box_print(lua_State *L)
{
	struct ear_hook *h = ear_hook_of(L);
	int n = lua_gettop(L);
	struct ear_slice text;
	uint64_t skipped;
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, '\t');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	text.p = lua_tolstring(L, -1, &text.n);
	h->prints++;
	if (!ear_log_every(&h->print_gate, &skipped))
		return 0;
	text = ear_hook_public(h, text, PRINT_MAX);
	ear_log(EAR_NOTICE, "hook.print", "script", EAR_LS(h->name), "text",
		EAR_LB(text), "skipped", EAR_LU(skipped), NULL);
	return 0;
}

/* The time of the message: scripts have no clock. */
static int box_now(lua_State *L)
{
	const struct ear_msg *msg = ear_hook_of(L)->msg;

	ear_hook_push_time(L, msg ? msg->at_ns : 0);
	return 1;
}

/* --- table ---------------------------------------------------------------- */

static uint64_t span(lua_Integer from, lua_Integer to)
{
	return to < from ? 0 : (uint64_t)to - (uint64_t)from + 1;
}

/*
 * Lua's own asks for the length again. A script's __len could then say
 * another one than was charged for.
 */
static lua_Integer length_of(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL)
		return luaL_error(L, "a table with __len is not taken here");
	return luaL_len(L, 1);
}

static int table_insert(lua_State *L)
{
	lua_Integer n = length_of(L);

	if (lua_gettop(L) > 2)
		ear_hook_charge(L, span(luaL_checkinteger(L, 2), n) / 8);
	return own(L);
}

static int table_remove(lua_State *L)
{
	lua_Integer n = length_of(L);

	ear_hook_charge(L, span(luaL_optinteger(L, 2, n), n) / 8);
	return own(L);
}

static int table_range(lua_State *L)
{
	/* concat(t, separator, i, j), unpack(t, i, j) */
	int first = (int)lua_tointeger(L, lua_upvalueindex(2));
	lua_Integer n = length_of(L);

	ear_hook_charge(L, span(luaL_optinteger(L, first, 1),
				   luaL_optinteger(L, first + 1, n)) /
				   8);
	return own(L);
}

static int table_move(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	ear_hook_charge(
		L, span(luaL_checkinteger(L, 2), luaL_checkinteger(L, 3)) / 8);
	return own(L);
}

static int table_sort(lua_State *L)
{
	uint64_t n = (uint64_t)length_of(L);

	for (uint64_t rest = n; rest > 1; rest /= 2)
		ear_hook_charge(L, n / 8);
	return own(L);
}

static void wrap(lua_State *L, const char *name, lua_CFunction fn, int first)
{
	lua_getfield(L, -1, name);
	lua_pushinteger(L, first);
	lua_pushcclosure(L, fn, 2);
	lua_setfield(L, -2, name);
}

static void open_table(lua_State *L)
{
	luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
	wrap(L, "insert", table_insert, 0);
	wrap(L, "remove", table_remove, 0);
	wrap(L, "concat", table_range, 3);
	wrap(L, "unpack", table_range, 2);
	wrap(L, "move", table_move, 0);
	wrap(L, "sort", table_sort, 0);
	lua_pop(L, 1);
}

/* --- all of it ------------------------------------------------------------ */

static void open_base(lua_State *L)
{
	static const luaL_Reg ours[] = {{"pcall", box_pcall},
		{"setmetatable", box_setmetatable}, {"print", box_print},
		{"now", box_now}, {NULL, NULL}};
	static const char *const without[] = {"collectgarbage", "dofile",
		"load", "loadfile", "warn", "xpcall"};
	static const char *const long_ones[] = {"tonumber"};

	luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
	luaL_setfuncs(L, ours, 0);
	ear_hook_charge_length(L, long_ones, 1);
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, without[i]);
	}
	lua_pop(L, 1);
}

static void open_utf8(lua_State *L)
{
	static const char *const long_ones[] = {
		"codepoint", "codes", "len", "offset"};

	luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
	ear_hook_charge_length(
		L, long_ones, sizeof(long_ones) / sizeof(long_ones[0]));
	lua_pop(L, 1);
}

void ear_hook_open_box(lua_State *L)
{
	open_base(L);
	open_table(L);
	ear_hook_open_string(L);
	luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
	lua_pop(L, 1);
	open_utf8(L);
	/* Where they were remembered as loaded, nobody can look. */
	lua_pushnil(L);
	lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
}
