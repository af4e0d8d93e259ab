/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the store: kills, damage, full disks, others, old age. */
#include "unit/table.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "made.h"

/* Stands before libc's: a folder from which nothing can be removed. */
int unlink(const char *path);
static _Atomic bool no_unlink;

int unlink(const char *path)
{
	if (no_unlink && strstr(path, ".seg")) {
		errno = EROFS;
		return -1;
	}
	return unlinkat(AT_FDCWD, path, 0);
}

/* Files of a store whose names end so. */
static size_t files(const char *dir, const char *end, char last[300])
{
	char path[300];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/store", dir);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		size_t len = strlen(e->d_name), k = strlen(end);

		if (len < k || strcmp(e->d_name + len - k, end))
			continue;
		n++;
		if (last)
			snprintf(last, 300, "%.100s/store/%.100s", dir,
				e->d_name);
	}
	if (d)
		closedir(d);
	return n;
}

/* --- marks ------------------------------------------------------------- */

#define FRAME 50

/* One that stands behind the messages and marks how far it came only when
   what was put is closed. */
struct behind {
	struct ear_store *store;
	struct ear_store_mark mark;
};

static void mark_behind(void *arg)
{
	struct behind *b = arg;

	if (b->store)
		b->store->ops->mark(b->store, &b->mark);
}

/* Frames of messages, each with its mark, until somebody kills us. */
static void put_frames(const char *dir, const struct made *m, size_t n)
{
	struct behind behind = {.mark = {.name = "spool:x"}};
	struct ear_store_options o = {.dir = dir,
		.write = true,
		.commit_ms = 10,
		.closing = mark_behind,
		.closing_arg = &behind};
	struct ear_store *store = open_store(&o, NULL);
	struct ear_store_mark mark = {.name = "lane"};
	uint64_t i = 0;

	if (!store->ops->marked(store, "lane", &mark))
		i = mark.v[0];
	behind.mark.v[0] = i;
	behind.store = store;
	for (;;) {
		for (size_t k = 0; k < FRAME; k++, i++) {
			struct ear_msg msg = m[i % n].msg;

			msg.capture_id = (uint32_t)i;
			if (store->ops->put(store, &msg, &m[i % n].facts))
				_exit(2);
			behind.mark.v[0] = i + 1;
			/* must not cut a frame from its mark */
			store->ops->tick(store, ear_mono_ns());
		}
		mark.v[0] = i;
		mark.v[2] = ~i;
		store->ops->mark(store, &mark);
		store->ops->tick(store, ear_mono_ns());
	}
}

static bool once(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	unsigned char *seen = arg;

	(void)facts;
	assert_int_equal(seen[msg->capture_id], 0);
	seen[msg->capture_id] = 1;
	return true;
}

static void test_exactly_once(void **state)
{
	struct made_rnd r = {3};
	struct made *m = make_many(&r, 500, 20);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir};
	struct ear_query q = {.to_ns = UINT64_MAX};
	struct ear_store_mark mark = {0}, behind;
	struct ear_fault fault = {0};
	struct ear_found found;
	struct ear_store *store;
	unsigned char *seen;
	uint64_t before = 0;

	for (int round = 0; round < 4; round++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			put_frames(dir, m, 500);
		store = open_store(&o, NULL);
		for (int i = 0; i < 500; i++) {
			usleep(20000 + (useconds_t)round * 7000);
			if (!store->ops->marked(store, "lane", &mark) &&
				mark.v[0] > before)
				break;
		}
		ear_store_embedded.close(&store);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		store = open_store(&o, NULL);
		assert_int_equal(
			store->ops->marked(store, "lane", &mark), EAR_OK);
		assert_true(mark.v[0] > before && mark.v[2] == ~mark.v[0]);
		assert_int_equal(
			store->ops->marked(store, "spool:x", &behind), EAR_OK);
		assert_int_equal(behind.v[0], mark.v[0]);
		before = mark.v[0];
		assert_int_equal(count(store, ""), mark.v[0]);
		ear_store_embedded.close(&store);
	}
	o.write = true;
	store = open_store(&o, NULL);
	seen = calloc(mark.v[0] + 1, 1);
	assert_int_equal(
		store->ops->find(store, &q, once, seen, &found, &fault),
		EAR_OK);
	assert_true(found.complete);
	assert_int_equal(found.matched, mark.v[0]);
	ear_store_embedded.close(&store);
	/* what the killed left open was sealed */
	assert_int_equal(files(dir, ".open", NULL), 0);
	assert_int_equal(files(dir, "-wal", NULL), 0);
	assert_true(files(dir, ".seg", NULL) >= 2);
	free(seen);
	free_many(m, 500);
	remove_dir(dir);
	(void)state;
}

