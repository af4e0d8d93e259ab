// SPDX-License-Identifier: Apache-2.0
// The columns of the message list.
import { classOf, cssClass, labelOf } from "../classes";
import { Time } from "../components/time";
import type { Column } from "../components/table";
import { zone } from "../settings";
import { count, oneLine } from "../text";
import { millis, timeText } from "../time";
import type { Message } from "../types";

function text(id: keyof Message, title: string, least: number,
	grow: number, help: string, more: Partial<Column<Message>> = {}): Column<Message> {
	return {
		id, title, least, grow, help, field: id,
		value: (m) => oneLine(String(m[id] ?? "")), ...more,
	};
}

export const MESSAGE_COLUMNS: Column<Message>[] = [
	{
		id: "at", title: "Time", least: 168, grow: 0, usual: true,
		mono: true, card: true, help: "capture time",
		value: (m) => timeText(millis(m.at), zone.get()),
		cell: (m, card) => <Time at={m.at} short={card} />,
	},
	{
		id: "message", title: "Message", least: 170, grow: 1.4,
		usual: true, card: true, help: "method, or status and reason",
		value: (m) => labelOf(m),
		cell: (m) => <span class={"badge " + cssClass(classOf(m))}>
			<i class="dot" /><span class="cut">{labelOf(m)}</span>
			{m.sdp ? <span class="mark">SDP</span> : null}
			{m.malformed ? <span class="mark bad">malformed</span> : null}
			{m.truncated ? <span class="mark bad">cut</span> : null}
		</span>,
		field: "status",
		ask: (m) => m.kind === "reply" ? m.status : "",
	},
	text("method", "Method", 70, 0.3,
		"of a reply, that of its CSeq", { mono: true, usual: true,
			card: true }),
	text("status", "Status", 64, 0, "of a reply", {
		right: true, mono: true,
		value: (m) => m.status ? String(m.status) : "",
		ask: (m) => m.status || "",
	}),
	text("from_user", "From", 100, 0.8, "user of From",
		{ field: "from.user", usual: true, card: true }),
	text("to_user", "To", 100, 0.8, "user of To",
		{ field: "to.user", usual: true, card: true }),
	text("src", "Source", 138, 0.5, "address and port",
		{ mono: true, usual: true }),
	text("dst", "Destination", 138, 0.5, "address and port",
		{ mono: true, usual: true }),
	text("transport", "Via", 38, 0, "transport"),
	text("call_id", "Call-ID", 90, 1.4, "conversation",
		{ mono: true, usual: true }),
	text("ruri", "Request-URI", 140, 1.4, "whom it asks for",
		{ mono: true }),
	text("from", "From URI", 140, 1.2, "URI of From",
		{ mono: true }),
	text("to", "To URI", 140, 1.2, "URI of To",
		{ mono: true }),
	text("auth_user", "Credentials", 90, 0.8,
		"user name in them", { field: "auth.user" }),
	text("cseq", "CSeq", 90, 0.7, "number and method",
		{ mono: true }),
	text("contact", "Contact", 140, 1.2, "the first one",
		{ mono: true }),
	text("user_agent", "User agent", 120, 1,
		"User-Agent, else Server"),
	text("content_type", "Content", 110, 0.8,
		"type of the body"),
	text("branch", "Branch", 140, 1, "of the top Via",
		{ mono: true, field: "via.branch" }),
	text("correlation", "Correlation", 120, 1,
		"HEP correlation id", { mono: true }),
	text("trace", "Trace", 80, 0.6, "traces that took it", {
		mono: true,
		// Of several none is all of it.
		ask: (m) => m.trace?.includes(",") ? "" : m.trace ?? "",
	}),
	text("tap", "Tap", 150, 1, "where it came in",
		{ mono: true }),
	text("agent", "Agent", 110, 0.8,
		"address of the capture agent", { mono: true }),
	text("node", "Node", 90, 0.7, "name of the capture agent"),
	text("capture_id", "Capture id", 76, 0, "HEP capture agent id", {
		right: true, mono: true,
		value: (m) => m.capture_id ? String(m.capture_id) : "",
		ask: (m) => m.capture_id,
	}),
	text("size", "Size", 72, 0, "bytes of the message", {
		right: true, mono: true, value: (m) => count(m.size),
		ask: (m) => m.size,
	}),
	{
		id: "seen", title: "Seen", least: 168, grow: 0,
		mono: true, help: "when Earshot took it",
		value: (m) => timeText(millis(m.seen), zone.get()),
		cell: (m) => <Time at={m.seen} />,
	},
];

export const USUAL_COLUMNS = MESSAGE_COLUMNS.filter((c) => c.usual).map(
	(c) => c.id);

/** On a narrow screen. */
export const CARD_COLUMNS = MESSAGE_COLUMNS.filter((c) => c.card);
