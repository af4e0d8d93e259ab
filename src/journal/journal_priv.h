/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the journal share.
 *
 * Threads: a lane has one writer and one reader; they meet in the atomics of
 * struct ear_lane. The keeper thread syncs, removes and tells. The journal's
 * lock guards the list of lanes only and is never taken to append or read.
 */
#ifndef EAR_JOURNAL_PRIV_H
#define EAR_JOURNAL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "journal/journal.h"

#define LANE_NAME 32
#define FILE_NAME 64 /* "<31>.<10>.journal" and its NUL */
#define NO_FILE UINT64_MAX

/* --- places in one number ------------------------------------------------ */

/*
 * A place in one atomic: the file's number, and the offset in eighths, for
 * frames are whole multiples of 8 bytes. The order of numbers is the order of
 * places.
 */
#define FILE_MOST 0xfffffff0U

static inline uint64_t place(uint64_t file, uint64_t offset)
{
	return file << 32 | (offset >> 3 & 0xffffffffU);
}

static inline uint64_t place_file(uint64_t at)
{
	return at >> 32;
}

static inline uint64_t place_offset(uint64_t at)
{
	return (at & 0xffffffffU) << 3;
}

/* --- frame.c ------------------------------------------------------------- */

/* The first 32 bytes of a frame, as on disk. */
struct frame_head {
	char magic[4];
	uint32_t bytes; /* of the records */
	uint32_t records;
	uint32_t salt; /* one random number per file: see frame_head_fits() */
	uint64_t sequence;
	uint64_t sum;
};
_Static_assert(sizeof(struct frame_head) == EAR_FRAME_HEAD, "written to disk");

/* Fill in the head of a frame that lies in buf, n bytes in all. */
void frame_seal(char *buf, size_t n, uint32_t records, uint32_t salt,
	uint64_t sequence);
/* Whether a head may begin a frame where left bytes are left of the file. */
bool frame_head_fits(const struct frame_head *h, uint64_t left);
/* Whether the checksum of the whole frame at p is right. */
bool frame_sound(const char *p, const struct frame_head *h);

/* --- files.c ------------------------------------------------------------- */

void file_name(const char *lane, uint64_t number, char out[FILE_NAME]);
/* @return false when it is not the name of a journal file */
bool file_name_read(const char *name, char lane[LANE_NAME], uint64_t *number);
bool lane_name_ok(const char *name);

/* Called for each journal file of a directory. @return false to stop */
typedef bool (*file_fn)(const char *lane, uint64_t number, void *arg);
enum ear_err files_each(int dir, file_fn fn, void *arg);

/* The least number of a lane's files that is >= from, or NO_FILE. */
uint64_t file_from(int dir, const char *lane, uint64_t from);
/* The greatest number of a lane's files that is < below, or NO_FILE. */
uint64_t file_below(int dir, const char *lane, uint64_t below);
/* Bytes of a regular file. @return false when there is none */
bool file_size(int dir, const char *lane, uint64_t number, uint64_t *bytes);

/* --- reader.c ------------------------------------------------------------ */

struct lane_reader {
	struct ear_journal *journal; /* is told of losses; NULL: nobody is */
	int dir;
	const char *lane;
	int fd;
	uint64_t file;  /* the open file, or the next to look for */
	uint64_t start; /* offset to begin at in that file */
	char *buf;      /* bytes [base, base + have) of the file */
	size_t cap, at, have;
	uint64_t base;
	bool salted; /* salt is that of this file */
	uint32_t salt;
	uint64_t expect;    /* sequence number of the next frame; 0 unknown */
	bool skipping;      /* looking for the next good frame */
	uint64_t skip_from; /* where that began */
};

void reader_init(struct lane_reader *r, struct ear_journal *journal, int dir,
	const char *lane, const struct ear_lane_pos *from);
void reader_fini(struct lane_reader *r);
/* Read on, up to the place that the writer has published. */
enum ear_err reader_next(struct lane_reader *r, uint64_t published,
	struct ear_frame *frame, struct ear_fault *fault);

/* --- lanes and the journal ----------------------------------------------- */

struct lane_writer {
	int fd;        /* -1: the next append makes the file */
	uint64_t file; /* its number */
	uint64_t at;   /* where the next frame goes */
	uint64_t sequence;
	uint32_t salt;
};

struct ear_lane {
	struct ear_lane *next;
	struct ear_journal *journal;
	char name[LANE_NAME];
	uint64_t first_file;        /* the first that this writer makes */
	struct lane_writer writer;  /* the writer's own */
	struct lane_reader reader;  /* the reader's own */
	_Atomic uint64_t published; /* end of the last whole frame */
	_Atomic uint64_t units;     /* in all frames since open */
	_Atomic uint64_t seen;      /* published when the reader caught up */
	_Atomic uint64_t done;      /* consumed up to here */
	_Atomic uint64_t oldest;    /* no file below this number is left */
	uint64_t synced;            /* the keeper's own: on the platter */
	_Atomic uint64_t removed;   /* a file that somebody else removed; 0 */
};

struct ear_journal {
	int dir;
	int lock;
	uint64_t max_bytes, file_bytes, keep_free;
	uint32_t sync_ms;
	ear_journal_notice_fn notice;
	void *arg;

	pthread_mutex_t lanes_lock;
	struct ear_lane *lanes;

	_Atomic uint64_t disk_bytes; /* of all files */
	_Atomic int64_t disk_free;   /* estimate between looks */
	_Atomic uint64_t look_at_ns; /* monotonic: next statvfs */
	_Atomic uint64_t appended_bytes;
	_Atomic uint64_t lost_bytes;
	_Atomic bool full;

	_Atomic bool asleep;         /* somebody is in ear_journal_wait() */
	_Atomic uint32_t wake_count; /* the futex */
	_Atomic uint32_t wake_seen;

	pthread_t keeper;
	pthread_mutex_t keeper_lock;
	pthread_cond_t keeper_cond;
	bool stopping;
	_Atomic bool sync_failed; /* told already */
	bool told_full;           /* the keeper's own */
};

void journal_notice(struct ear_journal *j, const char *event,
	uint64_t lost_bytes, const char *format, ...) EAR_PRINTF(4, 5);

/* room.c */
/* Take n bytes of the room there is. @return false when there is not enough */
bool room_take(struct ear_journal *j, uint64_t n);
void room_give(struct ear_journal *j, uint64_t n);
/* The system said that the disk is full: believe it until the next look. */
void room_exhausted(struct ear_journal *j);

/* lane.c: remove the files that are consumed. Any thread. */
void lane_reap(struct ear_lane *lane);

/* keeper.c */
enum ear_err keeper_start(struct ear_journal *j, struct ear_fault *fault);
void keeper_stop(struct ear_journal *j);
/* Bring what a lane has published since the last time to the platter. */
void lane_sync(
	struct ear_journal *j, const char *lane, uint64_t from, uint64_t to);

#endif
