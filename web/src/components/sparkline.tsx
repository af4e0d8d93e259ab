// SPDX-License-Identifier: Apache-2.0
const WIDTH = 160;
const HEIGHT = 28;

/** The last values as a line, from zero to their highest. */
export function Sparkline(props: { values: number[] }) {
	const { values } = props;
	const most = Math.max(1, ...values);
	const n = Math.max(values.length - 1, 1);
	const points = values.map((v, i) => `${(i / n * WIDTH).toFixed(1)},` +
		(HEIGHT - 1 - v / most * (HEIGHT - 3)).toFixed(1)).join(" ");
	return <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
		preserveAspectRatio="none" aria-hidden="true">
		{values.length > 1 ? <>
			<polygon points={`0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} />
			<polyline points={points} /></> : null}
	</svg>;
}
