// SPDX-License-Identifier: Apache-2.0
// The frame around every page: menu, search box, span of time.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { checkList, type ApiError } from "./api";
import { Cell, useCell } from "./cell";
import { Boundary } from "./components/boundary";
import { KeysHelp, SearchHelp } from "./components/help";
import { Menu } from "./components/menu";
import { Modal } from "./components/modal";
import {
	SearchBox, useMessageScope, type SearchScope,
} from "./components/searchbox";
import { TimePicker } from "./components/timepicker";
import { useKeys, type KeyBinding } from "./keys";
import { useMedia } from "./media";
import { resetLists, storeOf } from "./lists";
import { fieldsOf } from "./lists/spec";
import type { ListStore } from "./lists/store";
import { PAGES } from "./pages";
import { askAgain, setListQuery } from "./pages/list";
import { LoginForm, LoginPage } from "./pages/login";
import { setQuery } from "./pages/search";
import { change, go, hashOf, hashOfPage, route, shared } from "./router";
import { search } from "./search";
import { mayRead, session } from "./session";
import { zone } from "./settings";
import { shift, widen } from "./span";
import { oneLine } from "./text";
import { spanOf, type Span } from "./time";
import type { ColumnInfo, Message } from "./types";

const SEEN_MOST = 200;
const NO_COLUMNS = new Cell<ColumnInfo[] | null>(null);
const NO_STATE = new Cell<{ error: ApiError | null }>({ error: null });

/** Values that the rows on the screen have, for the box to propose. */
function seenValues(field: string): string[] {
	const column = field.replace(".", "_") as keyof Message;
	const wider: Record<string, (keyof Message)[]> = {
		user: ["from_user", "to_user", "auth_user"],
		ip: [], "src.ip": [], "dst.ip": [],
	};
	const columns = wider[field] ?? [column];
	const out = new Set<string>();
	for (const m of search.state.get().rows.slice(0, SEEN_MOST)) {
		for (const c of columns)
			if (m[c])
				out.add(String(m[c]));
		for (const [name, side] of [["src.ip", "src"], ["dst.ip", "dst"]] as
			const)
			if (field === "ip" || field === name)
				out.add(m[side].replace(/:\d+$/, ""));
	}
	return [...out].filter((v) => v);
}

/** The same of a list. */
function listValues(store: ListStore, field: string): string[] {
	return [...new Set(store.state.get().rows.slice(0, SEEN_MOST)
		.map((r) => r[field]).filter((v) => v !== "" && v !== null &&
			v !== undefined && typeof v !== "boolean").map(String))];
}

function useListScope(store: ListStore | undefined): SearchScope | null {
	const infos = useCell(store?.columns ?? NO_COLUMNS);
	return useMemo(() => store ? {
		name: store.spec.id, fields: fieldsOf(infos ?? []),
		check: (q, signal) => checkList(store.spec.id, q, signal),
		placeholder: store.spec.placeholder,
	} : null, [store, infos]);
}

function sameSpan(span: Span): void {
	change({ from: span.from, to: span.to || null, sel: null });
}

function Ended() {
	const s = useCell(session);
	return <Modal title="Your log-in has ended" onClose={() => {
		// Closing without logging in leaves the page to read.
	}}>
		<p class="muted">Log in again to go on where you are.</p>
		<LoginForm name={s.me?.name ?? ""} title="" />
	</Modal>;
}

