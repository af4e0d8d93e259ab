/* SPDX-License-Identifier: Apache-2.0 */
/** `earshot export … --to hep:HOST:PORT`: messages to a collector. */
#ifndef EAR_APP_EXPORT_SEND_H
#define EAR_APP_EXPORT_SEND_H

#include "app/ask.h"
#include "app/send.h"

struct ear_export_send {
	const char *data;  /**< data directory */
	const char *read;  /**< a capture file instead; NULL: the store */
	bool keep_secrets; /**< of the capture file */
	const char *speed; /**< "original", "max" or messages a second */
	struct ear_send_options send;
};

/**
 * @param ask command and query are set
 * @param argv words of the expression
 * @return the exit status
 */
int ear_export_send(struct ear_ask *ask, const struct ear_export_send *options,
	int argc, char **argv);

#endif
