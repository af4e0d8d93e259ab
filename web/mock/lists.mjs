// SPDX-License-Identifier: Apache-2.0
// The stand-in's lists: sessions, accounts, calls and connections that follow
// from its invented messages, log-ins, audit, users and tokens. The columns
// come from the one table, src/records/column.def.
import { readFileSync } from "node:fs";
import { compile } from "./expr.mjs";

const table = readFileSync(new URL("../../src/records/column.def",
	import.meta.url), "utf8");
const KINDS = { TEXT: "text", PEERS: "text", ROW: "text", HEX: "text",
	NUM: "int", SOME: "int", TIME: "time", BOOL: "bool", ENUM: "enum",
	ADDR: "addr", IP: "addr" };
const WORDS = {
	session_event: ["CONNECT", "REGISTER", "UNREGISTER", "DISCONNECT"],
	session_source: ["CLIENT", "SERVER", "TRUNK"],
	tls_version: ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
	transport: ["udp", "tcp", "tls", "sctp", "ws", "wss", "secure"],
	state: ["on line", "unreachable", "removed", "expired", "replaced"],
	binding_end: ["removed", "expired", "replaced"],
	cause: ["UNKNOWN", "NORMAL", "NETWORK_ERROR", "TIMEOUT", "TLS_ERROR",
		"SERVER_STOP"],
	disposition: ["IN_PROGRESS", "ANSWERED", "NO_ANSWER", "BUSY",
		"FAILED"],
	call_side: ["caller", "callee"], side: ["client", "server"],
};
const COLUMNS = { "web-sessions": [], audit: [] };
for (const m of table.matchAll(
	/^C\((\w+), "([^"]+)", (\w+), "([^"]+)", (?:"[^"]*"|\w+), (NULL|"[^"]*"), (NULL|&\w+), "([^"]+)"\)/gm)) {
	const list = m[1].toLowerCase();
	(COLUMNS[list] ??= []).push({ name: m[2], title: m[4],
		type: KINDS[m[3]], help: m[7], sorts: m[5] !== "NULL",
		words: m[6] === "NULL" ? null : WORDS[m[6].slice(1)] ?? [] });
}
const plain = (name, title, type = "text") => ({ name, title, type,
	help: title, sorts: false, words: null });
COLUMNS["web-sessions"] = [plain("id", "Id"), plain("at", "Date Created",
	"time"), { ...plain("event", "Event Type", "enum"), words: [
	"SUCCESS_INTERACTIVE", "SUCCESS", "FAIL_BAD_CREDENTIALS",
	"FAIL_USER_NOT_FOUND", "FAIL_CREDENTIALS_EXPIRED", "LOGOUT",
	"SESSION_TIMEOUT", "PASSWORD_CHANGE"] }, plain("principal",
	"Principal"), plain("address", "IP Address")];
COLUMNS.audit = [plain("id", "Id"), plain("at", "At", "time"),
	plain("actor", "Actor"), plain("action", "Action"),
	plain("object", "Object"), plain("detail", "Detail"),
	plain("address", "Address")];

const TLS = { 28224: "TLSv1.3", 41822: "TLSv1.2", 50311: "TLSv1.3" };
const hex = (n) => n.toString(16);
const iso = (ms) => new Date(ms).toISOString().replace("Z", "000Z");
const GRANTED_MS = 36e5;

/** Every column that a row does not name is empty. */
function row(list, part) {
	const out = {};
	for (const c of COLUMNS[list])
		out[c.name] = c.type === "bool" ? false : c.type === "time" ?
			null : c.type === "int" ? null : "";
	return Object.assign(out, part);
}

const DISPOSITIONS = [[(s) => s < 300, "ANSWERED"],
	[(s) => [486, 600, 603, 607].includes(s), "BUSY"],
	[(s) => [480, 408, 487].includes(s), "NO_ANSWER"],
	[() => true, "FAILED"]];

