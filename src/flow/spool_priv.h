/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the two sides of a spool share: spool_in.c, the thread that takes
 * messages, and spool_out.c, the thread that delivers; spool.c opens both.
 */
#ifndef EAR_FLOW_SPOOL_PRIV_H
#define EAR_FLOW_SPOOL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "flow/spool.h"
#include "journal/journal.h"

/* A frame is one write; large ones cost less, small ones come sooner. */
#define SPOOL_FRAME_BYTES (256u << 10)

/* Frames handed over in a session and not known to be safe. */
#define WINDOW 1024

/* One of these. */
struct flight {
	uint64_t end;     /* records of the session up to and with its last */
	uint32_t records; /* of the frame, those done before included */
	uint64_t seen_ns; /* of its first */
	struct ear_lane_pos start, next;
};

/* What stands in the file "position": how far the far side is. */
struct place_file {
	char magic[8];
	uint64_t id;      /* of this spool: positions of another are not ours */
	uint64_t done[4]; /* file, offset, frame, records */
	uint64_t committed[3]; /* file, offset, frame */
	uint64_t waiting;      /* messages, about: put, and not done */
	uint64_t sum;
};

/* The side that takes messages. */
struct spool_in {
	struct ear_sink *sink; /* encodes */
	struct ear_buf frame;
	uint32_t records;
	bool marked; /* something was put since the last mark */
	struct ear_log_gate gate;
};

/* The side that delivers. */
struct spool_out {
	struct ear_sink *sink;
	struct ear_frame frame;
	bool read;                   /* frame holds one that is not in v yet */
	struct ear_sink_record *v;   /* records of the frame in work */
	size_t n, room, at;          /* at: the next to hand over */
	struct ear_lane_pos counted; /* frames of earlier runs up to here are in
					seen_earlier */
	uint64_t seen_earlier;
	bool past_earlier; /* what is read now is of this run */
	bool session;
	bool told_down;
	uint64_t up_at_ns; /* monotonic; when the session began */
	uint64_t handed;   /* records of this session, those of v included */
	uint64_t safe;     /* of these */
	uint64_t refused;  /* of these, not yet safe */
	uint64_t last_seen_ns; /* of the last that was handed over */
	struct flight flight[WINDOW];
	size_t first, flights;
	struct ear_lane_pos done; /* safe, with */
	uint32_t done_records;    /* records of its frame */
	uint64_t retry_at_ns;     /* monotonic */
	uint64_t wait_ns;         /* the last wait before a retry */
	struct ear_log_gate gate;
};

struct ear_spool {
	struct ear_spool_options options;
	char name[EAR_SPOOL_NAME + 1];
	char dir[2200];
	struct ear_journal *journal;
	struct ear_lane *lane;
	struct ear_tally *tally;
	uint64_t id;
	int place_fd;
	struct ear_lane_pos replayed; /* frames of earlier runs behind it come
					 again: they are passed over */
	struct spool_in in;
	struct spool_out out;

	pthread_mutex_t lock; /* of all below */
	struct ear_lane_pos committed;
	struct ear_sink *next_sink; /* for the side that delivers */
	uint64_t put, earlier,      /* earlier: of earlier runs, about until all
				       of them were read */
		done, delivered, lost, oldest_ns;
	bool connected, full;
	char trouble[200];
	uint64_t since_ns;
	struct place_file places;

	pthread_t thread;
	bool runs;
	atomic_bool stop;
};

/* The order of places in a lane. */
static inline bool spool_before(
	const struct ear_lane_pos *a, const struct ear_lane_pos *b)
{
	return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

/* Write the file "position". With the lock held. */
void spool_places(struct ear_spool *s);

/* Tell the operator. */
void spool_tell(struct ear_spool *s, const char *event, const char *format, ...)
	EAR_PRINTF(3, 4);

/* spool_out.c: the thread. arg: the spool */
void *spool_main(void *arg);

#endif
