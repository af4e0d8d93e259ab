/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Bytes a read asks for: few enough to stay in the processor's cache. */
#define CHUNK (256u << 10)

struct ear_source {
	int fd;
	bool eof;
	bool begun;    /* the first bytes were looked at */
	bool packed;   /* gzip */
	bool between;  /* gzip: after a member, before the next */
	uint64_t done; /* bytes read */
	uint64_t total;
	size_t from, to; /* view, in window */
	char *window;
	size_t cap; /* of window: two chunks, more for a long packet */
	char *in;   /* gzip: bytes not yet inflated */
	size_t in_at, in_n;
	z_stream z;
};

enum ear_err ear_source_open(
	const char *path, struct ear_source **out, struct ear_fault *fault)
{
	struct ear_source *s = calloc(1, sizeof(*s));
	struct stat st;

	*out = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->cap = 2 * CHUNK;
	s->window = malloc(s->cap);
	s->in = malloc(CHUNK);
	s->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				  : dup(STDIN_FILENO);
	if (!s->window || !s->in) {
		ear_source_close(&s);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	if (s->fd < 0 || fstat(s->fd, &st)) {
		enum ear_err err = ear_fail_sys(fault, "%s", path);

		ear_source_close(&s);
		return err;
	}
	if (S_ISDIR(st.st_mode)) {
		ear_source_close(&s);
		return ear_fail(
			fault, EAR_USAGE, 0, "%s: is a directory", path);
	}
	if (S_ISREG(st.st_mode)) {
		s->total = (uint64_t)st.st_size;
		posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	*out = s;
	return EAR_OK;
}

void ear_source_close(struct ear_source **sp)
{
	struct ear_source *s = *sp;

	if (!s)
		return;
	if (s->packed)
		inflateEnd(&s->z);
	if (s->fd >= 0)
		close(s->fd);
	free(s->window);
	free(s->in);
	free(s);
	*sp = NULL;
}

struct ear_slice ear_source_view(const struct ear_source *s)
{
	return ear_slice(s->window + s->from, s->to - s->from);
}

void ear_source_use(struct ear_source *s, size_t n)
{
	s->from += n;
}

uint64_t ear_source_done(const struct ear_source *s)
{
	return s->done;
}

uint64_t ear_source_total(const struct ear_source *s)
{
	return s->total;
}

/* One read. *got 0 is the end. */
static enum ear_err get(struct ear_source *s, char *to, size_t most,
	size_t *got, struct ear_fault *fault)
{
	ssize_t n;

	do {
		n = read(s->fd, to, most);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ear_fail_sys(fault, "reading");
	*got = (size_t)n;
	s->done += (uint64_t)n;
	s->eof = n == 0;
	return EAR_OK;
}

static enum ear_err refill(struct ear_source *s, struct ear_fault *fault)
{
	if (s->in_at < s->in_n || s->eof)
		return EAR_OK;
	s->in_at = 0;
	return get(s, s->in, CHUNK, &s->in_n, fault);
}

/*
 * What follows a member: another one, or the end. gzip itself takes zeros and
 * anything else after the last member as padding, so do we.
 */
static enum ear_err next_member(struct ear_source *s, struct ear_fault *fault)
{
	enum ear_err err = refill(s, fault);

	if (err || s->in_at == s->in_n)
		return err;
	if (s->in[s->in_at] != '\x1f') {
		s->in_at = s->in_n;
		s->eof = true;
		return EAR_OK;
	}
	s->between = false;
	inflateReset(&s->z);
	return EAR_OK;
}

static enum ear_err inflate_some(struct ear_source *s, struct ear_fault *fault)
{
	enum ear_err err =
		s->between ? next_member(s, fault) : refill(s, fault);
	int result;

	if (err)
		return err;
	if (s->in_at == s->in_n) {
		if (s->between)
			return EAR_OK;
		return ear_fail(fault, EAR_BAD, (size_t)s->done,
			"the gzip data end too early");
	}
	s->z.next_in = (Bytef *)s->in + s->in_at;
	s->z.avail_in = (uInt)(s->in_n - s->in_at);
	s->z.next_out = (Bytef *)s->window + s->to;
	s->z.avail_out = (uInt)(s->cap - s->to);
	result = inflate(&s->z, Z_NO_FLUSH);
	s->in_at = s->in_n - s->z.avail_in;
	s->to = s->cap - s->z.avail_out;
	if (result == Z_STREAM_END)
		s->between = true;
	else if (result == Z_MEM_ERROR)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else if (result != Z_OK && result != Z_BUF_ERROR)
		return ear_fail(fault, EAR_BAD,
			(size_t)(s->done - s->z.avail_in),
			"damaged gzip data (%s)",
			s->z.msg ? s->z.msg : "no more known");
	return EAR_OK;
}

/* The first read decides between plain and gzip (RFC 1952 s2.3.1). */
static enum ear_err begin(struct ear_source *s, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	size_t got = 1;

	while (!err && got && s->to < 2) {
		err = get(s, s->window + s->to, CHUNK - s->to, &got, fault);
		s->to += err ? 0 : got;
	}
	s->begun = true;
	if (err || s->to < 2 || memcmp(s->window, "\x1f\x8b", 2) != 0)
		return err;
	if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->packed = true;
	s->in_n = s->to;
	memcpy(s->in, s->window, s->in_n);
	s->to = 0;
	return EAR_OK;
}

static bool at_end(const struct ear_source *s)
{
	return s->eof && (!s->packed || (s->between && s->in_at == s->in_n));
}

/* Room for need bytes in view, and a chunk read when one is missing. */
static enum ear_err make_room(
	struct ear_source *s, size_t need, struct ear_fault *fault)
{
	size_t least = need + CHUNK;
	char *window;

	memmove(s->window, s->window + s->from, s->to - s->from);
	s->to -= s->from;
	s->from = 0;
	if (least <= s->cap)
		return EAR_OK;
	window = realloc(s->window, least);
	if (!window)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->window = window;
	s->cap = least;
	return EAR_OK;
}

enum ear_err ear_source_fill(
	struct ear_source *s, size_t need, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	size_t got = 0;

	if (!s->begun)
		err = begin(s, fault);
	if (!err)
		err = make_room(s, need, fault);
	while (!err && s->to - s->from < need) {
		if (at_end(s))
			return EAR_GONE;
		if (s->packed) {
			err = inflate_some(s, fault);
			continue;
		}
		err = get(s, s->window + s->to, CHUNK, &got, fault);
		s->to += err ? 0 : got;
	}
	return err;
}
