/* SPDX-License-Identifier: Apache-2.0 */
/* For people who ask: the switch, trace orders, counts. */
#include <strings.h>

#include "base/thread.h"
#include "base/time.h"
#include "lib/lib_priv.h"

EARSHOT_API int earshot_status(
	struct earshot *e, const char *command, char *text, size_t text_bytes)
{
	const char *answer = "Internal error";
	struct ear_traces *traces;
	int code = EARSHOT_SYS;
	bool on;

	if (!ear_lib_usable(e)) {
		ear_lib_say(text, text_bytes, answer);
		return EARSHOT_CLOSED;
	}
	traces = ear_rules_traces(e->rules);
	if (!command || !command[0]) {
		answer = "Not enough parameters (on, off or check)";
		code = EARSHOT_BADARG;
	} else if (!strncasecmp(command, "check", 5)) {
		code = EARSHOT_OK;
	} else if ((on = !strncasecmp(command, "on", 2)) ||
		   !strncasecmp(command, "off", 3)) {
		code = ear_lib_answer(
			ear_traces_switch(traces, NULL, on, "library", NULL));
	} else {
		answer = "Bad parameter (on, off or check)";
		code = EARSHOT_BADARG;
	}
	atomic_store(&e->on, ear_traces_on(traces));
	if (!code)
		answer = atomic_load(&e->on) ? "Enabled" : "Disabled";
	ear_lib_say(text, text_bytes, answer);
	return code;
}

static enum ear_err start(struct earshot *e, const struct earshot_trace *trace,
	char *name, struct ear_fault *fault)
{
	const char *users[EAR_LIB_LIST], *mirrors[EAR_LIB_LIST];
	char user_list[EAR_LIB_TEXT + 1], mirror_list[EAR_LIB_TEXT + 1];
	struct ear_trace_spec spec = {
		.name = trace->name,
		.rule = trace->rule ? trace->rule : "",
		.table = trace->table ? trace->table : "",
		.correlation = trace->correlation ? trace->correlation : "",
		.keep_before_ns = ear_lib_ns(trace->keep_before_ms),
		.max_messages = trace->max_messages,
		.max_bytes = trace->max_bytes,
		.dialog_ack = true,
		.dialog_spiral = true,
		.by = "library",
		.why = trace->why ? trace->why : "",
	};

	if (!ear_scope_of(ear_slice(&trace->mode, 1), &spec.scope))
		return ear_fail(
			fault, EAR_USAGE, 0, "the mode is none of m, t and d");
	if (!ear_lib_text_fits(trace->users) ||
		!ear_lib_text_fits(trace->mirrors))
		return ear_fail(fault, EAR_USAGE, 0,
			"a list has more than %d items or %d bytes",
			EAR_LIB_LIST, EAR_LIB_TEXT);
	ear_lib_say(
		user_list, sizeof(user_list), trace->users ? trace->users : "");
	ear_lib_say(mirror_list, sizeof(mirror_list),
		trace->mirrors ? trace->mirrors : "");
	spec.users = (struct ear_texts){users, ear_lib_split(user_list, users)};
	spec.mirrors = (struct ear_texts){
		mirrors, ear_lib_split(mirror_list, mirrors)};
	if (trace->for_ms)
		spec.until_ns = ear_now_ns() + ear_lib_ns(trace->for_ms);
	return ear_traces_start(ear_rules_traces(e->rules), &spec, name, fault);
}

/* Whether a trace can be asked for or about; else the answer is given. */
static bool may_ask(
	struct earshot *e, bool sound, char *why, size_t why_bytes, int *answer)
{
	bool usable = ear_lib_usable(e);

	if (usable && sound)
		return true;
	*answer = usable ? EARSHOT_BADARG : EARSHOT_CLOSED;
	ear_lib_say(why, why_bytes, earshot_strerror(*answer));
	return false;
}

