/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message as scripts see it: one object for all messages, whose values
 * are made when they are asked for.
 */
#include <stdio.h>

#include "base/time.h"
#include "message/field.h"
#include "message/sip_addr.h"
#include "rule/hook_priv.h"

/* Values that are no fields: those of siptrace's $siptrace(name), and a few
 * of ours. Numbered behind the fields. */
enum value {
	V_AT_NS = EAR_F_COUNT,
	V_SEEN_NS,
	V_RAW,
	V_SRC_ADDR,
	V_DST_ADDR,
	V_SRC_HOST,
	V_DST_HOST,
	V_SRC_HOSTIP,
	V_DST_HOSTIP,
	V_PROTOCOL, /* src_proto and dst_proto: it is the same */
};

static const struct {
	const char *name;
	int value;
} further[] = {
	{"at_ns", V_AT_NS},
	{"seen_ns", V_SEEN_NS},
	{"raw", V_RAW},
	{"src_addr", V_SRC_ADDR},
	{"dst_addr", V_DST_ADDR},
	{"src_host", V_SRC_HOST},
	{"dst_host", V_DST_HOST},
	{"src_hostip", V_SRC_HOSTIP},
	{"dst_hostip", V_DST_HOSTIP},
	{"src_proto", V_PROTOCOL},
	{"dst_proto", V_PROTOCOL},
};

struct ear_hook *ear_hook_begin(lua_State *L)
{
	struct ear_hook *h = ear_hook_of(L);

	if (!h->msg)
		luaL_error(L, "there is a message only within on_message()");
	if (lua_type(L, 1) == LUA_TUSERDATA)
		lua_remove(L, 1);
	return h;
}

struct ear_slice ear_hook_text(lua_State *L, int arg)
{
	size_t n;
	const char *p;

	if (!lua_isstring(L, arg))
		luaL_error(L, "a text is wanted here, not %s",
			luaL_typename(L, arg));
	p = lua_tolstring(L, arg, &n);
	return ear_slice(p, n);
}

void ear_hook_push_time(lua_State *L, uint64_t at_ns)
{
	uint64_t seconds = at_ns / EAR_SECOND_NS;

	lua_pushnumber(L, (lua_Number)seconds +
				  (lua_Number)(at_ns % EAR_SECOND_NS) / 1e9);
}

static int push_text(lua_State *L, struct ear_slice s)
{
	lua_pushlstring(L, s.n ? s.p : "", s.n);
	return 1;
}

/* --- values --------------------------------------------------------------- */

/* As siptrace calls it: what it has no name for is udp. */
static struct ear_slice protocol(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_UNKNOWN: return EAR_S("udp");
	case EAR_TR_SECURE: return EAR_S("tls");
	default: return ear_transport_name((enum ear_transport)msg->transport);
	}
}

static int push_addr(
	lua_State *L, const struct ear_msg *msg, const struct ear_addr *a)
{
	char out[EAR_SIP_ADDR_TEXT];

	return push_text(
		L, ear_slice(out, ear_sip_addr_text(a, msg->transport, out)));
}

/* @param brackets around an address of IPv6 */
static int push_host(lua_State *L, const struct ear_addr *a, bool brackets)
{
	char ip[EAR_ADDR_TEXT];

	ear_addr_ip_text(a, ip);
	if (brackets && strchr(ip, ':'))
		lua_pushfstring(L, "[%s]", ip);
	else
		lua_pushstring(L, ip);
	return 1;
}

static int push_further(lua_State *L, const struct ear_msg *msg, int v)
{
	switch ((enum value)v) {
	case V_AT_NS: lua_pushinteger(L, (lua_Integer)msg->at_ns); return 1;
	case V_SEEN_NS: lua_pushinteger(L, (lua_Integer)msg->seen_ns); return 1;
	case V_RAW: return push_text(L, msg->raw);
	case V_SRC_ADDR: return push_addr(L, msg, &msg->src);
	case V_DST_ADDR: return push_addr(L, msg, &msg->dst);
	case V_SRC_HOST: return push_host(L, &msg->src, true);
	case V_DST_HOST: return push_host(L, &msg->dst, true);
	case V_SRC_HOSTIP: return push_host(L, &msg->src, false);
	case V_DST_HOSTIP: return push_host(L, &msg->dst, false);
	case V_PROTOCOL: return push_text(L, protocol(msg));
	}
	return 0;
}

