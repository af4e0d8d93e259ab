/* SPDX-License-Identifier: Apache-2.0 */
/* What scripts may do about a message. Nothing is done before the script has
 * ended well: all of it is written into the verdict. */
#include <stdalign.h>

#include "base/time.h"
#include "message/field.h"
#include "rule/hook_priv.h"

/* --- memory of the verdict ------------------------------------------------ */

/* @param align a power of two */
static void *take(lua_State *L, size_t size, size_t align)
{
	struct ear_hook *h = ear_hook_of(L);
	size_t at = (h->room_used + align - 1) & ~(align - 1);

	if (at > EAR_HOOK_ROOM || size > EAR_HOOK_ROOM - at)
		luaL_error(L, "more text than one message may be given");
	h->room_used = at + size;
	return h->room + at;
}

/* With a NUL behind it. */
static struct ear_slice hold(lua_State *L, struct ear_slice text)
{
	char *p = take(L, text.n + 1, 1);

	if (text.n)
		memcpy(p, text.p, text.n);
	p[text.n] = '\0';
	return ear_slice(p, text.n);
}

/* A text for a C string. */
static const char *hold_word(lua_State *L, struct ear_slice text)
{
	if (text.n && memchr(text.p, '\0', text.n))
		luaL_error(L, "a zero byte has no place in '%s…'", text.p);
	return hold(L, text).p;
}

static void mark(lua_State *L, struct ear_mark_list *list, int arg)
{
	struct ear_slice text = ear_hook_text(L, arg);

	ear_mark_add(list, hold(L, ear_slice_sub(text, 0, EAR_MARK_TEXT)));
}

static void mark_all(lua_State *L, struct ear_mark_list *list, const char *what)
{
	int n = lua_gettop(L);

	if (n == 0)
		luaL_error(L, "%s is missing", what);
	for (int i = 1; i <= n; i++)
		mark(L, list, i);
}

void ear_hook_traced_users(lua_State *L, int arg)
{
	struct ear_mark_list *users = &ear_hook_of(L)->verdict->marks.users;

	*users = (struct ear_mark_list){0};
	if (!lua_istable(L, arg)) {
		mark(L, users, arg);
		return;
	}
	for (lua_Integer i = 1;
		lua_rawgeti(L, arg, i) != LUA_TNIL && i <= EAR_MARKS_MAX; i++) {
		mark(L, users, -1);
		lua_pop(L, 1);
	}
}

/* --- the simple ones ------------------------------------------------------ */

static bool flag(lua_State *L, bool otherwise)
{
	if (lua_isnoneornil(L, 1))
		return otherwise;
	luaL_checktype(L, 1, LUA_TBOOLEAN);
	return lua_toboolean(L, 1);
}

static int drop(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);

	h->verdict->drop = flag(L, true);
	return 0;
}

static int keep(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);

	h->verdict->store_off = !flag(L, true);
	return 0;
}

static int mask(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);

	h->verdict->mask = flag(L, true);
	return 0;
}

static int traced_user(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);

	mark_all(L, &h->verdict->marks.users, "the traced user");
	return 0;
}

static int trace_table(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);

	mark_all(L, &h->verdict->marks.tables, "the table's name");
	return 0;
}

void ear_hook_correlation(lua_State *L, int arg)
{
	struct ear_hook *h = ear_hook_of(L);
	struct ear_slice text = ear_hook_text(L, arg);

	h->verdict->correlation =
		hold(L, ear_slice_sub(text, 0, EAR_MARK_TEXT));
}

static int correlation(lua_State *L)
{
	ear_hook_begin(L);
	ear_hook_correlation(L, 1);
	return 0;
}

static int hlog(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);
	struct ear_hook_verdict *v = h->verdict;
	bool given = lua_gettop(L) > 1;
	struct ear_slice id = h->facts->call_id;

	if (given)
		id = ear_hook_text(L, 1);
	else if (!id.n)
		id = h->msg->correlation;
	if (v->events == EAR_HOOK_ASKS)
		return luaL_error(L, "more than %d log events for one message",
			EAR_HOOK_ASKS);
	v->event[v->events].correlation = hold(L, id);
	v->event[v->events].text = hold(L, ear_hook_text(L, given ? 2 : 1));
	v->events++;
	return 0;
}

