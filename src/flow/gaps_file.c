/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DATA/gaps.jsonl. A loss that lasts gets a line for each look at it; readers
 * join them. Only the server appends, and readers take no lock: a line that
 * is not whole yet is one that its writer has not finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time.h"
#include "flow/gaps_priv.h"

/* Losses that follow one another within this are one gap. */
#define JOIN_NS (10 * EAR_SECOND_NS)

/* How far back in a list one is looked for that goes on. */
#define JOIN_BACK 128

/* Beyond this the file is not ours any more. */
#define READ_MAX ((size_t)8 << 20)

/* Room set aside: some hundred lines for a time when the disk is full. */
#define RESERVE (64 << 10)

void ear_gap_list_fini(struct ear_gap_list *list)
{
	free(list->v);
	*list = (struct ear_gap_list){0};
}

static bool is(const struct ear_gap *gap, const char *reason)
{
	return !strcmp(gap->reason, reason);
}

static bool goes_on(const struct ear_gap *a, const struct ear_gap *b)
{
	if (strcmp(a->reason, b->reason) != 0 || strcmp(a->tap, b->tap) != 0)
		return false;
	return is(a, EAR_GAP_RETENTION) ||
	       (b->from_ns >= a->from_ns && b->from_ns <= a->to_ns + JOIN_NS);
}

enum ear_err ear_gap_list_add(
	struct ear_gap_list *list, const struct ear_gap *gap)
{
	size_t least = list->n > JOIN_BACK ? list->n - JOIN_BACK : 0;

	for (size_t i = list->n; i > least; i--) {
		struct ear_gap *last = &list->v[i - 1];

		if (!goes_on(last, gap))
			continue;
		last->count += gap->count;
		if (gap->to_ns > last->to_ns)
			last->to_ns = gap->to_ns;
		return EAR_OK;
	}
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		struct ear_gap *v = realloc(list->v, cap * sizeof(*v));

		if (!v)
			return EAR_NOMEM;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = *gap;
	return EAR_OK;
}

static bool read_text(
	const json_t *object, const char *key, size_t room, char *out)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text || strlen(text) >= room)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool read_time(const json_t *object, const char *key, uint64_t *at_ns)
{
	const json_t *value = json_object_get(object, key);

	*at_ns = 0;
	if (json_is_null(value))
		return true;
	return json_is_string(value) &&
	       ear_time_parse(ear_slice_str(json_string_value(value)), 0, at_ns,
		       NULL) == EAR_OK;
}

static bool read_line(struct ear_slice line, struct ear_gap *gap)
{
	json_t *object = json_loadb(line.p, line.n, 0, NULL);
	const json_t *count = json_object_get(object, "count");
	bool good =
		json_is_integer(count) && json_integer_value(count) >= 0 &&
		read_time(object, "from", &gap->from_ns) &&
		read_time(object, "to", &gap->to_ns) &&
		gap->from_ns <= gap->to_ns &&
		read_text(object, "tap", sizeof(gap->tap), gap->tap) &&
		read_text(object, "reason", sizeof(gap->reason), gap->reason) &&
		gap->reason[0];

	if (good)
		gap->count = (uint64_t)json_integer_value(count);
	json_decref(object);
	return good;
}

/*
 * Lines are in the order of time, so that what a damaged one said lies between
 * its neighbours.
 */
static enum ear_err read_lines(
	struct ear_slice text, uint64_t end_ns, struct ear_gap_list *list)
{
	struct ear_gap damaged = {.reason = EAR_GAP_DAMAGED};
	enum ear_err err = EAR_OK;
	bool bad = false;

	while (text.n && !err) {
		size_t end = ear_slice_find(text, EAR_S("\n"));
		struct ear_slice line = ear_slice_sub(text, 0, end);
		struct ear_gap gap;

		text = ear_slice_sub(text, end + 1, text.n);
		if (!line.n)
			continue;
		if (!read_line(line, &gap)) {
			bad = true;
			continue;
		}
		if (bad) {
			damaged.to_ns = gap.to_ns;
			err = ear_gap_list_add(list, &damaged);
			bad = false;
		}
		damaged.from_ns = gap.to_ns;
		if (!err)
			err = ear_gap_list_add(list, &gap);
	}
	if (bad && !err) {
		damaged.to_ns =
			end_ns > damaged.from_ns ? end_ns : damaged.from_ns;
		err = ear_gap_list_add(list, &damaged);
	}
	return err;
}

static enum ear_err read_all(int fd, struct ear_buf *text)
{
	ssize_t n;

