// SPDX-License-Identifier: Apache-2.0
// Why a call ended so, in words, and the legs it was joined with.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { Badge, Seconds, str } from "../lists/looks";
import { hashOf, span } from "../router";
import { oneLine } from "../text";
import type { CallStory, ListRow } from "../types";
import { Time } from "./time";

/** A call by its id; asked again when `turn` changes. */
export function useCall(id: string, turn: unknown = 0) {
	const [story, setStory] = useState<CallStory | null>(null);
	const [error, setError] = useState("");
	useEffect(() => {
		const stop = new AbortController();
		setError("");
		api.callStory(id, stop.signal).then(setStory, (e: Error) => {
			if (e.name !== "AbortError" && !(e instanceof api.Away))
				setError(e.message);
		});
		return () => stop.abort();
	}, [id, turn]);
	return { story, error };
}

/** The legs of a call, the one looked at marked. */
export function Legs(props: { legs: ListRow[]; here: string;
	onLeg?: (row: ListRow) => void }) {
	if (props.legs.length < 2)
		return null;
	return <div class="legs"><h3>{props.legs.length} legs of one call</h3>
		<ul>{props.legs.map((l) => {
			const id = str(l.id);
			const words = <>
				<span class="num muted"><Time at={str(l.at)} short />
				</span>
				<span class="cut">{str(l.src)} → {str(l.dst)}</span>
				<Badge word={str(l.disposition)} />
				{l.legs_why ? <small class="muted"
					title="Why it is taken for a leg of this call">
					{str(l.legs_why)}{l.legs_score ?
						` (${str(l.legs_score)} %)` : ""}</small> : null}
			</>;
			return <li key={id}>{props.onLeg ? <button type="button"
				class={"row-button" + (id === props.here ? " on" : "")}
				aria-pressed={id === props.here}
				onClick={() => props.onLeg!(l)}>{words}</button> :
				<a class={"row-button" + (id === props.here ? " on" : "")}
					href={hashOf("call", id, span())}>{words}</a>}</li>;
		})}</ul></div>;
}

/** In the panel beside the list. */
export function CallWords(props: { row: ListRow }) {
	const id = str(props.row.id);
	// Asked again when the row changes: the call may have ended.
	const { story, error } = useCall(id, `${props.row.disposition}`);
	return <div class="call-words">
		<p class="panel-words"><b>{str(props.row.src) || "somebody"}</b>
			{" → "}<b>{str(props.row.dst) || "nobody"}</b>, talk{" "}
			{props.row.talk_s === null ? "goes on" :
				<Seconds s={props.row.talk_s ?? 0} ms={props.row.talk_ms} />}
			{props.row.ring_s ? <>, rang <Seconds s={props.row.ring_s}
				ms={props.row.ring_ms} /></> : null}</p>
		{error ? <p class="muted">{error}</p> : null}
		{story?.words ? <p class="words">{oneLine(story.words)}
			{story.rule ? <> <small class="mark mono"
				title="The rule that says so">{oneLine(story.rule)}
			</small></> : null}</p> : null}
		{story ? <Legs legs={story.legs} here={id} /> : null}
	</div>;
}
