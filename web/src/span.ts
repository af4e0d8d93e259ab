// SPDX-License-Identifier: Apache-2.0
// Moving the span of time that is looked at.
import type { Pictured } from "./components/histogram";
import { storeOf } from "./lists";
import { change, route } from "./router";
import { search } from "./search";
import { millis, moveSpan, resolve, spanOf } from "./time";

/** The picture over time of the page that is shown. */
function picture(): Pictured | null {
	const { page } = route.get();
	const store = storeOf(page);
	return store ? store.state.get().picture :
		search.state.get().histogram;
}

/** The ends of the span; of an open one, those of the picture. */
function ends(): [number, number] {
	const now = Date.now();
	const span = spanOf(route.get().params);
	const h = picture();
	const hFrom = millis(h?.from);
	const from = resolve(span.from, now) ?? (isFinite(hFrom) ? hFrom :
		now - 36e5);
	const to = resolve(span.to, now) ?? (span.from === "all" && h &&
		isFinite(hFrom) ? hFrom + h.step_ms * h.buckets.length : now);
	return [from, to];
}

export function shift(by: number): void {
	const [from, to] = ends();
	change({ ...moveSpan(from, to, by), sel: null });
}

/** Twice as long around the same middle, but not into the future. */
export function widen(): void {
	const [from, to] = ends();
	const wide = moveSpan(from, to, 0, 2);
	const now = Date.now();
	const over = Date.parse(wide.to) - now;
	if (over > 0) {
		wide.to = new Date(now).toISOString();
		wide.from = new Date(Date.parse(wide.from) - over).toISOString();
	}
	change({ ...wide, sel: null });
}