function lengthOf(name, ms, goesOn) {
	return { [`${name}_s`]: goesOn ? null : Math.floor(ms / 1000),
		[`${name}_ms`]: goesOn ? null : ms };
}

function callOf(list, now) {
	const first = list[0];
	const of = (m) => /INVITE/.test(m.cseq);
	const ring = list.find((m) => m.status === 180);
	const final = list.find((m) => of(m) && m.status >= 200 &&
		m.status !== 401 && m.status !== 407);
	const bye = list.find((m) => m.kind === "request" &&
		m.method === "BYE");
	const over = bye ?? (final && final.status >= 300 ? final : null);
	const lost = !final && !ring && now - first.ms > 32e3;
	const word = final ? DISPOSITIONS.find(([f]) => f(final.status))[1] :
		lost ? "FAILED" : "IN_PROGRESS";
	const answered = final && final.status < 300 ? final.ms : 0;
	const end = over?.ms ?? (lost ? first.ms + 32e3 : 0);
	// What goes on has no length yet.
	const talk = answered && end ? end - answered : 0;
	const rung = answered || end;
	const ringing = ring && rung ? rung - ring.ms : 0;
	return row("calls", {
		id: `${hex(first.ms)}-${first.call_id.slice(0, 12)}`,
		at: first.at, src: first.from_user, dst: first.to_user,
		...lengthOf("ring", ringing, ring && !rung),
		...lengthOf("talk", talk, answered && !end),
		disposition: word, code: final?.status ?? (lost ? 408 : null),
		reason: final?.reason ?? (lost ? "no reply" : ""),
		call_id: first.call_id,
		note: lost ? "nobody was reached" : "", rang: ring?.at ?? null,
		answered: answered ? iso(answered) : null,
		ended: end ? iso(end) : null, ended_by: bye ? "caller" : "",
		src_name: /"([^"]*)"/.exec(first.raw.split("\n").find((l) =>
			/^From:/.test(l)) ?? "")?.[1] ?? "",
		domain: "voip.example.org", src_agent: first.user_agent,
		dst_agent: final?.user_agent ?? "", src_addr: first.src,
		dst_addr: first.dst, transport: first.transport,
		branches: 1, retries: 0, node: "proxy-1", legs: "",
	});
}

function connections(phones, started) {
	const out = [];
	const causes = ["NORMAL", "NETWORK_ERROR", "TIMEOUT"];
	for (const [src, version] of phones)
		for (let i = 0; i < 5; i++) {
			const at = started - 3 * 36e5 + i * 41 * 6e4 +
				(Number(src.split(":")[1]) % 600) * 1e3;
			const closed = i < 4 ? at + 39 * 6e4 : 0;
			const cause = closed ? causes[(i + src.length) % 3] : "";
			out.push(row("connections", {
				id: `${hex(at)}-c${src.split(":")[1]}`, at: iso(at),
				client: src, server: "10.0.0.10:5061", transport: "tls",
				closed: closed ? iso(closed) : null, cause,
				closed_by: closed ? "client" : "", messages: 34 + i,
				bytes_in: 18_220, bytes_out: 14_004, last: iso(closed ||
					started), tls_version: version,
				tls_cipher: version === "TLSv1.3" ?
					"TLS_AES_256_GCM_SHA384" :
					"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
				sni: "voip.example.org", alpn: "sip", joined: false,
				peername: src.endsWith(":28224") ? "sara,904,910" : "",
				connection: hex(at), node: "proxy-1",
			}));
		}
	return out;
}

function sessionRow(m, final, extra = {}) {
	const refused = final.status >= 300;
	return row("sessions", {
		id: `${hex(final.ms)}-${final.id}`, at: final.at,
		event: "REGISTER", source: "CLIENT", peername: m.from_user,
		account: /"([^"]*)"/.exec(m.raw.split("\n").find((l) =>
			/^From:/.test(l)) ?? "")?.[1] ?? "",
		details: `${final.status} ${final.reason}`,
		user_agent: m.user_agent, remote: m.src,
		tls_version: TLS[m.src.split(":")[1]] ?? "",
		tls_cipher: TLS[m.src.split(":")[1]] ? "TLS_AES_256_GCM_SHA384" :
			"",
		reconciled: true, domain: "voip.example.org", failed: refused,
		code: final.status, expires_s: refused ? null : 3600,
		transport: m.transport, local: m.dst, call_id: m.call_id,
		node: "proxy-1", ...extra,
	});
}

