// SPDX-License-Identifier: Apache-2.0
// Line icons, 16 px, drawn with the text's colour.

const PATHS: Record<string, string> = {
	search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.600 10.600 14 14",
	status: "M1.500 8.500h3l2-5.500 3 10 2-4.500h3",
	trace: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM8 " +
		"11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500V4M8 12v2.500M1.500 " +
		"8H4M12 8h2.500",
	stop: "M4 4h8v8H4z",
	ladder: "M3 2v12M13 2v12M3.500 5.500h9m-2.500-2 2.500 2-2.500 2M12.500 " +
		"11h-9m2.500-2-2.500 2 2.500 2",
	close: "M4 4l8 8M12 4l-8 8",
	down: "M4 6l4 4 4-4",
	left: "M10 3.500 5.500 8l4.500 4.500",
	right: "M6 3.500 10.500 8 6 12.500",
	clock: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM8 " +
		"4.500V8l2.500 1.500",
	zoomout: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.600 10.600 14 14M5 7h4",
	columns: "M2 3h12v10H2zM6.300 3v10M10.300 3v10",
	download: "M8 2v8m-3-3 3 3 3-3M2.500 13.500h11",
	live: "M8 9.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3zM4.600 " +
		"11.400a4.800 4.800 0 0 1 0-6.800M11.400 4.600a4.800 4.800 0 0 1 " +
		"0 6.800M2.500 13.500a7.800 7.800 0 0 1 0-11M13.500 2.500a7.800 " +
		"7.800 0 0 1 0 11",
	copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
	menu: "M2 4h12M2 8h12M2 12h12",
	sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.500M8 13.500V15M1 " +
		"8h1.500M13.500 8H15M3 3l1.100 1.100M11.900 11.900 13 13M13 3l-1.100 " +
		"1.100M4.100 11.900 3 13",
	moon: "M13 9.800A5.800 5.800 0 0 1 6.200 3 5.600 5.600 0 1 0 13 9.800z",
	auto: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM8 " +
		"1.500v13",
	keys: "M1.500 4h13v8.500h-13zM4 6.500h.01M6.700 6.500h.01M9.300 " +
		"6.500h.01M12 6.500h.01M4 10h8",
	user: "M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.500 14.500a5.500 5.500 0 0 1 " +
		"11 0",
	warn: "M8 2 1.500 13.500h13zM8 6.500v3.500M8 11.800v.01",
	form: "M2 4h6M12 4h2M2 12h2M8 12h6M10 2.500v3M6 10.500v3",
	refresh: "M13.500 8A5.500 5.500 0 1 1 11.700 3.900M13.500 2v3.500H10",
	plus: "M8 3v10M3 8h10",
	minus: "M3 8h10",
	print: "M4 6V2h8v4M4 11H2V6h12v5h-2M4 9h8v5H4z",
	diff: "M5 2v8m-3-3 3 3 3-3M11 14V6m-3 3 3-3 3 3",
	help: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM6 6.200a2 " +
		"2 0 1 1 2.800 1.900c-.5.25-.8.6-.8 1.200M8 11.600v.01",
	fit: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
};

export function Icon(props: { name: string; size?: number }) {
	const size = props.size ?? 16;
	return <svg class="icon" width={size} height={size} viewBox="0 0 16 16"
		aria-hidden="true" fill="none" stroke="currentColor"
		stroke-width="1.4" stroke-linecap="round"
		stroke-linejoin="round"><path d={PATHS[props.name]} /></svg>;
}
