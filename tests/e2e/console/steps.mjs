// SPDX-License-Identifier: Apache-2.0
// Steps that many cases take.
import { readFileSync } from "node:fs";
import { require } from "./browser.mjs";

const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"),
	"utf8");

export async function enter(t, hash = "") {
	await t.page.goto(t.url + hash);
	await t.page.fill("input[name=name]", t.user.name);
	await t.page.fill("input[name=password]", t.user.password);
	await t.page.keyboard.press("Enter");
	await t.page.waitForSelector(".shell");
	if (!hash || hash.includes("search"))
		await rows(t.page);
}

/** Another view of somebody who is logged in. */
export async function enter2(t, hash) {
	await t.page.goto("about:blank");
	await t.page.goto(t.url + hash);
	await rows(t.page);
}

export function rows(page) {
	return page.waitForSelector(".tbody .tr");
}

/** To the end of the table, again and again: what is drawn, what is read. */
export async function scroll(page, times) {
	for (let i = 0; i < times; i++) {
		await page.evaluate(() => {
			const el = document.querySelector(".table");
			el.scrollTop = el.scrollHeight;
		});
		await page.waitForTimeout(150);
	}
	return page.evaluate(() => ({
		drawn: document.querySelectorAll(".tbody .tr").length,
		held: Number(document.querySelector(".table").getAttribute(
			"aria-rowcount")),
	}));
}

export async function ask(page, q) {
	await page.keyboard.press("/");
	await page.fill("#search", q);
	await page.keyboard.press("Escape");
	await page.focus("#search");
	await page.keyboard.press("Enter");
}

/** What axe-core finds that is serious or worse. */
export async function serious(page) {
	await page.evaluate(axeSource);
	const found = await page.evaluate(() => window.axe.run(document, {
		resultTypes: ["violations"],
	}));
	return found.violations.filter((v) => ["serious", "critical"].includes(
		v.impact)).map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) =>
		n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join("; ")}`);
}

/** A phone. */
export const narrow = { width: 390, height: 844 };
