// SPDX-License-Identifier: Apache-2.0
// Whether somebody reads a table, so that nothing may move in it. Where nobody
// does, what is new flows in by itself.

// A finger gives no sign of where it is before it lands.
const TOUCH = "(hover: none) and (pointer: coarse)";

/**
 * @param box the table with all that stands over it; null where there is none
 */
export function isRead(box: Element | null): boolean {
	const table = box?.querySelector(".table");
	if (!box || !table)
		return false;
	const at = document.activeElement;
	const marked = getSelection();
	return table.scrollTop > 1 || matchMedia(TOUCH).matches ||
		box.matches(":hover") ||
		(at !== table && table.contains(at)) ||
		(!!marked && !marked.isCollapsed &&
			table.contains(marked.anchorNode));
}
