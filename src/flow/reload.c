/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another configuration for a server that runs. All that can fail comes first
 * and beside what is in use; then everything changes over, and what is not
 * needed any more goes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "flow/server_priv.h"

/* One listener of the configuration to come. */
struct step {
	const struct ear_listener *wanted;
	struct listener *stays; /* the one that is there and only changes */
	struct listener *fresh; /* or a new one */
	struct ear_terms terms;
	struct lanes lanes; /* of these terms, for the one that stays */
	bool turns;         /* it goes over to these */
};

struct plan {
	struct ear_server *s;
	const struct ear_server_options *options;
	struct ear_listener capture[CAPTURES]; /* as listeners */
	struct step step[LISTENERS];
	size_t steps;
	struct ear_rules_next *rules;
};

/* --- what is there already --------------------------------------------- */

static bool is_udp(const char *transport)
{
	return !strcmp(transport, "udp");
}

static struct listener *find(struct ear_server *s, const struct ear_listener *o)
{
	for (size_t i = 0; i < s->listeners; i++) {
		struct listener *l = s->listener[i];

		if (!strcmp(l->transport, o->transport) &&
			ear_addr_eq(&l->asked, &o->address))
			return l;
	}
	return NULL;
}

/* Whether one of ours has the port: then a new socket may share it. */
static bool on_our_port(struct ear_server *s, const struct ear_listener *o)
{
	for (size_t i = 0; i < s->listeners; i++) {
		struct listener *l = s->listener[i];

		if (is_udp(l->transport) == is_udp(o->transport) &&
			ear_addr_eq(&l->asked, &o->address))
			return true;
	}
	return false;
}

static bool stays_in(const struct plan *p, const struct listener *l)
{
	for (size_t i = 0; i < p->steps; i++) {
		if (p->step[i].stays == l)
			return true;
	}
	return false;
}

/* Several may be of one device: the one that is as it is wanted. */
static struct listener *find_capture(
	const struct plan *p, const struct ear_listener *o)
{
	for (size_t i = 0; i < p->s->listeners; i++) {
		struct listener *l = p->s->listener[i];

		if (l->capture && !stays_in(p, l) &&
			l->made_from == listener_made_from(p->s, o))
			return l;
	}
	return NULL;
}

/* --- making ready ------------------------------------------------------ */

static bool same_terms(const struct ear_terms *a, const struct ear_terms *b)
{
	return a->mask == b->mask && !strcmp(a->key, b->key);
}

static enum ear_err make_ready(
	struct plan *p, const struct ear_listener *o, struct ear_fault *fault)
{
	struct step *step = &p->step[p->steps];
	struct listener *is = o->capture ? find_capture(p, o) : find(p->s, o);
	enum ear_err err;

	*step = (struct step){
		.wanted = o,
		.terms = listener_terms(o, p->options->mask_secrets),
	};
	if (!is || stays_in(p, is) ||
		is->made_from != listener_made_from(p->s, o)) {
		err = listener_open(p->s, o, p->options->mask_secrets,
			on_our_port(p->s, o), &step->fresh, fault);
		p->steps += !err;
		return err;
	}
	step->stays = is;
	p->steps++;
	if (same_terms(&is->terms, &step->terms))
		return EAR_OK;
	step->turns = true;
	return listener_lanes(p->s, is, &step->terms, &step->lanes, fault);
}

static enum ear_err make_each_ready(struct plan *p,
	const struct ear_listener *listeners, size_t n, struct ear_buf *told,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (p->steps + n > LISTENERS)
		return ear_fail(fault, EAR_LIMIT, 0,
			"more than %d listeners and captures", LISTENERS);
	for (size_t i = 0; !err && i < n; i++) {
		struct ear_fault why = {0};

		err = make_ready(p, &listeners[i], &why);
		if (err && listeners[i].optional) {
			ear_buf_printf(told, "%s is not served: %s\n",
				listeners[i].name, why.text);
			err = EAR_OK;
		} else if (err && listeners[i].capture) {
			*fault = why;
		} else if (err) {
			ear_fail(fault, err, 0, "listener \"%s\": %.240s",
				listeners[i].name, why.text);
		}
	}
	return err;
}

