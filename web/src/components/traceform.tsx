// SPDX-License-Identifier: Apache-2.0
// What is to be followed, and until when: the form behind "Start a trace".
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { Modal } from "./modal";
import { SearchBox, useMessageScope } from "./searchbox";
import { plural } from "../text";
import { durationText } from "../time";
import {
	BEFORE, draftFault, LENGTHS, orderOf, SCOPES, type Draft,
} from "../traces";
import type { Mirror, TraceList } from "../types";

const PREVIEW_AFTER_MS = 600;

/** How many messages of the last hour the rule would have taken. */
function usePreview(rule: string): string {
	const [words, setWords] = useState("");
	useEffect(() => {
		const stop = new AbortController();
		setWords("…");
		const ask = async () => {
			// What is wrong is told beside the box.
			if (rule && !(await api.check(rule, stop.signal)).ok)
				return "";
			const h = await api.histogram({ q: rule, from: "-1h", to: "" },
				1, stop.signal);
			const n = h.buckets.reduce((sum, b) => sum +
				b.reduce((x, y) => x + y, 0), 0);
			const least = h.found.complete ? "" : "at least ";
			return n === 0 ? "would have matched nothing that was kept " +
				"in the last hour" : "would have matched " + least +
				plural(n, "message") + " in the last hour";
		};
		const timer = setTimeout(() => {
			ask().then(setWords, (e: Error) => {
				if (e.name !== "AbortError")
					setWords("");
			});
		}, PREVIEW_AFTER_MS);
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [rule]);
	return words;
}

function Before(props: { d: Draft; list: TraceList | null;
	set: (part: Partial<Draft>) => void }) {
	const recorder = props.list?.recorder;
	return <label>Also from before
		<select value={props.d.before} disabled={!recorder}
			onChange={(e) => props.set({ before: e.currentTarget.value })}>
			{BEFORE.filter((b) => !recorder ? !b.s :
				b.s <= recorder.keep_s).map((b) =>
				<option key={b.value} value={b.value}>{b.title}</option>)}
		</select>
		<span class="hint">{recorder ?
			"of its conversation, out of the flight recorder, which " +
			`holds ${durationText(recorder.keep_s * 1e3)}` :
			"the flight recorder is switched off (recorder, size of the " +
			"configuration)"}</span></label>;
}

function Mirrors(props: { d: Draft; mirrors: Mirror[];
	set: (part: Partial<Draft>) => void }) {
	const { d, mirrors } = props;
	if (!mirrors.length)
		return null;
	return <fieldset><legend>Copies go to</legend>
		<div class="ticks">{mirrors.map((m) => <label key={m.name}>
			<input type="checkbox" checked={d.mirrors.includes(m.name)}
				onChange={(e) => props.set({
					mirrors: e.currentTarget.checked ?
						[...d.mirrors, m.name] :
						d.mirrors.filter((n) => n !== m.name),
				})} />{m.name}<span class="muted">{m.kind}</span>
		</label>)}</div>
		<span class="hint">{d.mirrors.length ? "to these alone" :
			"none chosen: to all that take traced messages"}</span>
	</fieldset>;
}

export function TraceForm(props: {
	draft: Draft;
	list: TraceList | null;
	mirrors: Mirror[];
	onClose: () => void;
	onStarted: (name: string) => void;
}) {
	const [d, setD] = useState(props.draft);
	const [error, setError] = useState("");
	const [busy, setBusy] = useState(false);
	const scope = useMessageScope();
	const { fields } = scope;
	const form = useRef<HTMLFormElement>(null);
	const preview = usePreview(d.rule.trim());
	const set = (part: Partial<Draft>) => {
		setError("");
		setD((old) => ({ ...old, ...part }));
	};
	useEffect(() => {
		form.current?.querySelector<HTMLInputElement>("#trace-rule")
			?.focus();
	}, []);
	const submit = async (e: Event) => {
		e.preventDefault();
		const fault = draftFault(d);
		setError(fault);
		if (fault)
			return;
		setBusy(true);
		try {
			props.onStarted((await api.startTrace(orderOf(d))).name);
		} catch (fault) {
			setError((fault as Error).message);
			setBusy(false);
		}
	};
	const forever = d.length === "0s" && !d.messages && !d.megabytes;
	return <Modal title="Start a trace" wide onClose={props.onClose}>
		<form class="trace-form" ref={form} onSubmit={submit}>
			<div class="rule-field">
				<span class="label" aria-hidden="true">Follow</span>
				<SearchBox q={props.draft.rule} error={null} scope={scope}
					seen={(name) => fields.find((f) => f.name === name)
						?.values ?? []}
					onSearch={(rule) => set({ rule })}
					onText={(rule) => set({ rule })}
					field={{ id: "trace-rule", label: "Rule",
						placeholder: "everything; or as " +
							"user == sara and method == INVITE" }} />
				<span class="hint num" role="status">{d.rule.trim() ?
					preview : `takes every message; ${preview}`}</span>
			</div>
			<fieldset><legend>and with it</legend>
				<div class="switch" role="group" aria-label="Scope">
					{SCOPES.map((s) => <button type="button" key={s.id}
						aria-pressed={d.scope === s.id}
						onClick={() => set({ scope: s.id })}>
						{s.title}</button>)}
				</div>
				<span class="hint">{SCOPES.find((s) =>
					s.id === d.scope)?.help}</span>
			</fieldset>
			<div class="fields-3">
				<label>Ends after
					<select name="length" value={d.length}
						onChange={(e) => set({
							length: e.currentTarget.value,
						})}>{LENGTHS.map((l) => <option key={l.value}
							value={l.value}>{l.title}</option>)}
					</select></label>
				<label>or after messages
					<input name="messages" value={d.messages}
						inputMode="numeric" placeholder="no limit"
						onInput={(e) => set({
							messages: e.currentTarget.value,
						})} /></label>
				<label>or after MB
					<input name="megabytes" value={d.megabytes}
						inputMode="decimal" placeholder="no limit"
						onInput={(e) => set({
							megabytes: e.currentTarget.value,
						})} /></label>
			</div>
			{forever ? <p class="hint warn-text">It goes on until somebody
				stops it.</p> : null}
			<label>Why
				<input name="why" value={d.why} maxLength={255}
					placeholder="what it is for, for colleagues"
					onInput={(e) => set({
						why: e.currentTarget.value,
					})} /></label>
			<Mirrors d={d} mirrors={props.mirrors} set={set} />
			<details>
				<summary>More: traced users, from before, table,
					correlation, name</summary>
				<div class="fields-2">
					<label>Traced users
						<input name="users" class="mono" value={d.users}
							placeholder="alice, {from.user}"
							spellcheck={false} autocapitalize="off"
							onInput={(e) => set({
								users: e.currentTarget.value,
							})} />
						<span class="hint">one row more in sip_trace for
							each</span></label>
					<Before d={d} list={props.list} set={set} />
					<label>Table
						<input class="mono" value={d.table} maxLength={64}
							spellcheck={false} autocapitalize="off"
							placeholder="the usual one"
							onInput={(e) => set({
								table: e.currentTarget.value,
							})} />
						<span class="hint">for its rows in SQL databases
						</span></label>
					<label>Correlation id
						<input class="mono" value={d.correlation}
							maxLength={255} spellcheck={false}
							placeholder="the Call-ID"
							onInput={(e) => set({
								correlation: e.currentTarget.value,
							})} />
						<span class="hint">fields in braces are filled in
						</span></label>
					<label>Name
						<input class="mono" value={d.name} maxLength={63}
							spellcheck={false} autocapitalize="off"
							placeholder="made up, as t7"
							onInput={(e) => set({
								name: e.currentTarget.value,
							})} /></label>
				</div>
			</details>
			{error ? <p class="wrong" role="alert">{error}</p> : null}
			<div class="modal-foot">
				<button type="button" class="button"
					onClick={props.onClose}>Cancel</button>
				<button class="button primary" disabled={busy}>
					{busy ? "Starting…" : "Start"}</button>
			</div>
		</form>
	</Modal>;
}
