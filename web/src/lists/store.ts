// SPDX-License-Identifier: Apache-2.0
// One list: the rows read so far, the picture over time, the figures beside
// it, and what came since. It outlives the page, so that coming back finds
// everything as it was left.
import * as api from "../api";
import { Cell } from "../cell";
import type { Pictured } from "../components/histogram";
import { withTerm } from "../expr";
import { session } from "../session";
import { resolve } from "../time";
import type { ColumnInfo, Facet, ListRow, Timeline } from "../types";
import type { FacetLook, ListSpec } from "./spec";

const PAGE = 100;
const ROWS_MOST = 50_000;
const BUCKETS = 120;
const FACET_MOST = 8;
const POLL_MS = 2000;
/** Pictures are drawn again at most so often while rows arrive. */
const PICTURE_MS = 10_000;

/** Instead of a moment: all that held at some time in the span. */
export const WHOLE_SPAN = "span";

/** What is asked, as the address has it. */
export interface Asked {
	q: string;
	from: string;
	to: string;
	/** A moment; "" is now. */
	at: string;
	sort: string;
	ascending: boolean;
	/** Names of the switches that are on, with commas. */
	on: string;
}

export interface ListState {
	asked: Asked | null;
	rows: ListRow[];
	cursor: string;
	/** All that matches has been read. */
	ended: boolean;
	loading: boolean;
	error: api.ApiError | null;
	/** Why the answer is not whole; "" when it is. */
	why: string;
	picture: Pictured | null;
	pictureLoading: boolean;
	pictureWhy: string;
	facets: Map<string, Facet>;
	/** Rows that the list no longer has. */
	gone: Set<string>;
	/** Rows that have just flowed in. */
	came: Set<string>;
	/** The last change came by itself: no news to whoever hears the page. */
	flowed: boolean;
	readAt: number;
	/** Not answered: the server was away, or the log-in had ended. */
	lost: boolean;
}

const NOTHING: ListState = {
	asked: null, rows: [], cursor: "", ended: false, loading: false,
	error: null, why: "", picture: null, pictureLoading: false,
	pictureWhy: "", facets: new Map(), gone: new Set(), came: new Set(),
	flowed: false, readAt: 0, lost: false,
};

export interface Fresh {
	count: number;
	/** There are more than were read. */
	more: boolean;
}

const NO_FRESH: Fresh = { count: 0, more: false };

type Page = Awaited<ReturnType<typeof api.rows>>;

function isWhole(page: Page): boolean {
	return !page.more && page.complete;
}

function pictured(t: Timeline): Pictured {
	const n = t.series.reduce((most, s) => Math.max(most, s.counts.length),
		0);
	return {
		from: t.from, step_ms: t.step_s * 1000,
		classes: t.series.map((s) => s.name),
		buckets: Array.from({ length: n }, (_, i) =>
			t.series.map((s) => s.counts[i] ?? 0)),
	};
}

export class ListStore {
	readonly state = new Cell<ListState>(NOTHING);
	readonly fresh = new Cell<Fresh>(NO_FRESH);
	/** null: not known yet. Without columns: the server has none to tell. */
	readonly columns = new Cell<ColumnInfo[] | null>(null);
	/** Where the table stood. */
	scrollTop = 0;
	at = -1;
	/** Told by the page: whether the table is being read. */
	isRead = () => true;
	private keys = new Set<string>();
	/** The first page as it is now, where it differs from the rows. */
	private waiting: Page | null = null;
	private stop: AbortController | null = null;
	private timer = 0;
	private watched = 0;
	private picturedAt = 0;
	/** The pictures are older than the rows. */
	private pictureDue = false;
	/** The server's, when the first page was read last. */
	private version: unknown = undefined;
	private figures = false;