/* Marks live on when the segment they came with is gone. */
static void test_marks_are_carried(void **state)
{
	struct made_rnd r = {3};
	struct made *m = make_many(&r, 10, 2);
	char *dir = temp_dir(), first[300];
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store_mark mark = {.name = "lane", .v = {1, 2, 3}}, got;
	struct ear_store *store;

	store = open_store(&o, NULL);
	put_all(store, m, 10);
	store->ops->mark(store, &mark);
	flush_all(store);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", first), 1);
	store = open_store(&o, NULL);
	put_all(store, m, 10);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", NULL), 2);
	assert_int_equal(unlink(first), 0);
	store = open_store(&o, NULL);
	assert_int_equal(store->ops->marked(store, "lane", &got), EAR_OK);
	assert_memory_equal(&got, &mark, sizeof(mark));
	assert_int_equal(store->ops->marked(store, "other", &got), EAR_GONE);
	ear_store_embedded.close(&store);
	free_many(m, 10);
	remove_dir(dir);
	(void)state;
}

static void set_mark(struct ear_store *store, unsigned i)
{
	struct ear_store_mark mark = {.v = {i, 2, 3}};

	snprintf(mark.name, sizeof(mark.name), "lane%u", i);
	store->ops->mark(store, &mark);
}

static enum ear_err ask_mark(struct ear_store *store, unsigned i)
{
	struct ear_store_mark mark = {0};
	char name[32];
	enum ear_err err;

	snprintf(name, sizeof(name), "lane%u", i);
	err = store->ops->marked(store, name, &mark);
	if (!err)
		assert_int_equal(mark.v[0], i);
	return err;
}

/* Marks nobody asks for any more go with the last segment that has them. */
static void test_marks_are_forgotten(void **state)
{
	struct made_rnd r = {3};
	struct made *m = make_many(&r, 10, 2);
	char *dir = temp_dir(), first[300];
	struct ear_store_options o = {.dir = dir, .write = true};
	struct notices notices = {0};
	struct ear_store *store = open_store(&o, &notices);

	put_all(store, m, 10);
	for (unsigned i = 0; i < 300; i++)
		set_mark(store, i);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", first), 1);

	store = open_store(&o, &notices);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(ask_mark(store, i), EAR_OK);
	ear_store_embedded.close(&store);
	/* who has no inputs keeps those of others */
	store = open_store(&o, &notices);
	put_all(store, m, 10);
	ear_store_embedded.close(&store);
	assert_int_equal(unlink(first), 0);
	assert_int_equal(files(dir, ".seg", first), 1);

	store = open_store(&o, &notices);
	assert_int_equal(ask_mark(store, 7), EAR_OK);
	set_mark(store, 300);
	put_all(store, m, 10);
	ear_store_embedded.close(&store);
	assert_int_equal(unlink(first), 0);
	store = open_store(&o, &notices);
	assert_int_equal(ask_mark(store, 7), EAR_OK);
	assert_int_equal(ask_mark(store, 300), EAR_OK);
	assert_int_equal(ask_mark(store, 8), EAR_GONE);
	assert_int_equal(notices.n, 0);

	/* too many at once are told, and no more are promised */
	for (unsigned i = 300; i < 1500; i++)
		set_mark(store, i);
	flush_all(store);
	assert_int_equal(ask_mark(store, 2000), EAR_LIMIT);
	ear_store_embedded.close(&store);
	assert_true(was_told(&notices, "store.marks"));
	free_many(m, 10);
	remove_dir(dir);
	(void)state;
}

