/* SPDX-License-Identifier: Apache-2.0 */
/** The file formats of GET export. */
#ifndef EAR_CONSOLE_EXPORT_H
#define EAR_CONSOLE_EXPORT_H

#include "console/found.h"

struct ear_export_format {
	const char *name;   /**< in the request */
	const char *type;   /**< Content-Type */
	const char *suffix; /**< of the file's name */
	bool tells;         /**< its end says whether it is complete */

	/** NULL: nothing to begin. @param out lives until end */
	enum ear_err (*begin)(struct ear_buf *out, void **state);
	enum ear_err (*message)(void *state, const struct ear_msg *msg,
		const struct ear_facts *facts, const char *id,
		struct ear_buf *out);
	/** Also after an error, to free state. */
	enum ear_err (*end)(void *state, const struct ear_found *found,
		const struct ear_asked *asked, struct ear_buf *out);
};

/** @return NULL when there is none of that name */
const struct ear_export_format *ear_export_format(struct ear_slice name);

#endif
