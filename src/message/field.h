/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows of field.def as data: how a field is called, what type it has,
 * and how its value in a message reads as text and as JSON.
 */
#ifndef EAR_MESSAGE_FIELD_H
#define EAR_MESSAGE_FIELD_H

#include "base/json.h"
#include "message/expr.h"
#include "message/marks.h"

enum ear_field_type {
	EAR_TYPE_STR,
	EAR_TYPE_INT,
	EAR_TYPE_TIME,
	EAR_TYPE_ADDR,
	EAR_TYPE_IP,
	EAR_TYPE_PORT,
	EAR_TYPE_BOOL,
	EAR_TYPE_ENUM,
	EAR_TYPE_TEXT,
};

struct ear_field_info {
	struct ear_slice name; /**< in the expression language */
	const char *column;    /**< in JSON and SQL; NULL: not a column */
	enum ear_field_type type;
	enum ear_key key; /**< the index that answers == */
	const char *help;
};

/** @param f below EAR_F_COUNT */
const struct ear_field_info *ear_field_info(enum ear_field f);

/**
 * Whether a field can be had without the message's bytes (EAR_NEEDS_META):
 * at seen tap agent node capture_id proto transport direction src src.* dst
 * dst.* ip port kind method status sdp malformed truncated size.
 */
bool ear_field_meta(enum ear_field f);

/** "text", "number", "time": a type's name for people and the API. */
const char *ear_field_type_name(enum ear_field_type type);

/** By its name in the language, of any case. @return false: no such field */
bool ear_field_find(struct ear_slice name, enum ear_field *f);

/** By its JSON or SQL name, exact. @return false: no such column */
bool ear_field_find_column(struct ear_slice column, enum ear_field *f);

/** The field whose name looks most like this; empty when none does. */
struct ear_slice ear_field_nearest(struct ear_slice name);

/** Whether two words are so alike that one may be a slip of the other. */
bool ear_word_alike(struct ear_slice a, struct ear_slice b, unsigned *distance);

/** The i-th value of an enumeration, from 0; empty at the end or for others. */
struct ear_slice ear_field_value(enum ear_field f, unsigned i);

/** The number behind a value of an enumeration. @return 0: no such value */
unsigned ear_field_value_of(enum ear_field f, struct ear_slice value);

/** INT, TIME (ns), PORT, BOOL and ENUM fields as a number; others 0. */
uint64_t ear_field_number(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts);

/**
 * The values of a field that is read from the marks of a message (trace,
 * traced_user).
 *
 * @param marks filled in
 * @return NULL for other fields
 */
const struct ear_mark_list *ear_field_marks(
	enum ear_field f, const struct ear_msg *msg, struct ear_marks *marks);

/** ADDR and IP fields. @return NULL for others */
const struct ear_addr *ear_field_addr(
	enum ear_field f, const struct ear_msg *msg);

/**
 * The value as text: as in JSON, without quotes; the id of a message is not
 * known here and empty.
 *
 * @param scratch used for what has to be composed; reset each time
 * @return a slice into the message or scratch
 */
struct ear_slice ear_field_text(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *scratch);

/** The value as JSON: text, number, true, false, or null for no time. */
void ear_field_json(enum ear_field f, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_json *j);

#endif
