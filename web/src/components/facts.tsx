// SPDX-License-Identifier: Apache-2.0
// What is known about a message beside its text: when, between whom, and
// how it came here. Each value can be put into the search.
import { oneLine } from "../text";
import type { Message } from "../types";
import { Ask, type Narrow } from "./ask";
import { Time } from "./time";

/** Time, and who sent it to whom: above the message. */
export function Route(props: { m: Message; onNarrow: Narrow }) {
	const { m, onNarrow } = props;
	return <div class="route">
		<span class="mono num"><Time at={m.at} /></span>
		<span class="asked mono">{m.src || "unknown"}
			<Ask field="src" value={m.src} title="source"
				onNarrow={onNarrow} /></span>
		<span class="muted" aria-label="to">→</span>
		<span class="asked mono">{m.dst || "unknown"}
			<Ask field="dst" value={m.dst} title="destination"
				onNarrow={onNarrow} /></span>
		{m.transport ? <span class="asked mark">
			{m.transport.toUpperCase()}
			<Ask field="transport" value={m.transport} title="transport"
				onNarrow={onNarrow} /></span> : null}
	</div>;
}

const FACTS: { id: keyof Message; title: string; many?: boolean }[] = [
	{ id: "trace", title: "Traced by", many: true },
	{ id: "traced_user", title: "Traced user", many: true },
	{ id: "tap", title: "Tap" },
	{ id: "agent", title: "Agent" },
	{ id: "node", title: "Node" },
	{ id: "capture_id", title: "Capture id" },
	{ id: "correlation", title: "Correlation" },
	{ id: "direction", title: "Direction" },
];

/** How it came here: below the message. */
export function Facts(props: { m: Message; onNarrow: Narrow }) {
	const { m } = props;
	return <section aria-label="How it came here">
		<h3 class="facts-title">How it came here</h3>
		<dl class="facts">
			{FACTS.map((f) => {
				const value = m[f.id];
				if (!value)
					return null;
				const all = f.many ? String(value).split(",") : [value];
				return [<dt key={f.id}>{f.title}</dt>,
					...all.map((one, i) => <dd key={`${f.id}${i}`}
						class="asked mono">
						<span class="v">{oneLine(String(one))}</span>
						<Ask field={f.id} value={one} title={f.title}
							onNarrow={props.onNarrow} />
					</dd>)];
			})}
			<dt>Taken at</dt>
			<dd class="mono"><Time at={m.seen} /></dd>
			<dt>Id</dt>
			<dd class="mono"><span class="v">{m.id}</span></dd>
		</dl>
	</section>;
}
