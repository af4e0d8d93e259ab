// SPDX-License-Identifier: Apache-2.0
// The expression: completes names and values, shows an error at its place,
// offers the last searches.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { proposals, type Proposal } from "../complete";
import { fieldList } from "../session";
import { lastSearches } from "../settings";
import { indexOfByte } from "../text";
import type { Field } from "../types";
import { Icon } from "./icon";

const CHECK_AFTER_MS = 450;

interface Fault {
	text: string;
	at: number;
	sentence: string;
}

/** The page's own: messages. */
export function useMessageScope(): SearchScope {
	return {
		name: "messages", fields: useCell(fieldList), check: api.check,
		placeholder: "user == sara and status >= 400",
	};
}

/** The expression again with a caret under the spot. */
function FaultView(props: { fault: Fault; id: string }) {
	const { text, at, sentence } = props.fault;
	// A long expression is shown around the spot.
	const from = Math.max(0, at - 60);
	const shown = (from ? "…" : "") + text.slice(from, from + 120);
	const caret = at - from + (from ? 1 : 0);
	return <div class="fault" role="alert" id={`${props.id}-fault`}>
		<pre aria-hidden="true">{shown.slice(0, caret)}
			<mark>{shown.slice(caret, caret + 1) || " "}</mark>
			{shown.slice(caret + 1)}{"\n" + " ".repeat(caret) + "▲"}</pre>
		<span>{sentence}</span>
	</div>;
}

/** What a box is about. */
export interface SearchScope {
	/** Whose last searches are offered: "messages", or a list's name. */
	name: string;
	fields: Field[];
	placeholder: string;
	/** Judges it while it is typed. */
	check: typeof api.check;
}

