// SPDX-License-Identifier: Apache-2.0
// The usual questions as a form that writes the expression.
import { useEffect, useState } from "preact/hooks";
import { FORM, readForm, writeForm } from "../form";

export function QueryForm(props: { q: string;
	onSearch: (q: string) => void }) {
	const now = readForm(props.q);
	const [draft, setDraft] = useState<Record<string, string>>(now ?? {});
	useEffect(() => setDraft(readForm(props.q) ?? {}), [props.q]);
	const apply = () => {
		let q = props.q;
		for (const f of FORM) {
			const value = (draft[f.id] ?? "").trim();
			if (value !== (now?.[f.id] ?? ""))
				q = writeForm(q, f.id, value);
		}
		if (q !== props.q)
			props.onSearch(q);
	};
	return <form class="query-form" aria-label="Search form"
		onSubmit={(e) => {
			e.preventDefault();
			apply();
		}}>
		{FORM.map((f) => <label key={f.id} class={"f-" + f.id}>{f.label}
			<input class="mono" value={draft[f.id] ?? ""}
				placeholder={f.hint} spellcheck={false}
				autocapitalize="off" list={f.id === "method" ?
					"methods" : undefined}
				onInput={(e) => setDraft({
					...draft, [f.id]: e.currentTarget.value,
				})} onBlur={apply} /></label>)}
		<datalist id="methods">
			{["INVITE", "REGISTER", "BYE", "CANCEL", "OPTIONS", "MESSAGE",
				"SUBSCRIBE", "NOTIFY", "REFER", "UPDATE", "INFO",
				"PRACK", "ACK"].map((m) => <option key={m} value={m} />)}
		</datalist>
		<button class="button primary">Search</button>
		{now === null ? <p class="hint">The expression joins by “or”: what
			you fill in is added with “and”.</p> : null}
	</form>;
}
