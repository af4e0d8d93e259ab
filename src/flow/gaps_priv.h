/* SPDX-License-Identifier: Apache-2.0 */
/** The files of gaps.h among themselves. */
#ifndef EAR_FLOW_GAPS_PRIV_H
#define EAR_FLOW_GAPS_PRIV_H

#include "flow/gaps.h"

struct ear_gap_list {
	struct ear_gap *v; /**< owned */
	size_t n;
	size_t cap;
};

void ear_gap_list_fini(struct ear_gap_list *list);

/** Add one, or extend the last of its kind where that has just ended. */
EAR_MUST_USE enum ear_err ear_gap_list_add(
	struct ear_gap_list *list, const struct ear_gap *gap);

/** Read the file; no file holds none. Adds to the list. */
EAR_MUST_USE enum ear_err ear_gaps_read(
	const char *path, struct ear_gap_list *list, struct ear_fault *fault);

/** Append them with one write, or nothing. */
EAR_MUST_USE enum ear_err ear_gaps_append(const char *path,
	const struct ear_gap_list *list, struct ear_fault *fault);

/** Set room aside, making the file; a file system that cannot is fine. */
void ear_gaps_reserve(const char *path);

/** Join what can be; where that is not enough, the older ones to one. */
EAR_MUST_USE enum ear_err ear_gaps_compact(
	const char *path, uint64_t max_bytes, struct ear_fault *fault);

/** Say in found which of these lie in the span. */
void ear_gap_list_tell(const struct ear_gap_list *list, uint64_t from_ns,
	uint64_t to_ns, struct ear_found *found);

#endif
