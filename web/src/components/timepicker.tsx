// SPDX-License-Identifier: Apache-2.0
// The span of time: presets, or from and to in any of the known forms.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { zone } from "../settings";
import {
	isRelative, PRESETS, readTime, spanText, timeText, type Span,
} from "../time";
import { Icon } from "./icon";
import { Popover } from "./popover";

function shown(text: string, z: "local" | "utc"): string {
	return !text || isRelative(text) || text === "all" ? text :
		timeText(Date.parse(text), z);
}

function OwnSpan(props: { span: Span; onSpan: (s: Span) => void }) {
	const z = useCell(zone);
	const [from, setFrom] = useState(shown(props.span.from, z));
	const [to, setTo] = useState(shown(props.span.to, z));
	const [wrong, setWrong] = useState("");
	return <form class="own-span" onSubmit={(e) => {
		e.preventDefault();
		const a = readTime(from, z);
		const b = readTime(to, z);
		if (a === null || b === null)
			setWrong("Not a time: " + (a === null ? from : to));
		else if (isFinite(Date.parse(a)) &&
			Date.parse(b) <= Date.parse(a))
			setWrong("“To” is not after “from”.");
		else
			props.onSpan({ from: a || "all", to: b });
	}}>
		<label>From
			<input class="mono" value={from} spellcheck={false}
				placeholder="2026-11-22 05:27:31"
				onInput={(e) => setFrom(e.currentTarget.value)} />
		</label>
		<label>To
			<input class="mono" value={to} spellcheck={false}
				placeholder="now"
				onInput={(e) => setTo(e.currentTarget.value)} />
		</label>
		{wrong ? <p class="wrong" role="alert">{wrong}</p> : null}
		<p class="hint">Date and time, or a distance back as
			<code>-90m</code>, <code>-2d</code>.</p>
		<button class="button primary">Apply</button>
	</form>;
}

export function TimePicker(props: { span: Span; opener: number;
	full: boolean;
	onSpan: (s: Span) => void; onMove: (by: number) => void;
	onWiden: () => void; onNow: () => void }) {
	const z = useCell(zone);
	return <div class="timepicker" role="group" aria-label="Time span">
		{props.full ? <button type="button" class="button icon-only"
			title="Earlier ([)" aria-label="Earlier"
			onClick={() => props.onMove(-0.5)}>
			<Icon name="left" /></button> : null}
		<Popover title="Time span" opener={props.opener} align="right"
			class="button span-button" label={<>
				<Icon name="clock" size={14} />
				<span class="num">{spanText(props.span, z)}</span></>}>
			{(close) => <div class="span-panel">
				<ul class="presets">
					{PRESETS.map((p) => <li key={p.from}>
						<button type="button" class={"row-button" +
							(p.from === props.span.from &&
							!props.span.to ? " on" : "")}
							onClick={() => {
								props.onSpan({ from: p.from, to: "" });
								close();
							}}>{p.text}</button></li>)}
				</ul>
				<div>
					<OwnSpan span={props.span} onSpan={(s) => {
						props.onSpan(s);
						close();
					}} />
					<div class="switch" role="group"
						aria-label="Times are shown in">
						{(["local", "utc"] as const).map((name) =>
							<button type="button" key={name}
								aria-pressed={z === name}
								onClick={() => zone.set(name)}>
								{name === "utc" ? "UTC" :
									"Local time"}</button>)}
					</div>
				</div>
			</div>}
		</Popover>
		{props.full ? <><button type="button" class="button icon-only"
			title="Later (])"
			aria-label="Later" onClick={() => props.onMove(0.5)}>
			<Icon name="right" /></button>
		<button type="button" class="button icon-only wide-only"
			title="Twice as long (-)" aria-label="Twice as long"
			onClick={props.onWiden}><Icon name="zoomout" /></button>
		<button type="button" class="button icon-only"
			title="Search again (r)" aria-label="Search again"
			onClick={props.onNow}><Icon name="refresh" /></button></> :
			null}
	</div>;
}
