// SPDX-License-Identifier: Apache-2.0
// One row of a ladder, as SVG; the same for the screen, paper and file.
import { cssClass } from "../classes";
import { cut, oneLine } from "../text";
import { clockText, durationText, millis } from "../time";
import type { LadderMessage } from "../types";
import {
	CHAR, FINDING, isNote, SMALL_CHAR, type LadderRow, type Layout,
} from "./layout";

const ARROW = 7;
const LOOP = 56;
const LOCK = 10;

function isSecure(m: LadderMessage): boolean {
	return /^(tls|wss|secure)$/.test(m.transport);
}

interface Mark {
	text: string;
	kind: string;
}

function marks(m: LadderMessage, row: LadderRow): Mark[] {
	const list: Mark[] = [];
	if (m.sdp)
		list.push({ text: "SDP", kind: "m-sdp" });
	if (isSecure(m))
		list.push({ text: "", kind: "m-tls" });
	if (m.malformed)
		list.push({ text: "malformed", kind: "m-bad" });
	if (row.again)
		list.push({ text: `again ${row.again}`, kind: "m-again" });
	else if (row.repeats)
		list.push({ text: `sent ${row.repeats + 1}×`, kind: "m-again" });
	return list;
}

/** What one who hears the page hears after the words of the arrow. */
export function rowWords(m: LadderMessage, parties: string[]): string {
	if (isNote(m))
		return ", log event";
	return (isSecure(m) ? ` ${m.transport}, ` : ", ") +
		`${parties[m.from_party] ?? m.src} to ` +
		(parties[m.to_party] ?? m.dst);
}

export function MessageRow(props: { l: Layout; row: LadderRow;
	m: LadderMessage }) {
	const { l, row, m } = props;
	const y = row.y + 23;
	const a = l.x[m.from_party] ?? l.x[0] ?? 0;
	const self = m.from_party === m.to_party;
	const b = self ? a + LOOP : l.x[m.to_party] ?? a;
	const room = Math.max(Math.abs(b - a) - 10, 60);
	const list = marks(m, row);
	const chips = list.map((k) => k.text ?
		k.text.length * SMALL_CHAR + 8 : LOCK);
	const chipsWidth = chips.reduce((n, w) => n + w + 4, 0);
	const label = cut(oneLine(m.label), Math.max(6,
		Math.floor((room - chipsWidth) / CHAR)));
	const labelWidth = label.length * CHAR;
	const whole = labelWidth + (list.length ? 4 : 0) + chipsWidth;
	let x = self ? a + 10 : Math.max((a + b) / 2 - whole / 2,
		Math.min(a, b) + 8);
	const start = x;
	x += labelWidth + 6;
	const dir = b > a ? 1 : -1;
	const first = m.findings[0];
	return <g class={"arrow " + cssClass(m.class) +
		(m.retransmission_of ? " again" : "")}>
		<rect class="paper" x={start - 3} y={y - 18} width={whole + 6}
			height="15" />
		<text class="label" x={start} y={y - 6}>{label}</text>
		{list.map((k, i) => {
			const at = x;
			x += chips[i]! + 4;
			// Encrypted on the way: a padlock.
			if (!k.text)
				return <path key="lock" class="lock" d={`M${at + 1} ` +
					`${y - 11.500}h8v6h-8zM${at + 2.800} ${y - 11.500}v-1.600` +
					"a2.200 2.200 0 0 1 4.400 0v1.600h-1.200v-1.600a1 1 0 0 0-2 0" +
					"v1.600z"} />;
			return <g key={k.text} class={"chip " + k.kind}>
				<rect x={at} y={y - 16.500} width={chips[i]} height="13"
					rx="3" />
				<text x={at + 4} y={y - 6.500}>{k.text}</text>
			</g>;
		})}
		{self ? <path class="line" fill="none"
			d={`M${a} ${y}h${LOOP - 8}v7h${8 - LOOP + ARROW}`} /> :
			<line class="line" x1={a} x2={b - dir * ARROW} y1={y}
				y2={y} />}
		<path class="head" d={self ?
			`M${a} ${y + 7}l${ARROW} -4v8z` :
			`M${b} ${y}l${-dir * (ARROW + 2)} -4.500v9z`} />
		<circle class="from" cx={a} cy={y} r="2.500" />
		{first ? <text class="finding-text" y={y + FINDING - 1}
			x={Math.min(a, b) + 8}>{"⚠ " + cut(oneLine(first.text) +
				(m.findings.length > 1 ?
					` (+${m.findings.length - 1})` : ""), Math.max(24,
				Math.floor((l.width - Math.min(a, b)) / SMALL_CHAR)))}
		</text> : null}
	</g>;
}

/** A log event: a banner from side to side. */
export function NoteRow(props: { l: Layout; row: LadderRow;
	m: LadderMessage }) {
	const { l, row, m } = props;
	const y = row.y + 5;
	return <g class="note-row">
		<rect class="banner" x="8" y={y} width={l.width - 16} height="24"
			rx="4" />
		<path class="banner-edge" d={`M10 ${y + 4}v16`} />
		<text class="note-text" x="20" y={y + 16}>{cut(oneLine(m.label),
			Math.floor((l.width - 36) / CHAR))}</text>
	</g>;
}

export function GapRow(props: { l: Layout; row: LadderRow; ms: number }) {
	const { l, row } = props;
	const y = row.y;
	const mid = l.width / 2;
	const text = `${durationText(props.ms)} of silence`;
	const w = text.length * SMALL_CHAR + 12;
	return <g class="gap">
		{l.x.map((x) => <g key={x}>
			<rect class="paper" x={x - 4} y={y} width="8"
				height={row.height} />
			<path class="wave" fill="none" d={`M${x} ${y}v5l4 3-8 5 8 5` +
				`-4 3v${row.height - 21}`} />
		</g>)}
		<rect class="paper" x={mid - w / 2} y={y + row.height / 2 - 8}
			width={w} height="16" />
		<text class="gap-text" x={mid} y={y + row.height / 2 + 4}
			text-anchor="middle">{text}</text>
	</g>;
}

/** Time and distance, left of a row. */
export function TimeCells(props: { row: LadderRow; m: LadderMessage;
	first: boolean; narrow: boolean; zone: "local" | "utc" }) {
	const { row, m, narrow } = props;
	const y = row.y + 26;
	const clock = clockText(millis(m.at), props.zone);
	return <g class="time-cells">
		<text class="clock" x={narrow ? 6 : 10} y={y}>{narrow ?
			clock.slice(3) : clock}</text>
		{narrow ? null : <text class="delta" x="162" y={y}
			text-anchor="end">{props.first ? "" :
				"+" + durationText(m.delta_ms)}</text>}
	</g>;
}
