// SPDX-License-Identifier: Apache-2.0
// Status: what comes in, what became of it, what is kept and for how long.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { Icon } from "../components/icon";
import { AwayNote } from "../components/notes";
import { Reconciled } from "../components/reconciled";
import { Onboarding } from "../components/onboarding";
import { Sparkline } from "../components/sparkline";
import { Time } from "../components/time";
import { COUNTERS, sumOf, type Counter } from "../ledger";
import { useKeys } from "../keys";
import { bytes, count, plural, rate } from "../text";
import { durationText, millis, timeText } from "../time";
import { zone } from "../settings";
import type { LedgerRow, Status } from "../types";

const POLL_MS = 2000;
const POINTS = 90;

interface Watched {
	status: Status | null;
	readAt: number;
	/** Messages a second, oldest first. */
	rates: number[];
	dropRate: number;
}

function useStatus(): Watched & { error: string; again: () => void } {
	const [w, setW] = useState<Watched>({ status: null, readAt: 0,
		rates: [], dropRate: 0 });
	const [error, setError] = useState("");
	const [turn, setTurn] = useState(0);
	useEffect(() => {
		const stop = new AbortController();
		let timer = 0;
		const read = async () => {
			try {
				const status = await api.status(stop.signal);
				const at = performance.now();
				setError("");
				setW((old) => {
					const was = old.status?.totals;
					const s = (at - lastAt) / 1000;
					lastAt = at;
					// A restart sets the counters back: no rate then.
					const fresh = !was || was.received >
						status.totals.received || s <= 0;
					const per = (now: number, before: number) =>
						(now - before) / s;
					return {
						status, readAt: Date.now(),
						rates: fresh ? old.rates : [...old.rates, per(
							status.totals.received, was!.received)]
							.slice(-POINTS),
						dropRate: fresh ? 0 : per(
							status.totals.dropped, was!.dropped),
					};
				});
			} catch (e) {
				if ((e as Error).name === "AbortError")
					return;
				if (e instanceof api.ApiError)
					setError(e.message);
			}
			timer = window.setTimeout(read, POLL_MS);
		};
		let lastAt = performance.now();
		void read();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [turn]);
	return { ...w, error, again: () => setTurn(turn + 1) };
}

function Figure(props: { title: string; value: ComponentChildren;
	sub?: ComponentChildren; bad?: boolean | undefined;
	children?: ComponentChildren }) {
	return <div class={"figure" + (props.bad ? " bad" : "") +
		(props.children ? " wide" : "")}>
		<div class="figure-title">{props.title}</div>
		<div class="figure-value num">{props.value}</div>
		{props.sub ? <div class="figure-sub muted">{props.sub}</div> : null}
		{props.children}
	</div>;
}

function Taps(props: { s: Status }) {
	const { taps } = props.s;
	return <section class="card" aria-labelledby="taps-title">
		<h2 id="taps-title">Taps</h2>
		<div class="scroll" tabIndex={0} role="region"
			aria-label="Taps, table">
			<table class="plain">
				<thead><tr><th>Name</th><th>Transport</th>
					<th>Address</th><th>Reachable from</th>
					<th class="right">Threads</th>
					<th class="right">Connections</th></tr></thead>
				<tbody>{taps.map((t) => <tr key={t.name + t.address}>
					<td>{t.name}</td><td>{t.transport}</td>
					<td class="mono">{t.address}</td>
					<td>{t.open_to_network ? <span class="tag warn">
						<Icon name="warn" size={13} />the network</span> :
						"this machine only"}</td>
					<td class="right num">{count(t.threads)}</td>
					<td class="right num">{t.transport === "udp" ? "–" :
						count(t.connections)}</td></tr>)}
				</tbody>
			</table>
		</div>
		{taps.length ? null : <p class="muted">No tap is open.</p>}
	</section>;
}

function number(row: LedgerRow, key: string): number {
	return Number(row[key] ?? 0);
}

function Ledger(props: { s: Status }) {
	const rows = props.s.ledger;
	// Only what ever happened here takes a column.
	const shown = COUNTERS.filter((c) => c.always || rows.some((r) =>
		number(r, c.key) > 0));
	const total: LedgerRow = { tap: "", source: "", first: null,
		last: null };
	for (const c of shown)
		total[c.key] = rows.reduce((n, r) => n + number(r, c.key), 0);
	const cell = (r: LedgerRow, c: Counter) => {
		const n = number(r, c.key);
		return <td key={c.key} class={"right num" +
			(n && c.kind === "dropped" ? " bad" : "") +
			(n ? "" : " zero")}>
			{c.key === "bytes" ? bytes(n) : count(n)}</td>;
	};
	const open = total.received !== undefined ?
		number(total, "received") - sumOf(total) : 0;
	return <section class="card" aria-labelledby="ledger-title">
		<h2 id="ledger-title">Ledger</h2>
		<p class="muted">Everything received ends in exactly one column:
			kept, counted, filtered or dropped with its reason.</p>
		<div class="scroll" tabIndex={0} role="region"
			aria-label="Ledger, table">
			<table class="plain ledger">
				<thead><tr><th>Tap</th><th>Source</th>
					{shown.map((c) => <th key={c.key} class={"right k-" +
						c.kind} title={c.help}>{c.title}</th>)}
					<th>Last seen</th></tr></thead>
				<tbody>{rows.map((r) => <tr key={r.tap + r.source}>
					<td class="mono">{r.tap}</td>
					<td class="mono">{r.source || "–"}</td>
					{shown.map((c) => cell(r, c))}
					<td><Time at={r.last} /></td></tr>)}</tbody>
				<tfoot><tr><th colSpan={2} scope="row">Sum</th>
					{shown.map((c) => cell(total, c))}
					<td /></tr></tfoot>
			</table>
		</div>
		{rows.length ? <p class={"balance" + (open === 0 ? " good" : "")}>
			{open === 0 ? "✓ The sums meet: received = kept + counted + " +
				"filtered + dropped." : open > 0 ?
				`${count(open)} received and still on their way to the ` +
				"store." : `⚠ ${count(-open)} more ended than were ` +
				"received in this run."}</p> :
			<p class="muted">Nothing has come in since the start.</p>}
	</section>;
}

function Row(props: { title: string; children: ComponentChildren }) {
	return <><dt>{props.title}</dt><dd class="num">{props.children}</dd></>;
}

function Store(props: { s: Status }) {
	const z = useCell(zone);
	const st = props.s.store;
	const { retention } = st;
	const span = millis(st.newest) - millis(st.oldest);
	const keep = [
		retention.max_age_s ? durationText(retention.max_age_s * 1e3) : "",
		retention.max_bytes ? `${bytes(retention.max_bytes)} at most` : "",
		retention.min_free ? `${bytes(retention.min_free)} of the disk ` +
			"stay free" : "",
	].filter((t) => t);
	const share = retention.max_bytes ?
		Math.min(1, st.bytes / retention.max_bytes) : null;
	return <section class="card" aria-labelledby="store-title">
		<h2 id="store-title">Store</h2>
		{st.full ? <p class="note-line bad"><Icon name="warn" />
			The store cannot write: the disk is full.</p> : null}
		{st.damaged ? <p class="note-line bad"><Icon name="warn" />
			{plural(st.damaged, "segment")} could not be read.</p> : null}
		<dl class="rows">
			<Row title="Kept">{plural(st.messages, "message")} in{" "}
				{plural(st.segments, "segment")}</Row>
			<Row title="On disk">{bytes(st.bytes)}
				{st.messages ? <span class="muted">{" "}
					({Math.round(st.bytes / st.messages)} B a message
					{st.raw_bytes > st.bytes ? `, ${(st.raw_bytes /
						st.bytes).toFixed(1)} to 1` : ""})</span> : null}</Row>
			<Row title="Reaches back">{isFinite(span) ? <>
				{durationText(span)}<span class="muted">, to{" "}
					{timeText(millis(st.oldest), z, false)}</span></> :
				"–"}</Row>
			<Row title="Newest"><Time at={st.newest} /></Row>
			<Row title="Growth">{st.bytes_per_day ?
				`${bytes(st.bytes_per_day)} a day` : "–"}</Row>
			<Row title="Oldest goes in">{st.left_s ?
				durationText(st.left_s * 1e3) :
				"not at this rate"}</Row>
			<Row title="Retention">{keep.length ? keep.join("; ") :
				"no limit is set"}</Row>
			<Row title="Disk free">{bytes(st.disk_free)}</Row>
			<Row title="Not searchable yet">{count(st.pending)}</Row>
		</dl>
		{share !== null ? <Bar share={share}
			words={`${Math.round(share * 100)} % of what retention ` +
				"allows"} /> : null}
	</section>;
}

function Records(props: { s: Status }) {
	const r = props.s.records;
	if (!r)
		return null;
	return <section class="card" aria-labelledby="records-title">
		<h2 id="records-title">Sessions, accounts, calls</h2>
		{r.full ? <p class="note-line bad"><Icon name="warn" />
			They cannot be written: the disk is full.</p> : null}
		<dl class="rows">
			<Row title="Session events">{count(r.sessions)}</Row>
			<Row title="Registrations">{count(r.accounts)}</Row>
			<Row title="Calls">{count(r.calls)}</Row>
			<Row title="Connections">{count(r.connections)}</Row>
			<Row title="Bound to accounts">
				<Reconciled r={r.reconciliation} /></Row>
			<Row title="On disk">{bytes(r.bytes)}</Row>
			<Row title="Not written yet">{count(r.waiting)}</Row>
			{r.failed ? <Row title="Lost"><b class="bad">
				{count(r.failed)}</b></Row> : null}
		</dl>
	</section>;
}

function Bar(props: { share: number; words: string }) {
	return <div class="bar-line">
		<div class="meter" role="meter" aria-label={props.words}
			aria-valuenow={Math.round(props.share * 100)}
			aria-valuemin={0} aria-valuemax={100}>
			<i class={props.share > 0.9 ? "bad" : ""}
				style={{ width: `${props.share * 100}%` }} /></div>
		<span class="muted num">{props.words}</span>
	</div>;
}

function Journal(props: { s: Status }) {
	const j = props.s.journal;
	const share = j.max_bytes ? Math.min(1, j.bytes / j.max_bytes) : 0;
	return <section class="card" aria-labelledby="journal-title">
		<h2 id="journal-title">Journal</h2>
		{j.full ? <p class="note-line bad"><Icon name="warn" />The journal
			is full: what comes in is dropped and counted.</p> : null}
		<dl class="rows">
			<Row title="Waiting for the store">{bytes(j.bytes)}</Row>
			<Row title="Room">{bytes(j.max_bytes)}</Row>
			<Row title="Lost">{j.lost_bytes ? <b class="bad">
				{bytes(j.lost_bytes)}</b> : "nothing"}</Row>
		</dl>
		<Bar share={share} words={`${Math.round(share * 100)} % used`} />
	</section>;
}

function Notices(props: { s: Status }) {
	const list = props.s.notices;
	return <section class="card" aria-labelledby="notices-title">
		<h2 id="notices-title">Notices</h2>
		{list.length ? <ul class="notices">{list.map((n, i) => <li key={i}>
			<span class="muted num"><Time at={n.at} /></span>
			<code>{n.event}</code><span>{n.text}</span></li>)}</ul> :
			<p class="muted">None since the start.</p>}
	</section>;
}

export function StatusPage() {
	const { status: s, readAt, rates, dropRate, error, again } =
		useStatus();
	useKeys([{ key: "r", group: "Everywhere", help: "read again",
		run: again }]);
	if (!s)
		return <div class="status-page"><AwayNote readAt={0} />
			{error ? <p class="note-line bad" role="alert">
				<Icon name="warn" /><span>{error}</span></p> :
				<p class="empty muted" role="status">Reading…</p>}
		</div>;
	const t = s.totals;
	const now = rates[rates.length - 1];
	const kernel = t.kernel_drop ?? 0;
	return <div class="status-page" tabIndex={0} role="region"
		aria-label="Status">
		<header class="page-head"><h1>Status</h1>
			<p class="muted num">earshot {s.version}, up{" "}
				{durationText(s.uptime_s * 1e3)}, since{" "}
				<Time at={s.started} /></p></header>
		<AwayNote readAt={readAt} />
		{error ? <p class="note-line bad" role="alert">
			<Icon name="warn" /><span>{error}</span></p> : null}
		<div class="figures">
			<Figure title="Coming in" value={now === undefined ? "…" :
				rate(now)} sub="received, last 2 s">
				<Sparkline values={rates} />
			</Figure>
			<Figure title="Received" value={count(t.received)}
				sub="since the start" />
			<Figure title="Searchable" value={count(t.searchable)}
				sub={t.open ? `${count(t.open)} on their way` :
					"nothing is waiting"} />
			<Figure title="Malformed" value={count(t.malformed)}
				sub="kept, and break a rule" />
			<Figure title="Dropped" value={count(t.dropped + kernel)}
				bad={t.dropped + kernel > 0} sub={kernel ?
					`${count(kernel)} by the kernel` : t.dropped ?
					(dropRate > 0 ? `${rate(dropRate)} now` :
						"reasons: see the ledger") : "nothing lost"} />
		</div>
		{t.received === 0 && s.store.messages === 0 ?
			<section class="card"><Onboarding status={s} /></section> :
			null}
		<div class="cards-2">
			<div class="stack"><Store s={s} /><Journal s={s} /></div>
			<div class="stack"><Records s={s} /><Notices s={s} /></div>
		</div>
		<Taps s={s} />
		<Ledger s={s} />
	</div>;
}
