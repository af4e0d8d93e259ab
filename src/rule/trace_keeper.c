/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of traces, and the thread that writes them: no message waits for
 * a disk. It also ends what is over while no message comes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/thread.h"
#include "base/time.h"
#include "base/whole.h"
#include "rule/trace_priv.h"

#define LOOK_NS EAR_SECOND_NS
/*
 * A kill takes what is not on the disk: dialogs would not be followed on. So
 * counts and dialogs are written each second, but for no more than a small
 * part of the time, however many there are and however slow the disk is.
 */
#define BEHIND_LEAST EAR_SECOND_NS
#define BEHIND_MOST (30 * EAR_SECOND_NS)
#define WRITING_PART 20
/* A message that waits in the journal may still be of the time before the
 * end; so the clock alone ends a trace a little later. */
#define GRACE_NS (2 * EAR_SECOND_NS)
/* Most bytes of the files that are read. */
#define ORDERS_MOST ((size_t)16 << 20)
#define OPEN_MOST ((size_t)4 << 30)

static void path_of(
	const struct ear_traces *t, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", t->dir, file);
}

/* --- reading ----------------------------------------------------------- */

/* @return whether there is something to read */
static bool read_file(struct ear_traces *t, const char *file, size_t most,
	struct ear_buf *out)
{
	struct ear_fault fault = {0};
	char path[PATH_MAX];
	enum ear_err err;

	path_of(t, file, path);
	err = ear_whole_read(path, most, out, &fault);
	if (err && err != EAR_GONE)
		traces_tell(t, "trace.damaged",
			"what an earlier run traced is lost: %s", fault.text);
	return err == EAR_OK;
}

static void load_orders(struct ear_traces *t)
{
	struct ear_buf text = {0};
	char path[PATH_MAX], aside[PATH_MAX + 16];

	if (read_file(t, TRACES_FILE, ORDERS_MOST, &text))
		traces_read_orders(t, ear_buf_view(&text));
	ear_buf_fini(&text);
	if (!t->damaged)
		return;
	path_of(t, TRACES_FILE, path);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	(void)rename(path, aside);
}

/* Units of standing traces wait for the configuration. */
static void load_open(struct ear_traces *t)
{
	if (!read_file(t, TRACES_OPEN_FILE, OPEN_MOST, &t->unclaimed))
		return;
	/* damage is told when the rest of it is claimed */
	(void)traces_read_open(t, ear_buf_view(&t->unclaimed), false);
}

void traces_load(struct ear_traces *t)
{
	traces_lock(t);
	load_orders(t);
	load_open(t);
	traces_changed(t);
	t->state_dirty = false;
	traces_unlock(t);
}

/* --- writing ----------------------------------------------------------- */

static void tell_trouble(
	struct ear_traces *t, enum ear_err err, const struct ear_fault *fault)
{
	traces_lock(t);
	if (err && !t->write_failed)
		traces_tell(t, "trace.not_saved",
			"%s: traces run, but a restart would not know what "
			"has changed; make room or check its rights",
			fault->text);
	if (!err && t->write_failed)
		traces_tell(t, "trace.saved", "traces are saved again in %s",
			t->dir);
	t->write_failed = err != EAR_OK;
	traces_unlock(t);
}

static enum ear_err save(struct ear_traces *t, const char *file,
	void (*write)(struct ear_traces *t, struct ear_buf *out), bool *dirty,
	struct ear_fault *fault)
{
	struct ear_fault own = {0};
	struct ear_buf out = {0};
	char path[PATH_MAX];
	enum ear_err err;

	traces_lock(t);
	write(t, &out);
	*dirty = false;
	traces_unlock(t);
	path_of(t, file, path);
	err = out.err ? ear_fail(&own, out.err, 0, "out of memory")
		      : ear_whole_write(path, ear_buf_view(&out), &own);
	ear_buf_fini(&out);
	if (err) {
		traces_lock(t);
		*dirty = true;
		traces_unlock(t);
	}
	tell_trouble(t, err, &own);
	if (err && fault)
		*fault = own;
	return err;
}

