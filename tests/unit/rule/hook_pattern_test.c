/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <lauxlib.h>
#include <lualib.h>

#include "rule/hook_pattern.h"

/* The judge is Lua's own library: string.find gives the same places. */
static void test_as_lua(void **state)
{
	static const struct {
		struct ear_slice subject, pattern;
	} rows[] = {
#define R(s, p) {EAR_S_INIT(s), EAR_S_INIT(p)}
		R("hello", ""),
		R("", ""),
		R("", "^$"),
		R("hello", "l+"),
		R("hello", "l-"),
		R("hello", "l-o"),
		R("hello", "^h.*o$"),
		R("hello", "^e"),
		R("a$b", "a$b"),
		R("hello", "x?"),
		R("hello", "hx?e"),
		R("key = value", "^(%w+)%s*=%s*(%w+)$"),
		R("key = value", "(%w+) = (%w+)"),
		R("hello", "()ll()"),
		R("hello", "((h)(e))l"),
		R("abcabc", "(abc)%1"),
		R("abcabd", "(abc)%1"),
		R("\"quoted\" 'x'", "([\"'])(.-)%1"),
		R("f(a(b)c)d)", "%b()"),
		R("((()", "%b()"),
		R("f(a", "%b()"),
		R("\"a\"b", "%b\"\""),
		R("THE (quick) fox", "%f[%a]%a+%f[%A]"),
		R("THE (quick) fox", "%f[%l]%a+"),
		R("fox", "x%f[%z\0]"),
		R("a]b", "[]]"),
		R("a]b", "[^]]+"),
		R("a-b", "[a-]+"),
		R("a-b", "[-a]+"),
		R("a^b", "[b^]"),
		R("a%b", "[%%]"),
		R("x09afG", "[%da-f]+"),
		R("tab\tand space", "%s%a+"),
		R("\x00\x01\xff z", "[^%z]+"),
		R("\x00\x01\xff z", "%c+"),
		R("\xff\xfe", "[\x80-\xff]+"),
		R("sip:alice@example.com", "^sip:([^@]+)@(.+)$"),
		R("aaa", "a-$"),
		R("aaab", "a*ab"),
		R("aaab", "(a*(.)%w(%s*))"),
		R("  trim  ", "^%s*(.-)%s*$"),
		R("1.2.3", "%d+%.%d+%.%d+"),
		R("x", "%x"),
		R("x", "%X"),
		R("[[x]]", "%[%[(.-)%]%]"),
		R("a.b", "%."),
		R("a.b", "%p"),
		R("!~ ", "%g+"),
		R("^a", "^^a"),
		R("z", "[a-]"),
		R("z", "[z-a]"),
		R("]", "[]-U*]"),
		R("_]", "[m-%]_]+"),
		R("]%", "[a-%%]"),
		R("_", "[%w_]"),
		/* wrong ones */
		R("x", "%"),
		R("x", "[a"),
		R("x", "["),
		R("x", "[]"),
		R("x", "[^]"),
		R("x", "[%"),
		R("x", "(x"),
		R("x", "(x))"),
		R("x", "%b"),
		R("x", "%bx"),
		R("x", "%fx"),
		R("x", "%1"),
		R("xx", "(x)%2"),
		R("x", "(%1)"),
		R("x", "%0"),
#undef R
	};
	lua_State *L = luaL_newstate();

	luaL_requiref(L, "string", luaopen_string, 1);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice s = rows[i].subject, t = rows[i].pattern;
		struct ear_pattern_hit hit;
		struct ear_pattern p;
		const char *why = ear_pattern_compile(&p, t, true);
		int64_t steps = 1000000;
		bool found = !why && ear_pattern_find(&p, s, 0, &steps, &hit);
		int base;

		lua_settop(L, 0);
		lua_getglobal(L, "string");
		lua_getfield(L, -1, "find");
		base = lua_gettop(L);
		lua_pushlstring(L, s.p, s.n);
		lua_pushlstring(L, t.p, t.n);
		if (lua_pcall(L, 2, LUA_MULTRET, 0) != LUA_OK) {
			if (!why)
				fail_msg("'%s' is wrong: %s", t.p,
					lua_tostring(L, -1));
			continue;
		}
		if (why)
			fail_msg("'%s' is right, not: %s", t.p, why);
		if (!found) {
			if (lua_toboolean(L, base))
				fail_msg("'%s' is in '%s'", t.p, s.p);
			continue;
		}
		if (!lua_toboolean(L, base))
			fail_msg("'%s' is not in '%s'", t.p, s.p);
		if (!ear_pattern_plain(t)) {
			assert_int_equal(
				lua_gettop(L) - base - 1, hit.captures);
		}
		if (lua_tointeger(L, base) != (lua_Integer)hit.from + 1 ||
			lua_tointeger(L, base + 1) != (lua_Integer)hit.to)
			fail_msg("'%s' in '%s': [%zu, %zu)", t.p, s.p, hit.from,
				hit.to);
		for (unsigned c = 0; c < hit.captures; c++) {
			int at = base + 2 + (int)c;
			size_t n;
			const char *text;

			if (hit.capture[c].n == EAR_PATTERN_PLACE) {
				assert_int_equal(lua_tointeger(L, at),
					hit.capture[c].at + 1);
				continue;
			}
			text = lua_tolstring(L, at, &n);
			assert_slice(t.p,
				ear_slice(s.p + hit.capture[c].at,
					hit.capture[c].n),
				ear_slice(text, n));
		}
	}
	lua_close(L);
	(void)state;
}

static void test_budget(void **state)
{
	static const char *const rows[] = {"a-a-a-a-a-a-b", ".*.*.*.*b",
		"(a*)(a*)(a*)b", "a?a?a?a?a?a*a*a*a*b", "%b((.-.-.-b", "[a]*b"};
	static char subject[60000];

	memset(subject, 'a', sizeof(subject));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_pattern_hit hit;
		struct ear_pattern p;
		int64_t steps = 100000;

		assert_null(
			ear_pattern_compile(&p, ear_slice_str(rows[i]), true));
		assert_false(ear_pattern_find(&p,
			ear_slice(subject, sizeof(subject)), 0, &steps, &hit));
		if (i != 4)
			assert_true(steps < 0);
	}
	(void)state;
}

static void test_sizes(void **state)
{
	char text[600];
	struct ear_pattern p;

	memset(text, 'a', sizeof(text));
	assert_null(ear_pattern_compile(
		&p, ear_slice(text, EAR_PATTERN_ITEMS), true));
	assert_non_null(ear_pattern_compile(
		&p, ear_slice(text, EAR_PATTERN_ITEMS + 1), true));
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "()", 2);
	assert_null(ear_pattern_compile(
		&p, ear_slice(text, 2 * EAR_PATTERN_CAPTURES), true));
	assert_non_null(ear_pattern_compile(
		&p, ear_slice(text, 2 * EAR_PATTERN_CAPTURES + 2), true));
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "%a", 2);
	assert_null(ear_pattern_compile(
		&p, ear_slice(text, 2 * EAR_PATTERN_SETS), true));
	assert_non_null(ear_pattern_compile(
		&p, ear_slice(text, 2 * EAR_PATTERN_SETS + 2), true));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_lua),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name(
		"rule/hook_pattern", tests, NULL, NULL);
}
