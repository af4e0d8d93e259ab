/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads a Kamailio configuration and writes what does the same here: the
 * modparams of siptrace and sipcapture, the calls of siptrace's functions in
 * routes, the event route, listen sockets.
 *
 *     struct ear_kamailio *k;
 *
 *     if (!ear_kamailio_read("kamailio.cfg", NULL, &k, &fault))
 *             ear_kamailio_write(k, &out, &missing);
 *     ear_kamailio_free(&k);
 *
 * Threads: none shared.
 */
#ifndef EAR_CONFIG_KAMAILIO_H
#define EAR_CONFIG_KAMAILIO_H

#include "base/buf.h"

struct ear_kamailio;

struct ear_kamailio_options {
	/** what kamailio -A would define: "WITH_MYSQL,DBHOST=db1"; may be
	    NULL */
	const char *defines;
	/**
	 * Append the bytes of a file; NULL reads from disk.
	 *
	 * @return EAR_OK; EAR_GONE there is none; EAR_LIMIT too large; else
	 *         EAR_SYS with errno set
	 */
	enum ear_err (*open)(const char *path, struct ear_buf *out, void *arg);
	void *arg;
};

/** Bounds of what is read, all files together. */
#define EAR_KAMAILIO_BYTES ((size_t)4 << 20)
#define EAR_KAMAILIO_FILES 256
/** Files within files, as Kamailio's own bound. */
#define EAR_KAMAILIO_DEPTH 10

/**
 * Read a file with all that it includes.
 *
 * @param options may be NULL
 * @return EAR_OK; EAR_SYS a file cannot be read; EAR_BAD, EAR_LIMIT: the fault
 *         names file:line:column
 */
EAR_MUST_USE enum ear_err ear_kamailio_read(const char *path,
	const struct ear_kamailio_options *options, struct ear_kamailio **k,
	struct ear_fault *fault);
void ear_kamailio_free(struct ear_kamailio **k);

/**
 * Write a configuration that check-config accepts, with a comment for each
 * parameter and call: what it was, on which line, what it became, or why
 * nothing here does it.
 *
 * @param[out] out     its err tells whether memory sufficed
 * @param[out] missing how many have no equivalent
 */
void ear_kamailio_write(
	struct ear_kamailio *k, struct ear_buf *out, size_t *missing);

#endif
