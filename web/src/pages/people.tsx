// SPDX-License-Identifier: Apache-2.0
// One's own password and tokens; for admins, who may come in.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { ConfirmButton } from "../components/confirm";
import { CopyButton } from "../components/copy";
import { Icon } from "../components/icon";
import { Modal } from "../components/modal";
import { AwayNote } from "../components/notes";
import { Time } from "../components/time";
import { useKeys } from "../keys";
import { mayRead, ROLES, session } from "../session";
import { oneLine } from "../text";
import { millis } from "../time";
import type { Token, User } from "../types";

const PASSWORD_LEAST = 10;
const SCOPES: [string, string][] = [
	["read", "look at everything"], ["export", "take files away"],
	["trace", "start and stop traces"], ["admin", "change users"],
];
const EXPIRIES: [string, string][] = [
	["24h", "a day"], ["30d", "30 days"], ["90d", "90 days"],
	["365d", "a year"], ["", "never"],
];

/** Reads now, and again when `turn` changes. */
function useRead<T>(read: (signal: AbortSignal) => Promise<T>,
	turn: number) {
	const [value, setValue] = useState<T | null>(null);
	const [error, setError] = useState("");
	const away = useCell(api.awaySince);
	useEffect(() => {
		const stop = new AbortController();
		read(stop.signal).then((v) => {
			setValue(v);
			setError("");
		}, (e: Error) => {
			if (e.name !== "AbortError" && e instanceof api.ApiError)
				setError(e.message);
		});
		return () => stop.abort();
	}, [turn, away === 0]);
	return { value, error };
}

/** A form that does one thing and says how it went. */
function useDoing(done: () => void) {
	const [error, setError] = useState("");
	const [busy, setBusy] = useState(false);
	const run = async (act: () => Promise<void>) => {
		setBusy(true);
		setError("");
		try {
			await act();
			done();
		} catch (e) {
			setError((e as Error).message);
		}
		setBusy(false);
	};
	return { error, busy, run, setError };
}

function Password() {
	const me = useCell(session).me;
	const [said, setSaid] = useState(false);
	const form = useRef<HTMLFormElement>(null);
	const { error, busy, run, setError } = useDoing(() => {
		setSaid(true);
		form.current?.reset();
	});
	return <section class="card" aria-labelledby="password-title">
		<h2 id="password-title">Your password</h2>
		<form class="inline-form" ref={form} onSubmit={(e) => {
			e.preventDefault();
			const data = new FormData(e.currentTarget);
			const text = (name: string) => String(data.get(name) ?? "");
			setSaid(false);
			if (text("new") !== text("again"))
				setError("The two are not the same.");
			else if (text("new").length < PASSWORD_LEAST)
				setError(`At least ${PASSWORD_LEAST} characters.`);
			else
				void run(async () => {
					await api.changePassword(text("old"), text("new"));
				});
		}}>
			<input class="off-screen" tabIndex={-1} aria-hidden="true"
				readOnly autocomplete="username" value={me?.name ?? ""} />
			<label>Current password<input type="password" name="old" required
				autocomplete="current-password" /></label>
			<label>New one, {PASSWORD_LEAST} characters or more
				<input type="password" name="new" required
					autocomplete="new-password" /></label>
			<label>The new one again<input type="password" name="again"
				required autocomplete="new-password" /></label>
			<button class="button" disabled={busy}>Change password</button>
		</form>
		{error ? <p class="wrong" role="alert">{error}</p> : null}
		{said ? <p class="good-text" role="status">Changed. Your other
			log-ins have ended. Your tokens go on: revoke those that
			somebody else may know.</p> : null}
	</section>;
}

/** Something that is shown this once. */
function Secret(props: { title: string; text: string;
	children: ComponentChildren; onClose: () => void }) {
	return <Modal title={props.title} onClose={props.onClose}>
		<p>{props.children}</p>
		<p class="secret"><code>{props.text}</code>
			<CopyButton title="Copy" words="Copy"
				text={() => props.text} /></p>
		<div class="modal-foot"><button type="button"
			class="button primary" onClick={props.onClose}>
			It is kept</button></div>
	</Modal>;
}

function below(role: string): string[] {
	return ROLES.slice(0, ROLES.indexOf(role) + 1);
}

