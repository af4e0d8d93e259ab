/* SPDX-License-Identifier: Apache-2.0 */
/** A transport address as siptrace writes it: "udp:192.0.2.1:5060". */
#ifndef EAR_MESSAGE_SIP_ADDR_H
#define EAR_MESSAGE_SIP_ADDR_H

#include "message/msg.h"

/** Longest text with its NUL. */
#define EAR_SIP_ADDR_TEXT (EAR_ADDR_TEXT + 8)

/**
 * IPv6 in brackets, as siptrace's core engine does. Where HEP only says that
 * it was encrypted it is "tls", an unknown transport "udp", an unknown address
 * "any:255.255.255.255:5060", all as there.
 *
 * @return bytes written without the NUL
 */
size_t ear_sip_addr_text(const struct ear_addr *addr, uint8_t transport,
	char out[EAR_SIP_ADDR_TEXT]);

#endif
