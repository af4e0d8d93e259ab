// SPDX-License-Identifier: Apache-2.0
// The expression language as far as a text box needs it: its words, its
// top-level terms, and how a value is added to it. The server judges.

export interface Token {
	kind: "word" | "string" | "op" | "open" | "close" | "comma";
	text: string;
	at: number;
	/** A string without its closing quote. */
	cut?: boolean;
}

const TOKEN = new RegExp(
	"\\s*(?:(\"(?:[^\"\\\\]|\\\\.)*\"?|'(?:[^'\\\\]|\\\\.)*'?)|" +
	"(==|!=|<=|>=|!~|&&|\\|\\||[=<>~!])|(\\()|(\\))|(,)|" +
	"([^\\s()=!<>~,\"'&|]+|\\S))", "y");

export function tokens(text: string): Token[] {
	const list: Token[] = [];
	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.length) {
		const m = TOKEN.exec(text);
		if (!m)
			break;
		const kinds: Token["kind"][] =
			["string", "op", "open", "close", "comma", "word"];
		const i = kinds.findIndex((_, k) => m[k + 1] !== undefined);
		const body = m[i + 1]!;
		const token: Token = {
			kind: kinds[i]!, text: body,
			at: TOKEN.lastIndex - body.length,
		};
		if (token.kind === "string" && (body.length < 2 ||
			body[0] !== body[body.length - 1]))
			token.cut = true;
		list.push(token);
	}
	return list;
}

/** The operand of a comparison: bare when the language allows it. */
export function quoted(value: string | number): string {
	if (typeof value === "number" || /^\d+$/.test(value))
		return String(value);
	if (/^[A-Za-z][A-Za-z0-9_]*$/.test(value) &&
		!/^(and|or|not|in|has)$/i.test(value))
		return value;
	return '"' + value.replace(/[\\"]/g, "\\$&") + '"';
}

function isWord(t: Token, ...words: string[]): boolean {
	return (t.kind === "word" || t.kind === "op") &&
		words.includes(t.text.toLowerCase());
}

/**
 * The terms that are joined by "and" at the top, as written; null when the
 * top joins by "or", so that nothing can be taken out of it.
 */
export function terms(text: string): string[] | null {
	const list = tokens(text);
	const out: string[] = [];
	let depth = 0;
	let start = -1;
	let end = 0;
	for (const t of list) {
		if (depth === 0 && isWord(t, "or", "||"))
			return null;
		if (depth === 0 && isWord(t, "and", "&&")) {
			if (start >= 0)
				out.push(text.slice(start, end));
			start = -1;
			continue;
		}
		if (t.kind === "open")
			depth++;
		if (t.kind === "close")
			depth--;
		if (start < 0)
			start = t.at;
		end = t.at + t.text.length;
	}
	if (start >= 0)
		out.push(text.slice(start, end));
	return out;
}

export function join(list: string[]): string {
	return list.filter((t) => t).join(" and ");
}

function isEqualityOn(term: string, field: string): boolean {
	const list = tokens(term);
	return list.length === 3 && list[0]!.text === field &&
		(list[1]!.text === "==" || list[1]!.text === "=");
}

/** The expression narrowed to (or away from) one value of a field. */
export function narrow(text: string, field: string,
	value: string | number | boolean, how: "only" | "not"): string {
	let term: string;
	if (typeof value === "boolean")
		term = value === (how === "only") ? field : `not ${field}`;
	else
		term = `${field} ${how === "only" ? "==" : "!="} ${quoted(value)}`;
	return withTerm(text, term, how === "only" ?
		(t) => isEqualityOn(t, field) : () => false);
}

/** The expression with one more term; those that `drop` names leave. */
export function withTerm(text: string, term: string,
	drop: (term: string) => boolean = () => false): string {
	const list = terms(text);
	if (list === null)
		return `(${text.trim()}) and ${term}`;
	const rest = list.filter((t) => t !== term && !drop(t));
	return join([...rest, term]);
}
