// SPDX-License-Identifier: Apache-2.0
// The time of an account in one picture. What it shows stands in the tables
// below it too.
import { useCell } from "../cell";
import { cssOf, str } from "../lists/looks";
import { zone } from "../settings";
import type { Strip } from "../strip";
import { timeText } from "../time";
import type { ListRow } from "../types";
import { ticks, useWidth } from "./histogram";

const LANE = 12;
const GAP = 3;
const LABELS = 92;
const ROW = 20;
const AXIS = 18;

function Lane(props: { y: number; words: string }) {
	return <text class="lane-name" x="0" y={props.y}>{props.words}</text>;
}

export function StripView(props: { strip: Strip }) {
	const { strip: s } = props;
	const z = useCell(zone);
	const { ref, width } = useWidth();
	const labels = width < 500 ? 0 : LABELS;
	const plot = Math.max(1, width - labels);
	const x = (ms: number) => labels + Math.min(Math.max((ms - s.from) /
		(s.to - s.from), 0), 1) * plot;
	const bars = Math.max(ROW, s.lanes * (LANE + GAP) + 5);
	const marksAt = bars + ROW / 2;
	const callsAt = bars + ROW + ROW / 2;
	const height = bars + 2 * ROW + AXIS;
	const words = (r: ListRow, ...names: string[]) =>
		[timeText(Date.parse(str(r.at)), z), ...names.map((n) =>
			str(r[n])).filter((t) => t)].join(" ");
	return <figure class="strip" ref={ref}>
		{width ? <svg width={width} height={height} role="img"
			aria-label={`${s.bars.length} registrations, ` +
				`${s.marks.length} events and ${s.calls.length} calls ` +
				"over time; the tables below list them"}>
			{labels ? <><Lane y={14} words="Registered" />
				<Lane y={marksAt + 4} words="Connection" />
				<Lane y={callsAt + 4} words="Calls" /></> : null}
			{[bars, bars + ROW, bars + 2 * ROW].map((y) => <line key={y}
				class="grid" x1={labels} x2={width} y1={y} y2={y} />)}
			{s.bars.map((b, i) => {
				const y = 4 + b.lane * (LANE + GAP);
				const end = isFinite(b.lost) ? b.lost : b.to;
				return <g key={i}>
					<rect class="bound" x={x(b.from)} y={y} rx="2"
						height={LANE} width={Math.max(x(end) -
							x(b.from), 2)}>
						<title>{words(b.row, "state", "contact")}</title>
					</rect>
					{isFinite(b.lost) ? <rect class="lost" y={y} rx="2"
						x={x(b.lost)} height={LANE}
						width={Math.max(x(b.to) - x(b.lost), 2)}>
						<title>unreachable since{" "}
							{timeText(b.lost, z)}</title></rect> : null}
				</g>;
			})}
			{s.marks.map((m, i) => {
				const event = str(m.row.event);
				const at = x(m.at);
				const css = /ERROR|TIMEOUT/.test(str(m.row.details)) ?
					"c-s5xx" : cssOf(event);
				return event === "CONNECT" || event === "DISCONNECT" ?
					<path key={i} class={"mark-of " + css} d={
						event === "CONNECT" ?
							`M${at} ${marksAt - 6}l5 10h-10z` :
							`M${at - 4} ${marksAt - 4}l8 8m0-8l-8 8`}>
						<title>{words(m.row, "event", "details",
							"remote")}</title></path> :
					<line key={i} class={"tick-of " + css} x1={at} x2={at}
						y1={bars - 4} y2={bars}>
						<title>{words(m.row, "event", "details")}</title>
					</line>;
			})}
			{s.calls.map((m, i) => <line key={i} class={"call-of " +
				cssOf(str(m.row.disposition))} x1={x(m.at)} x2={x(m.at)}
				y1={callsAt - 6} y2={callsAt + 6}>
				<title>{words(m.row, "src", "dst", "disposition")}</title>
			</line>)}
			{ticks(s.from, s.to, plot, z).map((t) => <g key={t.at}>
				<line class="tick" x1={x(t.at)} x2={x(t.at)}
					y1={bars + 2 * ROW} y2={bars + 2 * ROW + 4} />
				<text class="xtick" x={x(t.at)} y={height - 4}
					text-anchor={x(t.at) < labels + 30 ? "start" :
						x(t.at) > width - 30 ? "end" : "middle"}>
					{t.text}</text></g>)}
		</svg> : null}
		<figcaption class="strip-key">
			<span><i class="key-bar bound" />registered</span>
			<span><i class="key-bar lost" />registered, but
				unreachable</span>
			<span>▲ connected</span><span>✕ disconnected</span>
			<span>| calls, by disposition</span>
		</figcaption>
	</figure>;
}
