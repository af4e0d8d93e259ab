/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sends messages to a collector by a mirror of its own, without a spool: as
 * fast as the collector takes them, at the pace at which they were captured,
 * or so many a second.
 *
 *     status = ear_send_open(&options, &send);
 *     … ear_send_put(send, msg, facts) for each, until it says no
 *     status = ear_send_close(&send, false);
 */
#ifndef EAR_APP_SEND_H
#define EAR_APP_SEND_H

#include "message/msg.h"

struct ear_send_options {
	const char *command; /**< whose errors it shows */
	const char *to;      /**< as net/uri.h */
	uint32_t version;    /**< of HEP */
	uint32_t capture_id; /**< 0: that of the messages, else 1 */
	const char *key;     /**< NULL: none */
	const char *ca;      /**< NULL: the system's */
	bool no_verify;      /**< TLS: take any certificate */
	bool original;       /**< at the pace of the capture times */
	uint64_t rate;       /**< messages a second; 0: no bound */
	const volatile bool *stop;
};

struct ear_send;

/** Connect. Errors are shown. @return EAR_EXIT_DONE to go on */
int ear_send_open(
	const struct ear_send_options *options, struct ear_send **send);

/**
 * Send one message when its time has come. What the collector can never take
 * is counted and left out.
 *
 * @return false when the collector has gone, or it was stopped
 */
bool ear_send_put(struct ear_send *send, const struct ear_msg *msg,
	const struct ear_facts *facts);

/**
 * Wait until what was sent is safe, and say on standard error how many were.
 *
 * @param quiet say nothing when all is well
 * @return EAR_EXIT_DONE, or EAR_EXIT_FAILED when the collector has gone
 */
int ear_send_close(struct ear_send **send, bool quiet);

#endif
