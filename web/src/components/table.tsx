// SPDX-License-Identifier: Apache-2.0
// A list of any length: only the rows on the screen are drawn, the next ones
// are asked for before the end is reached. Rows have one height.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Ask, type Narrow } from "./ask";
import { Icon } from "./icon";

export interface Column<T> {
	id: string;
	title: string;
	/** Pixels at least, and its share of what is left over. */
	least: number;
	grow: number;
	/** The name in the expression language, where values can be asked. */
	field?: string;
	value: (row: T) => string;
	cell?: (row: T, card: boolean) => ComponentChildren;
	/** The value to filter by, when it is not the text. */
	ask?: (row: T) => string | number | boolean;
	/** A link that asks for the value: beside it only "not" is offered. */
	linked?: boolean;
	right?: boolean;
	mono?: boolean;
	/** Shown unless chosen otherwise. */
	usual?: boolean;
	/** Also on a narrow screen, where a row is a card; where on it. */
	card?: boolean | "lead" | "when" | "one" | "two" | "end";
	/** The head sorts by it. */
	sorts?: boolean;
	/** Behind the title, smaller. */
	unit?: string;
	help?: string;
}

const ROW = 28;
const CARD = 52;
const COLUMN_GAP = 12;
const OVERSCAN = 12;
const NEAR_END_ROWS = 60;

interface RowProps<T> {
	row: T;
	index: number;
	top: number;
	columns: Column<T>[];
	current: boolean;
	open: boolean;
	card: boolean;
	rowClass: string;
	onOpen: (index: number) => void;
	onFollow: (index: number) => void;
	onNarrow?: Narrow | undefined;
}

function Row<T>(p: RowProps<T>) {
	// The buttons are made for the cell under the pointer only.
	const [over, setOver] = useState(-1);
	return <div role="row" id={`row-${p.index}`}
		aria-rowindex={p.index + 2} aria-selected={p.open}
		class={"tr " + p.rowClass + (p.current ? " current" : "") +
			(p.open ? " open" : "") + (p.card ? " as-card" : "")}
		style={{ transform: `translateY(${p.top}px)` }}
		onClick={() => {
			// Marking text with the mouse is no click.
			if (getSelection()?.isCollapsed !== false)
				p.onOpen(p.index);
		}}
		onDblClick={() => p.onFollow(p.index)}
		onPointerLeave={() => setOver(-1)}>
		{p.columns.map((c, i) => <div role="gridcell" key={c.id}
			class={"td col-" + c.id + (c.right ? " right" : "") +
				(c.mono ? " mono" : "") +
				(typeof c.card === "string" ? " on-" + c.card : "")}
			onPointerEnter={(e) => {
				if (e.pointerType === "mouse")
					setOver(i);
			}}>
			<span class="cut">{c.cell ? c.cell(p.row, p.card) :
				c.value(p.row)}</span>
			{over === i && c.field && p.onNarrow && !p.card ?
				<Ask field={c.field} skip title={c.title}
					linked={c.linked ?? false}
					value={c.ask ? c.ask(p.row) : c.value(p.row)}
					onNarrow={p.onNarrow} /> : null}
		</div>)}
	</div>;
}

export interface Sort {
	by: string;
	ascending: boolean;
}

function Head<T>(props: { c: Column<T>; sort: Sort | undefined;
	onSort: ((by: string) => void) | undefined }) {
	const { c, sort, onSort } = props;
	const on = sort?.by === c.id;
	const words = <><span class="cut">{c.title}{c.unit ?
		<small> {c.unit}</small> : null}</span>
	{on ? <span class="sort-mark" aria-hidden="true">
		{sort.ascending ? "▲" : "▼"}</span> : null}</>;
	return <div role="columnheader" title={c.help}
		class={"td" + (c.right ? " right" : "") + (on ? " sorted" : "")}
		aria-sort={on ? sort.ascending ? "ascending" : "descending" :
			undefined}>
		{c.sorts && onSort ? <button type="button"
			onClick={() => onSort(c.id)}>{words}</button> : words}
	</div>;
}

