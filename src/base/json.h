/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writes JSON into a buffer, commas and quoting done for the caller.
 *
 * Wire bytes are rarely valid UTF-8 and no library takes them as they are, so
 * the writer is ours: valid UTF-8 passes, every other byte becomes the code
 * point of its value (Latin-1), control characters become \u00XX. Reading
 * JSON is jansson's work.
 *
 *     ear_json_open(&j, '{');
 *     ear_json_key(&j, "method");
 *     ear_json_str(&j, EAR_S("INVITE"));
 *     ear_json_close(&j, '}');
 */
#ifndef EAR_BASE_JSON_H
#define EAR_BASE_JSON_H

#include "base/buf.h"

struct ear_json {
	struct ear_buf *out; /**< borrowed; carries the error */
	bool comma;          /**< something stands before */
};

static inline struct ear_json ear_json(struct ear_buf *out)
{
	return (struct ear_json){.out = out};
}

/** Begin an object '{' or an array '['. */
void ear_json_open(struct ear_json *j, char bracket);
/** End it: '}' or ']'. */
void ear_json_close(struct ear_json *j, char bracket);
void ear_json_key(struct ear_json *j, const char *key);
void ear_json_str(struct ear_json *j, struct ear_slice s);
void ear_json_u64(struct ear_json *j, uint64_t v);
void ear_json_i64(struct ear_json *j, int64_t v);
/** A number with up to 6 decimals; not finite becomes null. */
void ear_json_num(struct ear_json *j, double v);
void ear_json_bool(struct ear_json *j, bool v);
void ear_json_null(struct ear_json *j);
/** A value that is JSON already, as it is. */
void ear_json_raw(struct ear_json *j, struct ear_slice json);
/** A time as RFC 3339 text in UTC with microseconds; 0 becomes null. */
void ear_json_time(struct ear_json *j, uint64_t at_ns);

/* Key and value in one call. */
void ear_json_kstr(struct ear_json *j, const char *key, struct ear_slice s);
void ear_json_ku64(struct ear_json *j, const char *key, uint64_t v);
void ear_json_kbool(struct ear_json *j, const char *key, bool v);
void ear_json_ktime(struct ear_json *j, const char *key, uint64_t at_ns);

#endif
