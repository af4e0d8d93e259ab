/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads a capture file and hands out the messages in it: pcap, pcapng or a
 * file of HEP packets, plain or gzip, or the same from standard input.
 *
 * SIP is known by its bytes, on any port, over UDP, TCP, SCTP and WebSocket;
 * HEP in UDP and TCP is opened. What is neither is counted by kind and not
 * kept. A message whose end is missing (snap length, lost fragment, lost
 * segment) is handed out as far as it goes, with EAR_MSG_TRUNCATED and a note.
 *
 *     struct ear_tap_file_options options = {.fn = on_message, .arg = self};
 *     err = ear_tap_file_read("a.pcapng", &options, &summary, &fault);
 *
 * A damaged file gives all messages before the damage, then an error that
 * names the file and the place.
 *
 * The sums: every payload is counted RECEIVED in tally once, and what is no
 * message ends there too (KEEPALIVE, RTP, JUNK). A message given to fn is
 * counted further by fn, as with ear_decode().
 */
#ifndef EAR_TAP_FILE_H
#define EAR_TAP_FILE_H

#include "tap/decode.h"

enum ear_file_kind {
#define X(name, key, count, help) EAR_FILE_##name,
#include "tap/file_kind.def"
#undef X
	EAR_FILE_KINDS
};

/** Key, as "rtp", and help of a kind. */
const char *ear_file_kind_key(enum ear_file_kind kind);
const char *ear_file_kind_help(enum ear_file_kind kind);

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
	const volatile bool *stop;     /**< becomes true: end; may be NULL */
};

/** What was in the file; complete up to where reading ended. */
struct ear_tap_file_summary {
	uint64_t packets;   /**< captured frames */
	uint64_t bytes;     /**< of the file, uncompressed */
	uint64_t messages;  /**< given to fn */
	uint64_t truncated; /**< of these, their end missing */
	uint64_t kind[EAR_FILE_KINDS];
	uint64_t reassembled; /**< datagrams put together from fragments */
	uint64_t unfinished;  /**< datagrams whose fragments did not all come */
	uint64_t snapped;     /**< packets not captured to their end */
	uint64_t streams;     /**< TCP connections */
	uint64_t gaps;        /**< holes in TCP streams */
	uint64_t gap_bytes;
	uint64_t retransmitted; /**< TCP segments with nothing new */
	uint64_t first_ns; /**< capture time of the first and last packet */
	uint64_t last_ns;
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
	struct ear_tap_file_summary *summary, struct ear_fault *fault);

#endif
