/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What standard output is, and how text from the wire is shown on it: no byte
 * of a message may move the cursor, change a colour or turn the direction of
 * writing.
 */
#ifndef EAR_APP_TERM_H
#define EAR_APP_TERM_H

#include "base/buf.h"
#include "track/ladder.h"

struct ear_term {
	bool tty;       /**< a person looks at it */
	bool utf8;      /**< the locale's characters are UTF-8 */
	bool colour;    /**< a terminal, and NO_COLOR is not set */
	unsigned width; /**< columns; 80 when unknown */
};

/** Of standard output; the locale must be set. */
struct ear_term ear_term_stdout(void);

/** The next character of s, made harmless. */
struct ear_glyph {
	size_t bytes;   /**< taken from s */
	unsigned width; /**< columns that text takes */
	char text[8];   /**< NUL-terminated: itself, or as "\x1b" */
};

/**
 * Take one character: valid UTF-8 that the terminal can show stays, every
 * other byte becomes "\xNN". Needs s.n > 0.
 */
struct ear_glyph ear_term_glyph(const struct ear_term *t, struct ear_slice s);

/** All of s, harmless. */
void ear_term_text(
	const struct ear_term *t, struct ear_buf *out, struct ear_slice s);

/** Print all of a text, harmless. */
void ear_term_print(const char *text);

/** Columns that s takes; counting ends soon behind most. */
unsigned ear_term_width(
	const struct ear_term *t, struct ear_slice s, unsigned most);

/** Exactly so many columns: cut with a sign, or filled with blanks. */
void ear_term_cell(const struct ear_term *t, struct ear_buf *out,
	struct ear_slice s, unsigned width);

/** Begin the colour of a class; nothing when there is no colour. */
void ear_term_colour(const struct ear_term *t, struct ear_buf *out,
	enum ear_ladder_class class);
/** Bold, for headings. */
void ear_term_bold(const struct ear_term *t, struct ear_buf *out);
/** Dim, for what matters less. */
void ear_term_dim(const struct ear_term *t, struct ear_buf *out);
/** Back to plain. */
void ear_term_plain(const struct ear_term *t, struct ear_buf *out);

/** Write and empty the buffer. @return false when nobody reads any more */
bool ear_term_write(struct ear_buf *out);

/**
 * Everything was written: make sure that it arrived. A reader that went away
 * is no news, another failure is told.
 *
 * @return the exit status
 */
int ear_term_end(const char *command);

#endif
