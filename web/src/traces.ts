// SPDX-License-Identifier: Apache-2.0
// Traces and mirrors in words; what the page says of them, without the page.
import { quoted } from "./expr";
import { hashOf } from "./router";
import { count } from "./text";
import { durationText, millis } from "./time";
import type { Me, Mirror, Scope, Trace, TraceOrder } from "./types";

/** Whether somebody may start, stop and switch. */
export function mayChange(me: Me | null): boolean {
	return me?.role === "operator" || me?.role === "admin";
}

export const SCOPES: { id: Scope; title: string; help: string }[] = [
	{ id: "dialog", title: "Dialog", help: "the whole conversation from " +
		"that message on: answers, ACK, BYE and all" },
	{ id: "transaction", title: "Transaction", help: "the request with " +
		"its branches, all answers, CANCEL" },
	{ id: "message", title: "Message", help: "only the messages that " +
		"match themselves" },
];

export const LENGTHS: { value: string; title: string }[] = [
	{ value: "5m", title: "5 minutes" }, { value: "15m", title:
		"15 minutes" }, { value: "1h", title: "1 hour" },
	{ value: "6h", title: "6 hours" }, { value: "24h", title: "24 hours" },
	{ value: "7d", title: "7 days" },
	{ value: "0s", title: "no end by time" },
];

export const USUAL_LENGTH = "15m";

export const BEFORE: { value: string; title: string; s: number }[] = [
	{ value: "", title: "nothing", s: 0 },
	{ value: "30s", title: "30 seconds", s: 30 },
	{ value: "1m", title: "1 minute", s: 60 },
	{ value: "2m", title: "2 minutes", s: 120 },
	{ value: "5m", title: "5 minutes", s: 300 },
	{ value: "15m", title: "15 minutes", s: 900 },
];

export function runs(t: Trace): boolean {
	return t.end === "runs";
}

const ENDS: Record<string, string> = {
	stopped: "stopped", time: "its time was over",
	count: "it had its messages", size: "it had its bytes",
	gone: "left the configuration",
};

/** "stopped by admin@192.0.2.1", "its time was over" */
export function endedText(t: Trace): string {
	const words = ENDS[t.end] ?? t.end;
	return t.end === "stopped" && t.ended_by ?
		`${words} by ${t.ended_by}` : words;
}

/** "4 min 10 s left", down to the second. */
export function leftText(t: Trace, now: number): string {
	const until = millis(t.until);
	if (!isFinite(until))
		return "";
	const left = until - now;
	if (left <= 0)
		return "ending";
	// Whole seconds: a countdown with decimals does not count.
	return durationText(Math.ceil(left / 1e3) * 1e3)
		.replace(/\.\d+ s/, " s") + " left";
}

/** Its bounds other than time, as "2 of 500 messages". */
export function quotaShare(t: Trace): number | null {
	const shares = [];
	if (t.max_messages)
		shares.push(t.messages / t.max_messages);
	if (t.max_bytes)
		shares.push(t.bytes / t.max_bytes);
	return shares.length ? Math.min(1, Math.max(...shares)) : null;
}

export function messagesText(t: Trace): string {
	return t.max_messages ? `${count(t.messages)} of ` +
		count(t.max_messages) : count(t.messages);
}

/** Search for what a trace took, over all that is kept. */
export function traceSearch(name: string): string {
	return hashOf("search", "", {
		q: `trace == ${quoted(name)}`, from: "all",
	});
}

/** The page with the form open and filled in. */
export function traceForm(rule: string, scope: Scope,
	why = ""): string {
	return hashOf("traces", "", { new: "1", rule, scope, why });
}

/** The same, filled in as an order was that has ended. */
export function traceAgain(t: Trace): string {
	return hashOf("traces", "", { new: "1", again: t.name });
}

export interface MirrorState {
	words: string;
	kind: "good" | "warn" | "bad" | "off";
}

const BEHIND_MS = 10_000;

export function mirrorState(m: Mirror): MirrorState {
	if (m.enabled === false)
		return { words: "switched off", kind: "off" };
	if (m.full)
		return { words: "its spool is full: what comes is lost for it",
			kind: "bad" };
	if (!m.connected)
		return m.trouble ? { words: "not reached", kind: "bad" } :
			m.waiting ? { words: "connecting", kind: "warn" } :
				{ words: "nothing to send yet", kind: "off" };
	if (m.lag_ms > BEHIND_MS)
		return { words: "behind, catching up", kind: "warn" };
	return { words: "delivers", kind: "good" };
}

export interface Draft {
	rule: string;
	scope: Scope;
	length: string;
	messages: string;
	megabytes: string;
	users: string;
	mirrors: string[];
	before: string;
	table: string;
	correlation: string;
	name: string;
	why: string;
}

export function newDraft(rule: string, scope: Scope, why: string): Draft {
	return {
		rule, scope, why, length: USUAL_LENGTH, messages: "",
		megabytes: "", users: "", mirrors: [], before: "", table: "",
		correlation: "", name: "",
	};
}

/** An order as it was; one name is not given to two, so that is left out. */
export function draftAgain(t: Trace): Draft {
	const s = (millis(t.until) - millis(t.since)) / 1e3;
	const near = LENGTHS.find((l) => lengthSeconds(l.value) ===
		Math.round(s))?.value;
	return {
		...newDraft(t.rule, t.scope, t.why),
		length: t.until ? near ?? USUAL_LENGTH : "0s",
		messages: t.max_messages ? String(t.max_messages) : "",
		megabytes: t.max_bytes ? String(t.max_bytes / 1e6) : "",
		users: (t.traced_user ?? []).join(", "),
		mirrors: t.mirrors ?? [],
		before: BEFORE.find((b) => b.s * 1e9 === t.keep_before_ns)
			?.value ?? "",
		table: t.table, correlation: t.correlation,
	};
}

function lengthSeconds(text: string): number {
	const unit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };
	return parseInt(text, 10) * (unit[text.slice(-1)] ?? NaN);
}

/** What is wrong with a draft, before the server is asked; "" nothing. */
export function draftFault(d: Draft): string {
	if (d.messages && !/^[1-9]\d{0,11}$/.test(d.messages.trim()))
		return "Messages: a whole number, or empty.";
	if (d.megabytes && !/^\d{1,7}(\.\d{1,3})?$/.test(d.megabytes.trim()))
		return "Size: a number of MB, or empty.";
	if (d.megabytes && Number(d.megabytes) === 0)
		return "Size: more than nothing, or empty.";
	return "";
}

export function orderOf(d: Draft): TraceOrder {
	const order: TraceOrder = {
		rule: d.rule.trim(), scope: d.scope, for: d.length,
	};
	const users = d.users.split(",").map((u) => u.trim())
		.filter((u) => u);
	if (d.messages.trim())
		order.max_messages = Number(d.messages);
	if (d.megabytes.trim())
		order.max_size = String(Math.round(Number(d.megabytes) * 1e6));
	if (users.length)
		order.traced_user = users;
	if (d.mirrors.length)
		order.mirrors = d.mirrors;
	for (const key of ["table", "correlation", "name", "why"] as const)
		if (d[key].trim())
			order[key] = d[key].trim();
	if (d.before)
		order.keep_before = d.before;
	return order;
}
