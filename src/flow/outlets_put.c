/* SPDX-License-Identifier: Apache-2.0 */
/* A message to the outlets that take it, on the thread that has it. */
#include "base/log.h"
#include "flow/rules_priv.h"

static bool named(const struct ear_mark_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (ear_slice_eq(list->item[i], ear_slice_str(name)))
			return true;
	}
	return false;
}

static bool gets_traced(
	const struct ear_outlet *o, const struct ear_trace_verdict *trace)
{
	return trace->traced &&
	       (trace->mirrors_any || named(&trace->mirrors, o->name));
}

static void put(struct ear_outlet *o, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks)
{
	if (!o->filter || ear_expr_match(o->filter, msg, facts))
		(void)ear_spool_put(o->spool, msg, facts, marks);
}

/* Who asks for a trace may name what no section has: it goes nowhere then. */
static void tell_unknown(const struct ear_outlets *outlets,
	const struct ear_trace_verdict *trace)
{
	static struct ear_log_gate gate;
	uint64_t skipped;

	for (size_t i = 0; i < trace->mirrors.n; i++) {
		struct ear_slice name = trace->mirrors.item[i];
		size_t k = 0;

		while (k < outlets->n &&
			!ear_slice_eq(name, ear_slice_str(outlets->v[k].name)))
			k++;
		if (k < outlets->n || !ear_log_every(&gate, &skipped))
			continue;
		ear_log(EAR_WARN, "mirror.unknown", "name", EAR_LB(name),
			"reason",
			EAR_LS("a trace names it, and no section mirror or sql "
			       "does"),
			"skipped", EAR_LU(skipped), NULL);
	}
}

void ear_outlets_put(struct ear_outlets *outlets, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	const struct ear_trace_verdict *trace)
{
	if (trace->mirrors.n)
		tell_unknown(outlets, trace);
	for (size_t i = 0; i < outlets->n; i++) {
		struct ear_outlet *o = &outlets->v[i];

		if (!o->traced_only || gets_traced(o, trace))
			put(o, msg, facts, marks);
	}
}

void ear_outlets_put_late(struct ear_outlets *outlets,
	const struct ear_msg *msg, const struct ear_facts *facts,
	const struct ear_marks *marks, const struct ear_trace_verdict *trace)
{
	for (size_t i = 0; i < outlets->n; i++) {
		struct ear_outlet *o = &outlets->v[i];

		if (o->traced_only && gets_traced(o, trace))
			put(o, msg, facts, marks);
	}
}

void ear_outlets_flush(struct ear_outlets *outlets, struct ear_store *store)
{
	for (size_t i = 0; i < outlets->n; i++) {
		struct ear_spool *spool = outlets->v[i].spool;
		struct ear_store_mark mark;

		if (!ear_spool_flush(spool, &mark))
			continue;
		if (store)
			store->ops->mark(store, &mark);
		else
			ear_spool_committed(spool, &mark);
	}
}

void ear_outlets_committed(struct ear_outlets *outlets, struct ear_store *store)
{
	for (size_t i = 0; store && i < outlets->n; i++) {
		struct ear_store_mark mark;
		char name[32];

		ear_spool_mark_name(outlets->v[i].name, name);
		if (!store->ops->marked(store, name, &mark))
			ear_spool_committed(outlets->v[i].spool, &mark);
	}
}
