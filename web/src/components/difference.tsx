// SPDX-License-Identifier: Apache-2.0
// Two messages compared, header by header.
import { useState } from "preact/hooks";
import { cssClass } from "../classes";
import { diff, split } from "../diff";
import { cut, oneLine, visible } from "../text";
import type { LadderMessage } from "../types";
import { Time } from "./time";

const LONG = 2000;

function Side(props: { value: string | null; other: string | null;
	mine: "a" | "b" }) {
	const { value, other, mine } = props;
	if (value === null)
		return <span class="muted">not there</span>;
	const text = cut(value, LONG);
	if (other === null)
		return <mark class={"only-" + mine}>{visible(text)}</mark>;
	const [head, a, b, tail] = split(mine === "a" ? text : cut(other, LONG),
		mine === "a" ? cut(other, LONG) : text);
	const own = mine === "a" ? a : b;
	return <>{visible(head)}{own ? <mark class={"only-" + mine}>
		{visible(own)}</mark> : null}{visible(tail)}</>;
}

export function Difference(props: { a: LadderMessage; b: LadderMessage }) {
	const [all, setAll] = useState(false);
	const rows = diff(props.a.raw, props.b.raw);
	const shown = all ? rows : rows.filter((r) => !r.same);
	const same = rows.length - rows.filter((r) => !r.same).length;
	return <section class="difference" aria-label="Difference">
		<table>
			<thead><tr><th scope="col"><span class="off-screen">Part</span>
			</th>
			{[props.a, props.b].map((m, i) => <th scope="col" key={i}>
				<span class={"badge " + cssClass(m.class)}>
					<i class="dot" />{oneLine(m.label)}</span>{" "}
				<Time at={m.at} short /></th>)}</tr></thead>
			<tbody>
				{shown.map((r, i) => <tr key={i} class={r.same ? "same" :
					""}>
					<th scope="row" class="t-name mono">
						{visible(r.name)}</th>
					{r.same ? <td class="mono" colSpan={2}>
						{visible(cut(r.a ?? "", LONG))}</td> : <>
						<td class="mono"><Side value={r.a} other={r.b}
							mine="a" /></td>
						<td class="mono"><Side value={r.b} other={r.a}
							mine="b" /></td></>}
				</tr>)}
			</tbody>
		</table>
		{shown.length ? null : <p class="muted">The two are equal.</p>}
		{same ? <button type="button" class="button small"
			onClick={() => setAll(!all)}>{all ? "Differences only" :
				`Show the ${same} equal parts too`}</button> : null}
	</section>;
}
