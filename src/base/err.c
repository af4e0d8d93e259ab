/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* what the analyzer sees in their place, not here */
#undef ear_fail
#undef ear_fail_sys

static void fill(struct ear_fault *fault, enum ear_err code, int sys_errno,
	size_t offset, const char *format, va_list args)
{
	int n;

	fault->code = code;
	fault->sys_errno = sys_errno;
	fault->offset = offset;
	n = vsnprintf(fault->text, sizeof(fault->text), format, args);
	if (sys_errno && n >= 0 && (size_t)n < sizeof(fault->text)) {
		char words[96];

		snprintf(fault->text + n, sizeof(fault->text) - (size_t)n,
			": %s", strerror_r(sys_errno, words, sizeof(words)));
	}
}

enum ear_err ear_fail(struct ear_fault *fault, enum ear_err code, size_t offset,
	const char *format, ...)
{
	va_list args;

	if (fault) {
		va_start(args, format);
		fill(fault, code, 0, offset, format, args);
		va_end(args);
	}
	return code;
}

enum ear_err ear_fail_sys(struct ear_fault *fault, const char *format, ...)
{
	int saved = errno;
	va_list args;

	if (fault) {
		va_start(args, format);
		fill(fault, EAR_SYS, saved, 0, format, args);
		va_end(args);
	}
	return EAR_SYS;
}

const char *ear_err_name(enum ear_err code)
{
	static const char *const name[] = {"ok", "more", "bad", "limit", "full",
		"gone", "nomem", "sys", "unsupported", "usage"};

	return (unsigned)code < sizeof(name) / sizeof(name[0]) ? name[code]
							       : "?";
}
