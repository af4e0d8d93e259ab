// SPDX-License-Identifier: Apache-2.0
// What known values mean, said beside them. A value that says all by itself
// gets nothing.
import { headerKey, type Parts } from "./sip";
import { durationText } from "./time";

// ITU-T Q.850, the causes that SIP gateways put into Reason.
const Q850: Record<string, string> = {
	1: "unallocated number", 2: "no route to network",
	3: "no route to destination", 16: "normal clearing",
	17: "user busy", 18: "no user responding", 19: "no answer",
	20: "subscriber absent", 21: "call rejected", 22: "number changed",
	27: "destination out of order", 28: "invalid number format",
	29: "facility rejected", 31: "normal, unspecified",
	34: "no circuit available", 38: "network out of order",
	41: "temporary failure", 42: "switching congestion",
	44: "channel not available", 47: "resource unavailable",
	50: "facility not subscribed", 55: "incoming calls barred",
	57: "bearer capability not authorised",
	58: "bearer capability not available", 63: "service not available",
	65: "bearer capability not implemented",
	79: "service not implemented", 88: "incompatible destination",
	102: "timer expired", 111: "protocol error", 127: "interworking",
};

// RFC 3551: static payload types still met.
const PAYLOADS: Record<string, string> = {
	0: "PCMU", 3: "GSM", 4: "G723", 8: "PCMA", 9: "G722", 13: "CN",
	15: "G728", 18: "G729", 26: "JPEG", 31: "H261", 34: "H263",
};

const CODES: Record<string, string> = {
	100: "the next hop has it and is working on it",
	180: "the called party is being alerted",
	183: "progress, often with early media",
	401: "asks the client to prove who it is",
	403: "understood and refused",
	404: "no such user here",
	407: "the proxy asks the client to prove who it is",
	408: "no answer in time from further on",
	480: "the user is known but not reachable now",
	481: "no such dialog or transaction here",
	483: "too many hops: a loop?",
	486: "the user is busy",
	487: "ended by CANCEL (or BYE) before the answer",
	488: "the offered media cannot be used",
	491: "both sides sent a request at once",
	500: "internal error", 502: "bad answer from further on",
	503: "overloaded or out of service",
	504: "no answer in time from another server",
	600: "busy everywhere", 603: "declined by the user",
};

function seconds(value: string): string {
	const n = /^(\d+)/.exec(value)?.[1];
	return n && Number(n) >= 60 ? durationText(Number(n) * 1e3) : "";
}

function via(value: string): string {
	const m = /^SIP\s*\/\s*2\.0\s*\/\s*(\S+)\s+(\[[^\]]+\]|[^\s:;]+)/i
		.exec(value);
	if (!m)
		return "";
	const received = /;\s*received=([^\s;,]+)/i.exec(value)?.[1];
	const rport = /;\s*rport=(\d+)/i.exec(value)?.[1];
	if (received && received !== m[2])
		return `said ${m[2]}, came from ${received}` +
			(rport ? `:${rport}` : "") + ": NAT between";
	return "";
}

function reason(value: string): string {
	const cause = /cause\s*=\s*(\d+)/i.exec(value)?.[1];
	if (!cause)
		return "";
	if (/^\s*Q\.850/i.test(value))
		return Q850[cause] ?? "";
	return CODES[cause] ?? "";
}

function credentials(value: string): string {
	const scheme = /^\s*(\S+)/.exec(value)?.[1]?.toLowerCase() ?? "";
	const algorithm = /algorithm=\s*"?([\w-]+)/i.exec(value)?.[1];
	const stale = /stale=\s*"?true/i.test(value);
	const blank = /response=\s*"?\*/i.test(value);
	const words: Record<string, string> = {
		digest: "Digest " + (algorithm ?? "MD5"),
		ntlm: "NTLM", kerberos: "Kerberos", "tls-dsk": "TLS-DSK",
		bearer: "token",
	};
	return [words[scheme], stale ? "the nonce was too old" : "",
		blank ? "secret blanked" : ""].filter((w) => w).join(", ");
}

/** A short explanation of a header's value, or "". */
export function explain(name: string, value: string): string {
	switch (headerKey(name)) {
	case "expires":
	case "min-expires":
		return value.trim() === "0" ? "removes the binding" :
			seconds(value);
	case "session-expires":
	case "min-se":
	case "retry-after":
		return seconds(value);
	case "contact": {
		if (value.trim() === "*")
			return "all bindings";
		const e = /;\s*expires=(\d+)/i.exec(value)?.[1];
		return e === "0" ? "removes the binding" :
			e ? "for " + (seconds(e) || e + " s") : "";
	}
	case "via":
		return via(value);
	case "reason":
		return reason(value);
	case "max-forwards":
		return value.trim() === "0" ? "may go no further" : "";
	case "authorization":
	case "proxy-authorization":
	case "www-authenticate":
	case "proxy-authenticate":
		return credentials(value);
	default:
		return "";
	}
}

export function explainStart(start: string): string {
	const code = /^SIP\/2\.0\s+(\d{3})/.exec(start)?.[1];
	return code ? CODES[code] ?? "" : "";
}

const DIRECTIONS: Record<string, string> = {
	sendonly: "sends, does not listen: hold",
	recvonly: "listens, does not send",
	inactive: "no media either way: hold",
};

/** A short explanation of one line of SDP, or "". */
export function explainSdp(line: string, body: string): string {
	const media = /^m=(\S+)\s+(\d+)(?:\/\d+)?\s+(\S+)\s+(.*)$/.exec(line);
	if (media) {
		if (media[2] === "0")
			return "refused (port 0)";
		const names = media[4]!.trim().split(/\s+/).slice(0, 16).map(
			(pt) => new RegExp(`^a=rtpmap:${pt.replace(/\D/g, "")} ` +
				"([^/\\s]+)", "m").exec(body)?.[1] ??
				PAYLOADS[pt] ?? pt);
		const srtp = /SAVP/.test(media[3]!) ? ", encrypted" : "";
		return names.join(", ") + srtp;
	}
	if (/^c=IN IP[46] (0\.0\.0\.0|::)$/.test(line))
		return "nowhere: hold";
	const word = /^a=(\w+)$/.exec(line)?.[1];
	return word ? DIRECTIONS[word] ?? "" : "";
}

/** Whether the body of a message is SDP. */
export function hasSdp(p: Parts): boolean {
	return /^v=0\r?$/m.test(p.body.slice(0, 4000)) ||
		p.headers.some((h) => headerKey(h.name) === "content-type" &&
			/application\/sdp/i.test(h.value));
}