function make(messages, started, now) {
	const dialogs = new Map();
	for (const m of messages) {
		if (!dialogs.has(m.call_id))
			dialogs.set(m.call_id, []);
		dialogs.get(m.call_id).push(m);
	}
	const calls = [];
	const sessions = [];
	const accounts = new Map();
	const phones = new Map();
	for (const list of dialogs.values()) {
		const first = list[0];
		if (first.kind === "request" && first.method === "INVITE")
			calls.push(callOf(list, now));
		if (first.method !== "REGISTER" || first.kind !== "request")
			continue;
		const final = list.find((m) => m.kind === "reply" &&
			m.status !== 401);
		if (!final)
			continue;
		if (TLS[first.src.split(":")[1]])
			phones.set(first.src, TLS[first.src.split(":")[1]]);
		sessions.push(sessionRow(first, final));
		if (final.status >= 300)
			continue;
		if (!accounts.has(first.from_user))
			accounts.set(first.from_user, []);
		accounts.get(first.from_user).push({ first, final });
	}
	const conns = messages.length ? connections(phones, started) : [];
	for (const c of conns) {
		const peers = c.peername || [...accounts].find(([, l]) =>
			l[0].first.src === c.client)?.[0] || "";
		c.peername = peers;
		const part = { peername: peers, remote: c.client,
			tls_version: c.tls_version, tls_cipher: c.tls_cipher,
			reconciled: peers !== "", source: "CLIENT",
			transport: "tls", connection: c.connection,
			inferred: c.client.endsWith(":41822"),
			local: c.server };
		sessions.push(row("sessions", { ...part, id: c.id + "o",
			at: c.at, event: "CONNECT" }));
		if (c.closed)
			sessions.push(row("sessions", { ...part, id: c.id + "x",
				at: c.closed, event: "DISCONNECT", details: c.cause }));
	}
	const bindings = [];
	let id = 575;
	for (const [user, list] of [...accounts].sort()) {
		id += 13;
		list.sort((a, b) => a.final.ms - b.final.ms);
		// One phone was cut off half an hour ago.
		const heard = user === "lea" ? list.filter((x) => x.final.ms <
			now - 35 * 6e4) : [];
		if (heard.length)
			list.splice(0, list.length, ...heard);
		const tls = TLS[list[0].first.src.split(":")[1]];
		const part = (from, to, how) => {
			const a = list[from].final;
			const b = list[to];
			const gone = user === "lea" && !how;
			const expires = b.final.ms + GRANTED_MS;
			return row("accounts", {
				id, username: user, ip: b.first.src.split(":")[0],
				port: Number(b.first.src.split(":")[1]),
				description: sessionRow(b.first, b.final).account,
				expires: iso(expires), user_agent: b.first.user_agent,
				state: how || (gone ? "unreachable" : expires < now ?
					"expired" : "on line"),
				at: a.at, domain: "voip.example.org",
				transport: tls ? "tls" : "udp", contact: b.first.contact,
				refreshed: b.final.at, refreshes: to - from,
				interval_s: 1800, margin_s: user === "karim" ? 4 : 1794,
				ended: how ? iso(b.final.ms + 6e4) : null,
				end: how, lost: gone ? iso(b.final.ms + 12e4) : null,
				lost_cause: gone ? "NETWORK_ERROR" : "",
				connection: "", node: "proxy-1",
			});
		};
		const half = Math.floor(list.length / 2);
		if (half > 1)
			bindings.push(part(0, half - 1, "expired"));
		bindings.push(part(half > 1 ? half : 0, list.length - 1, ""));
	}
	// A call over a PBX has another leg; the fresh ones have none yet.
	const answered = calls.filter((c) => c.disposition === "ANSWERED");
	for (const c of answered.slice(0, 3)) {
		const other = answered[answered.indexOf(c) + 3];
		if (!other)
			break;
		c.legs = other.legs = c.id;
		other.legs_why = "Session-ID";
		other.legs_score = 95;
	}
	return { calls, sessions, accounts: bindings, connections: conns };
}

