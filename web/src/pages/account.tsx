// SPDX-License-Identifier: Apache-2.0
// The whole story of an account: what is the matter with it on top, the
// evidence below.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { Icon } from "../components/icon";
import { AwayNote } from "../components/notes";
import { StripView } from "../components/strip";
import { Time } from "../components/time";
import { callPage } from "../lists/calls";
import { Badge, fromNow, listOf, Seconds, str } from "../lists/looks";
import { useKeys } from "../keys";
import { back, change, hashOf, hashOfPage, route, span } from "../router";
import { zone } from "../settings";
import { stripOf } from "../strip";
import { count, oneLine, plural } from "../text";
import { millis, resolve, spanOf, zonedTimes } from "../time";
import type { AccountStory, Diagnosis, ListRow } from "../types";

const POLL_MS = 5000;
const ROWS = 12;

function useStory(id: string, from: string, to: string) {
	const [story, setStory] = useState<AccountStory | null>(null);
	const [error, setError] = useState("");
	const [readAt, setReadAt] = useState(0);
	const [turn, setTurn] = useState(0);
	useEffect(() => {
		const stop = new AbortController();
		let timer = 0;
		const iso = (t: string) => {
			const ms = resolve(t, Date.now());
			return ms === null || !isFinite(ms) ? "" :
				new Date(ms).toISOString();
		};
		const read = async () => {
			if (document.visibilityState === "visible")
				try {
					setStory(await api.account(id, { from: iso(from),
						to: iso(to) }, stop.signal));
					setReadAt(Date.now());
					setError("");
				} catch (e) {
					if ((e as Error).name === "AbortError")
						return;
					if (e instanceof api.ApiError && e.status !== 401)
						setError(e.message);
				}
			timer = window.setTimeout(read, POLL_MS);
		};
		void read();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [id, from, to, turn]);
	return { story: story && String(story.account.id) === id ? story :
		null, error, readAt, again: () => setTurn(turn + 1) };
}

const SEVERITY: Record<string, string> = {
	problem: "bad", error: "bad", warning: "warn",
};

function Matter(props: { list: Diagnosis[]; state: string }) {
	const z = useCell(zone);
	return <section class="card" aria-labelledby="matter-title">
		<h2 id="matter-title">What is the matter</h2>
		{props.list.length ? <ul class="matter">{props.list.map((d, i) =>
			<li key={i} class={"note-line " + (SEVERITY[d.severity] ??
				"")}>
				<Icon name={SEVERITY[d.severity] ? "warn" : "help"} />
				<span class="matter-text">{zonedTimes(oneLine(d.text), z,
					Date.now())}</span>
				<span class="spring" />
				<small class="mark mono" title="The rule that says so">
					{oneLine(d.rule)}</small>
				{d.at ? <small class="num"><Time at={d.at} coarse />
				</small> : null}</li>)}</ul> :
			<p class="good-text">Nothing stands out in this span: it is{" "}
				{props.state || "not registered"}.</p>}
	</section>;
}

// Names of figures in words; others are shown by their names.
const FIGURES: Record<string, [string, string]> = {
	connects: ["Connects", ""], connects_per_hour: ["Connects an hour", ""],
	registers: ["Registrations", ""], refused: ["Refused", ""],
	least_margin_s: ["Least margin", "s"], calls_to: ["Calls to it", ""],
	no_answer: ["Not answered", ""],
	no_answer_unreachable: ["Unreachable then", ""],
};

function Figures(props: { figures: Record<string, number | null> }) {
	const list = Object.entries(props.figures).filter(([, v]) =>
		typeof v === "number");
	return list.length ? <div class="figures">{list.map(([name, v]) => {
		const [title, unit] = FIGURES[name] ?? [oneLine(name)
			.replace(/_(s|ms)$/, "").replace(/_/g, " "),
		/_s$/.test(name) ? "s" : /_ms$/.test(name) ? "ms" : ""];
		return <div class="figure" key={name}>
			<div class="figure-title">{title}</div>
			<div class="figure-value num">{Number.isInteger(v) ?
				count(v!) : v!.toFixed(1)}{unit ? ` ${unit}` : ""}</div>
		</div>;
	})}</div> : null;
}

interface Cell {
	title: string;
	right?: boolean;
	cell: (r: ListRow) => ComponentChildren;
}

function Rows(props: { title: string; rows: ListRow[]; cells: Cell[];
	all: string; none: string }) {
	const [all, setAll] = useState(false);
	const { rows, title } = props;
	const shown = all ? rows : rows.slice(0, ROWS);
	return <section class="card">
		<header class="card-head"><h2>{title}</h2>
			<span class="muted num">{count(rows.length)}</span>
			<span class="spring" />
			<a href={props.all}>In the list</a></header>
		{rows.length ? <div class="scroll" tabIndex={0} role="region"
			aria-label={`${title}, table`}>
			<table class="plain"><thead><tr>{props.cells.map((c) =>
				<th key={c.title} class={c.right ? "right" : ""}>
					{c.title}</th>)}</tr></thead>
			<tbody>{shown.map((r, i) => <tr key={i}>{props.cells.map(
				(c) => <td key={c.title} class={c.right ? "right num" :
					""}>{c.cell(r)}</td>)}</tr>)}</tbody></table></div> :
			<p class="muted">{props.none}</p>}
		{rows.length > shown.length ? <button type="button"
			class="button small" onClick={() => setAll(true)}>
			Show all {count(rows.length)}</button> : null}
	</section>;
}

const when = (name: string): Cell["cell"] => (r) => <span class="mono num">
	<Time at={str(r[name])} none="" /></span>;
const plain = (name: string, mono = false): Cell["cell"] => (r) =>
	<span class={mono ? "mono" : ""}>{str(r[name])}</span>;

const BINDINGS: Cell[] = [
	{ title: "Since", cell: when("at") },
	{ title: "State", cell: (r) => <Badge word={str(r.state)} /> },
	{ title: "Address", cell: (r) => <span class="mono">{str(r.ip)}
		{r.port ? `:${str(r.port)}` : ""}</span> },
	{ title: "Expires", cell: (r) => <span class="mono num"
		title={fromNow(r.expires)}><Time at={str(r.expires)} coarse />
	</span> },
	{ title: "Ended", cell: when("ended") },
	{ title: "Unreachable since", cell: when("lost") },
	{ title: "Refreshes", right: true, cell: plain("refreshes") },
	{ title: "Margin", right: true, cell: (r) =>
		<Seconds s={r.margin_s} /> },
	{ title: "User agent", cell: plain("user_agent") },
	{ title: "Contact", cell: plain("contact", true) },
];

const SESSIONS: Cell[] = [
	{ title: "Timestamp", cell: when("at") },
	{ title: "Event", cell: (r) => <Badge word={str(r.event)} /> },
	{ title: "Source", cell: plain("source") },
	{ title: "Details", cell: plain("details") },
	{ title: "Remote", cell: plain("remote", true) },
	{ title: "TLS", cell: plain("tls_version", true) },
	{ title: "User agent", cell: plain("user_agent") },
	{ title: "Messages", cell: (r) => r.call_id ? <a href={hashOf(
		"conversation", String(r.call_id), span())}>Conversation</a> :
		null },
];

const CALLS: Cell[] = [
	{ title: "Call Date", cell: when("at") },
	{ title: "Disposition", cell: (r) => <a class="badge-link"
		href={callPage(r)} title="The call, its ladder and its reason">
		<Badge word={str(r.disposition)} /></a> },
	{ title: "Src", cell: plain("src") },
	{ title: "Dst", cell: plain("dst") },
	{ title: "Rang", right: true, cell: (r) => <Seconds s={r.ring_s}
		ms={r.ring_ms} /> },
	{ title: "Duration", right: true, cell: (r) => <Seconds s={r.talk_s}
		ms={r.talk_ms} /> },
	{ title: "Code", right: true, cell: (r) => r.code ? str(r.code) :
		null },
	{ title: "Reason", cell: plain("reason") },
	{ title: "Note", cell: plain("note") },
];

export function AccountPage() {
	const r = useCell(route);
	const { from, to } = spanOf(r.params);
	const { story, error, readAt, again } = useStory(r.rest, from, to);
	const backTo = hashOfPage("accounts");
	useKeys([
		{ key: "r", group: "Everywhere", help: "read again", run: again },
		{ key: "Escape", group: "Everywhere", help: "back",
			run: () => back(backTo) },
	]);
	if (!story)
		return <div class="status-page"><AwayNote readAt={0} />
			<div class="empty">{error ? <><h2>Not shown</h2>
				<p role="alert">{error}</p><button type="button"
					class="button" onClick={() => back(backTo)}>
					Back</button></> : <p class="muted" role="status">
				Reading the account…</p>}</div></div>;
	const { account: a } = story;
	const now = Date.now();
	const strip = stripOf(story, resolve(from, now) ?? NaN,
		resolve(to, now) ?? (from === "all" ? NaN : now), now);
	const last = story.bindings.reduce<ListRow | null>((x, b) => !x ||
		millis(str(b.at)) > millis(str(x.at)) ? b : x, null);
	const quoted = JSON.stringify(a.username);
	const user = hashOf("calls", "", { ...span(),
		q: `src == ${quoted} or dst == ${quoted}` });
	const nothing = !story.bindings.length && !story.sessions.length &&
		!story.calls.length;
	return <div class="status-page account-page" tabIndex={0} role="region"
		aria-label="Account">
		<header class="page-head">
			<button type="button" class="button icon-only"
				title="Back (Esc)" aria-label="Back"
				onClick={() => back(backTo)}><Icon name="left" /></button>
			<h1>{oneLine(a.username)}<span class="muted">
				{a.domain ? `@${oneLine(a.domain)}` : ""}</span></h1>
			<Badge big word={story.state || "not registered"} />
			<span class="muted">{oneLine(a.description)}</span>
			<span class="spring" />
			<span class="muted num">Id {a.id}</span>
		</header>
		<AwayNote readAt={readAt} />
		{error ? <p class="note-line bad" role="alert">
			<Icon name="warn" /><span>{error}</span></p> : null}
		<Matter list={story.diagnosis} state={story.state} />
		<section class="card"><header class="card-head">
			<h2>Over time</h2><span class="spring" />
			{last ? <span class="muted">last seen at{" "}
				<span class="mono">{str(last.ip)}{last.port ?
					`:${str(last.port)}` : ""}</span>
				{last.user_agent ? `, ${str(last.user_agent)}` : ""}
			</span> : null}</header>
		{nothing ? <p class="muted">Nothing in this span.{" "}
			<button type="button" class="link" onClick={() => change({
				from: "all", to: null })}>All that is kept</button></p> :
			<StripView strip={strip} />}</section>
		<Figures figures={story.figures} />
		<Rows title="Calls" rows={story.calls} cells={CALLS} all={user}
			none="No calls in this span." />
		<Rows title="Registrations" rows={story.bindings}
			cells={BINDINGS} all={listOf("accounts", "username",
				a.username, { at: "span" })}
			none="Not registered in this span." />
		<Rows title="Connections and events" rows={story.sessions}
			cells={SESSIONS} all={listOf("sessions", "peername",
				a.username, { failures: "1" })}
			none="No events in this span." />
		<p class="muted">{plural(story.bindings.length, "registration")},{" "}
			{plural(story.sessions.length, "event")},{" "}
			{plural(story.calls.length, "call")} in the span above.</p>
	</div>;
}