	constructor(readonly spec: ListSpec) {
		const retry = () => {
			const s = this.state.get();
			if (s.lost && s.asked && !api.awaySince.get() &&
				!session.get().ended)
				this.ask(s.asked, true);
		};
		api.awaySince.watch(retry);
		session.watch(retry);
	}

	private put(part: Partial<ListState>): void {
		this.state.set({ ...this.state.get(), ...part });
	}

	async readColumns(): Promise<void> {
		if (this.columns.get())
			return;
		try {
			const answer = await api.columns(this.spec.id);
			this.columns.set(answer.columns);
		} catch (e) {
			if (e instanceof api.ApiError && e.status === 404)
				this.columns.set([]);
		}
	}

	/** What the server is asked; relative times as of now. */
	args(asked = this.state.get().asked, csv = false): api.Args {
		if (!asked)
			return {};
		const now = Date.now();
		const text = (t: string) => {
			const ms = resolve(t, now);
			return ms === null || !isFinite(ms) ? "" :
				new Date(ms).toISOString();
		};
		const out: api.Args = { q: asked.q };
		if (this.spec.moment && asked.at !== WHOLE_SPAN) {
			out.at = text(asked.at);
		} else {
			out.from = text(asked.from);
			out.to = text(asked.to);
			// Without any time they would be those of now.
			if (this.spec.moment && !out.from && !out.to)
				out.from = new Date(0).toISOString();
		}
		for (const name of asked.on.split(","))
			if (name)
				out[name] = 1;
		if (asked.sort) {
			out.sort = asked.sort;
			out.order = asked.ascending ? "asc" : "desc";
		} else if (csv) {
			out.order = "desc";
		}
		return out;
	}

	/** Ask, unless this is what was asked last. */
	ask(asked: Asked, again = false): void {
		const was = this.state.get();
		const same = !!was.asked && (Object.keys(asked) as (keyof Asked)[])
			.every((k) => was.asked![k] === asked[k]);
		if (same && !again)
			return;
		this.stop?.abort();
		this.stop = new AbortController();
		this.scrollTop = 0;
		this.at = -1;
		this.waiting = null;
		this.fresh.set(NO_FRESH);
		const counted = same || (!!was.asked && was.asked.q === asked.q &&
			was.asked.from === asked.from && was.asked.to === asked.to &&
			was.asked.at === asked.at && was.asked.on === asked.on);
		this.state.set({
			...NOTHING, asked,
			// The old stays until the new one is there.
			rows: counted ? was.rows : [],
			picture: counted ? was.picture : null,
			facets: was.facets, readAt: was.readAt, loading: true,
			pictureLoading: true,
		});
		void this.read(this.stop.signal, "");
		void this.readPictures(this.stop.signal);
	}

	private async read(signal: AbortSignal, cursor: string): Promise<void> {
		try {
			let at = cursor;
			let got = 0;
			for (;;) {
				const page = await api.rows(this.spec.id,
					{ ...this.args(), limit: PAGE, cursor: at }, signal);
				if (at === "")
					this.version = page.version;
				this.add(page.rows, at === "");
				got += page.rows.length;
				// Stopped by its time limit: go on from there until
				// there is a page full.
				const on = page.cursor && page.cursor !== at;
				const full = !on || got >= PAGE || page.complete;
				this.put({
					cursor: on ? page.cursor : "", error: null,
					readAt: Date.now(), lost: false,
					why: page.complete ? "" : page.why,
					...(full ? { loading: false, ended: !on ||
						(!page.more && page.complete) } : {}),
				});
				if (full)
					return;
				at = page.cursor;
			}
		} catch (e) {
			this.failed(e as Error);
		}
	}

	private add(rows: ListRow[], first: boolean): void {
		if (first)
			this.keys = new Set();
		const fresh = rows.filter((r) => {
			const key = this.spec.keyOf(r);
			if (this.keys.has(key))
				return false;
			this.keys.add(key);
			return true;
		});
		this.put({ rows: first ? fresh :
			this.state.get().rows.concat(fresh) });
	}

