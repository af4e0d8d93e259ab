// SPDX-License-Identifier: Apache-2.0
// A stand-in for the server while the console is worked on: answers
// docs/api.md from invented dialogs. Node's standard library only.
//
//     node mock/server.mjs [--port 9180] [--empty] [--slow MS] [--dist DIR]
//
// Users: admin, operator, viewer / correct-horse-battery; first / one-time
// (must change).
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { compile, ExprError, FIELDS } from "./expr.mjs";
import { answerLists, makeLists } from "./lists.mjs";
import { answerPeople, makeTokens } from "./people.mjs";
import { answerTraces, makeTraces } from "./traces.mjs";
import { makeTraffic } from "./traffic.mjs";

const args = process.argv.slice(2);
const option = (name, fallback) => {
	const i = args.indexOf("--" + name);
	return i < 0 ? fallback : args[i + 1];
};
const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.resolve(option("dist", path.join(here, "../dist")));
const slow = Number(option("slow", 0));
const empty = args.includes("--empty");

const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'";
const TYPES = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
};

const started = Date.now();
const traffic = makeTraffic(started);
const messages = empty ? [] : traffic.past();
const users = new Map([
	["admin", { password: "correct-horse-battery", role: "admin" }],
	["viewer", { password: "correct-horse-battery", role: "viewer",
		failures: 10, locked_until: new Date(started + 6e5)
			.toISOString() }],
	["operator", { password: "correct-horse-battery",
		role: "operator" }],
	["first", { password: "one-time", role: "viewer", must_change: true }],
]);
const sessions = new Map();
const tracing = makeTraces(started, empty);
const lists = makeLists(messages, started, empty);
const people = { users, started, tokens: empty ? [] :
	makeTokens(started) };
const followers = new Set();
let failures = 0;
let fresh = 0;

function arrive() {
	if (empty)
		return;
	for (const m of traffic.next(Date.now())) {
		messages.push(m);
		fresh++;
		for (const f of followers)
			if (f.match(m))
				f.res.write(`event: message\ndata: ${JSON.stringify(
					row(m))}\n\n`);
	}
}
setInterval(arrive, 700).unref();

function row(m) {
	const { raw, findings, ...rest } = m;
	return rest;
}

function reply(res, status, body, headers = {}) {
	res.writeHead(status, {
		"Content-Type": "application/json", "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", ...headers,
	});
	res.end(JSON.stringify(body));
}

function timeArg(text, now) {
	if (!text)
		return null;
	const rel = /^-(\d+)([smhdw])$/.exec(text);
	const unit = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
	return rel ? now - rel[1] * unit[rel[2]] : Date.parse(text);
}

function select(query) {
	const now = Date.now();
	const from = timeArg(query.get("from"), now) ?? -Infinity;
	const to = timeArg(query.get("to"), now) ?? Infinity;
	const match = compile(query.get("q") ?? "");
	return {
		from, to, list: messages.filter((m) => m.ms >= from &&
			m.ms <= to && match(m)),
	};
}

function found(list, more, cursor, from, to) {
	const text = (ms) => isFinite(ms) ? new Date(ms).toISOString() :
		messages.length ? messages[0].at : null;
	return {
		matched: list.length, scanned: messages.length, complete: true,
		more, cursor, why: "", from: text(from), to: text(to),
		ms: 3.2 + slow,
	};
}

function list(res, query) {
	const { from, to, list: all } = select(query);
	const limit = Math.min(1000, Number(query.get("limit")) || 100);
	const newest = query.get("order") !== "oldest";
	const sorted = newest ? all.slice().reverse() : all;
	const at = Number(query.get("cursor") || 0);
	// New messages come in front: the cursor is the id of the last one.
	const start = at ? sorted.findIndex((m) => newest ? m.n < at :
		m.n > at) : 0;
	const page = start < 0 ? [] : sorted.slice(start, start + limit);
	const more = start >= 0 && start + limit < sorted.length;
	const f = found(page, more, more ? String(page[page.length - 1].n) : "",
		from, to);
	if (more) {
		f.complete = false;
		f.why = `stopped after ${page.length} matches; there are more`;
	}
	reply(res, 200, { messages: page.map(row), found: f });
}

