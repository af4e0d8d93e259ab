// SPDX-License-Identifier: Apache-2.0
// The form beside the search box: the usual questions, written as terms of
// the expression and read back from it. Other terms stay untouched.
import { join, quoted, terms, tokens } from "./expr";

export interface FormField {
	id: string;
	label: string;
	hint: string;
	/** The term of a value; several when it takes several. */
	write: (value: string) => string[];
	/** The value, when the terms have one; and which terms it took. */
	read: (terms: string[]) => { value: string; took: string[] } | null;
}

function unquote(text: string): string {
	return /^["']/.test(text) ?
		text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}

function simple(term: string, field: string, op: string): string | null {
	const list = tokens(term);
	const isOp = list[1]?.text === op || (op === "==" &&
		list[1]?.text === "=");
	return list.length === 3 && list[0]!.text === field && isOp ?
		unquote(list[2]!.text) : null;
}

// In a form a star stands for anything.
function pattern(value: string): string {
	return "(?i)^" + value.split("*").map((s) =>
		s.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*") + "$";
}

function unpattern(text: string): string | null {
	const m = /^\(\?i\)\^(.*)\$$/.exec(text);
	return m ? m[1]!.replace(/\.\*/g, "*").replace(/\\(.)/g, "$1") : null;
}

function textField(id: string, label: string, hint: string,
	field: string): FormField {
	return {
		id, label, hint,
		write: (v) => [v.includes("*") ?
			`${field} ~ "${pattern(v).replace(/[\\"]/g, "\\$&")}"` :
			`${field} == ${quoted(v)}`],
		read: (list) => {
			for (const term of list) {
				const same = simple(term, field, "==");
				const like = simple(term, field, "~");
				const value = same ?? (like === null ? null :
					unpattern(like));
				if (value !== null)
					return { value, took: [term] };
			}
			return null;
		},
	};
}

const addressField: FormField = {
	...textField("ip", "Address", "10.0.0.7 or 10.0.0.0/8", "ip"),
	write: (v) => [v.includes("/") ? `ip in ${v}` :
		/^\[?[0-9a-f.:]*\]?:\d+$/i.test(v) && /\.\d+:|\]:/.test(v) ?
			`(src == "${v}" or dst == "${v}")` :
			`ip == "${v.replace(/["\\]/g, "")}"`],
	read: (list) => {
		for (const term of list) {
			const net = /^ip in (\S+)$/.exec(term)?.[1];
			const port = /^\(src == "([^"]+)" or dst == "\1"\)$/
				.exec(term)?.[1];
			const value = simple(term, "ip", "==") ?? net ?? port;
			if (value !== undefined)
				return { value, took: [term] };
		}
		return null;
	},
};

const statusField: FormField = {
	id: "status", label: "Status", hint: "486, 4xx, >=400",
	write: (v) => {
		const group = /^([1-6])xx$/i.exec(v);
		if (group)
			return [`status >= ${group[1]}00`,
				`status < ${Number(group[1]) + 1}00`];
		const cmp = /^(>=|<=|>|<|!=|==?)\s*(\d+)$/.exec(v);
		if (cmp)
			return [`status ${cmp[1]} ${cmp[2]}`];
		const many = v.split(/[\s,]+/).filter((s) => /^\d+$/.test(s));
		if (many.length > 1)
			return [`status in (${many.join(", ")})`];
		return [`status == ${many[0] ?? quoted(v)}`];
	},
	read: (list) => {
		const mine = list.filter((t) => tokens(t)[0]?.text === "status");
		const low = /^status >= ([1-6])00$/.exec(mine[0] ?? "");
		const high = /^status < ([2-7])00$/.exec(mine[1] ?? "");
		if (low && high && Number(high[1]) === Number(low[1]) + 1)
			return { value: `${low[1]}xx`, took: mine.slice(0, 2) };
		const term = mine[0];
		if (!term)
			return null;
		const same = simple(term, "status", "==");
		if (same !== null)
			return { value: same, took: [term] };
		const cmp = /^status (>=|<=|>|<|!=) (\d+)$/.exec(term);
		if (cmp)
			return { value: cmp[1]! + cmp[2], took: [term] };
		const set = /^status in \(([\d, ]+)\)$/.exec(term);
		return set ? { value: set[1]!, took: [term] } : null;
	},
};

export const FORM: FormField[] = [
	textField("user", "User", "sara, +4930*", "user"),
	textField("call_id", "Call-ID", "all of it, or with *", "call_id"),
	addressField,
	textField("method", "Method", "INVITE", "method"),
	statusField,
];

/** What the form's fields hold for this expression; null: not readable. */
export function readForm(q: string): Record<string, string> | null {
	const list = terms(q);
	if (list === null)
		return null;
	const out: Record<string, string> = {};
	for (const field of FORM)
		out[field.id] = field.read(list)?.value ?? "";
	return out;
}

/** The expression with one field of the form set, or cleared by "". */
export function writeForm(q: string, id: string, value: string): string {
	const field = FORM.find((f) => f.id === id)!;
	const list = terms(q);
	const v = value.trim();
	const now = v ? field.write(v) : [];
	if (list === null)
		return now.length ? `(${q.trim()}) and ${join(now)}` : q;
	const took = field.read(list)?.took ?? [];
	const at = took.length ? list.indexOf(took[0]!) : list.length;
	const rest = list.filter((t) => !took.includes(t));
	rest.splice(Math.min(at, rest.length), 0, ...now);
	return join(rest);
}
