// SPDX-License-Identifier: Apache-2.0
// The menu on the left; below it who is logged in and how things look.
import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import { PAGES } from "../pages";
import { hashOfPage, route } from "../router";
import { leave, mayRead, session } from "../session";
import { menuOpen, theme, zone, type Theme } from "../settings";
import { Icon } from "./icon";

const NEXT: Record<Theme, Theme> = {
	auto: "light", light: "dark", dark: "auto",
};
const THEME_WORDS: Record<Theme, [string, string]> = {
	auto: ["auto", "Theme: system"], light: ["sun", "Theme: light"],
	dark: ["moon", "Theme: dark"],
};

export function Menu(props: { onKeys: () => void; narrow: boolean }) {
	const r = useCell(route);
	const s = useCell(session);
	const look = useCell(theme);
	const z = useCell(zone);
	const kept = useCell(menuOpen);
	// On a narrow screen the menu covers the page: closed until asked for.
	const [over, setOver] = useState(false);
	useEffect(() => setOver(false), [r]);
	const open = props.narrow ? over : kept;
	const flip = () => props.narrow ? setOver(!over) : menuOpen.set(!kept);
	const current = PAGES.find((p) => p.id === r.page)?.under ?? r.page;
	const [icon, lookWords] = THEME_WORDS[look];
	return <nav class={"menu" + (open ? " open" : "") +
		(props.narrow ? " narrow" : "")} aria-label="Pages">
		<div class="menu-top">
			<button type="button" class="button icon-only bare"
				aria-expanded={open} title={open ? "Small menu" : "Menu"}
				aria-label="Menu" onClick={flip}>
				<Icon name="menu" /></button>
			<span class="brand"><img src="favicon.svg" alt="" width="20"
				height="20" /><span>Earshot</span></span>
		</div>
		<div class="menu-body">
			<ul>{PAGES.filter((p) => !p.under && mayRead(p.least)).map(
				(p) => <li key={p.id} class={p.apart ? "apart" : ""}>
					<a href={hashOfPage(p.id)}
						title={`${p.title} (g ${p.key})`}
						class={"menu-item" + (p.id === current ? " on" :
							"")}
						aria-current={p.id === current ? "page" :
							undefined}>
						<Icon name={p.icon} /><span>{p.title}</span></a>
				</li>)}</ul>
			<span class="spring" />
			<ul>
				<li><button type="button" class="menu-item"
					title="Times in local time or UTC (u)"
					onClick={() => zone.set(z === "utc" ? "local" :
						"utc")}>
					<Icon name="clock" /><span>{z === "utc" ?
						"Times: UTC" : "Times: local"}</span>
				</button></li>
				<li><button type="button" class="menu-item"
					title="Light, dark, or as the system says"
					onClick={() => theme.set(NEXT[look])}>
					<Icon name={icon} /><span>{lookWords}</span>
				</button></li>
				<li><button type="button" class="menu-item"
					title="All keys (?)" onClick={props.onKeys}>
					<Icon name="keys" /><span>Keys</span></button></li>
				<li class="who"><button type="button" class="menu-item"
					title={`Log out ${s.me?.name ?? ""}`}
					onClick={leave}>
					<Icon name="leave" />
					<span>{s.me?.name}<small>{s.me?.role}, log out
					</small></span></button></li>
			</ul>
		</div>
		{props.narrow && open ? <button type="button" class="shade"
			aria-label="Close the menu" onClick={() => setOver(false)} /> :
			null}
	</nav>;
}
