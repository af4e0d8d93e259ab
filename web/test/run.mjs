// SPDX-License-Identifier: Apache-2.0
// The console's pure parts, by tables. `npm test`
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import test from "node:test";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const made = mkdtempSync(path.join(tmpdir(), "earshot-web-"));
process.on("exit", () => rmSync(made, { recursive: true, force: true }));

async function load(name) {
	const outfile = path.join(made, name.replace("/", "-") + ".mjs");
	await build({ entryPoints: [path.join(here, "../src", name + ".ts")],
		bundle: true, format: "esm", outfile, logLevel: "error" });
	return import(pathToFileURL(outfile));
}

function table(name, rows, run) {
	test(name, async (t) => {
		for (const [i, row] of rows.entries())
			await t.test(`${i} ${JSON.stringify(row[0])}`.slice(0, 70),
				() => run(...row));
	});
}

const expr = await load("expr");
const form = await load("form");
const complete = await load("complete");
const time = await load("time");
const text = await load("text");
const sip = await load("sip");
const diff = await load("diff");
const hex = await load("hex");
const explain = await load("explain");
const hep = await load("hep");
const download = await load("download");
// The router looks at the address as it is loaded.
globalThis.location ??= { hash: "" };
globalThis.addEventListener ??= () => undefined;
const traces = await load("traces");

table("terms", [
	["", []],
	["a == 1", ["a == 1"]],
	["a == 1 and b has \"x and y\" ", ["a == 1", "b has \"x and y\""]],
	["a == 1 && (b or c) and not d", ["a == 1", "(b or c)", "not d"]],
	["a == 1 or b == 2", null],
	["status in (486, 487)", ["status in (486, 487)"]],
], (q, want) => assert.deepEqual(expr.terms(q), want));

table("narrow", [
	["", "user", "sara", "only", "user == sara"],
	["", "user", "and", "only", "user == \"and\""],
	["", "call_id", "a\"b\\c@h", "only", "call_id == \"a\\\"b\\\\c@h\""],
	["user == sara", "user", "lea", "only", "user == lea"],
	["user == sara", "user", "sara", "only", "user == sara"],
	["user == sara", "user", "lea", "not", "user == sara and user != lea"],
	["a == 1 or b == 2", "status", 486, "only",
		"(a == 1 or b == 2) and status == 486"],
	["", "sdp", true, "only", "sdp"],
	["", "sdp", true, "not", "not sdp"],
	["", "dst", "[2001:db8::1]:5060", "only",
		"dst == \"[2001:db8::1]:5060\""],
], (q, field, value, how, want) => assert.equal(
	expr.narrow(q, field, value, how), want));

table("form: write, then read", [
	["", "user", "sara", "user == sara"],
	["", "user", "+4930*", "user ~ \"(?i)^\\\\+4930.*$\""],
	["", "ip", "10.0.0.7", "ip == \"10.0.0.7\""],
	["", "ip", "10.0.0.0/8", "ip in 10.0.0.0/8"],
	["", "ip", "10.0.0.7:5060",
		"(src == \"10.0.0.7:5060\" or dst == \"10.0.0.7:5060\")"],
	["", "status", "4xx", "status >= 400 and status < 500"],
	["", "status", ">=400", "status >= 400"],
	["", "status", "486, 487", "status in (486, 487)"],
	["user == lea and sdp", "user", "sara", "user == sara and sdp"],
], (q, id, value, want) => {
	assert.equal(form.writeForm(q, id, value), want);
	assert.equal(form.readForm(want)[id], value);
	assert.equal(form.writeForm(want, id, ""), q.includes("sdp") ? "sdp" :
		"");
});

test("form: an expression joined by or is left alone", () => {
	assert.equal(form.readForm("a == 1 or b == 2"), null);
	assert.equal(form.writeForm("a == 1 or b == 2", "user", "x"),
		"(a == 1 or b == 2) and user == x");
});

const fields = [
	{ name: "method", type: "text", help: "" },
	{ name: "status", type: "number", help: "" },
	{ name: "user_agent", type: "text", help: "" },
	{ name: "from.user", type: "text", help: "" },
	{ name: "sdp", type: "yes or no", help: "" },
	{ name: "transport", type: "one of", help: "", values: ["udp", "tls"] },
];
table("completion", [
	["me", "method"], ["user", "user_agent"], ["method ", "=="],
	["method == INV", "INVITE"], ["status >", ">="],
	["transport == t", "tls"], ["method == INVITE ", "and"],
	["sdp ", "and"], ["status in (486, 5", "500"],
	["from.user == s", "sara"], ["method == \"re", "REGISTER"],
], (q, want) => assert.ok(complete.proposals(q, q.length, fields, () =>
	["sara"]).some((p) => p.text === want), want));