export function SearchBox(props: {
	q: string;
	error: { message: string; status: number;
		offset: number | null } | null;
	scope: SearchScope;
	seen: (field: string) => string[];
	onSearch: (q: string) => void;
	onHelp?: () => void;
	/** Another box than the page's own: inside a form, where Enter is the
	 * form's. */
	field?: { id: string; label: string; placeholder: string };
	/** Told of each change. */
	onText?: (text: string) => void;
}) {
	const id = props.field?.id ?? "search";
	const { fields, check } = props.scope;
	const last = useCell(lastSearches(props.scope.name));
	const [text, setText] = useState(props.q);
	const [list, setList] = useState<Proposal[]>([]);
	const [at, setAt] = useState(-1);
	const [open, setOpen] = useState(false);
	const [fault, setFault] = useState<Fault | null>(null);
	const input = useRef<HTMLInputElement>(null);
	// Where the caret goes with the next drawing: later, it would jump
	// away under somebody who types on.
	const caret = useRef<number | null>(null);
	useLayoutEffect(() => {
		if (caret.current === null)
			return;
		input.current?.focus();
		input.current?.setSelectionRange(caret.current, caret.current);
		caret.current = null;
	});

	useEffect(() => {
		setText(props.q);
		setFault(null);
		setOpen(false);
	}, [props.q, props.scope.name]);
	useEffect(() => props.onText?.(text), [text]);
	useEffect(() => {
		const e = props.error;
		if (e && e.status === 400)
			setFault({
				text: props.q, sentence: e.message,
				at: e.offset === null ? props.q.length :
					indexOfByte(props.q, e.offset),
			});
		else
			setFault(null);
	}, [props.error, props.q]);

	// Once the typing rests, ask whether it makes sense so far.
	useEffect(() => {
		if ((text === props.q && !props.field) || !text.trim()) {
			// What the answer said of it stays.
			if (props.field || text !== props.q || !props.error)
				setFault(null);
			return undefined;
		}
		const stop = new AbortController();
		const timer = setTimeout(() => {
			check(text, stop.signal).then((r) => setFault(r.ok ?
				null : {
					text, sentence: r.error ?? "",
					at: indexOfByte(text, r.offset ?? 0),
				}), () => undefined);
		}, CHECK_AFTER_MS);
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [text, props.q, check]);

	const offer = (value: string, cursor: number) => {
		const history: Proposal[] = value.trim() || props.field ? [] : last.map((s) => (
			{ text: s, help: "last search", from: 0, to: 0 }));
		setList([...history,
			...proposals(value, cursor, fields, props.seen)]);
		setAt(-1);
		setOpen(true);
	};
	const take = (p: Proposal) => {
		const end = p.help === "last search" ? "" : " ";
		const next = text.slice(0, p.from) + p.text + end +
			text.slice(p.to).replace(/^ /, "");
		const cursor = p.from + p.text.length + end.length;
		setText(next);
		setFault(null);
		if (end)
			offer(next, cursor);
		else
			setOpen(false);
		caret.current = cursor;
	};
	const run = () => {
		setOpen(false);
		props.onSearch(text.trim());
	};
	const onKeyDown = (e: KeyboardEvent) => {
		const shown = open && list.length > 0;
		if (e.key === "ArrowDown" || e.key === "ArrowUp") {
			e.preventDefault();
			if (!shown) {
				offer(text, input.current!.selectionStart ?? 0);
				return;
			}
			const step = e.key === "ArrowDown" ? 1 : -1;
			setAt(at < 0 && step < 0 ? list.length - 1 :
				(at + step + list.length) % list.length);
		} else if (e.key === "Enter") {
			e.preventDefault();
			if (shown && at >= 0)
				take(list[at]!);
			else if (props.field)
				input.current?.form?.requestSubmit();
			else
				run();
		} else if (e.key === "Tab" && shown && !e.shiftKey &&
			(at >= 0 || list[0]!.help !== "last search") &&
			text.trim()) {
			e.preventDefault();
			take(list[Math.max(at, 0)]!);
		} else if (e.key === "Escape") {
			if (shown)
				setOpen(false);
			else if (!props.field)
				input.current?.blur();
			// A dialog closes by Escape, but not for its list.
			if (shown || !props.field)
				e.stopPropagation();
			if (shown)
				e.preventDefault();
		}
	};
	const leave = (e: FocusEvent) => {
		if (!(e.currentTarget as HTMLElement).contains(
			e.relatedTarget as Node))
			setOpen(false);
	};
	const inner = <>
		{props.field ? null : <span class="searchbox-icon">
			<Icon name="search" /></span>}
		<input id={id} ref={input} class="mono" type="text"
			value={text} placeholder={props.field?.placeholder ??
				props.scope.placeholder}
			spellcheck={false} autocomplete="off" autocapitalize="off"
			role="combobox" aria-label={props.field?.label ??
				"Search expression"}
			aria-expanded={open && list.length > 0}
			aria-controls={`${id}-list`} aria-autocomplete="list"
			aria-invalid={fault !== null}
			aria-describedby={fault ? `${id}-fault` : undefined}
			aria-activedescendant={open && at >= 0 ?
				`${id}-option-${at}` : undefined}
			onInput={(e) => {
				const el = e.currentTarget;
				setText(el.value);
				offer(el.value, el.selectionStart ?? 0);
			}}
			onClick={(e) => offer(text,
				e.currentTarget.selectionStart ?? 0)}
			onKeyDown={onKeyDown} />
		{text ? <button type="button" class="in-box"
			title={props.field ? "Clear" : "Clear the search"}
			aria-label={props.field ? "Clear" : "Clear the search"}
			onClick={() => {
				setText("");
				props.onSearch("");
				input.current?.focus();
			}}><Icon name="close" size={14} /></button> : null}
		{props.onHelp ? <button type="button" class="in-box"
			aria-label="Search help" title="What can be asked"
			onClick={props.onHelp}>
			<Icon name="help" size={15} /></button> : null}
		{open && list.length > 0 ? <ul id={`${id}-list`} role="listbox"
			aria-label="Proposals" class="panel proposals">
			{fault ? <li class="foot wrong" role="presentation"
				id={`${id}-fault`}>{fault.sentence}</li> : null}
			{list.map((p, i) => <li key={i} role="option"
				id={`${id}-option-${i}`} aria-selected={i === at}
				class={i === at ? "on" : ""}
				onPointerDown={(e) => {
					e.preventDefault();
					take(p);
				}}>
				<span class="mono">{p.text}</span>
				<span class="help">{p.help}</span>
			</li>)}
			<li class="foot" role="presentation">
				<kbd>↑</kbd> <kbd>↓</kbd> choose, <kbd>Tab</kbd> take,{" "}
				{props.field ? null : <><kbd>Enter</kbd> search</>}</li>
		</ul> : null}
		{fault && !(open && list.length) ? <FaultView
			fault={fault} id={id} /> : null}
	</>;
	if (props.field)
		return <div class="searchbox" role="group"
			aria-label={props.field.label} onFocusOut={leave}>
			{inner}</div>;
	return <form class="searchbox" role="search" onSubmit={(e) => {
		e.preventDefault();
		run();
	}} onFocusOut={leave}>{inner}</form>;
}
