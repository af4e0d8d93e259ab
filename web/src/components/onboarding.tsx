// SPDX-License-Identifier: Apache-2.0
// Nothing is kept yet: what to do, as text to copy.
import { useState } from "preact/hooks";
import { recipes, senderAddress } from "../hep";
import type { Status } from "../types";
import { Recipe } from "./recipe";

export function Onboarding(props: { status: Status }) {
	const [at, setAt] = useState(0);
	const to = senderAddress(props.status.taps, location.hostname);
	const all = recipes(to.host, to.port);
	const recipe = all[at]!;
	return <div class="onboarding">
		<h2>Nothing has come in yet</h2>
		<p>Earshot listens for HEP on <code>{to.host}:{to.port}</code>.
			Tell your SIP server to send there:</p>
		<div class="switch" role="group" aria-label="Server">
			{all.map((r, i) => <button type="button" key={r.name}
				aria-pressed={i === at} onClick={() => setAt(i)}>
				{r.name}</button>)}
		</div>
		<Recipe title={recipe.file} copy={`Copy for ${recipe.name}`}
			text={recipe.text} />
		{to.key ? <p class="note">This tap takes only what carries its
			authentication key: set it in the server too.</p> : null}
		{to.loopback ? <p class="note">Earshot listens on this machine
			only. For a server elsewhere, give the HEP tap an address
			that it can reach.</p> : null}
		<p class="muted">Captures can be read too:{" "}
			<code>earshot import trace.pcap</code></p>
	</div>;
}
