// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";

/** Whether a media query holds; follows it. */
export function useMedia(query: string): boolean {
	const [on, setOn] = useState(() => matchMedia(query).matches);
	useEffect(() => {
		const list = matchMedia(query);
		const see = () => setOn(list.matches);
		see();
		list.addEventListener("change", see);
		return () => list.removeEventListener("change", see);
	}, [query]);
	return on;
}