const CLASSES = ["request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx",
	"other"];

function classOf(m) {
	const i = Math.floor(m.status / 100);
	return m.kind === "request" ? 0 : i >= 1 && i <= 6 ? i : 7;
}

function histogram(res, query) {
	const { from, to, list: all } = select(query);
	const now = Date.now();
	const a = isFinite(from) ? from : messages[0]?.ms ?? now - 36e5;
	const b = isFinite(to) ? to : now;
	const n = Math.min(400, Number(query.get("buckets")) || 100);
	const step = Math.max(1, Math.ceil((b - a) / n));
	const buckets = Array.from({ length: n }, () => Array(8).fill(0));
	for (const m of all) {
		const i = Math.floor((m.ms - a) / step);
		if (i >= 0 && i < n)
			buckets[i][classOf(m)]++;
	}
	const f = found(all, false, "", from, to);
	if ((query.get("q") ?? "").includes("gap-demo")) {
		f.complete = false;
		f.why = "segment 0017 (2026-11-20 03:12 to 04:40) is damaged and " +
			"was left out";
	}
	reply(res, 200, {
		from: new Date(a).toISOString(), step_ms: step, classes: CLASSES,
		buckets, found: f,
	});
}

function conversation(res, callId) {
	const all = messages.filter((m) => m.call_id === callId);
	const parties = [];
	const index = (addr, agent) => {
		let p = parties.find((x) => x.addr === addr);
		if (!p) {
			p = { addr, index: parties.length, agent: "" };
			parties.push(p);
		}
		if (!p.agent && agent)
			p.agent = agent;
		return p.index;
	};
	const seen = new Map();
	const transactions = new Map();
	let last = all[0]?.ms ?? 0;
	const out = all.map((m) => {
		const key = [m.raw, m.src, m.dst].join("|");
		const tx = m.cseq.replace("ACK", "INVITE") + m.branch;
		if (!transactions.has(tx))
			transactions.set(tx, transactions.size);
		const l = {
			...row(m), raw: m.raw, findings: m.findings,
			from_party: m.kind === "event" ? null :
				index(m.src, m.user_agent),
			to_party: m.kind === "event" ? null : index(m.dst, ""),
			delta_ms: m.ms - last, offset_ms: m.ms - all[0].ms,
			retransmission_of: seen.get(key) ?? null,
			transaction: transactions.get(tx),
			class: CLASSES[classOf(m)],
			label: m.kind === "event" ? m.raw.split("\n")[0] :
				m.kind === "request" ? m.method :
				`${m.status} ${m.reason}`,
		};
		if (!seen.has(key))
			seen.set(key, m.id);
		last = m.ms;
		return l;
	});
	const final = all.filter((m) => m.kind === "reply" && m.status >= 200 &&
		m.status !== 401 && m.status !== 407).find((m) => /INVITE|REGISTER/
		.test(m.cseq));
	const who = all[0] ? `${all[0].from_user} to ${all[0].to_user}` : "";
	reply(res, 200, {
		call_id: callId, first: all[0]?.at ?? null,
		last: all[all.length - 1]?.at ?? null,
		summary: !all.length ? "" : !final ? `${all[0].method} from ` +
			`${who}: no final answer.` : `${all[0].method} from ${who}: ` +
			`${final.status} ${final.reason} from ${final.src}` +
			(final.status >= 300 ? ", the attempt failed." : "."),
		parties, messages: out,
		found: found(all, false, "", -Infinity, Infinity),
	});
}

function exported(res, query) {
	const { list: all } = select(query);
	const format = query.get("format");
	const types = { pcap: "application/vnd.tcpdump.pcap",
		text: "text/plain; charset=utf-8", json: "application/x-ndjson" };
	res.writeHead(200, {
		"Content-Type": types[format] ?? "text/plain",
		"Content-Disposition": `attachment; filename="earshot.${
			format === "text" ? "txt" : format}"`,
		"X-Earshot-Complete": "yes",
	});
	if (format === "pcap") {
		const head = Buffer.alloc(24);
		head.writeUInt32LE(0xa1b2c3d4, 0);
		head.writeUInt16LE(2, 4);
		head.writeUInt16LE(4, 6);
		head.writeUInt32LE(65535, 16);
		head.writeUInt32LE(101, 20);
		res.end(head);
	} else if (format === "json") {
		res.end(all.map((m) => JSON.stringify(row(m)) + "\n").join(""));
	} else {
		res.end(all.map((m) => `${m.at} ${m.src} > ${m.dst}\n${m.raw}\n`)
			.join(""));
	}
}

