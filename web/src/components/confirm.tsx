// SPDX-License-Identifier: Apache-2.0
// A button that asks once and says what will happen.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Modal } from "./modal";

export function ConfirmButton(props: {
	/** On the button. */
	label: ComponentChildren;
	title: string;
	class?: string;
	question: string;
	/** What will happen, in a sentence. */
	children: ComponentChildren;
	/** On the button that does it. */
	action: string;
	run: () => Promise<unknown>;
}) {
	const [open, setOpen] = useState(false);
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState("");
	return <>
		<button type="button" class={props.class ?? "button"}
			title={props.title} onClick={() => {
				setError("");
				setOpen(true);
			}}>{props.label}</button>
		{open ? <Modal title={props.question}
			onClose={() => setOpen(false)}>
			<p>{props.children}</p>
			{error ? <p class="wrong" role="alert">{error}</p> : null}
			<div class="modal-foot">
				<button type="button" class="button"
					onClick={() => setOpen(false)}>Cancel</button>
				<button type="button" class="button danger"
					disabled={busy} onClick={async () => {
						setBusy(true);
						try {
							await props.run();
							setOpen(false);
						} catch (e) {
							setError((e as Error).message);
						}
						setBusy(false);
					}}>{props.action}</button>
			</div>
		</Modal> : null}
	</>;
}