static enum ear_err make_all_ready(struct plan *p,
	const struct ear_listener *listeners, size_t n, struct ear_buf *told,
	struct ear_fault *fault)
{
	const struct ear_server_options *o = p->options;
	enum ear_err err;

	for (size_t i = 0; i < o->n_captures && i < CAPTURES; i++)
		p->capture[i] = capture_listener(&o->captures[i]);
	err = make_each_ready(p, listeners, n, told, fault);
	if (!err)
		err = make_each_ready(
			p, p->capture, o->n_captures, told, fault);
	for (size_t i = 0; !err && i < p->steps; i++) {
		if (p->step[i].fresh)
			err = listener_start(p->step[i].fresh, fault);
	}
	if (!err && p->s->rules)
		err = ear_rules_prepare(
			p->s->rules, p->options->rules, &p->rules, fault);
	return err;
}

/* Nothing was changed: what was made in vain goes. */
static void undo(struct plan *p)
{
	ear_rules_done(&p->rules);
	for (size_t i = 0; i < p->steps; i++) {
		struct step *step = &p->step[i];

		if (step->fresh)
			listener_close(p->s, &step->fresh);
		if (step->turns)
			lanes_give_up(p->s, &step->lanes);
	}
}

/* --- changing over ----------------------------------------------------- */

static void change_rules(void *arg)
{
	struct plan *p = arg;

	ear_rules_change(p->s->rules, p->rules);
}

static void allow(
	struct ear_server *s, struct listener *l, const struct ear_listener *o)
{
	static const char text[] = "out of memory: a listener keeps its "
				   "allow-list; reload again";

	enum ear_err err =
		l->udp ? ear_tap_udp_allow(l->udp, o->allow, o->allow_n)
		       : ear_tap_tcp_allow(l->tcp, o->allow, o->allow_n);

	if (err)
		ear_notices_add(
			"config.allow", ear_slice_str(text), s->notices);
}

/* The listeners of the plan take the place of all. @return those that go */
static size_t change_listeners(struct plan *p, struct listener *gone[LISTENERS])
{
	struct ear_server *s = p->s;
	size_t n = 0;

	for (size_t i = 0; i < p->steps; i++) {
		struct step *step = &p->step[i];

		if (!step->stays)
			continue;
		if (step->turns)
			listener_switch(
				s, step->stays, &step->terms, &step->lanes);
		if (!step->stays->capture)
			allow(s, step->stays, step->wanted);
	}
	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++) {
		if (!stays_in(p, s->listener[i]))
			gone[n++] = s->listener[i];
	}
	for (size_t i = 0; i < p->steps; i++) {
		struct step *step = &p->step[i];

		s->listener[i] = step->stays ? step->stays : step->fresh;
		snprintf(s->listener[i]->name, sizeof(s->listener[i]->name),
			"%s", step->wanted->name);
	}
	s->listeners = p->steps;
	pthread_mutex_unlock(&s->listeners_lock);
	return n;
}

static void change_rest(struct plan *p)
{
	struct ear_server_options *o = &p->s->options;
	struct ear_fault fault = {0};

	p->s->store->ops->limits(p->s->store, &p->options->store.keep);
	if (p->s->tracking)
		ear_records_limits(ear_tracking_records(p->s->tracking),
			p->options->tracking.max_age_ns,
			p->options->tracking.max_bytes,
			p->options->store.keep.min_free);
	pthread_mutex_lock(&p->s->listeners_lock);
	o->store.keep = p->options->store.keep;
	pthread_mutex_unlock(&p->s->listeners_lock);
	if (o->mask_secrets == p->options->mask_secrets)
		return;
	o->mask_secrets = p->options->mask_secrets;
	if (control_change(p->s, o->mask_secrets, &fault))
		ear_notices_add("control.lane", ear_slice_str(fault.text),
			p->s->notices);
}

