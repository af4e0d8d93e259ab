// SPDX-License-Identifier: Apache-2.0
// Every list: picture over time, table, figures, panel. What is particular
// to one is in its description, lists/.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import type { Narrow } from "../components/ask";
import { Facets } from "../components/facets";
import { HistogramView } from "../components/histogram";
import { Icon } from "../components/icon";
import { MomentPicker, momentText } from "../components/moment";
import { AwayNote, IncompleteNote, SheetNote } from "../components/notes";
import { Onboarding } from "../components/onboarding";
import { Popover } from "../components/popover";
import { RowPanel } from "../components/rowpanel";
import { ColumnChooser, Table } from "../components/table";
import { narrow, withTerm } from "../expr";
import { useKeys, walkKeys } from "../keys";
import { storeOf } from "../lists";
import { columnsOf, type ListSpec } from "../lists/spec";
import { WHOLE_SPAN, type Asked, type ListStore } from "../lists/store";
import { useMedia } from "../media";
import { isRead } from "../reading";
import { change, go, route } from "../router";
import {
	figuresOpen, listColumns, listsLive, rememberSearch, zone,
} from "../settings";
import { count } from "../text";
import { millis, resolve, spanOf, timeText } from "../time";
import type { ListRow, Status } from "../types";

/** What the address asks of a list. */
export function askedOf(spec: ListSpec, params: URLSearchParams): Asked {
	const span = spanOf(params);
	return {
		q: params.get("q") ?? "", from: span.from, to: span.to,
		at: params.get("at") ?? "", sort: params.get("sort") ?? "",
		ascending: params.get("order") === "asc",
		on: (spec.switches ?? []).filter((s) => params.get(s.param) ===
			"1").map((s) => s.param).join(","),
	};
}

/** Asks the list again, as the address has it. */
export function askAgain(store: ListStore): void {
	store.ask(askedOf(store.spec, route.get().params), true);
}

export function setListQuery(q: string): void {
	const store = storeOf(route.get().page);
	if (!store)
		return;
	rememberSearch(q, store.spec.id);
	if ((route.get().params.get("q") ?? "") === q)
		askAgain(store);
	else
		change({ q, sel: null });
}

// From when on what is kept is not of now.
const OLD_MS = 36e5;

function Empty(props: { store: ListStore }) {
	const { spec } = props.store;
	const s = useCell(props.store.state);
	const z = useCell(zone);
	const [status, setStatus] = useState<Status | null>(null);
	useEffect(() => {
		const stop = new AbortController();
		api.status(stop.signal).then(setStatus, () => undefined);
		return () => stop.abort();
	}, [s.asked]);
	const a = s.asked;
	if (!status || !a)
		return null;
	if (!spec.own && status.store.messages === 0 &&
		status.totals.accepted === 0)
		return <Onboarding status={status} />;
	const spanned = !spec.moment || a.at === WHOLE_SPAN;
	const { newest } = status.store;
	// Of a capture that was imported, now is long past what it tells of.
	const old = !spec.own && newest !== null &&
		Date.now() - millis(newest) > OLD_MS;
	return <div class="empty">
		<h2>{a.q ? "Nothing matches" : `No ${spec.many}`}
			{spanned ? a.from === "all" && !a.to ? "" :
				" in this span" : a.at ? ` as of ${momentText(a.at, z)}` :
				" now"}</h2>
		{old ? <p class="muted">The newest message that is kept is of{" "}
			<span class="num">{timeText(millis(newest), z, false)}</span>.
		</p> : null}
		<div class="row">
			{spanned && (a.from !== "all" || a.to) ? <button
				type="button" class="button" onClick={() => change({
					from: "all", to: null })}>
				All that is kept</button> : null}
			{spec.moment && !a.at && old ? <button type="button"
				class="button" onClick={() => change({ at: newest })}>
				Who was on line then</button> : null}
			{spec.moment && !a.at ? <button type="button" class="button"
				onClick={() => change({ at: WHOLE_SPAN, from: "all",
					to: null })}>
				All that ever were</button> : null}
			{a.q ? <button type="button" class="button"
				onClick={() => setListQuery("")}>
				Without the filter</button> : null}
		</div>
		{a.q ? null : <div class="how">{spec.empty}</div>}
	</div>;
}

