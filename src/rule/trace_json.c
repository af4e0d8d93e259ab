/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as JSON: in the status, and in the file of orders. */
#include "rule/trace_priv.h"

static void texts(
	struct ear_json *j, const char *key, const struct ear_texts *list)
{
	ear_json_key(j, key);
	ear_json_open(j, '[');
	for (size_t i = 0; i < list->n; i++)
		ear_json_str(j, ear_slice_str(list->item[i]));
	ear_json_close(j, ']');
}

static void text(struct ear_json *j, const char *key, const char *value)
{
	ear_json_kstr(j, key, ear_slice_str(value));
}

static void asked(const struct ear_trace_spec *s, struct ear_json *j)
{
	text(j, "rule", s->rule);
	text(j, "scope", ear_scope_name(s->scope));
	texts(j, "traced_user", &s->users);
	text(j, "table", s->table);
	texts(j, "mirrors", &s->mirrors);
	text(j, "correlation", s->correlation);
	ear_json_ku64(j, "keep_before_ns", s->keep_before_ns);
	ear_json_ktime(j, "until", s->until_ns);
	ear_json_ku64(j, "max_messages", s->max_messages);
	ear_json_ku64(j, "max_bytes", s->max_bytes);
	ear_json_kbool(j, "dialog_ack", s->dialog_ack);
	ear_json_kbool(j, "dialog_spiral", s->dialog_spiral);
	text(j, "by", s->by);
	text(j, "why", s->why);
}

static void done(const struct trace *t, struct ear_json *j)
{
	ear_json_kbool(j, "standing", t->standing);
	ear_json_kbool(j, "script", t->script);
	ear_json_kbool(j, "on", t->on);
	ear_json_ktime(j, "since", t->since_ns);
	text(j, "end", ear_trace_end_name(t->end));
	ear_json_ktime(j, "ended", t->ended_ns);
	text(j, "ended_by", t->ended_by);
	ear_json_ku64(j, "messages", t->messages);
	ear_json_ku64(j, "bytes", t->bytes);
	ear_json_ku64(j, "conversations", t->conversations);
	ear_json_ku64(j, "recalled", t->recalled);
	ear_json_ktime(j, "first", t->first_ns);
	ear_json_ktime(j, "last", t->last_ns);
	ear_json_ku64(j, "open", t->open);
	ear_json_ku64(j, "forgotten", t->forgotten);
}

void trace_json(const struct trace *trace, struct ear_json *j)
{
	ear_json_open(j, '{');
	text(j, "name", trace->spec.name);
	asked(&trace->spec, j);
	done(trace, j);
	ear_json_close(j, '}');
}

void ear_traces_json(struct ear_traces *traces, struct ear_json *j)
{
	traces_lock(traces);
	ear_json_open(j, '[');
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		if (traces->running[i] && !traces->running[i]->held)
			trace_json(traces->running[i], j);
	}
	for (size_t i = traces->n_ended; i-- > 0;)
		trace_json(traces->ended[i], j);
	ear_json_close(j, ']');
	traces_unlock(traces);
}