function status(res) {
	const n = messages.length;
	const tap = (name, transport, port, open) => ({
		name, transport, address: `${open ? "0.0.0.0" : "127.0.0.1"}:${
			port}`,
		open_to_network: open, threads: 1,
		connections: transport === "udp" ? 0 : 2,
	});
	const ledger = n ? [["hep/udp:127.0.0.1:9060", "10.0.0.10"],
		["hep/udp:127.0.0.1:9060", "10.0.0.20"],
		["hep/tcp:127.0.0.1:9060", "192.0.2.60"]].map(([t, source], i) => {
		const stored = i < 2 ? Math.floor(n * 0.4) :
			n - 2 * Math.floor(n * 0.4);
		const keepalive = 120 * (i + 1);
		const junk = i === 2 ? 7 : 0;
		return {
			tap: t, source, first: messages[0].at,
			last: messages[n - 1].at,
			received: stored + keepalive + junk, accepted: stored,
			stored, keepalive, rtp: 0, junk, other_payload: 0,
			filtered: 0, denied: 0, bad_key: 0, refused: 0, oversize: 0,
			journal_full: 0, store_full: 0, corrupt: 0,
			malformed: i === 0 ? messages.filter((m) => m.malformed)
				.length : 0,
			truncated: 0, replayed: 0, kernel_drop: 0,
			bytes: stored * 720,
		};
	}) : [];
	const received = ledger.reduce((s, r) => s + r.received, 0);
	reply(res, 200, {
		version: "0.1.0", started: new Date(started).toISOString(),
		uptime_s: Math.floor((Date.now() - started) / 1000),
		totals: { received, accepted: n, searchable: n,
			malformed: messages.filter((m) => m.malformed).length,
			dropped: 0, open: 0 },
		taps: [tap("hep", "udp", 9060, false), tap("hep", "tcp", 9060,
			false), tap("hep", "tls", 9061, true)],
		ledger,
		store: {
			messages: n, segments: n ? 3 : 0, bytes: n * 112,
			raw_bytes: n * 720, oldest: messages[0]?.at ?? null,
			newest: messages[n - 1]?.at ?? null,
			disk_free: 412_000_000_000, pending: 0,
			bytes_per_day: n ? 96_000_000 : 0,
			left_s: n ? 86400 * 23 : 0, full: false, damaged: 0,
			retention: { max_age_s: 86400 * 30, max_bytes: n * 300,
				min_free: 5_000_000_000 },
		},
		journal: { bytes: 81_920, max_bytes: 268_435_456, lost_bytes: 0,
			full: false },
		notices: n ? [{ at: new Date(started - 3e5).toISOString(),
			event: "tap.open_to_network",
			text: "HEP over TLS is reachable from the network on port " +
				"9061" }] : [],
	});
}

async function bodyOf(req) {
	let text = "";
	for await (const part of req) {
		text += part;
		if (text.length > 65536)
			return {};
	}
	try {
		return JSON.parse(text || "{}");
	} catch {
		return {};
	}
}

