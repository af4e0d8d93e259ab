// SPDX-License-Identifier: Apache-2.0
// A sheet above the page: the browser's own dialog, which keeps the focus
// inside and closes with Escape.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

export function Modal(props: { title: string; onClose: () => void;
	wide?: boolean; children: ComponentChildren }) {
	const ref = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		ref.current?.showModal();
	}, []);
	return <dialog ref={ref} class={"modal" + (props.wide ? " wide" : "")}
		aria-label={props.title} onClose={props.onClose}
		onClick={(e) => {
			if (e.target === ref.current)
				ref.current?.close();
		}}>
		<div class="modal-in">
			<header class="modal-head">
				<h2>{props.title}</h2>
				<button type="button" class="button icon-only"
					aria-label="Close" title="Close (Esc)"
					onClick={() => ref.current?.close()}>
					<Icon name="close" />
				</button>
			</header>
			{props.children}
		</div>
	</dialog>;
}
