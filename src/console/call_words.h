/* SPDX-License-Identifier: Apache-2.0 */
/** Why a call ended as it did, in a sentence or two. */
#ifndef EAR_CONSOLE_CALL_WORDS_H
#define EAR_CONSOLE_CALL_WORDS_H

#include "base/buf.h"

struct ear_call_facts {
	struct ear_slice src, dst, disposition, reason, note, ended_by;
	unsigned code; /**< that decided; 0 none */
	unsigned q850; /**< 0 none */
	unsigned branches;
	uint64_t ring_s, talk_s;
	bool rang;
	bool estimated;    /**< the end was not seen */
	unsigned bindings; /**< of who was called, that held then */
	unsigned dead;     /**< of these, without their connection */
};

/** @return a short name of the reason, as "unreachable" */
const char *ear_call_words(
	const struct ear_call_facts *facts, struct ear_buf *out);

#endif
