// SPDX-License-Identifier: Apache-2.0
// Where everything of a ladder stands: pure arithmetic, so that only the
// rows on the screen need to be drawn.
import type { Conversation, LadderMessage, Party } from "../types";

export const ROW = 34;
export const FINDING = 17;
export const GAP = 30;
export const HEAD = 48;
/** Longer silences than this are drawn as gaps, ms. */
export const GAP_MS = 3000;
/** Digits and letters of the ladder's face at 12 px. */
export const CHAR = 7.23;
export const SMALL_CHAR = 6.03;
export const SIDE = 60;
/** Least width where there are notes to read. */
const NOTE_WIDTH = 420;

/** What a server says of the conversation: a note across the ladder. */
export function isNote(m: LadderMessage): boolean {
	return m.kind === "event";
}

export interface LadderRow {
	kind: "message" | "gap";
	y: number;
	height: number;
	/** Index of the message; for a gap, of the one after it. */
	index: number;
	/** Which repetition this is; 0 when it is the first. */
	again: number;
	/** How often this message was repeated later. */
	repeats: number;
}

export interface Layout {
	rows: LadderRow[];
	/** rows[] index of a message. */
	rowOf: number[];
	x: number[];
	width: number;
	height: number;
}

export function layout(c: Conversation, column: number): Layout {
	const rows: LadderRow[] = [];
	const rowOf: number[] = [];
	const again = new Map<string, number>();
	let y = 6;
	c.messages.forEach((m, index) => {
		if (index > 0 && m.delta_ms > GAP_MS) {
			rows.push({ kind: "gap", y, height: GAP, index, again: 0,
				repeats: 0 });
			y += GAP;
		}
		let n = 0;
		if (m.retransmission_of) {
			n = (again.get(m.retransmission_of) ?? 0) + 1;
			again.set(m.retransmission_of, n);
		}
		const height = ROW + (m.findings.length ? FINDING : 0);
		rowOf[index] = rows.length;
		rows.push({ kind: "message", y, height, index, again: n,
			repeats: 0 });
		y += height;
	});
	c.messages.forEach((m, i) => {
		rows[rowOf[i]!]!.repeats = again.get(m.id) ?? 0;
	});
	const x = c.parties.map((_, i) => SIDE + i * column);
	const width = SIDE * 2 + Math.max(0, c.parties.length - 1) * column;
	return {
		rows, rowOf, x, height: y + 14,
		width: c.messages.some(isNote) ? Math.max(width, NOTE_WIDTH) :
			width,
	};
}

/** The rows that touch [top, bottom): [first, last). */
export function visibleRows(l: Layout, top: number, bottom: number):
	[number, number] {
	const below = (limit: number) => {
		let a = 0;
		let b = l.rows.length;
		while (a < b) {
			const mid = (a + b) >> 1;
			const r = l.rows[mid]!;
			if (r.y + r.height <= limit)
				a = mid + 1;
			else
				b = mid;
		}
		return a;
	};
	return [below(top), Math.min(l.rows.length, below(bottom) + 1)];
}

// A request starts here and goes no further than there: who they are.
const PERSONS = /^(INVITE|MESSAGE|SUBSCRIBE|REFER|NOTIFY|OPTIONS)$/;

function shortAgent(agent: string): string {
	return agent.replace(/\s*\(.*$/, "").slice(0, 24);
}

/** What stands on top of each column: a name, and the address below. */
export function partyNames(c: Conversation): { name: string;
	addr: string }[] {
	const names = c.parties.map((p: Party) => ({
		name: p.name || shortAgent(p.agent), addr: p.addr,
	}));
	const first = c.messages.find((m: LadderMessage) =>
		m.kind === "request");
	if (!first)
		return names;
	const sent = c.messages.filter((m) => m.kind === "request" &&
		m.method === first.method);
	// The first attempt may end at a proxy that asks for a password: those
	// that follow from the same sender count too, not a re-INVITE back.
	const own = new Set(sent.filter((m) => m.from_party ===
		first.from_party).map((m) => m.cseq));
	const hops = sent.filter((m) => own.has(m.cseq) &&
		m.from_user === first.from_user);
	// Who passes it on, or is a proxy by its answer, is not who is called.
	const between = new Set(hops.map((m) => m.from_party));
	for (const m of c.messages)
		if (m.kind === "reply" && m.status === 407)
			between.add(m.from_party);
	const ends = hops.filter((m) => !between.has(m.to_party));
	const put = (i: number, user: string) => {
		const n = names[i];
		if (n && user && !c.parties[i]!.name)
			n.name = user;
	};
	put(first.from_party, first.from_user);
	const last = ends[ends.length - 1];
	if (last && PERSONS.test(first.method))
		put(last.to_party, last.to_user);
	return names;
}
