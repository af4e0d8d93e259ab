/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The expression language: one for searches, live view, export and rules.
 *
 *     proto == sip and method == INVITE and status >= 400
 *     from.user ~ "^49" or src.ip in 10.0.0.0/8
 *     call_id == "a84b4c76e66710" and not "ringing"
 *
 * Grammar, loosest first:
 *
 *     expr  = and *( "or" and )
 *     and   = not *( ["and"] not )          ; two side by side mean and
 *     not   = ["not" / "!"] prim
 *     prim  = "(" expr ")" / word / field [op value]
 *     op    = "==" "=" "!=" "<" "<=" ">" ">=" "~" "!~" ["not"] "in" / "has"
 *     value = bare / quoted / number / address / network / list
 *     list  = "(" value *( "," value ) ")"  ; with "in"
 *     word  = quoted                        ; the text contains it
 *
 * A quoted value stands in double or single quotes; in it \" is a quote, \\ a
 * backslash, \r \n \t what they are elsewhere, and any other backslash
 * itself, so that regular expressions need no doubling.
 *
 * "&&" and "||" are taken for "and" and "or". "==" on text is exact, methods
 * and enumerations of any case; "has" is "contains", any case; "~" is a
 * regular expression (PCRE2), any case when it begins with (?i). A field alone
 * asks whether it is there and not empty or false. header fields are
 * written header.NAME, as header.diversion. A bare word that is no field is
 * an error that points at it and proposes the nearest field.
 *
 * Fields with several values (user, ip, port, trace, traced_user, a header that
 * repeats) match when one of them does; "!=" and "!~" and "not" when none does.
 * A number that is not there (the status of a request, a capture_id or port of
 * 0) is never less or greater than another. Addresses compare by IP alone when
 * the value names no port; a status also by its class, as 4xx; times by the
 * microsecond, as they are written.
 */
#ifndef EAR_MESSAGE_EXPR_H
#define EAR_MESSAGE_EXPR_H

#include "base/buf.h"
#include "message/msg.h"

enum ear_field {
#define X(name, expr, column, type, key, help) EAR_F_##name,
#include "message/field.def"
#undef X
	EAR_F_COUNT
};

/** Which index of a store a lookup may use. Written to disk. */
enum ear_key {
	EAR_KEY_NONE = 0,
	EAR_KEY_CALLID = 1,
	EAR_KEY_USER = 2,
	EAR_KEY_ADDR = 3, /**< IP, no port, as ear_addr_ip_text() writes it */
	EAR_KEY_METHOD = 4,
	EAR_KEY_STATUS = 5, /**< decimal digits */
};

/** Most keys that one message has: see ear_msg_keys(). */
#define EAR_MSG_KEYS_MAX 8

/**
 * The hash by which an index knows a value: users and methods without case,
 * the rest exact. Never 0.
 */
uint64_t ear_key_hash(enum ear_key key, struct ear_slice value);

/** One indexed value. */
struct ear_key_value {
	enum ear_key key;
	uint64_t hash;
};

/**
 * The keys under which a store must find this message again. Duplicates
 * are left out.
 *
 * @return how many; at most EAR_MSG_KEYS_MAX
 */
size_t ear_msg_keys(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_key_value keys[EAR_MSG_KEYS_MAX]);

/**
 * As ear_msg_keys(), without those that are plainly keys of the message
 * before as well: for a store that keeps messages of one dialog together and
 * each key once. May give keys again that the other has.
 *
 * @param before and its facts; NULL gives all
 */
size_t ear_msg_new_keys(const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_msg *before,
	const struct ear_facts *before_facts,
	struct ear_key_value keys[EAR_MSG_KEYS_MAX]);

struct ear_expr;

/**
 * Compile an expression; the empty one matches everything.
 *
 * @param now_ns for times like "-2h"
 * @return EAR_OK; EAR_USAGE with a fault whose offset is the byte in text
 */
EAR_MUST_USE enum ear_err ear_expr_new(struct ear_slice text, uint64_t now_ns,
	struct ear_expr **expr, struct ear_fault *fault);
void ear_expr_free(struct ear_expr **expr);

/** The same again, for another thread. */
EAR_MUST_USE enum ear_err ear_expr_clone(
	const struct ear_expr *expr, struct ear_expr **clone);

/** What it was compiled from; lives as long as it. */
struct ear_slice ear_expr_text(const struct ear_expr *expr);

/**
 * Whether a message matches. Threads: one compiled expression per thread.
 *
 * @param facts of msg; NULL: found here, and only when a term asks for them
 */
bool ear_expr_match(struct ear_expr *expr, const struct ear_msg *msg,
	const struct ear_facts *facts);

/** What can be said of a message before its bytes are opened. */
enum ear_maybe { EAR_NO, EAR_YES, EAR_MAYBE };

/**
 * Whether a message can match, from what EAR_NEEDS_META lists alone: the
 * members of msg but correlation, extra and note; of raw only its length
 * (raw.p may be NULL); of facts kind, method, status, sdp, malformed.
 *
 * @return never EAR_MAYBE when ear_expr_needs() is not EAR_NEEDS_RAW
 */
enum ear_maybe ear_expr_match_meta(struct ear_expr *expr,
	const struct ear_msg *msg, const struct ear_facts *facts);

/**
 * For how many messages a regular expression was given up as too slow; these
 * did not match, and whoever shows the answer says so.
 */
uint64_t ear_expr_gave_up(const struct ear_expr *expr);

/** What evaluating needs, so that a store opens no more than that. */
enum ear_expr_needs {
	EAR_NEEDS_NOTHING, /**< matches everything */
	EAR_NEEDS_META,    /**< what ear_field_meta() lists: see
				ear_expr_match_meta() */
	EAR_NEEDS_RAW,     /**< the message's bytes */
};
enum ear_expr_needs ear_expr_needs(const struct ear_expr *expr);

/**
 * The keys that narrow a search: a message can only match when for at least
 * one i it has keys[i]. The fewest-hits choice among "and"ed terms is made by
 * kind: Call-ID, then user, address, status, method.
 *
 * @param max room in keys
 * @return how many; 0 when nothing narrows (or max is too small)
 */
size_t ear_expr_keys(
	const struct ear_expr *expr, struct ear_key_value *keys, size_t max);

/**
 * The time span outside of which nothing can match (from "at" comparisons at
 * the top of the expression): [*from_ns, *to_ns]; 0 and UINT64_MAX when open.
 * *from_ns > *to_ns: nothing can match.
 */
void ear_expr_span(
	const struct ear_expr *expr, uint64_t *from_ns, uint64_t *to_ns);

/** Write a value in quotes, so that an expression reads it as it is. */
void ear_expr_quote(struct ear_slice value, struct ear_buf *out);

/**
 * An error drawn for a terminal: the expression, a caret under the spot, the
 * sentence.
 */
void ear_expr_explain(struct ear_slice text, const struct ear_fault *fault,
	struct ear_buf *out);

#endif
