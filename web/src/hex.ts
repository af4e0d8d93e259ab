// SPDX-License-Identifier: Apache-2.0
// Bytes as a hex dump.

/** The bytes that the text stands for. */
export function bytesOf(text: string, latin1: boolean): Uint8Array {
	if (!latin1)
		return new TextEncoder().encode(text);
	const out = new Uint8Array(text.length);
	for (let i = 0; i < text.length; i++)
		out[i] = text.charCodeAt(i);
	return out;
}

/** 16 bytes a line: offset, hex, ASCII. */
export function dump(data: Uint8Array): string {
	const lines: string[] = [];
	for (let at = 0; at < data.length; at += 16) {
		const row = data.subarray(at, at + 16);
		let hex = "";
		let text = "";
		for (let i = 0; i < 16; i++) {
			const b = row[i];
			hex += (b === undefined ? "  " :
				b.toString(16).padStart(2, "0")) +
				(i === 7 ? "  " : " ");
			if (b !== undefined)
				text += b >= 0x20 && b < 0x7f ?
					String.fromCharCode(b) : ".";
		}
		lines.push(at.toString(16).padStart(5, "0") + "  " + hex + " " +
			text);
	}
	return lines.join("\n");
}
