// SPDX-License-Identifier: Apache-2.0
// Traces: what is followed, why, by whom, until when, and how much so far.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { ConfirmButton } from "../components/confirm";
import { CopyButton } from "../components/copy";
import { Icon } from "../components/icon";
import { MirrorList } from "../components/mirrorlist";
import { AwayNote } from "../components/notes";
import { TraceForm } from "../components/traceform";
import { useKeys } from "../keys";
import { change, go, route } from "../router";
import { session } from "../session";
import { bytes, count, oneLine, plural } from "../text";
import { zone } from "../settings";
import {
	clockText, dateText, durationText, exactText, millis, timeText,
} from "../time";
import {
	draftAgain, endedText, leftText, mayChange, messagesText, newDraft,
	quotaShare, runs, traceAgain, traceForm, traceSearch,
} from "../traces";
import type { Mirror, Scope, Trace, TraceList } from "../types";

const POLL_MS = 2000;
const COMMAND = "earshot ctl trace start --rule 'user == alice' " +
	"--scope dialog --for 10m";

interface Read {
	list: TraceList | null;
	mirrors: Mirror[] | null;
	readAt: number;
	/** What the server's clock is ahead of ours, ms. */
	ahead: number;
	error: string;
}

function useTraces(): Read & { again: () => void } {
	const [r, setR] = useState<Read>({ list: null, mirrors: null,
		readAt: 0, ahead: 0, error: "" });
	const [turn, setTurn] = useState(0);
	useEffect(() => {
		const stop = new AbortController();
		let timer = 0;
		const read = async () => {
			try {
				const [list, m] = await Promise.all([
					api.traces(stop.signal), api.mirrors(stop.signal)]);
				setR({ list, mirrors: m.mirrors ?? [],
					readAt: Date.now(), error: "",
					ahead: millis(list.now) - Date.now() || 0 });
			} catch (e) {
				if ((e as Error).name === "AbortError")
					return;
				if (e instanceof api.ApiError && e.status !== 401)
					setR((old) => ({ ...old, error: e.message }));
			}
			timer = window.setTimeout(read, POLL_MS);
		};
		void read();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [turn]);
	return { ...r, again: () => setTurn((n) => n + 1) };
}

/** Now, once a second, for what counts down. */
function useNow(ahead: number): number {
	const [, setTurn] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => setTurn((n) => n + 1), 1000);
		return () => clearInterval(timer);
	}, []);
	return Date.now() + ahead;
}

/** A time to the second; the date only where it is another day. */
function When(props: { at: string | null; now: number }) {
	const z = useCell(zone);
	const ms = millis(props.at);
	if (!isFinite(ms))
		return null;
	const today = dateText(ms, z) === dateText(props.now, z);
	return <time dateTime={props.at!} title={exactText(props.at)}
		class="num">{today ? clockText(ms, z, false) :
			timeText(ms, z, false)}</time>;
}

function End(props: { t: Trace; now: number }) {
	const { t, now } = props;
	if (!runs(t))
		return <><span>{endedText(t)}</span>
			{t.ended ? <small class="muted"><When at={t.ended}
				now={now} /></small> : null}</>;
	const left = leftText(t, now);
	const share = quotaShare(t);
	return <>
		<b class="num">{left || (t.standing ? "stands" :
			share === null ? "no end" : "by amount")}</b>
		{t.until ? <small class="muted">until <When at={t.until}
			now={now} /></small> : t.standing ? <small class="muted">until the configuration
				changes</small> : share === null ?
				<small class="warn-text">until it is stopped</small> : null}
		{share === null ? null : <div class="meter" role="meter"
			aria-label={`${Math.round(share * 100)} % of its limit`}
			aria-valuenow={Math.round(share * 100)} aria-valuemin={0}
			aria-valuemax={100}>
			<i style={{ width: `${share * 100}%` }} /></div>}
	</>;
}

function Marks(props: { t: Trace; on: boolean }) {
	const { t } = props;
	return <>
		{t.standing ? <span class="mark" title={"In the configuration; " +
			"it ends there"}>configuration</span> : null}
		{!runs(t) ? <span class="mark">ended</span> :
			!t.on ? <span class="mark bad">off</span> :
				props.on ? null : <span class="mark bad">
					{t.traced_user?.length ? "rows of users only" :
						"takes nothing"}</span>}
	</>;
}

