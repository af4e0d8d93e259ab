/* SPDX-License-Identifier: Apache-2.0 */
#include "console/session.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES 32

struct session {
	bool used;
	uint8_t key[KEY_BYTES]; /* hash of the token */
	struct ear_session_info info;
	uint64_t began;
	uint64_t seen;
};

struct ear_sessions {
	pthread_mutex_t lock;
	uint64_t idle_ns;
	uint64_t max_ns;
	struct session at[EAR_SESSIONS_MAX];
};

enum ear_err ear_sessions_new(
	uint64_t idle_ns, uint64_t max_ns, struct ear_sessions **sessions)
{
	struct ear_sessions *s = calloc(1, sizeof(*s));

	*sessions = s;
	if (!s)
		return EAR_NOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->idle_ns = idle_ns;
	s->max_ns = max_ns;
	return EAR_OK;
}

void ear_sessions_free(struct ear_sessions **sessions)
{
	if (!*sessions)
		return;
	pthread_mutex_destroy(&(*sessions)->lock);
	sodium_memzero(*sessions, sizeof(**sessions));
	free(*sessions);
	*sessions = NULL;
}

static void key_of(struct ear_slice token, uint8_t key[KEY_BYTES])
{
	crypto_generichash(
		key, KEY_BYTES, (const uint8_t *)token.p, token.n, NULL, 0);
}

static bool over(
	const struct ear_sessions *s, const struct session *e, uint64_t now)
{
	return now - e->seen >= s->idle_ns || now - e->began >= s->max_ns;
}

/* With the lock held. */
static struct session *find(struct ear_sessions *s, struct ear_slice token)
{
	uint8_t key[KEY_BYTES];

	if (token.n != EAR_TOKEN_TEXT - 1)
		return NULL;
	key_of(token, key);
	for (size_t i = 0; i < EAR_SESSIONS_MAX; i++)
		if (s->at[i].used &&
			sodium_memcmp(s->at[i].key, key, KEY_BYTES) == 0)
			return &s->at[i];
	return NULL;
}

static bool is_of(const struct session *e, struct ear_slice name)
{
	return e->used && ear_slice_eq(ear_slice_str(e->info.name), name);
}

/* A free place, else that of the longest unused session of the user when the
 * user has many, else of the longest unused one. */
static struct session *place(struct ear_sessions *s, struct ear_slice name)
{
	struct session *oldest = NULL, *own = NULL, *empty = NULL;
	size_t owned = 0;

	for (size_t i = 0; i < EAR_SESSIONS_MAX; i++) {
		struct session *e = &s->at[i];

		if (!e->used) {
			empty = e;
			continue;
		}
		if (!oldest || e->seen < oldest->seen)
			oldest = e;
		if (is_of(e, name)) {
			owned++;
			if (!own || e->seen < own->seen)
				own = e;
		}
	}
	if (owned >= EAR_SESSIONS_PER_USER)
		return own;
	return empty ? empty : oldest;
}

void ear_sessions_begin(struct ear_sessions *s,
	const struct ear_session_info *info, uint64_t now,
	char token[EAR_TOKEN_TEXT])
{
	uint8_t random[KEY_BYTES];
	struct session *e;

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(token, EAR_TOKEN_TEXT, random, sizeof(random));
	sodium_memzero(random, sizeof(random));
	pthread_mutex_lock(&s->lock);
	e = place(s, ear_slice_str(info->name));
	*e = (struct session){
		.used = true, .info = *info, .began = now, .seen = now};
	key_of(ear_slice_str(token), e->key);
	pthread_mutex_unlock(&s->lock);
}

static bool see(struct ear_sessions *s, struct ear_slice token, uint64_t now,
	bool use, struct ear_session_info *info)
{
	struct session *e;
	bool good;

	pthread_mutex_lock(&s->lock);
	e = find(s, token);
	good = e && !over(s, e, now);
	if (good) {
		if (use)
			e->seen = now;
		*info = e->info;
	}
	pthread_mutex_unlock(&s->lock);
	return good;
}

bool ear_sessions_use(struct ear_sessions *s, struct ear_slice token,
	uint64_t now, struct ear_session_info *info)
{
	return see(s, token, now, true, info);
}

bool ear_sessions_see(struct ear_sessions *s, struct ear_slice token,
	uint64_t now, struct ear_session_info *info)
{
	return see(s, token, now, false, info);
}

void ear_sessions_end(struct ear_sessions *s, struct ear_slice token)
{
	struct session *e;

	pthread_mutex_lock(&s->lock);
	e = find(s, token);
	if (e)
		sodium_memzero(e, sizeof(*e));
	pthread_mutex_unlock(&s->lock);
}

void ear_sessions_end_others(
	struct ear_sessions *s, struct ear_slice name, struct ear_slice token)
{
	struct session *keep;

	pthread_mutex_lock(&s->lock);
	keep = find(s, token);
	for (size_t i = 0; i < EAR_SESSIONS_MAX; i++)
		if (&s->at[i] != keep && is_of(&s->at[i], name))
			sodium_memzero(&s->at[i], sizeof(s->at[i]));
	pthread_mutex_unlock(&s->lock);
}

void ear_sessions_renew(
	struct ear_sessions *s, struct ear_slice token, uint64_t epoch)
{
	struct session *e;

	pthread_mutex_lock(&s->lock);
	e = find(s, token);
	if (e)
		e->info.epoch = epoch;
	pthread_mutex_unlock(&s->lock);
}

bool ear_sessions_expired(
	struct ear_sessions *s, uint64_t now, struct ear_session_info *info)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < EAR_SESSIONS_MAX && !found; i++) {
		struct session *e = &s->at[i];

		if (!e->used || !over(s, e, now))
			continue;
		found = true;
		*info = e->info;
		sodium_memzero(e, sizeof(*e));
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}