function Arrived(props: { store: ListStore; onShow: () => void }) {
	const { count: n, more } = useCell(props.store.fresh);
	if (!n)
		return null;
	return <div class="arrived" role="status">
		<button type="button" class="pill" onClick={props.onShow}>
			{count(n)}{more ? "+" : ""} new <kbd>n</kbd></button>
	</div>;
}

/** The rows that were read, where they are the whole. */
function total(store: ListStore): string {
	const s = store.state.get();
	const counted = !store.spec.series?.of && s.picture && !s.pictureWhy &&
		!s.pictureLoading ? s.picture.buckets.reduce((n, b) => n +
			b.reduce((x, y) => x + y, 0), 0) : 0;
	return s.ended ? count(s.rows.length) : counted >= s.rows.length ?
		count(counted) : `${count(s.rows.length)}+`;
}

function Bar(props: { store: ListStore; narrowScreen: boolean;
	columns: ReturnType<typeof columnsOf>; onSaved: () => void }) {
	const { store, narrowScreen, columns } = props;
	const { spec } = store;
	const s = useCell(store.state);
	const r = useCell(route);
	const live = useCell(listsLive);
	const figures = useCell(figuresOpen);
	const cell = listColumns(spec.id);
	const chosen = useCell(cell);
	const usual = columns.filter((c) => c.usual).map((c) => c.id);
	const n = s.asked && !s.error && (s.readAt || s.rows.length) ?
		total(store) : "";
	const still = spec.moment ? !!s.asked?.at : !!s.asked?.to;
	return <div class="list-bar">
		<h1 class="off-screen">{spec.title}</h1>
		<span class="list-count num" aria-live={s.flowed ?
			"off" : "polite"}>
			{s.loading && !s.rows.length ? "Reading…" : n ? <><b>{n}</b>
				{" "}{n === "1" ? spec.one : spec.many}</> : null}
		</span>
		<span class="spring" />
		{(spec.switches ?? []).map((w) => <label key={w.param}
			class="tick" title={w.help}>
			<input type="checkbox"
				checked={r.params.get(w.param) === "1"}
				onChange={(e) => change({ [w.param]:
					e.currentTarget.checked ? "1" : null, sel: null })} />
			{w.title}</label>)}
		{spec.moment ? <MomentPicker at={r.params.get("at") ?? ""}
			onAt={(at) => change({ at: at || null, sel: null })} /> :
			null}
		<button type="button" class={"button live" + (live && !still ?
			" on" : "")} disabled={still} aria-pressed={live && !still}
			title={still ? "Nothing new comes into what is past" :
				"Live: what is new comes in by itself; while the list " +
				"is read it is counted (l)"}
			onClick={() => listsLive.set(!live)}>
			<Icon name="live" size={14} />
			<span class="wide-only">Live</span></button>
		{narrowScreen ? null : <Popover title="Columns" align="right"
			label={<><Icon name="columns" size={14} />Columns</>}>
			{() => <ColumnChooser columns={columns}
				chosen={chosen ?? usual}
				onChosen={(ids) => cell.set(ids)} />}
		</Popover>}
		{spec.facets.length ? <button type="button" title={"Figures: " +
			"what the list consists of (f)"} aria-pressed={figures}
			class={"button" + (figures ? " on" : "")}
			onClick={() => figuresOpen.set(!figures)}>
			<Icon name="figures" size={14} />
			<span class="wide-only">Figures</span></button> : null}
		<a class="button" href={api.csvUrl(spec.id,
			store.args(s.asked, true))} download
			onClick={props.onSaved}
			title="All that matches, as a file for a spreadsheet">
			<Icon name="download" size={14} />CSV</a>
	</div>;
}