async function api(req, res, what, query) {
	const cookie = /earshot_session=(\w+)/.exec(req.headers.cookie ?? "");
	const me = cookie && sessions.get(cookie[1]);
	if (req.method === "POST" && req.headers["x-earshot"] !== "1")
		return reply(res, 403, { error: "X-Earshot is missing" });
	if (what === "login") {
		const { name, password } = await bodyOf(req);
		const user = users.get(name);
		if (failures >= 5) {
			failures = 0;
			return reply(res, 429, { error: "too many attempts",
				retry_after_s: 3 });
		}
		if (!user || user.password !== password) {
			failures++;
			lists.webEvent(user ? "FAIL_BAD_CREDENTIALS" :
				"FAIL_USER_NOT_FOUND", String(name));
			return reply(res, 401, { error: "wrong name or password" });
		}
		failures = 0;
		const id = Math.random().toString(36).slice(2) + Date.now();
		sessions.set(id, name);
		lists.webEvent("SUCCESS_INTERACTIVE", name);
		lists.webEvent("SUCCESS", name);
		return reply(res, 200, { name, role: user.role,
			must_change: !!user.must_change },
		{ "Set-Cookie": `earshot_session=${id}; HttpOnly; ` +
			"SameSite=Strict; Path=/" });
	}
	if (!me)
		return reply(res, 401, { error: "log in first" });
	const user = users.get(me);
	switch (what) {
	case "logout":
		sessions.delete(cookie[1]);
		return reply(res, 200, {});
	case "password": {
		const { old, new: now } = await bodyOf(req);
		if (old !== user.password)
			return reply(res, 403, { error: "the old one is wrong" });
		if ((now ?? "").length < 10)
			return reply(res, 400, { error: "at least 10 characters" });
		users.set(me, { ...user, password: now, must_change: false });
		return reply(res, 200, {});
	}
	case "me":
		return reply(res, 200, { name: me, role: user.role,
			must_change: !!user.must_change, version: "0.1.0" });
	case "fields":
		return reply(res, 200, FIELDS);
	case "check":
		compile(query.get("q") ?? "");
		return reply(res, 200, { ok: true });
	case "messages":
		return list(res, query);
	case "histogram":
		return histogram(res, query);
	case "conversation":
		return conversation(res, query.get("call_id"));
	case "export":
		return exported(res, query);
	case "status":
		return status(res);
	case "follow": {
		const match = compile(query.get("q") ?? "");
		res.writeHead(200, { "Content-Type": "text/event-stream",
			"Cache-Control": "no-store" });
		res.write(": hello\n\n");
		const f = { res, match };
		followers.add(f);
		req.on("close", () => followers.delete(f));
		return undefined;
	}
	// For tests only: the log-in ends, as after a restart.
	case "expire":
		sessions.clear();
		return reply(res, 200, {});
	default: {
		if (req.method === "GET" && answerLists(lists, res, reply, what,
			query, user))
			return undefined;
		const body = req.method === "POST" ? await bodyOf(req) : {};
		const done = answerPeople(people, req.method, what, body, me);
		if (done)
			return reply(res, ...done);
		const about = answerTraces(tracing, req.method, what,
			body, { name: me, role: user.role });
		if (about)
			return reply(res, ...about);
		const id = /^messages\/(.+)$/.exec(what)?.[1];
		const m = id && messages.find((x) => x.id ===
			decodeURIComponent(id));
		return m ? reply(res, 200, { ...row(m), raw: m.raw,
			findings: m.findings }) :
			reply(res, 404, { error: "not there" });
	}
	}
}

const server = createServer(async (req, res) => {
	const url = new URL(req.url, "http://x");
	const what = /^\/api\/v1\/(.*)$/.exec(url.pathname)?.[1];
	if (what !== undefined) {
		if (slow)
			await new Promise((go) => setTimeout(go, slow));
		try {
			await api(req, res, what, url.searchParams);
		} catch (e) {
			if (!(e instanceof ExprError))
				throw e;
			if (/(^|\/)check$/.test(what))
				reply(res, 200, { ok: false, offset: e.offset,
					error: e.message });
			else
				reply(res, 400, { error: e.message,
					offset: e.offset });
		}
		return;
	}
	const name = url.pathname === "/" ? "/index.html" : url.pathname;
	try {
		const data = await readFile(path.join(dist, path.basename(name)));
		res.writeHead(200, { "Content-Type": TYPES[path.extname(name)] ??
			"application/octet-stream", "Content-Security-Policy": CSP,
		"Cache-Control": "no-cache", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff" });
		res.end(data);
	} catch {
		res.writeHead(404);
		res.end();
	}
});
server.listen(Number(option("port", 9180)), "127.0.0.1", () =>
	console.log(`http://127.0.0.1:${server.address().port}/`));