/* --- traces --------------------------------------------------------------- */

static enum ear_scope scope_of(lua_State *L, struct ear_slice mode)
{
	enum ear_scope scope;

	mode = ear_slice_trim(mode);
	if (!ear_scope_of(mode, &scope))
		luaL_error(L,
			"'%s' is no mode: 'm' (message), 't' (transaction) or "
			"'d' (dialog)",
			hold(L, mode).p);
	return scope;
}

/* The name of a configured mirror or sql section for what siptrace calls an
 * address. */
static const char *mirror_of(lua_State *L, struct ear_slice text)
{
	struct ear_hook *h = ear_hook_of(L);
	const char *word = hold_word(L, text), *name;

	if (!h->opt.mirror_of)
		return word;
	name = h->opt.mirror_of(word, h->opt.mirror_arg);
	if (!name)
		luaL_error(L,
			"there is no mirror '%s'; give the name of a mirror "
			"or sql section, or its to or url",
			word);
	return hold_word(L, ear_slice_str(name));
}

static void check_count(lua_State *L, size_t n, const char *what)
{
	if (n > EAR_MARKS_MAX)
		luaL_error(L, "more than %d %s", EAR_MARKS_MAX, what);
}

/* A text or a list of texts at the top of the stack. */
static struct ear_texts texts(lua_State *L, const char *what, bool mirrors)
{
	bool list = lua_istable(L, -1);
	size_t n = list ? lua_rawlen(L, -1) : 1;
	const char **item;

	check_count(L, n, what);
	item = take(L, (n + 1) * sizeof(*item), alignof(const char *));
	for (size_t i = 0; i < n; i++) {
		struct ear_slice text;

		if (list)
			lua_rawgeti(L, -1, (lua_Integer)i + 1);
		else
			lua_pushvalue(L, -1);
		if (!lua_isstring(L, -1))
			luaL_error(L, "%s are texts, not a %s", what,
				luaL_typename(L, -1));
		text = ear_hook_text(L, -1);
		item[i] = mirrors ? mirror_of(L, text) : hold_word(L, text);
		lua_pop(L, 1);
	}
	return (struct ear_texts){item, n};
}

static const char *word(lua_State *L, const char *name)
{
	if (!lua_isstring(L, -1))
		luaL_error(L, "sip_trace: %s is a text, not a %s", name,
			luaL_typename(L, -1));
	return hold_word(L, ear_hook_text(L, -1));
}

/* Seconds, or a text with a unit: "2m". */
static uint64_t length(lua_State *L, const char *name)
{
	struct ear_fault fault = {0};
	uint64_t ns;

	if (lua_type(L, -1) == LUA_TNUMBER) {
		lua_Number s = lua_tonumber(L, -1);

		if (!(s >= 0 && s <= 86400))
			luaL_error(
				L, "sip_trace: %s is 0 to 86400 seconds", name);
		return (uint64_t)(s * 1e9);
	}
	if (ear_duration_parse(ear_slice_str(word(L, name)), &ns, &fault) !=
		EAR_OK)
		luaL_error(L, "sip_trace: %s: %s", name, fault.text);
	return ns;
}

static uint64_t number(lua_State *L, const char *name)
{
	int ok;
	lua_Integer n = lua_tointegerx(L, -1, &ok);

	if (!ok || n < 0)
		luaL_error(L, "sip_trace: %s is a number from 0", name);
	return (uint64_t)n;
}

static bool yes(lua_State *L, const char *name)
{
	if (!lua_isboolean(L, -1))
		luaL_error(L, "sip_trace: %s is true or false", name);
	return lua_toboolean(L, -1);
}

static const char *const options[] = {"correlation", "dialog_ack",
	"dialog_spiral", "keep_before", "max_messages", "max_size", "mirrors",
	"mode", "table", "traced_user", "users", "why", NULL};