/* --- damage ------------------------------------------------------------ */

static char *read_all(const char *path, size_t *n)
{
	struct stat st;
	char *p;
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && !fstat(fd, &st));
	*n = (size_t)st.st_size;
	p = malloc(*n);
	assert_int_equal(read(fd, p, *n), (ssize_t)*n);
	close(fd);
	return p;
}

static void write_all(const char *path, const char *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0640);

	assert_int_equal(write(fd, p, n), (ssize_t)n);
	close(fd);
}

/* Whatever is broken: all is found, or it is said that it is not. */
static void test_damage(void **state)
{
	static const char *const asked[] = {"", "call_id == call-7@example.com",
		"user == u3", "\"Word3\"", "status == 503"};
	struct made_rnd r = {17};
	size_t n = 1500, size, want[ROWS(asked)], told = 0;
	struct made *m = make_many(&r, n, 40);
	char *dir = temp_dir(), path[300], *good, *bad;
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);

	put_all(store, m, n);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", path), 1);
	good = read_all(path, &size);
	bad = malloc(size);
	o.write = false;
	store = open_store(&o, NULL);
	for (size_t i = 0; i < ROWS(asked); i++)
		want[i] = count(store, asked[i]);
	ear_store_embedded.close(&store);
	for (int round = 0; round < 300; round++) {
		size_t cut = size;

		memcpy(bad, good, size);
		if (round % 10 == 9)
			cut = rnd(&r, size);
		else if (round % 10 == 8)
			memset(bad + rnd(&r, size - 4096), 0, 4096);
		else
			bad[rnd(&r, size)] ^= (char)(1 << rnd(&r, 8));
		write_all(path, bad, cut);
		store = open_store(&o, NULL);
		for (size_t i = 0; i < ROWS(asked); i++) {
			struct got g = search(store, asked[i]);

			if (g.found.complete && g.n != want[i])
				fail_msg(
					"round %d: '%s': %zu of %zu found, and "
					"nothing said",
					round, asked[i], g.n, want[i]);
			if (!g.found.complete) {
				assert_true(g.found.why[0]);
				told++;
			}
			got_free(&g);
		}
		ear_store_embedded.close(&store);
	}
	assert_true(told > 50);
	free(good);
	free(bad);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* The same where it hurts most: in the rows that searches go by. */
