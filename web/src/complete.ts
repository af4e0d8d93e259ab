// SPDX-License-Identifier: Apache-2.0
// What may stand at the cursor of the search box: a name, an operator, a
// value, or a joining word.
import { quoted, tokens } from "./expr";
import type { Field } from "./types";

export interface Proposal {
	text: string;
	help: string;
	/** What it replaces: [from, to) of the text. */
	from: number;
	to: number;
}

const OPERATORS: [string, string, string][] = [
	["==", "is exactly", "*"],
	["!=", "is not", "*"],
	["has", "contains, any case", "s"],
	["~", "matches the regular expression", "s"],
	["!~", "does not match", "s"],
	["in", "one of a list, or in a network", "*"],
	[">=", "at least", "n"],
	["<", "less than", "n"],
	["<=", "at most", "n"],
	[">", "more than", "n"],
];

// Commonly asked values, where the server's table lists none.
const USUAL: Record<string, string[]> = {
	method: ["INVITE", "REGISTER", "ACK", "BYE", "CANCEL", "OPTIONS",
		"SUBSCRIBE", "NOTIFY", "MESSAGE", "REFER", "PRACK", "UPDATE",
		"INFO", "PUBLISH", "SERVICE"],
	status: ["100", "180", "183", "200", "302", "401", "403", "404", "407",
		"408", "480", "486", "487", "488", "500", "503", "603"],
	kind: ["request", "reply", "data", "event"],
	transport: ["udp", "tcp", "tls", "sctp", "ws", "wss", "secure"],
	proto: ["sip", "log"],
	direction: ["in", "out"],
};

const MOST = 12;

function rank(word: string, text: string): number {
	const w = word.toLowerCase();
	const t = text.toLowerCase();
	if (t.startsWith(w))
		return 0;
	if (t.includes("." + w) || t.includes("_" + w))
		return 1;
	return t.includes(w) ? 2 : 9;
}

function ranked<T>(word: string, list: T[], textOf: (t: T) => string): T[] {
	return list.map((item, i) => ({ item, i, r: rank(word, textOf(item)) }))
		.filter((x) => x.r < 9)
		.sort((a, b) => a.r - b.r || a.i - b.i)
		.slice(0, MOST).map((x) => x.item);
}

const NUMERIC = /^(number|port|time)$/;
const WORDS = /^(text|one of)$/;

/**
 * Proposals for the text up to the cursor.
 *
 * @param seen values that the rows on the screen have, by field
 */
export function proposals(text: string, cursor: number, fields: Field[],
	seen: (field: string) => string[]): Proposal[] {
	const before = tokens(text.slice(0, cursor));
	const last = before[before.length - 1];
	const touching = last && last.at + last.text.length === cursor;
	let word = "";
	let from = cursor;
	if (last && touching && (last.kind === "word" || last.cut ||
		/^[<>!=]$/.test(last.text))) {
		word = last.text.replace(/^["']/, "");
		from = last.at;
		before.pop();
	}
	const a = before[before.length - 1];
	const b = before[before.length - 2];
	const named = (name?: string) => fields.find((f) => f.name === name);
	const make = (value: string, help: string): Proposal => (
		{ text: value, help, from, to: cursor });

	const isOp = a && (a.kind === "op" && a.text !== "!" ||
		/^(in|has)$/i.test(a.text));
	let valueOf = isOp ? b : undefined;
	if (!valueOf && a && (a.kind === "open" || a.kind === "comma")) {
		for (let i = before.length - 1; i > 1; i--)
			if (before[i]!.kind === "open" &&
				before[i - 1]!.text.toLowerCase() === "in") {
				valueOf = before[i - 2];
				break;
			}
	}
	if (valueOf) {
		const field = named(valueOf.text);
		if (!field)
			return [];
		const values = new Set([...(field.values ?? []),
			...(USUAL[field.name] ?? []), ...seen(field.name)]);
		return ranked(word, [...values], (v) => v)
			.filter((v) => v && v !== word)
			.map((v) => make(quoted(v), ""));
	}
	if (a && a.kind === "word" && named(a.text)) {
		const type = named(a.text)!.type;
		const ops = type === "yes or no" ? [] : OPERATORS.filter(
			([op, , kind]) => op.startsWith(word.toLowerCase()) &&
				(kind === "*" || (kind === "n" ? NUMERIC : WORDS)
					.test(type)));
		const joins = word || !ops.length ? ["and", "or"].filter((j) =>
			j.startsWith(word.toLowerCase())) : [];
		return [...ops.map(([op, help]) => make(op, help)),
			...joins.map((j) => make(j, ""))];
	}
	const complete = a && (a.kind === "string" || a.kind === "close" ||
		(a.kind === "word" && !/^(and|or|not)$/i.test(a.text)));
	if (complete)
		return ["and", "or"].filter((j) => j.startsWith(
			word.toLowerCase())).map((j) => make(j, j === "and" ?
			"both hold" : "either holds"));
	if (last?.cut)
		return [];
	return ranked(word, fields, (f) => f.name)
		.filter((f) => f.name !== word)
		.map((f) => make(f.name, f.help));
}
