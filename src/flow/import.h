/* SPDX-License-Identifier: Apache-2.0 */
/** Brings a capture file along the path of messages into a store. */
#ifndef EAR_FLOW_IMPORT_H
#define EAR_FLOW_IMPORT_H

#include "base/ledger.h"
#include "flow/tracking.h"
#include "store/store.h"
#include "tap/file.h"

struct ear_import_options {
	struct ear_store *store; /**< borrowed; open for writing */
	/** borrowed; committed too when it returns; NULL: nothing is tracked */
	struct ear_tracking *tracking;
	bool mask_secrets;
	const char *keylog;     /**< TLS key log, or NULL (tap/file.h) */
	struct ear_ports ports; /**< of SIP in TLS (tap/file.h) */
	uint64_t begin_ns; /**< when it shall have begun, or 0 (tap/file.h) */
	ear_file_progress_fn progress; /**< may be NULL */
	void *arg;
	const volatile bool *stop; /**< becomes true: end; may be NULL */
};

struct ear_import_summary {
	struct ear_packets_stats file;
	uint64_t malformed;     /**< messages that break the rules of SIP */
	uint64_t conversations; /**< different Call-IDs */
	bool at_least;          /**< there were more than could be told apart */
	uint64_t stored;
	uint64_t took_ns;
};

/**
 * Read a file and keep its messages; committed when it returns.
 *
 * @param[out] summary filled on any result, up to where reading ended
 * @return as ear_tap_file_read(); EAR_FULL when the store was full until stop
 */
EAR_MUST_USE enum ear_err ear_import_file(const char *path,
	const struct ear_import_options *options,
	struct ear_import_summary *summary, struct ear_fault *fault);

#endif