static void unknown(lua_State *L, struct ear_slice name)
{
	unsigned least = UINT32_MAX, d;
	const char *best = NULL;

	for (const char *const *o = options; *o; o++) {
		if (ear_word_alike(name, ear_slice_str(*o), &d) && d < least) {
			least = d;
			best = *o;
		}
	}
	if (best)
		luaL_error(L,
			"sip_trace has no option '%s'; did you mean '%s'?",
			hold(L, name).p, best);
	luaL_error(L, "sip_trace has no option '%s'", hold(L, name).p);
}

/* The value is at the top. */
static void option(
	lua_State *L, struct ear_slice name, struct ear_trace_spec *spec)
{
	const char *n = name.p;

	if (!strcmp(n, "mirrors"))
		spec->mirrors = texts(L, "mirrors", true);
	else if (!strcmp(n, "users") || !strcmp(n, "traced_user"))
		spec->users = texts(L, "traced users", false);
	else if (!strcmp(n, "mode"))
		spec->scope = scope_of(L, ear_slice_str(word(L, n)));
	else if (!strcmp(n, "correlation"))
		spec->correlation = word(L, n);
	else if (!strcmp(n, "table"))
		spec->table = word(L, n);
	else if (!strcmp(n, "why"))
		spec->why = word(L, n);
	else if (!strcmp(n, "keep_before"))
		spec->keep_before_ns = length(L, n);
	else if (!strcmp(n, "max_messages"))
		spec->max_messages = number(L, n);
	else if (!strcmp(n, "max_size"))
		spec->max_bytes = number(L, n);
	else if (!strcmp(n, "dialog_ack"))
		spec->dialog_ack = yes(L, n);
	else if (!strcmp(n, "dialog_spiral"))
		spec->dialog_spiral = yes(L, n);
	else
		unknown(L, name);
}

static struct ear_trace_spec *ask(lua_State *L, struct ear_hook *h)
{
	struct ear_trace_spec *spec;

	if (h->verdict->asks == EAR_HOOK_ASKS)
		luaL_error(L, "more than %d traces asked for by one message",
			EAR_HOOK_ASKS);
	spec = &h->verdict->ask[h->verdict->asks++];
	*spec = (struct ear_trace_spec){.name = "",
		.rule = "",
		.table = "",
		.correlation = "",
		.dialog_ack = true,
		.dialog_spiral = true,
		.by = "script",
		.why = ""};
	return spec;
}

static void from_table(lua_State *L, struct ear_trace_spec *spec)
{
	lua_settop(L, 1);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "sip_trace{…} takes names = values");
		option(L, ear_hook_text(L, -2), spec);
		lua_pop(L, 1);
	}
}

/* sip_trace([address [, correlation [, mode]]]), as siptrace has it. */
static void from_arguments(lua_State *L, struct ear_trace_spec *spec)
{
	lua_settop(L, 3);
	if (!lua_isnil(L, 3))
		spec->scope = scope_of(L, ear_hook_text(L, 3));
	if (!lua_isnil(L, 2))
		spec->correlation = hold_word(L, ear_hook_text(L, 2));
	if (!lua_isnil(L, 1) && ear_hook_text(L, 1).n) {
		lua_settop(L, 1);
		spec->mirrors = texts(L, "mirrors", true);
	}
}

static int sip_trace(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);
	struct ear_trace_spec *spec = ask(L, h);

	if (lua_istable(L, 1))
		from_table(L, spec);
	else
		from_arguments(L, spec);
	return 0;
}

static int sip_trace_mode(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);
	enum ear_scope scope = scope_of(L, ear_hook_text(L, 1));

	ask(L, h)->scope = scope;
	return 0;
}

const luaL_Reg ear_hook_acts[] = {
	{"drop", drop},
	{"keep", keep},
	{"mask", mask},
	{"traced_user", traced_user},
	{"table", trace_table},
	{"trace_table", trace_table},
	{"correlation", correlation},
	{"hlog", hlog},
	{"sip_trace", sip_trace},
	{"sip_trace_mode", sip_trace_mode},
	{NULL, NULL},
};
