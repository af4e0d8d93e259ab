// SPDX-License-Identifier: Apache-2.0
// What a list is: where it comes from, what it is called, which of its
// columns are shown first and how, what its pictures count. Everything else
// about a list is the same for all: store.ts and pages/list.tsx.
import type { ComponentChildren } from "preact";
import type { Column } from "../components/table";
import type { Kinds } from "../components/histogram";
import { zone } from "../settings";
import { oneLine } from "../text";
import { millis, timeText, zoneName } from "../time";
import type { ColumnInfo, Field, ListRow, ListValue } from "../types";

/** How a column that the page knows is shown. */
export interface Look {
	name: string;
	/** Only where the server tells no columns. */
	title?: string;
	type?: string;
	least: number;
	grow?: number;
	mono?: boolean;
	usual?: boolean;
	card?: Exclude<Column<ListRow>["card"], boolean | undefined>;
	/** A time to the second. */
	coarse?: boolean;
	/** Nobody filters by it. */
	mute?: boolean;
	/** Its cell is a link that filters. */
	linked?: boolean;
	cell?: (row: ListRow, card: boolean) => ComponentChildren;
	/** The values to offer, where the text holds several. */
	ask?: (row: ListRow) => string | number | boolean;
}

export interface FacetLook {
	/** Columns; the first that the server has is counted. */
	by: string[];
	title: string;
	/** Counts only these. */
	only?: string;
	css?: (value: string) => string;
}

/** A switch beside the list: a parameter that is "1" or absent. */
export interface Switch {
	param: string;
	title: string;
	help: string;
}

export interface ListSpec {
	/** In the address and in the API. */
	id: string;
	title: string;
	/** One row, several. */
	one: string;
	many: string;
	looks: Look[];
	keyOf: (row: ListRow) => string;
	rowClass?: (row: ListRow) => string;
	/** What the picture over time stacks; of which list, if of another. */
	series?: { by: string; of?: string; kinds: Kinds; label: string };
	facets: FacetLook[];
	switches?: Switch[];
	/** Has no span but a moment: as of now, or as of then. */
	moment?: boolean;
	/** Of this console itself: there without any message. */
	own?: boolean;
	/** What is said above the table. */
	note?: () => ComponentChildren;
	placeholder: string;
	examples?: [string, string][];
	/** Where a row leads: its address, and what the button says. */
	leads?: (row: ListRow) => { href: string; words: string;
		icon: string } | null;
	/** Above the facts in the panel. */
	panel?: (row: ListRow) => ComponentChildren;
	/** The headline of the panel. */
	head: (row: ListRow) => ComponentChildren;
	/** Nothing is there although messages are: how rows come about. */
	empty: ComponentChildren;
}

export type Kind = "text" | "number" | "time" | "bool" | "enum" | "address";

export function kindOf(type: string): Kind {
	const t = type.toLowerCase();
	return /^(yes or no|bool)/.test(t) ? "bool" :
		/^time/.test(t) ? "time" :
			/^(number|int|port)/.test(t) ? "number" :
				/^(one of|enum)/.test(t) ? "enum" :
					/^addr/.test(t) ? "address" : "text";
}

const FIELD_TYPES: Record<Kind, string> = {
	text: "text", number: "number", time: "time", bool: "yes or no",
	enum: "one of", address: "address and port",
};

/** The columns as names of the expression language. */
export function fieldsOf(infos: ColumnInfo[]): Field[] {
	return infos.map((c) => ({
		name: c.name, type: FIELD_TYPES[kindOf(c.type)], help: c.help ||
			c.title, values: c.words ?? null,
	}));
}

/** What stands in the name of a column is the unit of its numbers. */
function unitOf(name: string): string {
	return /_s$/.test(name) ? "s" : /_ms$/.test(name) ? "ms" : "";
}

export function textOf(info: Pick<ColumnInfo, "name" | "type">,
	value: ListValue, coarse = false): string {
	if (value === null || value === undefined || value === "")
		return "";
	switch (kindOf(info.type)) {
	case "time":
		return timeText(millis(String(value)), zone.get(), !coarse);
	case "bool":
		return value === true ? "yes" : "no";
	case "number": {
		const unit = unitOf(info.name);
		return String(value) + (unit ? "\u00a0" + unit : "");
	}
	default:
		return oneLine(String(value));
	}
}

/** What the server has, as the page shows it; unknown ones come last. */
export function columnsOf(spec: ListSpec, infos: ColumnInfo[]):
	Column<ListRow>[] {
	const known = infos.length ? infos : spec.looks.map((l): ColumnInfo => (
		{ name: l.name, title: l.title ?? l.name, type: l.type ?? "text",
			help: "", sorts: false }));
	const order = new Map(spec.looks.map((l, i) => [l.name, i]));
	return known.slice().sort((a, b) => (order.get(a.name) ?? 1e3) -
		(order.get(b.name) ?? 1e3)).map((c): Column<ListRow> => {
		const look = spec.looks.find((l) => l.name === c.name);
		const kind = kindOf(c.type);
		const ask = look?.ask ?? ((row: ListRow) => row[c.name] ?? "");
		return {
			id: c.name, title: c.title, help: c.help,
			least: look?.least ?? (kind === "time" ? 168 : 96),
			grow: look?.grow ?? (look || kind === "time" ||
				kind === "number" ? 0 : 0.8),
			right: kind === "number",
			mono: look?.mono ?? (kind !== "text" && kind !== "enum" &&
				kind !== "bool"),
			usual: look?.usual ?? false, sorts: c.sorts,
			...(kind === "time" ? { unit: zoneName(zone.get()) } : {}),
			...(look?.card ? { card: look.card } : {}),
			linked: look?.linked ?? false,
			value: (row) => textOf(c, row[c.name], look?.coarse),
			...(look?.cell ? { cell: look.cell } : {}),
			...(look?.mute || kind === "time" ? {} :
				{ field: c.name, ask }),
		};
	});
}
