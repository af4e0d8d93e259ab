// SPDX-License-Identifier: Apache-2.0
// Two messages side by side, header by header; order and letter case of the
// names do not matter, the order of equal names does.
import { headerKey, parts } from "./sip";

export interface DiffRow {
	name: string;
	a: string | null;
	b: string | null;
	same: boolean;
}

interface Line {
	key: string;
	name: string;
	value: string;
}

function linesOf(raw: string): Line[] {
	const p = parts(raw);
	const out: Line[] = [{ key: "\0start", name: "start line",
		value: p.start }];
	const seen = new Map<string, number>();
	const put = (key: string, name: string, value: string) => {
		const n = seen.get(key) ?? 0;
		seen.set(key, n + 1);
		out.push({ key: `${key}\0${n}`, name, value });
	};
	for (const h of p.headers)
		put(headerKey(h.name), h.name || "(no name)", h.value);
	for (const line of p.body.split(/\r?\n/))
		if (line)
			put("\0body" + (/^\w=/.exec(line)?.[0] ?? ""),
				/^\w=/.exec(line)?.[0] ?? "body", line);
	return out;
}

export function diff(rawA: string, rawB: string): DiffRow[] {
	const a = linesOf(rawA);
	const b = new Map(linesOf(rawB).map((l) => [l.key, l]));
	const rows: DiffRow[] = a.map((l) => {
		const other = b.get(l.key);
		b.delete(l.key);
		return {
			name: l.name, a: l.value, b: other ? other.value : null,
			same: other?.value === l.value,
		};
	});
	for (const l of b.values())
		rows.push({ name: l.name, a: null, b: l.value, same: false });
	return rows;
}

/** Where two values part and meet again: [head, a's, b's, tail]. */
export function split(a: string, b: string):
	[string, string, string, string] {
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head])
		head++;
	let tail = 0;
	while (tail < a.length - head && tail < b.length - head &&
		a[a.length - 1 - tail] === b[b.length - 1 - tail])
		tail++;
	return [a.slice(0, head), a.slice(head, a.length - tail),
		b.slice(head, b.length - tail), a.slice(a.length - tail)];
}
