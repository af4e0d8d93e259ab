/* SPDX-License-Identifier: Apache-2.0 */
/** Texts in CSV (RFC 4180) for spreadsheets. */
#ifndef EAR_BASE_CSV_H
#define EAR_BASE_CSV_H

#include "base/buf.h"

/**
 * Append one text, in quotes where RFC 4180 s2 wants them. What comes from
 * the wire may begin as a formula does, and a spreadsheet would run it: an
 * apostrophe makes it text; a number with its sign stays as it is, in quotes,
 * so that whoever asks for quoted cells as text keeps its + and its zeros.
 * Bytes that are no UTF-8 are taken for Latin-1, as in JSON; control
 * characters but tabs and line ends, which a terminal would obey, become
 * blanks.
 */
void ear_csv_text(struct ear_buf *out, struct ear_slice s);

#endif
