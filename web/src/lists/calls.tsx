// SPDX-License-Identifier: Apache-2.0
// Call Detail Records: who called whom, for how long, and how it ended.
import { CallWords } from "../components/callwords";
import { hashOf, span } from "../router";
import type { ListRow } from "../types";
import { At, Badge, cssOf, cssOfCode, Peers, Seconds, str } from "./looks";
import type { ListSpec } from "./spec";

export function callPage(r: ListRow): string {
	return hashOf("call", String(r.id), span());
}

export const CALLS: ListSpec = {
	id: "calls", title: "Call Detail Records", one: "call",
	many: "calls", placeholder: "disposition == FAILED and src == sara",
	keyOf: (r) => str(r.id) || [r.at, r.call_id, r.src].map(str).join("|"),
	looks: [
		{ name: "at", least: 148, mono: true, usual: true, card: "when",
			coarse: true, cell: (r, card) => <At row={r} column="at"
				card={card} coarse /> },
		{ name: "src", linked: true, least: 96, grow: 0.8, usual: true, card: "one",
			cell: (r) => <Peers value={r.src} page="calls" column="src"
				title="Calls from" /> },
		{ name: "dst", linked: true, least: 96, grow: 0.8, usual: true, card: "two",
			cell: (r) => <Peers value={r.dst} page="calls" column="dst"
				title="Calls to" /> },
		{ name: "talk_s", least: 74, usual: true, card: "end",
			cell: (r) => <Seconds s={r.talk_s} ms={r.talk_ms} /> },
		{ name: "disposition", least: 124, usual: true, card: "lead",
			cell: (r) => <Badge word={str(r.disposition)} /> },
		{ name: "code", least: 52, usual: true },
		{ name: "reason", least: 130, grow: 1, usual: true },
		{ name: "ring_s", least: 64, usual: true,
			cell: (r) => r.rang === null ? null :
				<Seconds s={r.ring_s} ms={r.ring_ms} /> },
		{ name: "note", least: 120, grow: 1, usual: true },
		{ name: "src_agent", least: 130, grow: 1 },
		{ name: "dst_agent", least: 130, grow: 1 },
		{ name: "src_name", least: 100, grow: 0.8 },
		{ name: "call_id", least: 120, grow: 1, mono: true },
	],
	series: {
		by: "disposition", label: "Calls over time",
		kinds: { words: (n) => n, css: cssOf,
			term: (n) => `disposition == ${n}` },
	},
	facets: [
		{ by: ["disposition"], title: "By disposition", css: cssOf },
		{ by: ["code"], title: "Failures by code", css: cssOfCode,
			only: "disposition in (FAILED, BUSY, NO_ANSWER) and code" },
		{ by: ["src"], title: "Busiest callers" },
		{ by: ["dst"], title: "Most called" },
		{ by: ["src_agent"], title: "Busiest agents" },
		{ by: ["src_addr"], title: "Busiest addresses" },
		{ by: ["note"], title: "Notes", only: "note" },
	],
	examples: [
		["disposition == FAILED", "calls that could not be placed"],
		["src == sara or dst == sara", "the calls of one user"],
		["code >= 500", "servers that refused"],
		["talk_s < 3 and disposition == ANSWERED",
			"answered and hung up at once"],
		["ring_s > 30", "rang for long"],
		["src ~ \"^49\"", "a regular expression"],
	],
	head: (r) => <Badge big word={str(r.disposition)} />,
	leads: (r) => r.id ? { href: callPage(r), words: "Ladder",
		icon: "ladder" } : null,
	panel: (r) => <CallWords key={String(r.id)} row={r} />,
	empty: <p>A row is made for each call attempt: an INVITE outside of a
		conversation, with how it ended. Please place a phone call between
		two accounts, then come back: the call is here within seconds.
	</p>,
};
