/* SPDX-License-Identifier: Apache-2.0 */
#include "store/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

struct ear_shelf {
	pthread_mutex_t lock; /* over all below; never held while reading */
	char dir[4000];
	ear_notice_fn notice;
	void *arg;
	struct ear_shelf_item *items; /* by number */
	size_t n, cap;
	struct timespec changed; /* the directory, when it was listed */
	bool fresh;              /* it cannot have changed unnoticed since */
	uint64_t own; /* the segment that this process writes; 0 none */
	struct ear_view *idle;
	size_t idle_n;
	uint64_t clock;
};

enum ear_err ear_shelf_new(const char *dir, ear_notice_fn notice, void *arg,
	struct ear_shelf **shelf, struct ear_fault *fault)
{
	struct ear_shelf *s = calloc(1, sizeof(*s));

	*shelf = s;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	s->notice = notice;
	s->arg = arg;
	return EAR_OK;
}

void ear_shelf_free(struct ear_shelf **shelf)
{
	struct ear_shelf *s = *shelf;

	if (!s)
		return;
	while (s->idle) {
		struct ear_view *v = s->idle;

		s->idle = v->next;
		ear_view_close(&v);
	}
	pthread_mutex_destroy(&s->lock);
	free(s->items);
	free(s);
	*shelf = NULL;
}

const char *ear_shelf_dir(const struct ear_shelf *s)
{
	return s->dir;
}

static void path_of(const struct ear_shelf *s, uint64_t number, const char *end,
	char path[static 4096])
{
	snprintf(path, 4096, "%s/" EAR_SEGMENT_NAME ".seg%s", s->dir,
		(unsigned long long)number, end);
}

