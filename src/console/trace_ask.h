/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What control channel and HTTP API have in common about traces: an order as
 * a person gives it, and the lists that they show.
 */
#ifndef EAR_CONSOLE_TRACE_ASK_H
#define EAR_CONSOLE_TRACE_ASK_H

#include "console/params.h"
#include "flow/rules.h"

/** How long an order lasts that does not say when it ends. */
#define EAR_TRACE_USUAL_NS (15 * 60 * EAR_SECOND_NS)

struct ear_trace_ask {
	struct ear_trace_spec spec; /**< by is not filled in */
	struct ear_param_texts users, mirrors;
	bool at_rule; /**< what is wrong is in the rule, at fault's offset */
};

/**
 * Read an order: name rule scope traced_user table mirrors correlation
 * keep_before for max_messages max_size dialog_ack dialog_spiral on why. The
 * rule and the names of mirrors are checked.
 *
 * @param[out] ask texts borrowed from params
 * @return EAR_OK; EAR_USAGE: the fault says what is wrong
 */
EAR_MUST_USE enum ear_err ear_trace_ask_read(const json_t *params,
	struct ear_rules *rules, uint64_t now_ns, struct ear_trace_ask *ask,
	struct ear_fault *fault);

/** An object: on, now, traces, recorder (null: it does not run). */
void ear_trace_view(struct ear_rules *rules, struct ear_json *j);

/** An object: mirrors, an array. */
void ear_mirror_view(struct ear_rules *rules, struct ear_json *j);

#endif
