// SPDX-License-Identifier: Apache-2.0
// Invented SIP for the stand-in server: registrations, calls that end in
// different ways, retransmissions, broken and hostile messages.

const PHONES = [
	["sara", "Sara Lindt", "snom D785/10.1.175.16", "93.57.41.37:28224"],
	["600", "Reception", "Yealink SIP-T54W 96.86.0.70", "10.0.3.21:5060"],
	["karim", "Karim Ünal", "Linphone-Desktop/5.2.4", "198.51.100.7:41822"],
	["+493012345", "", "Grandstream GXP2170 1.0.11.64", "10.0.3.44:5060"],
	["lea", "Léa Martin", "Bria 6/6.7.2", "203.0.113.90:50311"],
	["909", "", "PolyEdge-E450/8.1", "10.0.3.60:5060"],
];
const PROXY = "10.0.0.10:5060";
const PBX = "10.0.0.20:5080";
const TRUNK = "192.0.2.60:5060";
const DOMAIN = "voip.example.org";

function randoms(seed) {
	let s = seed >>> 0;
	return () => {
		s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
		return s / 4294967296;
	};
}

/** The same from the same seed, Call-IDs and all. */
export function makeTraffic(now, seed = 20261122) {
	const rnd = randoms(seed);
	const pick = (list) => list[Math.floor(rnd() * list.length)];
	const hex = (n) => Array.from({ length: n }, () =>
		Math.floor(rnd() * 16).toString(16)).join("");
	let out = [];

	function put(ms, src, dst, raw, transport = "udp", findings = []) {
		const [head, ...rest] = raw.split("\r\n\r\n");
		const lines = head.split("\r\n");
		const h = (name) => lines.find((l) => l.toLowerCase().startsWith(
			name.toLowerCase() + ":"))?.slice(name.length + 1).trim() ?? "";
		const uri = (v) => /<([^>]*)>/.exec(v)?.[1] ?? v.split(";")[0];
		const user = (v) => /sips?:([^@>;]+)@/.exec(v)?.[1] ?? "";
		const tag = (v) => /;tag=([^;]+)/.exec(v)?.[1] ?? "";
		const reply = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(lines[0]);
		const micros = String(Math.floor(rnd() * 1000)).padStart(3, "0");
		const stamp = new Date(ms).toISOString().replace("Z", micros + "Z");
		out.push({
			n: 0, ms, id: "", at: stamp, seen: stamp,
			tap: "hep/udp:127.0.0.1:9060", agent: "10.0.0.10",
			node: "proxy-1", capture_id: 2001, correlation: h("Call-ID"),
			proto: "sip", transport, direction: "in", src, dst,
			kind: reply ? "reply" : "request",
			method: reply ? h("CSeq").split(" ")[1] ?? "" :
				lines[0].split(" ")[0],
			status: reply ? +reply[1] : 0, reason: reply ? reply[2] : "",
			ruri: reply ? "" : lines[0].split(" ")[1] ?? "",
			call_id: h("Call-ID"), cseq: h("CSeq"), from: uri(h("From")),
			from_user: user(h("From")), from_tag: tag(h("From")),
			to: uri(h("To")), to_user: user(h("To")), to_tag: tag(h("To")),
			auth_user: /username="([^"]+)"/.exec(head)?.[1] ?? "",
			contact: uri(h("Contact")),
			user_agent: h("User-Agent") || h("Server"),
			branch: /branch=([^;\s]+)/.exec(h("Via"))?.[1] ?? "",
			content_type: h("Content-Type"), sdp: /sdp/.test(
				h("Content-Type")), malformed: findings.length > 0,
			truncated: false, size: Buffer.byteLength(raw),
			raw, findings,
		});
	}

	/** A log event of a server: HEP type 100. */
	function log(ms, d, text) {
		const stamp = new Date(ms).toISOString().replace("Z", "000Z");
		const none = Object.fromEntries(["method", "reason", "ruri", "cseq",
			"from", "from_user", "from_tag", "to", "to_user", "to_tag",
			"auth_user", "contact", "user_agent", "branch",
			"content_type"].map((name) => [name, ""]));
		out.push({
			n: 0, ms, id: "", at: stamp, seen: stamp,
			tap: "hep/udp:127.0.0.1:9060", agent: "10.0.0.10",
			node: "proxy-1", capture_id: 2001, correlation: d.id,
			proto: "log", transport: "udp", direction: "",
			src: "10.0.0.10:9060", dst: "127.0.0.1:9060", kind: "event",
			...none, status: 0, call_id: d.id, sdp: false,
			malformed: false, truncated: false,
			size: Buffer.byteLength(text), raw: text, findings: [],
		});
	}

	function sdp(addr, hold) {
		const ip = addr.split(":")[0];
		return `v=0\r\no=- ${Math.floor(rnd() * 1e9)} 1 IN IP4 ${ip}\r\n` +
			`s=-\r\nc=IN IP4 ${ip}\r\nt=0 0\r\nm=audio ${40000 +
			Math.floor(rnd() * 9000) * 2} RTP/AVP 9 8 0 101\r\n` +
			"a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n" +
			"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n" +
			`a=${hold ? "sendonly" : "sendrecv"}\r\n`;
	}

	function message(first, d, cseq, more = [], body = "", via = []) {
		const lines = [first, ...via, ...d.head(cseq), ...more,
			...(body ? ["Content-Type: application/sdp"] : []),
			`Content-Length: ${Buffer.byteLength(body)}`];
		return lines.join("\r\n") + "\r\n\r\n" + body;
	}

	function dialog(a, b, name) {
		const id = hex(16) + "@" + a[3].split(":")[0];
		const ftag = hex(8);
		const ttag = hex(8);
		const display = name ?? a[1];
		const d = {
			id, answered: false,
			head: (cseq) => ["Max-Forwards: 69",
				`From: ${display ? `"${display}" ` : ""}<sip:${a[0]}@${
					DOMAIN}>;tag=${ftag}`,
				`To: <sip:${b}@${DOMAIN}>${d.answered ? ";tag=" + ttag :
					""}`,
				`Call-ID: ${id}`, `CSeq: ${cseq}`],
		};
		return d;
	}

	function register(t, phone, wrong) {
		const transport = /:(28224|41822|50311)$/.test(phone[3]) ? "tls" :
			"udp";
		const d = dialog(phone, phone[0]);
		const via = (k) => [`Via: SIP/2.0/${transport.toUpperCase()} ` +
			`192.168.178.20:5060;branch=z9hG4bK${k};received=${
				phone[3].split(":")[0]};rport=${phone[3].split(":")[1]}`];
		const contact = `Contact: <sip:${phone[0]}@${phone[3]};transport=${
			transport}>;expires=3600`;
		const ua = `User-Agent: ${phone[2]}`;
		const b1 = hex(10);
		put(t, phone[3], PROXY, message(`REGISTER sip:${DOMAIN} SIP/2.0`, d,
			"1 REGISTER", [contact, ua, "Expires: 3600"], "", via(b1)),
		transport);
		d.answered = true;
		put(t + 3, PROXY, phone[3], message("SIP/2.0 401 Unauthorized", d,
			"1 REGISTER", [`WWW-Authenticate: Digest realm="${DOMAIN}", ` +
			`nonce="${hex(32)}", algorithm=MD5, qop="auth"`,
			"Server: kamailio (5.6.3)"], "", via(b1)), transport);
		d.answered = false;
		const b2 = hex(10);
		put(t + 41, phone[3], PROXY, message(
			`REGISTER sip:${DOMAIN} SIP/2.0`, d, "2 REGISTER",
			[contact, ua, `Authorization: Digest username="${phone[0]}", ` +
			`realm="${DOMAIN}", nonce="${hex(32)}", uri="sip:${DOMAIN}", ` +
			"response=\"********************************\", algorithm=MD5",
			"Expires: 3600"], "", via(b2)), transport);
		d.answered = true;
		put(t + 52, PROXY, phone[3], wrong ? message(
			"SIP/2.0 403 Forbidden", d, "2 REGISTER",
			["Server: kamailio (5.6.3)"], "", via(b2)) :
			message("SIP/2.0 200 OK", d, "2 REGISTER", [contact,
				"Server: kamailio (5.6.3)"], "", via(b2)), transport);
	}

	function call(t, a, to, outcome, name) {
		const trunk = outcome === "503";
		const far = trunk ? TRUNK : PBX;
		const d = dialog(a, to, name);
		const transport = /:(28224|41822|50311)$/.test(a[3]) ? "tls" :
			"udp";
		const k1 = hex(10);
		const k2 = hex(10);
		const v1 = `Via: SIP/2.0/${transport.toUpperCase()} ${a[3]};` +
			`branch=z9hG4bK${k1};rport`;
		const v2 = `Via: SIP/2.0/UDP ${PROXY};branch=z9hG4bK${k2}`;
		const ua = `User-Agent: ${a[2]}`;
		const offer = sdp(a[3]);
		const line = `INVITE sip:${to}@${DOMAIN} SIP/2.0`;
		const contact = `Contact: <sip:${a[0]}@${a[3]}>`;
		const server = trunk ? "Server: TrunkSBC/4.2" :
			"Server: Asterisk PBX 20.5.0";
		const fromFar = (ms, first, cseq, more = [], body = "") => {
			put(ms, far, PROXY, message(first, d, cseq, [server, ...more],
				body, [v2, v1]));
			put(ms + 1, PROXY, a[3], message(first, d, cseq,
				[server, ...more], body, [v1]), transport);
		};
		const invite = message(line, d, "102 INVITE", [contact, ua], offer,
			[v1]);
		put(t, a[3], PROXY, invite, transport);
		if (outcome === "lost") {
			[500, 1500, 3500, 7500].forEach((ms) => put(t + ms, a[3],
				PROXY, invite, transport));
			return;
		}
		put(t + 2, PROXY, a[3], message("SIP/2.0 100 trying -- your call " +
			"is important to us", d, "102 INVITE",
		["Server: kamailio (5.6.3)"], "", [v1]), transport);
		const onward = message(line, d, "102 INVITE", [contact, ua], offer,
			[v2, v1]);
		put(t + 4, PROXY, far, onward);
		if (outcome === "slow" || trunk)
			put(t + 504, PROXY, far, onward);
		d.answered = true;
		if (outcome === "404" || trunk) {
			const first = trunk ? "SIP/2.0 503 Service Unavailable" :
				"SIP/2.0 404 Not Found";
			log(t + (trunk ? 600 : 12), d, trunk ?
				"route[TRUNK]: no answer in 500 ms, sent again\n" +
				"gateway 192.0.2.60 of set 1" :
				"route[LOCATION]: no such user, sent to the exchange");
			fromFar(t + (trunk ? 690 : 19), first, "102 INVITE", trunk ?
				["Retry-After: 120", "Reason: Q.850;cause=34;text=\"No " +
				"circuit\""] : []);
			put(t + (trunk ? 694 : 24), PROXY, far, message(`ACK sip:${to}` +
				`@${DOMAIN} SIP/2.0`, d, "102 ACK", [], "", [v2]));
			put(t + (trunk ? 722 : 43), a[3], PROXY, message(`ACK sip:${
				to}@${DOMAIN} SIP/2.0`, d, "102 ACK", [ua], "", [v1]),
			transport);
			return;
		}
		fromFar(t + 83, "SIP/2.0 180 Ringing", "102 INVITE");
		if (outcome === "busy" || outcome === "cancel") {
			const at = outcome === "busy" ? t + 2900 : t + 9400;
			if (outcome === "cancel") {
				put(at, a[3], PROXY, message(`CANCEL sip:${to}@${DOMAIN} ` +
					"SIP/2.0", d, "102 CANCEL", [ua,
					"Reason: SIP;cause=487"], "", [v1]), transport);
				put(at + 2, PROXY, a[3], message("SIP/2.0 200 canceling",
					d, "102 CANCEL", [], "", [v1]), transport);
				put(at + 3, PROXY, far, message(`CANCEL sip:${to}@${
					DOMAIN} SIP/2.0`, d, "102 CANCEL", [], "", [v2]));
				put(at + 9, far, PROXY, message("SIP/2.0 200 OK", d,
					"102 CANCEL", [server], "", [v2]));
			}
			fromFar(at + 12, outcome === "busy" ? "SIP/2.0 486 Busy Here" :
				"SIP/2.0 487 Request Terminated", "102 INVITE",
			outcome === "busy" ? ["Reason: Q.850;cause=17"] : []);
			put(at + 15, PROXY, far, message(`ACK sip:${to}@${DOMAIN} ` +
				"SIP/2.0", d, "102 ACK", [], "", [v2]));
			put(at + 37, a[3], PROXY, message(`ACK sip:${to}@${DOMAIN} ` +
				"SIP/2.0", d, "102 ACK", [ua], "", [v1]), transport);
			return;
		}
		const up = t + 3200 + Math.floor(rnd() * 6000);
		fromFar(up, "SIP/2.0 200 OK", "102 INVITE",
			[`Contact: <sip:${to}@${PBX}>`], sdp(PBX));
		put(up + 28, a[3], PROXY, message(`ACK sip:${to}@${PBX} SIP/2.0`, d,
			"102 ACK", [ua], "", [v1]), transport);
		put(up + 30, PROXY, PBX, message(`ACK sip:${to}@${PBX} SIP/2.0`, d,
			"102 ACK", [ua], "", [v2, v1]));
		const down = up + 8000 + Math.floor(rnd() * 90_000);
		put(down, a[3], PROXY, message(`BYE sip:${to}@${PBX} SIP/2.0`, d,
			"103 BYE", [ua], "", [v1]), transport);
		put(down + 2, PROXY, PBX, message(`BYE sip:${to}@${PBX} SIP/2.0`, d,
			"103 BYE", [ua], "", [v2, v1]));
		fromFar(down + 8, "SIP/2.0 200 OK", "103 BYE");
	}

	function options(t) {
		const d = dialog(["ping", "", "", PROXY], "ping");
		const b = hex(10);
		put(t, PROXY, TRUNK, message(`OPTIONS sip:${TRUNK} SIP/2.0`, d,
			"1 OPTIONS", ["User-Agent: kamailio (5.6.3)"], "",
			[`Via: SIP/2.0/UDP ${PROXY};branch=z9hG4bK${b}`]));
		d.answered = true;
		put(t + 12, TRUNK, PROXY, message("SIP/2.0 200 OK", d, "1 OPTIONS",
			["Server: TrunkSBC/4.2"], "",
			[`Via: SIP/2.0/UDP ${PROXY};branch=z9hG4bK${b}`]));
	}

	function hostile(t) {
		call(t, ["mallory", "", "friendly-scanner", "203.0.113.66:5060"],
			"600", "404", "<script>alert(1)</script>");
		const raw = "INVITE sip:600@" + DOMAIN + " SIP/2.0\r\n" +
			"Via: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKx\r\n" +
			"From: \"\u202Egnp.kcatta\" <sip:evil@203.0.113.66>;tag=1\r\n" +
			"To: <sip:600@" + DOMAIN + ">\r\nCall-ID: broken-" + hex(6) +
			"\r\nCSeq: 7 REGISTER\r\nX-Long: " + "A".repeat(65536) +
			"\r\nContent-Length: 99\r\n\r\n";
		put(t + 400, "203.0.113.66:5060", PROXY, raw, "udp", [{
			offset: raw.indexOf("CSeq"), rule: "sip.cseq.method",
			text: "CSeq names REGISTER, the request is INVITE",
			source: "RFC 3261 s8.1.1.5",
		}, {
			offset: raw.indexOf("Content-Length"), rule: "sip.length",
			text: "Content-Length says 99, 0 bytes follow",
			source: "RFC 3261 s20.14",
		}]);
	}

	function scene(t) {
		const r = rnd();
		const a = pick(PHONES);
		const b = pick(PHONES)[0];
		if (r < 0.34)
			register(t, a, rnd() < 0.12);
		else if (r < 0.5)
			options(t);
		else if (r < 0.72)
			call(t, a, b, "ok");
		else if (r < 0.8)
			call(t, a, b, "busy");
		else if (r < 0.87)
			call(t, a, b, "cancel");
		else if (r < 0.92)
			call(t, a, "7001", "404");
		else if (r < 0.97)
			call(t, a, "+4989555123", "503");
		else if (r < 0.985)
			call(t, a, b, "lost");
		else
			call(t, a, b, "slow");
	}

	// A conversation with many messages, for the ladder's speed.
	function long(t, count) {
		const d = dialog(PHONES[0], "600");
		for (let i = 0; i < count / 2; i++) {
			const b = hex(10);
			const via = [`Via: SIP/2.0/TLS ${PHONES[0][3]};branch=z9hG4bK` +
				b];
			put(t + i * 40, PHONES[0][3], PROXY, message(
				`INFO sip:600@${DOMAIN} SIP/2.0`, d, `${200 + i} INFO`, [],
				"", via), "tls");
			put(t + i * 40 + 6, PROXY, PHONES[0][3], message(
				"SIP/2.0 200 OK", d, `${200 + i} INFO`, [], "", via),
			"tls");
		}
	}

	function taken() {
		const list = out.sort((x, y) => x.ms - y.ms);
		out = [];
		for (const m of list)
			m.n = ++taken.n;
		for (const m of list)
			m.id = `1-${m.n}`;
		return list;
	}
	taken.n = 0;

	let later = [];
	return {
		past() {
			for (let i = 0; i < 420; i++) {
				// The night is quiet, a trunk fails for a while.
				const t = now - Math.floor(rnd() ** 1.4 * 3 * 36e5) - 4000;
				scene(t);
			}
			for (let i = 0; i < 14; i++)
				call(now - 30 * 6e4 + Math.floor(rnd() * 3 * 6e4),
					pick(PHONES), "+4989555123", "503");
			long(now - 100 * 6e4, 300);
			long(now - 120 * 6e4, 5000);
			hostile(now - 150_000);
			const all = taken();
			later = all.filter((m) => m.ms > now);
			return all.filter((m) => m.ms <= now);
		},
		next(at) {
			if (rnd() < 0.6)
				scene(at);
			const all = later.concat(out).sort((x, y) => x.ms - y.ms);
			out = [];
			later = all.filter((m) => m.ms > at);
			const due = all.filter((m) => m.ms <= at);
			for (const m of due) {
				m.n = ++taken.n;
				m.id = `1-${m.n}`;
			}
			return due;
		},
	};
}
