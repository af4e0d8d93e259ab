// SPDX-License-Identifier: Apache-2.0
// What a person does with the lists: sessions, accounts, calls, connections,
// log-ins, audit, users; one case each.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ask, enter, enter2, narrow, rows, scroll, serious } from "./steps.mjs";

const LISTS = ["sessions", "accounts", "calls", "connections"];

// The columns of the document's pages, in its order.
const TITLES = {
	sessions: ["Timestamp", "Event", "Source", "Peername", "Account",
		"Details", "Useragent", "Remoteaddr", "Tlscipher", "Reconciled"],
	accounts: ["Id", "Username", "IpAddr", "Port", "Description",
		"Registration Expires", "UserAgent"],
	calls: ["Call Date", "Src", "Dst", "Duration", "Disposition"],
};

async function titles(page) {
	return page.$$eval(".thead .td .cut", (all) => all.map((e) => [
		...e.childNodes].filter((n) => n.nodeType === 3).map((n) =>
		n.textContent).join("").trim()));
}

function cells(page, column) {
	return page.$$eval(`.tbody .col-${column}`, (all) => all.map((e) => [
		e.closest(".tr").getAttribute("aria-rowindex"),
		e.querySelector(".cut").textContent.trim()]).sort((a, b) => a[0] - b[0]).map((x) =>
		x[1]));
}

/** Until every cell of a column is as it should be. */
function every(page, column, pattern) {
	return page.waitForFunction(([c, p]) => {
		const all = [...document.querySelectorAll(`.tbody .col-${c}`)];
		return all.length > 0 && all.every((e) => new RegExp(p).test(
			e.querySelector(".cut").textContent.trim()));
	}, [column, pattern]);
}

/** Lines of RFC 4180 with CRLF. */
function csvRows(text) {
	const out = [];
	let row = [];
	const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
	for (let m; cell.lastIndex < text.length && (m = cell.exec(text));) {
		row.push(m[1] !== undefined ? m[1].replace(/""/g, '"') : m[2]);
		if (m[3] !== ",") {
			out.push(row);
			row = [];
		}
	}
	return out;
}

const fits = async (page) => assert.ok(await page.evaluate(() =>
	document.documentElement.scrollWidth <= innerWidth),
"the page is wider than the screen");

/** Somebody else than the case's own. */
async function enterAs(t, name, hash) {
	await t.page.goto(t.url + hash);
	await t.page.fill("input[name=name]", name);
	await t.page.fill("input[name=password]", t.user.password);
	await t.page.keyboard.press("Enter");
	await t.page.waitForSelector(".shell");
}

