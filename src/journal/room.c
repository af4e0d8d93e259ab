/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much may still be written: the journal's own bound, and what must stay
 * free on the disk. Asking the file system costs a call, so it is asked four
 * times a second and what is written in between is counted off.
 */
#include <sys/statvfs.h>
#include <time.h>

#include "base/time.h"
#include "journal/journal_priv.h"

#define LOOK_EVERY_NS (250 * EAR_MS_NS)

static uint64_t coarse_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void look(struct ear_journal *j)
{
	uint64_t due =
		atomic_load_explicit(&j->look_at_ns, memory_order_relaxed);
	uint64_t now = coarse_ns();
	struct statvfs fs;

	if (now < due || !atomic_compare_exchange_strong(
				 &j->look_at_ns, &due, now + LOOK_EVERY_NS))
		return;
	if (fstatvfs(j->dir, &fs) == 0)
		atomic_store(&j->disk_free,
			(int64_t)(fs.f_bavail * (uint64_t)fs.f_frsize));
}

bool room_take(struct ear_journal *j, uint64_t n)
{
	uint64_t before = atomic_fetch_add(&j->disk_bytes, n);
	int64_t free_before;

	look(j);
	free_before = atomic_fetch_sub(&j->disk_free, (int64_t)n);
	if (before + n <= j->max_bytes &&
		free_before - (int64_t)n >= (int64_t)j->keep_free)
		return true;
	room_give(j, n);
	return false;
}

void room_give(struct ear_journal *j, uint64_t n)
{
	atomic_fetch_add(&j->disk_free, (int64_t)n);
	atomic_fetch_sub(&j->disk_bytes, n);
}

void room_exhausted(struct ear_journal *j)
{
	atomic_store(&j->look_at_ns, coarse_ns() + LOOK_EVERY_NS);
	/* So little that what is given back does not look like room. */
	atomic_store(&j->disk_free, INT64_MIN / 2);
}
