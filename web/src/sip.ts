// SPDX-License-Identifier: Apache-2.0
// A message's text cut into start line, headers and body, and each value
// into coloured pieces. Only for showing: the server's parser is the judge.

export interface Header {
	name: string;
	/** Folded lines joined by one space. */
	value: string;
	/** UTF-16 indexes of the whole field in the text. */
	from: number;
	to: number;
}

export interface Parts {
	start: string;
	startTo: number;
	headers: Header[];
	body: string;
	bodyFrom: number;
}

const COMPACT: Record<string, string> = {
	v: "Via", f: "From", t: "To", i: "Call-ID", m: "Contact",
	l: "Content-Length", c: "Content-Type", s: "Subject", k: "Supported",
	e: "Content-Encoding", r: "Refer-To", o: "Event", u: "Allow-Events",
	x: "Session-Expires", b: "Referred-By", a: "Accept-Contact",
	j: "Reject-Contact", d: "Request-Disposition",
};

/** The long name of a header, lower case: what rules go by. */
export function headerKey(name: string): string {
	return (COMPACT[name.toLowerCase()] ?? name).toLowerCase();
}

export function longName(name: string): string | null {
	return COMPACT[name.toLowerCase()] ?? null;
}

export function parts(raw: string): Parts {
	const lines: { text: string; from: number; to: number }[] = [];
	let at = 0;
	let bodyFrom = raw.length;
	while (at < raw.length) {
		let end = raw.indexOf("\n", at);
		if (end < 0)
			end = raw.length;
		const text = raw.slice(at, end).replace(/\r$/, "");
		const next = Math.min(end + 1, raw.length);
		if (text === "" && lines.length) {
			bodyFrom = next;
			break;
		}
		lines.push({ text, from: at, to: next });
		at = next;
	}
	const first = lines.shift();
	const headers: Header[] = [];
	for (const line of lines) {
		const last = headers[headers.length - 1];
		if (/^[ \t]/.test(line.text) && last) {
			last.value += " " + line.text.trim();
			last.to = line.to;
			continue;
		}
		const colon = line.text.indexOf(":");
		headers.push({
			name: colon < 0 ? "" : line.text.slice(0, colon).trimEnd(),
			value: colon < 0 ? line.text :
				line.text.slice(colon + 1).trim(),
			from: line.from, to: line.to,
		});
	}
	return {
		start: first?.text ?? "", startTo: first?.to ?? 0, headers,
		body: raw.slice(bodyFrom), bodyFrom,
	};
}

export function header(p: Parts, name: string): string {
	const key = name.toLowerCase();
	return p.headers.find((h) => headerKey(h.name) === key)?.value ?? "";
}

export interface Piece {
	text: string;
	/** CSS class, "" for plain. */
	kind: string;
}

// Longer values are shown plain: colouring 64 KiB helps nobody.
const MOST_COLOURED = 8192;

const PIECES = new RegExp("(\"(?:[^\"\\\\]|\\\\.)*\")|" +
	"((?:sips?|tel|urn|https?|xmpp|mailto):[^\\s;,>\"<]+)|" +
	"(;\\s*)([A-Za-z0-9_.!%*+~'-]+)(?:(=)([^\\s;,>\"]*))?|" +
	"(\\b(?:\\d{1,3}\\.){3}\\d{1,3}(?::\\d+)?\\b)|" +
	"(\\b\\d+\\b)", "gi");

export function pieces(value: string): Piece[] {
	if (value.length > MOST_COLOURED)
		return [{ text: value, kind: "" }];
	const out: Piece[] = [];
	let at = 0;
	const put = (text: string | undefined, kind: string) => {
		if (text)
			out.push({ text, kind });
	};
	for (const m of value.matchAll(PIECES)) {
		put(value.slice(at, m.index), "");
		put(m[1], "t-str");
		put(m[2], "t-uri");
		put(m[3], "");
		put(m[4], "t-par");
		put(m[5], "");
		put(m[6], "t-val");
		put(m[7], "t-addr");
		put(m[8], "t-num");
		at = m.index! + m[0].length;
	}
	put(value.slice(at), "");
	return out;
}

/** The start line: method, URI and version, or version, status, reason. */
export function startPieces(start: string): Piece[] {
	const reply = /^(SIP\/\d\.\d)(\s+)(\d{3})(\s*)(.*)$/.exec(start);
	if (reply)
		return [{ text: reply[1]!, kind: "t-ver" },
			{ text: reply[2]!, kind: "" },
			{ text: reply[3]! + reply[4]! + reply[5]!,
				kind: "t-status c-s" + reply[3]![0] + "xx" }];
	const request = /^(\S+)(\s+)(\S+)(\s+)(\S+)$/.exec(start);
	if (request)
		return [{ text: request[1]!, kind: "t-method c-request" },
			{ text: request[2]!, kind: "" },
			{ text: request[3]!, kind: "t-uri" },
			{ text: request[4]!, kind: "" },
			{ text: request[5]!, kind: "t-ver" }];
	return [{ text: start, kind: "" }];
}

const SDP_WORDS: Record<string, string> = {
	v: "version", o: "origin", s: "session", c: "connection", t: "time",
	m: "media", a: "attribute", b: "bandwidth", i: "title", k: "key",
	r: "repeat", z: "zones", u: "address", e: "mail", p: "phone",
};

export function isSdpLine(line: string): boolean {
	return line[1] === "=" && line[0]! in SDP_WORDS;
}
