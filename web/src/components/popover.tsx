// SPDX-License-Identifier: Apache-2.0
// A button with a panel below it. Escape and a click elsewhere close it.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon";

export function Popover(props: {
	label: ComponentChildren;
	title: string;
	class?: string;
	align?: "left" | "right";
	plain?: boolean;
	/** Opens it from outside when the number changes. */
	opener?: number;
	children: (close: () => void) => ComponentChildren;
}) {
	const [open, setOpen] = useState(false);
	const box = useRef<HTMLDivElement>(null);
	const button = useRef<HTMLButtonElement>(null);
	const panel = useRef<HTMLDivElement>(null);
	const close = () => {
		setOpen(false);
		button.current?.focus();
	};
	useEffect(() => {
		if (props.opener)
			setOpen(true);
	}, [props.opener]);
	useLayoutEffect(() => {
		const el = panel.current;
		if (!open || !el)
			return;
		// Keep it on the screen, whichever side the button is on.
		const r = el.getBoundingClientRect();
		const over = r.right - document.documentElement.clientWidth + 8;
		const shift = over > 0 ? -over : r.left < 8 ? 8 - r.left : 0;
		el.style.transform = shift ? `translateX(${shift}px)` : "";
		el.querySelector<HTMLElement>("[data-first], input, button, a")
			?.focus();
	}, [open]);
	useEffect(() => {
		if (!open)
			return undefined;
		const outside = (e: Event) => {
			if (!box.current?.contains(e.target as Node))
				setOpen(false);
		};
		document.addEventListener("pointerdown", outside);
		return () => document.removeEventListener("pointerdown", outside);
	}, [open]);
	return <div class="popover" ref={box} onKeyDown={(e) => {
		if (e.key === "Escape" && open) {
			e.stopPropagation();
			e.preventDefault();
			close();
		}
	}}>
		<button ref={button} type="button" class={props.class ?? "button"}
			title={props.title} aria-haspopup="dialog"
			aria-expanded={open} onClick={() => setOpen(!open)}>
			{props.label}
			{props.plain ? null : <Icon name="down" size={12} />}
		</button>
		{open ? <div ref={panel} role="dialog" aria-label={props.title}
			class={"panel pop " + (props.align === "right" ?
				"to-left" : "")}>
			{props.children(close)}
		</div> : null}
	</div>;
}
