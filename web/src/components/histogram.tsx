// SPDX-License-Identifier: Apache-2.0
// What matches over time, stacked by kind. Drag over a part to narrow the
// span to it.
import type { RefObject } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useCell } from "../cell";
import { zone } from "../settings";
import { count } from "../text";
import { clockText, dateText, durationText, millis, timeText } from "../time";
import type { Histogram } from "../types";

/** Whatever is counted over time. */
export type Pictured = Pick<Histogram, "from" | "step_ms" | "classes" |
	"buckets">;

const HEIGHT = 92;
const TOP = 8;
const AXIS = 18;
const DRAG_LEAST_PX = 4;

// Distances of ticks that people count in, ms.
const STEPS = [1, 10, 100, 500, 1e3, 5e3, 15e3, 3e4, 6e4, 3e5, 9e5, 18e5,
	36e5, 108e5, 216e5, 432e5, 864e5, 6048e5, 2592e6, 7776e6, 31536e6];

/** Round times to write below a picture. */
export function ticks(from: number, to: number, width: number,
	z: "local" | "utc"): { at: number; text: string }[] {
	const most = Math.max(2, Math.floor(width / 110));
	const step = STEPS.find((s) => (to - from) / s <= most) ??
		STEPS[STEPS.length - 1]!;
	const zoneShift = z === "utc" ? 0 :
		new Date(from).getTimezoneOffset() * 6e4;
	const first = Math.ceil((from - zoneShift) / step) * step + zoneShift;
	const out = [];
	for (let at = first; at <= to; at += step)
		out.push({
			at, text: step >= 864e5 ? dateText(at, z) :
				step < 1e3 ? clockText(at, z) :
					step < 6e4 ? clockText(at, z, false) :
						clockText(at, z, false).slice(0, 5),
		});
	return out;
}

/** The width of the element that has the ref. */
export function useWidth() {
	const ref = useRef<HTMLElement>(null);
	const [width, setWidth] = useState(0);
	useLayoutEffect(() => {
		const el = ref.current!;
		const see = new ResizeObserver(() => setWidth(el.clientWidth));
		see.observe(el);
		setWidth(el.clientWidth);
		return () => see.disconnect();
	}, []);
	return { ref, width };
}

/** What the kinds are called, how they look, and how one is asked for. */
export interface Kinds {
	words: (name: string) => string;
	css: (name: string) => string;
	term: (name: string) => string;
}

