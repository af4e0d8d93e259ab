/* SPDX-License-Identifier: Apache-2.0 */
/* A spool is opened, closed and told of; what its two sides share. */
#include "flow/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "flow/spool_priv.h"

void ear_spool_mark_name(const char *name, char out[32])
{
	snprintf(out, 32, "spool:%.*s", EAR_SPOOL_NAME, name);
}

void spool_tell(struct ear_spool *s, const char *event, const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n < 0 || !s->options.notice)
		return;
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	s->options.notice(
		event, ear_slice(text, (size_t)n), s->options.notice_arg);
}

/* --- the file "position" -------------------------------------------------- */

static uint64_t place_sum(const struct place_file *f)
{
	return ear_hash(
		ear_slice((const char *)f, offsetof(struct place_file, sum)));
}

/*
 * One small write in place: a kill cannot tear it. A power cut can; then the
 * sum does not fit and the spool begins with the oldest it has.
 */
void spool_places(struct ear_spool *s)
{
	s->places.waiting = s->put + s->earlier - s->done;
	s->places.sum = place_sum(&s->places);
	if (pwrite(s->place_fd, &s->places, sizeof(s->places), 0) !=
		(ssize_t)sizeof(s->places)) {
		uint64_t skipped;

		if (ear_log_every(&s->out.gate, &skipped))
			ear_log(EAR_ERROR, "mirror.position", "mirror",
				EAR_LS(s->name), NULL);
	}
}

static enum ear_err open_places(struct ear_spool *s, struct ear_fault *fault)
{
	static const char magic[8] = "EARSPOOL";
	struct place_file f = {0};
	char path[2300];

	snprintf(path, sizeof(path), "%s/position", s->dir);
	s->place_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->place_fd < 0)
		return ear_fail_sys(fault, "cannot open %s", path);
	if (pread(s->place_fd, &f, sizeof(f), 0) == (ssize_t)sizeof(f) &&
		!memcmp(f.magic, magic, sizeof(magic)) &&
		f.sum == place_sum(&f)) {
		s->places = f;
	} else {
		uint32_t id = 0;

		memcpy(s->places.magic, magic, sizeof(magic));
		if (getrandom(&id, sizeof(id), 0) != sizeof(id) || !id)
			id = (uint32_t)ear_now_ns() | 1;
		s->places.id = id;
	}
	s->id = s->places.id;
	return EAR_OK;
}

/* --- open and close ------------------------------------------------------- */

bool ear_spool_name_ok(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (!n || n > EAR_SPOOL_NAME || name[0] == '.')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			    "XYZ0123456789-_") == n;
}

static enum ear_err make_dir(const char *path, struct ear_fault *fault)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot make %s", path);
	return EAR_OK;
}

static void journal_notice(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg)
{
	struct ear_spool *s = arg;

	(void)lost_bytes;
	spool_tell(s, event, "mirror %s: %.*s", s->name, EAR_FMT(text));
}

/*
 * Where the reader goes on, and which frames of earlier runs are passed over:
 * the store does not have what they came from, so they are put again. The
 * store knows best how far it came; where it is asked in vain, as it is new or
 * there is none, the spool's own word counts.
 */
static void set_places(struct ear_spool *s)
{
	const struct ear_store_mark *m = s->options.committed;

	s->out.done = (struct ear_lane_pos){.file = s->places.done[0],
		.offset = s->places.done[1],
		.frame = s->places.done[2]};
	s->out.done_records = (uint32_t)s->places.done[3];
	s->replayed = (struct ear_lane_pos){.file = s->places.committed[0],
		.offset = s->places.committed[1],
		.frame = s->places.committed[2]};
	if (m)
		s->replayed = (struct ear_lane_pos){
			.file = m->v[0], .offset = m->v[1], .frame = m->v[2]};
	s->committed = s->replayed;
	s->earlier = s->places.waiting;
}

static enum ear_err open_all(struct ear_spool *s, struct ear_fault *fault)
{
	const struct ear_spool_options *o = &s->options;
	struct ear_journal_options journal = {
		.dir = s->dir,
		.max_bytes = o->max_bytes,
		.keep_free = o->min_free,
		.sync_ms = o->sync_ms,
	};
	char line[64];
	enum ear_err err;

	snprintf(s->dir, sizeof(s->dir), "%s/spool", o->dir);
	err = make_dir(s->dir, fault);
	if (err)
		return err;
	snprintf(s->dir, sizeof(s->dir), "%s/spool/%s", o->dir, s->name);
	err = make_dir(s->dir, fault);
	if (!err)
		err = ear_journal_open(
			&journal, journal_notice, s, &s->journal, fault);
	if (!err)
		err = open_places(s, fault);
	if (err)
		return err;
	set_places(s);
	err = ear_lane_open(s->journal, "out", &s->out.done, &s->lane, fault);
	snprintf(line, sizeof(line), "mirror:%s", s->name);
	s->tally = ear_ledger_line(
		o->ledger, ear_slice_str(line), (struct ear_slice){0});
	return err;
}

enum ear_err ear_spool_open(const struct ear_spool_options *options,
	struct ear_sink *sink, struct ear_spool **out, struct ear_fault *fault)
{
	struct ear_spool *s = calloc(1, sizeof(*s));
	enum ear_err err;