export const listCases = [{
	name: "lists",
	async run(t) {
		const { page } = t;
		await enter(t, "#/sessions?from=all");
		assert.deepEqual(await page.$$eval(".menu-item[href] span",
			(all) => all.map((e) => e.textContent)), ["Search",
			"SIP Sessions", "Connections", "Registered Accounts",
			"Web Sessions", "Call Detail Records", "Traces", "Status",
			"Audit", "Users & tokens"]);
		for (const list of ["sessions", "accounts", "calls"]) {
			await page.goto(t.url + `#/${list}?from=all`);
			await rows(page);
			const got = await titles(page);
			assert.deepEqual(got.filter((x) => TITLES[list].includes(x)),
				TITLES[list], list);
			await page.waitForSelector(".plot .bar");
			await t.shot(list);
		}
	},
}, {
	name: "list-sort",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all");
		await rows(page);
		const newest = await cells(page, "at");
		assert.deepEqual(newest, newest.slice().sort().reverse());
		await page.click(".thead button:has-text('Duration')");
		await page.waitForFunction(() => /sort=talk_s/.test(location.hash));
		await page.waitForSelector(
			"[aria-sort=descending]:has-text('Duration')");
		await page.waitForTimeout(400);
		const talk = (await cells(page, "talk_s")).map(parseFloat);
		assert.ok(talk.length > 3);
		assert.deepEqual(talk, talk.slice().sort((a, b) => b - a));
		await page.click(".thead button:has-text('Duration')");
		await page.waitForSelector(
			"[aria-sort=ascending]:has-text('Duration')");
		await page.goBack();
		await page.goBack();
		await page.waitForSelector(
			"[aria-sort=descending]:has-text('Call Date')");
		await page.click(".thead button:has-text('Src')");
		await page.waitForSelector("[aria-sort=ascending]:has-text('Src')");
		await page.waitForTimeout(400);
		const src = await cells(page, "src");
		assert.deepEqual(src, src.slice().sort());
		await page.click(".thead button:has-text('Src')");
		await page.waitForSelector("[aria-sort=descending]:has-text('Src')");
		await page.waitForTimeout(400);
		assert.ok(src[0] < (await cells(page, "src"))[0]);
	},
}, {
	name: "list-filter",
	allow: /status of 400/,
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all");
		await rows(page);
		// The box completes the names and values of this list.
		await page.click("#search");
		await page.keyboard.type("dispo");
		await page.waitForSelector(".proposals [role=option]");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Tab");
		assert.equal(await page.inputValue("#search"), "disposition == ");
		await page.keyboard.type("bu");
		await t.shot("values");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await every(page, "disposition", "^BUSY$");
		await t.shot("asked");
		// What is wrong is shown at its place.
		await ask(page, "disposition == BUSY and srx == 1");
		await page.waitForSelector(".fault");
		assert.equal(await page.textContent(".fault mark"), "s");
		await t.shot("fault");
		await ask(page, "disposition == BUSY");
		await every(page, "disposition", "^BUSY$");
		assert.equal(await page.locator(".fault").count(), 0);
		// And while it is typed, beside the proposals or at its place.
		await page.click("#search");
		await page.keyboard.type(" and srx == 1 and sr");
		await page.waitForSelector(".proposals .wrong");
		await t.shot("typed");
		await page.keyboard.press("Escape");
		assert.equal(await page.textContent(".fault mark"), "s");
		await page.fill("#search", "disposition == BUSY");
		await page.waitForFunction(() => !document.querySelector(
			".fault, .proposals .wrong"));
		await page.keyboard.press("Escape");
		// "not" beside a value.
		await page.hover(".tbody .tr:first-child .col-code");
		const code = await page.textContent(
			".tbody .tr:first-child .col-code .cut");
		await page.click(".tbody .tr:first-child .col-code .ask " +
			"button:text-is('not')");
		await page.waitForFunction((c) => document.querySelector("#search")
			.value === `disposition == BUSY and code != ${c}`, code);
		// The link opens the same view, and each list its own.
		const url = page.url();
		await page.keyboard.press("g");
		await page.keyboard.press("i");
		await page.waitForFunction(() => document.querySelector("#search")
			.value === "");
		await page.keyboard.press("g");
		await page.keyboard.press("c");
		await page.waitForFunction((u) => location.href === u, url);
	},
}, {
	name: "list-figures",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all");
		await rows(page);
		await page.keyboard.press("f");
		await page.waitForSelector(".facet");
		await t.shot("calls");
		await page.click(".facet:has-text('By disposition') " +
			".bar-button:has-text('ANSWERED') >> nth=0");
		await every(page, "disposition", "^ANSWERED$");
		assert.match(page.url(), /disposition/);
		await page.goBack();
		await rows(page);
		await page.hover(".facet:has-text('By disposition') " +
			"li:has-text('BUSY')");
		await page.click(".facet:has-text('By disposition') " +
			"li:has-text('BUSY') .not-button");
		await every(page, "disposition", "^(?!BUSY)");
		// The numbers are those of the list.
		const n = Number((await page.textContent(".facet:has-text(" +
			"'By disposition') li:has-text('FAILED') b"))
			.replace(/\D/g, ""));
		await page.click(".facet:has-text('By disposition') " +
			".bar-button:has-text('FAILED') >> nth=0");
		await every(page, "disposition", "^FAILED$");
		await page.waitForFunction(() => document.querySelector(
			".list-count b") && !document.querySelector(".progress i"));
		assert.ok(Math.abs(Number((await page.textContent(
			".list-count b")).replace(/\D/g, "")) - n) <= 1);
		// A bar of the picture narrows the span.
		await page.mouse.move(0, 0);
		const box = await page.locator(".plot svg").boundingBox();
		await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.9, box.y + 30,
			{ steps: 4 });
		await page.mouse.up();
		await page.waitForFunction(() => /to=\d{4}/.test(location.hash));
		await page.reload();
		await page.waitForSelector(".facets");
	},
}, {
	name: "list-csv",
	async run(t) {
		const { page } = t;
		const to = new Date().toISOString();
		await enter(t, "#/calls?" + new URLSearchParams({ from: "all", to,
			q: "disposition == ANSWERED and talk_s >= 1", sort: "src",
			order: "asc" }));
		await rows(page);
		const [file] = await Promise.all([page.waitForEvent("download"),
			page.click("a:has-text('CSV')")]);
		// What a spreadsheet would make of it is said once.
		await page.waitForSelector(".sheet-note");
		await t.shot("saved");
		await page.click(".sheet-note button");
		await page.waitForSelector(".sheet-note", { state: "detached" });
		await Promise.all([page.waitForEvent("download"),
			page.click("a:has-text('CSV')")]);
		assert.equal(await page.locator(".sheet-note").count(), 0);
		const [head, ...lines] = csvRows(readFileSync(await file.path(),
			"utf8"));
		assert.ok(["at", "src", "dst", "talk_s", "disposition", "code",
			"call_id"].every((c) => head.includes(c)), head.join());
		// Exactly what the list has, in its order.
		const list = await page.evaluate(async (args) => {
			const out = [];
			for (let cursor = ""; ;) {
				const r = await (await fetch("api/v1/calls?" +
					new URLSearchParams({ ...args, limit: 50,
						...(cursor ? { cursor } : {}) }))).json();
				out.push(...r.rows);
				cursor = r.more ? r.cursor : "";
				if (!cursor)
					return out;
			}
		}, { to, sort: "src", order: "asc",
			q: "disposition == ANSWERED and talk_s >= 1" });
		assert.ok(list.length > 2);
		const bare = (v) => String(v ?? "").replace(/^'(?=[=+\-@])/, "");
		for (const column of ["src", "dst", "talk_s", "code", "call_id"])
			assert.deepEqual(lines.map((l) => bare(l[head.indexOf(
				column)])), list.map((r) => bare(r[column])), column);
		assert.deepEqual(lines.map((l) => l[head.indexOf("at")]),
			list.map((r) => r.at.slice(0, 23).replace("T", " ")));
	},
}, {
	name: "list-columns",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all");
		await rows(page);
		await page.click("button[title=Columns]");
		await page.waitForSelector(".chooser");
		await t.shot("chooser");
		await page.click(".chooser label:has-text('Src agent')");
		await page.keyboard.press("Escape");
		await page.waitForSelector(".head :text-is('Src agent')");
		await page.reload();
		await rows(page);
		assert.equal(await page.locator(
			".head :text-is('Src agent')").count(), 1);
		await page.keyboard.press("g");
		await page.keyboard.press("i");
		await page.waitForSelector(".head :text-is('Event')");
		assert.equal(await page.locator(
			".head :text-is('Src agent')").count(), 0);
	},
}, {
	name: "call",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?" + new URLSearchParams({ from: "all",
			q: "disposition == NO_ANSWER" }));
		await rows(page);
		await page.keyboard.press("j");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".row-panel .words");
		const words = await page.textContent(".row-panel .words");
		await t.shot("panel");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".call-top .words");
		await page.waitForSelector(".msg .head", { state: "attached" });
		assert.equal(await page.textContent(".call-top .words"), words);
		assert.match(await page.textContent(".call-top"), /NO_ANSWER/);
		await t.shot("page");
		await page.click(".msg >> nth=0");
		await page.waitForSelector(".detail .headers");
		await page.keyboard.press("Escape");
		await page.keyboard.press("Escape");
		await page.waitForSelector(".tbody .tr");
		assert.match(page.url(), /#\/calls\?/);
	},
}, {
	name: "call-legs", mockOnly: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all&q=not+legs+%3D%3D+%22%22");
		await rows(page);
		await page.click(".tbody .tr >> nth=0");
		await page.waitForSelector(".row-panel .legs li");
		await page.click(".row-panel a:has-text('Ladder')");
		await page.waitForSelector(".call-top .legs li");
		const other = page.locator(
			".call-top .legs button[aria-pressed=false]").first();
		const id = await page.textContent(".call-id");
		await other.click();
		await page.waitForFunction((was) => document.querySelector(
			".call-id") && document.querySelector(".call-id")
			.textContent !== was, id);
		assert.match(page.url(), /leg=/);
		await t.shot("second");
	},
}, {
	name: "accounts",
	async run(t) {
		const { page } = t;
		await enter(t, "#/accounts?from=all");
		await rows(page);
		const now = await page.locator(".tbody .tr").count();
		// Who was on line at a time of day.
		await page.click("button[title='As of']");
		await page.fill(".own-span input", "2001-01-01 10:38");
		await t.shot("as-of");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".empty");
		assert.match(await page.textContent(".empty"),
			/No registrations as of 2001-01-01 10:38/);
		await page.goBack();
		await rows(page);
		await page.click("button[title='As of']");
		await page.click(".presets button:text-is(" +
			"'All in the span above')");
		await page.waitForFunction(() => /at=span/.test(location.hash));
		await rows(page);
		await page.waitForFunction((n) => document.querySelectorAll(
			".tbody .tr").length > n, now);
		// An Id leads to the account's story.
		await page.click(".tbody .tr:first-child .col-id a");
		await page.waitForSelector(".account-page .strip svg .bound");
		assert.match(page.url(), /#\/account\/\d+/);
		for (const title of ["What is the matter", "Calls",
			"Registrations", "Connections and events"])
			assert.equal(await page.locator(
				`.account-page h2:text-is('${title}')`).count(), 1, title);
		await t.shot("story");
		await page.keyboard.press("Escape");
		await rows(page);
	},
}, {
	name: "account-unreachable", mockOnly: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/accounts?from=-6h&q=state+%3D%3D+unreachable");
		await rows(page);
		await page.click(".tbody .col-id a");
		await page.waitForSelector(".matter .note-line.bad");
		assert.match(await page.textContent(".matter"),
			/on line but unreachable/);
		assert.ok(await page.locator(".strip svg .lost").count() === 1);
		assert.ok(await page.locator(".strip .mark-of").count() > 3);
		assert.ok(await page.locator(".strip .call-of").count() > 3);
		await t.shot("story");
		await page.click(".badge-link >> nth=0");
		await page.waitForSelector(".call-top");
	},
}, {
	name: "sessions", both: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/sessions?from=all&q=event+%3D%3D+REGISTER");
		await rows(page);
		await every(page, "event", "^REGISTER");
		const before = await cells(page, "details");
		assert.ok(before.every((d) => /^200/.test(d)), before.join());
		await page.click("label:has-text('Show failures')");
		await page.waitForFunction(() => /failures=1/.test(location.hash));
		await ask(page, "failed");
		await every(page, "details", "^[3-6]\\d\\d|^no ");
		await t.shot("failures");
		// A click on a user: that user's events.
		await ask(page, "");
		await rows(page);
		const link = page.locator(".tbody .col-peername a").first();
		// Under the pointer nothing moves any more.
		await link.hover();
		const name = await link.textContent();
		await link.click();
		await page.waitForFunction(() => /peername/.test(location.hash));
		await page.waitForFunction((n) => [...document.querySelectorAll(
			".tbody .col-peername .cut")].every((e) => e.textContent.split(
			", ").includes(n)), name);
		await t.shot("user");
		// Events of several accounts show for each of them.
		if (!t.real) {
			await ask(page, "peername == 904");
			await every(page, "peername", "904");
			assert.match((await cells(page, "peername"))[0],
				/sara, ?904, ?910/);
		}
	},
}, {
	name: "list-live", arrives: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=-1h");
		await rows(page);
		const first = () => page.textContent(".tbody [aria-rowindex='2'] " +
			".col-at");
		const counted = () => page.waitForSelector(".arrived .pill",
			{ timeout: 30_000 });
		const changed = (was) => page.waitForFunction((w) => document
			.querySelector(".tbody [aria-rowindex='2'] .col-at")
			.textContent !== w, was, { timeout: 30_000 });
		const over = ".tbody [aria-rowindex='4'] .col-at";
		let before = await first();
		await page.hover(over);
		t.arrive();
		await counted();
		assert.equal(await first(), before, "rows jumped");
		await t.shot("counter");
		await page.keyboard.press("n");
		await changed(before);
		// Nobody reads it: it fills by itself, what was counted, too.
		await page.hover(over);
		before = await first();
		t.arrive();
		await counted();
		await page.mouse.move(2, 2);
		await changed(before);
		await page.waitForSelector(".arrived .pill",
			{ state: "detached" });
		before = await first();
		t.arrive();
		await changed(before);
		await t.shot("flowed");
		// Neither under the cursor of the keyboard; Escape lets go of it.
		await page.keyboard.press("j");
		before = await first();
		t.arrive();
		await counted();
		assert.equal(await first(), before, "rows jumped");
		await page.keyboard.press("Escape");
		await changed(before);
		assert.equal(await page.locator(".tr.current").count(), 0);
		// Nor where it was scrolled to.
		await page.evaluate(() => document.querySelector(".table")
			.scrollTo({ top: 56 }));
		before = await page.textContent(".tbody [aria-rowindex='6'] " +
			".col-at");
		t.arrive();
		await counted();
		assert.equal(await page.textContent(
			".tbody [aria-rowindex='6'] .col-at"), before);
		await page.evaluate(() => document.querySelector(".table")
			.scrollTo({ top: 0 }));
		await page.waitForSelector(".arrived .pill",
			{ state: "detached" });
		// What is past takes nothing new.
		await page.keyboard.press("[");
		await page.waitForSelector(".live[disabled]");
	},
}, {
	name: "list-touch", mockOnly: true,
	browser: { ...narrow, touch: true },
	async run(t) {
		// A finger gives no sign before it lands: nothing moves under it.
		const { page } = t;
		await enter(t, "#/calls?from=-1h");
		await rows(page);
		const first = () => page.textContent(".tbody .col-at >> nth=0");
		const before = await first();
		await page.waitForSelector(".arrived .pill", { timeout: 30_000 });
		assert.equal(await first(), before, "rows jumped");
		await page.tap(".arrived .pill");
		// What came may be of the same second as what was first.
		await page.waitForFunction((was) => document.querySelector(
			".tbody .col-at").textContent !== was ||
			!document.querySelector(".arrived .pill"), before);
	},
}, {
	name: "list-update", mockOnly: true,
	async run(t) {
		// A call that ends changes where it stands.
		const { page } = t;
		await enter(t, "#/calls?from=-1h");
		await rows(page);
		await page.waitForFunction(() => {
			const on = [...document.querySelectorAll(".tbody .tr")].find(
				(e) => /IN_PROGRESS/.test(e.textContent));
			if (on && !window.kept)
				window.kept = on;
			return window.kept?.isConnected && !/IN_PROGRESS/.test(
				window.kept.textContent);
		}, undefined, { timeout: 50_000 });
	},
}, {
	name: "list-scrolling", mockOnly: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/sessions?from=all&failures=1");
		await rows(page);
		const state = await scroll(page, 6);
		assert.ok(state.drawn < 120, `${state.drawn} rows drawn`);
		assert.ok(state.held > 150, `${state.held} rows read`);
		await page.waitForSelector(".table-foot:has-text('That is all')");
	},
}, {
	name: "web-sessions", both: true,
	async run(t) {
		const { page } = t;
		await page.goto(t.url);
		await page.fill("input[name=name]", t.user.name);
		await page.fill("input[name=password]", "not this one either");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".wrong:not(:empty)");
		await page.fill("input[name=password]", t.user.password);
		await page.keyboard.press("Enter");
		await page.waitForSelector(".shell");
		await page.keyboard.press("g");
		await page.keyboard.press("w");
		await rows(page);
		assert.deepEqual(await titles(page), ["Date Created", "Event Type",
			"Principal", "IP Address"]);
		const events = await cells(page, "event");
		// Newest first; the pair of a log-in by hand is one moment.
		assert.deepEqual(new Set(events.slice(0, 2)), new Set(["SUCCESS",
			"SUCCESS_INTERACTIVE"]));
		assert.ok(events.includes("FAIL_BAD_CREDENTIALS"));
		await t.shot("list");
		await ask(page, "event == FAIL_BAD_CREDENTIALS");
		await every(page, "event", "^FAIL_BAD_CREDENTIALS$");
		// Its figures, and a bar of them filters; so does its picture.
		await ask(page, "");
		await rows(page);
		await page.click("button:has-text('Figures')");
		await page.click(".facet:has-text('Events') .bar-button:has(" +
			".cut:text-is('SUCCESS_INTERACTIVE'))");
		await every(page, "event", "^SUCCESS_INTERACTIVE$");
		await t.shot("figures");
		await page.click("button:has-text('Figures')");
		if (!t.real) {
			await ask(page, "");
			await rows(page);
			await page.goto(t.url + "#/web-sessions?from=all&" +
				"q=principal+has+script");
			await every(page, "principal",
				"^<script>alert\\(1\\)</script>$");
			assert.equal(await page.locator("#app script").count(), 0);
		}
	},
}, {
	name: "roles", allow: /status of 40[03]/,
	async run(t) {
		const { page } = t;
		await enterAs(t, "viewer", "#/calls?from=all");
		await rows(page);
		assert.equal(await page.locator(".menu-item:has-text('Audit')")
			.count(), 0);
		// Neither by the keyboard nor by the address.
		await page.keyboard.press("g");
		await page.keyboard.press("d");
		await page.waitForTimeout(200);
		assert.match(page.url(), /#\/calls/);
		await page.goto(t.url + "#/audit");
		await page.waitForFunction(() => /#\/search/.test(location.hash));
		await rows(page);
		assert.equal(await page.locator("a:has-text('Trace'):not(" +
			".menu-item)").count(), 0);
		await page.goto(t.url + "#/people");
		await page.waitForSelector("#tokens-title");
		assert.equal(await page.locator("#users-title").count(), 0);
		await t.shot("people");
		// The server refuses what the page does not offer.
		const answers = await page.evaluate(async () => {
			const post = (path, body) => fetch("api/v1/" + path, {
				method: "POST", headers: { "X-Earshot": "1" },
				body: JSON.stringify(body) }).then((r) => r.status);
			return [await post("traces", { rule: "malformed" }),
				await post("users", { name: "x", role: "admin" }),
				await post("tokens", { name: "x", role: "admin" }),
				(await fetch("api/v1/audit")).status];
		});
		assert.deepEqual(answers.map((a) => a === 400 ? 403 : a),
			[403, 403, 403, 403]);
		await page.click(".who button");
		await page.waitForSelector("input[name=name]");
		await enterAs(t, "operator", "#/audit?from=all");
		await rows(page);
		assert.equal(await page.locator(".menu-item:has-text('Audit')")
			.count(), 1);
		await t.shot("audit");
	},
}, {
	name: "people", both: true, server: [], allow: /status of 4/,
	async run(t) {
		const { page } = t;
		// Whose password may change.
		await enterAs(t, t.real ? "chief" : t.user.name, "#/people");
		const user = (name) => "[aria-labelledby=users-title] " +
			`tr:has(td:first-child:has-text('${name}'))`;
		await page.waitForSelector(user("viewer"));
		await t.shot("page");
		if (!t.real) {
			assert.match(await page.textContent(user("viewer")), /until/);
			await page.click(user("viewer") + " button:text-is('Unlock')");
			await page.waitForSelector("button:text-is('Unlock')",
				{ state: "detached" });
		}
		// A user gets a made-up password, shown once.
		await page.click("button:has-text('Add a user')");
		await page.fill("dialog input[name=name]", "sara");
		await page.selectOption("dialog select[name=role]", "operator");
		await t.shot("add");
		await page.click("dialog button:text-is('Add')");
		await page.waitForSelector(".secret code");
		await t.shot("secret");
		assert.match(await page.textContent(".secret code"), /\S{8,}/);
		await page.click("dialog button:text-is('It is kept')");
		await page.waitForSelector(user("sara"));
		await page.selectOption(user("sara") + " select", "viewer");
		await page.waitForFunction(() => [...document.querySelectorAll(
			"tr")].find((e) => /sara/.test(e.textContent))
			.querySelector("select").value === "viewer");
		await page.click(user("sara") + " button:text-is('Remove')");
		await page.click("dialog[open] .button.danger");
		await page.waitForSelector(user("sara"), { state: "detached" });
		// A token.
		await page.click("button:has-text('Make a token')");
		await page.fill("dialog input[name=name]", "wallboard");
		await page.check("dialog input[value=read]");
		await page.selectOption("dialog select[name=expires]", "30d");
		await t.shot("token");
		assert.deepEqual(await serious(page), []);
		await page.click("dialog button:text-is('Make it')");
		await page.waitForSelector(".secret code");
		assert.match(await page.textContent(".secret code"), /^ear_/);
		await page.click("dialog button:text-is('It is kept')");
		await page.waitForSelector("tr:has-text('wallboard')");
		await page.click("tr:has-text('wallboard') " +
			"button:text-is('Revoke')");
		await page.click("dialog[open] .button.danger");
		await page.waitForSelector(
			"tr:has-text('wallboard'):has-text('revoked')");
		// The own password.
		await page.fill("input[name=old]", "wrong");
		await page.fill("input[name=new]", "long enough now");
		await page.fill("input[name=again]", "long enough, no");
		await page.click("button:text-is('Change password')");
		assert.match(await page.textContent(".people-page .wrong"),
			/not the same/);
		await page.fill("input[name=again]", "long enough now");
		await page.click("button:text-is('Change password')");
		await page.waitForSelector(".people-page .wrong:has-text('wrong')");
		await page.fill("input[name=old]", t.user.password);
		await page.click("button:text-is('Change password')");
		await page.waitForSelector(".good-text:has-text('Changed')");
	},
}, {
	name: "list-hostile",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all&q=src+%3D%3D+mallory");
		await rows(page);
		await page.keyboard.press("j");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".row-panel .facts");
		assert.match(await page.textContent(".row-panel"),
			/<script>alert\(1\)<\/script>/);
		await t.shot("name");
		assert.equal(await page.locator("#app script").count(), 0);
	},
}, {
	name: "list-log-in-ended", mockOnly: true, server: [],
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all&q=disposition+%3D%3D+BUSY");
		await rows(page);
		await page.evaluate(() => fetch("api/v1/expire"));
		await page.keyboard.press("r");
		await page.waitForSelector("dialog .login-form");
		assert.ok(await page.locator(".tbody .tr").count() > 3,
			"the rows are gone");
		await t.shot("asked");
		await page.fill("dialog input[name=password]", t.user.password);
		await page.keyboard.press("Enter");
		await page.waitForSelector("dialog", { state: "detached" });
		await page.waitForFunction(() => !document.querySelector(
			".progress i"));
		await every(page, "disposition", "^BUSY$");
	},
}, {
	name: "list-away", mockOnly: true, server: [],
	allow: /ERR_CONNECTION|ERR_EMPTY/,
	async run(t) {
		const { page } = t;
		await enter(t, "#/accounts?from=all");
		await rows(page);
		t.stopServer();
		await page.keyboard.press("r");
		await page.waitForSelector(".note-line.bad");
		assert.ok(await page.locator(".tbody .tr").count() > 3,
			"the rows are gone");
		await t.shot("away");
	},
}, {
	name: "list-slow", mockOnly: true, server: ["--slow", "1200"],
	async run(t) {
		const { page } = t;
		await page.goto(t.url + "#/calls?from=all");
		await page.waitForSelector("input[name=name]");
		await page.fill("input[name=name]", t.user.name);
		await page.fill("input[name=password]", t.user.password);
		await page.keyboard.press("Enter");
		await page.waitForSelector(".progress[role=progressbar]");
		await t.shot("reading");
		await rows(page);
		// Another question in between: only its answer is shown.
		await ask(page, "disposition == BUSY");
		await ask(page, "disposition == FAILED");
		await every(page, "disposition", "^FAILED$");
		await page.waitForTimeout(1500);
		await every(page, "disposition", "^FAILED$");
	},
}, {
	name: "list-partial", mockOnly: true,
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?" + new URLSearchParams({ from: "all",
			q: "not src == \"gap-demo\"" }));
		await page.waitForSelector(".note-line.warn");
		assert.match(await page.textContent(".note-line.warn"),
			/not complete.*40 % of the span/);
	},
}, {
	name: "list-empty", mockOnly: true, server: ["--empty"],
	async run(t) {
		const { page } = t;
		await page.goto(t.url + "#/calls");
		await page.fill("input[name=name]", t.user.name);
		await page.fill("input[name=password]", t.user.password);
		await page.keyboard.press("Enter");
		await page.waitForSelector(".recipe");
		assert.match(await page.textContent(".recipe"),
			/sip:127\.0\.0\.1:9060/);
		await t.shot("calls");
		await page.goto(t.url + "#/audit");
		await page.waitForSelector(".empty .how");
		await t.shot("audit");
	},
}, {
	name: "list-nothing",
	async run(t) {
		const { page } = t;
		await enter(t, "#/sessions?from=all&q=peername+%3D%3D+nobody");
		await page.waitForSelector(".empty");
		assert.match(await page.textContent(".empty"), /Nothing matches/);
		await page.click("button:text-is('Without the filter')");
		await rows(page);
	},
}, {
	name: "two-tabs",
	async run(t) {
		const { page } = t;
		await enter(t, "#/calls?from=all");
		await rows(page);
		const other = await t.context.newPage();
		await other.goto(t.url + "#/sessions?from=all");
		await other.waitForSelector(".tbody .tr");
		// One logs out: the other is told when it asks next.
		await other.click(".who button");
		await other.waitForSelector("input[name=name]");
		await page.bringToFront();
		await page.keyboard.press("r");
		await page.waitForSelector("dialog .login-form");
		await page.fill("dialog input[name=password]", t.user.password);
		await page.keyboard.press("Enter");
		await page.waitForSelector("dialog", { state: "detached" });
		await rows(page);
		await other.close();
	},
}, {
	name: "list-narrow", both: true, browser: narrow,
	async run(t) {
		const { page } = t;
		await enter(t, "#/sessions?from=all");
		for (const list of [...LISTS, "web-sessions"]) {
			await page.goto(t.url + `#/${list}?from=all`);
			await rows(page).catch((e) => {
				// Without a connection there is no row of one.
				if (list !== "connections" || !t.real)
					throw e;
			});
			await fits(page);
			await t.shot(list);
		}
		await page.goto(t.url + "#/calls?from=all");
		await rows(page);
		await page.click("button[title^='Figures']");
		await page.waitForSelector(".facet");
		await fits(page);
		await t.shot("figures");
		await page.click(".facet .bar-button >> nth=0");
		await page.waitForSelector(".facets", { state: "detached" });
		await rows(page);
		await page.click(".tbody .tr:first-child .col-disposition");
		await page.waitForSelector(".row-panel .facts");
		await fits(page);
		await t.shot("panel");
		await page.click(".row-panel a:has-text('Ladder')");
		await page.waitForSelector(".msg .head", { state: "attached" });
		await fits(page);
		await t.shot("call");
		await page.goto(t.url + "#/accounts?from=all&at=span");
		await rows(page);
		await page.click(".tbody .tr:first-child .col-state");
		await page.click(".row-panel a:has-text('Account')");
		await page.waitForSelector(".account-page .strip svg");
		await fits(page);
		await t.shot("account");
		await page.goto(t.url + "#/people");
		await page.waitForSelector("#tokens-title");
		await fits(page);
		await t.shot("people");
	},
}, ...[false, true].map((dark) => ({
	name: "list-accessible-" + (dark ? "dark" : "light"),
	browser: { dark },
	async run(t) {
		const { page } = t;
		const bad = [];
		const see = async (where) => {
			await t.shot(where);
			for (const v of await serious(page))
				bad.push(`${where}: ${v}`);
		};
		await enter(t, "#/sessions?from=all&failures=1");
		for (const list of ["sessions", "accounts", "calls",
			"web-sessions", "audit"]) {
			await enter2(t, `#/${list}?from=all`);
			await page.waitForTimeout(300);
			await see(list);
		}
		await enter2(t, "#/calls?from=all");
		await page.keyboard.press("f");
		await page.waitForSelector(".facet");
		await see("figures");
		await page.keyboard.press("j");
		await page.keyboard.press("Enter");
		await page.waitForSelector(".row-panel .words");
		await see("panel");
		await page.click("[aria-label='Search help']");
		await see("help");
		await page.keyboard.press("Escape");
		await page.click(".row-panel a:has-text('Ladder')");
		await page.waitForSelector(".msg .head", { state: "attached" });
		await see("call");
		await enter2(t, "#/accounts?from=all&at=span");
		await page.click("button[title='As of']");
		await see("as-of");
		await page.keyboard.press("Escape");
		await page.click(".tbody .tr:first-child .col-id a");
		await page.waitForSelector(".strip svg");
		await see("account");
		await page.goto(t.url + "#/people");
		await page.waitForSelector("#tokens-title");
		await page.waitForTimeout(200);
		await see("people");
		assert.deepEqual(bad, []);
	},
}))];
