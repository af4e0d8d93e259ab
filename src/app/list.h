/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A list of messages on standard output: a table on a terminal, columns with
 * tabs between them in a pipe, or one JSON object a line.
 */
#ifndef EAR_APP_LIST_H
#define EAR_APP_LIST_H

#include "app/term.h"
#include "store/store.h"

struct ear_list {
	struct ear_term term;
	struct ear_store *store; /**< names the ids */
	bool json;
	struct ear_buf out; /**< owned */
	uint64_t day;       /**< last day shown, since 1970 */
	bool begun;
};

/** Show one message. @return false when nobody reads any more */
bool ear_list_add(struct ear_list *list, const struct ear_msg *msg,
	const struct ear_facts *facts);

void ear_list_fini(struct ear_list *list);

#endif
