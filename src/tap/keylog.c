/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

#define POLL_NS (20 * EAR_MS_NS)
/* Read in one poll: more waits for the next, so that packets do not. */
#define POLL_BYTES (4u << 20)

struct ear_keylog {
	char *path; /* NULL: none */
	int fd;     /* -1: not open */
	dev_t dev;
	ino_t inode;
	uint64_t at; /* bytes of it read */
	uint64_t next_ns;
	struct ear_tls_keys *keys; /* owned */
	struct ear_keylog_stats stats;
};

enum ear_err ear_keylog_new(const char *path, struct ear_keylog **log)
{
	struct ear_keylog *l = calloc(1, sizeof(*l));

	*log = NULL;
	if (!l)
		return EAR_NOMEM;
	l->fd = -1;
	if (path)
		l->path = strdup(path);
	if ((path && !l->path) || ear_tls_keys_new(0, &l->keys)) {
		ear_keylog_free(&l);
		return EAR_NOMEM;
	}
	*log = l;
	return EAR_OK;
}

static void close_file(struct ear_keylog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->at = 0;
	/* Its last line will not go on with the next file's first. */
	ear_tls_keys_end(l->keys);
}

void ear_keylog_free(struct ear_keylog **log)
{
	struct ear_keylog *l = *log;

	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	ear_tls_keys_free(&l->keys);
	free(l->path);
	free(l);
	*log = NULL;
}

static enum ear_err sys(struct ear_keylog *l)
{
	l->stats.sys_errno = errno;
	return EAR_SYS;
}

static enum ear_err open_file(struct ear_keylog *l)
{
	struct stat st;

	/* A pipe without a writer must not stop us. */
	l->fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (l->fd < 0)
		return sys(l);
	if (fstat(l->fd, &st)) {
		enum ear_err err = sys(l);

		close_file(l);
		return err;
	}
	l->dev = st.st_dev;
	l->inode = st.st_ino;
	return EAR_OK;
}

static enum ear_err read_more(struct ear_keylog *l, size_t most)
{
	char text[8192];
	enum ear_err err = EAR_OK;

	while (!err && most) {
		ssize_t n = read(l->fd, text, sizeof(text));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			err = sys(l);
		if (n <= 0)
			break;
		l->at += (uint64_t)n;
		l->stats.bytes += (uint64_t)n;
		most -= (size_t)n < most ? (size_t)n : most;
		err = ear_tls_keys_feed(l->keys, ear_slice(text, (size_t)n));
	}
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

/* Whether the name means another file now, or this one was cut short. */
static bool is_stale(const struct ear_keylog *l)
{
	struct stat st;

	if (!fstat(l->fd, &st) && S_ISREG(st.st_mode) &&
		(uint64_t)st.st_size < l->at)
		return true;
	return !stat(l->path, &st) &&
	       (st.st_dev != l->dev || st.st_ino != l->inode);
}

enum ear_err ear_keylog_poll(struct ear_keylog *l, uint64_t now_ns)
{
	enum ear_err err = EAR_OK;

	if (!l->path || now_ns < l->next_ns)
		return EAR_OK;
	l->next_ns = now_ns + POLL_NS;
	l->stats.sys_errno = 0;
	if (l->fd >= 0 && is_stale(l)) {
		/* What was still written under the old name counts, too. */
		(void)read_more(l, POLL_BYTES);
		close_file(l);
		l->stats.again++;
	}
	if (l->fd < 0)
		err = open_file(l);
	return err ? err : read_more(l, POLL_BYTES);
}

enum ear_err ear_keylog_read(struct ear_keylog *l, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (!l->path)
		return EAR_OK;
	if (l->fd < 0)
		err = open_file(l);
	if (!err)
		err = read_more(l, SIZE_MAX);
	ear_tls_keys_end(l->keys);
	errno = l->stats.sys_errno;
	if (err == EAR_SYS)
		return ear_fail_sys(
			fault, "key log %.200s cannot be read", l->path);
	return err ? ear_fail(fault, err, 0, "key log %.200s: out of memory",
			     l->path)
		   : EAR_OK;
}

void ear_keylog_text(struct ear_keylog *l, struct ear_slice text)
{
	if (text.n)
		(void)ear_tls_keys_feed(l->keys, text);
	else
		ear_tls_keys_end(l->keys);
}

bool ear_keylog_expects(const struct ear_keylog *l)
{
	return l->path != NULL;
}

const struct ear_tls_keys *ear_keylog_keys(const struct ear_keylog *l)
{
	return l->keys;
}

void ear_keylog_stats(
	const struct ear_keylog *l, struct ear_keylog_stats *stats)
{
	*stats = l->stats;
	stats->keys = ear_tls_keys_count(l->keys);
}
