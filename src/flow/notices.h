/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Notices: what an operator must know and would not see in a counter, as a
 * torn journal or a full disk. A ring of the last ones, each also a log line.
 */
#ifndef EAR_FLOW_NOTICES_H
#define EAR_FLOW_NOTICES_H

#include "base/json.h"

/** Notices that are remembered; older ones are only in the log. */
#define EAR_NOTICES_KEPT 64

struct ear_notices;

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_notices_new(struct ear_notices **notices);
void ear_notices_free(struct ear_notices **notices);

/**
 * Add one. Its signature is that of ear_notice_fn, so that a store can be
 * handed it. Threads: any.
 *
 * @param event as "store.full"
 * @param arg   struct ear_notices
 */
void ear_notices_add(const char *event, struct ear_slice text, void *arg);

/** A value: [{"at","event","text"}…], newest first. Threads: any. */
void ear_notices_json(struct ear_notices *notices, struct ear_json *json);

#endif
