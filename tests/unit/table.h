/* SPDX-License-Identifier: Apache-2.0 */
/** What every unit test includes, in the order that cmocka wants. */
#ifndef EAR_TESTS_TABLE_H
#define EAR_TESTS_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/slice.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/** Fails with the row's name where two slices differ. */
#define assert_slice(row, got, want)                                   \
	do {                                                           \
		struct ear_slice got_ = (got), want_ = (want);         \
		if (!ear_slice_eq(got_, want_))                        \
			fail_msg("%s: got '%.*s', want '%.*s'", (row), \
				EAR_FMT(got_), EAR_FMT(want_));        \
	} while (0)

#endif