EARSHOT_API int earshot_trace_start(struct earshot *e,
	const struct earshot_trace *trace, char *name, char *why,
	size_t why_bytes)
{
	struct ear_fault fault = {0};
	enum ear_err err;
	int answer;

	if (!may_ask(e, trace && trace->size >= sizeof(*trace), why, why_bytes,
		    &answer))
		return answer;
	err = start(e, trace, name, &fault);
	ear_lib_say(why, why_bytes, fault.text);
	return ear_lib_answer(err);
}

EARSHOT_API int earshot_trace_stop(
	struct earshot *e, const char *name, char *why, size_t why_bytes)
{
	struct ear_fault fault = {0};
	enum ear_err err;
	int answer;

	if (!may_ask(e, name != NULL, why, why_bytes, &answer))
		return answer;
	err = ear_traces_stop(
		ear_rules_traces(e->rules), name, "library", &fault);
	ear_lib_say(why, why_bytes, fault.text);
	return ear_lib_answer(err);
}

EARSHOT_API int earshot_trace_switch(struct earshot *e, const char *name,
	int on, char *why, size_t why_bytes)
{
	struct ear_fault fault = {0};
	enum ear_err err;
	int answer;

	if (!may_ask(e, name != NULL, why, why_bytes, &answer))
		return answer;
	err = ear_traces_switch(
		ear_rules_traces(e->rules), name, on != 0, "library", &fault);
	ear_lib_say(why, why_bytes, fault.text);
	return ear_lib_answer(err);
}

static void count(struct earshot *e, struct earshot_stats *s)
{
	struct ear_store_stats store = {0};
	uint64_t n[EAR_N_COUNT], stored;

	e->store->ops->stats(e->store, &store);
	s->done = atomic_load(&e->done);
	ear_ledger_sum(e->ledger, n);
	s->taken = atomic_load(&e->taken);
	s->bytes = atomic_load(&e->bytes);
	s->refused_full = atomic_load(&e->refused_full);
	s->refused_other = atomic_load(&e->refused_other);
	/* the store that keeps nothing takes all the same */
	stored = n[EAR_N_STORED];
	s->kept = e->keeps ? stored : 0;
	s->passed = n[EAR_N_FILTERED] + (e->keeps ? 0 : stored);
	s->not_sip = n[EAR_N_KEEPALIVE] + n[EAR_N_RTP] + n[EAR_N_JUNK];
	s->oversize = n[EAR_N_OVERSIZE];
	s->malformed = n[EAR_N_MALFORMED];
	s->mirrored = n[EAR_N_MIRRORED];
	s->delivered = n[EAR_N_DELIVERED];
	s->lost = n[EAR_N_MIRROR_FULL] + n[EAR_N_MIRROR_REFUSED];
	s->waiting = ear_rules_waiting(e->rules);
	s->queue_bytes = ear_ring_bytes(e->ring);
	s->queue_used = ear_ring_used(e->ring);
	s->on = ear_traces_on(ear_rules_traces(e->rules));
	s->store_full = store.full;
}

EARSHOT_API int earshot_stats(struct earshot *e, struct earshot_stats *stats)
{
	struct earshot_stats s = {0};
	size_t size;

	if (!ear_lib_usable(e))
		return EARSHOT_CLOSED;
	if (!stats || stats->size < sizeof(stats->size))
		return EARSHOT_BADARG;
	count(e, &s);
	size = stats->size;
	s.size = size;
	memcpy(stats, &s, size < sizeof(s) ? size : sizeof(s));
	return EARSHOT_OK;
}

EARSHOT_API int earshot_flush(struct earshot *e, unsigned wait_ms)
{
	uint64_t until_ns = ear_lib_until(wait_ms);
	uint64_t want;
	bool late = false;

	if (!ear_lib_usable(e))
		return EARSHOT_CLOSED;
	want = ear_ring_claimed(e->ring);
	pthread_mutex_lock(&e->lock_asked);
	if (e->flush_asked < want)
		e->flush_asked = want;
	ear_ring_wake(e->ring);
	while (e->flushed < want && !late)
		late = !ear_cond_wait(&e->told, &e->lock_asked, until_ns);
	late = e->flushed < want;
	pthread_mutex_unlock(&e->lock_asked);
	return late ? EARSHOT_TIMEOUT : EARSHOT_OK;
}
