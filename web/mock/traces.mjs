// SPDX-License-Identifier: Apache-2.0
// The stand-in's traces and mirrors: standing ones, orders, ended ones, and
// what a hostile colleague would call them.
import { compile } from "./expr.mjs";

const UNITS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

function duration(text) {
	const m = /^(\d+)([smhdw])$/.exec(text ?? "");
	return m ? m[1] * UNITS[m[2]] : null;
}

function trace(part, now) {
	return {
		name: "", rule: "", scope: "message", traced_user: [], table: "",
		mirrors: [], correlation: "", keep_before_ns: 0, script: false,
		until: null,
		max_messages: 0, max_bytes: 0, dialog_ack: true,
		dialog_spiral: true, by: "config", why: "", standing: false,
		on: true, end: "runs", ended: null, ended_by: "",
		since: new Date(now - 36e5).toISOString(), messages: 0, bytes: 0,
		conversations: 0, recalled: 0, first: null, last: null, open: 0,
		forgotten: 0, ...part,
	};
}

export function makeTraces(now, empty) {
	const at = (ms) => new Date(now + ms).toISOString();
	const traces = empty ? [] : [
		trace({ name: "failed-calls", standing: true, scope: "dialog",
			rule: "method == INVITE and status >= 500",
			why: "every call that a server fails, from before it failed",
			keep_before_ns: 120e9, messages: 1843, bytes: 1_420_000,
			conversations: 96, open: 3, recalled: 412,
			mirrors: ["homer"] }, now),
		trace({ name: "t7", rule: "user == alice", scope: "dialog",
			by: "sara@192.0.2.44", why: "cannot be reached since noon",
			traced_user: ["alice"], until: at(8 * 6e4 + 12e3),
			since: at(-7 * 6e4), messages: 64, bytes: 51_200,
			conversations: 5, open: 1 }, now),
		trace({ name: "t8", rule: "ip in 10.0.0.0/8 and transport == udp",
			by: "root (control)", max_messages: 500, messages: 341,
			bytes: 240_000, conversations: 120, since: at(-2 * 6e4),
			until: at(3.2 * 36e5) }, now),
		trace({ name: "trunk", standing: true, on: false,
			rule: "ip == 192.0.2.60", scope: "transaction" }, now),
		trace({ name: "<b>x</b>", by: "<img src=x onerror=alert(1)>",
			rule: "\"<script>alert(1)</script>\"",
			why: "\u202e<i>hostile</i>", until: at(72e5),
			since: at(-9e4) }, now),
		trace({ name: "t6", rule: "method == REGISTER and status == 403",
			scope: "transaction", by: "admin@127.0.0.1", on: true,
			end: "count", max_messages: 100, messages: 100,
			bytes: 71_000, conversations: 31, since: at(-864e5),
			ended: at(-7.5e7), why: "brute force?" }, now),
		trace({ name: "t5", rule: "user == bob", scope: "dialog",
			by: "sara@192.0.2.44", end: "stopped", messages: 12,
			ended_by: "admin@127.0.0.1", bytes: 9_000,
			conversations: 2, since: at(-1.7e8), ended: at(-1.6e8) },
		now),
	];
	const mirrors = empty ? [] : [
		{ name: "homer", kind: "hep", to: "hep:192.0.2.9:9060",
			connected: true, since: at(-36e5), trouble: "",
			mirrored: 18430, delivered: 18428, lost: 0, waiting: 2,
			lag_ms: 40, bytes: 1700, max_bytes: 1_073_741_824,
			full: false },
		{ name: "archive", kind: "sql",
			to: "postgres://traces@db.example.net/sip",
			connected: false, since: at(-5 * 6e4), trouble: "could not " +
				"connect to server: Connection refused (192.0.2.80:5432)",
			mirrored: 90210, delivered: 88000, lost: 0, waiting: 2210,
			lag_ms: 301_000, bytes: 1_900_000,
			max_bytes: 1_073_741_824, full: false },
	];
	return { on: true, traces, mirrors, next: 9,
		recorder: empty ? null : { messages: 8200, bytes: 6_100_000,
			max_bytes: 67_108_864, keep_s: 300, oldest: at(-3e5),
			evicted: 0 } };
}

/** Ends what is over; a live one takes a little. */
function goOn(state, now) {
	for (const t of state.traces) {
		if (t.end === "runs" && t.until && Date.parse(t.until) <= now) {
			t.end = "time";
			t.ended = new Date(now).toISOString();
		}
		if (t.end === "runs" && t.on && state.on && t.name === "t7") {
			t.messages++;
			t.bytes += 700;
		}
	}
	state.traces.sort((a, b) => (a.end !== "runs") - (b.end !== "runs"));
}

function start(state, body, by, now) {
	compile(body.rule ?? "");
	const known = ["rule", "scope", "for", "name", "traced_user", "table",
		"mirrors", "correlation", "keep_before", "max_messages",
		"max_size", "dialog_ack", "dialog_spiral", "on", "why"];
	const wrong = Object.keys(body).find((k) => !known.includes(k));
	if (wrong)
		return [400, { error: `there is no parameter '${wrong}'` }];
	const name = body.name || `t${state.next++}`;
	if (state.traces.some((t) => t.name === name))
		return [400, { error: `there is a trace ${name} already` }];
	const length = body.for === undefined ? 9e5 : duration(body.for);
	if (length === null)
		return [400, { error: `for: '${body.for}' is no length of time` }];
	const until = length ? new Date(now + length).toISOString() : null;
	state.traces.unshift(trace({
		name, rule: body.rule ?? "", scope: body.scope ?? "message",
		traced_user: body.traced_user ?? [], table: body.table ?? "",
		mirrors: body.mirrors ?? [], by, why: body.why ?? "", until,
		correlation: body.correlation ?? "",
		keep_before_ns: (duration(body.keep_before) ?? 0) * 1e6,
		max_messages: body.max_messages ?? 0,
		max_bytes: Number(body.max_size ?? 0),
		since: new Date(now).toISOString(),
	}, now));
	return [200, { name, until }];
}

/** Answers the calls about traces. @return [status, body], or null */
export function answerTraces(state, method, what, body, user) {
	const now = Date.now();
	const by = `${user.name}@127.0.0.1`;
	goOn(state, now);
	if (what === "mirrors")
		return [200, { mirrors: state.mirrors }];
	if (what === "traces" && method === "GET")
		return [200, { on: state.on, now: new Date(now).toISOString(),
			traces: state.traces, recorder: state.recorder }];
	const change = /^traces\/(.+)\/(stop|on|off)$/.exec(what);
	if (what !== "traces" && what !== "siptrace" && !change)
		return null;
	if (user.role === "viewer")
		return [403, { error: "this needs the role operator" }];
	if (what === "siptrace") {
		state.on = body.on === true;
		return [200, { on: state.on }];
	}
	if (what === "traces")
		return start(state, body, by, now);
	const t = state.traces.find((x) => x.name ===
		decodeURIComponent(change[1]));
	if (!t || t.end !== "runs")
		return [404, { error: "there is no such trace" }];
	if (change[2] === "stop" && t.standing)
		return [400, { error: `${t.name} stands in the configuration` }];
	if (change[2] === "stop")
		Object.assign(t, { end: "stopped", ended_by: by,
			ended: new Date(now).toISOString() });
	else
		t.on = change[2] === "on";
	return [200, {}];
}
