/* SPDX-License-Identifier: Apache-2.0 */
/** Network devices that a server captures from. */
#ifndef EAR_FLOW_CAPTURE_H
#define EAR_FLOW_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tap/packets.h"

/** One section capture of the configuration. Strings are borrowed. */
struct ear_capture_spec {
	const char *name;   /**< of the section; unique */
	const char *device; /**< as "eth0"; "any" is all */
	const char *filter; /**< BPF; "" is all */
	bool promiscuous;
	uint32_t snaplen;   /**< bytes */
	uint64_t buffer;    /**< bytes of the ring */
	size_t connections; /**< followed at once */
	uint64_t idle_ns;
	const char *keylog;     /**< file; "" none */
	struct ear_ports ports; /**< further ones of SIP */
	const char *node;       /**< "" none */
	uint32_t capture_id;
};

#endif