	private failed(e: Error): void {
		if (e.name === "AbortError")
			return;
		const error = e instanceof api.ApiError && e.status !== 401 ? e :
			null;
		this.put({
			loading: false, pictureLoading: false, error,
			lost: !error,
			// What was refused has no rows; the server away has.
			...(error ? { rows: [], picture: null } : {}),
		});
	}

	/** Which column a figure is counted by, of those there are. */
	columnOf(look: FacetLook): string {
		const names = this.columns.get();
		return look.by.find((name) => !names?.length ||
			names.some((c) => c.name === name)) ?? "";
	}

	/** Whether the figures are looked at. */
	showFigures(on: boolean): void {
		const was = this.figures;
		this.figures = on;
		if (on && !was && this.stop)
			void this.readFacets(this.stop.signal);
	}

	private async readPictures(signal: AbortSignal): Promise<void> {
		this.picturedAt = Date.now();
		this.pictureDue = false;
		await Promise.all([this.readTimeline(signal), this.figures ?
			this.readFacets(signal) : null]);
	}

	private async readTimeline(signal: AbortSignal): Promise<void> {
		const { series, id } = this.spec;
		const asked = this.state.get().asked;
		if (!series || !asked) {
			this.put({ pictureLoading: false });
			return;
		}
		// Of another list only the span is the same.
		const args = series.of ? { from: asked.from === "all" ? "" :
			asked.from, to: asked.to } : this.args();
		delete (args as api.Args).sort;
		delete (args as api.Args).order;
		try {
			const t = await api.timeline(series.of ?? id, args, series.by,
				BUCKETS, signal);
			this.put({ picture: pictured(t), pictureLoading: false,
				pictureWhy: t.complete ? "" : t.why });
		} catch (e) {
			if ((e as Error).name !== "AbortError")
				this.put({ pictureLoading: false });
		}
	}

	private async readFacets(signal: AbortSignal): Promise<void> {
		for (const look of this.spec.facets) {
			const by = this.columnOf(look);
			const asked = this.state.get().asked;
			if (!by || !asked)
				continue;
			const args = this.args();
			delete args.sort;
			delete args.order;
			if (look.only)
				args.q = withTerm(asked.q, look.only);
			try {
				const f = await api.facet(this.spec.id, args, by,
					FACET_MOST, signal);
				this.put({ facets: new Map(this.state.get().facets)
					.set(look.title, f) });
			} catch (e) {
				if ((e as Error).name === "AbortError" ||
					e instanceof api.Away)
					return;
			}
		}
	}

	/** Whether more rows could be read but no more are held. */
	tooMany(): boolean {
		return this.state.get().rows.length >= ROWS_MOST;
	}

	more(): void {
		const s = this.state.get();
		if (s.loading || s.ended || s.error || !s.cursor || !this.stop ||
			this.tooMany() || api.awaySince.get())
			return;
		this.put({ loading: true });
		void this.read(this.stop.signal, s.cursor);
	}

	/** Look for what is new until the returned function is called. */
	watch(): () => void {
		this.watched++;
		this.plan(POLL_MS);
		return () => {
			if (--this.watched === 0) {
				clearTimeout(this.timer);
				this.timer = 0;
			}
		};
	}

	private plan(ms: number): void {
		if (!this.timer && this.watched)
			this.timer = window.setTimeout(() => void this.poll(), ms);
	}

	private async poll(): Promise<void> {
		const s = this.state.get();
		const began = performance.now();
		if (document.visibilityState === "visible" && s.asked &&
			!(this.spec.moment ? s.asked.at : s.asked.to) && !s.loading && !s.error &&
			!api.awaySince.get() && !session.get().ended && this.stop) {
			const { signal } = this.stop;
			try {
				await this.look(signal);
			} catch {
				// Away or refused: the next question says so.
			}
		}
		this.timer = 0;
		// A server that is slow is asked less often.
		this.plan(Math.max(POLL_MS, 4 * (performance.now() - began)));
	}

