/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Wall-clock times are nanoseconds since 1970-01-01 00:00:00 UTC in a
 * uint64_t, named `…_ns`; 0 means unknown.
 */
#ifndef EAR_BASE_TIME_H
#define EAR_BASE_TIME_H

#include "base/err.h"
#include "base/slice.h"

#define EAR_SECOND_NS 1000000000ULL
#define EAR_MS_NS 1000000ULL
#define EAR_US_NS 1000ULL

/** Longest text with its NUL: "2026-11-22T05:27:31.482123456Z". */
#define EAR_TIME_TEXT 40

/** CLOCK_REALTIME now. Only taps and commands call it. */
uint64_t ear_now_ns(void);

/** CLOCK_MONOTONIC now, for durations. */
uint64_t ear_mono_ns(void);

/** RFC 3339 in UTC with microseconds: "2026-11-22T05:27:31.482123Z". */
size_t ear_time_text(uint64_t at_ns, char out[EAR_TIME_TEXT]);

/** For people: "2026-11-22 05:27:31.482", in UTC, or local when asked. */
size_t ear_time_human(uint64_t at_ns, bool local, char out[EAR_TIME_TEXT]);

/**
 * Read a time as people write it: RFC 3339 with 'T' or a blank, with or
 * without fraction and zone ("Z", "+01:00"; none is UTC), a date alone, a time
 * of the day of now ("10:38", "10:38:05"), "now", seconds since 1970 (of 9
 * digits or more, or 0) with or without fraction, or a distance back from now
 * ("-2h", "15m", "3d", "1w").
 *
 * @return EAR_OK; EAR_USAGE with a fault that names what is wrong
 */
EAR_MUST_USE enum ear_err ear_time_parse(struct ear_slice text, uint64_t now_ns,
	uint64_t *at_ns, struct ear_fault *fault);

/** Read a length of time: "250ms", "30s", "15m", "1h30m", "7d", "1w". */
EAR_MUST_USE enum ear_err ear_duration_parse(
	struct ear_slice text, uint64_t *length_ns, struct ear_fault *fault);

/** Short words for a length of time: "1.2 s", "3 d 4 h". */
size_t ear_duration_text(uint64_t length_ns, char out[EAR_TIME_TEXT]);

#endif
