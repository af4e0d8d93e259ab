/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"

#include <stdio.h>

static const char prefix[] = "kMGTP";

/* What one unit is worth in bytes; 0 when it is none. */
static uint64_t unit_bytes(struct ear_slice unit)
{
	uint64_t step = 1024, bytes = 1;
	size_t power = 0;

	if (unit.n == 0 || ear_slice_ieq(unit, EAR_S("B")))
		return 1;
	while (prefix[power] &&
		ear_lower(prefix[power]) != ear_lower(unit.p[0]))
		power++;
	if (!prefix[power])
		return 0;
	unit = ear_slice_sub(unit, 1, unit.n);
	if (ear_slice_ieq(unit, EAR_S("B")))
		step = 1000;
	else if (unit.n && !ear_slice_ieq(unit, EAR_S("iB")))
		return 0;
	for (size_t i = 0; i <= power; i++)
		bytes *= step;
	return bytes;
}

enum ear_err ear_size_parse(
	struct ear_slice text, uint64_t *bytes, struct ear_fault *fault)
{
	struct ear_slice t = ear_slice_trim(text);
	uint64_t whole = 0, tenths = 0, unit;
	size_t i = 0, dot;

	while (i < t.n && t.p[i] >= '0' && t.p[i] <= '9')
		i++;
	if (!ear_slice_u64(ear_slice_sub(t, 0, i), UINT64_MAX, &whole))
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' is not a size; write it as 64M or 20GB",
			EAR_FMT(text));
	dot = i;
	if (i + 1 < t.n && t.p[i] == '.' && t.p[i + 1] >= '0' &&
		t.p[i + 1] <= '9') {
		tenths = (uint64_t)(t.p[i + 1] - '0');
		for (i++; i < t.n && t.p[i] >= '0' && t.p[i] <= '9';)
			i++;
	}
	unit = unit_bytes(ear_slice_trim(ear_slice_sub(t, i, t.n)));
	if (!unit || (dot != i && unit == 1))
		return ear_fail(fault, EAR_USAGE, i,
			"'%.*s' has no unit of k, M, G or T", EAR_FMT(text));
	if (whole > (UINT64_MAX - unit) / unit)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' is more than can be counted", EAR_FMT(text));
	*bytes = whole * unit + unit * tenths / 10;
	return EAR_OK;
}

size_t ear_size_text(uint64_t bytes, char out[EAR_SIZE_TEXT])
{
	double v = (double)bytes;
	size_t power = 0;
	int n;

	if (bytes < 1024) {
		n = snprintf(out, EAR_SIZE_TEXT, "%u B", (unsigned)bytes);
		return n > 0 ? (size_t)n : 0;
	}
	for (v /= 1024; v >= 1024 && prefix[power + 1]; v /= 1024)
		power++;
	n = snprintf(out, EAR_SIZE_TEXT, "%.1f %ciB", v,
		power ? prefix[power] : 'K');
	return n > 0 ? (size_t)n : 0;
}