uint64_t ear_shelf_bytes(const struct ear_shelf *s, uint64_t number)
{
	static const char *const ends[] = {"", "-wal"};
	uint64_t bytes = 0;
	char path[4096];
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		path_of(s, number, ends[i], path);
		if (!stat(path, &st))
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

/* --- listing ----------------------------------------------------------- */

/* The number in a file's name; 0 when it is no segment's. */
static uint64_t number_of(const char *name)
{
	char *end;
	unsigned long long n;

	if (strspn(name, "0123456789abcdef") != 10)
		return 0;
	n = strtoull(name, &end, 16);
	return strcmp(end, ".seg") == 0 ? n : 0;
}

static int by_number(const void *a, const void *b)
{
	const struct ear_shelf_item *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static struct ear_shelf_item *find(struct ear_shelf *s, uint64_t number)
{
	struct ear_shelf_item key = {.number = number};

	return s->n ? bsearch(&key, s->items, s->n, sizeof(key), by_number)
		    : NULL;
}

/* Everything that is in the directory now. */
static enum ear_err read_dir(DIR *d, struct ear_ids *numbers)
{
	enum ear_err err = EAR_OK;
	struct dirent *e;

	while (!err && (e = readdir(d))) {
		uint64_t n = number_of(e->d_name);

		if (n)
			err = ear_ids_add(numbers, n);
	}
	ear_ids_sort(numbers);
	return err;
}

/* Bring items in line with the numbers that there are. */
static enum ear_err take_over(struct ear_shelf *s, const struct ear_ids *ids)
{
	struct ear_shelf_item *items = calloc(ids->n + 1, sizeof(*items));

	if (!items)
		return EAR_NOMEM;
	for (size_t i = 0; i < ids->n; i++) {
		struct ear_shelf_item *old = find(s, ids->v[i]);

		if (old)
			items[i] = *old;
		items[i].number = ids->v[i];
		items[i].own = items[i].number == s->own;
	}
	free(s->items);
	s->items = items;
	s->n = ids->n;
	return EAR_OK;
}

/*
 * List the directory when it changed. Its time has the resolution of the
 * kernel's tick, so a change just now may be followed by one that does not
 * show: then the next call lists again.
 */
static enum ear_err scan(struct ear_shelf *s, struct ear_fault *fault)
{
	struct ear_ids ids = {0};
	struct timespec now;
	enum ear_err err;
	struct stat st;
	DIR *d;

	if (stat(s->dir, &st)) {
		s->n = 0;
		return errno == ENOENT ? EAR_OK
				       : ear_fail_sys(fault, "%s", s->dir);
	}
	if (s->fresh && !memcmp(&st.st_mtim, &s->changed, sizeof(s->changed)))
		return EAR_OK;
	clock_gettime(CLOCK_REALTIME, &now);
	d = opendir(s->dir);
	if (!d)
		return ear_fail_sys(fault, "%s", s->dir);
	err = read_dir(d, &ids);
	closedir(d);
	if (!err)
		err = take_over(s, &ids);
	ear_ids_fini(&ids);
	if (err)
		return ear_fail(fault, err, 0, "out of memory");
	s->changed = st.st_mtim;
	s->fresh = now.tv_sec > st.st_mtim.tv_sec + 1;
	return EAR_OK;
}

/* What may have changed of an open one since the last listing. */
static void refresh(struct ear_shelf *s, struct ear_shelf_item *item)
{
	char path[4096];

	if (item->sealed)
		return;
	path_of(s, item->number, ".open", path);
	if (access(path, F_OK) && errno == ENOENT) {
		item->sealed = true;
		item->own = item->loaded = false;
	}
	item->bytes = ear_shelf_bytes(s, item->number);
}

enum ear_err ear_shelf_list(struct ear_shelf *s, struct ear_shelf_item **items,
	size_t *n, struct ear_fault *fault)
{
	enum ear_err err;

	pthread_mutex_lock(&s->lock);
	err = scan(s, fault);
	for (size_t i = 0; !err && i < s->n; i++)
		refresh(s, &s->items[i]);
	*n = err ? 0 : s->n;
	*items = malloc((*n + 1) * sizeof(**items));
	if (!*items)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else if (*n)
		memcpy(*items, s->items, *n * sizeof(**items));
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* --- views ------------------------------------------------------------- */

/* Take an idle view of a path out of the list; lock held. */
static struct ear_view *take_idle(struct ear_shelf *s, const char *path)
{
	for (struct ear_view **at = &s->idle; *at; at = &(*at)->next) {
		struct ear_view *v = *at;

		if (strcmp(v->path, path) != 0)
			continue;
		*at = v->next;
		v->next = NULL;
		s->idle_n--;
		return v;
	}
	return NULL;
}

/* The one that was used longest ago; lock held. */
static struct ear_view *take_oldest(struct ear_shelf *s)
{
	struct ear_view *oldest = s->idle;

	for (struct ear_view *v = s->idle; v; v = v->next) {
		if (v->used < oldest->used)
			oldest = v;
	}
	return oldest ? take_idle(s, oldest->path) : NULL;
}

static void tell(struct ear_shelf *s, const char *why)
{
	if (s->notice)
		s->notice("store.damaged", ear_slice_str(why), s->arg);
}

/* Remember what is wrong with a segment; the first time it is told. */
static void remember(
	struct ear_shelf *s, uint64_t number, const char *why, bool unreadable)
{
	struct ear_shelf_item *item;
	bool first = false;

	pthread_mutex_lock(&s->lock);
	item = find(s, number);
	if (item) {
		first = !item->hurt;
		item->hurt = true;
		item->unreadable = item->unreadable || unreadable;
		if (first)
			snprintf(item->why, sizeof(item->why), "%s", why);
	}
	pthread_mutex_unlock(&s->lock);
	if (first)
		tell(s, why);
}

void ear_shelf_hurt(struct ear_shelf *s, uint64_t number, const char *why)
{
	remember(s, number, why, false);
}

/* Keep the totals that a view has read. */
static void learn(
	struct ear_shelf *s, uint64_t number, const struct ear_view *v)
{
	struct ear_shelf_item *item;

	pthread_mutex_lock(&s->lock);
	item = find(s, number);
	if (item) {
		item->total = v->total;
		item->loaded = true;
		if (v->immutable)
			item->bytes = ear_shelf_bytes(s, number);
	}
	pthread_mutex_unlock(&s->lock);
}

enum ear_err ear_shelf_view(struct ear_shelf *s,
	const struct ear_shelf_item *item, struct ear_view **view,
	struct ear_fault *fault)
{
	struct ear_fault why = {0};
	enum ear_err err = EAR_OK;
	struct ear_view *v;
	char path[4096];

	*view = NULL;
	if (item->unreadable)
		return ear_fail(fault, EAR_BAD, 0, "%s", item->why);
	path_of(s, item->number, "", path);
	pthread_mutex_lock(&s->lock);
	v = take_idle(s, path);
	pthread_mutex_unlock(&s->lock);
	if (v && v->immutable != item->sealed)
		ear_view_close(&v);
	if (!v)
		err = ear_view_open(path, item->sealed, &v, &why);
	if (!err)
		err = ear_view_begin(v, &why);
	if (!err) {
		if (!item->loaded || !item->sealed)
			learn(s, item->number, v);
		*view = v;
		return EAR_OK;
	}
	ear_view_close(&v);
	if ((err == EAR_BAD && item->sealed) || err == EAR_UNSUPPORTED)
		remember(s, item->number, why.text, true);
	return ear_fail(fault, err, 0, "%s", why.text);
}

void ear_shelf_return(
	struct ear_shelf *s, uint64_t number, struct ear_view **view)
{
	struct ear_view *v = *view, *old = NULL;
	struct ear_shelf_item *item;
	bool keep;

	*view = NULL;
	if (!v)
		return;
	ear_view_end(v);
	pthread_mutex_lock(&s->lock);
	item = find(s, number);
	/* one that is written must not be kept from being sealed */
	keep = item && v->loaded && v->immutable == item->sealed &&
	       (item->sealed || item->own);
	if (keep) {
		v->used = ++s->clock;
		v->next = s->idle;
		s->idle = v;
		if (++s->idle_n > EAR_SHELF_VIEWS)
			old = take_oldest(s);
	}
	pthread_mutex_unlock(&s->lock);
	if (!keep)
		ear_view_close(&v);
	ear_view_close(&old);
}

void ear_shelf_own(struct ear_shelf *s, uint64_t number, bool own)
{
	struct ear_shelf_item *item;
	struct ear_view *v;
	char path[4096];

	path_of(s, number, "", path);
	pthread_mutex_lock(&s->lock);
	if (own || s->own == number)
		s->own = own ? number : 0;
	item = find(s, number);
	if (item)
		item->own = own;
	while (!own && (v = take_idle(s, path))) {
		pthread_mutex_unlock(&s->lock);
		ear_view_close(&v);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

enum ear_err ear_shelf_remove(
	struct ear_shelf *s, uint64_t number, struct ear_fault *fault)
{
	char path[4096];

	ear_shelf_own(s, number, false);
	path_of(s, number, "", path);
	if (unlink(path) && errno != ENOENT)
		return ear_fail_sys(fault, "cannot remove %s", path);
	return EAR_OK;
}