	*out = NULL;
	if (!s) {
		sink->ops->close(&sink);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	s->options = *options;
	s->place_fd = -1;
	s->in.sink = s->out.sink = sink;
	s->in.frame.max = EAR_FRAME_MAX;
	s->since_ns = ear_now_ns();
	pthread_mutex_init(&s->lock, NULL);
	ear_buf_reserve(&s->in.frame, 2 * SPOOL_FRAME_BYTES);
	s->in.frame.n = EAR_FRAME_HEAD;
	if (s->in.frame.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else if (!ear_spool_name_ok(options->name))
		err = ear_fail(fault, EAR_USAGE, 0,
			"'%s' is no name for a mirror: 1 to %d letters, "
			"digits, - and _",
			options->name ? options->name : "", EAR_SPOOL_NAME);
	else {
		snprintf(s->name, sizeof(s->name), "%s", options->name);
		err = open_all(s, fault);
	}
	s->options.committed = NULL;
	if (err)
		ear_spool_close(&s, 0);
	*out = s;
	return err;
}

enum ear_err ear_spool_start(struct ear_spool *s, struct ear_fault *fault)
{
	if (pthread_create(&s->thread, NULL, spool_main, s))
		return ear_fail_sys(fault, "cannot start a thread");
	s->runs = true;
	return EAR_OK;
}

void ear_spool_leave(struct ear_spool *s, uint32_t wait_ms)
{
	uint64_t until = ear_mono_ns() + wait_ms * EAR_MS_NS;
	const struct timespec nap = {.tv_nsec = 5000000};
	struct ear_spool_stats stats;

	while (ear_mono_ns() < until) {
		ear_spool_stats(s, &stats);
		if (!stats.waiting)
			break;
		nanosleep(&nap, NULL);
	}
	atomic_store(&s->stop, true);
	ear_journal_wake(s->journal);
}

void ear_spool_close(struct ear_spool **spool, uint32_t wait_ms)
{
	struct ear_spool *s = *spool;

	if (!s)
		return;
	if (s->runs) {
		ear_spool_leave(s, wait_ms);
		pthread_join(s->thread, NULL);
	}
	if (s->next_sink && s->next_sink != s->out.sink)
		s->next_sink->ops->close(&s->next_sink);
	if (s->out.sink)
		s->out.sink->ops->close(&s->out.sink);
	if (s->lane)
		ear_lane_close(&s->lane);
	if (s->journal)
		ear_journal_close(&s->journal);
	if (s->place_fd >= 0)
		close(s->place_fd);
	free(s->out.v);
	ear_buf_fini(&s->in.frame);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*spool = NULL;
}

/* --- any thread -------------------------------------------------------- */

const char *ear_spool_name(const struct ear_spool *s)
{
	return s->name;
}

void ear_spool_stats(struct ear_spool *s, struct ear_spool_stats *stats)
{
	struct ear_journal_stats journal = {0};
	uint64_t now_ns = ear_now_ns();

	ear_journal_stats(s->journal, &journal);
	pthread_mutex_lock(&s->lock);
	*stats = (struct ear_spool_stats){
		.put = s->put,
		.delivered = s->delivered,
		.lost = s->lost,
		.waiting = s->put + s->earlier - s->done,
		.bytes = journal.bytes,
		.max_bytes = journal.max_bytes,
		.connected = s->connected,
		.full = s->full,
		.since_ns = s->since_ns,
	};
	if (stats->waiting && s->oldest_ns && s->oldest_ns < now_ns)
		stats->lag_ns = now_ns - s->oldest_ns;
	memcpy(stats->trouble, s->trouble, sizeof(stats->trouble));
	pthread_mutex_unlock(&s->lock);
	if (!stats->waiting)
		stats->bytes = 0; /* only a file that is not full yet */
}

void ear_spool_json(struct ear_spool *s, struct ear_json *j)
{
	struct ear_spool_stats stats;

	ear_spool_stats(s, &stats);
	ear_json_open(j, '{');
	ear_json_kstr(j, "name", ear_slice_str(s->name));
	pthread_mutex_lock(&s->lock);
	/* in.sink is the newest, and none is closed without the lock */
	ear_json_kstr(j, "kind", ear_slice_str(s->in.sink->ops->kind));
	s->in.sink->ops->status(s->in.sink, j);
	pthread_mutex_unlock(&s->lock);
	ear_json_kbool(j, "connected", stats.connected);
	ear_json_ktime(j, "since", stats.since_ns);
	ear_json_kstr(j, "trouble", ear_slice_str(stats.trouble));
	ear_json_ku64(j, "mirrored", stats.put);
	ear_json_ku64(j, "delivered", stats.delivered);
	ear_json_ku64(j, "lost", stats.lost);
	ear_json_ku64(j, "waiting", stats.waiting);
	ear_json_ku64(j, "lag_ms", stats.lag_ns / EAR_MS_NS);
	ear_json_ku64(j, "bytes", stats.bytes);
	ear_json_ku64(j, "max_bytes", stats.max_bytes);
	ear_json_kbool(j, "full", stats.full);
	ear_json_close(j, '}');
}
