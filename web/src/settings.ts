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
export const lastSearches = kept<string[]>("searches", []);
export const messageView = kept<MessageView>("message-view", "read");
export const formOpen = kept<boolean>("form", false);

const SEARCHES_KEPT = 12;

export function rememberSearch(q: string): void {
	const text = q.trim();
	if (!text)
		return;
	const rest = lastSearches.get().filter((s) => s !== text);
	lastSearches.set([text, ...rest].slice(0, SEARCHES_KEPT));
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
