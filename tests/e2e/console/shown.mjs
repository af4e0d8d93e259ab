// SPDX-License-Identifier: Apache-2.0
// The four pages of the main menu left open while traffic comes: for each line
// on standard input a picture of each, how many rows they have and what they
// say, as a line of JSON; nobody touches them. The first log-in, with the
// one-time password, is part of it.
// EARSHOT_URL, EARSHOT_PASSWORD, EARSHOT_SHOTS as of the other scripts here.
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { open, quit } from "./browser.mjs";

const PAGES = ["sessions", "accounts", "web-sessions", "calls"];
const { EARSHOT_URL: url, EARSHOT_PASSWORD: once,
	EARSHOT_SHOTS: shots } = process.env;
mkdirSync(shots, { recursive: true });

async function first(page) {
	await page.goto(url);
	await page.fill("input[name=name]", "admin");
	await page.fill("input[name=password]", once);
	await page.keyboard.press("Enter");
	await page.waitForSelector("input[name=new]");
	await page.fill("input[name=new]", "long enough now");
	await page.fill("input[name=again]", "long enough now");
	await page.keyboard.press("Enter");
	await page.waitForSelector(".shell");
}

const { page, context, problems } = await open();
await first(page);
const tabs = {};
for (const name of PAGES) {
	tabs[name] = await context.newPage();
	tabs[name].on("pageerror", (e) => problems.push(String(e)));
	await tabs[name].goto(`${url}#/${name}`);
	await tabs[name].waitForSelector(".table");
}
console.log(JSON.stringify({ ready: true }));
for await (const moment of createInterface({ input: process.stdin })) {
	// Who is not logged in yet is answered 401.
	const told = { problems: problems.filter((p) => !/ 401 /.test(p)) };
	for (const name of PAGES) {
		const tab = tabs[name];
		await tab.bringToFront();
		await tab.waitForTimeout(3000);
		await tab.screenshot({ path: `${shots}/${moment}-${name}.png` });
		told[name] = Number(await tab.getAttribute(".table",
			"aria-rowcount"));
		told[`${name} text`] = await tab.textContent(".tbody")
			.catch(() => "");
	}
	console.log(JSON.stringify(told));
}
await quit();
