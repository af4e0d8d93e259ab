// SPDX-License-Identifier: Apache-2.0
// Log in, and change a one-time password.
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "../api";
import { useCell } from "../cell";
import { AwayNote } from "../components/notes";
import { entered, leave, session } from "../session";
import type { Me } from "../types";

const PASSWORD_LEAST = 10;

// The one-time password just typed, so that it need not be typed again.
let typed = "";

function words(e: unknown): string {
	if (e instanceof api.ApiError)
		return e.status === 401 ? "Wrong name or password." :
			e.status === 429 ? `Too many attempts. Try again in ` +
				`${Math.max(1, Math.ceil(e.retryAfter))} s.` :
				e.message;
	return "The server does not answer.";
}

export function LoginForm(props: { name?: string; title: string }) {
	const [name, setName] = useState(props.name ?? "");
	const [password, setPassword] = useState("");
	const [error, setError] = useState("");
	const [wait, setWait] = useState(0);
	const [busy, setBusy] = useState(false);
	const field = useRef<HTMLInputElement>(null);
	useEffect(() => field.current?.focus(), []);
	useEffect(() => {
		if (wait <= 0)
			return undefined;
		const timer = setTimeout(() => setWait(wait - 1), 1000);
		return () => clearTimeout(timer);
	}, [wait]);
	return <form class="login-form" onSubmit={async (e) => {
		e.preventDefault();
		setBusy(true);
		setError("");
		try {
			const me: Me = await api.login(name.trim(), password);
			typed = me.must_change ? password : "";
			entered(me);
		} catch (fault) {
			setError(words(fault));
			if (fault instanceof api.ApiError && fault.status === 429)
				setWait(Math.max(1, Math.ceil(fault.retryAfter)));
			setPassword("");
		}
		setBusy(false);
	}}>
		<h1>{props.title}</h1>
		<label>Name
			<input ref={props.name ? undefined : field} name="name"
				value={name} autocomplete="username" required
				autocapitalize="off" spellcheck={false}
				onInput={(e) => setName(e.currentTarget.value)} />
		</label>
		<label>Password
			<input ref={props.name ? field : undefined} name="password"
				type="password" value={password} required
				autocomplete="current-password"
				onInput={(e) => setPassword(e.currentTarget.value)} />
		</label>
		<p class="wrong" role="alert">{wait ?
			`Too many attempts. Try again in ${wait} s.` : error}</p>
		<button class="button primary big" disabled={busy || wait > 0}>
			{busy ? "Logging in…" : "Log in"}</button>
	</form>;
}

export function PasswordForm() {
	const [old, setOld] = useState(typed);
	const [now, setNow] = useState("");
	const [again, setAgain] = useState("");
	const [error, setError] = useState("");
	const known = typed !== "";
	const first = useRef<HTMLInputElement>(null);
	useEffect(() => first.current?.focus(), []);
	return <form class="login-form" onSubmit={async (e) => {
		e.preventDefault();
		if (now !== again) {
			setError("The two are not the same.");
			return;
		}
		if (now.length < PASSWORD_LEAST) {
			setError(`At least ${PASSWORD_LEAST} characters.`);
			return;
		}
		try {
			await api.changePassword(old, now);
			typed = "";
			entered({ ...session.get().me!, must_change: false });
		} catch (fault) {
			setError(fault instanceof api.ApiError && fault.status ===
				403 ? "The current password is wrong." : words(fault));
		}
	}}>
		<h1>Choose a password</h1>
		<p class="muted">The one you logged in with works only once.</p>
		<input class="off-screen" tabIndex={-1} aria-hidden="true" readOnly
			autocomplete="username" value={session.get().me?.name ?? ""} />
		{known ? null : <label>Current password
			<input ref={first} type="password" value={old} required
				autocomplete="current-password"
				onInput={(e) => setOld(e.currentTarget.value)} />
		</label>}
		<label>New password, {PASSWORD_LEAST} characters or more
			<input ref={known ? first : undefined} type="password"
				name="new" value={now} required minLength={PASSWORD_LEAST}
				autocomplete="new-password"
				onInput={(e) => setNow(e.currentTarget.value)} />
		</label>
		<label>The new one again
			<input type="password" name="again" value={again} required
				autocomplete="new-password"
				onInput={(e) => setAgain(e.currentTarget.value)} />
		</label>
		<p class="wrong" role="alert">{error}</p>
		<button class="button primary big">Save and go on</button>
		<button type="button" class="link" onClick={leave}>Log out</button>
	</form>;
}

export function LoginPage() {
	const s = useCell(session);
	return <main class="login-page">
		<div class="login-box">
			<div class="brand big"><img src="favicon.svg" alt="" width="32"
				height="32" />Earshot</div>
			<AwayNote readAt={0} />
			{s.state === "in" ? <PasswordForm /> :
				<LoginForm title="Log in" />}
		</div>
	</main>;
}
