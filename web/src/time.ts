// SPDX-License-Identifier: Apache-2.0
// Times as people read them, and the spans they ask for. The API's times
// have microseconds, which Date has not: they are carried as text.
import type { Zone } from "./settings";

const UNITS: Record<string, number> = {
	s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5,
};

function pad(n: number, width = 2): string {
	return String(n).padStart(width, "0");
}

export function millis(at: string | null | undefined): number {
	return at ? Date.parse(at) : NaN;
}

function parts(ms: number, zone: Zone): number[] {
	const d = new Date(ms);
	return zone === "utc" ?
		[d.getUTCFullYear(), d.getUTCMonth() + 1, d.getUTCDate(),
			d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(),
			d.getUTCMilliseconds()] :
		[d.getFullYear(), d.getMonth() + 1, d.getDate(), d.getHours(),
			d.getMinutes(), d.getSeconds(), d.getMilliseconds()];
}

export function dateText(ms: number, zone: Zone): string {
	const p = parts(ms, zone);
	return `${pad(p[0]!, 4)}-${pad(p[1]!)}-${pad(p[2]!)}`;
}

/** 05:27:31.482 */
export function clockText(ms: number, zone: Zone, withMs = true): string {
	const p = parts(ms, zone);
	return `${pad(p[3]!)}:${pad(p[4]!)}:${pad(p[5]!)}` +
		(withMs ? `.${pad(p[6]!, 3)}` : "");
}

/** 2026-11-22 05:27:31.482 */
export function timeText(ms: number, zone: Zone, withMs = true): string {
	return isFinite(ms) ?
		`${dateText(ms, zone)} ${clockText(ms, zone, withMs)}` : "";
}

function offsetText(ms: number): string {
	const min = -new Date(ms).getTimezoneOffset();
	const abs = Math.abs(min);
	return `${min < 0 ? "-" : "+"}${pad(Math.floor(abs / 60))}:` +
		pad(abs % 60);
}

/** "CET", or as far as the browser knows "GMT+1"; "UTC". */
export function zoneName(zone: Zone, at = Date.now()): string {
	if (zone === "utc")
		return "UTC";
	const part = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
		.formatToParts(at).find((p) => p.type === "timeZoneName");
	return part?.value ?? "local";
}

/** Both zones with microseconds: what hovering shows. */
export function exactText(at: string | null): string {
	const ms = millis(at);
	if (!at || !isFinite(ms))
		return "";
	const micros = /\.(\d{1,9})/.exec(at)?.[1] ?? "";
	const digits = micros.padEnd(6, "0").slice(0, 6);
	return `${timeText(ms, "utc", false)}.${digits} UTC\n` +
		`${timeText(ms, "local", false)}.${digits} ${offsetText(ms)}`;
}

/**
 * A sentence of the server with its times, which are in UTC and without
 * their date where that is today's, in the zone that is chosen.
 */
export function zonedTimes(text: string, zone: Zone, now: number): string {
	const today = dateText(now, "utc");
	return zone === "utc" ? text : text.replace(
		/(?<![\d:.-])(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d)(?![\d:.])/g,
		(all: string, date: string | undefined, clock: string) => {
			const ms = Date.parse(`${date ?? today}T${clock}Z`);
			return !isFinite(ms) ? all : dateText(ms, zone) ===
				dateText(now, zone) ? clockText(ms, zone, false) :
				timeText(ms, zone, false);
		});
}

/** 0.482 s, 12.3 s, 4 min 10 s, 3 h 12 min, 2 d 4 h */
export function durationText(ms: number): string {
	if (!isFinite(ms))
		return "";
	const abs = Math.abs(ms);
	const sign = ms < 0 ? "−" : "";
	if (abs < 1)
		return abs === 0 ? "0 ms" : `${sign}${abs.toFixed(2)} ms`;
	if (abs < 1000)
		return `${sign}${Math.round(abs)} ms`;
	if (abs < 10e3)
		return `${sign}${(abs / 1e3).toFixed(2)} s`;
	if (abs < 60e3)
		return `${sign}${(abs / 1e3).toFixed(1)} s`;
	const two = (big: number, b: string, small: number, s: string) => {
		const n = Math.floor(abs / big);
		const r = Math.floor((abs - n * big) / small);
		return sign + n + " " + b + (r ? ` ${r} ${s}` : "");
	};
	if (abs < 36e5)
		return two(6e4, "min", 1e3, "s");
	if (abs < 864e5)
		return two(36e5, "h", 6e4, "min");
	return two(864e5, "d", 36e5, "h");
}