table("resolve", [
	["-1h", 1e12 - 36e5], ["-90m", 1e12 - 54e5], ["all", null], ["", null],
	["2026-11-22T05:27:31.482Z", Date.UTC(2026, 10, 22, 5, 27, 31, 482)],
], (t, want) => assert.equal(time.resolve(t, 1e12), want));

table("read a time", [
	["2026-11-22 05:27:31.482", "2026-11-22T05:27:31.482Z"],
	["2026-11-22", "2026-11-22T00:00:00.000Z"],
	["2026-11-22T05:27", "2026-11-22T05:27:00.000Z"],
	["-2d", "-2d"], ["now", ""], ["yesterday", null], ["12:30", null],
], (t, want) => assert.equal(time.readTime(t, "utc"), want));

table("duration", [
	[0, "0 ms"], [0.25, "0.25 ms"], [482, "482 ms"], [1500, "1.50 s"],
	[12345, "12.3 s"], [250e3, "4 min 10 s"], [36e5, "1 h"],
	[90e6, "1 d 1 h"], [NaN, ""],
], (ms, want) => assert.equal(time.durationText(ms), want));

test("a time as people write it", () => assert.equal(time.timeText(
	Date.UTC(2026, 10, 22, 5, 27, 31, 482), "utc"),
"2026-11-22 05:27:31.482"));

table("visible", [
	["plain é", "plain é"], ["a\u202eb", "a\\u202eb"], ["a\0b", "a␀b"],
	["\u200bx", "\\u200bx"], ["\x7f", "␡"], ["\x85", "\\u0085"],
], (t, want) => assert.equal(text.oneLine(t), want));

test("byte offsets", () => {
	assert.equal(text.indexOfByte("aé€😀b", 1), 1);
	assert.equal(text.indexOfByte("aé€😀b", 3), 2);
	assert.equal(text.indexOfByte("aé€😀b", 10), 5);
	assert.equal(text.indexOfByte("é", 99), 1);
	assert.equal(text.indexOfByte("éé", 1, true), 1);
});

test("parts of a message", () => {
	const raw = "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\n" +
		"Subject: one\r\n two\r\nbroken\r\n\r\nv=0\r\n";
	const p = sip.parts(raw);
	assert.equal(p.start, "INVITE sip:a@b SIP/2.0");
	assert.deepEqual(p.headers.map((h) => [h.name, h.value]), [
		["v", "SIP/2.0/UDP h"], ["Subject", "one two"],
		["", "broken"]]);
	assert.equal(sip.header(p, "Via"), "SIP/2.0/UDP h");
	assert.equal(p.body, "v=0\r\n");
	assert.equal(raw.slice(p.headers[1].from, p.headers[1].to),
		"Subject: one\r\n two\r\n");
	for (let i = 0; i < raw.length; i++)
		sip.parts(raw.slice(0, i));
});

table("coloured pieces lose nothing", [
	["\"A;b\" <sip:a@b;user=phone>;tag=1;lr"], ["10.0.0.1:5060 1 2"],
	["\"unclosed <sip:x"], [""], ["x".repeat(9000)],
], (v) => assert.equal(sip.pieces(v).map((p) => p.text).join(""), v));

test("difference", () => {
	const rows = diff.diff("A s\r\nVia: 1\r\nVia: 2\r\nX: 1\r\n\r\n",
		"A s\r\nvia: 1\r\nVia: 3\r\nY: 1\r\n\r\n");
	assert.deepEqual(rows.map((r) => [r.name, r.a, r.b, r.same]), [
		["start line", "A s", "A s", true], ["Via", "1", "1", true],
		["Via", "2", "3", false], ["X", "1", null, false],
		["Y", null, "1", false]]);
	assert.deepEqual(diff.split("abcd", "abXd"), ["ab", "c", "X", "d"]);
	assert.deepEqual(diff.split("aa", "aaa"), ["aa", "", "a", ""]);
});

test("hex", () => assert.equal(hex.dump(hex.bytesOf("AÿB", true)),
	"00000  41 ff 42" + " ".repeat(42) + "A.B"));

table("explained", [
	["Expires", "3600", "1 h"], ["Expires", "0", "removes the binding"],
	["Reason", "Q.850;cause=17", "user busy"],
	["Via", "SIP/2.0/UDP 192.168.1.2;received=1.2.3.4;rport=9",
		"said 192.168.1.2, came from 1.2.3.4:9: NAT between"],
	["Via", "SIP/2.0/UDP 1.2.3.4;received=1.2.3.4", ""],
	["Subject", "x", ""],
], (name, value, want) => assert.equal(explain.explain(name, value), want));

