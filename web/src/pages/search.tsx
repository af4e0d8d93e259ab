// SPDX-License-Identifier: Apache-2.0
// Search: histogram, list, detail.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { classOf, MESSAGE_KINDS } from "../classes";
import type { Narrow } from "../components/ask";
import { Detail } from "../components/detail";
import { ExportMenu } from "../components/exportmenu";
import { HistogramView } from "../components/histogram";
import { Icon } from "../components/icon";
import { AwayNote, PartialNote } from "../components/notes";
import { Onboarding } from "../components/onboarding";
import { Popover } from "../components/popover";
import { QueryForm } from "../components/queryform";
import { ColumnChooser, Table } from "../components/table";
import { csv, fileName, saveText } from "../download";
import { narrow, withTerm } from "../expr";
import { useKeys, walkKeys } from "../keys";
import { useMedia } from "../media";
import { isRead } from "../reading";
import { change, go, hashOf, route, shared } from "../router";
import { search, type SearchState } from "../search";
import { session } from "../session";
import { formOpen, rememberSearch, searchColumns, zone } from "../settings";
import { count, plural } from "../text";
import { durationText, millis, spanOf, timeText } from "../time";
import { mayChange, traceForm } from "../traces";
import type { Found, Message, Status } from "../types";
import { CARD_COLUMNS, MESSAGE_COLUMNS, USUAL_COLUMNS } from "./columns";

export function setQuery(q: string): void {
	rememberSearch(q);
	const p = { q, sel: null };
	if (route.get().page === "search")
		change(p);
	else
		go(hashOf("search", "", { ...shared(), ...p }));
}

/**
 * What says that the answer is not whole: the histogram's word, which looks
 * at the whole span, else that of the last page. A page that only ends at
 * its limit is no lack.
 */
function partial(s: SearchState): Found | null {
	const counted = s.histogram?.found;
	if (counted && !counted.complete)
		return counted;
	return s.found && !s.found.more ? s.found : null;
}

/** How far a search has got, as a share of its span; null: no telling. */
function progress(s: SearchState): number | null {
	const f = s.found;
	if (!s.loading || !f || s.from === null || s.to === null)
		return null;
	const done = s.to - millis(f.from);
	return isFinite(done) ? Math.min(1, done / (s.to - s.from)) : null;
}

function Empty(props: { s: SearchState }) {
	const { s } = props;
	const z = useCell(zone);
	const [status, setStatus] = useState<Status | null>(null);
	useEffect(() => {
		const stop = new AbortController();
		api.status(stop.signal).then(setStatus, () => undefined);
		return () => stop.abort();
	}, [s.askedAt]);
	if (!status)
		return null;
	if (status.store.messages === 0 && status.totals.accepted === 0)
		return <Onboarding status={status} />;
	const { oldest, newest } = status.store;
	return <div class="empty">
		<h2>Nothing matches{s.span.from === "all" ? "" :
			" in this span"}</h2>
		{oldest && newest ? <p class="muted">
			Kept: {plural(status.store.messages, "message")} from{" "}
			<span class="num">{timeText(millis(oldest), z, false)}</span>
			{" "}to <span class="num">
				{timeText(millis(newest), z, false)}</span>.</p> : null}
		<div class="row">
			{s.span.from !== "all" || s.span.to ?
				<button type="button" class="button"
					onClick={() => change({ from: "all", to: null })}>
					Search all that is kept</button> : null}
			{s.q ? <button type="button" class="button"
				onClick={() => setQuery("")}>
				Without the expression</button> : null}
		</div>
	</div>;
}

function Live() {
	const on = useCell(search.follower.on);
	const connected = useCell(search.follower.connected);
	return <button type="button" class={"button live" + (on ? " on" : "") +
			(connected ? " connected" : "")}
		aria-pressed={on} title={"Live: what arrives comes in by itself; " +
			"while the list is read it is counted (l)"}
		onClick={toggleLive}>
		<Icon name="live" size={14} />Live
		{on && !connected ? <span class="muted">…</span> : null}
	</button>;
}

function toggleLive(): void {
	if (search.follower.on.get())
		search.follower.stop();
	else
		search.follower.start(search.state.get().q);
}