static void test_damaged_rows(void **state)
{
	static const char *const damages[] = {
		"UPDATE key SET page=substr(page, 1, length(page) - 3) || "
		"x'010203'",
		"UPDATE key SET page=substr(page, 1, 1000) || "
		"x'0102030405' || substr(page, 1006)",
		"UPDATE key SET page=zeroblob(length(page))",
		"UPDATE key SET first=first+1 WHERE first>0",
		"DELETE FROM key",
		"DELETE FROM key WHERE first="
		"(SELECT min(first) FROM key WHERE first>0)",
		"DELETE FROM run",
		"UPDATE run SET id=id+1",
		"DELETE FROM block WHERE id=(SELECT max(id) FROM block)",
		"UPDATE block SET first_at=1, last_at=2",
		"UPDATE block SET seq_base=7",
		"UPDATE block SET classes=x'0000000000000000'",
		"DELETE FROM body WHERE id=(SELECT max(id) FROM body)",
		"UPDATE body SET facts=x''",
		"UPDATE body SET raw=substr(raw, 2)",
		"UPDATE body SET raw=facts",
		"UPDATE total SET first_at=1, last_at=2",
		"DELETE FROM total",
		"UPDATE total SET blocks=0",
	};
	struct made_rnd r = {17};
	size_t n = 1500, size;
	struct made *m = make_many(&r, n, 1000000);
	char *dir = temp_dir(), path[300], asked[100], *good;
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	sqlite3 *db;

	put_all(store, m, n);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", path), 1);
	good = read_all(path, &size);
	o.write = false;
	for (size_t i = 0; i < ROWS(damages); i++) {
		write_all(path, good, size);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		if (sqlite3_exec(db, damages[i], NULL, NULL, NULL) ||
			!sqlite3_changes(db))
			fail_msg("%s: %s", damages[i], sqlite3_errmsg(db));
		sqlite3_close(db);
		store = open_store(&o, NULL);
		for (size_t k = 0; k < 300; k++) {
			struct ear_query q = {
				.from_ns = NOON, .to_ns = NOON + EAR_SECOND_NS};
			struct got g = {0};

			snprintf(asked, sizeof(asked), "call_id == %.*s",
				EAR_FMT(m[k * 5].facts.call_id));
			search_q(store, k ? asked : "", q, &g);
			if (g.found.complete && g.n < (k ? 1 : n))
				fail_msg("%s: '%s': %zu found, and nothing "
					 "said",
					damages[i], k ? asked : "", g.n);
			got_free(&g);
		}
		ear_store_embedded.close(&store);
	}
	free(good);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* A damaged segment does not hide the others, and is counted and told. */
static void test_damaged_beside_good(void **state)
{
	struct made_rnd r = {23};
	struct made *m = make_many(&r, 200, 10);
	char *dir = temp_dir(), path[300];
	struct ear_store_options o = {.dir = dir, .write = true};
	struct notices notices = {0};
	struct ear_store_stats stats;
	struct ear_store *store;
	struct got g;

	for (int i = 0; i < 2; i++) {
		store = open_store(&o, NULL);
		put_all(store, m + 100 * i, 100);
		ear_store_embedded.close(&store);
	}
	assert_int_equal(files(dir, ".seg", path), 2);
	write_all(path, "no such thing", 13);
	store = open_store(&o, &notices);
	for (int i = 0; i < 2; i++) {
		g = search(store, "");
		assert_int_equal(g.n, 100);
		assert_false(g.found.complete);
		assert_non_null(strstr(g.found.why, ".seg"));
		got_free(&g);
	}
	assert_int_equal(notices.n, 1);
	store->ops->stats(store, &stats);
	assert_int_equal(stats.damaged, 1);
	assert_int_equal(stats.messages, 100);
	ear_store_embedded.close(&store);
	free_many(m, 200);
	remove_dir(dir);
	(void)state;
}

static void test_newer_format(void **state)
{
	struct made_rnd r = {23};
	struct made *m = make_many(&r, 10, 10);
	char *dir = temp_dir(), path[300];
	struct ear_store_options o = {.dir = dir, .write = true};
	struct ear_store *store = open_store(&o, NULL);
	struct got g;
	sqlite3 *db;

	put_all(store, m, 10);
	ear_store_embedded.close(&store);
	assert_int_equal(files(dir, ".seg", path), 1);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	store = open_store(&o, NULL);
	g = search(store, "");
	assert_false(g.found.complete);
	assert_non_null(strstr(g.found.why, "newer Earshot"));
	got_free(&g);
	ear_store_embedded.close(&store);
	free_many(m, 10);
	remove_dir(dir);
	(void)state;
}

/* --- room -------------------------------------------------------------- */

/* On a small disk: nothing taken is lost, and it goes on when there is room. */
static void test_disk_full(void **state)
{
	struct made_rnd r = {31};
	size_t n = 300, taken = 0;
	struct made *m = calloc(n, sizeof(*m));
	char *dir = temp_dir(), ballast[300];
	struct ear_store_options o = {
		.dir = dir, .write = true, .commit_ms = 10};
	struct notices notices = {0};
	struct ear_store_stats stats;
	struct ear_store *store;
	int fd, err = EAR_OK;

	if (mount("none", dir, "tmpfs", 0, "size=48m")) {
		print_message("no mount: skipped\n");
		remove_dir(dir);
		free(m);
		skip();
	}
	for (size_t i = 0; i < n; i++)
		m[i] = make(&r, (unsigned)i, 60000); /* hardly compresses */
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 40 << 20), 0);
	store = open_store(&o, &notices);
	for (int round = 0; !err && round < 20000; round++) {
		err = store->ops->put(
			store, &m[taken % n].msg, &m[taken % n].facts);
		taken += !err;
		if (round % 16 == 0)
			store->ops->tick(store, ear_mono_ns());
		if (taken == n)
			usleep(2000);
		if (taken > 150 && !err)
			usleep(1000);
	}
	assert_int_equal(err, EAR_FULL);
	store->ops->stats(store, &stats);
	assert_true(stats.full);
	assert_true(was_told(&notices, "store.full"));
	assert_int_equal(ftruncate(fd, 0), 0);
	for (int i = 0; i < 100 && stats.full; i++) {
		usleep(50000);
		store->ops->stats(store, &stats);
	}
	assert_false(stats.full);
	assert_int_equal(store->ops->flush(store, NULL), EAR_OK);
	assert_int_equal(count(store, ""), taken);
	assert_true(was_told(&notices, "store.writes"));
	close(fd);
	ear_store_embedded.close(&store);
	o.write = false;
	store = open_store(&o, NULL);
	assert_int_equal(count(store, ""), taken);
	ear_store_embedded.close(&store);
	assert_int_equal(umount(dir), 0);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* What shall stay free stays free: nothing is taken then. */