function Details(props: { t: Trace }) {
	const { t } = props;
	const parts: string[] = [];
	if (t.traced_user?.length)
		parts.push(`for ${t.traced_user.map(oneLine).join(", ")}`);
	if (t.mirrors?.length)
		parts.push(`to ${t.mirrors.map(oneLine).join(", ")}`);
	if (t.table)
		parts.push(`table ${oneLine(t.table)}`);
	if (t.keep_before_ns)
		parts.push(`${durationText(t.keep_before_ns / 1e6)} from before`);
	if (t.open && runs(t))
		parts.push(`${plural(t.open, "conversation")} followed now`);
	if (t.recalled)
		parts.push(`${count(t.recalled)} out of the recorder`);
	return <>
		{parts.length ? <span class="muted">{parts.join(" · ")}</span> :
			null}
		{t.forgotten ? <span class="warn-text">{count(t.forgotten)} found
			no room to be followed</span> : null}
	</>;
}

function Row(props: { t: Trace; now: number; on: boolean; may: boolean;
	onChange: () => void }) {
	const { t, may } = props;
	const [error, setError] = useState("");
	const change = async (how: "stop" | "on" | "off") => {
		await api.changeTrace(t.name, how);
		props.onChange();
	};
	const name = oneLine(t.name);
	return <li class={"trace" + (runs(t) ? "" : " over") +
		(runs(t) && t.on && props.on ? "" : " quiet")}>
		<div class="trace-name">
			<i class="lamp" aria-hidden="true" />
			<a class="mono" href={traceSearch(t.name)}
				title={"Search what it took"}>{name}</a>
			<Marks t={t} on={props.on} />
		</div>
		<div class="trace-what">
			<code class="rule">{t.rule ? oneLine(t.rule) : t.script ?
				"what the script names" : "everything"}</code>
			<span class="mark">{t.scope}</span>
			{t.why ? <p>{oneLine(t.why)}</p> : null}
			<Details t={t} />
		</div>
		<div class="trace-end"><End t={t} now={props.now} /></div>
		<dl class="amounts">
			<div><dt>Messages</dt><dd class="num">{messagesText(t)}</dd>
			</div>
			<div><dt title="conversations">Call-IDs</dt><dd class="num">
				{count(t.conversations)}</dd></div>
			<div><dt>Size</dt><dd class="num">{bytes(t.bytes)}</dd></div>
		</dl>
		<div class="trace-by muted">
			{t.standing ? null : <span class="cut" title={oneLine(t.by)}>
				by {oneLine(t.by)}</span>}
			<span>since <When at={t.since} now={props.now} /></span>
		</div>
		<div class="trace-do">
			{may && runs(t) ? <button type="button" class="button small"
				title={t.on ? "Let it rest; its time goes on" :
					"Take again"}
				onClick={() => change(t.on ? "off" : "on").then(() =>
					setError(""), (e: Error) => setError(e.message))}>
				{t.on ? "Turn off" : "Turn on"}</button> : null}
			{may && runs(t) && !t.standing ? <ConfirmButton
				class="button small" title="End it"
				label={<><Icon name="stop" size={12} />Stop</>}
				question={`Stop ${name}?`} action="Stop it"
				run={() => change("stop")}>
				It takes nothing more and cannot go on; “Again” begins
				another like it. What it took stays.</ConfirmButton> : null}
			{may && !runs(t) && !t.standing ? <a class="button small"
				href={traceAgain(t)}
				title="The form, filled in as it was">Again</a> : null}
		</div>
		{error ? <p class="wrong" role="alert">{error}</p> : null}
	</li>;
}

function Switch(props: { on: boolean; may: boolean; users: boolean;
	again: () => void }) {
	const { on, may } = props;
	const [error, setError] = useState("");
	const turn = async (to: boolean) => {
		await api.switchTracing(to);
		props.again();
	};
	if (on)
		return <div class="tracing">
			<span class="tracing-state good"><i class="lamp"
				aria-hidden="true" />Tracing is on</span>
			{may ? <ConfirmButton class="button small" label="Turn off"
				title="The global switch" question="Turn tracing off?"
				action="Turn it off" run={() => turn(false)}>
				No trace takes anything until somebody turns it on again,
				also after a restart. Traces stay, and their time goes
				on.</ConfirmButton> : null}
		</div>;
	return <div class="note-line bad tracing-off" role="status">
		<Icon name="warn" /><span><b>Tracing is off: nothing is
			traced.</b> No trace below takes anything until it is turned
			on{props.users ? ", but for the rows of traced users, which " +
				"are written even so, as siptrace does" : ""}.</span>
		{may ? <button type="button" class="button small"
			onClick={() => turn(true).catch((e: Error) =>
				setError(e.message))}>Turn on</button> : null}
		{error ? <span role="alert">{error}</span> : null}
	</div>;
}

