/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

uint64_t ear_now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t ear_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static size_t length(int n)
{
	if (n < 0)
		return 0;
	return n < EAR_TIME_TEXT ? (size_t)n : EAR_TIME_TEXT - 1;
}

size_t ear_time_text(uint64_t at_ns, char out[EAR_TIME_TEXT])
{
	time_t s = (time_t)(at_ns / EAR_SECOND_NS);
	struct tm tm;
	char date[24];

	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return length(snprintf(out, EAR_TIME_TEXT, "%s.%06uZ", date,
		(unsigned)(at_ns % EAR_SECOND_NS / EAR_US_NS)));
}

size_t ear_time_human(uint64_t at_ns, bool local, char out[EAR_TIME_TEXT])
{
	time_t s = (time_t)(at_ns / EAR_SECOND_NS);
	struct tm tm;
	char date[24];

	if (local)
		localtime_r(&s, &tm);
	else
		gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	return length(snprintf(out, EAR_TIME_TEXT, "%s.%03u", date,
		(unsigned)(at_ns % EAR_SECOND_NS / EAR_MS_NS)));
}

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1},
	{"us", EAR_US_NS},
	{"ms", EAR_MS_NS},
	{"s", EAR_SECOND_NS},
	{"m", 60 * EAR_SECOND_NS},
	{"min", 60 * EAR_SECOND_NS},
	{"h", 3600 * EAR_SECOND_NS},
	{"d", 86400 * EAR_SECOND_NS},
	{"w", 7 * 86400 * EAR_SECOND_NS},
	{"y", 365 * 86400 * EAR_SECOND_NS},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What one unit is worth in ns; 0 when it is none. */
static uint64_t unit_ns(struct ear_slice name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ear_slice_eq(name, ear_slice_str(units[i].name)))
			return units[i].ns;
	}
	return 0;
}

/* The first bytes of t that are digits, or that are not; t goes on behind. */
static struct ear_slice run_of(struct ear_slice *t, bool digits)
{
	struct ear_slice run;
	size_t n = 0;

	while (n < t->n && is_digit(t->p[n]) == digits)
		n++;
	run = ear_slice_trim(ear_slice_sub(*t, 0, n));
	*t = ear_slice_sub(*t, n, t->n);
	return run;
}

enum ear_err ear_duration_parse(
	struct ear_slice text, uint64_t *length_ns, struct ear_fault *fault)
{
	struct ear_slice t = ear_slice_trim(text);
	uint64_t sum = 0, v, unit;

	do {
		size_t at = text.n - t.n;

		if (!ear_slice_u64(run_of(&t, true), UINT64_MAX, &v))
			return ear_fail(fault, EAR_USAGE, at,
				"'%.*s' is not a length of time; write it as "
				"30s, 15m, 1h30m or 7d",
				EAR_FMT(text));
		unit = unit_ns(run_of(&t, false));
		if (!unit)
			return ear_fail(fault, EAR_USAGE, at,
				"'%.*s' lacks a unit of ms, s, m, h, d or w",
				EAR_FMT(text));
		if (v > (UINT64_MAX - sum) / unit)
			return ear_fail(fault, EAR_USAGE, at,
				"'%.*s' is longer than can be counted",
				EAR_FMT(text));
		sum += v * unit;
	} while (t.n);
	*length_ns = sum;
	return EAR_OK;
}

