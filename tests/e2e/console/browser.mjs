// SPDX-License-Identifier: Apache-2.0
// A Chromium for the console's tests: for each case cookies and storage of its
// own, nothing but loopback, and an ear for every error the page logs.
import { createRequire } from "node:module";

// The tests live beside the C tests, their libraries with the console.
export const require = createRequire(new URL(
	"../../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const CHROMIUM = process.env.EARSHOT_CHROMIUM ?? "/usr/bin/chromium";

// One for all cases: its start takes longer than most of them.
let browser = null;

async function started() {
	if (!browser?.isConnected())
		browser = await chromium.launch({
			executablePath: CHROMIUM, headless: true,
			args: ["--headless", "--no-sandbox", "--disable-gpu",
				"--disable-quic", "--no-first-run",
				"--disable-background-networking",
				"--disable-component-update", "--disable-sync"],
		});
	return browser;
}

export async function quit() {
	await browser?.close();
}

export async function open({ width = 1280, height = 800, dark = false,
	touch = false, timezone = "Europe/Berlin" } = {}) {
	const context = await (await started()).newContext({
		viewport: { width, height }, acceptDownloads: true,
		colorScheme: dark ? "dark" : "light", timezoneId: timezone,
		hasTouch: touch, isMobile: touch,
		reducedMotion: "reduce",
	});
	const page = await context.newPage();
	const problems = [];
	const foreign = [];
	page.on("console", (m) => {
		const words = m.text() + m.location().url;

		// Its own asking for the icon, as a page goes, is not the page's.
		if (/favicon/.test(words) && /CORS policy|ERR_FAILED/.test(words))
			return;
		if (m.type() === "error" || /Content Security Policy/i.test(
			m.text()))
			problems.push(m.text());
	});
	page.on("pageerror", (e) => problems.push(String(e)));
	page.on("dialog", (d) => {
		problems.push("a dialog opened: " + d.message());
		d.dismiss();
	});
	page.on("request", (r) => {
		const url = new URL(r.url());
		if (!/^(127\.0\.0\.1|localhost)$/.test(url.hostname) &&
			!/^(data|blob):$/.test(url.protocol))
			foreign.push(r.url());
	});
	return {
		page, context, problems, foreign,
		close: () => context.close(),
	};
}