static void test_min_free(void **state)
{
	struct made_rnd r = {37};
	struct made *m = make_many(&r, 10, 3);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir,
		.write = true,
		.keep = {.min_free = UINT64_MAX / 2}};
	struct notices notices = {0};
	struct ear_store_stats stats;
	struct ear_store *store = open_store(&o, &notices);

	put_all(store, m, 10);
	assert_int_equal(store->ops->flush(store, NULL), EAR_FULL);
	assert_int_equal(
		store->ops->put(store, &m[0].msg, &m[0].facts), EAR_FULL);
	assert_true(was_told(&notices, "store.full"));
	store->ops->stats(store, &stats);
	assert_true(stats.full);
	assert_int_equal(stats.pending, 10);
	ear_store_embedded.close(&store);
	assert_true(was_told(&notices, "store.lost"));
	free_many(m, 10);
	remove_dir(dir);
	(void)state;
}

static void test_retention(void **state)
{
	struct made_rnd r = {37};
	size_t n = 500;
	struct made *m = make_many(&r, n, 30);
	char *dir = temp_dir();
	struct ear_store_options o = {.dir = dir,
		.write = true,
		.keep = {.max_age_ns = 10 * 24 * 3600 * EAR_SECOND_NS}};
	uint64_t day = 24 * 3600 * EAR_SECOND_NS;
	struct notices notices = {0};
	struct ear_store_stats stats;
	struct ear_store *store;

	for (uint64_t d = 0; d < 5; d++) {
		store = open_store(&o, NULL);
		for (size_t i = 0; i < 100; i++) {
			m[d * 100 + i].msg.seen_ns = NOON + d * day;
			put_all(store, &m[d * 100 + i], 1);
		}
		ear_store_embedded.close(&store);
	}
	store = open_store(&o, &notices);
	store->ops->retain(store, NOON + 9 * day);
	assert_int_equal(count(store, ""), 500);
	/* a jump of the clock makes nothing old, and is told once */
	for (unsigned i = 0; i < 3; i++)
		store->ops->retain(store, NOON + 90 * day);
	assert_int_equal(count(store, ""), 500);
	assert_int_equal(notices.n, 1);
	assert_true(was_told(&notices, "store.clock"));
	ear_store_embedded.close(&store);
	store = open_store(&o, &notices);
	/* what cannot be removed is told once */
	notices.n = 0;
	no_unlink = true;
	for (unsigned i = 0; i < 3; i++)
		store->ops->retain(store, NOON + 11 * day + 1);
	no_unlink = false;
	assert_int_equal(notices.n, 1);
	assert_true(was_told(&notices, "store.keep_failed"));
	assert_int_equal(count(store, ""), 500);
	store->ops->retain(store, NOON + 11 * day + 1);
	assert_int_equal(count(store, ""), 300);
	assert_true(was_told(&notices, "store.removed"));
	store->ops->stats(store, &stats);
	assert_int_equal(stats.segments, 3);
	assert_int_equal(stats.removed_segments, 2);
	assert_int_equal(stats.removed_messages, 200);
	/* two days and the last nanosecond until the third goes */
	assert_int_equal(stats.left_ns, day - 1);
	ear_store_embedded.close(&store);

	o.keep = (struct ear_retention){.max_bytes = stats.bytes * 2 / 3};
	store = open_store(&o, &notices);
	store->ops->retain(store, NOON + 11 * day);
	assert_int_equal(count(store, ""), 200);
	store->ops->stats(store, &stats);
	assert_true(stats.bytes <= o.keep.max_bytes);
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

/* --- several at once --------------------------------------------------- */

struct side {
	const char *dir;
	const struct made *m;
	size_t n;
	volatile bool *stop;
	size_t searches;
};

static void *write_side(void *arg)
{
	struct side *s = arg;
	struct ear_store_options o = {.dir = s->dir,
		.write = true,
		.commit_ms = 10,
		.segment_bytes = 200000};
	struct ear_store *store = open_store(&o, NULL);

	for (size_t i = 0; i < s->n; i++) {
		put_all(store, &s->m[i], 1);
		store->ops->tick(store, ear_mono_ns());
		if (i % 250 == 249)
			flush_all(store);
	}
	ear_store_embedded.close(&store);
	return NULL;
}

static void *read_side(void *arg)
{
	struct side *s = arg;
	struct ear_store_options o = {.dir = s->dir};
	struct ear_store *store = open_store(&o, NULL);
	size_t before = 0;

	while (!__atomic_load_n(s->stop, __ATOMIC_RELAXED)) {
		size_t n = count(store, s->searches % 2 ? "\"Call-ID\"" : "");

		/* what was found once stays */
		assert_true(n >= before);
		before = n;
		s->searches++;
	}
	ear_store_embedded.close(&store);
	return NULL;
}

static void test_two_writers_and_readers(void **state)
{
	struct made_rnd r = {41};
	size_t n = 4000;
	struct made *m = make_many(&r, n, 50);
	char *dir = temp_dir();
	volatile bool stop = false;
	struct side w[2], rd[2];
	pthread_t tw[2], tr[2];
	struct ear_store_options o = {.dir = dir};
	struct ear_store *store;

	for (size_t i = 0; i < 2; i++) {
		w[i] = (struct side){dir, m + i * n / 2, n / 2, &stop, 0};
		rd[i] = (struct side){dir, NULL, 0, &stop, 0};
		pthread_create(&tw[i], NULL, write_side, &w[i]);
		pthread_create(&tr[i], NULL, read_side, &rd[i]);
	}
	for (size_t i = 0; i < 2; i++)
		pthread_join(tw[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(tr[i], NULL);
		assert_true(rd[i].searches);
	}
	store = open_store(&o, NULL);
	assert_int_equal(count(store, ""), n);
	assert_int_equal(count(store, "\"Call-ID\""), n);
	assert_true(files(dir, ".seg", NULL) > 2);
	ear_store_embedded.close(&store);
	free_many(m, n);
	remove_dir(dir);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_once),
		cmocka_unit_test(test_marks_are_carried),
		cmocka_unit_test(test_marks_are_forgotten),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_damaged_rows),
		cmocka_unit_test(test_damaged_beside_good),
		cmocka_unit_test(test_newer_format),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_min_free),
		cmocka_unit_test(test_retention),
		cmocka_unit_test(test_two_writers_and_readers),
	};

	return cmocka_run_group_tests_name("store/durable", tests, NULL, NULL);
}
