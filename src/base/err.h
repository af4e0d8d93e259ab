/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What functions return, and the sentence a person reads when it is not OK.
 */
#ifndef EAR_BASE_ERR_H
#define EAR_BASE_ERR_H

#include <stddef.h>

#define EAR_MUST_USE __attribute__((warn_unused_result))
#define EAR_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum ear_err {
	EAR_OK = 0,
	EAR_MORE,        /**< bytes are missing; call again with more */
	EAR_BAD,         /**< breaks the grammar of its format */
	EAR_LIMIT,       /**< well formed, but more than we take */
	EAR_FULL,        /**< a bounded queue or disk is full; try again */
	EAR_GONE,        /**< what was asked for is not there */
	EAR_NOMEM,       /**< out of memory */
	EAR_SYS,         /**< the system refused; errno is in the fault */
	EAR_UNSUPPORTED, /**< known, but not done here */
	EAR_USAGE,       /**< the caller, a person, asked wrongly */
};

/** Why something failed, for a person. Zero it before use. */
struct ear_fault {
	enum ear_err code;
	int sys_errno;  /**< errno at the time, 0 when not the system's */
	size_t offset;  /**< bytes into the text or file that is wrong */
	char text[320]; /**< one sentence, no full stop, NUL-terminated */
};

/**
 * Fill a fault and hand its code back, so that one line both says why and
 * returns: `return ear_fail(fault, EAR_BAD, at, "unknown field '%s'", name);`
 *
 * @param[out] fault may be NULL when nobody will read it
 * @return code
 */
enum ear_err ear_fail(struct ear_fault *fault, enum ear_err code, size_t offset,
	const char *format, ...) EAR_PRINTF(4, 5);

/** As ear_fail() with EAR_SYS; appends ": " and the words for errno. */
enum ear_err ear_fail_sys(struct ear_fault *fault, const char *format, ...)
	EAR_PRINTF(2, 3);

#ifdef __clang_analyzer__
/* It reads one file at a time and would think that a failure can be EAR_OK. */
#define ear_fail(fault, code, ...) (ear_fail(fault, code, __VA_ARGS__), (code))
#define ear_fail_sys(fault, ...) (ear_fail_sys(fault, __VA_ARGS__), EAR_SYS)
#endif

/** Short name of a code, as in "bad" or "limit". */
const char *ear_err_name(enum ear_err code);

#endif
