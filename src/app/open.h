/* SPDX-License-Identifier: Apache-2.0 */
/** How commands open a data directory, with a server on it or without. */
#ifndef EAR_APP_OPEN_H
#define EAR_APP_OPEN_H

#include "flow/tracking.h"
#include "store/store.h"

/** What opening found out of the journal. */
struct ear_app_journal {
	bool served;   /**< a server runs, and empties it */
	char why[200]; /**< what it holds could not be stored, because; or "" */
};

/**
 * Open the store of a data directory to look only. Where no server runs and a
 * journal holds messages that were accepted but never stored (the server was
 * killed), they are stored first, so that what was accepted is found.
 *
 * @param journal may be NULL
 * @return EAR_OK; EAR_GONE when there is no such directory
 */
EAR_MUST_USE enum ear_err ear_app_store_open(const char *data_dir,
	struct ear_store **store, struct ear_app_journal *journal,
	struct ear_fault *fault);

/** Open it to write beside a server that may run: for imports. */
EAR_MUST_USE enum ear_err ear_app_store_write(const char *data_dir,
	const struct ear_store_options *options, struct ear_store **store,
	struct ear_fault *fault);

/** Open its records for what an import tracks. */
EAR_MUST_USE enum ear_err ear_app_tracking_open(const char *data_dir,
	struct ear_tracking **tracking, struct ear_fault *fault);

/**
 * Open its records to look only, behind what a killed server left.
 *
 * @return EAR_OK; EAR_GONE when there is no such directory, or no records
 */
EAR_MUST_USE enum ear_err ear_app_records_open(const char *data_dir,
	struct ear_records **records, struct ear_app_journal *journal,
	struct ear_fault *fault);

void ear_app_store_close(struct ear_store **store);

#endif
