// SPDX-License-Identifier: Apache-2.0
// The whole ladder as one SVG file, and as text.
import { render } from "preact";
import { clockText, dateText, durationText, millis } from "../time";
import { cut, oneLine } from "../text";
import type { Conversation } from "../types";
import { GUTTER } from "./ladder";
import { CHAR, HEAD, isNote, layout, partyNames } from "./layout";
import { GapRow, MessageRow, NoteRow, TimeCells } from "./row";

// A file has no style sheet beside it: its colours travel with it.
const COLOURS: Record<string, string> = {
	request: "#24598f", s1xx: "#6b5d00", s2xx: "#1a7038", s3xx: "#6f42a8",
	s4xx: "#a34a00", s5xx: "#b3201c", s6xx: "#8a1759", other: "#565d64",
};

const STYLE = `text{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",
monospace;fill:#1c2023}.page,.paper{fill:#fff}.life{stroke:#c4c8cc}
.party-name{font-weight:600}.party-addr,.delta,.gap-text,.chip text,
.finding-text{font-size:10px;fill:#565d64}.finding-text{fill:#8a4b00}
.line{stroke-width:1.4}.again .line{stroke-dasharray:5 3}
.banner{fill:#eef0f2}.banner-edge{stroke:#565d64;stroke-width:3}
.chip rect{fill:#eef0f2}.lock{fill:#565d64}.wave{stroke:#c4c8cc}` +
	Object.entries(COLOURS).map(([name, colour]) =>
		`.c-${name} .line{stroke:${colour}}.c-${name} .label,` +
		`.c-${name} .head,.c-${name} .from{fill:${colour}}`).join("");

const COLUMN = 220;
const TITLE = 44;

export function ladderSvg(c: Conversation, zone: "local" | "utc"): string {
	const l = layout(c, COLUMN);
	const names = partyNames(c);
	const width = GUTTER + l.width;
	const height = TITLE + HEAD + l.height;
	const holder = document.createElement("div");
	render(<svg xmlns="http://www.w3.org/2000/svg" width={width}
		height={height} viewBox={`0 0 ${width} ${height}`}>
		<rect class="page" width={width} height={height} />
		<text x="10" y="20" class="party-name">
			{cut(oneLine(c.call_id), 100)}</text>
		<text x="10" y="36" class="party-addr">
			{dateText(millis(c.first), zone)} ({zone === "utc" ? "UTC" :
				"local time"}), {c.messages.length} messages. {" "}
			{cut(oneLine(c.summary), 120)}</text>
		<g transform={`translate(${GUTTER} ${TITLE})`}>
			{names.map((n, i) => <g key={i}>
				<text class="party-name" x={l.x[i]} y="20"
					text-anchor="middle">{cut(oneLine(n.name || n.addr),
						Math.floor(COLUMN / CHAR))}</text>
				<text class="party-addr" x={l.x[i]} y="36"
					text-anchor="middle">{n.addr}</text></g>)}
		</g>
		<g transform={`translate(0 ${TITLE + HEAD})`}>
			{l.rows.map((row) => row.kind === "gap" ? null :
				<TimeCells key={row.index} row={row} narrow={false}
					zone={zone} m={c.messages[row.index]!}
					first={row.index === 0} />)}
		</g>
		<g transform={`translate(${GUTTER} ${TITLE + HEAD})`}>
			{l.x.map((x) => <line key={x} class="life" x1={x} x2={x}
				y1="0" y2={l.height} />)}
			{l.rows.map((row, i) => row.kind === "gap" ?
				<GapRow key={i} l={l} row={row}
					ms={c.messages[row.index]!.delta_ms} /> :
				isNote(c.messages[row.index]!) ?
					<NoteRow key={i} l={l} row={row}
						m={c.messages[row.index]!} /> :
					<MessageRow key={i} l={l} row={row}
						m={c.messages[row.index]!} />)}
		</g>
	</svg>, holder);
	const text = new XMLSerializer().serializeToString(
		holder.firstElementChild!);
	render(null, holder);
	// The style goes in as text: in the page it would break the policy.
	const end = text.indexOf(">") + 1;
	return text.slice(0, end) + `<style>${STYLE}</style>` + text.slice(end);
}

const WIDE = 30;

/** The ladder in letters, for a mail or a ticket. */
export function ladderText(c: Conversation, zone: "local" | "utc"): string {
	const names = partyNames(c);
	const left = 27;
	const at = (i: number) => Math.floor(WIDE / 2) + i * WIDE;
	const line = (fill: (cells: string[]) => void) => {
		const cells = Array<string>(names.length * WIDE).fill(" ");
		fill(cells);
		return cells.join("").trimEnd();
	};
	const write = (cells: string[], from: number, text: string) => {
		for (let i = 0; i < text.length && from + i < cells.length; i++)
			if (from + i >= 0)
				cells[from + i] = text[i]!;
	};
	const centred = (cells: string[], middle: number, text: string) =>
		write(cells, Math.max(0, middle - (text.length >> 1)), text);
	const out = [`Call-ID: ${oneLine(c.call_id)}`,
		`Date:    ${dateText(millis(c.first), zone)} ` +
			(zone === "utc" ? "UTC" : "local time"),
		...(c.summary ? [`Summary: ${oneLine(c.summary)}`] : []), "",
		" ".repeat(left) + line((cells) => names.forEach((n, i) =>
			centred(cells, at(i), cut(oneLine(n.name), WIDE - 2)))),
		" ".repeat(left) + line((cells) => names.forEach((n, i) =>
			centred(cells, at(i), cut(n.addr, WIDE - 2))))];
	const lives = (cells: string[]) => names.forEach((_, i) => {
		cells[at(i)] = "|";
	});
	const when = (k: number) => (clockText(millis(c.messages[k]!.at), zone) +
		" " + (k ? "+" + durationText(c.messages[k]!.delta_ms) : "")
		.padStart(13)).padEnd(left);
	c.messages.forEach((m, k) => {
		if (isNote(m)) {
			out.push(" ".repeat(left) + line(lives));
			out.push(`${when(k)}   .. ${oneLine(m.label)}`);
			return;
		}
		const a = at(m.from_party);
		const b = m.from_party === m.to_party ? a + 8 : at(m.to_party);
		const [p, q] = [Math.min(a, b), Math.max(a, b)];
		const label = cut(oneLine(m.label) + (m.sdp ? " (SDP)" : "") +
			(m.retransmission_of ? " (again)" : ""), q - p - 2);
		const dash = m.retransmission_of ? "- " : "--";
		out.push(" ".repeat(left) + line((cells) => {
			lives(cells);
			centred(cells, (p + q) >> 1, label);
		}));
		out.push(when(k) +
			line((cells) => {
				lives(cells);
				for (let i = p + 1; i < q; i++)
					cells[i] = dash[(i - p - 1) % 2]!;
				cells[b > a ? q - 1 : p + 1] = b > a ? ">" : "<";
			}));
	});
	return out.join("\n") + "\n";
}
