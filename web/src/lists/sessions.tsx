// SPDX-License-Identifier: Apache-2.0
// SIP Sessions: who connected, registered, went.
import { ReconciledNow } from "../components/reconciled";
import { Recipe } from "../components/recipe";
import { hashOf, span } from "../router";
import type { ListRow } from "../types";
import { At, Badge, cssOf, listOf, Peers, RowLink, str } from "./looks";
import type { ListSpec } from "./spec";

/** What ended badly is told apart from what ended. */
function eventCss(r: ListRow): string {
	const event = str(r.event);
	const details = str(r.details);
	if (event === "DISCONNECT" && /ERROR|TIMEOUT/.test(details))
		return "c-s5xx";
	if (r.failed === true || (event === "REGISTER" &&
		/^[3-6]\d\d|^no /.test(details)))
		return "c-s4xx";
	return cssOf(event);
}

/** Beside the event there is no room for the mark. */
function Details(props: { r: ListRow }) {
	const { r } = props;
	return <>{str(r.details)}{r.inferred === true ? <>
		{r.details ? " " : null}
		<span class="mark" title={"No connection was seen: inferred " +
			"from the messages"}>inferred</span></> : null}</>;
}

export const SESSIONS: ListSpec = {
	id: "sessions", title: "SIP Sessions", one: "event", many: "events",
	placeholder: "peername == 909 and event == DISCONNECT",
	keyOf: (r) => str(r.id) || [r.at, r.event, r.peername, r.remote]
		.map(str).join("|"),
	looks: [
		{ name: "at", least: 172, mono: true, usual: true, card: "when",
			cell: (r, card) => <At row={r} column="at" card={card} /> },
		{ name: "event", least: 112, usual: true, card: "lead",
			cell: (r) => <Badge word={str(r.event)} css={eventCss(r)} /> },
		{ name: "source", least: 54, usual: true },
		{ name: "peername", linked: true, least: 74, grow: 0.5, usual: true,
			card: "one", ask: (r) => str(r.peername).includes(",") ? "" :
				str(r.peername),
			cell: (r) => <Peers value={r.peername} page="sessions"
				column="peername" title="The events of" /> },
		{ name: "account", least: 66, grow: 0.7, usual: true,
			card: "two" },
		{ name: "details", least: 128, grow: 0.6, usual: true,
			card: "end", cell: (r) => <Details r={r} /> },
		{ name: "user_agent", least: 60, grow: 1, usual: true },
		{ name: "remote", least: 142, grow: 0.4, mono: true,
			usual: true },
		{ name: "tls_cipher", least: 56, grow: 0.3, usual: true,
			mono: true },
		{ name: "reconciled", least: 72, usual: true },
		{ name: "tls_version", least: 70, mono: true },
		{ name: "inferred", least: 64 },
		{ name: "transport", least: 70 },
		{ name: "connection", linked: true, least: 140, mono: true,
			cell: (r) => r.connection ? <RowLink href={listOf(
				"connections", "connection", str(r.connection),
				{ from: "all", to: "" })} title="The connection">
				{str(r.connection)}</RowLink> : null },
		{ name: "reason", least: 180, grow: 1 },
	],
	series: {
		by: "event", label: "Events over time",
		kinds: { words: (n) => n, css: cssOf,
			term: (n) => `event == ${n}` },
	},
	facets: [
		{ by: ["event"], title: "Events", css: cssOf },
		{ by: ["details"], title: "How connections ended",
			only: "event == DISCONNECT" },
		{ by: ["peername"], title: "Busiest users" },
		{ by: ["user_agent"], title: "User agents",
			only: "event == REGISTER" },
		{ by: ["remote"], title: "Addresses" },
		{ by: ["tls_version"], title: "TLS" },
	],
	note: () => <ReconciledNow />,
	switches: [{ param: "failures", title: "Show failures",
		help: "registrations that were refused, too" }],
	examples: [
		["peername == 909", "one user, with the connections bound to him"],
		["event == DISCONNECT and details == NETWORK_ERROR",
			"phones that were cut off"],
		["not reconciled", "connections that nobody registered over"],
		["tls_version in (\"TLSv1.0\", \"TLSv1.1\")", "old TLS"],
		["user_agent has snom", "contains, any case"],
	],
	head: (r) => <Badge big word={str(r.event)} css={eventCss(r)} />,
	leads: (r) => r.call_id ? {
		href: hashOf("conversation", String(r.call_id), span()),
		words: "Conversation", icon: "ladder",
	} : r.peername && !str(r.peername).includes(",") ? {
		href: listOf("accounts", "username", String(r.peername),
			{ at: "span" }),
		words: "Registrations", icon: "accounts",
	} : null,
	panel: (r) => r.reason ? <p class="note-line">
		<span>{str(r.reason)}</span></p> : null,
	empty: <>
		<p>A row is made for each registration that was accepted or
			removed, and for each connection that opened or closed.
			REGISTERs reach Earshot like any message; connections are
			seen by a live capture, and inferred from messages over TCP
			and TLS otherwise.</p>
		<Recipe title="earshot.conf: capture what passes this machine"
			text={"capture eth0 {\n  device = \"eth0\"\n}\n"} />
	</>,
};
