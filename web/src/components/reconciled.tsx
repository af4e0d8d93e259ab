// SPDX-License-Identifier: Apache-2.0
// How connections are bound to accounts: how many to one, to several, to
// none, and since when one stands open.
import { useEffect, useState } from "preact/hooks";
import * as api from "../api";
import { hashOf } from "../router";
import { count } from "../text";
import type { Reconciliation } from "../types";
import { Time } from "./time";

const READ_MS = 10_000;

/** What a row that is not bound is asked for by. */
const UNBOUND = hashOf("connections", "", { q: "not peername", from: "all",
	to: "" });

function isKnown(r: Reconciliation | undefined): r is Reconciliation {
	return !!r && r.bound + r.ambiguous + r.unbound + r.waiting > 0;
}

export function Reconciled(props: { r: Reconciliation | undefined }) {
	const { r } = props;
	if (!isKnown(r))
		return null;
	return <span class="reconciled num">
		<span title="Connections over which one account registered">
			<b>{count(r.bound)}</b> bound</span>{", "}
		<span title="Connections over which several accounts registered">
			<b>{count(r.ambiguous)}</b> ambiguous</span>{", "}
		<a class="link" href={UNBOUND} title={"Connections that ended, " +
			"and nobody registered over them"}>
			<b>{count(r.unbound)}</b> unbound</a>
		{r.unbound && r.oldest_unbound ? <>{" "}(oldest{" "}
			<Time at={r.oldest_unbound} />)</> : null}{", "}
		<span title="Connections that are up or ended a moment ago, and over which nobody registered yet">
			<b>{count(r.waiting)}</b> waiting</span>
	</span>;
}

/** The same on a page that does not have the status. */
export function ReconciledNow() {
	const [r, setR] = useState<Reconciliation>();
	useEffect(() => {
		const stop = new AbortController();
		let timer = 0;
		const read = async () => {
			try {
				const s = await api.status(stop.signal);
				setR(s.records?.reconciliation);
			} catch {
				// Away: the list says so.
			}
			if (!stop.signal.aborted)
				timer = window.setTimeout(read, READ_MS);
		};
		void read();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, []);
	return isKnown(r) ? <p class="list-note muted">Connections:{" "}
		<Reconciled r={r} /></p> : null;
}
