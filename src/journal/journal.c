/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/time.h"
#include "journal/journal_priv.h"

#define MIB ((uint64_t)1 << 20)

/* How long to wait for who has it, if that one is brief, or may yet say so. */
#define BRIEF_NS (30 * EAR_SECOND_NS)
#define UNSURE_NS (500 * EAR_MS_NS)

void journal_notice(struct ear_journal *j, const char *event,
	uint64_t lost_bytes, const char *format, ...)
{
	char text[320];
	va_list args;
	int n;

	if (!j->notice)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	j->notice(event, ear_slice(text, (size_t)n), lost_bytes, j->arg);
}

static enum ear_err open_dir(
	struct ear_journal *j, const char *dir, struct ear_fault *fault)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot make %.200s", dir);
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		return ear_fail_sys(fault, "cannot open %.200s", dir);
	return EAR_OK;
}

/* What the holder of the lock wrote into it: "PID" or "PID brief". */
static bool holder_is_brief(int lock, char pid[24])
{
	ssize_t n = pread(lock, pid, 23, 0);
	size_t digits;

	pid[n > 0 ? n : 0] = '\0';
	digits = strcspn(pid, " \n");
	if (strncmp(pid + digits, " brief", 6) != 0) {
		pid[digits] = '\0';
		return false;
	}
	pid[digits] = '\0';
	return true;
}

/* Whether that process is there; one that has not said who it is may be. */
static bool holder_is_sure(const char *pid)
{
	long n = strtol(pid, NULL, 10);

	return n > 0 && n <= INT_MAX &&
	       (kill((pid_t)n, 0) == 0 || errno == EPERM);
}

/*
 * The lock lives as long as its descriptor, so it dies with its process. A
 * command that recovers a journal must not make a server, or a second command,
 * fail that starts at the same moment, before the command could write that it
 * is brief. The file is empty then, or names a holder that died.
 */
static enum ear_err take_lock(struct ear_journal *j,
	const struct ear_journal_options *o, struct ear_fault *fault)
{
	uint64_t began = ear_mono_ns();
	char pid[24];

	j->lock = openat(j->dir, "lock",
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->lock < 0)
		return ear_fail_sys(fault, "cannot make %.200s/lock", o->dir);
	while (flock(j->lock, LOCK_EX | LOCK_NB)) {
		uint64_t wait = UNSURE_NS;

		if (errno != EWOULDBLOCK)
			return ear_fail_sys(
				fault, "cannot lock %.200s", o->dir);
		if (holder_is_brief(j->lock, pid))
			wait = BRIEF_NS;
		else if (o->brief && holder_is_sure(pid))
			wait = 0; /* a server: it is asked instead */
		if (ear_mono_ns() - began >= wait)
			return ear_fail(fault, EAR_FULL, 0,
				"the journal %.200s is in use by process %s",
				o->dir, pid[0] ? pid : "?");
		usleep(10000);
	}
	/* Only told to people; without it the lock holds all the same. */
	if (ftruncate(j->lock, 0) == 0)
		dprintf(j->lock, "%ld%s\n", (long)getpid(),
			o->brief ? " brief" : "");
	return EAR_OK;
}

bool ear_journal_served(const char *dir)
{
	char path[2200], pid[24];
	bool served;
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	/* the lock is tried last: what holds it for a moment must be rare */
	served = !holder_is_brief(fd, pid) && holder_is_sure(pid) &&
		 flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return served;
}

static bool add_size(const char *lane, uint64_t number, void *arg)
{
	struct ear_journal *j = arg;
	uint64_t bytes;

	if (file_size(j->dir, lane, number, &bytes))
		atomic_fetch_add(&j->disk_bytes, bytes);
	return true;
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
	return value ? value : otherwise;
}

static void set_options(
	struct ear_journal *j, const struct ear_journal_options *o)
{
	j->max_bytes = or_default(o->max_bytes, 4096 * MIB);
	j->file_bytes = or_default(o->file_bytes, 64 * MIB);
	/* Room comes back a file at a time: have some files in the bound. */
	if (j->file_bytes > j->max_bytes / 8)
		j->file_bytes = j->max_bytes / 8;
	j->keep_free = o->keep_free;
	j->sync_ms = o->sync_ms;
}

enum ear_err ear_journal_open(const struct ear_journal_options *options,
	ear_journal_notice_fn notice, void *arg, struct ear_journal **journal,
	struct ear_fault *fault)
{
	struct ear_journal *j = calloc(1, sizeof(*j));
	enum ear_err err;

