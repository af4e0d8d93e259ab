// SPDX-License-Identifier: Apache-2.0
// One search: the rows read so far, the histogram, how far it got, and what
// arrived since. It outlives the page, so that coming back from a
// conversation finds everything as it was left.
import * as api from "./api";
import { Cell } from "./cell";
import { Follower } from "./follow";
import { session } from "./session";
import { resolve, type Span } from "./time";
import type { Found, Histogram, Message } from "./types";

const PAGE = 200;
const ROWS_MOST = 50_000;
const BUCKETS = 160;
/** The picture is drawn again at most so often while messages arrive. */
const PICTURE_MS = 10_000;

export interface SearchState {
	q: string;
	span: Span;
	/** The span in milliseconds as it was when asked; null is open. */
	from: number | null;
	to: number | null;
	rows: Message[];
	found: Found | null;
	loading: boolean;
	/** All that matches has been read. */
	ended: boolean;
	histogram: Histogram | null;
	histogramLoading: boolean;
	error: api.ApiError | null;
	askedAt: number;
	/** When the rows were read. */
	readAt: number;
	/** Not answered: the server was away, or the log-in had ended. */
	lost: boolean;
}

const NOTHING: SearchState = {
	q: "", span: { from: "", to: "" }, from: null, to: null, rows: [],
	found: null, loading: false, ended: false, histogram: null,
	histogramLoading: false, error: null, askedAt: 0,
	readAt: 0, lost: false,
};

export class Search {
	readonly state = new Cell<SearchState>(NOTHING);
	readonly follower = new Follower();
	/** Where the table stood. */
	scrollTop = 0;
	at = -1;
	/** When what arrived was put into the list last; 0: not yet. */
	private shownAt = 0;
	private picturedAt = 0;
	private stop: AbortController | null = null;
	private readonly ids = new Set<string>();

	constructor() {
		const retry = () => {
			const s = this.state.get();
			if (s.lost && !api.awaySince.get() && !session.get().ended)
				this.ask(s.q, s.span, true);
		};
		api.awaySince.watch(retry);
		session.watch(retry);
	}

	private put(part: Partial<SearchState>): void {
		this.state.set({ ...this.state.get(), ...part });
	}

	/** Ask, unless this is what was asked last. */
	ask(q: string, span: Span, again = false): void {
		const now = this.state.get();
		if (!again && now.askedAt && now.q === q &&
			now.span.from === span.from && now.span.to === span.to)
			return;
		this.stop?.abort();
		this.stop = new AbortController();
		const at = Date.now();
		const same = now.q === q && now.span.from === span.from &&
			now.span.to === span.to;
		this.scrollTop = 0;
		this.at = -1;
		this.shownAt = 0;
		this.ids.clear();
		this.state.set({
			...NOTHING, q, span, askedAt: at,
			from: resolve(span.from, at), to: resolve(span.to, at) ??
				(span.from === "all" ? null : at),
			// The old picture stays until the new one is there.
			rows: same ? now.rows : [],
			histogram: same ? now.histogram : null,
			readAt: same ? now.readAt : 0,
			loading: true, histogramLoading: true,
		});
		if (this.follower.on.get())
			this.follower.start(q);
		else
			this.follower.clear();
		void this.read(this.stop.signal, "");
		void this.readHistogram(this.stop.signal);
	}

	private asked(): api.Asked {
		const s = this.state.get();
		const text = (ms: number | null) => ms === null || !isFinite(ms) ?
			"" : new Date(ms).toISOString();
		return { q: s.q, from: text(s.from), to: text(s.to) };
	}

	/** The same with what arrived since and is shown. */
	exported(): api.Asked {
		const asked = this.asked();
		return this.shownAt && !this.state.get().span.to ?
			{ ...asked, to: new Date(this.shownAt).toISOString() } : asked;
	}

	private async read(signal: AbortSignal, cursor: string): Promise<void> {
		try {
			let at = cursor;
			let got = 0;
			for (;;) {
				const page = await api.messages(this.asked(), PAGE, at,
					signal);
				this.add(page.messages, at === "");
				got += page.messages.length;
				const f = page.found;
				this.put({ found: f, error: null, readAt: Date.now() });
				// Stopped by its time limit: go on from there until
				// there is a page full.
				if (!f.cursor || f.cursor === at || got >= PAGE ||
					(f.more && got > 0)) {
					this.put({
						loading: false,
						ended: !f.more && (!f.cursor ||
							f.cursor === at),
					});
					return;
				}
				at = f.cursor;
			}
		} catch (e) {
			this.failed(e as Error);
		}
	}

	private add(list: Message[], first: boolean): void {
		if (first)
			this.ids.clear();
		const fresh = list.filter((m) => !this.ids.has(m.id));
		for (const m of fresh)
			this.ids.add(m.id);
		const rows = this.state.get().rows;
		this.put({ rows: first ? fresh : rows.concat(fresh) });
	}

	private failed(e: Error): void {
		if (e.name === "AbortError")
			return;
		this.put({
			loading: false,
			lost: e instanceof api.Away ||
				(e as api.ApiError).status === 401,
			error: e instanceof api.ApiError && e.status !== 401 ? e :
				null,
		});
	}

	private async readHistogram(signal: AbortSignal): Promise<void> {
		this.picturedAt = Date.now();
		try {
			const h = await api.histogram(this.exported(), BUCKETS,
				signal);
			this.put({ histogram: h, histogramLoading: false });
		} catch (e) {
			if ((e as Error).name !== "AbortError")
				this.put({ histogramLoading: false });
		}
	}

	/** Whether more rows could be read but no more are held. */
	tooMany(): boolean {
		return this.state.get().rows.length >= ROWS_MOST;
	}

	more(): void {
		const s = this.state.get();
		if (s.loading || s.ended || s.error || !s.found?.cursor ||
			!this.stop || this.tooMany() || api.awaySince.get())
			return;
		this.put({ loading: true });
		void this.read(this.stop.signal, s.found.cursor);
	}

	/** Put what arrived on top of the list. @return how many */
	showNew(): number {
		const fresh = this.follower.take().filter((m) =>
			!this.ids.has(m.id));
		for (const m of fresh)
			this.ids.add(m.id);
		const s = this.state.get();
		const rows = fresh.reverse().concat(s.rows);
		this.put({ rows: rows.slice(0, ROWS_MOST) });
		if (this.at >= 0)
			this.at += fresh.length;
		this.shownAt = Date.now();
		if (this.stop && this.shownAt - this.picturedAt > PICTURE_MS)
			void this.readHistogram(this.stop.signal);
		return fresh.length;
	}

	/** Forget everything, as when another person logs in. */
	reset(): void {
		this.stop?.abort();
		this.follower.stop();
		this.ids.clear();
		this.state.set(NOTHING);
	}
}

export const search = new Search();
