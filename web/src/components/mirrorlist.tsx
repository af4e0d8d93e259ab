// SPDX-License-Identifier: Apache-2.0
// Where copies go, and how far each is behind.
import { Recipe } from "./recipe";
import { Time } from "./time";
import { mirrorState } from "../traces";
import { bytes, count, oneLine } from "../text";
import { durationText } from "../time";
import type { Mirror } from "../types";

const EXAMPLE = "mirror \"homer\" {\n  to = \"hep:192.0.2.9:9060\"\n" +
	"  take = \"traced\"\n}\n";

function Row(props: { m: Mirror }) {
	const { m } = props;
	const state = mirrorState(m);
	return <li class="mirror">
		<div class="mirror-what">
			<b class="mono">{oneLine(m.name)}</b>
			<span class="mark">{oneLine(m.kind)}</span>
			<span class="mono cut" title={oneLine(m.to ?? "")}>
				{oneLine(m.to ?? "")}</span>
		</div>
		<div class={"mirror-state " + state.kind}>
			<i class="lamp" aria-hidden="true" />{state.words}
			{m.since && state.kind !== "off" ? <span class="muted">
				{" "}since <Time at={m.since} short /></span> : null}
		</div>
		<dl class="amounts">
			<div><dt>Behind</dt><dd class="num">{m.lag_ms ?
				durationText(m.lag_ms) : "–"}</dd></div>
			<div><dt>Waiting</dt><dd class="num" title={
				`${bytes(m.bytes)} of ${bytes(m.max_bytes)}`}>
				{count(m.waiting)}</dd></div>
			<div><dt>Delivered</dt><dd class="num">
				{count(m.delivered)}</dd></div>
			<div class={m.lost ? "bad" : ""}><dt>Lost</dt>
				<dd class="num">{count(m.lost)}</dd></div>
		</dl>
		{m.trouble ? <p class={"mirror-trouble" + (m.connected ?
			" muted" : "")}>{m.connected ? "Last trouble: " : ""}
			{oneLine(m.trouble)}{state.kind === "bad" && !m.full ?
				"; messages wait on disk until it is back" : ""}</p> :
			null}
	</li>;
}

export function MirrorList(props: { mirrors: Mirror[] | null }) {
	const list = props.mirrors;
	return <section class="card" aria-labelledby="mirrors-title">
		<h2 id="mirrors-title">Mirrors and SQL stores</h2>
		{!list ? <p class="muted">Reading…</p> : list.length ?
			<ul class="mirrors">{list.map((m) => <Row key={m.name}
				m={m} />)}</ul> : <>
				<p class="muted">No copies leave this server. A section in
					its configuration and a reload begin one:</p>
				<Recipe title="earshot.conf" copy="Copy the section"
					text={EXAMPLE} /></>}
	</section>;
}
