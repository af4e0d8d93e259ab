/* SPDX-License-Identifier: Apache-2.0 */
#include "store/clock.h"

#include "base/time.h"

#define AHEAD_MOST (3600 * EAR_SECOND_NS)
#define STANDS_NS (600 * EAR_SECOND_NS)

static bool is_ahead(uint64_t wall_ns, uint64_t expected_ns)
{
	return wall_ns > expected_ns && wall_ns - expected_ns > AHEAD_MOST;
}

/* Whether what it shows now is still the jump that was seen first. */
static bool same_jump(
	const struct ear_store_clock *c, uint64_t wall_ns, uint64_t mono_ns)
{
	return c->ahead &&
	       !is_ahead(wall_ns,
		       c->ahead_wall_ns + (mono_ns - c->ahead_mono_ns));
}

uint64_t ear_store_clock(
	struct ear_store_clock *c, uint64_t wall_ns, uint64_t mono_ns)
{
	uint64_t expected = c->wall_ns + (mono_ns - c->mono_ns);

	if (c->wall_ns && is_ahead(wall_ns, expected)) {
		if (!same_jump(c, wall_ns, mono_ns)) {
			c->ahead = true;
			c->ahead_wall_ns = wall_ns;
			c->ahead_mono_ns = mono_ns;
		}
		if (mono_ns - c->ahead_mono_ns < STANDS_NS)
			return expected;
	}
	*c = (struct ear_store_clock){.wall_ns = wall_ns, .mono_ns = mono_ns};
	return wall_ns;
}
