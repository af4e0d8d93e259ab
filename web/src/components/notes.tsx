// SPDX-License-Identifier: Apache-2.0
// Honest lines above a list: what is missing and why; who is away.
import { useCell } from "../cell";
import { awaySince } from "../api";
import { sheetNoteRead, zone } from "../settings";
import { clockText } from "../time";
import type { Found } from "../types";
import { Icon } from "./icon";

export function AwayNote(props: { readAt: number }) {
	const since = useCell(awaySince);
	const z = useCell(zone);
	if (!since)
		return null;
	return <p class="note-line bad" role="status"><Icon name="warn" />
		<span>The server has not answered since{" "}
			<span class="num">{clockText(since, z, false)}</span>
			{props.readAt ? <>; what you see was read at{" "}
				<span class="num">{clockText(props.readAt, z, false)}
				</span></> : null}. Asking again every few seconds.
		</span></p>;
}

export function IncompleteNote(props: { why: string }) {
	if (!props.why)
		return null;
	return <p class="note-line warn" role="status"><Icon name="warn" />
		<span><b>This answer is not complete.</b> {props.why}</span></p>;
}

/** Beside a download: how a spreadsheet takes it whole. */
export function SheetNote() {
	if (useCell(sheetNoteRead))
		return null;
	return <p class="note-line sheet-note" role="status">
		<Icon name="help" />
		<span><b>In a spreadsheet, telephone numbers lose their + and
			zeros unless they are read as text.</b>{" "}
			LibreOffice asks as the file opens: comma, and{" "}
			<i>Format quoted field as text</i>. Excel: not by a double
			click but by <i>Data, From Text/CSV</i>, comma,{" "}
			<i>Do not detect data types</i>. Times are in UTC.</span>
		<button type="button" class="button small"
			onClick={() => sheetNoteRead.set(true)}>Understood</button>
	</p>;
}

export function PartialNote(props: { found: Found | null }) {
	const f = props.found;
	return <IncompleteNote why={f && !f.complete ? f.why : ""} />;
}
