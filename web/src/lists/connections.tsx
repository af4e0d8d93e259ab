// SPDX-License-Identifier: Apache-2.0
// Connections: each TCP, TLS or WebSocket connection from its opening to its
// end, with what its handshake said.
import type { ListRow } from "../types";
import { At, Badge, listOf, Peers, str } from "./looks";
import type { ListSpec } from "./spec";

function css(cause: string): string {
	return !cause ? "c-s2xx" : /ERROR|TIMEOUT/.test(cause) ? "c-s5xx" :
		"c-other";
}

const state = (r: ListRow) => r.closed ? str(r.cause) || "closed" : "up";

export const CONNECTIONS: ListSpec = {
	id: "connections", title: "Connections", one: "connection",
	many: "connections", placeholder: "peername == 909 and transport == tls",
	keyOf: (r) => str(r.id) || [r.at, r.client].map(str).join("|"),
	looks: [
		{ name: "at", least: 172, mono: true, usual: true, card: "when",
			cell: (r, card) => <At row={r} column="at" card={card} /> },
		{ name: "client", least: 148, grow: 0.4, mono: true, usual: true,
			card: "one" },
		{ name: "server", least: 148, grow: 0.4, mono: true,
			usual: true },
		{ name: "peername", linked: true, least: 78, grow: 0.7, usual: true,
			card: "two", ask: (r) => str(r.peername).includes(",") ? "" :
				str(r.peername),
			cell: (r) => <Peers value={r.peername} page="sessions"
				column="peername" title="The events of" /> },
		{ name: "transport", least: 66, usual: true },
		{ name: "closed", least: 172, mono: true,
			cell: (r) => <At row={r} column="closed" card={false} /> },
		{ name: "cause", least: 124, usual: true, card: "lead",
			cell: (r) => <Badge word={state(r)} css={css(r.closed ?
				str(r.cause) || "closed" : "")} /> },
		{ name: "closed_by", least: 70 },
		{ name: "messages", least: 74, usual: true },
		{ name: "tls_version", least: 78, usual: true, mono: true },
		{ name: "tls_cipher", least: 56, grow: 0.8, usual: true, mono: true },
		{ name: "sni", least: 120, grow: 0.8, card: "end" },
		{ name: "bytes_in", least: 84 }, { name: "bytes_out", least: 84 },
	],
	facets: [
		{ by: ["cause"], title: "How they ended", css },
		{ by: ["transport"], title: "Transport" },
		{ by: ["tls_version"], title: "TLS version" },
		{ by: ["tls_cipher"], title: "TLS cipher" },
		{ by: ["peername"], title: "Users" },
		{ by: ["server"], title: "Servers" },
	],
	series: {
		by: "cause", label: "Connections by how they ended",
		kinds: { words: (n) => n || "up", css,
			term: (n) => n ? `cause == ${n}` : "not closed" },
	},
	examples: [
		["cause == NETWORK_ERROR", "reset, or no longer reachable"],
		["peername == 909", "the connections of one user"],
		["tls_version in (\"TLSv1.0\", \"TLSv1.1\")", "old TLS"],
		["alert", "ended by a TLS alert"],
		["messages == 0", "opened, and nothing was said"],
	],
	head: (r) => <Badge big word={state(r)} css={css(r.closed ?
		str(r.cause) || "closed" : "")} />,
	leads: (r) => r.connection ? { href: listOf("sessions", "connection",
		str(r.connection), { from: "all", to: "" }), words: "Its events",
	icon: "sessions" } : null,
	empty: <p>A row is made for each connection over TCP, TLS or WebSocket
		that a live capture sees, or that messages were sent over.</p>,
};
