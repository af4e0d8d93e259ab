// SPDX-License-Identifier: Apache-2.0
// The pages. A new one is a file beside this and a row here.
import type { ComponentType } from "preact";
import { AccountPage } from "./account";
import { CallPage } from "./call";
import { ConversationPage } from "./conversation";
import { listPage } from "./list";
import { PeoplePage } from "./people";
import { SearchPage } from "./search";
import { StatusPage } from "./status";
import { TracesPage } from "./traces";

export interface Page {
	/** In the address: #/ID. */
	id: string;
	title: string;
	/** g and this letter go there; "" for none. */
	key: string;
	icon: string;
	/** Reached from a row of this page, so not in the menu. */
	under?: string;
	/** The role that it takes; else any. */
	least?: string;
	/** The menu leaves a space above. */
	apart?: boolean;
	/** Looks at the span of time, though it is no list. */
	spanned?: boolean;
	component: ComponentType;
}

export const PAGES: Page[] = [
	{ id: "search", title: "Search", key: "s", icon: "search",
		component: SearchPage },
	{ id: "conversation", title: "Conversation", key: "", icon: "ladder",
		under: "search", component: ConversationPage },
	{ id: "sessions", title: "SIP Sessions", key: "i", icon: "sessions",
		apart: true, component: listPage("sessions") },
	{ id: "connections", title: "Connections", key: "o",
		icon: "connections", component: listPage("connections") },
	{ id: "accounts", title: "Registered Accounts", key: "a",
		icon: "accounts", component: listPage("accounts") },
	{ id: "account", title: "Account", key: "", icon: "accounts",
		under: "accounts", spanned: true, component: AccountPage },
	{ id: "web-sessions", title: "Web Sessions", key: "w", icon: "web",
		component: listPage("web-sessions") },
	{ id: "calls", title: "Call Detail Records", key: "c", icon: "calls",
		component: listPage("calls") },
	{ id: "call", title: "Call", key: "", icon: "calls", under: "calls",
		component: CallPage },
	{ id: "traces", title: "Traces", key: "r", icon: "trace", apart: true,
		component: TracesPage },
	{ id: "status", title: "Status", key: "t", icon: "status",
		component: StatusPage },
	{ id: "audit", title: "Audit", key: "d", icon: "audit", apart: true,
		least: "operator", component: listPage("audit") },
	{ id: "people", title: "Users & tokens", key: "u", icon: "user",
		component: PeoplePage },
];
