/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "base/whole.h"
#include "rule/hook_priv.h"
#include "rule/mask.h"

/* Largest script. */
#define SCRIPT_MAX ((size_t)1024 * 1024)
/* Processor time that an instruction may cost, at most; they take 5 to 50 ns,
 * so it ends only what is slow within single ones. */
#define INSTRUCTION_NS 1000

/* --- limits --------------------------------------------------------------- */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void *allocate(void *arg, void *p, size_t old, size_t size)
{
	struct ear_hook *h = arg;
	void *q;

	if (!p)
		old = 0; /* it says what it is for then */
	if (size == 0) {
		free(p);
		h->bytes -= old;
		return NULL;
	}
	/* What becomes smaller must not fail. */
	if (size > old && h->bytes + (size - old) > h->opt.max_bytes)
		return NULL;
	q = realloc(p, size);
	if (!q)
		return NULL;
	h->bytes += size - old;
	if (h->bytes > h->bytes_most)
		h->bytes_most = h->bytes;
	return q;
}

static const char *over_text(const struct ear_hook *h)
{
	switch (h->over) {
	case EAR_HOOK_INSTRUCTIONS: return "more instructions than allowed";
	case EAR_HOOK_TIME: return "took too long";
	default: return "more memory than allowed";
	}
}

static void count(lua_State *L, lua_Debug *ar);

int ear_hook_stop(lua_State *L, enum ear_hook_over over)
{
	struct ear_hook *h = ear_hook_of(L);
	int level = 0;
	lua_Debug ar;

	if (!h->over)
		h->over = over;
	/* What still wants to run, as handlers of to-be-closed variables,
	 * is stopped at its first instruction. */
	lua_sethook(L, count, LUA_MASKCOUNT, 1);
	/* The line of the script, not of the C function that it called. */
	while (lua_getstack(L, level, &ar) && lua_getinfo(L, "Sl", &ar) &&
		ar.currentline <= 0)
		level++;
	luaL_where(L, level);
	lua_pushstring(L, over_text(h));
	lua_concat(L, 2);
	return lua_error(L);
}

/* Called each EAR_HOOK_STEP instructions. */
static void count(lua_State *L, lua_Debug *ar)
{
	struct ear_hook *h = ear_hook_of(L);

	(void)ar;
	if (h->over)
		ear_hook_stop(L, h->over);
	h->left -= EAR_HOOK_STEP;
	h->instructions += EAR_HOOK_STEP;
	if (h->left < 0)
		ear_hook_stop(L, EAR_HOOK_INSTRUCTIONS);
	/* Asking for the time costs as much as a small script: it is first
	 * done once a step has passed. */
	if (!h->until_ns)
		h->until_ns =
			cpu_ns() + h->opt.max_instructions * INSTRUCTION_NS;
	else if (cpu_ns() > h->until_ns)
		ear_hook_stop(L, EAR_HOOK_TIME);
}

/* --- errors --------------------------------------------------------------- */

static void remember(struct ear_hook *h, struct ear_slice text)
{
	size_t n = text.n < sizeof(h->last_error) - 1
			   ? text.n
			   : sizeof(h->last_error) - 1;

	pthread_mutex_lock(&h->lock);
	if (n)
		memcpy(h->last_error, text.p, n);
	h->last_error[n] = '\0';
	h->last_error_ns = h->msg ? h->msg->at_ns : 0;
	pthread_mutex_unlock(&h->lock);
}

static void notice(struct ear_hook *h, const char *event, struct ear_slice text)
{
	if (h->opt.notice)
		h->opt.notice(event, text, h->opt.notice_arg);
}

/* What lies far behind the cut is not looked at: a script can make texts of
 * megabytes. */
#define LOOK_MAX 8192

struct ear_slice ear_hook_public(
	struct ear_hook *h, struct ear_slice text, size_t most)
{
	text = ear_mask_text(ear_slice_sub(text, 0, LOOK_MAX), &h->scratch);
	return ear_slice_sub(text, 0, most);
}