export function makeLists(messages, started, empty) {
	let made = null;
	let madeOf = -1;
	const at = (ms) => iso(started + ms);
	const web = empty ? [] : [
		["SUCCESS_INTERACTIVE", "admin", -864e5], ["SUCCESS", "admin",
			-864e5], ["SESSION_TIMEOUT", "anonymousUser", -7e7],
		["FAIL_USER_NOT_FOUND", "<script>alert(1)</script>", -4e6],
		["FAIL_BAD_CREDENTIALS", "admin", -125e3],
		["SUCCESS_INTERACTIVE", "admin", -12e4], ["SUCCESS", "admin",
			-12e4], ["SUCCESS", "grafana", -6e4]].map(
		([event, principal, ms], i) => ({ id: `w${i}`, at: at(ms), event,
			principal, address: "93.57.41.37" }));
	const audit = empty ? [] : [
		["admin", "search", "messages", "user == sara", -9e5],
		["admin", "open", "conversation", "8a0f@93.57.41.37", -8e5],
		["viewer", "export", "messages", "pcap, 412 messages", -7e5],
		["token grafana", "read", "metrics", "", -6e5],
		["control:uid 0 root", "trace.start", "t8",
			"ip in 10.0.0.0/8", -12e4]].map(
		([actor, action, object, detail, ms], i) => ({ id: `a${i}`,
			at: at(ms), actor, action, object, detail,
			address: "192.0.2.44" }));
	return {
		web, audit,
		webEvent(event, principal, address = "127.0.0.1") {
			web.push({ id: `w${web.length}`, at: iso(Date.now()), event,
				principal, address });
		},
		get(list) {
			if (list === "web-sessions")
				return web;
			if (list === "audit")
				return audit;
			const now = Date.now();
			// Calls that last grow by the second.
			if (!made || madeOf !== messages.length + Math.floor(now /
				5000) * 1e6) {
				made = make(messages, started, now);
				madeOf = messages.length + Math.floor(now / 5000) * 1e6;
			}
			return made[list];
		},
		version: () => messages.length + web.length + audit.length,
	};
}

function valueOf(r, name) {
	const v = r[name];
	return v === null || v === undefined || v === false ? [] :
		name === "peername" ? String(v).split(",") : [v === true ?
			"true" : v];
}

function select(lists, list, query, now) {
	const time = (name) => {
		const t = query.get(name);
		return t ? Date.parse(t) : NaN;
	};
	const from = time("from");
	const to = time("to");
	const q = query.get("q") ?? "";
	const match = compile(q, COLUMNS[list], valueOf);
	const span = (r) => !(Date.parse(r.at) < from) &&
		!(Date.parse(r.at) > to);
	let rows = lists.get(list);
	if (list === "accounts" && isFinite(from + to) === false &&
		!isFinite(from) && !isFinite(to)) {
		const then = isFinite(time("at")) ? time("at") : now;
		rows = rows.filter((r) => Date.parse(r.at) <= then &&
			!(Date.parse(r.ended) <= then) &&
			Date.parse(r.expires) > then);
	} else if (list === "accounts") {
		rows = rows.filter((r) => !(Date.parse(r.at) > to) &&
			!(Math.min(Date.parse(r.ended ?? r.expires),
				Date.parse(r.expires)) < from));
	} else {
		rows = rows.filter(span);
	}
	if (list === "sessions" && query.get("failures") !== "1")
		rows = rows.filter((r) => !r.failed);
	return rows.filter(match);
}