test("SDP explained", () => {
	const body = "m=audio 4 RTP/AVP 9 96\r\na=rtpmap:96 opus/48000\r\n";
	assert.equal(explain.explainSdp("m=audio 4 RTP/AVP 9 96", body),
		"G722, opus");
	assert.equal(explain.explainSdp("m=video 0 RTP/AVP 96", body),
		"refused (port 0)");
});

test("CSV runs nothing in a spreadsheet", () => {
	const out = download.csv([{ title: "From", value: (m) => m }],
		["=cmd()", "a,\"b\"", "-5", "+49", "plain"]);
	assert.equal(out, "From\r\n'=cmd()\r\n\"a,\"\"b\"\"\"\r\n-5\r\n" +
		"'+49\r\nplain\r\n");
});

const NOW = Date.parse("2026-11-23T10:00:00Z");
table("trace: left", [
	[null, ""],
	["2026-11-23T10:00:00Z", "ending"],
	["2026-11-23T09:59:00Z", "ending"],
	["2026-11-23T10:00:00.4Z", "1 s left"],
	["2026-11-23T10:00:09.8Z", "10 s left"],
	["2026-11-23T10:08:12Z", "8 min 12 s left"],
	["2026-11-24T10:00:00Z", "1 d left"],
], (until, want) => assert.equal(traces.leftText({ until }, NOW), want));

table("trace: ended", [
	[{ end: "time" }, "its time was over"],
	[{ end: "stopped", ended_by: "sara" }, "stopped by sara"],
	[{ end: "stopped", ended_by: "" }, "stopped"],
	[{ end: "unheard of" }, "unheard of"],
], (t, want) => assert.equal(traces.endedText(t), want));

table("trace: share of its limits", [
	[{ max_messages: 0, max_bytes: 0, messages: 7, bytes: 7 }, null],
	[{ max_messages: 10, max_bytes: 0, messages: 5, bytes: 7 }, 0.5],
	[{ max_messages: 10, max_bytes: 8, messages: 5, bytes: 6 }, 0.75],
	[{ max_messages: 10, max_bytes: 0, messages: 50, bytes: 7 }, 1],
], (t, want) => assert.equal(traces.quotaShare(t), want));

table("trace: order", [
	[{}, { rule: "", scope: "dialog", for: "15m" }],
	[{ rule: " a == 1 ", length: "0s" },
		{ rule: "a == 1", scope: "dialog", for: "0s" }],
	[{ messages: "50", megabytes: "1.5" }, { rule: "", scope: "dialog",
		for: "15m", max_messages: 50, max_size: "1500000" }],
	[{ users: " alice, ,{from.user}", mirrors: ["homer"], before: "2m" },
		{ rule: "", scope: "dialog", for: "15m",
			traced_user: ["alice", "{from.user}"], mirrors: ["homer"],
			keep_before: "2m" }],
	[{ name: " x ", why: "", table: "t" }, { rule: "", scope: "dialog",
		for: "15m", name: "x", table: "t" }],
], (part, want) => assert.deepEqual(traces.orderOf({
	...traces.newDraft("", "dialog", ""), ...part }), want));

// An ended order, started again, asks for what it asked for.
const ended = { rule: "user == alice", scope: "dialog", traced_user: [],
	table: "", mirrors: [], correlation: "", keep_before_ns: 0, until: null,
	max_messages: 0, max_bytes: 0, why: "", since: "2026-11-23T01:00:00Z" };
table("trace: again", [
	[{}, { for: "0s" }],
	[{ until: "2026-11-23T01:15:00.000Z" }, { for: "15m" }],
	[{ until: "2026-11-23T01:10:00.000Z" }, { for: "15m" }],
	[{ until: "2026-11-24T01:00:00.200Z" }, { for: "24h" }],
	[{ traced_user: ["a", "{to.user}"], mirrors: ["m"], table: "t",
		correlation: "{call_id}", keep_before_ns: 120e9, why: "w",
		max_messages: 50, max_bytes: 1500000 },
	{ for: "0s", traced_user: ["a", "{to.user}"], mirrors: ["m"],
		table: "t", correlation: "{call_id}", keep_before: "2m",
		why: "w", max_messages: 50, max_size: "1500000" }],
], (part, want) => assert.deepEqual(traces.orderOf(traces.draftAgain({
	...ended, ...part })), { rule: "user == alice", scope: "dialog",
	...want }));

