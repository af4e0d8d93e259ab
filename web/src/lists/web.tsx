// SPDX-License-Identifier: Apache-2.0
// Web Sessions: log-ins to this console. Audit: who did what here.
import { At, Badge, cssOf, str } from "./looks";
import type { ListSpec } from "./spec";

const keyOf = (r: Record<string, unknown>) => String(r.id ?? "") ||
	JSON.stringify(r);

const FAILED = "event in (FAIL_BAD_CREDENTIALS, FAIL_USER_NOT_FOUND, " +
	"FAIL_CREDENTIALS_EXPIRED)";

export const WEB_SESSIONS: ListSpec = {
	id: "web-sessions", title: "Web Sessions", one: "event",
	many: "events", own: true, placeholder: "principal == admin", keyOf,
	looks: [
		{ name: "at", title: "Date Created", type: "time", least: 176,
			mono: true, usual: true, card: "when",
			cell: (r, card) => <At row={r} column="at" card={card} /> },
		{ name: "event", title: "Event Type", least: 210, usual: true,
			card: "lead", cell: (r) => <Badge word={str(r.event)} /> },
		{ name: "principal", title: "Principal", least: 140, grow: 1,
			usual: true, card: "one" },
		{ name: "address", title: "IP Address", least: 160, grow: 1,
			mono: true, usual: true, card: "end" },
	],
	series: {
		by: "event", label: "Log-ins over time",
		kinds: { words: (n) => n, css: cssOf,
			term: (n) => `event == ${n}` },
	},
	facets: [
		{ by: ["event"], title: "Events", css: cssOf },
		{ by: ["principal"], title: "Who" },
		{ by: ["address"], title: "Addresses" },
		{ by: ["principal"], title: "Whose log-in failed",
			only: FAILED },
		{ by: ["address"], title: "From where it failed",
			only: FAILED },
	],
	examples: [
		[FAILED, "log-ins that failed"],
		["principal == admin and event == SUCCESS_INTERACTIVE",
			"one user, by hand"],
		["principal has token", "programs"],
		["address == \"192.0.2.7\"", "one address"],
	],
	head: (r) => <Badge big word={str(r.event)} />,
	empty: <p>Each log-in, failure, log-out and time-out of this console
		and its API is kept here.</p>,
};

export const AUDIT: ListSpec = {
	id: "audit", title: "Audit", one: "entry", many: "entries",
	own: true, placeholder: "actor == admin and action == export", keyOf,
	series: {
		by: "", label: "What was done, over time",
		kinds: { words: () => "entries", css: () => "c-request",
			term: () => "" },
	},
	facets: [
		{ by: ["actor"], title: "Who" },
		{ by: ["action"], title: "What was done" },
		{ by: ["object"], title: "With what" },
		{ by: ["address"], title: "From where" },
	],
	examples: [
		["actor == admin", "one user"],
		["action in (export, \"list.csv\")", "what left as a file"],
		["action ~ \"^(user|token)\\.\"", "users and tokens"],
		["not action in (list, search, follow)", "no mere looking"],
		["\"sara\"", "a word anywhere in the row"],
	],
	looks: [
		{ name: "at", title: "Time", type: "time", least: 176, mono: true,
			usual: true, card: "when",
			cell: (r, card) => <At row={r} column="at" card={card} /> },
		{ name: "actor", title: "Who", least: 120, grow: 0.5, usual: true,
			card: "one" },
		{ name: "action", title: "Did", least: 130, grow: 0.4,
			usual: true, card: "lead" },
		{ name: "object", title: "With", least: 150, grow: 1,
			usual: true, mono: true, card: "two" },
		{ name: "detail", title: "Detail", least: 180, grow: 1.4,
			usual: true, mono: true },
		{ name: "address", title: "From", least: 130, grow: 0.3,
			usual: true, mono: true, card: "end" },
	],
	head: (r) => <span class="badge big">{str(r.action)}</span>,
	empty: <p>Who searches, opens, exports or traces, and who changes
		users, tokens and settings, is written here.</p>,
};