export function Table<T>(props: {
	label: string;
	rows: T[];
	keyOf: (row: T) => string;
	columns: Column<T>[];
	current: number;
	openKey: string;
	cards: boolean;
	rowClass: (row: T) => string;
	/** Kept by the owner, so that coming back finds the place. */
	scroll: { scrollTop: number };
	onOpen: (index: number) => void;
	onFollow: (index: number) => void;
	onEnd: () => void;
	onNarrow?: Narrow;
	foot?: ComponentChildren;
	sort?: Sort;
	onSort?: (by: string) => void;
	/** The look of its cards. */
	class?: string;
}) {
	const { rows, columns, cards } = props;
	const height = cards ? CARD : ROW;
	const box = useRef<HTMLDivElement>(null);
	const [view, setView] = useState({ top: props.scroll.scrollTop,
		height: 600 });
	const read = () => {
		const el = box.current;
		if (!el)
			return;
		props.scroll.scrollTop = el.scrollTop;
		setView((v) => v.top === el.scrollTop &&
			v.height === el.clientHeight ? v :
			{ top: el.scrollTop, height: el.clientHeight });
	};
	useLayoutEffect(() => {
		const el = box.current!;
		el.scrollTop = props.scroll.scrollTop;
		read();
		const see = new ResizeObserver(read);
		see.observe(el);
		return () => see.disconnect();
	}, []);
	// A new search begins at the top.
	useLayoutEffect(() => {
		const el = box.current!;
		if (Math.abs(el.scrollTop - props.scroll.scrollTop) > 1)
			el.scrollTop = props.scroll.scrollTop;
		read();
	}, [rows]);
	useEffect(() => {
		const el = box.current;
		if (!el || props.current < 0)
			return;
		const head = cards ? 0 : ROW;
		const top = props.current * height;
		if (top < el.scrollTop)
			el.scrollTop = top;
		else if (top + height + head > el.scrollTop + el.clientHeight)
			el.scrollTop = top + height + head - el.clientHeight;
	}, [props.current, cards]);

	const first = Math.max(0, Math.floor(view.top / height) - OVERSCAN);
	const last = Math.min(rows.length,
		Math.ceil((view.top + view.height) / height) + OVERSCAN);
	useEffect(() => {
		if (last + NEAR_END_ROWS >= rows.length)
			props.onEnd();
	}, [last, rows]);

	const inner = useRef<HTMLDivElement>(null);
	const tracks = columns.map((c) => `minmax(${c.least}px,` +
		(c.grow ? `${c.grow}fr)` : `${c.least}px)`)).join(" ");
	const least = columns.reduce((n, c) => n + c.least + COLUMN_GAP,
		COLUMN_GAP);
	useLayoutEffect(() => {
		const el = inner.current!;
		el.style.setProperty("--tracks", tracks);
		el.style.minWidth = cards ? "" : `${least}px`;
	}, [tracks, cards]);
	return <div class={"table" + (cards ? " cards" : "") +
		(props.class ? " " + props.class : "")} ref={box}
		role="grid" tabIndex={0} aria-label={props.label}
		aria-rowcount={rows.length + 1} aria-colcount={columns.length}
		aria-activedescendant={props.current >= first &&
			props.current < last ? `row-${props.current}` : undefined}
		onScroll={read}>
		<div class="table-in" ref={inner} role="presentation">
			<div role="rowgroup" class="thead">
				<div role="row" class="tr head" aria-rowindex={1}>
					{columns.map((c) => <Head key={c.id} c={c}
						sort={props.sort} onSort={props.onSort} />)}
				</div>
			</div>
			<div role="rowgroup" class="tbody"
				style={{ height: `${rows.length * height}px` }}>
				{rows.slice(first, last).map((row, k) => {
					const i = first + k;
					const key = props.keyOf(row);
					return <Row key={key} row={row} index={i}
						top={i * height} columns={columns}
						current={i === props.current}
						open={key === props.openKey} card={cards}
						rowClass={props.rowClass(row)}
						onOpen={props.onOpen}
						onFollow={props.onFollow}
						onNarrow={props.onNarrow} />;
				})}
			</div>
		</div>
		{props.foot ? <div class="table-foot">{props.foot}</div> : null}
	</div>;
}

/** Which columns are shown, in which order they are known. */
export function ColumnChooser<T>(props: { columns: Column<T>[];
	chosen: string[]; onChosen: (ids: string[] | null) => void }) {
	const { columns, chosen } = props;
	return <div class="chooser">
		<ul>
			{columns.map((c) => <li key={c.id}><label>
				<input type="checkbox" checked={chosen.includes(c.id)}
					onChange={(e) => {
						const on = e.currentTarget.checked;
						const next = columns.map((x) => x.id).filter(
							(id) => id === c.id ? on :
								chosen.includes(id));
						if (next.length)
							props.onChosen(next);
						else
							e.currentTarget.checked = true;
					}} />
				<span>{c.title}</span>
				<span class="muted">{c.help}</span>
			</label></li>)}
		</ul>
		<button type="button" class="button small"
			onClick={() => props.onChosen(null)}>
			<Icon name="refresh" size={13} />The usual ones</button>
	</div>;
}
