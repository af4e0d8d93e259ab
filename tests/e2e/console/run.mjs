// SPDX-License-Identifier: Apache-2.0
// The console in Chromium, TAP on stdout.
//
//     node tests/e2e/console/run.mjs [NAME…]
//
// EARSHOT_URL, EARSHOT_USER, EARSHOT_PASSWORD: a server with messages in it;
// without them the stand-in of web/mock is started, and more can be tried.
// EARSHOT_REST: only what a walk with a real server leaves out.
// EARSHOT_HEP: host:port of its HEP tap over UDP, to send something there.
// EARSHOT_SHOTS: a directory for screenshots.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const web = path.join(here, "../../../web");
const CASE_MS = 60_000;

/** EARSHOT_STRICT: what a test needs has to be there. */
function skip(words) {
	if (process.env.EARSHOT_STRICT) {
		console.log(`TAP version 13\n1..1\nnot ok 1 - runs\n# ${words}`);
		process.exit(1);
	}
	console.log(`TAP version 13\n1..0 # SKIP ${words}`);
	process.exit(0);
}
if (!existsSync(path.join(web, "node_modules/playwright-core")))
	skip("playwright-core is not installed: npm ci in web/");
const { CHROMIUM, open, quit } = await import("./browser.mjs");
if (!existsSync(CHROMIUM))
	skip(`there is no ${CHROMIUM}: EARSHOT_CHROMIUM says where`);
const { pageCases } = await import("./cases.mjs");
const { listCases } = await import("./lists.mjs");
const cases = [...pageCases, ...listCases];

// The page as it is now, whatever was built before.
const dist = mkdtempSync(path.join(tmpdir(), "earshot-dist-"));
process.on("exit", () => rmSync(dist, { recursive: true, force: true }));

/** Starts the stand-in; resolves to {url, stop}. */
async function mock(...args) {
	const child = spawn(process.execPath, [path.join(web,
		"mock/server.mjs"), "--port", "0", "--dist", dist, ...args],
	{ stdio: ["ignore", "pipe", "inherit"] });
	const [line] = await once(child.stdout, "data");
	return {
		url: String(line).trim(), stop: () => {
			child.kill();
		},
	};
}

/** Lets messages arrive at a real server; the stand-in has its own. */
function arrive() {
	const hep = process.env.EARSHOT_HEP;
	if (real && hep)
		spawn(process.execPath, [path.join(web, "mock/send.mjs"), hep,
			"--few"]);
}

const shots = process.env.EARSHOT_SHOTS;
if (shots)
	mkdirSync(shots, { recursive: true });
const real = process.env.EARSHOT_URL;
if (!real)
	execFileSync(process.execPath, [path.join(web, "build.mjs"), "--out",
		dist]);
const server = real ? { url: real, stop: () => undefined } : await mock();
const user = {
	name: process.env.EARSHOT_USER ?? "admin",
	password: process.env.EARSHOT_PASSWORD ?? "correct-horse-battery",
};
const wanted = process.argv.slice(2);
let failed = 0;
let n = 0;
const rest = !!process.env.EARSHOT_REST;
const list = cases.filter((c) => wanted.length ? wanted.includes(c.name) :
	!rest || c.mockOnly || c.both);
console.log(`TAP version 13\n1..${list.length}`);
// behind the version: Meson wants that on the first line
if (shots)
	console.log(`# screenshots: ${shots}`);
for (const c of list) {
	n++;
	const missing = real && (c.mockOnly ? "the stand-in" : c.arrives &&
		!process.env.EARSHOT_HEP ? "EARSHOT_HEP" : "");
	if (missing) {
		console.log(`ok ${n} - ${c.name} # SKIP needs ${missing}`);
		continue;
	}
	const own = c.server && !real ? await mock(...c.server) : null;
	const b = await open(c.browser);
	const at = Date.now();
	try {
		const t = {
			...b, url: own?.url ?? server.url, user,
			real: !!real, arrive, stopServer: own?.stop,
			shot: async (name) => shots && b.page.screenshot({
				path: path.join(shots, `${c.name}-${name}.png`),
			}),
		};
		let timer;
		await Promise.race([c.run(t), new Promise((_, no) => {
			timer = setTimeout(() => no(new Error("took too long")),
				CASE_MS);
		})]);
		clearTimeout(timer);
		// Refusals are logged by the browser itself and are meant.
		const bad = b.problems.filter((p) => !(c.allow ?? /a^/).test(p) &&
			!/status of 401/.test(p));
		if (bad.length)
			throw new Error("the page logged: " + bad.join(" | "));
		if (b.foreign.length)
			throw new Error("asked other hosts: " + b.foreign);
		console.log(`ok ${n} - ${c.name} # ${Date.now() - at} ms`);
	} catch (e) {
		failed++;
		console.log(`not ok ${n} - ${c.name}\n  ---\n  ` +
			String(e.stack ?? e).split("\n").slice(0, 8).join("\n  ") +
			"\n  ...");
		if (shots)
			await b.page.screenshot({
				path: path.join(shots, `FAILED-${c.name}.png`),
			}).catch(() => undefined);
	}
	await b.close();
	own?.stop();
}
server.stop();
await quit();
process.exit(failed ? 1 : 0);
