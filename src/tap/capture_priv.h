/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of capture.h: capture.c has the thread, capture_device.c the device,
 * capture_out.c makes of messages what goes into the intake.
 */
#ifndef EAR_TAP_CAPTURE_PRIV_H
#define EAR_TAP_CAPTURE_PRIV_H

#include <pcap/pcap.h>
#include <pthread.h>

#include "tap/capture.h"

/* --- capture_device.c -------------------------------------------------- */

struct ear_capture_device {
	char *device, *filter; /* owned */
	bool promiscuous;
	uint32_t snaplen;
	uint64_t buffer;
	pcap_t *pcap; /* NULL: it is not there */
	int fd;
	uint32_t link;
	bool nano;                         /* times are in ns */
	uint32_t kernel_drop, device_drop; /* as last read */
};

struct ear_capture_drops {
	uint32_t kernel, device;
};

EAR_MUST_USE enum ear_err ear_capture_device_init(struct ear_capture_device *d,
	const struct ear_capture_options *options);
void ear_capture_device_fini(struct ear_capture_device *d);

/** @return EAR_OK; EAR_GONE: it is there, and down; as ear_capture_open() */
EAR_MUST_USE enum ear_err ear_capture_device_open(
	struct ear_capture_device *d, struct ear_fault *fault);
void ear_capture_device_close(struct ear_capture_device *d);

/** Whether it is up: libpcap waits on a device that goes down as if nobody
 *  sent. @return EAR_OK, also where it cannot be asked; EAR_GONE: it is down */
EAR_MUST_USE enum ear_err ear_capture_device_up(
	const struct ear_capture_device *d, struct ear_fault *fault);

/** What libpcap says of the last error. */
const char *ear_capture_device_why(const struct ear_capture_device *d);

/** Since the last look. */
struct ear_capture_drops ear_capture_device_drops(struct ear_capture_device *d);

/* --- capture_out.c ----------------------------------------------------- */

/** Most listeners known as ours. */
#define EAR_CAPTURE_OWN 64
/** Addresses of this machine. */
#define EAR_CAPTURE_LOCAL 256

struct ear_capture_out {
	struct ear_intake *intake;
	struct ear_addr to; /* family EAR_CAPTURE_FAMILY, the device's name */
	char *node;         /* owned */
	uint32_t capture_id;
	struct ear_tally *tally;
	uint64_t events;
	struct ear_buf packet, extra;
	struct ear_addr local[EAR_CAPTURE_LOCAL]; /* ports 0 */
	size_t locals;

	pthread_mutex_t lock; /* of own */
	struct ear_addr own[EAR_CAPTURE_OWN];
	size_t owns;
};

EAR_MUST_USE enum ear_err ear_capture_out_init(
	struct ear_capture_out *out, const struct ear_capture_options *options);
void ear_capture_out_fini(struct ear_capture_out *out);
void ear_capture_out_own(
	struct ear_capture_out *out, const struct ear_addr *own, size_t own_n);
/** Addresses come and go: read them again. */
void ear_capture_own_look(struct ear_capture_out *out);

/** As ear_msg_fn and ear_packets_hep_fn; arg is the struct
 *  ear_capture_out. */
void ear_capture_out_message(const struct ear_msg *msg, void *arg);
void ear_capture_out_hep(const struct ear_packet_place *place,
	struct ear_slice bytes, bool cut, void *arg);

#endif
