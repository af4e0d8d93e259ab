// SPDX-License-Identifier: Apache-2.0
// The ledger's counters: keys, classes and meaning as the server's table
// (src/base/ledger.def) has them; titles for the head of a column.
import type { LedgerRow } from "./types";

export interface Counter {
	key: string;
	title: string;
	kind: "in" | "stored" | "counted" | "filtered" | "dropped" | "note" |
		"kernel" | "bytes";
	help: string;
	always?: boolean;
}

export const COUNTERS: Counter[] = [
	{ key: "received", title: "Received", kind: "in", always: true,
		help: "units taken from the kernel, a file or a caller" },
	{ key: "stored", title: "Kept", kind: "stored", always: true,
		help: "messages kept and searchable" },
	{ key: "keepalive", title: "Keep-alive", kind: "counted",
		help: "CRLF, NUL and STUN keep-alives" },
	{ key: "rtp", title: "RTP", kind: "counted",
		help: "RTP and RTCP packets on a SIP tap" },
	{ key: "junk", title: "Junk", kind: "counted",
		help: "bytes that are no message of a known protocol" },
	{ key: "other_payload", title: "Other", kind: "counted",
		help: "HEP payloads of types not kept yet" },
	{ key: "filtered", title: "Filtered", kind: "filtered",
		help: "messages that a rule said not to keep" },
	{ key: "denied", title: "Denied", kind: "dropped",
		help: "sender not in the allow-list" },
	{ key: "bad_key", title: "Bad key", kind: "dropped",
		help: "HEP authentication key absent or wrong" },
	{ key: "refused", title: "Refused", kind: "dropped",
		help: "a form that is refused, as HEP 1 on a stream" },
	{ key: "oversize", title: "Oversize", kind: "dropped",
		help: "longer than a message may be" },
	{ key: "journal_full", title: "Journal full", kind: "dropped",
		help: "no room in the journal" },
	{ key: "store_full", title: "Store full", kind: "dropped",
		help: "no room in the store, journal gone" },
	{ key: "corrupt", title: "Corrupt", kind: "dropped",
		help: "journal bytes that could not be read again" },
	{ key: "malformed", title: "Malformed", kind: "note", always: true,
		help: "kept, and break the rules of the protocol" },
	{ key: "truncated", title: "Truncated", kind: "note",
		help: "kept, but shorter than they said" },
	{ key: "replayed", title: "Replayed", kind: "note",
		help: "received by reading the journal after a restart" },
	{ key: "kernel_drop", title: "Kernel drops", kind: "kernel",
		help: "dropped by the kernel before Earshot" },
	{ key: "bytes", title: "Bytes", kind: "bytes", always: true,
		help: "bytes of the units received" },
];

const ENDS = ["stored", "counted", "filtered", "dropped"];

/** Where what was received ended, all together. */
export function sumOf(row: LedgerRow): number {
	return COUNTERS.filter((c) => ENDS.includes(c.kind)).reduce((n, c) =>
		n + Number(row[c.key] ?? 0), 0);
}
