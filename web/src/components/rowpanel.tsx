// SPDX-License-Identifier: Apache-2.0
// The panel beside a list: everything that is known of one row. Each value
// can be put into the filter.
import { useCell } from "../cell";
import type { ListSpec } from "../lists/spec";
import { kindOf, textOf } from "../lists/spec";
import { zone } from "../settings";
import { exactText } from "../time";
import type { ColumnInfo, ListRow } from "../types";
import { Ask, type Narrow } from "./ask";
import { Icon } from "./icon";

function Fact(props: { info: ColumnInfo; row: ListRow;
	onNarrow: Narrow }) {
	const { info, row } = props;
	const value = row[info.name];
	const text = textOf(info, value);
	// What is as usual, and what stands there twice, is left out.
	if (text === "" || value === false || /_ms$/.test(info.name))
		return null;
	const kind = kindOf(info.type);
	const at = kind === "time" ? exactText(String(value)) : "";
	// One of several at a time: none is all of them.
	const all = info.name === "peername" ? String(value).split(",") :
		[value as string | number | boolean];
	return <>
		<dt title={info.help}>{info.title}</dt>
		{all.map((one, i) => <dd key={i} class={"asked" +
			(kind === "text" || kind === "enum" || kind === "bool" ? "" :
				" mono")}>
			<span class="v" title={at || undefined}>{all.length > 1 ?
				textOf(info, one) : text}</span>
			{kind === "time" ? null : <Ask
				field={info.name} value={one} title={info.title}
				onNarrow={props.onNarrow} />}
		</dd>)}
	</>;
}

export function RowPanel(props: { spec: ListSpec; infos: ColumnInfo[];
	row: ListRow; gone: boolean; onClose: () => void;
	onNarrow: Narrow }) {
	const { spec, row } = props;
	useCell(zone);
	const infos = props.infos.length ? props.infos : spec.looks.map((l) => (
		{ name: l.name, title: l.title ?? l.name, type: l.type ?? "text",
			help: "", sorts: false }));
	const lead = spec.leads?.(row);
	return <aside class="detail row-panel" aria-label={spec.one}>
		<header class="detail-head">
			<h2>{spec.head(row)}</h2>
			<span class="spring" />
			{lead ? <a class="button primary" href={lead.href}
				title={`${lead.words} (Enter)`}>
				<Icon name={lead.icon} size={14} />{lead.words}</a> :
				null}
			<button type="button" class="button icon-only"
				title="Close (Esc)" aria-label="Close"
				onClick={props.onClose}><Icon name="close" /></button>
		</header>
		<div class="detail-body" tabIndex={0} role="region"
			aria-label={`${spec.one}, details`}>
			{props.gone ? <p class="note-line warn">It is no longer in
				the list.</p> : null}
			{spec.panel?.(row)}
			<dl class="facts">{infos.map((info) => <Fact key={info.name}
				info={info} row={row}
				onNarrow={props.onNarrow} />)}</dl>
		</div>
	</aside>;
}
