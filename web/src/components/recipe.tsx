// SPDX-License-Identifier: Apache-2.0
// Lines to copy into a file or a shell.
import { CopyButton } from "./copy";

export function Recipe(props: { title: string; text: string;
	copy?: string }) {
	return <figure class="recipe">
		<figcaption><span class="mono">{props.title}</span>
			<CopyButton title={props.copy ?? "Copy"} words="Copy"
				text={() => props.text} />
		</figcaption>
		<pre class="mono" tabIndex={0}>{props.text}</pre>
	</figure>;
}
