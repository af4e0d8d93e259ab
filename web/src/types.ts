// SPDX-License-Identifier: Apache-2.0
// What the server's API says, as docs/api.md states it.

export interface Me {
	name: string;
	role: string;
	must_change: boolean;
	version?: string;
}

export interface Field {
	name: string;
	type: string;
	help: string;
	values?: string[] | null;
}

/** One message: the columns of `earshot search --json`. */
export interface Message {
	id: string;
	at: string | null;
	seen: string | null;
	tap: string;
	agent: string;
	node: string;
	capture_id: number;
	correlation: string;
	/** Names of the traces that took it, and traced users, with commas. */
	trace?: string;
	traced_user?: string;
	proto: string;
	transport: string;
	direction: string;
	src: string;
	dst: string;
	kind: string;
	method: string;
	status: number;
	reason: string;
	ruri: string;
	call_id: string;
	cseq: string;
	from: string;
	from_user: string;
	from_tag: string;
	to: string;
	to_user: string;
	to_tag: string;
	auth_user: string;
	contact: string;
	user_agent: string;
	branch: string;
	content_type: string;
	sdp: boolean;
	malformed: boolean;
	truncated: boolean;
	size: number;
}

export interface Finding {
	offset: number;
	rule: string;
	text: string;
	source: string;
}

/** A message with its text. Bytes that are not UTF-8 come as Latin-1. */
export interface FullMessage extends Message {
	raw: string;
	raw_encoding?: "utf-8" | "latin-1";
	findings: Finding[];
}

/** How a search went; complete is false too when it ended at its limit. */
export interface Found {
	matched: number;
	scanned: number;
	complete: boolean;
	more: boolean;
	cursor: string;
	why: string;
	from: string | null;
	to: string | null;
	ms: number;
}

export interface MessagePage {
	messages: Message[];
	found: Found;
}

export interface Histogram {
	from: string | null;
	step_ms: number;
	classes: string[];
	buckets: number[][];
	found: Found;
}

export interface Party {
	addr: string;
	index: number;
	agent: string;
	name?: string;
}

export interface LadderMessage extends FullMessage {
	/** Of a log event, which is a note: null, as of to_party. */
	from_party: number;
	to_party: number;
	delta_ms: number;
	offset_ms: number;
	retransmission_of: string | null;
	transaction: number;
	class: string;
	label: string;
}

export interface Conversation {
	call_id: string;
	first: string | null;
	last: string | null;
	summary: string;
	parties: Party[];
	messages: LadderMessage[];
	found: Found;
}

export interface Tap {
	name: string;
	transport: string;
	address: string;
	open_to_network: boolean;
	threads: number;
	connections: number;
	/** Senders have to send a key. */
	auth_key?: boolean;
}

/** One row of the ledger: counters by the keys of the server's table. */
export interface LedgerRow {
	tap: string;
	source: string;
	first: string | null;
	last: string | null;
	[counter: string]: string | number | null;
}

export interface Status {
	version: string;
	started: string | null;
	uptime_s: number;
	totals: {
		received: number;
		accepted: number;
		searchable: number;
		malformed: number;
		dropped: number;
		kernel_drop?: number;
		open: number;
	};
	taps: Tap[];
	ledger: LedgerRow[];
	store: {
		messages: number;
		segments: number;
		bytes: number;
		raw_bytes: number;
		oldest: string | null;
		newest: string | null;
		disk_free: number;
		pending: number;
		bytes_per_day: number;
		left_s: number;
		full: boolean;
		damaged: number;
		retention: {
			max_age_s: number;
			max_bytes: number;
			min_free: number;
		};
	};
	journal: {
		bytes: number;
		max_bytes: number;
		lost_bytes: number;
		full: boolean;
	};
	notices: { at: string | null; event: string; text: string }[];
	/** Absent where the server keeps no records. */
	records?: {
		sessions: number;
		accounts: number;
		connections: number;
		calls: number;
		bytes: number;
		waiting: number;
		failed: number;
		full: boolean;
		reconciliation: Reconciliation;
	};
}

