// SPDX-License-Identifier: Apache-2.0
// The sentence on top of a ladder. Where it names a message, the words lead
// to its arrow.
import { oneLine } from "../text";
import type { LadderMessage } from "../types";

export function Summary(props: { text: string; messages: LadderMessage[];
	onSelect: (id: string) => void }) {
	// The last message of a name: a sentence speaks of outcomes.
	const byLabel = new Map<string, string>();
	for (const m of props.messages) {
		byLabel.set(oneLine(m.label), m.id);
		if (m.kind === "reply" && m.status)
			byLabel.set(String(m.status), m.id);
	}
	const names = [...byLabel.keys()].filter((n) => n.length > 2)
		.sort((a, b) => b.length - a.length);
	if (!names.length)
		return <p class="summary">{oneLine(props.text)}</p>;
	const any = new RegExp("(?<![\\w])(" + names.map((n) =>
		n.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&")).join("|") +
		")(?![\\w])", "g");
	const out = [];
	let at = 0;
	const text = oneLine(props.text);
	for (const hit of text.matchAll(any)) {
		out.push(text.slice(at, hit.index));
		const id = byLabel.get(hit[1]!)!;
		out.push(<button type="button" class="link" key={hit.index}
			onClick={() => props.onSelect(id)}>{hit[1]}</button>);
		at = hit.index! + hit[0].length;
	}
	out.push(text.slice(at));
	return <p class="summary">{out}</p>;
}