function Nothing(props: { may: boolean }) {
	return <div class="empty">
		<h2>Nothing is followed</h2>
		<p class="muted">A trace follows what you name – a user, a number,
			calls that fail – and marks the messages, dialogs and all, so
			that they can be found, kept and mirrored. It ends by
			itself.</p>
		{props.may ? <div class="row">
			<a class="button primary" href={traceForm("", "dialog")}>
				Start a trace</a>
			<a class="button" href={traceForm("method == INVITE and " +
				"status >= 500", "dialog", "calls that servers fail")}>
				Calls that fail</a>
			<a class="button" href={traceForm("method == REGISTER and " +
				"status in (401, 403)", "transaction",
			"log-ins that are refused")}>Refused log-ins</a>
		</div> : <p>Starting one needs the role operator.</p>}
		<p class="muted">On the server: <code>{COMMAND}</code>{" "}
			<CopyButton title="Copy the command" text={() => COMMAND} />
		</p>
	</div>;
}

const openForm = () => go(traceForm("", "dialog"));

function step(by: number): void {
	const all = [...document.querySelectorAll<HTMLElement>(
		".trace-name a")];
	const at = all.indexOf(document.activeElement as HTMLElement);
	all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]
		?.focus();
}

export function TracesPage() {
	const { list, mirrors, readAt, ahead, error, again } = useTraces();
	const r = useCell(route);
	const now = useNow(ahead);
	const may = mayChange(useCell(session).me);
	const form = may && r.params.get("new") === "1";
	const scope = (r.params.get("scope") ?? "dialog") as Scope;
	const close = () => change({ new: null, rule: null, scope: null,
		why: null, again: null }, "replace");
	useKeys([
		{ key: "n", group: "List", help: "start a trace",
			run: () => may && openForm() },
		{ key: "j", group: "List", help: "next trace",
			run: () => step(1) },
		{ key: "k", group: "List", help: "trace before",
			run: () => step(-1) },
		{ key: "r", group: "Everywhere", help: "read again", run: again },
	]);
	if (!list)
		return <div class="status-page"><AwayNote readAt={0} />
			{error ? <p class="note-line bad" role="alert">
				<Icon name="warn" /><span>{error}</span></p> :
				<p class="empty muted" role="status">Reading…</p>}
		</div>;
	const live = list.traces.filter(runs);
	const over = list.traces.filter((t) => !runs(t));
	const was = over.find((t) => t.name === r.params.get("again"));
	const rows = (all: Trace[]) => <ul class="traces">{all.map((t) =>
		<Row key={`${t.name} ${t.since}`} t={t} now={now} on={list.on} may={may}
			onChange={again} />)}</ul>;
	return <div class="status-page traces-page" tabIndex={0} role="region"
		aria-label="Traces">
		<header class="page-head"><h1>Traces</h1>
			{list.on ? <Switch on may={may} users={false}
				again={again} /> : null}
			<span class="spring" />
			{may ? <button type="button" class="button primary"
				title="Start a trace (n)" onClick={openForm}>
				<Icon name="plus" size={14} />Start a trace</button> :
				<span class="muted">You may look; starting and stopping
					needs the role operator.</span>}
		</header>
		<AwayNote readAt={readAt} />
		{error ? <p class="note-line bad" role="alert">
			<Icon name="warn" /><span>{error}</span></p> : null}
		{list.on ? null : <Switch on={false} may={may}
			users={live.some((t) => t.on && t.traced_user?.length > 0)}
			again={again} />}
		<section class="card" aria-label="Running traces">
			{live.length ? rows(live) : <Nothing may={may} />}
		</section>
		{over.length ? <section class="card"
			aria-labelledby="over-title">
			<h2 id="over-title">Ended</h2>{rows(over)}</section> : null}
		<MirrorList mirrors={mirrors} />
		{form ? <TraceForm key={r.params.get("rule") ?? ""}
			draft={was ? draftAgain(was) : newDraft(
				r.params.get("rule") ?? "", scope,
				r.params.get("why") ?? "")} list={list}
			mirrors={mirrors ?? []} onClose={close}
			onStarted={() => {
				close();
				again();
			}} /> : null}
	</div>;
}
