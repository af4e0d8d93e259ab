/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules say of one message: hook, then traces, then the store's. */
#include "flow/rules_priv.h"

/* The counts alone: nobody reads an item beyond them. */
static void clear_list(struct ear_mark_list *list)
{
	list->n = list->left_out = 0;
}

static void clear_marks(struct ear_marks *marks)
{
	clear_list(&marks->users);
	clear_list(&marks->traces);
	clear_list(&marks->tables);
}

static void clear(struct ear_judge *j)
{
	struct ear_trace_verdict *t = &j->trace;

	clear_marks(&j->marks);
	clear_marks(&t->marks);
	clear_list(&t->mirrors);
	t->correlation = (struct ear_slice){0};
	t->traced = t->mirrors_any = false;
	t->before_ns = 0;
	j->drop = j->mask = j->marked = j->hook.store_off = false;
	j->hook.events = 0;
	j->keep = true;
}

static void add_list(struct ear_mark_list *to, const struct ear_mark_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		ear_mark_add(to, from->item[i]);
}

static void add_marks(struct ear_marks *to, const struct ear_marks *from)
{
	add_list(&to->users, &from->users);
	add_list(&to->traces, &from->traces);
	add_list(&to->tables, &from->tables);
}

static size_t count_marks(const struct ear_marks *marks)
{
	return marks->users.n + marks->traces.n + marks->tables.n;
}

/*
 * What the sender says of traces and users is kept. Which table a row goes to
 * is no business of his.
 */
static enum ear_err read_sender(struct ear_judge *j, struct ear_msg *msg)
{
	if (!msg->extra.n)
		return EAR_OK;
	ear_marks_read(msg->extra, &j->marks);
	if (!j->marks.tables.n)
		return EAR_OK;
	clear_list(&j->marks.tables);
	ear_buf_reset(&j->bare);
	ear_marks_strip(msg->extra, false, &j->bare);
	if (j->bare.err)
		return j->bare.err;
	msg->extra = ear_buf_view(&j->bare);
	return EAR_OK;
}

static void ask_hook(struct ear_judge *j, struct ear_hook *hook,
	struct ear_msg *msg, const struct ear_facts *facts)
{
	ear_hook_take(hook, msg, facts, &j->hook);
	j->drop = j->hook.drop;
	j->mask = j->hook.mask;
	if (j->hook.correlation.n)
		msg->correlation = j->hook.correlation;
	add_marks(&j->marks, &j->hook.marks);
}

/*
 * A trace's correlation id takes the place of what the message came with. Not
 * with a log event: there it is all that says which conversation it is of.
 */
static void correlate(
	const struct ear_trace_verdict *trace, struct ear_msg *msg)
{
	if (!trace->correlation.n ||
		(msg->proto == EAR_PROTO_LOG && msg->correlation.n))
		return;
	msg->correlation = trace->correlation;
}

static void ask_traces(struct ear_judge *j, struct ear_rules *rules,
	struct ear_msg *msg, const struct ear_facts *facts, bool hook)
{
	ear_traces_take(rules->traces, msg, facts, &j->trace);
	for (size_t i = 0; hook && i < j->hook.asks; i++)
		ear_traces_ask(
			rules->traces, msg, facts, &j->hook.ask[i], &j->trace);
	if (j->ask)
		ear_traces_ask(rules->traces, msg, facts, j->ask, &j->trace);
	if (!(hook && j->hook.correlation.n))
		correlate(&j->trace, msg);
	add_marks(&j->marks, &j->trace.marks);
}

bool ear_judge_keeps(const struct ear_judge *j, struct ear_rules_set *set,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	switch (set->keep) {
	case EAR_KEEP_TRACED: return j->trace.traced;
	case EAR_KEEP_EXPR:
		return j->trace.traced || ear_expr_match(set->expr, msg, facts);
	default: return true;
	}
}

/* The sender's further chunks, then all marks. */
static enum ear_err write_marks(const struct ear_marks *marks,
	struct ear_msg *msg, struct ear_buf *room)
{
	ear_buf_reset(room);
	ear_marks_strip(msg->extra, true, room);
	ear_marks_write(marks, room);
	if (room->err)
		return room->err;
	msg->extra = ear_buf_view(room);
	return EAR_OK;
}

enum ear_err ear_judge_ask(struct ear_judge *j, struct ear_rules *rules,
	struct ear_rules_set *set, struct ear_msg *msg,
	const struct ear_facts *facts)
{
	bool hook = set->hook != NULL;
	enum ear_err err;
	size_t senders;

	clear(j);
	err = read_sender(j, msg);
	if (err)
		return err;
	senders = count_marks(&j->marks);
	if (hook)
		ask_hook(j, set->hook, msg, facts);
	if (j->drop)
		j->keep = false;
	else
		ask_traces(j, rules, msg, facts, hook);
	j->ask = NULL;
	if (j->drop)
		return EAR_OK;
	j->keep = !(hook && j->hook.store_off) &&
		  ear_judge_keeps(j, set, msg, facts);
	j->marked = count_marks(&j->marks) != senders;
	return EAR_OK;
}

enum ear_err ear_judge_mark(struct ear_judge *j, struct ear_msg *msg)
{
	return j->marked ? write_marks(&j->marks, msg, &j->extra) : EAR_OK;
}

enum ear_err ear_judge_late(const struct ear_trace_verdict *trace,
	struct ear_msg *msg, struct ear_marks *marks, struct ear_buf *room)
{
	ear_marks_read(msg->extra, marks);
	clear_list(&marks->tables);
	add_marks(marks, &trace->marks);
	correlate(trace, msg);
	return write_marks(marks, msg, room);
}

void ear_judge_fini(struct ear_judge *j)
{
	ear_buf_fini(&j->bare);
	ear_buf_fini(&j->extra);
}