	/** One row tells whether anything changed. */
	private async look(signal: AbortSignal): Promise<void> {
		const one = await api.rows(this.spec.id,
			{ ...this.args(), limit: 1 }, signal);
		if (one.version === undefined || one.version !== this.version) {
			const page = await api.rows(this.spec.id,
				{ ...this.args(), limit: PAGE }, signal);
			// The next page is on its way: look again behind it.
			if (signal.aborted || this.state.get().loading)
				return;
			this.version = page.version;
			this.compare(page);
		} else {
			this.put({ readAt: Date.now(), came: NOTHING.came });
			// The reader has gone since.
			if (this.waiting && !this.isRead())
				this.flow(this.waiting, true);
		}
		if (this.pictureDue && Date.now() - this.picturedAt > PICTURE_MS)
			void this.readPictures(signal);
	}

	/** The first page again: what changed is put in its place, what is new
	 * flows in, or waits until nobody reads or it is asked for. */
	private compare(page: Page): void {
		const now = new Map(page.rows.map((r) => [this.spec.keyOf(r), r]));
		const s = this.state.get();
		let changed = false;
		const list = s.rows.map((r) => {
			const other = now.get(this.spec.keyOf(r));
			if (!other || JSON.stringify(other) === JSON.stringify(r))
				return r;
			changed = true;
			return other;
		});
		const gone = new Set(this.spec.moment && isWhole(page) ? s.rows.map(
			this.spec.keyOf).filter((k) => !now.has(k)) : []);
		const count = page.rows.filter((r) => !this.keys.has(
			this.spec.keyOf(r))).length;
		this.pictureDue ||= changed || count !== this.fresh.get().count;
		this.put({ readAt: Date.now(), came: NOTHING.came,
			...(changed ? { rows: list } : {}),
			...(gone.size || s.gone.size ? { gone } : {}) });
		this.waiting = count || gone.size ? page : null;
		if (count && !this.isRead())
			this.flow(page, true);
		else if (count !== this.fresh.get().count)
			this.fresh.set({ count, more: page.more && count > 0 &&
				count === page.rows.length });
	}

	/** The first page takes the place of those of its rows that were there;
	 * the others stay behind it, unless there may be more between. */
	private flow(page: Page, byItself: boolean): void {
		const s = this.state.get();
		const { keyOf } = this.spec;
		const first = new Set(page.rows.map(keyOf));
		const joins = page.rows.some((r) => this.keys.has(keyOf(r)));
		const rest = !isWhole(page) && joins ? s.rows.filter((r) =>
			!first.has(keyOf(r))) : [];
		const rows = page.rows.concat(rest).slice(0, ROWS_MOST);
		const came = new Set([...first].filter((k) => !this.keys.has(k)));
		const current = s.rows[this.at];
		this.keys = new Set(rows.map(keyOf));
		this.at = current ? rows.findIndex((r) => keyOf(r) ===
			keyOf(current)) : -1;
		this.waiting = null;
		this.fresh.set(NO_FRESH);
		this.put({
			rows, came, gone: NOTHING.gone, flowed: byItself,
			...(rest.length ? { ended: s.ended &&
				rows.length < ROWS_MOST } : { cursor: page.cursor,
				ended: !page.cursor || isWhole(page) }),
		});
	}

	/** Put what is new where it belongs. @return whether anything was */
	showNew(): boolean {
		if (!this.waiting)
			return false;
		this.flow(this.waiting, false);
		if (this.stop)
			void this.readPictures(this.stop.signal);
		return true;
	}

	/** Forget everything, as when another person logs in. */
	reset(): void {
		this.stop?.abort();
		this.keys.clear();
		this.waiting = null;
		this.state.set(NOTHING);
		this.fresh.set(NO_FRESH);
	}
}
