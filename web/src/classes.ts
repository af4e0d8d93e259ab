// SPDX-License-Identifier: Apache-2.0
// The kinds of message that colours and the histogram tell apart. Colour is
// never the only sign: each has its words beside it.
import type { Message } from "./types";
import { oneLine } from "./text";

export const CLASSES = ["request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx",
	"other"] as const;

export type Class = typeof CLASSES[number];

export const CLASS_WORDS: Record<string, string> = {
	request: "requests",
	"1xx": "provisional",
	"2xx": "success",
	"3xx": "redirect",
	"4xx": "client error",
	"5xx": "server error",
	"6xx": "global failure",
	other: "other",
};

export function classOf(m: Message): Class {
	if (m.kind === "request")
		return "request";
	const hundred = Math.floor(m.status / 100);
	return m.kind === "reply" && hundred >= 1 && hundred <= 6 ?
		`${hundred}xx` as Class : "other";
}

/** The term that asks for one class. */
export function classTerm(name: string): string {
	if (name === "request")
		return "kind == request";
	if (name === "other")
		return "kind in (data, event)";
	const n = Number(name[0]);
	return `status >= ${n}00 and status < ${n + 1}00`;
}

/** "INVITE", "486 Busy Here": what a message is called. */
export function labelOf(m: Message): string {
	if (m.kind === "request")
		return oneLine(m.method) || "request";
	if (m.kind === "reply")
		return oneLine(`${m.status} ${m.reason}`.trim());
	return m.proto === "log" ? "log" : m.kind || "data";
}

export function cssClass(name: string): string {
	return "c-" + (/^\d/.test(name) ? "s" + name : name);
}

/** The kinds of message, as a picture of them needs it. */
export const MESSAGE_KINDS = {
	words: (name: string): string => (/^\d/.test(name) ? name + " " : "") +
		(CLASS_WORDS[name] ?? name),
	css: cssClass,
	term: classTerm,
};
