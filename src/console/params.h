/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a JSON-RPC request or a POST may say, as a table: names, types, where
 * values go. What is not in the table is an error that names the nearest.
 *
 *     const struct ear_param params[] = {
 *             {"name", EAR_PARAM_TEXT, &name, .needed = true},
 *             {"for", EAR_PARAM_DURATION, &length_ns},
 *     };
 *     err = ear_params_read(json, params, 2, fault);
 */
#ifndef EAR_CONSOLE_PARAMS_H
#define EAR_CONSOLE_PARAMS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum ear_param_type {
	EAR_PARAM_TEXT,     /**< const char *: borrowed from the JSON */
	EAR_PARAM_TEXTS,    /**< struct ear_param_texts: texts, or one */
	EAR_PARAM_BOOL,     /**< bool */
	EAR_PARAM_COUNT,    /**< uint64_t: a number, also as text */
	EAR_PARAM_SIZE,     /**< uint64_t: bytes, or text as "10M" */
	EAR_PARAM_DURATION, /**< uint64_t in ns: seconds, or text as "2m" */
};

/** Most texts of one parameter. */
#define EAR_PARAM_TEXTS_MAX 16

struct ear_param_texts {
	const char *item[EAR_PARAM_TEXTS_MAX]; /**< borrowed from the JSON */
	size_t n;
};

struct ear_param {
	const char *name;
	enum ear_param_type type;
	void *to; /**< keeps its value when the parameter is absent */
	bool needed;
	size_t most; /**< bytes of a text; 0: 4096 */
	bool *given; /**< becomes true when it is there; may be NULL */
};

/**
 * Read an object by name, or an array in the order of the table. null is as
 * good as absent.
 *
 * @param params NULL: none
 * @return EAR_OK; EAR_USAGE: the fault names the parameter
 */
EAR_MUST_USE enum ear_err ear_params_read(const json_t *params,
	const struct ear_param *table, size_t n, struct ear_fault *fault);

/** EAR_USAGE: the table has none of this name; says which is meant. */
EAR_MUST_USE enum ear_err ear_params_unknown(const char *name,
	const struct ear_param *table, size_t n, struct ear_fault *fault);

#endif
