// SPDX-License-Identifier: Apache-2.0
// Two sheets: the keys that work here, and the expression language.
import { activeKeys, type KeyBinding } from "../keys";
import type { ListSpec } from "../lists/spec";
import type { Field } from "../types";
import { Modal } from "./modal";

const GROUPS: KeyBinding["group"][] = ["Everywhere", "Time", "List",
	"Ladder", "Message"];

const KEY_WORDS: Record<string, string> = {
	Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑",
};

export function KeysHelp(props: { onClose: () => void }) {
	const keys = activeKeys();
	return <Modal title="Keys" onClose={props.onClose}>
		<div class="keys-sheet">
			{GROUPS.map((group) => {
				const list = keys.filter((k) => k.group === group);
				return list.length ? <section key={group}>
					<h3>{group}</h3>
					<dl>{list.map((k) => <div key={k.key}>
						<dt>{k.key.split(" ").map((part, i) =>
							<kbd key={i}>{KEY_WORDS[part] ?? part}</kbd>)}
						</dt><dd>{k.help}</dd></div>)}</dl>
				</section> : null;
			})}
		</div>
	</Modal>;
}

const EXAMPLES: [string, string][] = [
	["user == sara", "From, To or credentials are sara's"],
	["method == INVITE and status >= 400", "calls that failed"],
	["call_id == \"a84b4c76e66710@host\"", "one conversation"],
	["ip in 10.0.0.0/8 and not method == OPTIONS",
		"a network, without the keep-alives"],
	["from.user ~ \"^49\"", "a regular expression"],
	["user_agent has snom", "contains, any case"],
	["status in (486, 487, 603)", "one of a list"],
	["\"ringing\"", "a word anywhere in the message"],
	["header.diversion", "the header is there"],
	["malformed", "breaks a rule of its protocol"],
];

export function SearchHelp(props: { onClose: () => void;
	/** The list that is asked; null: messages. */
	spec: ListSpec | null; fields: Field[];
	onTry: (q: string) => void }) {
	const { fields, spec } = props;
	return <Modal title="What can be asked" wide onClose={props.onClose}>
		<p>Terms are joined by <code>and</code> and <code>or</code>, turned
			round by <code>not</code>, grouped by brackets.{" "}
			Text in double quotes alone is looked for in{" "}
			{spec ? "all texts of a row" : "the whole message"}.</p>
		<h3>Examples</h3>
		<ul class="examples">
			{(spec?.examples ?? EXAMPLES).map(([q, words]) => <li key={q}>
				<button type="button" class="link mono"
					onClick={() => props.onTry(q)}>{q}</button>
				<span class="muted">{words}</span></li>)}
		</ul>
		<h3>Operators</h3>
		<p><code>==</code> <code>!=</code> exact; <code>&lt;</code>{" "}
			<code>&lt;=</code> <code>&gt;</code> <code>&gt;=</code> numbers
			and times; <code>has</code> contains, any case;{" "}
			<code>~</code> <code>!~</code> regular expression;{" "}
			<code>in</code> a list or a network. A name alone asks whether
			it is there.</p>
		<h3>Names</h3>
		<div class="scroll" tabIndex={0} role="region" aria-label="Names">
			<table class="plain"><tbody>
				{fields.map((f) => <tr key={f.name}>
					<th scope="row" class="mono">{f.name}</th>
					<td>{f.help}</td>
					<td class="muted">{f.values?.join(", ") || f.type}</td>
				</tr>)}
				{spec ? null : <tr>
					<th scope="row" class="mono">header.NAME</th>
					<td>any header, as header.diversion</td>
					<td class="muted">text</td></tr>}
			</tbody></table>
		</div>
	</Modal>;
}
