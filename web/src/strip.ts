// SPDX-License-Identifier: Apache-2.0
// Where things stand on the strip of an account: registrations as bars,
// connects and disconnects as marks, calls as ticks. Pure.
import { millis } from "./time";
import type { AccountStory, ListRow } from "./types";

export interface StripBar {
	from: number;
	to: number;
	/** From here on it was unreachable; NaN: it was not. */
	lost: number;
	lane: number;
	row: ListRow;
}

export interface StripMark {
	at: number;
	row: ListRow;
}

export interface Strip {
	from: number;
	to: number;
	bars: StripBar[];
	lanes: number;
	marks: StripMark[];
	calls: StripMark[];
}

const time = (v: unknown) => millis(typeof v === "string" ? v : null);

// A phone that takes a new port each time leaves a bar each time.
const LANES_MOST = 8;

/** Bars side by side take a lane each, while there are some. */
function laid(bars: StripBar[]): number {
	const ends: number[] = [];
	for (const b of bars) {
		const free = ends.findIndex((end) => end <= b.from);
		b.lane = Math.min(free < 0 ? ends.length : free,
			LANES_MOST - 1);
		ends[b.lane] = Math.max(ends[b.lane] ?? b.to, b.to);
	}
	return Math.max(1, ends.length);
}

const MARGIN = 0.02;

/**
 * @param from, to  what is looked at, ms; NaN: what there is
 * @param now  the end of what has not ended
 */
export function stripOf(story: AccountStory, from: number, to: number,
	now: number): Strip {
	const bars = story.bindings.map((row): StripBar => {
		const ended = time(row.ended);
		const expires = time(row.expires);
		const end = isFinite(ended) ? ended : isFinite(expires) ?
			Math.min(expires, Math.max(now, time(row.at))) : now;
		return { from: time(row.at), to: end, lost: time(row.lost),
			lane: 0, row };
	}).filter((b) => isFinite(b.from)).sort((a, b) => a.from - b.from);
	const marksOf = (rows: ListRow[]) => rows.map((row) => (
		{ at: time(row.at), row })).filter((m) => isFinite(m.at));
	const marks = marksOf(story.sessions);
	const calls = marksOf(story.calls);
	const all = [...bars.flatMap((b) => [b.from, b.to]), ...[...marks,
		...calls].map((m) => m.at)];
	const first = isFinite(from) ? from : all.length ?
		all.reduce((a, b) => Math.min(a, b)) : now - 36e5;
	const last = isFinite(to) ? to : all.length ?
		Math.max(now, all.reduce((a, b) => Math.max(a, b))) : now;
	const room = isFinite(from) ? 0 : (last - first) * MARGIN;
	const seen = bars.filter((b) => b.to >= first && b.from <= last);
	return {
		from: first - room, to: Math.max(last, first + 1),
		bars: seen, lanes: laid(seen),
		marks: marks.filter((m) => m.at >= first && m.at <= last),
		calls: calls.filter((m) => m.at >= first && m.at <= last),
	};
}
