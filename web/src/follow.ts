// SPDX-License-Identifier: Apache-2.0
// The live view: messages as they arrive, kept aside until nobody reads the
// list or the reader asks for them, so that nothing moves under their eyes.
import * as api from "./api";
import { Cell } from "./cell";
import type { Message } from "./types";

const HELD_MOST = 2000;
// Counting is enough for the eye at this pace; drawing each one is not.
const TELL_MS = 250;

export interface Arrived {
	count: number;
	/** Too fast to be sent or held: seen only in the next search. */
	skipped: number;
}

export class Follower {
	readonly on = new Cell(false);
	readonly connected = new Cell(false);
	readonly arrived = new Cell<Arrived>({ count: 0, skipped: 0 });
	private source: EventSource | null = null;
	private held: Message[] = [];
	private skipped = 0;
	private timer = 0;

	start(q: string): void {
		this.stop();
		this.on.set(true);
		const source = new EventSource(api.followUrl(q));
		this.source = source;
		source.onopen = () => this.connected.set(true);
		source.onerror = () => {
			this.connected.set(false);
			// A refusal closes it for good: find out why.
			if (source.readyState === EventSource.CLOSED)
				api.me().catch(() => undefined);
		};
		source.addEventListener("message", (e) => {
			try {
				this.held.push(JSON.parse((e as MessageEvent).data));
			} catch {
				this.skipped++;
			}
			if (this.held.length > HELD_MOST) {
				this.held.shift();
				this.skipped++;
			}
			this.tell();
		});
		source.addEventListener("lag", (e) => {
			try {
				const lag = JSON.parse((e as MessageEvent).data);
				this.skipped += Number(lag.skipped) || 0;
			} catch {
				this.skipped++;
			}
			this.tell();
		});
	}

	private tell(): void {
		if (!this.timer)
			this.timer = window.setTimeout(() => {
				this.timer = 0;
				this.arrived.set({
					count: this.held.length,
					skipped: this.skipped,
				});
			}, TELL_MS);
	}

	/** What is held. What was skipped stays told until the next search. */
	take(): Message[] {
		const list = this.held;
		this.held = [];
		this.arrived.set({ count: 0, skipped: this.skipped });
		return list;
	}

	clear(): void {
		this.held = [];
		this.skipped = 0;
		this.arrived.set({ count: 0, skipped: 0 });
	}

	stop(): void {
		this.source?.close();
		this.source = null;
		this.on.set(false);
		this.connected.set(false);
		this.clear();
	}
}
