// SPDX-License-Identifier: Apache-2.0
// What a list consists of, as bars. Picking a bar filters the list.
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import type { FacetLook } from "../lists/spec";
import type { ListStore } from "../lists/store";
import { count, oneLine } from "../text";
import type { Facet, ListValue } from "../types";
import { Icon } from "./icon";
import type { Narrow } from "./ask";

function Bars(props: { look: FacetLook; facet: Facet;
	onNarrow: Narrow }) {
	const { look, facet, onNarrow } = props;
	const [folded, setFolded] = useState(false);
	const most = facet.values.reduce((n, v) => Math.max(n, v.count), 1);
	const name = (v: ListValue) => v === "" || v === null ||
		v === undefined ? "(none)" : oneLine(String(v));
	if (!facet.values.length)
		return null;
	return <section class="facet">
		<h3><button type="button" class="fold" aria-expanded={!folded}
			onClick={() => setFolded(!folded)}>
			<Icon name={folded ? "right" : "down"} size={11} />
			{look.title}</button></h3>
		{folded ? null : <ul>{facet.values.map((v) => {
			const value = v.value ?? "";
			return <li key={String(value)} class={look.css?.(
				String(value)) ?? "c-plain"}>
				<button type="button" class="bar-button"
					title={`Only ${name(value)}: ${count(v.count)}`}
					onClick={() => onNarrow(facet.by, value, "only")}>
					<svg aria-hidden="true" preserveAspectRatio="none"
						viewBox="0 0 100 1"><rect height="1" width={
							Math.max(v.count / most * 100, 1)} /></svg>
					<span class="cut">{name(value)}</span>
					<b class="num">{count(v.count)}</b>
				</button>
				<button type="button" class="not-button"
					aria-label={`Not ${name(value)}`}
					title={`Not ${name(value)}`}
					onClick={() => onNarrow(facet.by, value, "not")}>
					not</button>
			</li>;
		})}</ul>}
		{facet.complete ? null : <p class="hint"
			title={facet.why}>At least so many: {facet.why}</p>}
	</section>;
}

export function Facets(props: { store: ListStore; onNarrow: Narrow;
	onClose: () => void; covering: boolean }) {
	const { store } = props;
	const s = useCell(store.state);
	useCell(store.columns);
	useEffect(() => {
		store.showFigures(true);
		return () => store.showFigures(false);
	}, [store]);
	const shown = store.spec.facets.filter((l) => s.facets.get(l.title)
		?.values.length);
	return <aside class="facets" aria-label="Figures">
		<header class="facets-head"><h2>Figures</h2>
			<span class="spring" />
			<button type="button" class="button icon-only bare"
				title="Close (f)" aria-label="Close the figures"
				onClick={props.onClose}><Icon name="close" size={14} />
			</button></header>
		<div class="facets-body" tabIndex={0} role="region"
			aria-label="Figures of what matches">
			{shown.map((look) => <Bars key={look.title} look={look}
				facet={s.facets.get(look.title)!}
				onNarrow={(field, value, how) => {
					props.onNarrow(field, value, how);
					if (props.covering)
						props.onClose();
				}} />)}
			{shown.length ? null : <p class="muted">{s.rows.length ?
				"Counting…" : "Nothing to count."}</p>}
		</div>
	</aside>;
}
