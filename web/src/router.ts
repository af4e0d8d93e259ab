// SPDX-License-Identifier: Apache-2.0
// The address is the state: #/PAGE/REST?q=…&from=…&to=…. A link sent to a
// colleague opens the same view.
import { Cell } from "./cell";

export interface Route {
	page: string;
	/** What follows the page's name, decoded; "" when nothing does. */
	rest: string;
	params: URLSearchParams;
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

export function parseHash(hash: string): Route {
	const text = hash.replace(/^#\/?/, "");
	const mark = text.indexOf("?");
	const path = mark < 0 ? text : text.slice(0, mark);
	const slash = path.indexOf("/");
	return {
		page: (slash < 0 ? path : path.slice(0, slash)) || "search",
		rest: slash < 0 ? "" : decode(path.slice(slash + 1)),
		params: new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1)),
	};
}

export function hashOf(page: string, rest = "",
	params: Record<string, string | null | undefined> = {}): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(params))
		if (value)
			query.set(name, value);
	const tail = query.toString();
	return "#/" + page + (rest ? "/" + encodeURIComponent(rest) : "") +
		(tail ? "?" + tail : "");
}

export const route = new Cell<Route>(parseHash(location.hash));

let inside = 0;

// What each page was last asked, so that the menu leads back to it. A page's
// expression is its own: the lists have other names than messages.
const asked = new Map<string, URLSearchParams>();

function note(): void {
	const r = route.get();
	if (!r.rest)
		asked.set(r.page, r.params);
}
note();
route.watch(note);

// Of these the menu keeps none: what was open is not what was asked.
const PASSING = ["sel", "m", "m2", "leg", "new", "rule", "scope", "why",
	"again"];

/** A page as it was left, but with the span that is looked at now. */
export function hashOfPage(page: string): string {
	const all: Record<string, string | null> = {};
	asked.get(page)?.forEach((value, name) => {
		if (!PASSING.includes(name))
			all[name] = value;
	});
	const { from, to } = shared();
	return hashOf(page, "", { ...all, from: from ?? null, to: to ?? null });
}

addEventListener("hashchange", () => route.set(parseHash(location.hash)));
addEventListener("popstate", () => route.set(parseHash(location.hash)));

export function go(hash: string, how: "push" | "replace" = "push"): void {
	if (hash === location.hash)
		return;
	if (how === "push") {
		inside++;
		history.pushState(null, "", hash);
	} else {
		history.replaceState(null, "", hash);
	}
	route.set(parseHash(hash));
}

/** Back within the console; to `fallback` when there is nothing behind. */
export function back(fallback: string): void {
	if (inside > 0) {
		inside--;
		history.back();
	} else {
		go(fallback);
	}
}

/** The pages whose expression is about messages. */
const OF_MESSAGES = ["search", "conversation"];

/** What an address carries along: the search for messages and the span. */
export function shared(): Record<string, string | null> {
	const { page, params: p } = route.get();
	const q = OF_MESSAGES.includes(page) ? p : asked.get("search");
	return { q: q?.get("q") ?? null, from: p.get("from"),
		to: p.get("to") };
}

/** The span alone, for addresses of other pages. */
export function span(): Record<string, string | null> {
	const { from, to } = shared();
	return { from: from ?? null, to: to ?? null };
}

/** The same page with some parameters changed. */
export function change(params: Record<string, string | null>,
	how: "push" | "replace" = "push"): void {
	const now = route.get();
	const all: Record<string, string | null> = {};
	now.params.forEach((value, name) => {
		all[name] = value;
	});
	go(hashOf(now.page, now.rest, { ...all, ...params }), how);
}