	if (!j)
		return ear_fail(fault, EAR_NOMEM, 0, "no memory");
	j->dir = j->lock = -1;
	j->notice = notice;
	j->arg = arg;
	set_options(j, options);
	err = open_dir(j, options->dir, fault);
	if (!err)
		err = take_lock(j, options, fault);
	if (!err && files_each(j->dir, add_size, j))
		err = ear_fail_sys(fault, "cannot list %.200s", options->dir);
	if (!err)
		pthread_mutex_init(&j->lanes_lock, NULL);
	if (!err && (err = keeper_start(j, fault)))
		pthread_mutex_destroy(&j->lanes_lock);
	if (err)
		goto fail;
	*journal = j;
	return EAR_OK;
fail:
	if (j->lock >= 0)
		close(j->lock);
	if (j->dir >= 0)
		close(j->dir);
	free(j);
	return err;
}

void ear_journal_close(struct ear_journal **journal)
{
	struct ear_journal *j = *journal;

	if (!j)
		return;
	assert(!j->lanes); /* they hold the journal: close them first */
	keeper_stop(j);
	pthread_mutex_destroy(&j->lanes_lock);
	/* who locks it next is not taken for us until it says who it is */
	(void)!ftruncate(j->lock, 0);
	close(j->lock);
	close(j->dir);
	free(j);
	*journal = NULL;
}

struct names {
	char (*names)[LANE_NAME];
	size_t n, max;
};

static bool add_name(const char *lane, uint64_t number, void *arg)
{
	struct names *s = arg;
	size_t seen = s->n < s->max ? s->n : s->max;

	for (size_t i = 0; i < seen; i++)
		if (strcmp(s->names[i], lane) == 0)
			return true;
	if (s->n < s->max)
		memcpy(s->names[s->n], lane, strlen(lane) + 1);
	s->n++;
	(void)number;
	return true;
}

size_t ear_journal_lanes(
	struct ear_journal *journal, char names[][LANE_NAME], size_t max)
{
	struct names s = {.names = names, .max = max};

	(void)files_each(journal->dir, add_name, &s);
	return s.n;
}

static bool something_unread(struct ear_journal *j)
{
	struct ear_lane *lane;

	pthread_mutex_lock(&j->lanes_lock);
	for (lane = j->lanes; lane; lane = lane->next)
		if (atomic_load(&lane->published) != atomic_load(&lane->seen))
			break;
	pthread_mutex_unlock(&j->lanes_lock);
	return lane != NULL;
}

void ear_journal_wait(struct ear_journal *j, uint32_t wait_ms)
{
	uint32_t count = atomic_load(&j->wake_count);
	struct timespec wait = {.tv_sec = wait_ms / 1000,
		.tv_nsec = (long)(wait_ms % 1000) * (long)EAR_MS_NS};

	atomic_store(&j->asleep, true);
	/* A wake since the last sleep counts, even one before this call. */
	if (count == atomic_load(&j->wake_seen) && !something_unread(j))
		syscall(SYS_futex, &j->wake_count, FUTEX_WAIT_PRIVATE, count,
			&wait, NULL, 0);
	atomic_store(&j->asleep, false);
	atomic_store(&j->wake_seen, atomic_load(&j->wake_count));
}

void ear_journal_wake(struct ear_journal *j)
{
	atomic_fetch_add(&j->wake_count, 1);
	syscall(SYS_futex, &j->wake_count, FUTEX_WAKE_PRIVATE, INT_MAX, NULL,
		NULL, 0);
}

/* Consumed bytes of files that are still there. */
static uint64_t consumed_bytes(struct ear_journal *j)
{
	struct ear_lane *lane;
	uint64_t n = 0;

	pthread_mutex_lock(&j->lanes_lock);
	for (lane = j->lanes; lane; lane = lane->next)
		n += place_offset(atomic_load(&lane->done));
	pthread_mutex_unlock(&j->lanes_lock);
	return n;
}

void ear_journal_stats(struct ear_journal *j, struct ear_journal_stats *stats)
{
	uint64_t consumed = consumed_bytes(j);
	uint64_t disk = atomic_load(&j->disk_bytes);

	stats->bytes = disk > consumed ? disk - consumed : 0;
	stats->max_bytes = j->max_bytes;
	stats->appended_bytes = atomic_load(&j->appended_bytes);
	stats->lost_bytes = atomic_load(&j->lost_bytes);
	stats->full = atomic_load(&j->full);
}
