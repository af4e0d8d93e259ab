/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A TLS key log file, read as it grows: who holds the keys appends lines a
 * moment after the packets. A file that is cut short, or that another one
 * takes the name of, is read again from its start; one that is not there yet
 * is waited for.
 *
 *     ear_keylog_new("/run/keys.log", &log);
 *     ear_keylog_poll(log, now_ns);          some times a second
 *     ear_packets_options.keylog = log
 *     ear_keylog_free(&log);
 *
 * Keys are in memory only (proto/tls_keys.h). Threads: one.
 */
#ifndef EAR_TAP_KEYLOG_H
#define EAR_TAP_KEYLOG_H

#include "proto/tls_keys.h"

struct ear_keylog;

struct ear_keylog_stats {
	uint64_t bytes; /**< of the file, read */
	uint64_t keys;  /**< connections whose keys are known */
	uint64_t again; /**< read again from the start */
	int sys_errno;  /**< why it cannot be read now; 0 it can */
};

/**
 * @param path NULL: no file, keys come by ear_keylog_text() alone
 * @return EAR_OK, also when the file is not there; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_keylog_new(
	const char *path, struct ear_keylog **log);
void ear_keylog_free(struct ear_keylog **log);

/**
 * Read what is new.
 *
 * @param now_ns any clock that does not go back; it looks at the file no
 *               oftener than every 20 ms of it
 * @return EAR_OK; EAR_SYS: it cannot be read, stats say why; EAR_NOMEM
 */
enum ear_err ear_keylog_poll(struct ear_keylog *log, uint64_t now_ns);

/** Read all there is, for a file that is complete.
 *  @return EAR_OK; EAR_SYS, EAR_NOMEM with a fault that names the file */
EAR_MUST_USE enum ear_err ear_keylog_read(
	struct ear_keylog *log, struct ear_fault *fault);

/** Text of a key log from elsewhere, in pieces; an empty one ends it. */
void ear_keylog_text(struct ear_keylog *log, struct ear_slice text);

/** Whether a file was named: keys are expected. */
bool ear_keylog_expects(const struct ear_keylog *log);

const struct ear_tls_keys *ear_keylog_keys(const struct ear_keylog *log);

void ear_keylog_stats(
	const struct ear_keylog *log, struct ear_keylog_stats *stats);

#endif