static int push_field(lua_State *L, struct ear_hook *h, enum ear_field f)
{
	uint64_t v;

	switch (ear_field_info(f)->type) {
	case EAR_TYPE_INT:
	case EAR_TYPE_PORT:
		v = ear_field_number(f, h->msg, h->facts);
		lua_pushinteger(L, (lua_Integer)v);
		return 1;
	case EAR_TYPE_BOOL:
		lua_pushboolean(L, ear_field_number(f, h->msg, h->facts) != 0);
		return 1;
	case EAR_TYPE_TIME:
		ear_hook_push_time(L, ear_field_number(f, h->msg, h->facts));
		return 1;
	default:
		return push_text(
			L, ear_field_text(f, h->msg, h->facts, &h->scratch));
	}
}

/* --- header fields -------------------------------------------------------- */

static bool parsed(struct ear_hook *h)
{
	if (h->msg->proto != EAR_PROTO_SIP)
		return false;
	if (!h->parsed)
		ear_sip_parse(h->msg->raw, &h->sip);
	h->parsed = true;
	return true;
}

/* By any of its names, compact ones too; numbers from 1 in a table at -1. */
static lua_Integer collect(
	lua_State *L, struct ear_hook *h, struct ear_slice name, bool all)
{
	enum ear_sip_id id = ear_sip_id_of(name);
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	lua_Integer n = 0;

	while (ear_sip_next(&h->sip, &cursor, &header)) {
		if (header.id != id ||
			(id == EAR_SIP_OTHER &&
				!ear_slice_ieq(header.name, name)))
			continue;
		push_text(L, header.value);
		n++;
		if (!all)
			break;
		lua_rawseti(L, -2, n);
	}
	return n;
}

/* header("Via"): the first value, or nil. */
static int header(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);
	struct ear_slice name = ear_hook_text(L, 1);

	if (!parsed(h) || !collect(L, h, name, false))
		lua_pushnil(L);
	return 1;
}

/* headers("Via"): all values in a table. */
static int headers(lua_State *L)
{
	struct ear_hook *h = ear_hook_begin(L);
	struct ear_slice name = ear_hook_text(L, 1);

	lua_newtable(L);
	if (parsed(h))
		collect(L, h, name, true);
	return 1;
}

/* --- the object ----------------------------------------------------------- */

/* The name that looks most like the one at 2; upvalue 1 has all. */
static const char *nearest(lua_State *L, struct ear_slice name)
{
	unsigned least = UINT32_MAX, d;
	struct ear_slice field;

	lua_settop(L, 2);
	lua_pushnil(L);
	lua_pushnil(L); /* at 3 the best, at 4 the key */
	while (lua_next(L, lua_upvalueindex(1))) {
		size_t n;
		const char *p = lua_tolstring(L, -2, &n);

		if (ear_word_alike(name, ear_slice(p, n), &d) && d < least) {
			least = d;
			lua_copy(L, -2, 3);
		}
		lua_pop(L, 1);
	}
	if (!lua_isnil(L, 3))
		return lua_tostring(L, 3);
	field = ear_field_nearest(name);
	if (!field.n)
		return NULL;
	push_text(L, field);
	return luaL_gsub(L, lua_tostring(L, -1), ".", "_");
}

