/* SPDX-License-Identifier: Apache-2.0 */
#include "app/term.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "app/options.h"

/* COLUMNS is what somebody chose, as for ls (POSIX.1 XBD s8.3). */
static unsigned columns(void)
{
	const char *said = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (said && ear_slice_u64(ear_slice_str(said), 10000, &n) && n >= 20)
		return (unsigned)n;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

struct ear_term ear_term_stdout(void)
{
	const char *none = getenv("NO_COLOR");
	struct ear_term t = {.tty = isatty(STDOUT_FILENO)};

	t.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t.colour = t.tty && !(none && none[0]);
	t.width = columns();
	return t;
}

/* Marks that turn the direction of what follows: a name could seem another. */
static bool turns(wchar_t c)
{
	return (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x61c;
}

static struct ear_glyph escaped(unsigned char c)
{
	struct ear_glyph g = {.bytes = 1, .width = 4};

	snprintf(g.text, sizeof(g.text), "\\x%02x", c);
	return g;
}

struct ear_glyph ear_term_glyph(const struct ear_term *t, struct ear_slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	struct ear_glyph g = {.bytes = 1, .width = 1};
	mbstate_t state = {0};
	size_t n;
	wchar_t wide;
	int width;

	if (c >= 0x20 && c < 0x7f) {
		g.text[0] = (char)c;
		return g;
	}
	if (c < 0x80 || !t->utf8)
		return escaped(c);
	n = mbrtowc(&wide, s.p, s.n, &state);
	if (n == (size_t)-1 || n == (size_t)-2 || n < 2 || n > 4)
		return escaped(c);
	width = wcwidth(wide);
	/* a combining mark has no width; alone it would change its neighbour */
	if (width < 1 || turns(wide))
		return escaped(c);
	g.bytes = n;
	g.width = (unsigned)width;
	memcpy(g.text, s.p, n);
	return g;
}

void ear_term_text(
	const struct ear_term *t, struct ear_buf *out, struct ear_slice s)
{
	while (s.n) {
		struct ear_glyph g = ear_term_glyph(t, s);

		ear_buf_str(out, g.text);
		s = ear_slice_sub(s, g.bytes, s.n);
	}
}

void ear_term_print(const char *text)
{
	const struct ear_term t = ear_term_stdout();
	struct ear_buf out = {0};

	ear_term_text(&t, &out, ear_slice_str(text));
	printf("%.*s", EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
}

unsigned ear_term_width(
	const struct ear_term *t, struct ear_slice s, unsigned most)
{
	unsigned width = 0;

	while (s.n && width <= most) {
		struct ear_glyph g = ear_term_glyph(t, s);

		width += g.width;
		s = ear_slice_sub(s, g.bytes, s.n);
	}
	return width;
}

void ear_term_cell(const struct ear_term *t, struct ear_buf *out,
	struct ear_slice s, unsigned width)
{
	bool cut = ear_term_width(t, s, width) > width;
	unsigned left = width;

	if (!width)
		return;
	left -= cut;
	while (s.n) {
		struct ear_glyph g = ear_term_glyph(t, s);

		if (g.width > left)
			break;
		left -= g.width;
		ear_buf_str(out, g.text);
		s = ear_slice_sub(s, g.bytes, s.n);
	}
	if (cut)
		ear_buf_str(out, t->utf8 ? "…" : "~");
	while (left--)
		ear_buf_byte(out, ' ');
}

void ear_term_colour(const struct ear_term *t, struct ear_buf *out,
	enum ear_ladder_class class)
{
	static const char *const codes[] = {
		[EAR_LADDER_REQUEST] = "\033[1m",
		[EAR_LADDER_1XX] = "\033[36m",
		[EAR_LADDER_2XX] = "\033[32m",
		[EAR_LADDER_3XX] = "\033[34m",
		[EAR_LADDER_4XX] = "\033[33m",
		[EAR_LADDER_5XX] = "\033[31m",
		[EAR_LADDER_6XX] = "\033[35m",
		[EAR_LADDER_OTHER] = "\033[2m",
	};

	if (t->colour)
		ear_buf_str(out, codes[class]);
}

void ear_term_bold(const struct ear_term *t, struct ear_buf *out)
{
	if (t->colour)
		ear_buf_str(out, "\033[1m");
}

void ear_term_dim(const struct ear_term *t, struct ear_buf *out)
{
	if (t->colour)
		ear_buf_str(out, "\033[2m");
}

void ear_term_plain(const struct ear_term *t, struct ear_buf *out)
{
	if (t->colour)
		ear_buf_str(out, "\033[0m");
}

/* Of the first write that failed; the stream itself forgets it. */
static int write_errno;

bool ear_term_write(struct ear_buf *out)
{
	/* what is empty may be nowhere */
	bool ok = !out->err &&
		  (!out->n || fwrite(out->p, 1, out->n, stdout) == out->n) &&
		  !ferror(stdout);

	if (!ok && !out->err && !write_errno)
		write_errno = errno;
	ear_buf_reset(out);
	return ok;
}

int ear_term_end(const char *command)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed)
		return EAR_EXIT_DONE;
	if (!write_errno)
		write_errno = errno;
	/* a reader that has seen enough, as head, knows that it went */
	if (write_errno != EPIPE)
		fprintf(stderr, "earshot %s: cannot write: %s\n", command,
			write_errno ? strerror(write_errno) : "output failed");
	return EAR_EXIT_FAILED;
}