function TokenForm(props: { onDone: (token: string) => void;
	onClose: () => void }) {
	const me = useCell(session).me;
	const roles = below(me?.role ?? "viewer");
	const made = useRef("");
	const { error, busy, run } = useDoing(() => props.onDone(made.current));
	return <Modal title="Make a token" onClose={props.onClose}>
		<form class="trace-form" onSubmit={(e) => {
			e.preventDefault();
			const data = new FormData(e.currentTarget);
			void run(async () => {
				const answer = await api.makeToken({
					name: String(data.get("name")).trim(),
					role: String(data.get("role")),
					expires: String(data.get("expires")),
					scopes: data.getAll("scopes").map(String),
				});
				made.current = answer.token;
			});
		}}>
			<label>What it is for<input name="name" required
				maxLength={64} autocomplete="off"
				placeholder="grafana" /></label>
			<div class="fields-2">
				<label>Role<select name="role">{roles.map((r) =>
					<option key={r} selected={r === "viewer"}>{r}</option>)}
				</select></label>
				<label>Ends after<select name="expires">
					{EXPIRIES.map(([v, words]) => <option key={v} value={v}
						selected={v === "90d"}>{words}</option>)}
				</select></label>
			</div>
			<fieldset><legend>May only (none: all that the role may)
			</legend><div class="ticks">{SCOPES.map(([name, words]) =>
				<label key={name}><input type="checkbox" name="scopes"
					value={name} />{name}
				<span class="muted">{words}</span></label>)}</div>
			</fieldset>
			{error ? <p class="wrong" role="alert">{error}</p> : null}
			<div class="modal-foot">
				<button type="button" class="button"
					onClick={props.onClose}>Cancel</button>
				<button class="button primary" disabled={busy}>
					Make it</button></div>
		</form>
	</Modal>;
}

function tokenState(t: Token): string {
	return t.revoked ? "revoked" : t.expires && millis(t.expires) <
		Date.now() ? "expired" : "";
}

function Tokens() {
	const [turn, setTurn] = useState(0);
	const [form, setForm] = useState(false);
	const [token, setToken] = useState("");
	const { value, error } = useRead(api.tokens, turn);
	const me = useCell(session).me;
	const list = value?.tokens ?? [];
	return <section class="card" aria-labelledby="tokens-title">
		<header class="card-head"><h2 id="tokens-title">API tokens</h2>
			<span class="spring" />
			<button type="button" class="button small"
				onClick={() => setForm(true)}>
				<Icon name="plus" size={12} />Make a token</button></header>
		<p class="muted">A program sends one as <code>Authorization:
			Bearer …</code> instead of logging in.</p>
		{error ? <p class="wrong" role="alert">{error}</p> : null}
		{list.length ? <div class="scroll" tabIndex={0} role="region"
			aria-label="Tokens, table"><table class="plain">
				<thead><tr><th>Name</th>
					{mayRead("admin") ? <th>Owner</th> : null}
					<th>Role</th><th>May</th><th>Made</th><th>Ends</th>
					<th>Last used</th><th><span class="off-screen">Do
					</span></th></tr></thead>
				<tbody>{list.map((t) => {
					const over = tokenState(t);
					return <tr key={t.id} class={over ? "over" : ""}>
						<td>{oneLine(t.name)}{over ? <> <span class="mark">
							{over}</span></> : null}</td>
						{mayRead("admin") ? <td>{oneLine(t.user)}</td> :
							null}
						<td>{t.role}</td>
						<td>{t.scopes?.length ? t.scopes.join(", ") :
							"all"}</td>
						<td class="num"><Time at={t.made} coarse /></td>
						<td class="num"><Time at={t.expires} coarse
							none="never" /></td>
						<td class="num"><Time at={t.last_used} coarse
							none="never" /></td>
						<td class="right">{over === "revoked" ? null :
							<ConfirmButton class="button small"
								label="Revoke" title="End it"
								action="Revoke it"
								question={`Revoke ${oneLine(t.name)}?`}
								run={() => api.revokeToken(t.id).then(() =>
									setTurn(turn + 1))}>
								What uses it is refused from then on. It
								cannot be given back.</ConfirmButton>}</td>
					</tr>;
				})}</tbody></table></div> :
			value ? <p class="muted">There are none.</p> : null}
		{form ? <TokenForm onClose={() => setForm(false)}
			onDone={(t) => {
				setForm(false);
				setToken(t);
				setTurn(turn + 1);
			}} /> : null}
		{token ? <Secret title="The new token" text={token}
			onClose={() => setToken("")}>Copy it now: it is shown only
			this once. Whoever has it is {oneLine(me?.name ?? "")} to
			this server.</Secret> : null}
	</section>;
}

interface Known {
	title: string;
	text: string;
}

function AddUser(props: { onDone: (known: Known | null) => void;
	onClose: () => void }) {
	const known = useRef<Known | null>(null);
	const { error, busy, run } = useDoing(() => props.onDone(
		known.current));
	return <Modal title="Add a user" onClose={props.onClose}>
		<form class="trace-form" onSubmit={(e) => {
			e.preventDefault();
			const data = new FormData(e.currentTarget);
			const name = String(data.get("name")).trim();
			void run(async () => {
				const answer = await api.addUser(name, String(data.get(
					"role")), String(data.get("password") ?? ""));
				known.current = answer.password ? {
					title: `The password of ${oneLine(name)}`,
					text: answer.password } : null;
			});
		}}>
			<div class="fields-2">
				<label>Name<input name="name" required maxLength={64}
					autocomplete="off" autocapitalize="off"
					spellcheck={false} /></label>
				<label>Role<select name="role">{ROLES.map((r) =>
					<option key={r}>{r}</option>)}</select></label>
			</div>
			<label>Password; empty: one is made up
				<input type="password" name="password"
					autocomplete="new-password" /></label>
			<p class="hint">Viewers look; operators also trace and see the
				audit; admins also change users.</p>
			{error ? <p class="wrong" role="alert">{error}</p> : null}
			<div class="modal-foot">
				<button type="button" class="button"
					onClick={props.onClose}>Cancel</button>
				<button class="button primary" disabled={busy}>
					Add</button></div>
		</form>
	</Modal>;
}

