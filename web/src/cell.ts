// SPDX-License-Identifier: Apache-2.0
// A value that components watch.
import { useLayoutEffect, useReducer } from "preact/hooks";

export class Cell<T> {
	private value: T;
	private readonly watchers = new Set<() => void>();

	constructor(value: T) {
		this.value = value;
	}

	get(): T {
		return this.value;
	}

	set(value: T): void {
		if (Object.is(value, this.value))
			return;
		this.value = value;
		for (const watcher of [...this.watchers])
			watcher();
	}

	watch(watcher: () => void): () => void {
		this.watchers.add(watcher);
		return () => {
			this.watchers.delete(watcher);
		};
	}
}

/** The value now; the component draws again when it changes. */
export function useCell<T>(cell: Cell<T>): T {
	const [, redraw] = useReducer((n: number, _: void) => n + 1, 0);
	const drawn = cell.get();
	useLayoutEffect(() => {
		// It may have changed between drawing and watching.
		if (!Object.is(cell.get(), drawn))
			redraw();
		return cell.watch(() => redraw());
	}, [cell]);
	return drawn;
}
