/* SPDX-License-Identifier: Apache-2.0 */
#include "message/sip_addr.h"

#define UNKNOWN "any:255.255.255.255:5060"

size_t ear_sip_addr_text(const struct ear_addr *addr, uint8_t transport,
	char out[EAR_SIP_ADDR_TEXT])
{
	struct ear_slice name = ear_transport_name(transport);

	if (!addr->family) {
		memcpy(out, UNKNOWN, sizeof(UNKNOWN));
		return sizeof(UNKNOWN) - 1;
	}
	if (transport == EAR_TR_SECURE)
		name = EAR_S("tls");
	else if (!name.n)
		name = EAR_S("udp");
	memcpy(out, name.p, name.n);
	out[name.n] = ':';
	return name.n + 1 + ear_addr_text(addr, out + name.n + 1);
}
