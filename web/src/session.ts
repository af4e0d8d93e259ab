// SPDX-License-Identifier: Apache-2.0
// Who is logged in. A log-in that ends in the middle of work leaves the page
// standing and asks for the password above it.
import * as api from "./api";
import { Cell } from "./cell";
import type { Field, Me } from "./types";

export interface Session {
	/** "ask": not known yet. */
	state: "ask" | "out" | "in";
	me: Me | null;
	/** The log-in ended while working. */
	ended: boolean;
}

export const session = new Cell<Session>({
	state: "ask", me: null, ended: false,
});

/** From the least to the most. */
export const ROLES = ["viewer", "operator", "admin"];

/** Whether who is logged in has at least this role. */
export function mayRead(least: string | undefined): boolean {
	return !least || ROLES.indexOf(session.get().me?.role ?? "") >=
		ROLES.indexOf(least);
}

/** The names of the expression language, once known. */
export const fieldList = new Cell<Field[]>([]);

const RETRY_MS = 3000;

api.onLoggedOut.call = () => {
	const s = session.get();
	if (s.state === "in" && !s.ended)
		session.set({ ...s, ended: true });
	else if (s.state === "ask")
		session.set({ state: "out", me: null, ended: false });
};

function loadFields(): void {
	if (fieldList.get().length === 0)
		api.fields().then((f) => fieldList.set(f), () => undefined);
}

export function entered(me: Me): void {
	session.set({ state: "in", me, ended: false });
	if (!me.must_change)
		loadFields();
}

export async function begin(): Promise<void> {
	try {
		entered(await api.me());
	} catch (e) {
		if (e instanceof api.Away)
			setTimeout(begin, RETRY_MS);
		else if (session.get().state === "ask")
			session.set({ state: "out", me: null, ended: false });
	}
}

export async function leave(): Promise<void> {
	try {
		await api.logout();
	} catch {
		// Gone already, or the server is: out all the same.
	}
	session.set({ state: "out", me: null, ended: false });
}

// While the server is away, ask now and then whether it is back.
api.awaySince.watch(() => {
	if (!api.awaySince.get())
		return;
	const ask = () => {
		if (api.awaySince.get())
			api.me().then(undefined, () => {
				if (api.awaySince.get())
					setTimeout(ask, RETRY_MS);
			});
	};
	setTimeout(ask, RETRY_MS);
});