/* msg.name. Upvalue 1: names to numbers of values, or to functions. */
static int get(lua_State *L)
{
	struct ear_hook *h = ear_hook_of(L);
	struct ear_slice name;
	const char *like;
	int v;

	if (!h->msg)
		return luaL_error(
			L, "there is a message only within on_message()");
	lua_pushvalue(L, 2);
	switch (lua_rawget(L, lua_upvalueindex(1))) {
	case LUA_TNUMBER:
		v = (int)lua_tointeger(L, -1);
		return v < EAR_F_COUNT ? push_field(L, h, (enum ear_field)v)
				       : push_further(L, h->msg, v);
	case LUA_TFUNCTION: return 1;
	default: break;
	}
	if (lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(
			L, "a message has no %s in it", luaL_typename(L, 2));
	name = ear_hook_text(L, 2);
	if (ear_slice_eq(name, EAR_S("user")) ||
		ear_slice_eq(name, EAR_S("ip")) ||
		ear_slice_eq(name, EAR_S("port")))
		return luaL_error(L,
			"msg.%s means several in an expression; here say "
			"which, as in %s",
			name.p,
			*name.p == 'u'   ? "msg.from_user"
			: *name.p == 'i' ? "msg.src_ip"
					 : "msg.src_port");
	like = nearest(L, name);
	if (like)
		return luaL_error(
			L, "msg has no '%s'; did you mean '%s'?", name.p, like);
	return luaL_error(L, "msg has no '%s'", name.p);
}

static int set(lua_State *L)
{
	struct ear_slice name = ear_hook_text(L, 2);

	if (!ear_hook_of(L)->msg)
		return luaL_error(
			L, "there is a message only within on_message()");
	if (ear_slice_eq(name, EAR_S("correlation")))
		ear_hook_correlation(L, 3);
	else if (ear_slice_eq(name, EAR_S("traced_user")))
		ear_hook_traced_users(L, 3);
	else
		luaL_error(L,
			"msg.%s cannot be set: a message stays as it came in; "
			"only msg.correlation and msg.traced_user can",
			name.p);
	return 0;
}

static void add_fields(lua_State *L)
{
	for (int f = 0; f < EAR_F_COUNT; f++) {
		struct ear_slice name = ear_field_info((enum ear_field)f)->name;

		if (f == EAR_F_ID || f == EAR_F_USER || f == EAR_F_IP ||
			f == EAR_F_PORT)
			continue;
		push_text(L, name);
		luaL_gsub(L, lua_tostring(L, -1), ".", "_");
		lua_remove(L, -2);
		lua_pushinteger(L, f);
		lua_rawset(L, -3);
	}
	for (size_t i = 0; i < sizeof(further) / sizeof(further[0]); i++) {
		lua_pushinteger(L, further[i].value);
		lua_setfield(L, -2, further[i].name);
	}
}

/* A field goes before a function of the same name. */
static void add_functions(lua_State *L, const luaL_Reg *list)
{
	for (; list->name; list++) {
		if (lua_getfield(L, -1, list->name) == LUA_TNIL) {
			lua_pushcfunction(L, list->func);
			lua_setfield(L, -3, list->name);
		}
		lua_pop(L, 1);
	}
}

/* table is Lua's library and siptrace's word for where rows go. */
static int call_table(lua_State *L)
{
	lua_remove(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, 0);
	return 0;
}

static void open_globals(lua_State *L)
{
	lua_pushglobaltable(L);
	for (const luaL_Reg *r = ear_hook_acts; r->name; r++) {
		lua_pushcfunction(L, r->func);
		if (strcmp(r->name, "table") != 0) {
			lua_setfield(L, -2, r->name);
			continue;
		}
		lua_pushcclosure(L, call_table, 1);
		lua_newtable(L);
		lua_insert(L, -2);
		lua_setfield(L, -2, "__call");
		lua_pushliteral(L, "table");
		lua_setfield(L, -2, "__metatable");
		lua_getfield(L, -2, "table");
		lua_insert(L, -2);
		lua_setmetatable(L, -2);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

void ear_hook_open_message(lua_State *L)
{
	static const luaL_Reg readers[] = {
		{"header", header}, {"headers", headers}, {NULL, NULL}};

	lua_newuserdatauv(L, 0, 0);
	lua_newtable(L); /* its metatable */
	lua_newtable(L); /* names */
	add_fields(L);
	add_functions(L, readers);
	add_functions(L, ear_hook_acts);
	lua_pushcclosure(L, get, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, set);
	lua_setfield(L, -2, "__newindex");
	lua_pushliteral(L, "message");
	lua_setfield(L, -2, "__metatable");
	lua_pushliteral(L, "message");
	lua_setfield(L, -2, "__name");
	lua_setmetatable(L, -2);
	lua_setfield(L, LUA_REGISTRYINDEX, EAR_HOOK_MSG);
	open_globals(L);
}
