// SPDX-License-Identifier: Apache-2.0
// The calls of docs/api.md. Each throws ApiError (the server said no) or
// Away (it said nothing); session.ts hears of both.
import { Cell } from "./cell";
import type {
	AccountStory, CallStory, ColumnInfo, Conversation, Facet, Field,
	FullMessage, Histogram, ListPage, Me, MessagePage, Mirror, Status,
	Timeline, Token, TraceList, TraceOrder, User,
} from "./types";

const BASE = "api/v1/";

export class ApiError extends Error {
	constructor(message: string, readonly status: number,
		readonly offset: number | null, readonly retryAfter: number) {
		super(message);
	}
}

export class Away extends Error {
	constructor() {
		super("the server does not answer");
	}
}

/** Since when the server has not answered; 0 when it does. */
export const awaySince = new Cell<number>(0);

/** Told when the server no longer knows our log-in. */
export const onLoggedOut: { call: () => void } = { call: () => undefined };

export type Args = Record<string, string | number | null | undefined>;

function url(path: string, args: Args = {}): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(args))
		if (value !== null && value !== undefined && value !== "")
			query.set(name, String(value));
	const tail = query.toString();
	return BASE + path + (tail ? "?" + tail : "");
}

async function failure(answer: Response): Promise<ApiError> {
	let body: { error?: string; offset?: number; retry_after_s?: number } =
		{};
	try {
		body = await answer.json();
	} catch {
		// No JSON: some proxy's page; the status says enough.
	}
	return new ApiError(body.error ?? `the server answered ${answer.status}`,
		answer.status, body.offset ?? null, body.retry_after_s ?? 0);
}

// What a page asks by itself, to stay fresh, does not keep a log-in alive.
const IDLE_MS = 60_000;
let acted = 0;

if (typeof window !== "undefined")
	for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"])
		window.addEventListener(kind, () => {
			acted = Date.now();
		}, { capture: true, passive: true });

function headers(init: RequestInit): HeadersInit {
	return { ...init.headers as Record<string, string> | undefined,
		...(Date.now() - acted > IDLE_MS
			? { "X-Earshot-Idle": "1" } : {}) };
}

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
	let answer: Response;
	try {
		answer = await fetch(path, {
			credentials: "same-origin", cache: "no-store", ...init,
			headers: headers(init),
		});
	} catch (e) {
		if ((e as Error).name === "AbortError")
			throw e;
		if (!awaySince.get())
			awaySince.set(Date.now());
		throw new Away();
	}
	awaySince.set(0);
	if (!answer.ok) {
		const error = await failure(answer);
		if (answer.status === 401 && !path.endsWith("/login"))
			onLoggedOut.call();
		throw error;
	}
	try {
		return await answer.json() as T;
	} catch (e) {
		if ((e as Error).name === "AbortError")
			throw e;
		throw new ApiError("the answer was cut off", answer.status, null,
			0);
	}
}

function post<T>(path: string, body: unknown): Promise<T> {
	return call<T>(BASE + path, {
		method: "POST",
		headers: { "Content-Type": "application/json", "X-Earshot": "1" },
		body: JSON.stringify(body),
	});
}

export interface Asked {
	q: string;
	from: string;
	to: string;
}

export function login(name: string, password: string): Promise<Me> {
	return post("login", { name, password });
}

export function logout(): Promise<unknown> {
	return post("logout", {});
}

export function changePassword(old: string, now: string): Promise<unknown> {
	return post("password", { old, new: now });
}

export function me(): Promise<Me> {
	return call(url("me"));
}

export function fields(): Promise<Field[]> {
	return call(url("fields"));
}

export function check(q: string, signal: AbortSignal):
	Promise<{ ok: boolean; offset?: number; error?: string }> {
	return call(url("check", { q }), { signal });
}

/** The same over the columns of a list. */
export function checkList(list: string, q: string, signal: AbortSignal):
	ReturnType<typeof check> {
	return call(url(`${list}/check`, { q }), { signal });
}