table("trace: fault of a draft", [
	[{}, /^$/], [{ messages: "50" }, /^$/], [{ megabytes: "0.5" }, /^$/],
	[{ messages: "many" }, /Messages/], [{ messages: "-1" }, /Messages/],
	[{ messages: "0" }, /Messages/], [{ megabytes: "1e9" }, /Size/],
	[{ megabytes: "0.0" }, /Size/],
], (part, want) => assert.match(traces.draftFault({
	...traces.newDraft("", "dialog", ""), ...part }), want));

const mirror = { connected: true, full: false, lag_ms: 0, trouble: "",
	waiting: 0 };
table("mirror: state", [
	[{}, "good"], [{ lag_ms: 20_000 }, "warn"], [{ full: true }, "bad"],
	[{ connected: false }, "off"], [{ connected: false, waiting: 3 },
		"warn"], [{ connected: false, trouble: "refused" }, "bad"],
	[{ enabled: false, trouble: "x", connected: false }, "off"],
], (part, want) => assert.equal(traces.mirrorState({ ...mirror, ...part })
	.kind, want));

table("trace: links", [
	["t7", "#/search?q=trace+%3D%3D+t7&from=all"],
	["a \"b\"", "#/search?q=trace+%3D%3D+%22a+%5C%22b%5C%22%22&from=all"],
], (name, want) => assert.equal(traces.traceSearch(name), want));

// The page and `earshot serve` tell people the same.
test("recipes are those that serve prints", () => {
	const source = readFileSync(
		path.join(here, "../../src/app/hints.c"), "utf8");
	const full = "192.0.2.1:9060", values = [full, full, full, "192.0.2.1", "9060"];
	const literals = source.slice(source.indexOf("fprintf("))
		.matchAll(/"((?:[^"\\]|\\.)*)"/g);
	const printed = [...literals].map((m) => JSON.parse(`"${m[1]}"`)).join("")
		.replace(/%[su]/g, () => values.shift());
	let lines = 0;
	for (const recipe of hep.recipes("192.0.2.1", "9060"))
		for (const line of recipe.text.split("\n").map((l) => l.trim())) {
			if (!line || /^(#|;|<!--)/.test(line))
				continue;
			assert.ok(printed.includes(line), `${recipe.name}: ${line}`);
			lines++;
		}
	assert.ok(lines > 15);
});

const spec = await load("lists/spec");
const strip = await load("strip");

table("kind of a column", [
	["text", "text"], ["int", "number"], ["time", "time"],
	["bool", "bool"], ["enum", "enum"], ["addr", "address"],
	["what comes later", "text"],
], (type, want) => assert.equal(spec.kindOf(type), want));

table("a value as text", [
	["talk_s", "int", 11, "11\u00a0s"],
	["talk_ms", "int", 0, "0\u00a0ms"],
	["id", "int", 23665, "23665"],
	["port", "int", 60104, "60104"],
	["failed", "bool", false, "no"],
	["reconciled", "bool", true, "yes"],
	["src", "text", "a\u202eb\nc", "a\\u202eb\u240ac"],
	["src", "text", null, ""], ["code", "int", undefined, ""],
	["at", "time", "2026-11-22T05:27:31.482913Z",
		/^2026-11-2\d \d\d:[25]7:31\.482$/],
], (name, type, value, want) => want instanceof RegExp ?
	assert.match(spec.textOf({ name, type }, value), want) :
	assert.equal(spec.textOf({ name, type }, value), want));

test("columns: those that are known first, all can be chosen", () => {
	const known = { looks: [{ name: "b", least: 50, usual: true },
		{ name: "gone", least: 50 }] };
	const info = (name, type = "text", sorts = false) => ({ name, type,
		title: name.toUpperCase(), help: "", sorts });
	const got = spec.columnsOf(known, [info("a"), info("b", "int", true),
		info("t", "time")]);
	assert.deepEqual(got.map((c) => [c.id, c.title, !!c.usual, !!c.right,
		!!c.sorts, c.field ?? ""]), [["b", "B", true, true, true, "b"],
		["a", "A", false, false, false, "a"],
		["t", "T", false, false, false, ""]]);
	// A server that tells none: as the page knows them.
	assert.deepEqual(spec.columnsOf(known, []).map((c) => c.id),
		["b", "gone"]);
});

test("the strip of an account that has many registrations", () => {
	const bindings = Array.from({ length: 70 }, (_, i) => ({
		at: new Date(i * 6e4).toISOString(), ended: null,
		expires: new Date(6e6).toISOString() }));
	const s = strip.stripOf({ calls: [], sessions: [], bindings }, 0, 6e6,
		6e6);
	assert.equal(s.bars.length, 70);
	assert.equal(s.lanes, 8);
	assert.ok(s.bars.every((b) => b.lane < 8));
});

