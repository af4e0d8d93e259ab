// SPDX-License-Identifier: Apache-2.0
// Bundles src/ into dist/: index.html, app.js, app.css, favicon.svg. Names
// carry no hash; the server answers with an ETag of the content instead.
import { build, context } from "esbuild";
import { cp, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import path from "node:path";

// What the whole page may weigh on the wire.
const MOST_BYTES = 200_000;

const here = path.dirname(fileURLToPath(import.meta.url));
const outArg = process.argv.indexOf("--out");
const out = outArg > 0 ? path.resolve(process.argv[outArg + 1]) :
	path.join(here, "dist");
const watch = process.argv.includes("--watch");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
for (const name of ["index.html", "favicon.svg"])
	await cp(path.join(here, name), path.join(out, name));

const options = {
	entryPoints: {
		app: path.join(here, "src/main.tsx"),
		style: path.join(here, "src/css/app.css"),
	},
	entryNames: "[name]",
	outdir: out,
	bundle: true,
	minify: !watch,
	format: "iife",
	target: ["chrome100", "firefox100", "safari15"],
	jsx: "automatic",
	jsxImportSource: "preact",
	legalComments: "none",
	charset: "utf8",
	logLevel: "warning",
};
options.entryPoints = [
	{ in: options.entryPoints.app, out: "app" },
	{ in: options.entryPoints.style, out: "app" },
];

if (watch) {
	const ctx = await context(options);
	await ctx.watch();
	console.log(`watching; ${out}`);
} else {
	await build(options);
	let all = 0;
	for (const name of (await readdir(out)).sort()) {
		const n = gzipSync(await readFile(path.join(out, name)),
			{ level: 9 }).length;
		all += n;
		console.log(`${name.padEnd(12)} ${n} bytes compressed`);
	}
	if (all > MOST_BYTES) {
		console.error(`${all} bytes compressed: more than ${MOST_BYTES}`);
		process.exit(1);
	}
}
