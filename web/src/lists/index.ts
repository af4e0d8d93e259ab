// SPDX-License-Identifier: Apache-2.0
// The lists that there are, each with its state. A new list is a
// description and a row here, and a row in pages/index.ts.
import { ACCOUNTS } from "./accounts";
import { CALLS } from "./calls";
import { CONNECTIONS } from "./connections";
import { SESSIONS } from "./sessions";
import { ListStore } from "./store";
import { AUDIT, WEB_SESSIONS } from "./web";

const stores = new Map([SESSIONS, CONNECTIONS, ACCOUNTS, CALLS, WEB_SESSIONS,
	AUDIT].map((spec) => [spec.id, new ListStore(spec)]));

/** The list of a page, if it is one. */
export function storeOf(page: string): ListStore | undefined {
	return stores.get(page);
}

export function resetLists(): void {
	for (const store of stores.values())
		store.reset();
}
