// SPDX-License-Identifier: Apache-2.0
// A page that cannot be drawn says so, and the menu stays.
import { Component, type ComponentChildren } from "preact";

export class Boundary extends Component<{ children: ComponentChildren },
	{ error: string }> {
	override state = { error: "" };

	override componentDidCatch(e: unknown): void {
		// For whoever reports it; the tests count it as a failure.
		console.error(e);
		this.setState({ error: String(e) });
	}

	override render() {
		return this.state.error ? <div class="empty" role="alert">
			<h2>This page cannot be drawn</h2>
			<p class="muted mono">{this.state.error}</p>
			<button type="button" class="button"
				onClick={() => location.reload()}>Load it again</button>
		</div> : this.props.children;
	}
}
