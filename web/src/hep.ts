// SPDX-License-Identifier: Apache-2.0
// How servers are told to send their SIP here: text to copy, with the
// address that this Earshot listens on. `earshot serve` prints the same
// (src/app/hints.c); a test compares them.
import type { Tap } from "./types";

export interface Recipe {
	name: string;
	file: string;
	text: string;
}

/** Host and port a sender should use. */
export function senderAddress(taps: Tap[], host: string):
	{ host: string; port: string; loopback: boolean; key: boolean } {
	const tap = taps.find((t) => /hep/.test(t.name + t.transport) &&
		/udp/.test(t.name + t.transport)) ?? taps[0];
	const m = /^\[?(.*?)\]?:(\d+)$/.exec(tap?.address ?? "");
	const at = m?.[1] ?? "127.0.0.1";
	const any = at === "0.0.0.0" || at === "::" || at === "*" || at === "";
	return {
		host: any ? host : at,
		port: m?.[2] ?? "9060",
		key: tap?.auth_key ?? false,
		loopback: /^127\.|^::1$|^localhost$/.test(at),
	};
}

export function recipes(host: string, port: string): Recipe[] {
	const h = host.includes(":") ? `[${host}]` : host;
	return [{
		name: "Kamailio", file: "kamailio.cfg",
		text: `loadmodule "siptrace.so"
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "hep_version", 3)
modparam("siptrace", "duplicate_uri", "sip:${h}:${port}")
`,
	}, {
		name: "OpenSIPS", file: "opensips.cfg",
		text: `loadmodule "proto_hep.so"
loadmodule "tracer.so"
socket=hep_udp:127.0.0.1:6060
modparam("proto_hep", "hep_id", "[earshot]${h}:${port};transport=udp;version=3")
modparam("tracer", "trace_id", "[all]uri=hep:earshot")

# in route { }, before anything is relayed:
trace("all", "d", "sip");
`,
	}, {
		name: "Asterisk", file: "hep.conf",
		text: `[general]
enabled = yes
capture_address = ${h}:${port}
capture_id = 1
uuid_type = call-id

; then: asterisk -rx "module load res_hep.so"
;       asterisk -rx "module load res_hep_pjsip.so"
`,
	}, {
		name: "FreeSWITCH", file: "autoload_configs/sofia.conf.xml",
		text: `<!-- in global_settings -->
<param name="capture-server" value="udp:${h}:${port};hep=3;capture_id=1"/>

<!-- in each sip profile's settings -->
<param name="sip-capture" value="yes"/>
`,
	}];
}
