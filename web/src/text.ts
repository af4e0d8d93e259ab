// SPDX-License-Identifier: Apache-2.0
// Text from the wire and numbers, made fit to be read.

// Controls, and the characters that turn the direction of writing or are
// invisible: a display name must not be able to rewrite the line it is on.
const UNSEEN = new RegExp("[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f" +
	"\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e" +
	"\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]", "g");

function escaped(c: string): string {
	const n = c.charCodeAt(0);
	return n < 0x20 ? String.fromCharCode(0x2400 + n) :
		n === 0x7f ? "\u2421" :
			"\\u" + n.toString(16).padStart(4, "0");
}

/** For many lines: line ends stay. */
export function visible(text: string): string {
	return text.replace(UNSEEN, escaped);
}

/** For one line: line ends and tabs are shown too. */
export function oneLine(text: string): string {
	return visible(text).replace(/[\r\n\t]/g, escaped);
}

export function cut(text: string, most: number): string {
	return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

const GROUPS = new Intl.NumberFormat("en-US");

/** 1 234 567, with thin spaces: no confusion with decimal signs. */
export function count(n: number): string {
	return GROUPS.format(Math.round(n)).replace(/,/g, "\u202f");
}

/** "1 row", "2 rows" */
export function plural(n: number, one: string, many = one + "s"): string {
	return `${count(n)} ${n === 1 ? one : many}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(n: number): string {
	let i = 0;
	let v = n;
	while (v >= 1000 && i < BYTE_UNITS.length - 1) {
		v /= 1000;
		i++;
	}
	return `${i === 0 || v >= 100 ? Math.round(v) : v.toFixed(1)} ` +
		BYTE_UNITS[i];
}

export function rate(perSecond: number): string {
	return (perSecond >= 10 || perSecond === 0 ?
		count(perSecond) : perSecond.toFixed(1)) + "/s";
}

/** The UTF-16 index of a byte offset into the text. */
export function indexOfByte(text: string, offset: number,
	latin1 = false): number {
	if (latin1)
		return Math.min(offset, text.length);
	let at = 0;
	for (let i = 0; i < text.length;) {
		if (at >= offset)
			return i;
		const code = text.codePointAt(i)!;
		at += code < 0x80 ? 1 : code < 0x800 ? 2 :
			code < 0x10000 ? 3 : 4;
		i += code > 0xffff ? 2 : 1;
	}
	return text.length;
}
