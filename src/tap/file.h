/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads a capture file and hands out the messages in it: pcap, pcapng or a
 * file of HEP packets, plain or gzip, or the same from standard input.
 *
 * What is found in them, and how it is counted, says packets.h.
 *
 *     struct ear_tap_file_options options = {.fn = on_message, .arg = self};
 *     err = ear_tap_file_read("a.pcapng", &options, &summary, &fault);
 *
 * A damaged file gives all messages before the damage, then an error that
 * names the file and the place.
 */
#ifndef EAR_TAP_FILE_H
#define EAR_TAP_FILE_H

#include "tap/packets.h"

/**
 * How far reading has come, about every MiB.
 *
 * @param done  bytes of the file, as it is on disk
 * @param total its size; 0 when it is not known (a pipe)
 */
typedef void (*ear_file_progress_fn)(uint64_t done, uint64_t total, void *arg);

struct ear_tap_file_options {
	ear_msg_fn fn;                 /**< slices live until it returns */
	ear_file_progress_fn progress; /**< may be NULL */
	void *arg;                     /**< of both */
	struct ear_tally *tally;       /**< borrowed; NULL counts nothing */
	bool tell;                     /**< connection events go to fn too */
	const char *keylog;            /**< TLS key log, read before the file;
					    NULL: none but what is in it */
	/** move the times of a capture so that it began then; 0: leave them.
	    Those within HEP stay. */
	uint64_t begin_ns;
	struct ear_ports ports;    /**< of SIP, where TLS hides it */
	const volatile bool *stop; /**< becomes true: end; may be NULL */
};

/** Whether the first bytes of a file (4 suffice) look like one to read. */
bool ear_tap_file_is(struct ear_slice head);

/**
 * Read a file to its end.
 *
 * @param[in]  path    "-" is standard input; its name is then "stdin"
 * @param[out] summary may be NULL; filled on any result
 * @return EAR_OK, also when stopped; EAR_SYS; EAR_UNSUPPORTED: no such format;
 *         EAR_BAD, EAR_LIMIT: damaged, everything before it was handed out;
 *         EAR_NOMEM
 *
 * Messages have tap "file:NAME" without directories, EAR_MSG_IMPORTED, and
 * seen_ns of the time of reading.
 *
 * Memory: 64 MiB of streams and 32 MiB of fragments at the very most, about
 * 3 MiB with none. Threads: any, each its own file.
 */
EAR_MUST_USE enum ear_err ear_tap_file_read(const char *path,
	const struct ear_tap_file_options *options,
	struct ear_packets_stats *summary, struct ear_fault *fault);

#endif
