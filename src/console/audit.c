/* SPDX-License-Identifier: Apache-2.0 */
#include "console/audit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/utf8.h"
#include "console/users_priv.h"

#define QUEUE 4096
#define WAIT_MS 200
/* Looks that are remembered so as not to be noted again. */
#define LOOKS 1024
#define LOOK_AGAIN_NS (60 * EAR_SECOND_NS)
/* Who never stops looking is noted so often. */
#define LOOK_ON_NS (3600 * EAR_SECOND_NS)
#define TEXTS 5

struct note {
	struct note *next;
	uint64_t at_ns;
	uint32_t n[TEXTS]; /* actor action object detail address */
	char text[];
};

struct ear_audit {
	struct ear_users *users; /* the thread's */
	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the thread: there is work, or the end */
	pthread_cond_t done; /* of who flushes */
	struct note *first;
	struct note **last;
	size_t waiting; /* those being written too */
	uint64_t written, lost;
	uint64_t told; /* of lost, those that an entry speaks of */
	struct {
		uint64_t key, until, noted;
	} looks[LOOKS];
	bool ending;
	bool running;
	pthread_t thread;
};

/* --- the thread --------------------------------------------------------- */

static bool insert(struct ear_audit *a, const struct note *note)
{
	sqlite3_stmt *st = ear_users_prepare(a->users,
		"INSERT INTO audit_event"
		"(at_ns,actor,action,object,detail,address)"
		" VALUES(?,?,?,?,?,?)");
	const char *p = note->text;
	int rc;

	if (!st)
		return false;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)note->at_ns);
	for (int i = 0; i < TEXTS; p += note->n[i++])
		ear_users_bind(st, i + 2, ear_slice(p, note->n[i]));
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE;
}

static bool trim(struct ear_audit *a, uint64_t now_ns)
{
	sqlite3_stmt *st = ear_users_prepare(a->users,
		"DELETE FROM audit_event WHERE id<=?"
		" OR (at_ns<? AND id<=(SELECT min(id)+1000 FROM audit_event))");
	int rc;

	if (!st)
		return false;
	sqlite3_bind_int64(st, 1,
		sqlite3_last_insert_rowid(a->users->db) - EAR_AUDIT_ROWS);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)(now_ns - EAR_AUDIT_AGE_NS));
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE;
}

static bool write_all(struct ear_audit *a, const struct note *first)
{
	bool ok = !ear_users_exec(a->users, "BEGIN IMMEDIATE");
	uint64_t last = 0;

	if (!ok)
		return false;
	for (; first && ok; first = first->next) {
		ok = insert(a, first);
		last = first->at_ns;
	}
	ok = ok && trim(a, last);
	return !ear_users_exec(a->users, ok ? "COMMIT" : "ROLLBACK") && ok;
}

static void wait_a_little(struct ear_audit *a)
{
	uint64_t until_ns = ear_mono_ns() + WAIT_MS * EAR_MS_NS;

	while (!a->ending && ear_cond_wait(&a->wake, &a->lock, until_ns))
		;
}

/* With the lock held; lets go of it meanwhile. */
static void write_round(struct ear_audit *a)
{
	struct note *first = a->first, *next;
	size_t n = a->waiting;
	bool ok;

	a->first = NULL;
	a->last = &a->first;
	pthread_mutex_unlock(&a->lock);
	ok = write_all(a, first);
	if (!ok)
		ear_log(EAR_ERROR, "console.audit_lost", "entries", EAR_LU(n),
			"error", EAR_LS(sqlite3_errmsg(a->users->db)), NULL);
	for (; first; first = next) {
		next = first->next;
		free(first);
	}
	pthread_mutex_lock(&a->lock);
	a->waiting -= n;
	if (ok)
		a->written += n;
	else
		a->lost += n;
	pthread_cond_broadcast(&a->done);
}

static void put(struct ear_audit *a, const struct ear_audit_entry *entry);

/* An entry that says how many there are not. */
static void tell_lost(struct ear_audit *a)
{
	uint64_t lost = a->lost - a->told;
	char text[48];

	if (lost == 0)
		return;
	snprintf(text, sizeof(text), "%llu entries found no room",
		(unsigned long long)lost);
	a->told = a->lost;
	put(a, &(struct ear_audit_entry){.at_ns = ear_now_ns(),
		       .actor = EAR_S("earshot"),
		       .action = EAR_S("audit.lost"),
		       .detail = ear_slice_str(text)});
}

