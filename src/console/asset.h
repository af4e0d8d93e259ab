/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A file of the console's page, compiled in. The table of all of them is
 * made from web/dist by the build: console/assets.h.
 */
#ifndef EAR_CONSOLE_ASSET_H
#define EAR_CONSOLE_ASSET_H

#include <stddef.h>

struct ear_asset {
	const char *path; /**< as "/index.html"; "/" is served from it too */
	const char *type; /**< Content-Type, as "text/css; charset=utf-8" */
	const char *etag; /**< of the content, quotes included */
	const unsigned char *gzip; /**< the content, compressed with gzip */
	size_t gzip_bytes;
	size_t plain_bytes; /**< before compression */
};

#endif