size_t ear_duration_text(uint64_t ns, char out[EAR_TIME_TEXT])
{
	uint64_t s = ns / EAR_SECOND_NS;
	int n;

	if (ns < EAR_MS_NS)
		n = snprintf(
			out, EAR_TIME_TEXT, "%u us", (unsigned)(ns / 1000));
	else if (s < 1)
		n = snprintf(out, EAR_TIME_TEXT, "%u ms",
			(unsigned)(ns / EAR_MS_NS));
	else if (s < 60)
		n = snprintf(out, EAR_TIME_TEXT, "%u.%u s", (unsigned)s,
			(unsigned)(ns % EAR_SECOND_NS / (100 * EAR_MS_NS)));
	else if (s < 3600)
		n = snprintf(out, EAR_TIME_TEXT, "%u min %u s",
			(unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 2 * 86400)
		n = snprintf(out, EAR_TIME_TEXT, "%u h %u min",
			(unsigned)(s / 3600), (unsigned)(s % 3600 / 60));
	else
		n = snprintf(out, EAR_TIME_TEXT, "%u d %u h",
			(unsigned)(s / 86400), (unsigned)(s % 86400 / 3600));
	return length(n);
}

/* Digits of a fixed width; moves s on. */
static bool fixed(
	struct ear_slice *s, size_t width, int least, int most, int *v)
{
	uint64_t u;

	if (s->n < width ||
		!ear_slice_u64(ear_slice(s->p, width), (uint64_t)most, &u) ||
		(int)u < least)
		return false;
	*v = (int)u;
	*s = ear_slice_sub(*s, width, s->n);
	return true;
}

static bool skip(struct ear_slice *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = ear_slice_sub(*s, 1, s->n);
	return true;
}

/* ".482123": any number of digits, those below nanoseconds ignored. */
static uint64_t fraction(struct ear_slice *s)
{
	uint64_t ns = 0, place = EAR_SECOND_NS / 10;

	if (!skip(s, '.') && !skip(s, ','))
		return 0;
	while (s->n && is_digit(s->p[0])) {
		ns += (uint64_t)(s->p[0] - '0') * place;
		place /= 10;
		*s = ear_slice_sub(*s, 1, s->n);
	}
	return ns;
}

/* "10:38", "10:38:05", "10:38:05.482" */
static bool clock_time(struct ear_slice *s, struct tm *tm, uint64_t *ns)
{
	*ns = 0;
	if (!fixed(s, 2, 0, 23, &tm->tm_hour) || !skip(s, ':') ||
		!fixed(s, 2, 0, 59, &tm->tm_min))
		return false;
	if (skip(s, ':')) {
		if (!fixed(s, 2, 0, 60, &tm->tm_sec))
			return false;
		*ns = fraction(s);
	}
	return true;
}

/* "Z", "+01:00", "-0700" or nothing; seconds east of UTC. */
static bool zone(struct ear_slice *s, int *east_s)
{
	int sign, h, m = 0;

	*east_s = 0;
	if (!s->n || skip(s, 'Z') || skip(s, 'z'))
		return true;
	sign = s->p[0] == '-' ? -1 : 1;
	if (!skip(s, '+') && !skip(s, '-'))
		return false;
	if (!fixed(s, 2, 0, 23, &h))
		return false;
	skip(s, ':');
	if (s->n && !fixed(s, 2, 0, 59, &m))
		return false;
	*east_s = sign * (h * 3600 + m * 60);
	return true;
}

/* timegm() takes the 30th of February for the 2nd of March. */
static bool is_day(const struct tm *tm)
{
	struct tm day = {.tm_year = tm->tm_year,
		.tm_mon = tm->tm_mon,
		.tm_mday = tm->tm_mday};

	(void)timegm(&day);
	return day.tm_mday == tm->tm_mday;
}

static bool calendar(struct ear_slice t, uint64_t now_ns, uint64_t *at_ns)
{
	time_t now = (time_t)(now_ns / EAR_SECOND_NS), s;
	struct tm tm = {0}, today;
	uint64_t ns = 0;
	int east = 0;

	gmtime_r(&now, &today);
	if (t.n >= 3 && t.p[2] == ':') {
		tm.tm_year = today.tm_year;
		tm.tm_mon = today.tm_mon;
		tm.tm_mday = today.tm_mday;
		if (!clock_time(&t, &tm, &ns) || !zone(&t, &east) || t.n)
			return false;
	} else {
		if (!fixed(&t, 4, 1970, 2200, &tm.tm_year) || !skip(&t, '-') ||
			!fixed(&t, 2, 1, 12, &tm.tm_mon) || !skip(&t, '-') ||
			!fixed(&t, 2, 1, 31, &tm.tm_mday))
			return false;
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		if (t.n &&
			(!(skip(&t, 'T') || skip(&t, 't') || skip(&t, ' ')) ||
				!clock_time(&t, &tm, &ns) || !zone(&t, &east) ||
				t.n))
			return false;
	}
	if (!is_day(&tm))
		return false;
	s = timegm(&tm) - east;
	if (s < 0)
		return false;
	*at_ns = (uint64_t)s * EAR_SECOND_NS + ns;
	return true;
}

/* Seconds since 1970 have so many digits from 1973 on. */
#define EPOCH_DIGITS 9

/*
 * Seconds since 1970, with or without a fraction. Less than that is rather
 * meant as something else: a year, 10.38, 1038.
 */
static bool epoch(struct ear_slice t, uint64_t *at_ns)
{
	size_t dot = ear_slice_find(t, EAR_S("."));
	struct ear_slice rest = ear_slice_sub(t, dot, t.n);
	uint64_t s;

	if (!ear_slice_u64(ear_slice_sub(t, 0, dot), 18446744072ULL, &s) ||
		(s && dot < EPOCH_DIGITS))
		return false;
	*at_ns = s * EAR_SECOND_NS + fraction(&rest);
	return rest.n == 0;
}

enum ear_err ear_time_parse(struct ear_slice text, uint64_t now_ns,
	uint64_t *at_ns, struct ear_fault *fault)
{
	struct ear_slice t = ear_slice_trim(text);
	uint64_t back;

	if (ear_slice_eq(t, EAR_S("now"))) {
		*at_ns = now_ns;
		return EAR_OK;
	}
	if (calendar(t, now_ns, at_ns) || epoch(t, at_ns))
		return EAR_OK;
	if (t.n && t.p[0] == '-')
		t = ear_slice_sub(t, 1, t.n);
	if (ear_duration_parse(t, &back, NULL) == EAR_OK) {
		*at_ns = back > now_ns ? 0 : now_ns - back;
		return EAR_OK;
	}
	return ear_fail(fault, EAR_USAGE, 0,
		"'%.*s' is not a time; write 2026-11-22T10:38:00Z, 10:38, "
		"-2h or seconds since 1970",
		EAR_FMT(text));
}
