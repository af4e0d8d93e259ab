// SPDX-License-Identifier: Apache-2.0
// One conversation: what happened in a sentence, the ladder, the message.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { cssClass } from "../classes";
import { CopyButton } from "../components/copy";
import { Difference } from "../components/difference";
import { ExportMenu } from "../components/exportmenu";
import type { Narrow } from "../components/ask";
import { Facts, Route } from "../components/facts";
import { Icon } from "../components/icon";
import { MessageText } from "../components/messageview";
import { AwayNote, PartialNote } from "../components/notes";
import { Summary } from "../components/summary";
import { Time } from "../components/time";
import { fileName, saveText } from "../download";
import { narrow, quoted } from "../expr";
import { useKeys, walkKeys } from "../keys";
import { ladderSvg, ladderText } from "../ladder/export";
import { GUTTER, GUTTER_NARROW, Ladder } from "../ladder/ladder";
import { SIDE } from "../ladder/layout";
import { useMedia } from "../media";
import { back, change, hashOf, route, shared } from "../router";
import { session } from "../session";
import { zone } from "../settings";
import { oneLine, plural } from "../text";
import { durationText, millis } from "../time";
import { mayChange, traceForm } from "../traces";
import type { Conversation } from "../types";
import { setQuery } from "./search";

const COLUMN_LEAST = 90;
const COLUMN_USUAL = 160;
const COLUMN_NARROW = 130;
const COLUMN_MOST = 360;

function useConversation(callId: string) {
	const [c, setC] = useState<Conversation | null>(null);
	const [error, setError] = useState("");
	const [readAt, setReadAt] = useState(0);
	const [turn, setTurn] = useState(0);
	const away = useCell(api.awaySince);
	useEffect(() => {
		const stop = new AbortController();
		setError("");
		api.conversation(callId, stop.signal).then((answer) => {
			setC(answer);
			setReadAt(Date.now());
		}, (e: Error) => {
			if (e.name !== "AbortError" && !(e instanceof api.Away))
				setError(e instanceof api.ApiError &&
					e.status === 404 ? "Nothing is kept of this " +
					"conversation: " + oneLine(callId) : e.message);
		});
		return () => stop.abort();
	}, [callId, turn]);
	// Once the server is back, what was asked meanwhile is read.
	useEffect(() => {
		if (!away && !c)
			setTurn(turn + 1);
	}, [away]);
	return {
		c: c?.call_id === callId ? c : null, error, readAt,
		again: () => setTurn(turn + 1),
	};
}

function Head(props: { c: Conversation; onAgain: () => void;
	onBack: () => void; onSelect: (id: string) => void }) {
	const { c } = props;
	const z = useCell(zone);
	const may = mayChange(useCell(session).me);
	const span = millis(c.last) - millis(c.first);
	const asked = {
		q: `call_id == ${quoted(c.call_id)}`, from: "", to: "",
	};
	const stem = c.call_id.split("@")[0]!;
	return <header class="conversation-head">
		<div class="line">
			<button type="button" class="button icon-only"
				title="Back (Esc)" aria-label="Back"
				onClick={props.onBack}>
				<Icon name="left" /></button>
			<div class="what">
				{c.summary ? <Summary text={c.summary}
					messages={c.messages} onSelect={props.onSelect} /> :
					<p class="summary">Conversation</p>}
				<p class="meta muted">
					<Time at={c.first} />
					<span>{plural(c.messages.length, "message")} in{" "}
						<span class="num">{durationText(span)}</span>
					</span>
					<span class="call-id mono" title={oneLine(c.call_id)}>
						{oneLine(c.call_id)}</span>
					<CopyButton title="Copy the Call-ID"
						class="button small bare"
						text={() => c.call_id} />
				</p>
			</div>
			<div class="tools">
				<button type="button" class="button icon-only wide-only"
					title="Read again (r)" aria-label="Read again"
					onClick={props.onAgain}><Icon name="refresh" />
				</button>
				<button type="button" class="button icon-only wide-only"
					title="Print" aria-label="Print"
					onClick={() => print()}><Icon name="print" /></button>
				{may ? <a class="button" href={traceForm(asked.q, "dialog")}
					title="Trace this conversation from now on">
					<Icon name="trace" size={14} />
					<span class="wide-only">Trace</span></a> : null}
				<ExportMenu choices={[
					{ title: "pcap", help: "for Wireshark",
						href: api.exportUrl(asked, "pcap") },
					{ title: "Text", help: "every message",
						href: api.exportUrl(asked, "text") },
					{ title: "JSON", help: "one object a line",
						href: api.exportUrl(asked, "json") },
					{ title: "SVG", help: "the ladder as a picture",
						run: () => saveText(fileName(stem, "svg"),
							"image/svg+xml", ladderSvg(c, z)) },
					{ title: "Ladder as text", help: "for a mail",
						run: () => saveText(fileName(stem, "txt"),
							"text/plain", ladderText(c, z)) },
				]} />
			</div>
		</div>
	</header>;
}