function UserRow(props: { u: User; mine: boolean;
	onKnown: (known: Known | null) => void }) {
	const { u } = props;
	const name = oneLine(u.name);
	const { error, busy, run } = useDoing(() => props.onKnown(null));
	const locked = u.locked_until && millis(u.locked_until) > Date.now();
	const set = (role: string) => void run(async () => {
		await api.changeUser(u.name, "role", { role });
	});
	return <tr>
		<td>{name}{props.mine ? <> <span class="mark">you</span></> : null}
			{u.must_change ? <> <span class="mark" title={"has a one-time " +
				"password"}>to change the password</span></> : null}
			{error ? <p class="wrong" role="alert">{error}</p> : null}</td>
		<td><select aria-label={`Role of ${name}`} value={u.role}
			disabled={busy || props.mine} title={props.mine ?
				"One does not take one's own role away" : ""}
			onChange={(e) => set(e.currentTarget.value)}>
			{ROLES.map((r) => <option key={r}
				selected={r === u.role}>{r}</option>)}</select></td>
		<td class="num wide-only"><Time at={u.created} coarse /></td>
		<td class="num"><Time at={u.last_login} coarse none="never" /></td>
		<td>{locked ? <span class="tag warn"><Icon name="lock" size={13} />
			until <Time at={u.locked_until} short coarse /></span> :
			u.failures ? `${u.failures} failed` : null}</td>
		<td class="right row-do">
			{locked || u.failures ? <button type="button" disabled={busy}
				class="button small" onClick={() => void run(async () => {
					await api.changeUser(u.name, "unlock");
				})}>Unlock</button> : null}
			<ConfirmButton class="button small" label="New password"
				title="Make up a new password" action="Make it up"
				question={`A new password for ${name}?`}
				run={async () => {
					const answer = await api.changeUser(u.name, "password");
					props.onKnown(answer.password ? {
						title: `The password of ${name}`,
						text: answer.password } : null);
				}}>The old one no longer works, and all log-ins of {name}{" "}
				end. The new one is shown once and has to be changed at
				the first log-in.</ConfirmButton>
			{props.mine ? null : <ConfirmButton class="button small"
				label="Remove" title="Remove the user"
				question={`Remove ${name}?`} action="Remove"
				run={async () => {
					await api.changeUser(u.name, "remove");
					props.onKnown(null);
				}}>All log-ins and tokens of {name} end. What {name} did
				stays in the audit.</ConfirmButton>}
		</td>
	</tr>;
}

function Users() {
	const [turn, setTurn] = useState(0);
	const [form, setForm] = useState(false);
	const [known, setKnown] = useState<Known | null>(null);
	const { value, error } = useRead(api.users, turn);
	const me = useCell(session).me;
	const after = (k: Known | null) => {
		setKnown(k);
		setTurn((n) => n + 1);
	};
	return <section class="card" aria-labelledby="users-title">
		<header class="card-head"><h2 id="users-title">Users</h2>
			<span class="spring" />
			<button type="button" class="button small"
				onClick={() => setForm(true)}>
				<Icon name="plus" size={12} />Add a user</button></header>
		{error ? <p class="wrong" role="alert">{error}</p> : null}
		<div class="scroll" tabIndex={0} role="region"
			aria-label="Users, table"><table class="plain">
				<thead><tr><th>Name</th><th>Role</th>
					<th class="wide-only">Made</th>
					<th>Last log-in</th><th>Locked</th>
					<th><span class="off-screen">Do</span></th></tr></thead>
				<tbody>{(value?.users ?? []).map((u) => <UserRow
					key={u.name} u={u} mine={u.name === me?.name}
					onKnown={after} />)}</tbody></table></div>
		{form ? <AddUser onClose={() => setForm(false)} onDone={(k) => {
			setForm(false);
			after(k);
		}} /> : null}
		{known ? <Secret title={known.title} text={known.text}
			onClose={() => setKnown(null)}>It is shown only this once, and
			has to be changed at the first log-in.</Secret> : null}
	</section>;
}

export function PeoplePage() {
	const me = useCell(session).me;
	const [turn, setTurn] = useState(0);
	useKeys([{ key: "r", group: "Everywhere", help: "read again",
		run: () => setTurn(turn + 1) }]);
	return <div class="status-page people-page" tabIndex={0} role="region"
		aria-label="Users and tokens">
		<header class="page-head"><h1>Users &amp; tokens</h1>
			<p class="muted">You are {oneLine(me?.name ?? "")}, with the
				role {me?.role}.</p></header>
		<AwayNote readAt={0} />
		{mayRead("admin") ? <Users key={`u${turn}`} /> : null}
		<Tokens key={`t${turn}`} />
		<Password />
	</div>;
}
