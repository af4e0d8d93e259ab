// SPDX-License-Identifier: Apache-2.0
// Registered Accounts: who is on line, now or as of then.
import { hashOf, span } from "../router";
import { millis } from "../time";
import type { ListRow } from "../types";
import { At, Badge, cssOf, fromNow, Peers, RowLink, str } from "./looks";
import type { ListSpec } from "./spec";

export function accountPage(r: ListRow): string {
	return hashOf("account", String(r.id), span());
}

/** A binding is told by its account and where and since when it is. */
function keyOf(r: ListRow): string {
	return [r.id, r.at, r.contact, r.ip, r.port].map(str).join("|");
}

export const ACCOUNTS: ListSpec = {
	id: "accounts", title: "Registered Accounts", one: "registration",
	many: "registrations", moment: true,
	placeholder: "user_agent has snom and state == \"on line\"", keyOf,
	looks: [
		{ name: "id", mute: true, least: 62, mono: true, usual: true,
			cell: (r) => <RowLink href={accountPage(r)}
				title={`The story of account ${str(r.id)}`}>
				{str(r.id)}</RowLink> },
		{ name: "username", linked: true, least: 110, grow: 0.8, usual: true,
			card: "one", cell: (r) => <Peers value={r.username}
				page="sessions" column="peername"
				title="The events of" /> },
		{ name: "state", least: 112, usual: true, card: "lead",
			cell: (r) => <Badge word={str(r.state)} /> },
		{ name: "ip", least: 120, mono: true, usual: true, card: "two" },
		{ name: "port", least: 62, mono: true, usual: true },
		{ name: "description", least: 130, grow: 1, usual: true },
		{ name: "expires", least: 156, mono: true, usual: true,
			card: "when", coarse: true,
			cell: (r, card) => <span title={fromNow(r.expires)}>
				{card && r.expires ? "until " : null}
				<At row={r} column="expires" card={card} coarse />
			</span> },
		{ name: "user_agent", least: 150, grow: 1.1, usual: true,
			card: "end" },
		{ name: "at", least: 168, mono: true },
		{ name: "contact", least: 180, grow: 1.2, mono: true },
		{ name: "margin_s", least: 74 },
		{ name: "refreshed", least: 168, mono: true },
	],
	rowClass: (r) => str(r.state) === "unreachable" ? "r-unreachable" : "",
	series: {
		by: "event", of: "sessions", label: "Registrations over time",
		kinds: { words: (n) => n, css: cssOf,
			term: (n) => `event == ${n}` },
	},
	facets: [
		{ by: ["state"], title: "State", css: cssOf },
		{ by: ["user_agent"], title: "User agents" },
		{ by: ["transport"], title: "Transport" },
		{ by: ["ip"], title: "Addresses" },
		{ by: ["domain"], title: "Domains" },
	],
	examples: [
		["state == unreachable", "registered, but the connection is gone"],
		["username == 909", "one user"],
		["user_agent has snom", "contains, any case"],
		["margin_s < 30", "phones that refresh too late"],
	],
	head: (r) => <Badge big word={str(r.state)} />,
	leads: (r) => r.id ? { href: accountPage(r), words: "Account",
		icon: "accounts" } : null,
	panel: (r) => {
		const left = millis(str(r.expires)) - Date.now();
		return <p class="panel-words"><b>{str(r.username)}</b> is{" "}
			{str(r.state)}{isFinite(left) ? <>; its registration{" "}
				{left > 0 ? "ends" : "ended"} {fromNow(r.expires)}</> :
				null}.</p>;
	},
	empty: <p>A row is a registration that holds: a REGISTER that was
		accepted and has not run out. Ask for another moment, or wait for
		the next refresh: phones send one every few minutes.</p>,
};
