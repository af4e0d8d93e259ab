/* SPDX-License-Identifier: Apache-2.0 */
#include "app/hints.h"

void ear_print_hints(FILE *out, const struct ear_addr *hep)
{
	char full[EAR_ADDR_TEXT], ip[EAR_ADDR_TEXT];
	unsigned port = hep->port;

	ear_addr_text(hep, full);
	ear_addr_ip_text(hep, ip);
	fprintf(out,
		"To send it what your server says:\n\n"
		"  Kamailio    loadmodule \"siptrace.so\"\n"
		"              modparam(\"siptrace\", \"trace_on\", 1)\n"
		"              modparam(\"siptrace\", \"trace_mode\", 1)\n"
		"              modparam(\"siptrace\", "
		"\"trace_to_database\", 0)\n"
		"              modparam(\"siptrace\", \"hep_version\", 3)\n"
		"              modparam(\"siptrace\", \"duplicate_uri\", "
		"\"sip:%s\")\n\n"
		"  OpenSIPS    loadmodule \"proto_hep.so\"\n"
		"              loadmodule \"tracer.so\"\n"
		"              socket=hep_udp:127.0.0.1:6060\n"
		"              modparam(\"proto_hep\", \"hep_id\", "
		"\"[earshot]%s;transport=udp;version=3\")\n"
		"              modparam(\"tracer\", \"trace_id\", "
		"\"[all]uri=hep:earshot\")\n"
		"              route { trace(\"all\", \"d\", \"sip\"); … }\n\n"
		"  Asterisk    hep.conf: [general]\n"
		"                        enabled = yes\n"
		"                        capture_address = %s\n"
		"                        capture_id = 1\n"
		"                        uuid_type = call-id\n"
		"              modules.conf: load = res_hep.so and "
		"res_hep_pjsip.so\n\n"
		"  FreeSWITCH  sofia.conf.xml, global_settings:\n"
		"              <param name=\"capture-server\" "
		"value=\"udp:%s:%u;hep=3;capture_id=1\"/>\n"
		"              and in each profile: <param "
		"name=\"sip-capture\" "
		"value=\"yes\"/>\n\n"
		"  a capture   earshot import FILE.pcap\n\n",
		full, full, full, ip, port);
}
