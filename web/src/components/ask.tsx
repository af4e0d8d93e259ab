// SPDX-License-Identifier: Apache-2.0
// "only" and "not" beside a value: puts it into the search.
export type AskValue = string | number | boolean;

export type Narrow = (field: string, value: AskValue,
	how: "only" | "not") => void;

export function Ask(props: { field: string; value: AskValue; title: string;
	onNarrow: Narrow; skip?: boolean;
	/** The value is a link that says "only". */
	linked?: boolean }) {
	const { field, value } = props;
	const hows = props.linked ? ["not"] as const :
		["only", "not"] as const;
	if (value === "")
		return null;
	return <span class="ask">
		{hows.map((how) => <button type="button"
			key={how} tabIndex={props.skip ? -1 : 0}
			title={`${field} ${how === "only" ? "==" : "!="} ` +
				String(value).slice(0, 80)}
			aria-label={`${how} this ${props.title}`}
			onClick={(e) => {
				e.stopPropagation();
				props.onNarrow(field, value, how);
			}}>{how}</button>)}
	</span>;
}