test("the strip of an account", () => {
	const at = (min) => new Date(min * 6e4).toISOString();
	const story = { calls: [{ at: at(20) }, { at: at(500) }],
		sessions: [{ at: at(0), event: "CONNECT" }, { at: null }],
		bindings: [
			{ at: at(0), expires: at(60), ended: at(30) },
			{ at: at(20), expires: at(200), lost: at(70) },
			{ at: at(40), expires: at(90) },
		] };
	const s = strip.stripOf(story, 0, 100 * 6e4, 100 * 6e4);
	assert.deepEqual(s.bars.map((b) => [b.from / 6e4, b.to / 6e4, b.lane]),
		[[0, 30, 0], [20, 100, 1], [40, 90, 0]]);
	assert.equal(s.lanes, 2);
	assert.equal(s.bars[1].lost, 70 * 6e4);
	assert.equal(s.calls.length, 1);
	assert.equal(s.marks.length, 1);
	// Nothing at all still has a span.
	const none = strip.stripOf({ calls: [], sessions: [], bindings: [] },
		NaN, NaN, 5e6);
	assert.ok(none.to > none.from && none.bars.length === 0);
});

// In whichever zone this runs: what is told in UTC is shown in the other.
test("a sentence's times in the zone that is chosen", () => {
	const now = Date.parse("2026-11-22T12:00:00Z");
	const local = (iso) => time.clockText(Date.parse(iso), "local", false);
	const text = "lost at 10:38:02, seen 2026-11-20 09:00:00, ran 1:02:03";
	assert.equal(time.zonedTimes(text, "utc", now), text);
	const got = time.zonedTimes(text, "local", now);
	assert.ok(got.startsWith(`lost at ${local("2026-11-22T10:38:02Z")}, `),
		got);
	assert.ok(got.includes(time.timeText(Date.parse(
		"2026-11-20T09:00:00Z"), "local", false)), got);
	assert.ok(got.endsWith("ran 1:02:03"));
});

const router = await load("router");

test("the menu leads back to what a page was asked", () => {
	globalThis.history ??= { pushState() {}, replaceState() {} };
	const go = (hash) => {
		location.hash = "";
		router.go(hash);
	};
	go("#/calls?q=src+%3D%3D+sara&sort=src&sel=x&from=-6h");
	go("#/sessions?q=event+%3D%3D+CONNECT&from=-24h");
	assert.equal(router.hashOfPage("calls"),
		"#/calls?q=src+%3D%3D+sara&sort=src&from=-24h");
	assert.equal(router.hashOfPage("accounts"), "#/accounts?from=-24h");
	// The search for messages is not that of a list.
	go("#/search?q=user+%3D%3D+lea&from=-1h");
	go("#/calls?from=-1h");
	assert.deepEqual(router.shared(), { q: "user == lea", from: "-1h",
		to: null });
});

test("who stands above a ladder's columns", async () => {
	const { partyNames } = await load("ladder/layout");
	const request = (cseq, from_party, to_party, from_user = "alice") =>
		({ kind: "request", method: "INVITE", cseq, from_party, to_party,
			from_user, to_user: "sara" });
	const reply = (status, from_party, to_party) => ({ kind: "reply",
		method: "INVITE", status, from_party, to_party });
	const names = (parties, messages) => partyNames({ parties: Array.from(
		{ length: parties }, (_, i) => ({ name: "", agent: `agent${i}`,
			addr: `192.0.2.${i}:5060` })), messages })
		.map((n) => n.name);
	assert.deepEqual(names(2, [request(1, 0, 1), reply(200, 1, 0)]),
		["alice", "sara"]);
	assert.deepEqual(names(3, [request(1, 0, 1), request(1, 1, 2)]),
		["alice", "agent1", "sara"]);
	// A proxy that asks for a password first is not who is called.
	assert.deepEqual(names(3, [request(1, 0, 1), reply(407, 1, 0),
		request(2, 0, 1), request(2, 1, 2), reply(200, 2, 1)]),
	["alice", "agent1", "sara"]);
	assert.deepEqual(names(2, [request(1, 0, 1), reply(407, 1, 0)]),
		["alice", "agent1"]);
	// Nor does one that is sent back change who is who.
	assert.deepEqual(names(3, [request(1, 0, 1), request(1, 1, 2),
		reply(200, 2, 1), request(1, 2, 1, "sara"),
		request(1, 1, 0, "sara")]),
	["alice", "agent1", "sara"]);
});