/** A span as the address holds it: "-1h", "all", RFC 3339, "" for open. */
export interface Span {
	from: string;
	to: string;
}

export const DEFAULT_FROM = "-1h";

export function spanOf(params: URLSearchParams): Span {
	return {
		from: params.get("from") || DEFAULT_FROM,
		to: params.get("to") || "",
	};
}

export function isRelative(text: string): boolean {
	return /^-\d+[smhdw]$/.test(text);
}

/** Milliseconds since 1970; null when open; NaN when it is no time. */
export function resolve(text: string, now: number): number | null {
	if (!text || text === "all" || text === "now")
		return null;
	const rel = /^-(\d+)([smhdw])$/.exec(text);
	if (rel)
		return now - Number(rel[1]) * UNITS[rel[2]!]!;
	return Date.parse(text);
}

/** What a person typed, read in the chosen zone; null when unreadable. */
export function readTime(text: string, zone: Zone): string | null {
	const t = text.trim();
	if (t === "" || t === "now")
		return "";
	if (isRelative(t) || t === "all")
		return t;
	const m = new RegExp("^(\\d{4})-(\\d\\d)-(\\d\\d)(?:[ T](\\d\\d?)" +
		":(\\d\\d)(?::(\\d\\d)(?:\\.(\\d{1,6}))?)?)?(Z)?$").exec(t);
	if (!m) {
		const ms = /^\d{4}-/.test(t) ? Date.parse(t) : NaN;
		return isFinite(ms) ? new Date(ms).toISOString() : null;
	}
	const n = (i: number) => Number(m[i] ?? 0);
	const ms = m[7] ? Math.floor(Number("0." + m[7]) * 1e3) : 0;
	const at = zone === "utc" || m[8] ?
		Date.UTC(n(1), n(2) - 1, n(3), n(4), n(5), n(6), ms) :
		new Date(n(1), n(2) - 1, n(3), n(4), n(5), n(6), ms).getTime();
	return isFinite(at) ? new Date(at).toISOString() : null;
}

export const PRESETS: { from: string; text: string }[] = [
	{ from: "-5m", text: "Last 5 minutes" },
	{ from: "-15m", text: "Last 15 minutes" },
	{ from: "-1h", text: "Last hour" },
	{ from: "-6h", text: "Last 6 hours" },
	{ from: "-24h", text: "Last 24 hours" },
	{ from: "-7d", text: "Last 7 days" },
	{ from: "-30d", text: "Last 30 days" },
	{ from: "all", text: "All that is kept" },
];

const UNIT_WORDS: Record<string, string> = {
	s: "seconds", m: "minutes", h: "hours", d: "days", w: "weeks",
};

/** The span as the button says it. */
export function spanText(span: Span, zone: Zone): string {
	if (!span.to) {
		const preset = PRESETS.find((p) => p.from === span.from);
		if (preset)
			return preset.text;
		const rel = /^-(\d+)([smhdw])$/.exec(span.from);
		if (rel)
			return `Last ${rel[1]} ${UNIT_WORDS[rel[2]!]}`;
	}
	const side = (text: string) => isRelative(text) ? text :
		timeText(Date.parse(text), zone, false);
	const from = span.from === "all" ? "the beginning" : side(span.from);
	if (!span.to)
		return `${from} to now`;
	const a = Date.parse(span.from);
	const b = Date.parse(span.to);
	if (isFinite(a) && isFinite(b) &&
		dateText(a, zone) === dateText(b, zone)) {
		const fine = b - a < 10e3;
		return `${dateText(a, zone)} ${clockText(a, zone, fine)} – ` +
			clockText(b, zone, fine);
	}
	return `${from} – ${side(span.to)}`;
}

/** The span moved by a share of itself, or made wider around its middle. */
export function moveSpan(from: number, to: number, shift: number,
	zoom = 1): Span {
	const half = (to - from) * zoom / 2;
	const mid = (from + to) / 2 + (to - from) * shift;
	return {
		from: new Date(mid - half).toISOString(),
		to: new Date(mid + half).toISOString(),
	};
}
