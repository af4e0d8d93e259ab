// SPDX-License-Identifier: Apache-2.0
// Files and the clipboard.
import type { Message } from "./types";

export function saveText(name: string, type: string, text: string): void {
	const link = document.createElement("a");
	const address = URL.createObjectURL(new Blob([text], { type }));
	link.href = address;
	link.download = name;
	document.body.append(link);
	link.click();
	link.remove();
	setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** A name that any file system takes. */
export function fileName(stem: string, ending: string): string {
	const safe = stem.replace(/[^A-Za-z0-9._@-]+/g, "_").slice(0, 80);
	return `earshot-${safe || "messages"}.${ending}`;
}

// A spreadsheet runs what begins like a formula, and this text comes from
// strangers: such values get a quote in front.
function csvCell(value: string): string {
	const text = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ?
		"'" + value : value;
	return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' :
		text;
}

export function csv(columns: { title: string;
	value: (m: Message) => string }[], rows: Message[]): string {
	const line = (cells: string[]) => cells.map(csvCell).join(",") + "\r\n";
	return line(columns.map((c) => c.title)) +
		rows.map((r) => line(columns.map((c) => c.value(r)))).join("");
}

/** Copies; where the browser forbids it, by the old way of a selection. */
export async function copy(text: string): Promise<boolean> {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		const area = document.createElement("textarea");
		area.value = text;
		area.className = "off-screen";
		document.body.append(area);
		area.select();
		const done = document.execCommand("copy");
		area.remove();
		return done;
	}
}
