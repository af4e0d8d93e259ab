// SPDX-License-Identifier: Apache-2.0
// A Chromium for the console's tests: own profile, nothing but loopback, and
// an ear for every error the page logs.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

// The tests live beside the C tests, their libraries with the console.
export const require = createRequire(new URL(
	"../../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const CHROMIUM = process.env.EARSHOT_CHROMIUM ?? "/usr/bin/chromium";

export async function open({ width = 1280, height = 800, dark = false,
	timezone = "Europe/Berlin" } = {}) {
	const profile = mkdtempSync(path.join(tmpdir(), "earshot-e2e-"));
	const context = await chromium.launchPersistentContext(profile, {
		executablePath: CHROMIUM, headless: true,
		args: ["--headless", "--no-sandbox", "--disable-gpu",
			"--disable-quic", "--no-first-run",
			"--disable-background-networking",
			"--disable-component-update", "--disable-sync"],
		viewport: { width, height }, acceptDownloads: true,
		colorScheme: dark ? "dark" : "light", timezoneId: timezone,
		reducedMotion: "reduce",
	});
	const page = context.pages()[0] ?? await context.newPage();
	const problems = [];
	const foreign = [];
	page.on("console", (m) => {
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
		async close() {
			await context.close();
			rmSync(profile, { recursive: true, force: true });
		},
	};
}