// From a conversation "only" begins a new search; "not" narrows the old one.
const onNarrow: Narrow = (field, value, how) => setQuery(narrow(
	how === "only" ? "" : route.get().params.get("q") ?? "", field, value,
	how));

/** A conversation; under what is known of it from elsewhere. */
export function ConversationView(props: { callId: string;
	top?: ComponentChildren; backTo: string }) {
	const r = useCell(route);
	const { callId, top } = props;
	const leave = () => back(props.backTo);
	const { c, error, readAt, again } = useConversation(callId);
	const narrowScreen = useMedia("(max-width: 720px)");
	// Where the panel would cover the ladder, the ladder comes first.
	const covering = useMedia("(max-width: 1000px)");
	const [opened, setOpened] = useState(!covering);
	const [zoom, setZoom] = useState(0);
	const [box, setBox] = useState(0);
	const [marked, setMarked] = useState("");
	const chosen = r.params.get("m") ?? "";
	const second = r.params.get("m2") ?? "";
	const at = c ? c.messages.findIndex((m) => m.id === chosen) : -1;
	const m = opened ? c?.messages[at] : undefined;
	const other = c?.messages.find((x) => x.id === second);
	const list = c?.messages ?? [];

	// A message that was opened by a step is closed by a step back: the
	// next one then leaves.
	const stepped = useRef(false);
	const closeMessage = () => {
		if (stepped.current && !other) {
			stepped.current = false;
			history.back();
		} else {
			change(other ? { m2: null } : { m: null, m2: null },
				"replace");
		}
	};
	const select = (id: string, withSecond = false) => {
		setOpened(true);
		stepped.current ||= !chosen;
		if (marked && id !== marked) {
			change({ m: marked, m2: id }, "replace");
			setMarked("");
		} else if (withSecond && chosen && id !== chosen)
			change({ m2: id === second ? null : id }, "replace");
		else
			change({ m: id, m2: null }, chosen ? "replace" : "push");
	};
	const move = (to: number) => {
		const next = list[Math.max(0, Math.min(to, list.length - 1))];
		if (next)
			change({ m: next.id, m2: null }, "replace");
	};
	useKeys([
		...walkKeys("Ladder", "message", "last message", at, list.length,
			move),
		{ key: "Enter", group: "Ladder", help: "show the message",
			run: () => {
				setOpened(true);
				move(Math.max(at, 0));
			} },
		{ key: "d", group: "Ladder",
			help: "mark; on a second message: their difference",
			run: () => {
				if (marked && marked !== chosen) {
					change({ m: marked, m2: chosen }, "replace");
					setMarked("");
				} else {
					setMarked(chosen);
				}
			} },
		{ key: "r", group: "Ladder", help: "read again", run: again },
		{ key: "+", group: "Ladder", help: "wider",
			run: () => setZoom(zoom + 1) },
		{ key: "-", group: "Ladder", help: "narrower",
			run: () => setZoom(zoom - 1) },
		{ key: "Escape", group: "Ladder",
			help: "close the message; then back",
			run: () => {
				if (other || m)
					closeMessage();
				else
					leave();
			} },
	]);

	if (error)
		return <div class="alone">{top}<div class="empty">
			<h2>Not shown</h2>
			<p role="alert">{error}</p>
			<button type="button" class="button"
				onClick={leave}>Back</button></div></div>;
	if (!c)
		return <div class="alone">{top}<AwayNote readAt={0} />
			<p class="empty muted" role="status">Reading the
				conversation…</p></div>;
	if (!list.length)
		return <div class="alone">{top}<div class="empty">
			<h2>No such conversation</h2>
			<p class="muted mono">{oneLine(callId)}</p>
			<PartialNote found={c.found} />
			<button type="button" class="button"
				onClick={leave}>Back</button></div></div>;

	const parties = c.parties.length;
	const gutter = narrowScreen ? GUTTER_NARROW : GUTTER;
	const usual = narrowScreen ? COLUMN_NARROW : COLUMN_USUAL;
	const fitting = parties > 1 ? ((box || 900) - gutter - 2 * SIDE - 16) /
		(parties - 1) : COLUMN_USUAL;
	const column = Math.round(Math.min(COLUMN_MOST, Math.max(usual, fitting)) * Math.pow(1.2, zoom));
	return <div class={"conversation-page" + (m ? " with-detail" : "")}>
		<div class="ladder-side" ref={(el) => {
			if (el && Math.abs(el.clientWidth - box) > 2)
				setBox(el.clientWidth);
		}}>
			{top}
			<Head c={c} onAgain={again} onSelect={(id) => select(id)}
				onBack={leave} />
			<AwayNote readAt={readAt} />
			<PartialNote found={c.found} />
			<div class="ladder-box">
				<Ladder c={c} column={Math.max(COLUMN_LEAST, column)}
					narrow={narrowScreen} selected={chosen}
					second={second || marked} onSelect={select} />
				<div class="zoom" role="group" aria-label="Zoom">
					<button type="button" class="button icon-only"
						title="Narrower (-)" aria-label="Narrower"
						onClick={() => setZoom(zoom - 1)}>
						<Icon name="minus" size={14} /></button>
					<button type="button" class="button icon-only"
						title="Fit" aria-label="Fit"
						onClick={() => setZoom(0)}>
						<Icon name="fit" size={14} /></button>
					<button type="button" class="button icon-only"
						title="Wider (+)" aria-label="Wider"
						onClick={() => setZoom(zoom + 1)}>
						<Icon name="plus" size={14} /></button>
				</div>
				{marked ? <p class="marked pill quiet" role="status">One
					message is marked: click the one to compare it
					with (or go there and press <kbd>d</kbd>)</p> : null}
			</div>
		</div>
		{m ? <aside class="detail" aria-label="Message">
			<header class="detail-head">
				<h2 class={"badge big " + cssClass(m.class)}>
					{other ? "Difference" : <><i class="dot" />
						{oneLine(m.label)}</>}</h2>
				<span class="spring" />
				{other ? null : <button type="button"
					class={"button" + (marked === chosen ? " on" : "")}
					aria-pressed={marked === chosen}
					title={"Compare with another message: choose this, " +
						"then the other (d, or Shift and click)"}
					onClick={() => setMarked(marked === chosen ? "" :
						chosen)}>
					<Icon name="diff" size={14} />Compare</button>}
				<button type="button" class="button icon-only"
					title="Close (Esc)" aria-label="Close"
					onClick={closeMessage}>
					<Icon name="close" /></button>
			</header>
			<div class="detail-body" tabIndex={0} role="region"
				aria-label="Message, details">
				{other ? <Difference a={m} b={other} /> : <>
					<Route m={m} onNarrow={onNarrow} />
					<MessageText m={m} onNarrow={onNarrow} />
					<Facts m={m} onNarrow={onNarrow} />
				</>}
			</div>
		</aside> : null}
	</div>;
}

export function ConversationPage() {
	const r = useCell(route);
	return <ConversationView callId={r.rest}
		backTo={hashOf("search", "", shared())} />;
}
