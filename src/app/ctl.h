/* SPDX-License-Identifier: Apache-2.0 */
/**
 * `earshot ctl`: the running server, by its control channel. Each word behind
 * ctl is a row of the table in cmd_ctl.c with a function of this header's
 * kind.
 */
#ifndef EAR_APP_CTL_H
#define EAR_APP_CTL_H

#include <jansson.h>

#include "app/answer.h"
#include "app/options.h"

/** What all of them take. */
struct ear_ctl {
	const char *command; /**< as "ctl trace list", for errors */
	const char *data;
	bool json;
};

#define EAR_CTL_OPTIONS(ctl) \
	EAR_OPTION_DATA(&(ctl).data), EAR_OPTION_JSON(&(ctl).json)

/**
 * Call a method and wait for its answer.
 *
 * @param params taken; NULL none
 * @param result to be given back with json_decref()
 * @return EAR_EXIT_DONE; else what is wrong was told
 */
int ear_ctl_call(const struct ear_ctl *ctl, const char *method, json_t *params,
	json_t **result);

/** JSON on one line. @return EAR_EXIT_DONE */
int ear_ctl_print(const json_t *value);

/** Say why it is used wrongly, and where help is. @return EAR_EXIT_USAGE */
int ear_ctl_wrong(const struct ear_ctl *ctl, const char *format, ...)
	EAR_PRINTF(2, 3);

/** A member as a text; "" where there is none. */
const char *ear_ctl_text(const json_t *object, const char *name);
/** A member as a number; 0 where there is none. */
uint64_t ear_ctl_number(const json_t *object, const char *name);
/** A member that is a time, in ns since 1970 UTC; 0 where there is none. */
uint64_t ear_ctl_time(const json_t *object, const char *name);
bool ear_ctl_true(const json_t *object, const char *name);

/** Most columns of a table. */
#define EAR_CTL_COLUMNS 32

/** One row of a table, cells as text; with NULL for cells the headings. */
void ear_ctl_row(struct ear_answer *answer, const char *const *names,
	const char *const *cells, size_t n);

int ear_ctl_trace(int argc, char **argv);
int ear_ctl_mirrors(int argc, char **argv);
int ear_ctl_ledger(int argc, char **argv);
int ear_ctl_notices(int argc, char **argv);

#endif
