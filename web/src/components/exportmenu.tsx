// SPDX-License-Identifier: Apache-2.0
import type { ComponentChildren } from "preact";
import { Icon } from "./icon";
import { Popover } from "./popover";

export interface ExportChoice {
	title: string;
	help: string;
	href?: string;
	run?: () => void;
}

export function ExportMenu(props: { choices: ExportChoice[];
	children?: ComponentChildren }) {
	return <Popover title="Export" align="right" class="button"
		label={<><Icon name="download" size={14} />
			<span class="wide-only">Export</span></>}>
		{(close) => <ul class="choices">
			{props.choices.map((c) => <li key={c.title}>{c.href ?
				<a class="row-button" href={c.href} download
					onClick={() => setTimeout(close)}>
					<b>{c.title}</b><span class="muted">{c.help}</span>
				</a> :
				<button type="button" class="row-button"
					onClick={() => {
						c.run?.();
						close();
					}}><b>{c.title}</b>
					<span class="muted">{c.help}</span></button>}
			</li>)}
		</ul>}
	</Popover>;
}
