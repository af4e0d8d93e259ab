/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What rules write on a message: which traces took it, for which users, into
 * which tables. Marks travel as HEP chunks of our vendor in msg->extra, so
 * that the store, mirrors and other Earshots keep them without a format of
 * their own.
 *
 * A table is ours alone: it says where a row goes, so what a sender wrote is
 * never believed. Traced users and traces of a sender are kept: a relay must
 * lose nothing.
 */
#ifndef EAR_MESSAGE_MARKS_H
#define EAR_MESSAGE_MARKS_H

#include "base/buf.h"
#include "message/msg.h"

/** Most of each kind on one message; more are left out and counted. */
#define EAR_MARKS_MAX 16
/** Longest text of a mark; longer ones are cut. */
#define EAR_MARK_TEXT 255

/**
 * Stands among the traces when the global switch was off and the message was
 * taken for its traced users alone: their rows, and none without a user.
 */
#define EAR_MARK_OFF "(off)"

/** Texts of one kind, without duplicates; borrowed. */
struct ear_mark_list {
	struct ear_slice item[EAR_MARKS_MAX];
	size_t n;
	size_t left_out; /**< found no room */
};

struct ear_marks {
	struct ear_mark_list users;  /**< traced users: one row each */
	struct ear_mark_list traces; /**< names of traces that took it */
	struct ear_mark_list tables; /**< of these traces; none: the default
					  table; "" in it: also the default */
};

/** Add a text unless it is there; cut at EAR_MARK_TEXT. */
void ear_mark_add(struct ear_mark_list *list, struct ear_slice text);

/** Read the marks among the chunks of an extra; slices lie in it. */
void ear_marks_read(struct ear_slice extra, struct ear_marks *marks);

/** Append the chunks of an extra that are no marks, or all but tables. */
void ear_marks_strip(struct ear_slice extra, bool all, struct ear_buf *out);

/** Append marks as chunks. */
void ear_marks_write(const struct ear_marks *marks, struct ear_buf *out);

#endif