/* --- what needs a restart ---------------------------------------------- */

static void tell_number(
	struct ear_buf *told, const char *key, uint64_t is, uint64_t wanted)
{
	if (is != wanted)
		ear_buf_printf(told,
			"%s: %" PRIu64 " stays until the next start, then it "
			"is %" PRIu64 "\n",
			key, is, wanted);
}

static uint64_t spool_of(const struct ear_rules_spec *rules, const char *name)
{
	for (size_t i = 0; rules && i < rules->n_outlets; i++) {
		if (!strcmp(rules->outlets[i].name, name))
			return rules->outlets[i].spool_bytes;
	}
	return 0;
}

static void tell_restart(const struct ear_server_options *is,
	const struct ear_server_options *wanted, struct ear_buf *told)
{
	const struct ear_rules_spec *rules = wanted->rules;
	uint64_t before;
	char key[80];

	tell_number(told, "store.segment_size", is->store.segment_bytes,
		wanted->store.segment_bytes);
	tell_number(told, "store.segment_time (ns)", is->store.segment_ns,
		wanted->store.segment_ns);
	tell_number(told, "store.commit (ms)", is->store.commit_ms,
		wanted->store.commit_ms);
	tell_number(told, "store.threads", is->store.threads,
		wanted->store.threads);
	tell_number(told, "journal.max_size", is->journal.max_bytes,
		wanted->journal.max_bytes);
	tell_number(told, "journal.min_free", is->journal.keep_free,
		wanted->journal.keep_free);
	tell_number(told, "journal.sync (ms)", is->journal.sync_ms,
		wanted->journal.sync_ms);
	if (strcmp(is->user ? is->user : "",
		    wanted->user ? wanted->user : "") != 0)
		ear_buf_printf(told,
			"capture: user stays as it was until the next start\n");
	if (is->tracking.keep != wanted->tracking.keep)
		ear_buf_printf(told,
			"records.keep: stays as it was until the next start\n");
	if (!rules || !is->rules)
		return;
	tell_number(told, "siptrace.max_open", is->rules->max_open,
		rules->max_open);
	for (size_t i = 0; i < rules->n_outlets; i++) {
		before = spool_of(is->rules, rules->outlets[i].name);
		snprintf(key, sizeof(key), "spool of \"%.48s\"",
			rules->outlets[i].name);
		if (before)
			tell_number(told, key, before,
				rules->outlets[i].spool_bytes);
	}
}

/* --- all of it --------------------------------------------------------- */

static void apply(struct plan *p)
{
	struct listener *gone[LISTENERS];
	size_t n;

	if (p->rules)
		ear_pump_run(p->s->pump, change_rules, p);
	n = change_listeners(p, gone);
	captures_own(p->s);
	change_rest(p);
	for (size_t i = 0; i < n; i++)
		listener_close(p->s, &gone[i]);
	ear_rules_done(&p->rules);
}

enum ear_err ear_server_reload(struct ear_server *s,
	const struct ear_server_options *options,
	const struct ear_listener *listeners, size_t n, struct ear_buf *told,
	struct ear_fault *fault)
{
	struct plan *p = calloc(1, sizeof(*p));
	enum ear_err err;

	if (!p)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	p->s = s;
	p->options = options;
	pthread_mutex_lock(&s->reload_lock);
	err = make_all_ready(p, listeners, n, told, fault);
	if (err) {
		undo(p);
	} else {
		tell_restart(&s->options, options, told);
		apply(p);
		s->options.rules = options->rules;
		s->options.captures = options->captures;
		s->options.n_captures = options->n_captures;
		server_mark_rules(s, options->rules);
	}
	pthread_mutex_unlock(&s->reload_lock);
	free(p);
	return err;
}
