// SPDX-License-Identifier: Apache-2.0
// Enough of the expression language for the stand-in server. The names come
// from the one table, src/message/field.def.
import { readFileSync } from "node:fs";

const table = readFileSync(new URL("../../src/message/field.def",
	import.meta.url), "utf8");
const VALUES = {
	transport: ["udp", "tcp", "tls", "sctp", "ws", "wss", "secure"],
	kind: ["request", "reply", "data", "event"],
	proto: ["sip", "log"], direction: ["in", "out"],
};

// As the server names them: src/message/field.c.
const TYPES = { STR: "text", INT: "number", TIME: "time",
	ADDR: "address and port", IP: "address", PORT: "port",
	BOOL: "yes or no", ENUM: "one of", TEXT: "text" };

export const FIELDS = [...table.matchAll(
	/^X\(\w+, "([^"]+)", [^,]+, (\w+), \w+, "([^"]+)"\)/gm)].map((m) => ({
	name: m[1], type: TYPES[m[2]], help: m[3],
	values: VALUES[m[1]] ?? [],
}));

export class ExprError extends Error {
	constructor(message, offset) {
		super(message);
		this.offset = offset;
	}
}

const hostOf = (uri) => /@([^;>:]+)/.exec(uri)?.[1] ?? "";
const GET = {
	"src.ip": (m) => [m.src.replace(/:\d+$/, "")],
	"dst.ip": (m) => [m.dst.replace(/:\d+$/, "")],
	ip: (m) => [m.src, m.dst].map((a) => a.replace(/:\d+$/, "")),
	port: (m) => [m.src, m.dst].map((a) => a.replace(/^.*:/, "")),
	user: (m) => [m.from_user, m.to_user, m.auth_user],
	"from.host": (m) => [hostOf(m.from)], "to.host": (m) => [hostOf(m.to)],
	"via.branch": (m) => [m.branch], text: (m) => [m.raw],
};

function valuesOf(m, field) {
	if (GET[field])
		return GET[field](m);
	const header = /^header\.(.+)$/.exec(field)?.[1];
	if (header)
		return [...m.raw.matchAll(new RegExp(`^${header}:\\s*(.*)$`,
			"gim"))].map((x) => x[1]);
	return [m[field.replace(".", "_")] ?? ""];
}

function inNetwork(ip, net) {
	const [base, bits] = net.split("/");
	const number = (a) => a.split(".").reduce((n, p) => n * 256 + +p, 0);
	const size = 2 ** (32 - (bits ?? 32));
	return Math.floor(number(ip) / size) === Math.floor(number(base) / size);
}

/** A test for messages, or for rows of other names and values. */
export function compile(text, fields = FIELDS, get = valuesOf) {
	const byName = new Map(fields.map((f) => [f.name, f]));
	const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|(==|!=|<=|>=|!~|&&|\|\||[=<>~!(),])|([^\s()=!<>~,"&|]+))/y;
	const list = [];
	const bytes = (i) => Buffer.byteLength(text.slice(0, i));
	while (TOKEN.lastIndex < text.length) {
		const before = TOKEN.lastIndex;
		const m = TOKEN.exec(text);
		if (!m) {
			const rest = text.slice(before);
			if (!rest.trim())
				break;
			const at = before + rest.search(/\S/);
			throw new ExprError(text[at] === '"' ?
				"this quote is not closed" :
				`“${text[at]}” cannot stand here`, bytes(at));
		}
		list.push({ str: m[1]?.replace(/\\(.)/g, "$1"), op: m[2],
			word: m[3], at: m.index + m[0].search(/\S/) });
	}
	let i = 0;
	const end = () => bytes(text.length);
	const peek = (...names) => list[i] && names.includes(list[i].op ??
		list[i].word?.toLowerCase());
	const fail = (words, t) => {
		throw new ExprError(words, t ? bytes(t.at) : end());
	};
	function or() {
		let a = and();
		while (peek("or", "||")) {
			i++;
			const l = a;
			const r = and();
			a = (m) => l(m) || r(m);
		}
		return a;
	}
	function and() {
		let a = not();
		for (;;) {
			if (peek("and", "&&"))
				i++;
			else if (!list[i] || peek("or", "||", ")", ","))
				return a;
			const l = a;
			const r = not();
			a = (m) => l(m) && r(m);
		}
	}
	function not() {
		if (!peek("not", "!"))
			return prim();
		i++;
		const a = not();
		return (m) => !a(m);
	}
	function operand() {
		const t = list[i++];
		if (!t || t.op)
			fail("a value is missing here", t);
		return t.str ?? t.word;
	}
	function prim() {
		const t = list[i++];
		if (!t)
			fail("the expression ends too early");
		if (t.op === "(") {
			const a = or();
			if (!peek(")"))
				fail("“)” is missing here", list[i]);
			i++;
			return a;
		}
		if (t.str !== undefined)
			return (m) => (m.raw ?? "").toLowerCase().includes(
				t.str.toLowerCase());
		if (!t.word)
			fail(`“${t.op}” cannot stand here`, t);
		const field = t.word;
		if (!byName.has(field) && !(fields === FIELDS &&
			field.startsWith("header."))) {
			const near = fields.find((f) => f.name.startsWith(
				field.slice(0, 3)))?.name;
			fail(`there is no name “${field}”` + (near ?
				`; did you mean “${near}”?` : ""), t);
		}
		const op = list[i]?.op ?? list[i]?.word?.toLowerCase();
		if (!["==", "=", "!=", "<", "<=", ">", ">=", "~", "!~", "in",
			"has"].includes(op))
			return (m) => get(m, field).some((v) => v && v !== 0);
		i++;
		if (op === "in") {
			const set = [];
			if (peek("(")) {
				i++;
				do
					set.push(operand());
				while (peek(",") && ++i);
				if (!peek(")"))
					fail("“)” is missing here", list[i]);
				i++;
			} else {
				set.push(operand());
			}
			return (m) => get(m, field).some((v) => set.some((s) =>
				s.includes("/") ? inNetwork(v, s) : String(v) === s));
		}
		const value = operand();
		const fold = /^(method|kind|transport|proto|direction|user|.*user|event|disposition|state|cause|source)$/
			.test(field);
		const same = (v) => fold ? String(v).toLowerCase() ===
			value.toLowerCase() : String(v) === value;
		let regex;
		if (op.endsWith("~"))
			try {
				const i = value.startsWith("(?i)");
				regex = new RegExp(i ? value.slice(4) : value,
					i ? "i" : "");
			} catch {
				fail("not a regular expression", list[i - 1]);
			}
		const test = {
			"==": same, "=": same, "!=": same,
			"<": (v) => +v < +value, "<=": (v) => +v <= +value,
			">": (v) => +v > +value, ">=": (v) => +v >= +value,
			has: (v) => String(v).toLowerCase().includes(
				value.toLowerCase()),
			"~": (v) => regex.test(v), "!~": (v) => regex.test(v),
		}[op];
		return op[0] === "!" ? (m) => !get(m, field).some(test) :
			(m) => get(m, field).some(test);
	}
	if (!list.length)
		return () => true;
	const all = or();
	if (list[i])
		fail("this cannot stand here", list[i]);
	return all;
}