function Arrived(props: { onShow: () => void }) {
	const { count: n, skipped } = useCell(search.follower.arrived);
	if (!n && !skipped)
		return null;
	return <div class="arrived" role="status">
		{n ? <button type="button" class="pill" onClick={props.onShow}>
			{count(n)} new <kbd>n</kbd></button> : null}
		{skipped ? <span class="pill quiet">{count(skipped)} more were
			too fast to show; search again for them</span> : null}
	</div>;
}

/** How often is looked whether the list is still being read. */
const SEE_MS = 1000;

export function SearchPage() {
	const r = useCell(route);
	const s = useCell(search.state);
	const chosen = useCell(searchColumns) ?? USUAL_COLUMNS;
	const form = useCell(formOpen);
	const may = mayChange(useCell(session).me);
	useCell(zone);
	const narrowScreen = useMedia("(max-width: 720px)");
	const [at, setAt] = useState(search.at);
	const q = r.params.get("q") ?? "";
	const span = spanOf(r.params);
	const sel = r.params.get("sel") ?? "";

	useEffect(() => {
		search.ask(q, span);
		setAt(search.at);
	}, [q, span.from, span.to]);

	const move = (to: number) => {
		const i = Math.max(0, Math.min(to, s.rows.length - 1));
		if (!s.rows.length)
			return;
		search.at = i;
		setAt(i);
		// An open panel follows the cursor without filling the history.
		if (sel)
			change({ sel: s.rows[i]!.id }, "replace");
	};
	const open = useCallback((i: number) => {
		const m = search.state.get().rows[i];
		if (!m)
			return;
		search.at = i;
		setAt(i);
		const now = route.get().params.get("sel");
		if (now !== m.id)
			change({ sel: m.id }, now ? "replace" : "push");
	}, []);
	const follow = useCallback((i: number) => {
		const m = search.state.get().rows[i];
		if (m?.call_id)
			go(hashOf("conversation", m.call_id,
				{ ...shared(), m: m.id }));
	}, []);
	const close = () => change({ sel: null }, "replace");
	const letGo = () => {
		search.at = -1;
		setAt(-1);
	};
	const showNew = () => {
		const n = search.showNew();
		// From the top again, unless a row is open.
		if (sel)
			setAt(search.at);
		else if (n)
			letGo();
		if (n) {
			search.scrollTop = 0;
			document.querySelector(".table")?.scrollTo({ top: 0 });
		}
	};
	const box = useRef<HTMLDivElement>(null);
	useEffect(() => {
		const { arrived } = search.follower;
		const see = () => {
			if (arrived.get().count && search.at < 0 &&
				!search.state.get().loading &&
				!route.get().params.get("sel") && !isRead(box.current))
				search.showNew();
		};
		// The reader may go while nothing arrives.
		const timer = window.setInterval(see, SEE_MS);
		const stop = arrived.watch(see);
		return () => {
			clearInterval(timer);
			stop();
		};
	}, []);
	const onNarrow: Narrow = useCallback((field, value, how) =>
		setQuery(narrow(route.get().params.get("q") ?? "", field, value,
			how)), []);

	useKeys([
		...walkKeys("List", "row", "last row read so far", at,
			s.rows.length, move),
		{ key: "Enter", group: "List",
			help: "open the row; again: its conversation",
			run: () => {
				if (at < 0)
					move(0);
				else if (sel && s.rows[at]?.id === sel)
					follow(at);
				else
					open(at);
			} },
		{ key: "c", group: "List", help: "the row's conversation",
			run: () => follow(at) },
		{ key: "Escape", group: "List",
			help: "close the panel, then let go of the row",
			run: () => sel ? close() : letGo() },
		{ key: "l", group: "List", help: "live on and off",
			run: toggleLive },
		{ key: "n", group: "List", help: "show what arrived",
			run: showNew },
		{ key: "f", group: "List", help: "form on and off",
			run: () => formOpen.set(!formOpen.get()) },
	]);

	const columns = useMemo(() => narrowScreen ? CARD_COLUMNS :
		MESSAGE_COLUMNS.filter((c) => chosen.includes(c.id)),
	[narrowScreen, chosen]);
	const share = progress(s);
	const asked = search.exported();
	const total = s.histogram && s.histogram.found.complete ?
		s.histogram.buckets.reduce((n, b) =>
			n + b.reduce((x, y) => x + y, 0), 0) : null;
	const row = s.rows.find((m) => m.id === sel);

	return <div class={"search-page" + (sel ? " with-detail" : "")}>
		<div class="list-side">
			{form ? <QueryForm q={q} onSearch={setQuery} /> : null}
			<HistogramView data={s.histogram} kinds={MESSAGE_KINDS}
				loading={s.histogramLoading}
				onSpan={(a, b) => change({
					from: new Date(a).toISOString(),
					to: new Date(b).toISOString(), sel: null,
				})}
				onTerm={(t) => setQuery(withTerm(q, t))} />
			<div class="list-bar">
				<button type="button" aria-pressed={form}
					class={"button" + (form ? " on" : "")}
					title="A form for the usual questions (f)"
					onClick={() => formOpen.set(!form)}>
					<Icon name="form" size={14} />
					<span class="wide-only">Form</span></button>
				<Live />
				<span class="list-count num" role="status">
					{s.error ? "Not searched" : s.askedAt === 0 || (s.loading && !s.rows.length) ?
						"Searching…" : <>
						<b>{total === null ? count(s.rows.length) +
							(s.ended ? "" : "+") :
							count(Math.max(total, s.rows.length))}</b>
						{" "}{total === 1 ? "message" : "messages"}
						{s.found ? <span class="muted wide-only"
							title={`${count(s.found.scanned)} looked at`}>
							{" "}in {durationText(s.found.ms)}</span> :
							null}</>}
				</span>
				<span class="spring" />
				{narrowScreen ? null : <Popover title="Columns"
					align="right" label={<>
						<Icon name="columns" size={14} />Columns</>}>
					{() => <ColumnChooser columns={MESSAGE_COLUMNS}
						chosen={chosen}
						onChosen={(ids) => searchColumns.set(ids)} />}
				</Popover>}
				{may && q && !s.error ? <a class="button"
					href={traceForm(q, "dialog")}
					title="Trace what matches from now on">
					<Icon name="trace" size={14} />
					<span class="wide-only">Trace</span></a> : null}
				<ExportMenu choices={[
					{ title: "pcap", help: "all that matches, for " +
						"Wireshark", href: api.exportUrl(asked, "pcap") },
					{ title: "Text", help: "all that matches, to read",
						href: api.exportUrl(asked, "text") },
					{ title: "JSON", help: "all that matches, one " +
						"object a line",
					href: api.exportUrl(asked, "json") },
					{ title: "CSV", help: `the ${count(s.rows.length)} ` +
						"rows read so far, these columns",
					run: () => saveText(fileName("messages", "csv"),
						"text/csv", csv(columns, s.rows)) },
				]} />
			</div>
			{s.loading ? <div class="progress" role="progressbar"
				aria-label="Search" aria-valuenow={share === null ?
					undefined : Math.round(share * 100)}>
				<i class={share === null ? "unknown" : ""}
					style={{ width: share === null ? "" :
						`${share * 100}%` }} /></div> :
				<div class="progress" />}
			<AwayNote readAt={s.readAt} />
			<PartialNote found={partial(s)} />
			{s.error && s.error.status !== 400 ? <p class="note-line bad"
				role="alert"><Icon name="warn" />
				<span>{s.error.message}</span></p> : null}
			<div class="table-box" ref={box}>
				<Arrived onShow={showNew} />
				{s.rows.length || (s.loading && !s.error) ? <Table<Message>
					label="Messages"
					rows={s.rows} keyOf={(m) => m.id} columns={columns}
					current={at} openKey={sel} cards={narrowScreen}
					rowClass={(m) => "r-" + classOf(m)}
					scroll={search} onOpen={open} onFollow={follow}
					onEnd={() => search.more()} onNarrow={onNarrow}
					foot={s.ended ? "That is all." : search.tooMany() ?
						`${count(s.rows.length)} rows are read. Narrow ` +
						"the span for what is older." :
						s.loading && share !== null ?
							`Searched ${Math.round(share * 100)} % of ` +
							"the span…" : "Reading…"} /> :
					s.error || !s.askedAt ? null : <Empty s={s} />}
			</div>
		</div>
		{sel ? <Detail id={sel} row={row} onClose={close}
			onNarrow={onNarrow} /> : null}
	</div>;
}
