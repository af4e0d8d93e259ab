// SPDX-License-Identifier: Apache-2.0
// The columns of the message list.
import { classOf, cssClass, labelOf } from "../classes";
import { Time } from "../components/time";
import type { Column } from "../components/table";
import { zone } from "../settings";
import { count, oneLine } from "../text";
import { millis, timeText } from "../time";
import type { Message } from "../types";

function text(id: keyof Message, title: string, width: string,
	help: string, more: Partial<Column<Message>> = {}): Column<Message> {
	return {
		id, title, width, help, field: id,
		value: (m) => oneLine(String(m[id] ?? "")), ...more,
	};
}

export const MESSAGE_COLUMNS: Column<Message>[] = [
	{
		id: "at", title: "Time", width: "minmax(172px,176px)", usual: true,
		mono: true, card: 1, help: "capture time",
		value: (m) => timeText(millis(m.at), zone.get()),
		cell: (m) => <Time at={m.at} />,
	},
	{
		id: "message", title: "Message", width: "minmax(150px,1.3fr)",
		usual: true, card: 1, help: "method, or status and reason",
		value: (m) => labelOf(m),
		cell: (m) => <span class={"badge " + cssClass(classOf(m))}>
			<i class="dot" />{labelOf(m)}
			{m.sdp ? <span class="mark">SDP</span> : null}
			{m.malformed ? <span class="mark bad">malformed</span> : null}
			{m.truncated ? <span class="mark bad">cut</span> : null}
		</span>,
		field: "status",
		ask: (m) => m.kind === "reply" ? m.status : "",
	},
	text("method", "Method", "minmax(84px,.6fr)",
		"of a reply, that of its CSeq", { mono: true, usual: true,
			card: 2 }),
	text("status", "Status", "64px", "of a reply", {
		right: true, mono: true,
		value: (m) => m.status ? String(m.status) : "",
		ask: (m) => m.status || "",
	}),
	text("from_user", "From", "minmax(80px,1fr)", "user of From",
		{ field: "from.user", usual: true, card: 2 }),
	text("to_user", "To", "minmax(80px,1fr)", "user of To",
		{ field: "to.user", usual: true, card: 2 }),
	text("src", "Source", "minmax(140px,1fr)", "address and port",
		{ mono: true, usual: true }),
	text("dst", "Destination", "minmax(140px,1fr)", "address and port",
		{ mono: true, usual: true }),
	text("transport", "Via", "52px", "transport", { usual: true }),
	text("call_id", "Call-ID", "minmax(120px,1.4fr)", "conversation",
		{ mono: true, usual: true }),
	text("ruri", "Request-URI", "minmax(140px,1.4fr)", "whom it asks for",
		{ mono: true }),
	text("from", "From URI", "minmax(140px,1.2fr)", "URI of From",
		{ mono: true }),
	text("to", "To URI", "minmax(140px,1.2fr)", "URI of To",
		{ mono: true }),
	text("auth_user", "Credentials", "minmax(90px,.8fr)",
		"user name in them", { field: "auth.user" }),
	text("cseq", "CSeq", "minmax(90px,.7fr)", "number and method",
		{ mono: true }),
	text("contact", "Contact", "minmax(140px,1.2fr)", "the first one",
		{ mono: true }),
	text("user_agent", "User agent", "minmax(120px,1fr)",
		"User-Agent, else Server"),
	text("content_type", "Content", "minmax(110px,.8fr)",
		"type of the body"),
	text("branch", "Branch", "minmax(140px,1fr)", "of the top Via",
		{ mono: true, field: "via.branch" }),
	text("correlation", "Correlation", "minmax(120px,1fr)",
		"HEP correlation id", { mono: true }),
	text("tap", "Tap", "minmax(150px,1fr)", "where it came in",
		{ mono: true }),
	text("agent", "Agent", "minmax(110px,.8fr)",
		"address of the capture agent", { mono: true }),
	text("node", "Node", "minmax(90px,.7fr)", "name of the capture agent"),
	text("capture_id", "Capture id", "76px", "HEP capture agent id", {
		right: true, mono: true,
		value: (m) => m.capture_id ? String(m.capture_id) : "",
		ask: (m) => m.capture_id,
	}),
	text("size", "Size", "72px", "bytes of the message", {
		right: true, mono: true, value: (m) => count(m.size),
		ask: (m) => m.size,
	}),
	{
		id: "seen", title: "Seen", width: "minmax(172px,176px)",
		mono: true, help: "when Earshot took it",
		value: (m) => timeText(millis(m.seen), zone.get()),
		cell: (m) => <Time at={m.seen} />,
	},
];

export const USUAL_COLUMNS = MESSAGE_COLUMNS.filter((c) => c.usual).map(
	(c) => c.id);

/** On a narrow screen. */
export const CARD_COLUMNS = MESSAGE_COLUMNS.filter((c) => c.card);
