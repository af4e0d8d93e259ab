// SPDX-License-Identifier: Apache-2.0
// Cells that several lists share, and the colours of their words. Colour is
// never the only sign: the words stand beside it.
import type { ComponentChildren } from "preact";
import { Time } from "../components/time";
import { narrow } from "../expr";
import { hashOf, span } from "../router";
import { oneLine } from "../text";
import { durationText, millis } from "../time";
import type { ListRow, ListValue } from "../types";

const CSS: Record<string, string> = {
	ANSWERED: "c-s2xx", NO_ANSWER: "c-s1xx", BUSY: "c-s4xx",
	FAILED: "c-s5xx", IN_PROGRESS: "c-request",
	CONNECT: "c-request", REGISTER: "c-s2xx", UNREGISTER: "c-s3xx",
	DISCONNECT: "c-other",
	"on line": "c-s2xx", unreachable: "c-s5xx", expired: "c-s4xx",
	removed: "c-other", replaced: "c-other", dropped: "c-s3xx",
	SUCCESS: "c-s2xx", SUCCESS_INTERACTIVE: "c-s2xx",
	LOGOUT: "c-other", SESSION_TIMEOUT: "c-s3xx",
	PASSWORD_CHANGE: "c-request",
};

export function cssOf(word: string): string {
	return CSS[word] ?? (/^FAIL/.test(word) ? "c-s5xx" : "c-other");
}

/** The classes of SIP codes. */
export function cssOfCode(code: string): string {
	return /^[1-6]\d\d$/.test(code) ? `c-s${code[0]}xx` : "c-other";
}

export function str(value: ListValue): string {
	return value === null || value === undefined ? "" :
		oneLine(String(value));
}

export function Badge(props: { word: string; css?: string; big?: boolean;
	children?: ComponentChildren }) {
	return <span class={"badge " + (props.big ? "big " : "") +
		(props.css ?? cssOf(props.word))}>
		<i class="dot" /><span class="cut">{props.word}</span>
		{props.children}</span>;
}

/** A link in a row: the row itself does not open. */
export function RowLink(props: { href: string; title?: string;
	children: ComponentChildren }) {
	return <a class="row-link" href={props.href} title={props.title}
		onClick={(e) => e.stopPropagation()}
		onDblClick={(e) => e.stopPropagation()}>{props.children}</a>;
}

/** One list, asked for one value of a column, in the span looked at. */
export function listOf(page: string, column: string,
	value: string | number, more: Record<string, string> = {}): string {
	return hashOf(page, "", { ...span(),
		q: narrow("", column, value, "only"), ...more });
}

/** Users joined by commas, each leading to his events. */
export function Peers(props: { value: ListValue; page: string;
	column: string; title: string }) {
	const names = String(props.value ?? "").split(",").filter((n) => n);
	return <>{names.map((name, i) => [i ? ", " : null,
		<RowLink key={name} href={listOf(props.page, props.column, name)}
			title={`${props.title} ${oneLine(name)}`}>
			{oneLine(name)}</RowLink>])}</>;
}

/** A time without its milliseconds, as the lists of accounts and calls have
 * it; exact on hover. */
export function At(props: { row: ListRow; column: string; card: boolean;
	coarse?: boolean }) {
	const at = props.row[props.column];
	return <Time at={at ? String(at) : null} none=""
		short={props.card} coarse={props.coarse ?? false} />;
}

/** "11 s"; exact on hover where milliseconds are known. */
export function Seconds(props: { s: ListValue; ms?: ListValue }) {
	if (props.s === null || props.s === undefined || props.s === "")
		return null;
	const s = Number(props.s);
	const ms = props.ms === null || props.ms === undefined ? NaN :
		Number(props.ms);
	return <span title={isFinite(ms) ? durationText(ms) :
		durationText(s * 1e3)}>{s}{"\u00a0"}s</span>;
}

/** How far a time is from now, in words. */
export function fromNow(at: ListValue): string {
	const ms = millis(at ? String(at) : null) - Date.now();
	return !isFinite(ms) ? "" : ms >= 0 ? `in ${durationText(ms)}` :
		`${durationText(-ms)} ago`;
}
