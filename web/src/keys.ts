// SPDX-License-Identifier: Apache-2.0
// The keyboard. Whoever listens says what the key does, so that the help
// sheet cannot drift from the truth.
import { useLayoutEffect, useRef } from "preact/hooks";

export interface KeyBinding {
	/** "/" or "g s" for two after each other. */
	key: string;
	help: string;
	group: "Everywhere" | "List" | "Ladder" | "Message" | "Time";
	run: () => void;
	/** Not in the sheet: another name of a key that is. */
	hidden?: boolean;
}

const layers: { list: KeyBinding[] }[] = [];
let prefix = "";
let prefixTimer = 0;

const PREFIX_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
	const el = target as HTMLElement | null;
	return !!el && (el.tagName === "INPUT" || el.tagName === "TEXTAREA" ||
		el.tagName === "SELECT" || el.isContentEditable);
}

function find(key: string): KeyBinding | undefined {
	for (let i = layers.length - 1; i >= 0; i--) {
		const hit = layers[i]!.list.find((b) => b.key === key);
		if (hit)
			return hit;
	}
	return undefined;
}

function hasPrefix(key: string): boolean {
	return layers.some((l) => l.list.some((b) =>
		b.key.startsWith(key + " ")));
}

function onKey(e: KeyboardEvent): void {
	if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey)
		return;
	if (isTyping(e.target) || document.querySelector("dialog[open]"))
		return;
	// A focused button or link keeps Enter and Space for itself.
	const el = e.target as HTMLElement;
	if ((e.key === "Enter" || e.key === " ") &&
		el.closest?.("button, a, summary, [role=button]"))
		return;
	if (prefix) {
		const hit = find(prefix + " " + e.key);
		prefix = "";
		clearTimeout(prefixTimer);
		if (hit) {
			e.preventDefault();
			hit.run();
		}
		return;
	}
	const hit = find(e.key);
	if (hit) {
		e.preventDefault();
		hit.run();
	} else if (hasPrefix(e.key)) {
		prefix = e.key;
		prefixTimer = window.setTimeout(() => {
			prefix = "";
		}, PREFIX_MS);
	}
}

export function listenKeys(): void {
	document.addEventListener("keydown", onKey);
}

/** These keys work while the component is there. */
export function useKeys(list: KeyBinding[]): void {
	const layer = useRef({ list });
	layer.current.list = list;
	// Before the next key can come, not after the next paint.
	useLayoutEffect(() => {
		const mine = layer.current;
		layers.push(mine);
		return () => {
			layers.splice(layers.indexOf(mine), 1);
		};
	}, []);
}

/** Keys that walk along rows: one, a page, to either end. */
export function walkKeys(group: KeyBinding["group"], row: string,
	end: string, at: number, rows: number,
	move: (to: number) => void): KeyBinding[] {
	const next = () => move(at + 1);
	const before = () => move(at < 0 ? 0 : at - 1);

	return [
		{ key: "j", group, help: `next ${row}`, run: next },
		{ key: "k", group, help: `${row} before`, run: before },
		{ key: "ArrowDown", group, help: "", hidden: true, run: next },
		{ key: "ArrowUp", group, help: "", hidden: true, run: before },
		{ key: "PageDown", group, help: "", hidden: true,
			run: () => move(at + 15) },
		{ key: "PageUp", group, help: "", hidden: true,
			run: () => move(at - 15) },
		{ key: "Home", group, help: `first ${row}`, run: () => move(0) },
		{ key: "End", group, help: end, run: () => move(rows - 1) },
	];
}

/** Every key that works now, the innermost meaning of each. */
export function activeKeys(): KeyBinding[] {
	const seen = new Map<string, KeyBinding>();
	for (const layer of layers)
		for (const b of layer.list)
			seen.set(b.key, b);
	return [...seen.values()].filter((b) => !b.hidden);
}
