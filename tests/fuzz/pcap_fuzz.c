/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way of a capture: file, fragments, streams, messages. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "message/conn.h"
#include "tap/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touch every byte that was handed out, so that ASan sees where it lies. */
static void on_message(const struct ear_msg *msg, void *arg)
{
	const struct ear_slice parts[] = {msg->tap, msg->node, msg->correlation,
		msg->extra, msg->note, msg->raw};
	uint64_t *sum = arg;
	struct ear_conn_event event;

	/* what we write of connections can be read again */
	if (msg->proto == EAR_PROTO_CONN && ear_conn_read(msg->raw, &event))
		abort();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t k = 0; k < parts[i].n; k++)
			*sum += (uint8_t)parts[i].p[k];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static volatile uint64_t sink;
	uint64_t sum = 0;
	struct ear_tap_file_options options = {
		.fn = on_message, .arg = &sum, .tell = true};
	struct ear_packets_stats summary;
	struct ear_fault fault = {0};
	int fd = memfd_create("capture", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ear_tap_file_read(path, &options, &summary, &fault) &&
		!fault.text[0])
		abort();
	sink = sink + sum;
	close(fd);
	return 0;
}
