// SPDX-License-Identifier: Apache-2.0
// One call: why it ended so on top, its legs, and the ladder that proves it.
import { useCell } from "../cell";
import type { Narrow } from "../components/ask";
import { Legs, useCall } from "../components/callwords";
import { Icon } from "../components/icon";
import { AwayNote } from "../components/notes";
import { Time } from "../components/time";
import { Badge, listOf, RowLink, Seconds, str } from "../lists/looks";
import { useKeys } from "../keys";
import { back, change, go, hashOfPage, route } from "../router";
import { oneLine } from "../text";
import type { CallStory, ListRow } from "../types";
import { ConversationView } from "./conversation";

const FACTS: [string, string][] = [
	["code", "Code"], ["reason", "Reason"], ["reason_header",
		"Reason header"], ["q850", "Q.850"], ["branches", "Branches"],
	["retries", "Retries"], ["src_agent", "Caller's agent"],
	["dst_agent", "Callee's agent"], ["auth_user", "Credentials"],
	["note", "Note"],
];

function Facts(props: { row: ListRow }) {
	const { row } = props;
	return <dl class="call-facts">
		<div><dt>Call Date</dt><dd class="num"><Time at={str(row.at)} />
		</dd></div>
		<div><dt>Rang</dt><dd class="num">
			{row.ring_s || row.ring_ms ? <Seconds s={row.ring_s}
				ms={row.ring_ms} /> :
				row.ring_s === null ? "goes on" : "did not"}</dd></div>
		<div><dt>Duration</dt><dd class="num">{row.talk_s === null ?
			"goes on" : <Seconds s={row.talk_s ?? 0} ms={row.talk_ms} />}
		</dd></div>
		{FACTS.map(([name, title]) => {
			const value = row[name];
			return value === undefined || value === null || value === "" ||
				value === 0 || (name === "branches" && value === 1) ? null :
				<div key={name}><dt>{title}</dt>
					<dd class={typeof value === "number" ? "num" : ""}>
						{str(value)}</dd></div>;
		})}
	</dl>;
}

function Party(props: { name: string; column: string; title: string }) {
	return <RowLink href={listOf("calls", props.column, props.name)}
		title={props.title}>{oneLine(props.name) || "(nobody)"}</RowLink>;
}

function Top(props: { story: CallStory; leg: string;
	onLeg: (row: ListRow) => void }) {
	const { story: { call: row, legs, words, rule }, leg } = props;
	const narrowTo: Narrow = (column, value) => go(listOf("calls", column,
		String(value)));
	return <section class="call-top" aria-label="The call">
		<div class="line">
			<Badge big word={str(row.disposition)} />
			<h1><Party name={str(row.src)} column="src"
				title="Calls of this caller" /> →{" "}
			<Party name={str(row.dst)} column="dst"
				title="Calls to this number" /></h1>
			{row.note ? <button type="button" class="mark" title={"Calls " +
				"with this note"} onClick={() => narrowTo("note",
				String(row.note), "only")}>{str(row.note)}</button> :
				null}
		</div>
		{words ? <p class="words">{oneLine(words)} {rule ?
			<small class="mark mono" title="The rule that says so">
				{oneLine(rule)}</small> : null}</p> : null}
		<Facts row={row} />
		<Legs legs={legs} here={leg} onLeg={props.onLeg} />
	</section>;
}

export function CallPage() {
	const r = useCell(route);
	const { story, error } = useCall(r.rest);
	const backTo = hashOfPage("calls");
	useKeys([{ key: "Escape", group: "Ladder", help: "back", hidden: true,
		run: () => back(backTo) }]);
	if (!story || str(story.call.id) !== r.rest)
		return <div class="alone"><AwayNote readAt={0} />
			<div class="empty">{error ? <><h2>Not shown</h2>
				<p role="alert">{error}</p>
				<button type="button" class="button"
					onClick={() => back(backTo)}>
					<Icon name="left" size={14} />Back</button></> :
				<p class="muted" role="status">Reading the call…</p>}
			</div></div>;
	const leg = r.params.get("leg") ?? r.rest;
	const row = story.legs.find((l) => str(l.id) === leg) ?? story.call;
	return <ConversationView callId={String(row.call_id ?? "")}
		backTo={backTo} top={<Top story={story} leg={leg}
			onLeg={(l) => change({ leg: str(l.id) === r.rest ? null :
				str(l.id), m: null, m2: null }, "replace")} />} />;
}
