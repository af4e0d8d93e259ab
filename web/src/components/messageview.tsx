// SPDX-License-Identifier: Apache-2.0
// A message to read: names aligned, folds joined, known values explained,
// findings at their place; or as it was sent; or its bytes.
import { useMemo, useState } from "preact/hooks";
import { useCell } from "../cell";
import { explain, explainSdp, explainStart, hasSdp } from "../explain";
import { bytesOf, dump } from "../hex";
import { useKeys } from "../keys";
import { messageView, type MessageView as View } from "../settings";
import {
	headerKey, isSdpLine, longName, parts, pieces, startPieces, type Piece,
} from "../sip";
import { bytes, indexOfByte, oneLine, visible } from "../text";
import type { Finding, FullMessage } from "../types";
import { Ask, type Narrow } from "./ask";
import { CopyButton } from "./copy";
import { Icon } from "./icon";

const LONG_VALUE = 600;
const LONGEST_ASKED = 300;
const BYTES_SHOWN = 16384;

/** Latin-1 unless the server says, or a letter beyond it proves, UTF-8. */
function isLatin1(m: { raw: string; raw_encoding?: string }): boolean {
	return m.raw_encoding === "latin-1";
}

function Pieces(props: { list: Piece[] }) {
	// Long values break before a parameter, not in the middle of its name.
	return <>{props.list.map((p, i) => p.kind ?
		<span key={i} class={p.kind}>{visible(p.text)}</span> :
		[p.text[0] === ";" ? <wbr key={i} /> : null,
			visible(p.text)])}</>;
}

function Value(props: { value: string; list?: Piece[] }) {
	const [whole, setWhole] = useState(false);
	const { value } = props;
	if (value.length > LONG_VALUE && !whole)
		return <>{visible(value.slice(0, LONG_VALUE))}…{" "}
			<button type="button" class="link"
				onClick={() => setWhole(true)}>
				show the other {bytes(value.length - LONG_VALUE)}
			</button></>;
	return <Pieces list={props.list ?? pieces(value)} />;
}

function FindingNote(props: { finding: Finding }) {
	const f = props.finding;
	return <div class="finding"><Icon name="warn" size={14} />
		<div>{oneLine(f.text)}
			<span class="muted"> {f.rule}{f.source ? `, ${f.source}` :
				""}</span></div></div>;
}

/** The name by which a header's value is asked for, and that value. */
function askOf(m: FullMessage, name: string, value: string):
	[string, string] {
	const known: Record<string, [string, string]> = {
		from: ["from.user", m.from_user], to: ["to.user", m.to_user],
		"call-id": ["call_id", m.call_id], cseq: ["cseq", m.cseq],
		"user-agent": ["user_agent", m.user_agent],
		"content-type": ["content_type", m.content_type],
		authorization: ["auth.user", m.auth_user],
		"proxy-authorization": ["auth.user", m.auth_user],
	};
	const key = headerKey(name);
	const hit = known[key];
	if (hit && hit[1])
		return hit;
	return value.length <= LONGEST_ASKED && /^[\w.-]+$/.test(key) ?
		[`header.${key}`, value] : ["", ""];
}