function ListPage(props: { store: ListStore }) {
	const { store } = props;
	const { spec } = store;
	const r = useCell(route);
	const s = useCell(store.state);
	const infos = useCell(store.columns);
	const chosen = useCell(listColumns(spec.id));
	const live = useCell(listsLive);
	const figures = useCell(figuresOpen);
	const z = useCell(zone);
	const narrowScreen = useMedia("(max-width: 720px)");
	const covering = useMedia("(max-width: 1000px)");
	const [at, setAt] = useState(store.at);
	const [saved, setSaved] = useState(false);
	const sel = r.params.get("sel") ?? "";
	const asked = askedOf(spec, r.params);

	useEffect(() => void store.readColumns(), [store]);
	useEffect(() => {
		store.ask(asked);
		setAt(store.at);
	}, [store, r]);
	useEffect(() => live ? store.watch() : undefined, [store, live]);
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		store.isRead = () => store.at >= 0 ||
			!!route.get().params.get("sel") || isRead(box.current);
		return () => {
			store.isRead = () => true;
		};
	}, [store]);
	// Where they would cover the list, the list comes first.
	useEffect(() => {
		if (covering && figures)
			figuresOpen.set(false);
	}, [store]);

	const columns = useMemo(() => infos ? columnsOf(spec, infos) : [],
		[spec, infos, z]);
	const shown = useMemo(() => narrowScreen ? columns.filter((c) =>
		c.card) : columns.filter((c) => chosen ? chosen.includes(c.id) :
		c.usual), [columns, chosen, narrowScreen]);
	const key = (i: number) => {
		const row = store.state.get().rows[i];
		return row ? spec.keyOf(row) : "";
	};
	const move = (to: number) => {
		if (!s.rows.length)
			return;
		const i = Math.max(0, Math.min(to, s.rows.length - 1));
		store.at = i;
		setAt(i);
		// An open panel follows the cursor without filling the history.
		if (sel)
			change({ sel: key(i) }, "replace");
	};
	const open = useCallback((i: number) => {
		const id = key(i);
		store.at = i;
		setAt(i);
		const now = route.get().params.get("sel");
		if (id && now !== id)
			change({ sel: id }, now ? "replace" : "push");
	}, [store]);
	const follow = useCallback((i: number) => {
		const row = store.state.get().rows[i];
		const to = row && spec.leads?.(row);
		if (to)
			go(to.href);
	}, [store]);
	const close = () => change({ sel: null }, "replace");
	const letGo = () => {
		store.at = -1;
		setAt(-1);
	};
	const showNew = () => {
		if (!store.showNew())
			return;
		// From the top again, unless a row is open.
		if (sel)
			setAt(store.at);
		else
			letGo();
		store.scrollTop = 0;
		document.querySelector(".table")?.scrollTo({ top: 0 });
	};
	const onNarrow: Narrow = useCallback((field, value, how) =>
		setListQuery(narrow(route.get().params.get("q") ?? "", field,
			value, how)), []);
	const onSort = (by: string) => {
		const was = asked.sort || "at";
		// Text is read from its beginning, amounts from the largest.
		const asc = was === by ? !asked.ascending : !/^(at|expires)$|_m?s$/
			.test(by) && by !== "code";
		change({ sort: by === "at" && !asc ? null : by,
			order: asc ? "asc" : null, sel: null });
	};

	useKeys([
		...walkKeys("List", "row", "last row read so far", at,
			s.rows.length, move),
		{ key: "Enter", group: "List",
			help: "open the row; again: where it leads",
			run: () => {
				if (at < 0)
					move(0);
				else if (sel && key(at) === sel)
					follow(at);
				else
					open(at);
			} },
		{ key: "Escape", group: "List",
			help: "close the panel, then let go of the row",
			run: () => sel ? close() : letGo() },
		{ key: "l", group: "List", help: "live on and off",
			run: () => listsLive.set(!listsLive.get()) },
		{ key: "n", group: "List", help: "show what is new",
			run: showNew },
		{ key: "f", group: "List", help: "figures on and off",
			run: () => figuresOpen.set(!figuresOpen.get()) },
	]);

	const toSpan = (a: number, b: number) => change({
		from: new Date(a).toISOString(), to: new Date(b).toISOString(),
		sel: null,
	});
	const row = sel ? s.rows.find((x) => spec.keyOf(x) === sel) : undefined;
	const moment = spec.moment && asked.at && asked.at !== WHOLE_SPAN ?
		resolve(asked.at, Date.now()) ?? undefined : undefined;
	const q = asked.q;
	return <div class={"search-page list-page" + (row ? " with-detail" :
		"")}>
		<div class="list-side">
			{spec.series ? <HistogramView data={s.picture}
				kinds={spec.series.kinds} loading={s.pictureLoading}
				label={spec.series.label} onSpan={toSpan} mark={moment}
				{...(spec.moment ? { onBar: (_: number, b: number) =>
					change({ at: new Date(b).toISOString(), sel: null }) } :
					{})}
				onTerm={(t) => !t ? undefined : spec.series!.of ? go("#/sessions?" +
					new URLSearchParams({ q: t, from: asked.from,
						to: asked.to })) :
					setListQuery(withTerm(q, t))} /> : null}
			<Bar store={store} narrowScreen={narrowScreen}
				columns={columns} onSaved={() => setSaved(true)} />
			{saved ? <SheetNote /> : null}
			{spec.note?.()}
			{s.loading ? <div class="progress" role="progressbar"
				aria-label="Reading"><i class="unknown" /></div> :
				<div class="progress" />}
			<AwayNote readAt={s.readAt} />
			<IncompleteNote why={s.why || s.pictureWhy} />
			{s.error && s.error.status !== 400 ? <p class="note-line bad"
				role="alert"><Icon name="warn" />
				<span>{s.error.message}</span></p> : null}
			<div class="list-body">
				<div class="table-box" ref={box}>
					<Arrived store={store} onShow={showNew} />
					{infos && (s.rows.length || (s.loading &&
						!s.error)) ? <Table<ListRow> label={spec.title}
							class={`of-rows of-${spec.id}`} rows={s.rows}
							keyOf={spec.keyOf} columns={shown} current={at}
							openKey={sel} cards={narrowScreen}
							rowClass={(x) => (spec.rowClass?.(x) ?? "") +
								(s.gone.has(spec.keyOf(x)) ? " gone" :
									s.came.has(spec.keyOf(x)) ?
										" came" : "")}
							sort={{ by: asked.sort || "at",
								ascending: asked.ascending }}
							onSort={onSort} scroll={store} onOpen={open}
							onFollow={follow} onEnd={() => store.more()}
							onNarrow={onNarrow}
							foot={s.ended ? "That is all." :
								store.tooMany() ? `${count(
									s.rows.length)} rows are read. ` +
									"Narrow the span for the rest." :
									"Reading…"} /> :
						s.error || !s.readAt || s.loading ? null :
							<Empty store={store} />}
				</div>
				{figures && spec.facets.length && !s.error ? <Facets
					store={store} onNarrow={onNarrow} covering={covering}
					onClose={() => figuresOpen.set(false)} /> : null}
			</div>
		</div>
		{row ? <RowPanel spec={spec} infos={infos ?? []} row={row}
			gone={s.gone.has(sel)} onClose={close}
			onNarrow={onNarrow} /> : null}
	</div>;
}

/** The page of one list. */
export function listPage(id: string) {
	const store = storeOf(id)!;
	return () => <ListPage store={store} key={id} />;
}
