/* SPDX-License-Identifier: Apache-2.0 */
#include "store/embedded.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "store/embedded_priv.h"

static enum ear_err make_dirs(
	const char *dir, const char *store, struct ear_fault *fault)
{
	if (mkdir(dir, 0750) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot create %s", dir);
	if (mkdir(store, 0750) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot create %s", store);
	return EAR_OK;
}

static void close_store(struct ear_store **store)
{
	struct embedded *e = *store ? embedded(*store) : NULL;

	if (!e)
		return;
	ear_writer_free(&e->writer);
	ear_shelf_free(&e->shelf);
	pthread_mutex_destroy(&e->keeping);
	free(e);
	*store = NULL;
}

static enum ear_err open_store(const struct ear_store_options *options,
	ear_notice_fn notice, void *arg, struct ear_store **store,
	struct ear_fault *fault)
{
	struct embedded *e = calloc(1, sizeof(*e));
	char dir[4000];
	enum ear_err err;
	int n = snprintf(dir, sizeof(dir), "%s/store", options->dir);

	*store = NULL;
	if (!e || n < 0 || (size_t)n >= sizeof(dir)) {
		free(e);
		return e ? ear_fail(fault, EAR_LIMIT, 0, "path is too long")
			 : ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	e->store.ops = &ear_store_embedded;
	e->opt = *options;
	e->opt.dir = NULL; /* the caller's; the shelf has its own */
	e->notice = notice;
	e->arg = arg;
	pthread_mutex_init(&e->keeping, NULL);
	err = options->write ? make_dirs(options->dir, dir, fault) : EAR_OK;
	if (!err)
		err = ear_shelf_new(dir, notice, arg, &e->shelf, fault);
	if (!err && options->write)
		err = ear_writer_new(e->shelf, &e->opt, notice, arg,
			embedded_make_room, e, &e->writer, fault);
	*store = &e->store;
	if (err)
		close_store(store);
	return err;
}

static enum ear_err put(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct embedded *e = embedded(store);

	return e->writer ? ear_writer_put(e->writer, msg, facts)
			 : EAR_UNSUPPORTED;
}

static void mark(struct ear_store *store, const struct ear_store_mark *m)
{
	if (embedded(store)->writer)
		ear_writer_mark(embedded(store)->writer, m);
}

struct wanted_mark {
	struct ear_store_mark *mark;
	uint64_t generation;
	const char *name;
};

static enum ear_err pick(
	const struct ear_store_mark *m, uint64_t generation, void *arg)
{
	struct wanted_mark *w = arg;

	if (strncmp(m->name, w->name, sizeof(m->name)) == 0 &&
		generation > w->generation) {
		*w->mark = *m;
		w->generation = generation;
	}
	return EAR_OK;
}

/* Who only looks asks the segments: the latest may be another process's. */
static enum ear_err look_for_mark(
	struct embedded *e, const char *name, struct ear_store_mark *m)
{
	struct wanted_mark w = {m, 0, name};
	struct ear_shelf_item *items;
	size_t n;
	enum ear_err err = ear_shelf_list(e->shelf, &items, &n, NULL);

	for (size_t i = 0; !err && i < n; i++) {
		struct ear_view *view;

		if (ear_shelf_view(e->shelf, &items[i], &view, NULL))
			continue;
		(void)!ear_view_marks(view, pick, &w, NULL);
		ear_shelf_return(e->shelf, items[i].number, &view);
	}
	free(items);
	return err ? err : w.generation ? EAR_OK : EAR_GONE;
}

static enum ear_err marked(
	struct ear_store *store, const char *name, struct ear_store_mark *m)
{
	struct embedded *e = embedded(store);

	return e->writer ? ear_writer_marked(e->writer, name, m)
			 : look_for_mark(e, name, m);
}

static void tick(struct ear_store *store, uint64_t mono_ns)
{
	if (embedded(store)->writer)
		ear_writer_tick(embedded(store)->writer, mono_ns);
}

static enum ear_err flush(struct ear_store *store, struct ear_fault *fault)
{
	struct embedded *e = embedded(store);

	return e->writer ? ear_writer_flush(e->writer, fault) : EAR_OK;
}

const struct ear_store_ops ear_store_embedded = {
	.name = "embedded",
	.open = open_store,
	.put = put,
	.mark = mark,
	.marked = marked,
	.tick = tick,
	.flush = flush,
	.find = embedded_find,
	.histogram = embedded_histogram,
	.get = embedded_get,
	.id_text = embedded_id_text,
	.retain = embedded_retain,
	.limits = embedded_limits,
	.stats = embedded_stats,
	.close = close_store,
};