static void *work(void *arg)
{
	struct ear_audit *a = arg;

	ear_thread_self("audit", EAR_WEIGHT_WORK);
	pthread_mutex_lock(&a->lock);
	while (a->first || !a->ending) {
		if (!a->first) {
			pthread_cond_wait(&a->wake, &a->lock);
			continue;
		}
		/* for more to come along */
		wait_a_little(a);
		write_round(a);
		tell_lost(a);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* --- any thread --------------------------------------------------------- */

/* Whether this look was noted a moment ago. */
static bool seen(struct ear_audit *a, const struct ear_audit_entry *e)
{
	const struct ear_slice texts[] = {
		e->actor, e->action, e->object, e->detail};
	uint64_t key = 1;
	size_t at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		key = ear_hash_seed(texts[i], key);
	at = key % LOOKS;
	if (a->looks[at].key == key && e->at_ns < a->looks[at].until &&
		a->looks[at].until - e->at_ns <= LOOK_AGAIN_NS &&
		e->at_ns - a->looks[at].noted < LOOK_ON_NS) {
		/* page by page, or second by second: one look */
		a->looks[at].until = e->at_ns + LOOK_AGAIN_NS;
		return true;
	}
	a->looks[at].key = key;
	a->looks[at].noted = e->at_ns;
	a->looks[at].until = e->at_ns + LOOK_AGAIN_NS;
	return false;
}

/* With the lock held. */
static void put(struct ear_audit *a, const struct ear_audit_entry *e)
{
	const struct ear_slice texts[TEXTS] = {
		ear_slice_sub(e->actor, 0, EAR_AUDIT_ACTOR),
		ear_slice_sub(e->action, 0, EAR_AUDIT_ACTOR),
		ear_slice_sub(e->object, 0, EAR_AUDIT_OBJECT),
		ear_slice_sub(e->detail, 0, EAR_AUDIT_DETAIL),
		ear_slice_sub(e->address, 0, EAR_AUDIT_ACTOR)};
	struct note *note = NULL;
	size_t n = 0;

	for (size_t i = 0; i < TEXTS; i++)
		n += texts[i].n;
	if (a->waiting < QUEUE)
		note = malloc(sizeof(*note) + n);
	if (!note) {
		a->lost++;
		return;
	}
	note->next = NULL;
	note->at_ns = e->at_ns;
	n = 0;
	for (size_t i = 0; i < TEXTS; i++) {
		note->n[i] = (uint32_t)texts[i].n;
		n += ear_utf8_clean(texts[i], note->text + n);
	}
	*a->last = note;
	a->last = &note->next;
	a->waiting++;
	pthread_cond_signal(&a->wake);
}

void ear_audit_add(struct ear_audit *a, const struct ear_audit_entry *e)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	if (!e->look || !seen(a, e))
		put(a, e);
	pthread_mutex_unlock(&a->lock);
}

void ear_audit_flush(struct ear_audit *a)
{
	uint64_t until;

	pthread_mutex_lock(&a->lock);
	until = a->written + a->lost + a->waiting;
	while (a->written + a->lost < until)
		pthread_cond_wait(&a->done, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

void ear_audit_stats(struct ear_audit *a, struct ear_audit_stats *stats)
{
	pthread_mutex_lock(&a->lock);
	*stats = (struct ear_audit_stats){a->written, a->waiting, a->lost};
	pthread_mutex_unlock(&a->lock);
}

void ear_audit_json(struct ear_audit *a, struct ear_json *j)
{
	struct ear_audit_stats stats;

	ear_audit_stats(a, &stats);
	ear_json_key(j, "audit");
	ear_json_open(j, '{');
	ear_json_ku64(j, "written", stats.written);
	ear_json_ku64(j, "waiting", stats.waiting);
	ear_json_ku64(j, "lost", stats.lost);
	ear_json_close(j, '}');
}

enum ear_err ear_audit_open(
	const char *dir, struct ear_audit **audit, struct ear_fault *fault)
{
	struct ear_audit *a = calloc(1, sizeof(*a));
	enum ear_err err;

	*audit = NULL;
	if (!a)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	a->last = &a->first;
	pthread_mutex_init(&a->lock, NULL);
	ear_cond_init(&a->wake);
	ear_cond_init(&a->done);
	err = ear_users_open(dir, &a->users, fault);
	if (!err && pthread_create(&a->thread, NULL, work, a))
		err = ear_fail(fault, EAR_SYS, 0, "no more threads");
	a->running = !err;
	if (err)
		ear_audit_close(&a);
	*audit = a;
	return err;
}

void ear_audit_close(struct ear_audit **audit)
{
	struct ear_audit *a = *audit;

	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->ending = true;
	pthread_cond_broadcast(&a->wake);
	pthread_mutex_unlock(&a->lock);
	if (a->running)
		pthread_join(a->thread, NULL);
	ear_users_close(&a->users);
	pthread_cond_destroy(&a->wake);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*audit = NULL;
}