export function HistogramView(props: {
	data: Pictured | null;
	kinds: Kinds;
	loading: boolean;
	onSpan: (from: number, to: number) => void;
	/** A bar was clicked; else the span is narrowed to it. */
	onBar?: (from: number, to: number) => void;
	onTerm: (term: string) => void;
	label?: string;
	/** A moment to mark, ms. */
	mark?: number | undefined;
}) {
	const { kinds } = props;
	const z = useCell(zone);
	const { ref, width } = useWidth();
	const [drag, setDrag] = useState<[number, number] | null>(null);
	const [over, setOver] = useState(-1);
	const h = props.data;
	const from = millis(h?.from);
	const n = h?.buckets.length ?? 0;
	const step = h?.step_ms ?? 0;
	const to = from + n * step;
	const totals = useMemo(() => (h?.classes ?? []).map((_, c) =>
		h!.buckets.reduce((sum, b) => sum + (b[c] ?? 0), 0)), [h]);
	const most = useMemo(() => (h?.buckets ?? []).reduce((m, b) =>
		Math.max(m, b.reduce((x, y) => x + y, 0)), 0), [h]);
	const ready = h !== null && n > 0 && isFinite(from) && width > 0;
	const plot = HEIGHT - AXIS - TOP;

	// One path for each class: thousands of rectangles would be slow.
	const bars = useMemo(() => {
		if (!ready || !most)
			return [];
		const each = width / n;
		const gap = each > 4 ? 1 : 0;
		const paths = h!.classes.map(() => "");
		h!.buckets.forEach((b, i) => {
			let y = TOP + plot;
			b.forEach((v, c) => {
				if (!v)
					return;
				// What is there is seen, however little it is.
				const dy = Math.max(v / most * plot, 1);
				y -= dy;
				paths[c] += `M${(i * each).toFixed(2)} ${y.toFixed(2)}` +
					`h${(each - gap).toFixed(2)}v${dy.toFixed(2)}` +
					`h${(gap - each).toFixed(2)}z`;
			});
		});
		return paths;
	}, [h, width, ready, most]);

	const place = (e: PointerEvent) => {
		const r = (e.currentTarget as Element).getBoundingClientRect();
		return Math.min(Math.max(e.clientX - r.left, 0), width);
	};
	const timeAt = (x: number) => from + x / width * (to - from);
	const hit = over >= 0 && ready ? h!.buckets[over] : undefined;
	const legend = ready ? h!.classes.map((name, c) => ({
		name, total: totals[c]!,
	})).filter((l) => l.total > 0) : [];

	return <section class={"histogram" + (props.loading ? " busy" : "")}
		aria-label={props.label ?? "Matches over time"}>
		<div class="legend">
			{legend.map((l) => <button type="button" key={l.name}
				class={"key " + kinds.css(l.name)}
				title={`Only these: ${kinds.term(l.name)}`}
				onClick={() => props.onTerm(kinds.term(l.name))}>
				<i class="dot" />
				{kinds.words(l.name)}{" "}
				<b class="num">{count(l.total)}</b>
			</button>)}
			{ready && !legend.length && !props.loading ?
				<span class="muted">no matches in this span</span> : null}
			<span class="spring" />
			{ready ? <span class="muted num">
				each bar {durationText(step)}</span> : null}
		</div>
		<div class="plot" ref={ref as RefObject<HTMLDivElement>}>
			{ready ? <svg width={width} height={HEIGHT} role="img"
				aria-label={`Histogram: ${legend.map((l) =>
					`${l.total} ${kinds.words(l.name)}`).join(", ")}`}
				onPointerDown={(e) => {
					if (e.button !== 0)
						return;
					e.currentTarget.setPointerCapture(e.pointerId);
					const x = place(e);
					setDrag([x, x]);
				}}
				onPointerMove={(e) => {
					const x = place(e);
					setOver(Math.min(n - 1, Math.floor(x / width * n)));
					if (drag)
						setDrag([drag[0], x]);
				}}
				onPointerLeave={() => setOver(-1)}
				onPointerUp={() => {
					if (drag && Math.abs(drag[1] - drag[0]) >=
						DRAG_LEAST_PX) {
						const a = timeAt(Math.min(...drag));
						const b = timeAt(Math.max(...drag));
						props.onSpan(Math.floor(a),
							Math.max(Math.ceil(b),
								Math.floor(a) + 2));
					} else if (over >= 0 && most > 0) {
						(props.onBar ?? props.onSpan)(
							Math.floor(from + over * step),
							Math.ceil(from + (over + 1) * step));
					}
					setDrag(null);
				}}
				onPointerCancel={() => setDrag(null)}>
				<line class="grid" x1="0" x2={width} y1={TOP + 0.5}
					y2={TOP + 0.5} />
				<line class="grid" x1="0" x2={width}
					y1={TOP + plot / 2 + 0.5}
					y2={TOP + plot / 2 + 0.5} />
				{over >= 0 && !drag ? <rect class="hover"
					x={over * width / n} y="0" width={width / n}
					height={HEIGHT - AXIS} /> : null}
				{bars.map((d, c) => d ? <path key={c} d={d}
					class={"bar " + kinds.css(h!.classes[c]!)} /> : null)}
				<line class="base" x1="0" x2={width}
					y1={HEIGHT - AXIS + 0.5} y2={HEIGHT - AXIS + 0.5} />
				{most ? <text class="ymax" x="2" y={TOP + 11}>
					{count(most)}</text> : null}
				{ticks(from, to, width, z).map((t) => {
					const x = (t.at - from) / (to - from) * width;
					return <g key={t.at}>
						<line class="tick" x1={x} x2={x}
							y1={HEIGHT - AXIS} y2={HEIGHT - AXIS + 4} />
						<text class="xtick" y={HEIGHT - 4} x={x}
							text-anchor={x < 30 ? "start" :
								x > width - 30 ? "end" : "middle"}>
							{t.text}</text>
					</g>;
				})}
				{props.mark !== undefined && props.mark >= from &&
					props.mark <= to ? <line class="moment" y1="0"
						y2={HEIGHT - AXIS}
						x1={(props.mark - from) / (to - from) * width}
						x2={(props.mark - from) / (to - from) * width}
					/> : null}
				{drag ? <rect class="brush" y="0"
					x={Math.min(...drag)} height={HEIGHT - AXIS}
					width={Math.abs(drag[1] - drag[0])} /> : null}
			</svg> : <div class="plot-empty" />}
			{hit && ready ? <div class="tip panel" ref={(el) => {
				if (!el)
					return;
				const x = (over + 0.5) * width / n;
				const left = x > width / 2;
				el.style.left = left ? "" : `${x + 12}px`;
				el.style.right = left ? `${width - x + 12}px` : "";
			}}>
				<div class="num">{drag ?
					`${timeText(timeAt(Math.min(...drag)), z)} – ` +
					clockText(timeAt(Math.max(...drag)), z) :
					timeText(from + over * step, z, step < 1000)}</div>
				{drag ? null : h!.classes.map((name, c) => hit[c] ?
					<div key={name} class={"key " + kinds.css(name)}>
						<i class="dot" />
						{kinds.words(name)}
						<b class="num">{count(hit[c]!)}</b>
					</div> : null)}
				{drag || hit.some((v) => v) ? null :
					<div class="muted">nothing</div>}
			</div> : null}
		</div>
	</section>;
}
