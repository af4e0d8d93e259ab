// SPDX-License-Identifier: Apache-2.0
// Moving the span of time that is looked at.
import { change, route } from "./router";
import { search, type SearchState } from "./search";
import { millis, moveSpan, resolve, spanOf } from "./time";

/** The ends of the span; of an open one, those of the histogram. */
function ends(s: SearchState): [number, number] {
	const now = Date.now();
	const span = spanOf(route.get().params);
	const h = s.histogram;
	const hFrom = millis(h?.from);
	const from = resolve(span.from, now) ?? (isFinite(hFrom) ? hFrom :
		now - 36e5);
	const to = resolve(span.to, now) ?? (span.from === "all" && h &&
		isFinite(hFrom) ? hFrom + h.step_ms * h.buckets.length : now);
	return [from, to];
}

export function shift(by: number): void {
	const [from, to] = ends(search.state.get());
	change({ ...moveSpan(from, to, by), sel: null });
}

/** Twice as long around the same middle, but not into the future. */
export function widen(s: SearchState = search.state.get()): void {
	const [from, to] = ends(s);
	const wide = moveSpan(from, to, 0, 2);
	const now = Date.now();
	const over = Date.parse(wide.to) - now;
	if (over > 0) {
		wide.to = new Date(now).toISOString();
		wide.from = new Date(Date.parse(wide.from) - over).toISOString();
	}
	change({ ...wide, sel: null });
}