/* The words of the error on top of the stack; nothing of the script runs. */
static void error_text(struct ear_hook *h, char *out, size_t size)
{
	lua_State *L = h->L;
	struct ear_slice text;

	if (h->over == EAR_HOOK_MEMORY) {
		snprintf(out, size, "%s: %s", h->name, over_text(h));
	} else if (lua_type(L, -1) == LUA_TSTRING) {
		text.p = lua_tolstring(L, -1, &text.n);
		text = ear_hook_public(h, text, size - 1);
		snprintf(out, size, "%.*s", EAR_FMT(text));
	} else
		snprintf(out, size, "%s: error with a %s instead of a text",
			h->name, luaL_typename(L, -1));
}

static void tell(struct ear_hook *h, const char *text)
{
	char line[400];
	uint64_t skipped;

	h->errors++;
	remember(h, ear_slice_str(text));
	if (!ear_log_every(&h->gate, &skipped))
		return;
	if (skipped)
		snprintf(line, sizeof(line), "%s (and %llu more)", text,
			(unsigned long long)skipped);
	else
		snprintf(line, sizeof(line), "%s", text);
	notice(h, "hook.error", ear_slice_str(line));
}

/* --- the state ------------------------------------------------------------ */

static int open_all(lua_State *L)
{
	ear_hook_open_box(L);
	ear_hook_open_message(L);
	return 0;
}

static int run_chunk(lua_State *L)
{
	struct ear_hook *h = ear_hook_of(L);
	char name[128];

	snprintf(name, sizeof(name), "=%s", h->name);
	if (luaL_loadbufferx(L, h->text.n ? h->text.p : "", h->text.n, name,
		    "t") != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 0);
	if (lua_getglobal(L, "on_message") != LUA_TFUNCTION)
		return luaL_error(
			L, "%s: has no function on_message(msg)", h->name);
	return 0;
}

/* Call a C function under the limits. */
static int guarded(struct ear_hook *h, lua_CFunction fn)
{
	int status;

	h->over = EAR_HOOK_WITHIN;
	/* The first step may be over at once: they go on from one message to
	 * the next. */
	h->left = (int64_t)h->opt.max_instructions + EAR_HOOK_STEP;
	h->until_ns = 0;
	lua_pushcfunction(h->L, fn);
	status = lua_pcall(h->L, 0, 0, 0);
	if (status == LUA_ERRMEM)
		h->over = EAR_HOOK_MEMORY;
	if (h->over)
		lua_sethook(h->L, count, LUA_MASKCOUNT, EAR_HOOK_STEP);
	return status;
}

static enum ear_err make(struct ear_hook *h, struct ear_fault *fault)
{
	char text[256];

	h->bytes = 0;
	h->L = lua_newstate(allocate, h);
	if (!h->L)
		return ear_fail(fault, EAR_NOMEM, 0,
			"no memory for the script %s", h->name);
	*(struct ear_hook **)lua_getextraspace(h->L) = h;
	lua_sethook(h->L, count, LUA_MASKCOUNT, EAR_HOOK_STEP);
	if (guarded(h, open_all) != LUA_OK || guarded(h, run_chunk) != LUA_OK)
		goto failed;
	return EAR_OK;
failed:
	error_text(h, text, sizeof(text));
	lua_close(h->L);
	h->L = NULL;
	return ear_fail(fault, EAR_USAGE, 0, "%s", text);
}

/*
 * After memory ran out: where the script's globals fill it, nothing would
 * ever work again, so it begins anew.
 */
static void recover(struct ear_hook *h)
{
	struct ear_fault fault = {0};
	lua_State *before = h->L;
	uint64_t bytes;

	lua_gc(h->L, LUA_GCCOLLECT);
	bytes = h->bytes;
	if (bytes < h->opt.max_bytes / 4 * 3)
		return;
	if (make(h, &fault) != EAR_OK) {
		/* It did once; then it is better as it was. */
		h->L = before;
		h->bytes = bytes;
		return;
	}
	bytes = h->bytes;
	lua_close(before);
	h->bytes = bytes;
	h->resets++;
	notice(h, "hook.reset",
		EAR_S("the script's variables filled its memory; "
		      "it began anew without them"));
}

