// SPDX-License-Identifier: Apache-2.0
import { useCell } from "../cell";
import { zone } from "../settings";
import { clockText, exactText, millis, timeText } from "../time";

/** A time in the chosen zone; exact in both on hover. */
export function Time(props: { at: string | null; short?: boolean;
	none?: string; coarse?: boolean }) {
	const z = useCell(zone);
	const ms = millis(props.at);
	if (!isFinite(ms))
		return <span class="muted">{props.none ?? "–"}</span>;
	return <time dateTime={props.at!} title={exactText(props.at)}>
		{(props.short ? clockText : timeText)(ms, z, !props.coarse)}</time>;
}
