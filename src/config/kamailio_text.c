/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the written configuration looks: comments that are folded, sections,
 * keys with their values in quotes.
 */
#include <stdarg.h>
#include <stdio.h>

#include "config/kamailio_write.h"

#define WIDTH 78

/* Text as comment lines, further ones as far in as the first. It comes from
 * a file that anybody wrote. */
static void fold(struct ear_kamailio_writer *w, struct ear_slice text)
{
	size_t in = 0, room;

	while (in < text.n && text.p[in] == ' ')
		in++;
	room = WIDTH - 2 - in - (*w->indent ? 8 : 0);
	text = ear_slice_sub(text, in, text.n);
	while (text.n) {
		size_t n = text.n;

		if (n > room) {
			for (n = room; n && text.p[n] != ' ';)
				n--;
			if (!n)
				n = ear_slice_find(text, EAR_S(" "));
		}
		ear_buf_printf(w->out, "%s# %*s", w->indent, (int)in, "");
		for (size_t i = 0; i < n; i++)
			ear_buf_byte(w->out,
				(uint8_t)((unsigned char)text.p[i] < ' ' ||
							  text.p[i] == 127
						  ? '?'
						  : text.p[i]));
		ear_buf_byte(w->out, '\n');
		text = ear_slice_sub(text, n, text.n);
		while (text.n && text.p[0] == ' ')
			text = ear_slice_sub(text, 1, text.n);
	}
}

static void remark(
	struct ear_kamailio_writer *w, const char *format, va_list args)
{
	char small[256], *text = small;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	if (n >= (int)sizeof(small)) {
		text = ear_kamailio_room(w->k, (size_t)n + 1);
		if (text)
			vsnprintf(text, (size_t)n + 1, format, again);
	}
	va_end(again);
	if (text && n > 0)
		fold(w, ear_slice(text, (size_t)n));
}

void ear_kamailio_remark(struct ear_kamailio_writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remark(w, format, args);
	va_end(args);
}

void ear_kamailio_gap(struct ear_kamailio_writer *w, const char *format, ...)
{
	va_list args;

	w->missing++;
	va_start(args, format);
	remark(w, format, args);
	va_end(args);
}

void ear_kamailio_put_quoted(struct ear_buf *out, struct ear_slice value)
{
	ear_buf_byte(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		/* "${" would be a variable of the environment */
		if (c == '"' || c == '\\' || c == '$')
			ear_buf_printf(out, "\\%c", c);
		else if (c == '\n')
			ear_buf_str(out, "\\n");
		else if (c >= ' ' && c != 127)
			ear_buf_byte(out, c);
		else if (c)
			ear_buf_printf(out, "\\x%02x", c);
	}
	ear_buf_byte(out, '"');
}

void ear_kamailio_key(
	struct ear_kamailio_writer *w, const char *key, struct ear_slice value)
{
	ear_buf_printf(w->out, "%s%s = ", w->indent, key);
	ear_kamailio_put_quoted(w->out, value);
	ear_buf_byte(w->out, '\n');
}

void ear_kamailio_open(
	struct ear_kamailio_writer *w, const char *section, const char *name)
{
	if (*name)
		ear_buf_printf(w->out, "\n%s \"%s\" {\n", section, name);
	else
		ear_buf_printf(w->out, "\n%s {\n", section);
	w->indent = "\t";
}

void ear_kamailio_close(struct ear_kamailio_writer *w)
{
	w->indent = "";
	ear_buf_str(w->out, "}\n");
}
