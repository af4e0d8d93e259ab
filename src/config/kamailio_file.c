/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a Kamailio configuration, the memory that what was read lives in,
 * and what is wrong with it, by file, line and column.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/whole.h"
#include "config/kamailio_priv.h"

struct ear_kamailio_block {
	struct ear_kamailio_block *next;
	char bytes[];
};

char *ear_kamailio_room(struct ear_kamailio *k, size_t n)
{
	struct ear_kamailio_block *block;

	if (k->err)
		return NULL;
	if (n > 4 * EAR_KAMAILIO_BYTES - k->bytes) {
		k->err = ear_fail(k->fault, EAR_LIMIT, 0,
			"%s: more text than is taken", k->path);
		return NULL;
	}
	block = malloc(sizeof(*block) + n);
	if (!block) {
		k->err = ear_fail(k->fault, EAR_NOMEM, 0, "out of memory");
		return NULL;
	}
	k->bytes += n;
	block->next = k->memory;
	k->memory = block;
	return block->bytes;
}

struct ear_slice ear_kamailio_copy(struct ear_kamailio *k, struct ear_slice s)
{
	return (struct ear_slice){ear_kamailio_str(k, s), k->err ? 0 : s.n};
}

const char *ear_kamailio_str(struct ear_kamailio *k, struct ear_slice s)
{
	char *p = ear_kamailio_room(k, s.n + 1);

	if (!p)
		return "";
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

enum ear_err ear_kamailio_wrong(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, enum ear_err code,
	const char *format, ...)
{
	char text[200];
	va_list args;

	if (k->err)
		return k->err;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	k->err = ear_fail(k->fault, code, pos->line, "%s:%u:%u: %s", pos->file,
		pos->line, pos->column, text);
	return k->err;
}

void ear_kamailio_doubt(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, const char *text)
{
	if (k->doubts == sizeof(k->doubt) / sizeof(k->doubt[0]))
		return;
	k->doubt[k->doubts].text = ear_kamailio_copy(k, ear_slice_str(text));
	k->doubt[k->doubts++].pos = *pos;
}

/* --- files ------------------------------------------------------------- */

static enum ear_err open_file(struct ear_kamailio *k, const char *path)
{
	struct ear_buf text = {0};
	struct ear_kamailio_source *s = &k->source[k->sources];
	enum ear_err err;

	errno = 0;
	err = k->options.open
		      ? k->options.open(path, &text, k->options.arg)
		      : ear_whole_read(path, EAR_KAMAILIO_BYTES, &text, NULL);
	if (!err) {
		*s = (struct ear_kamailio_source){.file = true,
			.pos = {path, 1, 1},
			.ifs = k->ifs,
			.text = ear_kamailio_copy(k, ear_buf_view(&text))};
		err = k->err;
		k->sources += !err;
	}
	ear_buf_fini(&text);
	return err;
}

enum ear_err ear_kamailio_begin(struct ear_kamailio *k, const char *path)
{
	enum ear_err err;

	k->path = ear_kamailio_str(k, ear_slice_str(path));
	err = k->err ? k->err : open_file(k, k->path);
	if (err && !k->err) {
		if (err == EAR_LIMIT)
			k->err = ear_fail(k->fault, err, 0,
				"%s is too large for a configuration", path);
		else
			k->err = ear_fail_sys(k->fault, "%s", path);
	}
	return k->err;
}

static size_t depth(const struct ear_kamailio *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->sources; i++)
		n += k->source[i].file;
	return n;
}

/* Beside the file that includes it, then in the working directory. */
enum ear_err ear_kamailio_include(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice name, bool must)
{
	const char *slash = strrchr(pos->file, '/');
	struct ear_buf path = {.max = 4096};
	enum ear_err err = EAR_GONE;

	if (depth(k) > EAR_KAMAILIO_DEPTH || k->sources == EAR_KM_SOURCES ||
		++k->files > EAR_KAMAILIO_FILES)
		return ear_kamailio_wrong(k, pos, EAR_LIMIT,
			"more than %d files, or deeper than %d",
			EAR_KAMAILIO_FILES, EAR_KAMAILIO_DEPTH);
	if (!name.n || memchr(name.p, '\0', name.n))
		return ear_kamailio_wrong(k, pos, EAR_BAD, "no name of a file");
	if (slash && name.p[0] != '/') {
		ear_buf_add(&path, pos->file, (size_t)(slash - pos->file) + 1);
		ear_buf_slice(&path, name);
		if (!path.err)
			err = open_file(
				k, ear_kamailio_str(k, ear_buf_view(&path)));
	}
	ear_buf_fini(&path);
	if (err == EAR_GONE)
		err = open_file(k, ear_kamailio_str(k, name));
	if (err == EAR_GONE && !must)
		err = EAR_OK;
	if (!err || k->err)
		return k->err;
	return ear_kamailio_wrong(k, pos,
		err == EAR_LIMIT ? EAR_LIMIT : EAR_SYS,
		"cannot include %.*s: %s", (int)(name.n > 80 ? 80 : name.n),
		name.p,
		err == EAR_LIMIT ? "too large"
		: errno          ? strerror(errno)
				 : "there is none");
}

void ear_kamailio_free(struct ear_kamailio **k)
{
	struct ear_kamailio_block *block = *k ? (*k)->memory : NULL;

	while (block) {
		struct ear_kamailio_block *next = block->next;

		free(block);
		block = next;
	}
	free(*k);
	*k = NULL;
}