enum ear_err ear_hook_new(const struct ear_hook_options *options,
	struct ear_hook **hook, struct ear_fault *fault)
{
	struct ear_hook *h = calloc(1, sizeof(*h));
	enum ear_err err;
	const char *slash;

	*hook = NULL;
	if (!h)
		return ear_fail(fault, EAR_NOMEM, 0, "no memory for a script");
	pthread_mutex_init(&h->lock, NULL);
	h->opt = *options;
	if (!h->opt.max_instructions)
		h->opt.max_instructions = 100000;
	if (!h->opt.max_bytes)
		h->opt.max_bytes = (uint64_t)16 * 1024 * 1024;
	h->file = strdup(options->file);
	h->room = malloc(EAR_HOOK_ROOM);
	if (!h->file || !h->room) {
		err = ear_fail(fault, EAR_NOMEM, 0, "no memory for a script");
		goto out;
	}
	slash = strrchr(h->file, '/');
	h->name = slash ? slash + 1 : h->file;
	err = ear_whole_read(h->file, SCRIPT_MAX, &h->text, fault);
	if (!err)
		err = make(h, fault);
out:
	if (err)
		ear_hook_free(&h);
	*hook = h;
	return err;
}

void ear_hook_free(struct ear_hook **hook)
{
	struct ear_hook *h = *hook;

	if (!h)
		return;
	if (h->L)
		lua_close(h->L);
	ear_buf_fini(&h->text);
	ear_buf_fini(&h->scratch);
	pthread_mutex_destroy(&h->lock);
	free(h->file);
	free(h->room);
	free(h);
	*hook = NULL;
}

/* --- a message ------------------------------------------------------------ */

/* In protected mode, as a look-up of a global may raise. */
static int call_script(lua_State *L)
{
	lua_getglobal(L, "on_message");
	lua_getfield(L, LUA_REGISTRYINDEX, EAR_HOOK_MSG);
	lua_call(L, 1, 0);
	return 0;
}

void ear_hook_take(struct ear_hook *hook, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_hook_verdict *verdict)
{
	char text[256];

	memset(verdict, 0, sizeof(*verdict));
	hook->msg = msg;
	hook->facts = facts;
	hook->verdict = verdict;
	hook->parsed = false;
	hook->room_used = 0;
	hook->calls++;
	if (guarded(hook, call_script) != LUA_OK) {
		error_text(hook, text, sizeof(text));
		tell(hook, text);
		lua_settop(hook->L, 0);
		/* As if there were no script, not half of it. */
		memset(verdict, 0, sizeof(*verdict));
		if (hook->over == EAR_HOOK_MEMORY)
			recover(hook);
	}
	hook->msg = NULL;
	hook->facts = NULL;
	hook->verdict = NULL;
}

void ear_hook_json(struct ear_hook *hook, struct ear_json *j)
{
	ear_json_open(j, '{');
	ear_json_kstr(j, "file", ear_slice_str(hook->file));
	ear_json_ku64(j, "calls", hook->calls);
	ear_json_ku64(j, "errors", hook->errors);
	pthread_mutex_lock(&hook->lock);
	ear_json_kstr(j, "last_error", ear_slice_str(hook->last_error));
	ear_json_ktime(j, "last_error_at", hook->last_error_ns);
	pthread_mutex_unlock(&hook->lock);
	ear_json_ku64(j, "prints", hook->prints);
	ear_json_ku64(j, "resets", hook->resets);
	ear_json_ku64(j, "instructions", hook->instructions);
	ear_json_ku64(j, "max_instructions", hook->opt.max_instructions);
	ear_json_ku64(j, "bytes", hook->bytes);
	ear_json_ku64(j, "bytes_most", hook->bytes_most);
	ear_json_ku64(j, "max_bytes", hook->opt.max_bytes);
	ear_json_close(j, '}');
}