	text->max = READ_MAX;
	do {
		char *to = ear_buf_reserve(text, 65536);

		if (!to)
			return text->err;
		n = read(fd, to, 65536);
		if (n > 0)
			text->n += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? EAR_SYS : EAR_OK;
}

enum ear_err ear_gaps_read(
	const char *path, struct ear_gap_list *list, struct ear_fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ear_buf text = {0};
	struct stat st;
	enum ear_err err;

	if (fd < 0)
		return errno == ENOENT ? EAR_OK
				       : ear_fail_sys(fault, "%s", path);
	err = fstat(fd, &st) ? EAR_SYS : read_all(fd, &text);
	if (err == EAR_SYS)
		err = ear_fail_sys(fault, "%s", path);
	else if (err)
		err = ear_fail(fault, err, 0, "%s is too large", path);
	else
		err = read_lines(ear_buf_view(&text),
			(uint64_t)st.st_mtim.tv_sec * EAR_SECOND_NS +
				(uint64_t)st.st_mtim.tv_nsec,
			list);
	close(fd);
	ear_buf_fini(&text);
	return err;
}

static void write_line(const struct ear_gap *gap, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_json_ktime(&j, "from", gap->from_ns);
	ear_json_ktime(&j, "to", gap->to_ns);
	ear_json_kstr(&j, "tap", ear_slice_str(gap->tap));
	ear_json_kstr(&j, "reason", ear_slice_str(gap->reason));
	ear_json_ku64(&j, "count", gap->count);
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static void reserve(int fd, off_t size)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, size, RESERVE))
		return; /* it was a precaution */
}

void ear_gaps_reserve(const char *path)
{
	int fd = open_file(path);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st))
		reserve(fd, st.st_size);
	close(fd);
}

/* All or nothing: half a line would spoil the next. */
static bool write_whole(int fd, off_t size, const struct ear_buf *text)
{
	ssize_t n = write(fd, text->p, text->n);

	if (n == (ssize_t)text->n)
		return true;
	if (n > 0 && !ftruncate(fd, size))
		errno = ENOSPC;
	return false;
}

enum ear_err ear_gaps_append(const char *path, const struct ear_gap_list *list,
	struct ear_fault *fault)
{
	struct ear_buf text = {0};
	int fd = open_file(path);
	enum ear_err err = EAR_OK;
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) ||
		(st.st_size && pread(fd, &last, 1, st.st_size - 1) != 1)) {
		err = ear_fail_sys(fault, "%s", path);
		goto out;
	}
	if (last != '\n') /* a line that was cut stays by itself */
		ear_buf_byte(&text, '\n');
	for (size_t i = 0; i < list->n; i++)
		write_line(&list->v[i], &text);
	if (text.err)
		err = ear_fail(fault, text.err, 0, "out of memory");
	else if (!write_whole(fd, st.st_size, &text))
		err = ear_fail_sys(fault, "%s", path);
	else
		reserve(fd, st.st_size + (off_t)text.n);
out:
	if (fd >= 0)
		close(fd);
	ear_buf_fini(&text);
	return err;
}

/* The gaps before `keep` in one, but for the horizon of retention. */
static void join_older(
	const struct ear_gap_list *list, size_t keep, struct ear_buf *out)
{
	struct ear_gap joined = {.reason = EAR_GAP_SEVERAL};
	bool some = false;

	for (size_t i = 0; i < keep; i++) {
		const struct ear_gap *gap = &list->v[i];

		if (is(gap, EAR_GAP_RETENTION)) {
			write_line(gap, out);
			continue;
		}
		if (!some || gap->from_ns < joined.from_ns)
			joined.from_ns = gap->from_ns;
		if (gap->to_ns > joined.to_ns)
			joined.to_ns = gap->to_ns;
		if (!is(gap, EAR_GAP_JOURNAL)) /* that counts bytes */
			joined.count += gap->count;
		some = true;
	}
	if (some)
		write_line(&joined, out);
}

static void newest_half(const struct ear_gap_list *list, uint64_t max_bytes,
	struct ear_buf *out)
{
	size_t keep = list->n;
	struct ear_buf line = {0};

	for (uint64_t bytes = 0; keep > 0; keep--) {
		ear_buf_reset(&line);
		write_line(&list->v[keep - 1], &line);
		bytes += line.n;
		if (bytes > max_bytes / 2)
			break;
	}
	ear_buf_fini(&line);
	join_older(list, keep, out);
	for (size_t i = keep; i < list->n; i++)
		write_line(&list->v[i], out);
}

static enum ear_err replace(
	const char *path, const struct ear_buf *text, struct ear_fault *fault)
{
	char part[2300];
	bool good;
	int fd;

	snprintf(part, sizeof(part), "%s.new", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return ear_fail_sys(fault, "%s", part);
	good = write(fd, text->p, text->n) == (ssize_t)text->n && !fsync(fd);
	if (close(fd) || !good || rename(part, path)) {
		enum ear_err err = ear_fail_sys(fault, "%s", part);

		unlink(part);
		return err;
	}
	ear_gaps_reserve(path);
	return EAR_OK;
}

enum ear_err ear_gaps_compact(
	const char *path, uint64_t max_bytes, struct ear_fault *fault)
{
	struct ear_gap_list list = {0};
	struct ear_buf text = {0};
	struct stat st;
	enum ear_err err;

	if (stat(path, &st) || (uint64_t)st.st_size <= max_bytes)
		return EAR_OK;
	err = ear_gaps_read(path, &list, fault);
	if (!err) {
		newest_half(&list, max_bytes, &text);
		err = text.err ? ear_fail(fault, text.err, 0, "out of memory")
			       : replace(path, &text, fault);
	}
	ear_gap_list_fini(&list);
	ear_buf_fini(&text);
	return err;
}