function sorted(list, rows, query) {
	const by = query.get("sort") || "at";
	const sign = query.get("order") === "asc" ? 1 : -1;
	const key = (r) => r[by] ?? "";
	return rows.slice().sort((a, b) => sign * (key(a) < key(b) ? -1 :
		key(a) > key(b) ? 1 : a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

function facet(rows, query) {
	const by = query.get("by");
	const n = new Map();
	for (const r of rows)
		for (const v of by === "peername" ? String(r[by]).split(",") :
			[r[by] ?? ""])
			if (v !== "")
				n.set(v, (n.get(v) ?? 0) + 1);
	return { by, values: [...n].sort((a, b) => b[1] - a[1]).slice(0,
		Number(query.get("most")) || 10).map(([value, count]) => (
		{ value, count })), complete: true, why: "" };
}

function timeline(list, rows, query, now) {
	const by = query.get("by");
	const time = (t) => /^-/.test(t ?? "") ? now - Number(t.slice(1, -1)) *
		{ s: 1e3, m: 6e4, h: 36e5, d: 864e5 }[t.slice(-1)] :
		Date.parse(t ?? "");
	const oldest = rows.reduce((m, r) => Math.min(m, Date.parse(r.at)),
		now);
	const from = isFinite(time(query.get("from"))) ?
		time(query.get("from")) : oldest;
	const to = isFinite(time(query.get("to"))) ? time(query.get("to")) :
		now;
	const n = Number(query.get("buckets")) || 60;
	const step = Math.max(1, Math.ceil((to - from) / n / 1000));
	const words = COLUMNS[list].find((c) => c.name === by)?.words ?? [""];
	const series = words.map((name) => ({ name, counts: Array(Math.ceil(
		(to - from) / step / 1000) || 1).fill(0) }));
	for (const r of rows) {
		const i = Math.floor((Date.parse(r.at) - from) / step / 1000);
		const s = series.find((x) => x.name === (by ? r[by] ?? "" : ""));
		if (s && i >= 0 && i < s.counts.length)
			s.counts[i]++;
	}
	return { from: iso(from), step_s: step, series: series, complete: true,
		why: "" };
}

const cell = (v) => {
	const text = v === null || v === undefined ? "" : String(v);
	const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+$/.test(text) ?
		"'" + text : text;
	return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
};

function csv(res, list, rows) {
	const columns = COLUMNS[list];
	res.writeHead(200, { "Content-Type": "text/csv; charset=utf-8",
		"Content-Disposition": `attachment; filename="${list}.csv"` });
	res.end([columns.map((c) => c.name), ...rows.map((r) => columns.map(
		(c) => c.type === "time" && r[c.name] ? r[c.name].slice(0, 23)
			.replace("T", " ") : r[c.name]))].map((line) => line.map(
		cell).join(",") + "\r\n").join(""));
}

function words(c) {
	const who = `${c.dst} was called`;
	return {
		ANSWERED: `${who}, rang for ${c.ring_s} s and answered; they ` +
			`talked for ${c.talk_s} s until the caller hung up (BYE).`,
		NO_ANSWER: `${who}, rang for ${c.ring_s} s and nobody picked up: ` +
			"the caller hung up (CANCEL).",
		BUSY: `${who} and refused: ${c.code} ${c.reason}.`,
		FAILED: c.code === 408 ? `${who}, but nothing came back: the ` +
			"INVITE was sent 5 times and never answered." :
			`${who}, and the call could not be placed: ${c.code} ` +
			`${c.reason} from ${c.dst_addr}.`,
		IN_PROGRESS: `${who} and the call lasts.`,
	}[c.disposition];
}

function story(lists, id, now) {
	const bindings = lists.get("accounts").filter((r) => String(r.id) ===
		id).reverse();
	if (!bindings.length)
		return null;
	const { username, domain, description, state } = bindings[0];
	const newest = (list) => list.slice().sort((a, b) => a.at < b.at ? 1 :
		-1);
	const sessions = newest(lists.get("sessions").filter((r) =>
		r.peername.split(",").includes(username)));
	const calls = newest(lists.get("calls").filter((r) => r.src ===
		username || r.dst === username));
	const diagnosis = state === "unreachable" ? [{ at: bindings[0].lost,
		rule: "account.flow_lost", severity: "problem", text: "on line but " +
			`unreachable since ${bindings[0].lost.slice(11, 19)}: its ` +
			"connection was reset" }, {
		at: calls[0]?.at ?? null, rule: "account.called_unreachable",
		severity: "warning", text: "called twice while its flow was " +
			"dead: unreachable, not unanswered" }] :
		username === "karim" ? [{ at: bindings[0].refreshed,
			rule: "account.late_refresh", severity: "warning",
			text: "refreshes 4 s before expiry: too late" }] : [];
	return { account: { id: Number(id), username, domain, description },
		state, bindings, sessions, calls, diagnosis, figures: {
			connects: sessions.filter((s) => s.event === "CONNECT").length,
			connects_per_hour: 2, registers: sessions.filter((s) =>
				s.event === "REGISTER" && !s.failed).length,
			refused: sessions.filter((s) => s.failed).length,
			least_margin_s: bindings[0].margin_s,
			calls_to: calls.filter((c) => c.dst === username).length,
			no_answer: calls.filter((c) => c.dst === username &&
				c.disposition === "NO_ANSWER").length,
			no_answer_unreachable: state === "unreachable" ? 2 : 0,
			unreachable_since: bindings[0].lost }, now: iso(now) };
}

/** @return true when it was about a list */
export function answerLists(lists, res, reply, what, query, user) {
	const m = /^([a-z-]+)(?:\/(.+))?$/.exec(what);
	const list = m?.[1];
	if (!COLUMNS[list] || (m[2] && !["columns", "check", "facet", "timeline"]
		.includes(m[2]) && !/^(accounts|calls)$/.test(list)))
		return false;
	if (list === "audit" && user.role === "viewer") {
		reply(res, 403, { error: "this needs the role operator" });
		return true;
	}
	const now = Date.now();
	const sub = m[2];
	if (sub === "columns") {
		reply(res, 200, { columns: COLUMNS[list] });
		return true;
	}
	if (sub && !["check", "facet", "timeline"].includes(sub)) {
		const id = decodeURIComponent(sub);
		if (list === "accounts") {
			const s = story(lists, id, now);
			reply(res, s ? 200 : 404, s ?? { error: "no such account" });
			return true;
		}
		const call = lists.get("calls").find((c) => c.id === id);
		const legs = call?.legs ? lists.get("calls").filter((c) =>
			c.legs === call.legs) : call ? [call] : [];
		reply(res, call ? 200 : 404, call ? { call, legs, words: words(
			call), rule: `call.${call.disposition.toLowerCase()}` } :
			{ error: "there is no such call" });
		return true;
	}
	const rows = select(lists, list, query, now);
	if (sub === "check")
		reply(res, 200, { ok: true });
	else if (sub === "facet")
		reply(res, 200, facet(rows, query));
	else if (sub === "timeline")
		reply(res, 200, timeline(list, rows, query, now));
	else if (query.get("format") === "csv")
		csv(res, list, sorted(list, rows, query));
	else {
		const all = sorted(list, rows, query);
		const limit = Math.min(1000, Number(query.get("limit")) || 100);
		const key = (r) => JSON.stringify([r.id, r.at]);
		const at = query.get("cursor");
		const start = at ? all.findIndex((r) => key(r) === at) + 1 : 0;
		const page = all.slice(start, start + limit);
		const more = start + limit < all.length;
		const gap = (query.get("q") ?? "").includes("gap-demo");
		reply(res, 200, { rows: page, more, cursor: more ? key(
			page[page.length - 1]) : "", complete: !gap, why: gap ?
			"the deadline came: 40 % of the span was looked at" : "",
		version: lists.version(), now: iso(now) });
	}
	return true;
}
