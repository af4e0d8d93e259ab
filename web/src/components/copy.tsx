// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { copy } from "../download";
import { Icon } from "./icon";

const SAID_MS = 1600;

/** Copies a text and says so. */
export function CopyButton(props: { text: () => string; title: string;
	words?: string; class?: string }) {
	const [said, setSaid] = useState("");
	return <button type="button" class={props.class ?? "button small"}
		title={props.title} aria-label={props.title} onClick={async (e) => {
			e.stopPropagation();
			setSaid(await copy(props.text()) ? "Copied" :
				"Not allowed");
			setTimeout(() => setSaid(""), SAID_MS);
		}}>
		<Icon name="copy" size={14} />
		{props.words || said ? <span aria-live="polite">
			{said || props.words}</span> : null}
	</button>;
}
