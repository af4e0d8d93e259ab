// SPDX-License-Identifier: Apache-2.0
// "Who was on line at 10:38": a moment instead of a span.
import { useState } from "preact/hooks";
import { useCell } from "../cell";
import { WHOLE_SPAN } from "../lists/store";
import { zone } from "../settings";
import { isRelative, readTime, resolve, timeText } from "../time";
import { Icon } from "./icon";
import { Popover } from "./popover";

const AGO = [["-5m", "5 minutes ago"], ["-1h", "An hour ago"],
	["-24h", "A day ago"]] as const;

function shown(at: string, z: "local" | "utc"): string {
	return !at || at === WHOLE_SPAN || isRelative(at) ? "" :
		timeText(Date.parse(at), z, false);
}

function Form(props: { at: string; onAt: (at: string) => void }) {
	const z = useCell(zone);
	const [text, setText] = useState(shown(props.at, z) ||
		timeText(Date.now(), z, false));
	const [wrong, setWrong] = useState("");
	return <form class="own-span" onSubmit={(e) => {
		e.preventDefault();
		// A time of day is today's.
		const t = /^\d\d?:\d\d(:\d\d)?$/.test(text.trim()) ?
			timeText(Date.now(), z, false).slice(0, 11) +
			text.trim().padStart(5, "0") : text;
		const at = readTime(t, z);
		if (at === null || at === "all")
			setWrong("Not a time: " + text);
		else
			props.onAt(at);
	}}>
		<label>As of
			<input class="mono" value={text} spellcheck={false} data-first
				placeholder="2026-11-22 10:38"
				onInput={(e) => setText(e.currentTarget.value)} />
		</label>
		{wrong ? <p class="wrong" role="alert">{wrong}</p> : null}
		<p class="hint">A time as <code>10:38</code>, with a date, or a
			distance back as <code>-90m</code>.</p>
		<button class="button primary">Show</button>
	</form>;
}

export function momentText(at: string, z: "local" | "utc"): string {
	return !at ? "Now" : at === WHOLE_SPAN ? "All in the span" :
		timeText(resolve(at, Date.now()) ?? NaN, z, false);
}

export function MomentPicker(props: { at: string;
	onAt: (at: string) => void }) {
	const z = useCell(zone);
	const { at, onAt } = props;
	return <Popover title="As of" align="right"
		class={"button" + (at ? " on" : "")} label={<>
			<Icon name="clock" size={14} />
			<span class="num">{momentText(at, z)}</span></>}>
		{(close) => <div class="span-panel">
			<ul class="presets">
				{[["", "Now"] as const, ...AGO, [WHOLE_SPAN,
					"All in the span above"] as const].map(
					([value, words]) => <li key={value}>
						<button type="button" class={"row-button" +
							(value === at ? " on" : "")}
							onClick={() => {
								onAt(value && value !== WHOLE_SPAN ?
									new Date(resolve(value,
										Date.now())!).toISOString() :
									value);
								close();
							}}>{words}</button></li>)}
			</ul>
			<Form at={at} onAt={(t) => {
				onAt(t);
				close();
			}} />
		</div>}
	</Popover>;
}
