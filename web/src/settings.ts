// SPDX-License-Identifier: Apache-2.0
// What this browser remembers. A browser that refuses storage forgets.
import { Cell } from "./cell";

const PREFIX = "earshot.";

function kept<T>(name: string, fallback: T): Cell<T> {
	let value = fallback;
	try {
		const text = localStorage.getItem(PREFIX + name);
		if (text !== null)
			value = JSON.parse(text) as T;
	} catch {
		value = fallback;
	}
	const cell = new Cell<T>(value);
	cell.watch(() => {
		try {
			localStorage.setItem(PREFIX + name,
				JSON.stringify(cell.get()));
		} catch {
			// Private mode or full: works on without memory.
		}
	});
	return cell;
}

export type Theme = "auto" | "light" | "dark";
export type Zone = "local" | "utc";
export type MessageView = "read" | "text" | "bytes";

export const theme = kept<Theme>("theme", "auto");
export const zone = kept<Zone>("zone", "local");
export const menuOpen = kept<boolean>("menu", true);
export const searchColumns = kept<string[] | null>("columns.search", null);
export const messageView = kept<MessageView>("message-view", "read");
export const formOpen = kept<boolean>("form", false);
// Beside the table where there is room for both.
export const figuresOpen = kept<boolean>("figures",
	(globalThis.innerWidth ?? 0) >= 1500);
export const listsLive = kept<boolean>("live", true);
/** What a spreadsheet does to numbers has been read. */
export const sheetNoteRead = kept<boolean>("sheet-note", false);

const made = new Map<string, Cell<unknown>>();

/** One of a kind: made when it is first asked for. */
function one<T>(name: string, fallback: T): Cell<T> {
	let cell = made.get(name) as Cell<T> | undefined;
	if (!cell) {
		cell = kept(name, fallback);
		made.set(name, cell as Cell<unknown>);
	}
	return cell;
}

/** The columns that were chosen for a list; null: the usual ones. */
export function listColumns(list: string): Cell<string[] | null> {
	return one<string[] | null>("columns." + list, null);
}

const SEARCHES_KEPT = 12;

/** What was asked last: "messages", or the name of a list. */
export function lastSearches(scope: string): Cell<string[]> {
	return one<string[]>(scope === "messages" ? "searches" :
		"searches." + scope, []);
}

export function rememberSearch(q: string, scope = "messages"): void {
	const text = q.trim();
	if (!text)
		return;
	const cell = lastSearches(scope);
	const rest = cell.get().filter((s) => s !== text);
	cell.set([text, ...rest].slice(0, SEARCHES_KEPT));
}

/** Puts the chosen theme on the page and keeps it there. */
export function applyTheme(): void {
	const put = () => {
		const t = theme.get();
		if (t === "auto")
			delete document.documentElement.dataset.theme;
		else
			document.documentElement.dataset.theme = t;
	};
	put();
	theme.watch(put);
}
