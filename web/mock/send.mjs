// SPDX-License-Identifier: Apache-2.0
// Sends the stand-in's traffic as HEP 3 over UDP to a running Earshot, to try
// the console with the real server.
//
//     node mock/send.mjs [HOST:PORT] [--live | --few]
import { createSocket } from "node:dgram";
import { makeTraffic } from "./traffic.mjs";

const [host, port] = (process.argv[2] ?? "127.0.0.1:9060").split(":");
const live = process.argv.includes("--live");
const PROTO = { udp: 17, tcp: 6, tls: 22 };
// So many at once do not overrun a socket's buffer.
const BATCH = 50;
const PAUSE_MS = 5;

function chunk(type, value) {
	const head = Buffer.alloc(6);
	head.writeUInt16BE(type, 2);
	head.writeUInt16BE(6 + value.length, 4);
	return Buffer.concat([head, value]);
}

const u8 = (n) => Buffer.from([n]);
const u16 = (n) => Buffer.from([n >> 8, n & 255]);
function u32(n) {
	const b = Buffer.alloc(4);
	b.writeUInt32BE(n);
	return b;
}
const ip = (a) => Buffer.from(a.split(":")[0].split(".").map(Number));
const portOf = (a) => Number(a.split(":")[1]);

function hep(m) {
	const body = Buffer.concat([chunk(1, u8(2)),
		chunk(2, u8(PROTO[m.transport])), chunk(3, ip(m.src)),
		chunk(4, ip(m.dst)), chunk(7, u16(portOf(m.src))),
		chunk(8, u16(portOf(m.dst))), chunk(9, u32(Math.floor(m.ms / 1000))),
		chunk(10, u32(m.ms % 1000 * 1000)), chunk(11, u8(m.proto === "log" ? 100 : 1)),
		chunk(12, u32(m.capture_id)), chunk(17, Buffer.from(m.call_id)),
		chunk(19, Buffer.from(m.node)), chunk(15, Buffer.from(m.raw))]);
	const head = Buffer.from("HEP3\0\0");
	head.writeUInt16BE(6 + body.length, 4);
	return Buffer.concat([head, body]);
}

const socket = createSocket("udp4");
const wait = (ms) => new Promise((go) => setTimeout(go, ms));
let sent = 0;
async function send(list) {
	for (const m of list) {
		if (Buffer.byteLength(m.raw) > 65000)
			continue;
		socket.send(hep(m), Number(port), host);
		if (++sent % BATCH === 0)
			await wait(PAUSE_MS);
	}
}

/** Some conversations that nobody has seen yet, as if they were now. */
function few() {
	const past = makeTraffic(Date.now(), Date.now()).past();
	const calls = new Set(past.filter((m) => m.method === "INVITE")
		.slice(-30).map((m) => m.call_id));
	return past.filter((m) => calls.has(m.call_id)).map((m) => (
		{ ...m, ms: Date.now() }));
}

const traffic = makeTraffic(Date.now());
await send(process.argv.includes("--few") ? few() : traffic.past());
console.log(`${sent} sent`);
while (live) {
	await wait(700);
	await send(traffic.next(Date.now()));
}
await wait(200);
socket.close();
