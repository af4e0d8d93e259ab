// SPDX-License-Identifier: Apache-2.0
// The facts of a message, each of which can be put into the search.
import { oneLine } from "../text";
import type { Message } from "../types";
import type { Narrow } from "./table";
import { Time } from "./time";

const FACTS: { id: keyof Message; field: string; title: string }[] = [
	{ id: "from_user", field: "from.user", title: "From user" },
	{ id: "to_user", field: "to.user", title: "To user" },
	{ id: "auth_user", field: "auth.user", title: "Credentials" },
	{ id: "method", field: "method", title: "Method" },
	{ id: "status", field: "status", title: "Status" },
	{ id: "ruri", field: "ruri", title: "Request-URI" },
	{ id: "call_id", field: "call_id", title: "Call-ID" },
	{ id: "src", field: "src", title: "Source" },
	{ id: "dst", field: "dst", title: "Destination" },
	{ id: "transport", field: "transport", title: "Transport" },
	{ id: "user_agent", field: "user_agent", title: "User agent" },
	{ id: "content_type", field: "content_type", title: "Content" },
	{ id: "correlation", field: "correlation", title: "Correlation" },
	{ id: "tap", field: "tap", title: "Tap" },
	{ id: "agent", field: "agent", title: "Agent" },
	{ id: "node", field: "node", title: "Node" },
	{ id: "capture_id", field: "capture_id", title: "Capture id" },
];

export function Facts(props: { m: Message; onNarrow: Narrow }) {
	const { m } = props;
	return <dl class="facts">
		<dt>Time</dt>
		<dd class="mono"><Time at={m.at} /></dd>
		{FACTS.map((f) => {
			const value = m[f.id];
			if (value === "" || value === 0 || value === null ||
				value === undefined)
				return null;
			return [<dt key={f.id}>{f.title}</dt>,
				<dd key={f.id + "v"} class="mono">
					<span class="v">{oneLine(String(value))}</span>
					<span class="ask">
						{(["only", "not"] as const).map((how) =>
							<button type="button" key={how}
								aria-label={`${how} this ${f.title}`}
								title={`${f.field} ${how === "only" ?
									"==" : "!="} …`}
								onClick={() => props.onNarrow(f.field,
									value, how)}>{how}</button>)}
					</span>
				</dd>];
		})}
	</dl>;
}
