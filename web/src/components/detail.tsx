// SPDX-License-Identifier: Apache-2.0
// The panel beside the list: one message, its facts, its text, and the way
// to its whole conversation.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { classOf, cssClass, labelOf } from "../classes";
import { hashOf, shared } from "../router";
import type { FullMessage, Message } from "../types";
import type { Narrow } from "./ask";
import { Facts, Route } from "./facts";
import { Icon } from "./icon";
import { MessageText } from "./messageview";

function useMessage(id: string) {
	const [m, setM] = useState<FullMessage | null>(null);
	const [error, setError] = useState("");
	useEffect(() => {
		const stop = new AbortController();
		setError("");
		api.message(id, stop.signal).then(setM, (e: Error) => {
			if (e.name !== "AbortError")
				setError(e instanceof api.ApiError &&
					e.status === 404 ?
					"This message is no longer kept." :
					`Not read: ${e.message}.`);
		});
		return () => stop.abort();
	}, [id]);
	// The one before stays until the next is there: no flicker under j and k.
	return { m: error ? null : m, late: m !== null && m.id !== id, error };
}

export function Detail(props: { id: string; row: Message | undefined;
	onClose: () => void; onNarrow: Narrow }) {
	const { m, late, error } = useMessage(props.id);
	const head = m && !late ? m : props.row;
	return <aside class="detail" aria-label="Message">
		<header class="detail-head">
			{head ? <h2 class={"badge big " + cssClass(classOf(head))}>
				<i class="dot" />{labelOf(head)}</h2> :
				<h2>Message</h2>}
			<span class="spring" />
			{head?.call_id ? <a class="button primary" href={hashOf(
				"conversation", head.call_id,
				{ ...shared(), m: head.id })}
				title="The whole conversation (Enter)">
				<Icon name="ladder" size={14} />Conversation</a> : null}
			<button type="button" class="button icon-only"
				title="Close (Esc)" aria-label="Close"
				onClick={props.onClose}><Icon name="close" /></button>
		</header>
		<div class="detail-body" tabIndex={0} role="region"
			aria-label="Message, details">
			{error ? <p class="wrong" role="alert">{error}</p> : null}
			{head ? <Route m={head} onNarrow={props.onNarrow} /> : null}
			{m ? <div class={late ? "late" : ""}>
				<MessageText m={m} onNarrow={props.onNarrow} /></div> :
				error ? null : <p class="muted">Reading…</p>}
			{head ? <Facts m={head} onNarrow={props.onNarrow} /> : null}
		</div>
	</aside>;
}
