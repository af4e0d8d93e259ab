/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the commands that find have in common: an expression from the words of
 * the command line, a span of time, the store, and a last line that says
 * whether the answer is whole.
 */
#ifndef EAR_APP_ASK_H
#define EAR_APP_ASK_H

#include "app/open.h"
#include "base/json.h"
#include "store/store.h"

/** The expression language in short, for --help. */
#define EAR_LANGUAGE_HELP                                                   \
	"expressions:\n"                                                    \
	"  FIELD == VALUE    also != < <= > >=; ~ and !~ are regular "      \
	"expressions (PCRE2)\n"                                             \
	"  FIELD has VALUE   contains it, in any case\n"                    \
	"  FIELD in LIST     as method in (INVITE, BYE), src.ip in "        \
	"10.0.0.0/8\n"                                                      \
	"  FIELD             is there and not empty, as sdp or auth.user\n" \
	"  \"WORDS\"           the message contains them; in a shell "      \
	"'\"WORDS\"'\n"                                                     \
	"  and or not ( )    join them; two side by side mean and\n"        \
	"  header.NAME       is any header field; the others: earshot "     \
	"fields\n"

struct ear_ask {
	struct ear_store *store;
	struct ear_expr *expr;
	struct ear_query query;
	struct ear_found found; /**< of the last find */
	uint64_t took_ns;
	struct ear_fault fault;
	const char *command;
	const char *data_dir;           /**< set by ear_ask_open() */
	struct ear_app_journal journal; /**< as ear_ask_open() found it */
	bool lost; /**< found says of something that is not in the store */
};

/** Becomes true when the person presses Ctrl-C: searches stop and say so. */
extern volatile bool ear_ask_stopped;

/**
 * Compile the words, joined with blanks. An error is shown with its place.
 *
 * @param[in,out] ask command is set, query's times and limit too
 * @return EAR_EXIT_DONE to go on, else the exit status
 */
int ear_ask_compile(struct ear_ask *ask, int argc, char **argv);

/** The same with a text. */
int ear_ask_compile_text(struct ear_ask *ask, struct ear_slice text);

/** Ctrl-C and SIGTERM set ear_ask_stopped from now on; the second one ends. */
void ear_ask_catch(void);

/** Open the store to look only; Ctrl-C stops searches from now on. */
int ear_ask_open(struct ear_ask *ask, const char *data_dir);

/** Search. An error is shown. */
int ear_ask_find(struct ear_ask *ask, ear_match_fn fn, void *arg);

/**
 * After the search, before it is told: what was lost in its span, or waits in
 * the journal, makes the answer incomplete.
 */
void ear_ask_lost(struct ear_ask *ask);

/** One line on standard error: how many, and whether that is all. */
void ear_ask_tell(const struct ear_ask *ask);

/** The same as the members of an object. */
void ear_ask_json(const struct ear_ask *ask, struct ear_json *j);

/** {"found":{…}} on standard output. */
void ear_ask_print_json(const struct ear_ask *ask);

void ear_ask_fini(struct ear_ask *ask);

#endif