export function messages(asked: Asked, limit: number, cursor: string,
	signal: AbortSignal): Promise<MessagePage> {
	return call(url("messages", { ...asked, limit, cursor }), { signal });
}

export function histogram(asked: Asked, buckets: number,
	signal: AbortSignal): Promise<Histogram> {
	return call(url("histogram", { ...asked, buckets }), { signal });
}

export function message(id: string, signal: AbortSignal):
	Promise<FullMessage> {
	return call(url("messages/" + encodeURIComponent(id)), { signal });
}

export function conversation(callId: string, signal: AbortSignal):
	Promise<Conversation> {
	return call(url("conversation", { call_id: callId }), { signal });
}

export function status(signal?: AbortSignal): Promise<Status> {
	return call(url("status"), signal ? { signal } : {});
}

export function traces(signal: AbortSignal): Promise<TraceList> {
	return call(url("traces"), { signal });
}

export function mirrors(signal: AbortSignal):
	Promise<{ mirrors: Mirror[] }> {
	return call(url("mirrors"), { signal });
}

export function startTrace(order: TraceOrder):
	Promise<{ name: string; until: string | null }> {
	return post("traces", order);
}

export function changeTrace(name: string,
	how: "stop" | "on" | "off"): Promise<unknown> {
	return post(`traces/${encodeURIComponent(name)}/${how}`, {});
}

/** The global switch. */
export function switchTracing(on: boolean): Promise<{ on: boolean }> {
	return post("siptrace", { on });
}

/** Where a download comes from: a plain link. */
export function exportUrl(asked: Asked, format: string): string {
	return url("export", { ...asked, format });
}

export function followUrl(q: string): string {
	return url("follow", { q });
}

/** The columns of a list: its names in expressions, too. */
export function columns(list: string): Promise<{ columns: ColumnInfo[] }> {
	return call(url(`${list}/columns`));
}

export function rows(list: string, args: Args, signal: AbortSignal):
	Promise<ListPage> {
	return call(url(list, args), { signal });
}

export function facet(list: string, args: Args, by: string, most: number,
	signal: AbortSignal): Promise<Facet> {
	return call(url(`${list}/facet`, { ...args, by, most }), { signal });
}

export function timeline(list: string, args: Args, by: string,
	buckets: number, signal: AbortSignal): Promise<Timeline> {
	return call(url(`${list}/timeline`, { ...args, by, buckets }),
		{ signal });
}

/** Where the whole list comes from as a file: a plain link. */
export function csvUrl(list: string, args: Args): string {
	return url(list, { ...args, format: "csv" });
}

export function account(id: string, args: Args, signal: AbortSignal):
	Promise<AccountStory> {
	return call(url("accounts/" + encodeURIComponent(id), args),
		{ signal });
}

export function callStory(id: string, signal: AbortSignal):
	Promise<CallStory> {
	return call(url("calls/" + encodeURIComponent(id)), { signal });
}

export function users(signal?: AbortSignal): Promise<{ users: User[] }> {
	return call(url("users"), signal ? { signal } : {});
}

/** Without a password one is made up, and answered this once. */
export function addUser(name: string, role: string, password: string):
	Promise<{ password?: string }> {
	return post("users", password ? { name, role, password } :
		{ name, role });
}

/** "role", "password", "remove" or "unlock". */
export function changeUser(name: string, action: string,
	more: Record<string, string> = {}): Promise<{ password?: string }> {
	return post("users/" + encodeURIComponent(name), { action, ...more });
}

export function tokens(signal?: AbortSignal): Promise<{ tokens: Token[] }> {
	return call(url("tokens"), signal ? { signal } : {});
}

export interface TokenOrder {
	name: string;
	role: string;
	scopes: string[];
	/** A length of time from now, as "30d"; "" never. */
	expires: string;
}

/** The token itself is in this answer and never again. */
export function makeToken(order: TokenOrder): Promise<{ token: string }> {
	const { expires, ...rest } = order;
	return post("tokens", expires ? order : rest);
}

export function revokeToken(id: string | number): Promise<unknown> {
	return post("tokens/" + encodeURIComponent(String(id)),
		{ action: "revoke" });
}
