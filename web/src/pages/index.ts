// SPDX-License-Identifier: Apache-2.0
// The pages. A new one is a file beside this and a row here.
import type { ComponentType } from "preact";
import { ConversationPage } from "./conversation";
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
	/** In the menu; others are reached from a row. */
	menu: boolean;
	component: ComponentType;
}

export const PAGES: Page[] = [
	{ id: "search", title: "Search", key: "s", icon: "search", menu: true,
		component: SearchPage },
	{ id: "conversation", title: "Conversation", key: "", icon: "ladder",
		menu: false, component: ConversationPage },
	{ id: "traces", title: "Traces", key: "r", icon: "trace", menu: true,
		component: TracesPage },
	{ id: "status", title: "Status", key: "t", icon: "status", menu: true,
		component: StatusPage },
];