/** Connections, by how they are bound to accounts. */
export interface Reconciliation {
	bound: number;
	ambiguous: number;
	unbound: number;
	waiting: number;
	oldest_unbound?: string;
}

export type Scope = "message" | "transaction" | "dialog";

/** What is followed: standing in the configuration, or ordered. */
export interface Trace {
	name: string;
	rule: string;
	scope: Scope;
	traced_user: string[];
	table: string;
	mirrors: string[];
	correlation: string;
	keep_before_ns: number;
	until: string | null;
	max_messages: number;
	max_bytes: number;
	by: string;
	why: string;
	standing: boolean;
	/** Made by the script of the hook. */
	script?: boolean;
	on: boolean;
	/** "runs", or why it ended: stopped, time, count, size, gone. */
	end: string;
	ended: string | null;
	ended_by: string;
	since: string | null;
	messages: number;
	bytes: number;
	conversations: number;
	recalled: number;
	first: string | null;
	last: string | null;
	/** Transactions and dialogs followed now. */
	open: number;
	forgotten: number;
}

export interface TraceList {
	on: boolean;
	now: string;
	traces: Trace[];
	/** The flight recorder; null when it does not run. */
	recorder: { messages: number; bytes: number; max_bytes: number;
		keep_s: number; oldest: string | null } | null;
}

/** An order, as POST traces takes it. */
export interface TraceOrder {
	rule: string;
	scope: Scope;
	for?: string;
	max_messages?: number;
	max_size?: string;
	traced_user?: string[];
	mirrors?: string[];
	table?: string;
	correlation?: string;
	keep_before?: string;
	name?: string;
	why?: string;
}

/** Where copies go. */
export interface Mirror {
	name: string;
	kind: string;
	to?: string;
	enabled?: boolean;
	connected: boolean;
	since: string | null;
	trouble: string;
	mirrored: number;
	delivered: number;
	lost: number;
	waiting: number;
	lag_ms: number;
	bytes: number;
	max_bytes: number;
	full: boolean;
}

/** A column of a list, as the server's table of columns has it. */
export interface ColumnInfo {
	name: string;
	title: string;
	type: string;
	help: string;
	/** The list can be sorted by it at any size. */
	sorts: boolean;
	/** What an enumeration has. */
	words?: string[] | null;
}

export type ListValue = string | number | boolean | null | undefined;
export type ListRow = Record<string, ListValue>;

export interface ListPage {
	rows: ListRow[];
	more: boolean;
	cursor: string;
	complete: boolean;
	why: string;
	/** Changes when anything in the list may have. */
	version?: string | number;
	/** The server's clock. */
	now: string | null;
}

/** How often each value of a column occurs. */
export interface Facet {
	by: string;
	values: { value: ListValue; count: number }[];
	complete: boolean;
	why: string;
}

export interface Timeline {
	from: string | null;
	step_s: number;
	series: { name: string; counts: number[] }[];
	complete: boolean;
	why: string;
}

/** What a rule found out about an account. */
export interface Diagnosis {
	at: string | null;
	rule: string;
	text: string;
	severity: string;
}

/** The whole story of an account. */
export interface AccountStory {
	account: { id: number; username: string; domain: string;
		description: string };
	state: string;
	bindings: ListRow[];
	sessions: ListRow[];
	calls: ListRow[];
	diagnosis: Diagnosis[];
	figures: Record<string, number | null>;
}

/** One call, its joined legs, and why it ended so. */
export interface CallStory {
	call: ListRow;
	legs: ListRow[];
	words: string;
	rule: string;
}

export interface User {
	name: string;
	role: string;
	must_change: boolean;
	created: string | null;
	changed: string | null;
	last_login: string | null;
	/** Log-ins that failed since the last one that did not. */
	failures: number;
	/** The end of the longest lock. */
	locked_until: string | null;
}

export interface Token {
	id: string | number;
	name: string;
	user: string;
	role: string;
	/** Empty: all that the role may. */
	scopes: string[];
	made: string | null;
	expires: string | null;
	last_used: string | null;
	revoked: boolean;
}