function Shell() {
	const r = useCell(route);
	const s = useCell(session);
	const state = useCell(search.state);
	const narrow = useMedia("(max-width: 720px)");
	const [help, setHelp] = useState<"" | "keys" | "search">("");
	const [opener, setOpener] = useState(0);
	const page = PAGES.find((p) => p.id === r.page && mayRead(p.least));
	const store = storeOf(page?.id ?? "");
	const listState = useCell<{ error: ApiError | null }>(
		store?.state ?? NO_STATE);
	const messages = useMessageScope();
	const listScope = useListScope(store);
	const spanned = r.page === "search" || !!store;
	const onSearch = useCallback((q: string) => {
		const now = route.get();
		if (storeOf(now.page)) {
			setListQuery(q);
			return;
		}
		// Enter on the same expression asks again.
		if (now.page === "search" && (now.params.get("q") ?? "") === q)
			search.ask(q, spanOf(now.params), true);
		else
			setQuery(q);
	}, []);
	const again = () => {
		const now = route.get();
		const list = storeOf(now.page);
		if (list)
			askAgain(list);
		else
			search.ask(now.params.get("q") ?? "", spanOf(now.params), true);
	};
	useEffect(() => {
		const what = r.page === "conversation" ? oneLine(r.rest) :
			page?.title ?? "";
		document.title = what ? `${what} – Earshot` : "Earshot";
	}, [r]);
	useEffect(() => {
		if (!page)
			go(hashOf("search", "", shared()), "replace");
	}, [page]);

	const keys: KeyBinding[] = [
		{ key: "/", group: "Everywhere", help: "search",
			run: () => {
				const box = document.getElementById("search") as
					HTMLInputElement | null;
				box?.focus();
				box?.select();
			} },
		{ key: "?", group: "Everywhere", help: "this sheet",
			run: () => setHelp("keys") },
		...PAGES.filter((p) => p.key && mayRead(p.least)).map(
			(p): KeyBinding => ({
				key: `g ${p.key}`, group: "Everywhere", help: p.title,
				run: () => go(hashOfPage(p.id)),
			})),
		{ key: "u", group: "Time", help: "local time or UTC",
			run: () => zone.set(zone.get() === "utc" ? "local" :
				"utc") },
	];
	const spanKeys: KeyBinding[] = [
		{ key: "[", group: "Time", help: "half a span earlier",
			run: () => shift(-0.5) },
		{ key: "]", group: "Time", help: "half a span later",
			run: () => shift(0.5) },
		{ key: "t", group: "Time", help: "choose the span",
			run: () => setOpener(opener + 1) },
		{ key: "r", group: "Time", help: "search again", run: again },
		{ key: "-", group: "Time", help: "twice as long",
			run: widen },
	];
	useKeys(spanned ? [...keys, ...spanKeys] : keys);
	const Content = page?.component;
	return <div class={"shell" + (narrow ? " narrow" : "")}>
		<Menu narrow={narrow} onKeys={() => setHelp("keys")} />
		<div class="main-side">
			<header class="topbar">
				<SearchBox q={store ? r.params.get("q") ?? "" :
					shared().q ?? ""}
					scope={listScope ?? messages}
					error={store ? listState.error :
						r.page === "search" ? state.error : null}
					seen={(name) => store ? listValues(store, name) :
						seenValues(name)}
					onSearch={onSearch}
					onHelp={() => setHelp("search")} />
				<TimePicker span={spanOf(r.params)} opener={opener}
					full={spanned}
					onSpan={(span) => spanned || page?.spanned ?
						sameSpan(span) : go(hashOf("search", "", {
							...shared(), from: span.from,
							to: span.to || null,
						}))}
					onMove={shift} onWiden={widen}
					onNow={again} />
			</header>
			<main class="content"><Boundary key={r.page}>
				{Content ? <Content /> : null}</Boundary></main>
		</div>
		{help === "keys" ? <KeysHelp onClose={() => setHelp("")} /> : null}
		{help === "search" ? <SearchHelp onClose={() => setHelp("")}
			spec={store?.spec ?? null}
			fields={(listScope ?? messages).fields} onTry={(q) => {
				setHelp("");
				onSearch(q);
			}} /> : null}
		{s.ended ? <Ended /> : null}
	</div>;
}

export function App() {
	const s = useCell(session);
	useEffect(() => {
		if (s.state === "out") {
			search.reset();
			resetLists();
		}
	}, [s.state]);
	if (s.state === "ask")
		return <LoadingPage />;
	if (s.state === "out" || s.me?.must_change)
		return <LoginPage />;
	return <Shell />;
}

function LoadingPage() {
	return <main class="login-page"><p class="muted" role="status">
		Asking the server…</p></main>;
}
