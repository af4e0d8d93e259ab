// SPDX-License-Identifier: Apache-2.0
// The ladder on the screen: parties stay on top, times stay at the left, and
// only the rows in view are drawn.
import { useEffect, useLayoutEffect, useMemo, useRef, useState }
	from "preact/hooks";
import { useCell } from "../cell";
import { zone } from "../settings";
import { cut, oneLine } from "../text";
import { exactText } from "../time";
import type { Conversation } from "../types";
import { CHAR, HEAD, isNote, layout, partyNames, visibleRows }
	from "./layout";
import { GapRow, MessageRow, NoteRow, rowWords, TimeCells } from "./row";

const OVERSCAN_PX = 400;
// Up to here all of it is drawn once there is time, so that the browser's own
// search finds it.
const DRAW_ALL = 600;
const LATER_MS = 60;

export const GUTTER = 172;
export const GUTTER_NARROW = 84;

export function Ladder(props: {
	c: Conversation;
	column: number;
	narrow: boolean;
	selected: string;
	second: string;
	onSelect: (id: string, withSecond: boolean) => void;
}) {
	const { c, narrow } = props;
	const begun = performance.now();
	const z = useCell(zone);
	const l = useMemo(() => layout(c, props.column), [c, props.column]);
	const names = useMemo(() => partyNames(c), [c]);
	const [lit, setLit] = useState(-1);
	const box = useRef<HTMLDivElement>(null);
	const [view, setView] = useState({ top: 0, height: 900 });
	const [whole, setWhole] = useState(false);
	const read = () => {
		const el = box.current;
		if (el)
			setView((v) => v.top === el.scrollTop &&
				v.height === el.clientHeight ? v :
				{ top: el.scrollTop, height: el.clientHeight });
	};
	useEffect(() => {
		const draw = () => setWhole(true);
		const timer = c.messages.length <= DRAW_ALL ?
			setTimeout(draw, LATER_MS) : 0;
		addEventListener("beforeprint", draw);
		return () => {
			clearTimeout(timer);
			removeEventListener("beforeprint", draw);
		};
	}, [c]);
	useLayoutEffect(() => {
		read();
		const see = new ResizeObserver(read);
		see.observe(box.current!);
		performance.measure("ladder", { start: begun });
		return () => see.disconnect();
	}, [c]);

	// What is chosen is in view.
	const chosen = c.messages.findIndex((m) => m.id === props.selected);
	useEffect(() => {
		const el = box.current;
		const row = chosen >= 0 ? l.rows[l.rowOf[chosen]!] : undefined;
		if (!el || !row)
			return;
		const room = el.clientHeight - HEAD;
		if (row.y < el.scrollTop + 8)
			el.scrollTop = row.y - 40;
		else if (row.y + row.height > el.scrollTop + room)
			el.scrollTop = row.y + row.height - room + 40;
	}, [chosen, l]);

	const [first, last] = whole ? [0, l.rows.length] : visibleRows(l, view.top - OVERSCAN_PX,
			view.top + view.height + OVERSCAN_PX);
	const rows = l.rows.slice(first, last);
	const gutter = narrow ? GUTTER_NARROW : GUTTER;
	const words = names.map((n) => n.name || n.addr);
	const nameRoom = Math.floor((props.column - 12) / CHAR);
	const litTx = lit >= 0 ? lit : c.messages[chosen]?.transaction ?? -1;

	return <div class="ladder" ref={box} onScroll={read} tabIndex={0}
		role="region" aria-label="Ladder">
		<div class="ladder-in" style={{
			width: `${gutter + l.width}px`,
		}}>
			<div class="ladder-head" style={{ height: `${HEAD}px` }}>
				<div class="corner" style={{ width: `${gutter}px` }}>
					{narrow ? "time" : <><span>time</span>
						<span>since the one before</span></>}</div>
				<svg width={l.width} height={HEAD} role="img"
					aria-label={"Parties: " + words.join(", ")}>
					{names.map((n, i) => <g key={i} class="party">
						<title>{`${n.addr}\n${c.parties[i]!.agent}`}
						</title>
						<text class="party-name" x={l.x[i]} y="20"
							text-anchor="middle">{cut(oneLine(n.name ||
								n.addr), nameRoom)}</text>
						{n.name ? <text class="party-addr" x={l.x[i]}
							y="36" text-anchor="middle">
							{cut(n.addr, nameRoom + 2)}</text> : null}
					</g>)}
				</svg>
			</div>
			<div class="ladder-body">
				<svg class="gutter" width={gutter} height={l.height}
					aria-hidden="true">
					{rows.map((row) => row.kind === "gap" ? null :
						<g key={row.index}>
							<title>{exactText(
								c.messages[row.index]!.at)}</title>
							<TimeCells row={row} narrow={narrow} zone={z}
								m={c.messages[row.index]!}
								first={row.index === 0} />
						</g>)}
				</svg>
				<svg class="lanes" width={l.width} height={l.height}
					role="group" aria-label="Messages"
					onPointerLeave={() => setLit(-1)}>
					{l.x.map((x) => <line key={x} class="life" x1={x}
						x2={x} y1="0" y2={l.height} />)}
					{rows.map((row) => {
						const m = c.messages[row.index]!;
						if (row.kind === "gap")
							return <GapRow key={`g${row.index}`} l={l}
								row={row} ms={m.delta_ms} />;
						const on = m.id === props.selected;
						const note = isNote(m);
						return <g key={row.index} role="button"
							class={"msg" + (on ? " on" : "") +
								(m.id === props.second ? " second" : "") +
								(!note && m.transaction === litTx ?
									" lit" : "")}
							aria-pressed={on}
							onPointerEnter={() => setLit(note ? -1 :
								m.transaction)}
							onClick={(e) => props.onSelect(m.id,
								e.shiftKey || e.ctrlKey || e.metaKey)}>
							<rect class="band" x="0" y={row.y}
								width={l.width} height={row.height} />
							{note ? <NoteRow l={l} row={row} m={m} /> :
								<MessageRow l={l} row={row} m={m} />}
							<text class="heard" x="0" y={row.y}>
								{rowWords(m, words)}</text>
						</g>;
					})}
				</svg>
			</div>
		</div>
	</div>;
}