enum ear_err traces_save(struct ear_traces *t, struct ear_fault *fault)
{
	traces_lock(t);
	t->count_dirty = false;
	traces_unlock(t);
	return save(
		t, TRACES_FILE, traces_write_orders, &t->state_dirty, fault);
}

/* --- the thread -------------------------------------------------------- */

/* What is due to be written; under the lock. */
struct due {
	bool orders, open;
	uint64_t orders_ns, open_ns; /* not before, monotonic */
};

/* When it is to be written next, after a writing that began then. */
static uint64_t next_after(uint64_t began_ns)
{
	uint64_t now_ns = ear_mono_ns();
	uint64_t wait_ns = (now_ns - began_ns) * WRITING_PART;

	if (wait_ns > BEHIND_MOST)
		wait_ns = BEHIND_MOST;
	return now_ns + (wait_ns < BEHIND_LEAST ? BEHIND_LEAST : wait_ns);
}

static void wait_a_while(struct ear_traces *t)
{
	ear_cond_wait(&t->wake, &t->lock, ear_mono_ns() + LOOK_NS);
}

static void look(struct ear_traces *t, struct due *due)
{
	uint64_t now_ns = ear_mono_ns();

	traces_lock(t);
	if (!t->stopping && !(t->state_dirty && !t->write_failed))
		wait_a_while(t);
	traces_end_by_clock(t, ear_now_ns() - GRACE_NS);
	due->orders = (t->state_dirty && !t->write_failed) ||
		      ((t->state_dirty || t->count_dirty) &&
			      now_ns >= due->orders_ns);
	due->open = t->open_dirty && now_ns >= due->open_ns;
	traces_unlock(t);
}

static bool stopping(struct ear_traces *t)
{
	bool stop;

	traces_lock(t);
	stop = t->stopping;
	traces_unlock(t);
	return stop;
}

static void save_orders(struct ear_traces *t, struct due *due)
{
	uint64_t began_ns = ear_mono_ns();

	(void)traces_save(t, NULL);
	due->orders_ns = next_after(began_ns);
}

static void save_open(struct ear_traces *t, struct due *due)
{
	uint64_t began_ns = ear_mono_ns();

	(void)save(
		t, TRACES_OPEN_FILE, traces_write_open, &t->open_dirty, NULL);
	due->open_ns = next_after(began_ns);
}

static void *keep(void *arg)
{
	struct ear_traces *t = arg;
	struct due due = {0};

	ear_thread_self("traces", EAR_WEIGHT_WORK);
	while (!stopping(t)) {
		look(t, &due);
		pthread_mutex_lock(&t->file_lock);
		if (due.orders)
			save_orders(t, &due);
		if (due.open)
			save_open(t, &due);
		pthread_mutex_unlock(&t->file_lock);
	}
	return NULL;
}

enum ear_err traces_keeper_start(struct ear_traces *t, struct ear_fault *fault)
{
	int rc;

	t->has_keeper = true; /* the thread itself asks */
	rc = pthread_create(&t->keeper, NULL, keep, t);
	if (rc) {
		t->has_keeper = false;
		errno = rc;
		return ear_fail_sys(fault, "cannot start a thread for traces");
	}
	return EAR_OK;
}

void traces_keeper_stop(struct ear_traces *t)
{
	if (!t->has_keeper)
		return;
	traces_lock(t);
	t->stopping = true;
	pthread_cond_signal(&t->wake);
	traces_unlock(t);
	pthread_join(t->keeper, NULL);
	if (t->state_dirty || t->count_dirty)
		(void)traces_save(t, NULL);
	if (t->open_dirty)
		(void)save(t, TRACES_OPEN_FILE, traces_write_open,
			&t->open_dirty, NULL);
}
