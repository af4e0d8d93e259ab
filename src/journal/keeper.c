/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper thread: brings lanes to the platter, removes what is consumed,
 * tells when the journal is full and when it is no longer. It opens the files
 * by name to sync them, so that the writer's descriptors stay the writer's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/time.h"
#include "journal/journal_priv.h"

/* Between looks at what is to be told or removed. */
#define ROUND_NS (250 * EAR_MS_NS)

/* A file that is gone was consumed: nothing of it needs keeping. */
static void sync_file(struct ear_journal *j, const char *lane, uint64_t number)
{
	char name[FILE_NAME];
	int fd;

	file_name(lane, number, name);
	fd = openat(j->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (fdatasync(fd) == 0) {
		j->sync_failed = false;
	} else if (!j->sync_failed) {
		j->sync_failed = true;
		journal_notice(j, "journal.sync", 0,
			"%s could not be brought to the disk (errno %d); what "
			"it holds may not survive a power cut",
			name, errno);
	}
	close(fd);
}

void lane_sync(
	struct ear_journal *j, const char *lane, uint64_t from, uint64_t to)
{
	uint64_t file;

	if (from == to)
		return;
	for (file = place_file(from); file <= place_file(to); file++)
		sync_file(j, lane, file);
	if (place_file(from) != place_file(to) || !place_offset(from))
		(void)fsync(j->dir);
}

/* The next lane with something to sync; names it and says from where to. */
static bool take_dirty(struct ear_journal *j, char name[LANE_NAME],
	uint64_t *from, uint64_t *to)
{
	struct ear_lane *lane;

	pthread_mutex_lock(&j->lanes_lock);
	for (lane = j->lanes; lane; lane = lane->next) {
		*from = lane->synced;
		*to = atomic_load(&lane->published);
		if (*from != *to)
			break;
	}
	if (lane) {
		lane->synced = *to;
		memcpy(name, lane->name, LANE_NAME);
	}
	pthread_mutex_unlock(&j->lanes_lock);
	return lane != NULL;
}

/*
 * Whoever removes the file that is being written does not stop the writer:
 * what it writes only is nowhere any more. It begins another one then.
 */
static void look_for(struct ear_journal *j, const char *name, uint64_t end)
{
	struct ear_lane *lane;
	uint64_t bytes;
	bool gone = false;

	if (!place_offset(end) ||
		file_size(j->dir, name, place_file(end), &bytes))
		return;
	pthread_mutex_lock(&j->lanes_lock);
	for (lane = j->lanes; lane && strcmp(lane->name, name) != 0;)
		lane = lane->next;
	/* not one that was finished and consumed meanwhile */
	if (lane &&
		place_file(atomic_load(&lane->published)) == place_file(end))
		gone = atomic_exchange(&lane->removed, place_file(end)) !=
		       place_file(end);
	pthread_mutex_unlock(&j->lanes_lock);
	if (gone)
		journal_notice(j, "journal.removed", 0,
			"the file of lane %s was removed while it was being "
			"written; what of it was not yet read is lost. Where "
			"its directory was removed too, restart the server",
			name);
}

static void sync_lanes(struct ear_journal *j, size_t most)
{
	char name[LANE_NAME];
	uint64_t from, to;

	while (most-- && take_dirty(j, name, &from, &to)) {
		lane_sync(j, name, from, to);
		look_for(j, name, to);
	}
}

static size_t reap_lanes(struct ear_journal *j)
{
	struct ear_lane *lane;
	size_t n = 0;

	pthread_mutex_lock(&j->lanes_lock);
	for (lane = j->lanes; lane; lane = lane->next, n++)
		lane_reap(lane);
	pthread_mutex_unlock(&j->lanes_lock);
	return n;
}

static void tell_full(struct ear_journal *j)
{
	bool full = atomic_load(&j->full);

	if (full == j->told_full)
		return;
	j->told_full = full;
	if (full)
		journal_notice(j, "journal.full", 0,
			"no room: %" PRIu64 " of %" PRIu64
			" bytes used, %" PRIu64
			" bytes of the disk are to stay free; what comes in "
			"is counted and dropped",
			atomic_load(&j->disk_bytes), j->max_bytes,
			j->keep_free);
	else
		journal_notice(j, "journal.room", 0,
			"there is room again: what comes in is kept");
}

/* @return false when it is time to stop */
static bool sleep_round(struct ear_journal *j, uint64_t ns)
{
	uint64_t until_ns = ear_mono_ns() + ns;
	bool stop;

	pthread_mutex_lock(&j->keeper_lock);
	while (!j->stopping &&
		ear_cond_wait(&j->keeper_cond, &j->keeper_lock, until_ns))
		;
	stop = j->stopping;
	pthread_mutex_unlock(&j->keeper_lock);
	return !stop;
}

static void *keep(void *arg)
{
	struct ear_journal *j = arg;
	uint64_t every = (uint64_t)j->sync_ms * EAR_MS_NS;
	uint64_t round = every && every < ROUND_NS ? every : ROUND_NS;
	uint64_t due = ear_mono_ns() + every;

	while (sleep_round(j, round)) {
		size_t lanes = reap_lanes(j);

		tell_full(j);
		if (every && ear_mono_ns() >= due) {
			sync_lanes(j, lanes);
			due = ear_mono_ns() + every;
		}
	}
	return NULL;
}

enum ear_err keeper_start(struct ear_journal *j, struct ear_fault *fault)
{
	pthread_mutex_init(&j->keeper_lock, NULL);
	ear_cond_init(&j->keeper_cond);
	errno = pthread_create(&j->keeper, NULL, keep, j);
	if (!errno)
		return EAR_OK;
	pthread_cond_destroy(&j->keeper_cond);
	pthread_mutex_destroy(&j->keeper_lock);
	return ear_fail_sys(fault, "cannot start the journal's thread");
}

void keeper_stop(struct ear_journal *j)
{
	pthread_mutex_lock(&j->keeper_lock);
	j->stopping = true;
	pthread_cond_signal(&j->keeper_cond);
	pthread_mutex_unlock(&j->keeper_lock);
	pthread_join(j->keeper, NULL);
	pthread_cond_destroy(&j->keeper_cond);
	pthread_mutex_destroy(&j->keeper_lock);
}