function Read(props: { m: FullMessage; onNarrow: Narrow }) {
	const { m } = props;
	const p = useMemo(() => parts(m.raw), [m.raw]);
	const at = useMemo(() => m.findings.map((f) => ({
		f, i: indexOfByte(m.raw, f.offset, isLatin1(m)),
	})), [m]);
	const notes = (from: number, to: number) => at.filter((x) =>
		x.i >= from && x.i < to).map((x, k) =>
		<FindingNote key={k} finding={x.f} />);
	const sdp = hasSdp(p);
	const word = explainStart(p.start);
	let bodyAt = p.bodyFrom;
	return <div class="read mono">
		<div class="start">
			<Pieces list={startPieces(p.start)} />
			{word ? <span class="why">{word}</span> : null}
		</div>
		{notes(0, p.startTo)}
		<div class="headers">
			{p.headers.map((h, i) => {
				const why = explain(h.name, h.value);
				const full = longName(h.name);
				const [field, value] = askOf(m, h.name, h.value);
				return [<div class="h" key={i}>
					<span class="t-name" title={full ?? undefined}>
						{visible(h.name)}
						{full ? <span class="muted"> {full}</span> :
							null}</span>
					<span class="v asked"><Value value={h.value} />
						{why ? <span class="why">{why}</span> : null}
						<Ask field={field} value={value} title={h.name}
							onNarrow={props.onNarrow} />
					</span>
				</div>, notes(h.from, h.to)];
			})}
		</div>
		{notes(p.headers[p.headers.length - 1]?.to ?? p.startTo,
			p.bodyFrom)}
		{p.body ? <div class="body">{sdp ?
			p.body.split(/\r?\n/).map((line, i, all) => {
				const from = bodyAt;
				bodyAt += line.length + (p.body[bodyAt - p.bodyFrom +
					line.length] === "\r" ? 2 : 1);
				if (!line && i === all.length - 1)
					return null;
				const why = explainSdp(line, p.body);
				return [<div class="sdp" key={i}>
					{isSdpLine(line) ? <>
						<span class="t-name">{line.slice(0, 2)}</span>
						<Value value={line.slice(2)} /></> :
						<Value value={line} list={[{ text: line,
							kind: "" }]} />}
					{why ? <span class="why">{why}</span> : null}
				</div>, notes(from, bodyAt)];
			}) : <pre><Value value={p.body} list={[{ text: p.body,
				kind: "" }]} /></pre>}</div> : null}
		{notes(bodyAt, Infinity)}
	</div>;
}

function AsSent(props: { m: FullMessage }) {
	return <pre class="as-sent mono"><Value value={props.m.raw}
		list={[{ text: props.m.raw.replace(/\r\n/g, "\n"), kind: "" }]} />
	</pre>;
}

function Bytes(props: { m: FullMessage }) {
	const [most, setMost] = useState(BYTES_SHOWN);
	const data = useMemo(() => bytesOf(props.m.raw, isLatin1(props.m)),
		[props.m]);
	return <>
		<pre class="bytes mono">{dump(data.subarray(0, most))}</pre>
		{data.length > most ? <button type="button" class="button small"
			onClick={() => setMost(data.length)}>
			Show the other {bytes(data.length - most)}</button> : null}
	</>;
}

const VIEWS: [View, string][] = [["read", "Read"], ["text", "As sent"],
	["bytes", "Bytes"]];

export function MessageText(props: { m: FullMessage; onNarrow: Narrow }) {
	const view = useCell(messageView);
	const { m } = props;
	useKeys([{
		key: "b", group: "Message",
		help: "bytes, and back to the text",
		run: () => messageView.set(messageView.get() === "bytes" ? "read" :
			"bytes"),
	}]);
	return <section class="message-text" aria-label="The message">
		<div class="message-bar">
			<div class="switch" role="group" aria-label="Shown as">
				{VIEWS.map(([name, words]) => <button type="button"
					key={name} aria-pressed={view === name}
					title={name === "bytes" ? "Bytes (b)" : words}
					onClick={() => messageView.set(name)}>{words}
				</button>)}
			</div>
			<span class="muted num">{bytes(m.size)}</span>
			<span class="spring" />
			<CopyButton title="Copy the message" words="Copy"
				text={() => m.raw} />
		</div>
		{view === "read" && m.proto === "log" ?
			<AsSent m={m} key={m.id} /> :
			view === "read" ? <Read m={m} key={m.id}
			onNarrow={props.onNarrow} /> :
			view === "text" ? <AsSent m={m} key={m.id} /> :
				<Bytes m={m} key={m.id} />}
	</section>;
}
