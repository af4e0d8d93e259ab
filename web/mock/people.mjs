// SPDX-License-Identifier: Apache-2.0
// The stand-in's users and tokens, as the console's API has them.

const iso = (ms) => new Date(ms).toISOString();
const ROLES = ["viewer", "operator", "admin"];

export function makeTokens(started) {
	return [{ id: 1, name: "grafana", user: "admin", role: "viewer",
		scopes: ["read"], made: iso(started - 30 * 864e5),
		expires: iso(started + 60 * 864e5), last_used: iso(started - 6e4),
		revoked: false },
	{ id: 2, name: "old script", user: "viewer", role: "viewer",
		scopes: [], made: iso(started - 90 * 864e5),
		expires: iso(started - 864e5), last_used: null, revoked: false }];
}

function listed(name, u, started) {
	return { name, role: u.role, must_change: !!u.must_change,
		created: iso(started - 40 * 864e5), changed: null,
		last_login: name === "admin" ? iso(Date.now()) : null,
		failures: u.failures ?? 0, locked_until: u.locked_until ?? null };
}

/** @return [status, body], or null when it is about something else */
export function answerPeople({ users, tokens, started }, method, what,
	body, me) {
	const user = users.get(me);
	if (what === "tokens" && method === "GET")
		return [200, { tokens: tokens.filter((t) => user.role === "admin" ||
			t.user === me) }];
	if (what === "tokens") {
		if (ROLES.indexOf(body.role) > ROLES.indexOf(user.role))
			return [403, { error: `a token of ${me} has at most the role ` +
				user.role }];
		const days = /^(\d+)([hd])$/.exec(body.expires ?? "");
		const t = { id: tokens.length + 1, name: body.name, user: me,
			role: body.role, scopes: body.scopes ?? [],
			made: iso(Date.now()), expires: days ? iso(Date.now() +
				days[1] * (days[2] === "h" ? 36e5 : 864e5)) : null,
			last_used: null, revoked: false };
		tokens.push(t);
		return [200, { ...t, token: "ear_" + "k7Q2mZ".repeat(7) }];
	}
	const token = /^tokens\/(.+)$/.exec(what);
	if (token) {
		const t = tokens.find((x) => String(x.id) === token[1]);
		if (!t || (t.user !== me && user.role !== "admin"))
			return [404, { error: "there is no such token" }];
		t.revoked = true;
		return [200, {}];
	}
	if (what !== "users" && !/^users\//.test(what))
		return null;
	if (user.role !== "admin")
		return [403, { error: "this needs the role admin" }];
	if (what === "users" && method === "GET")
		return [200, { users: [...users].map(([name, u]) => listed(name, u,
			started)) }];
	if (what === "users") {
		if (users.has(body.name))
			return [400, { error: `there is a user ${body.name} already` }];
		if (body.password && body.password.length < 10)
			return [400, { error: "at least 10 characters" }];
		const password = body.password ?? "made-up-4711";
		users.set(body.name, { role: body.role, password,
			must_change: !body.password });
		return [200, { name: body.name, role: body.role, ...(
			body.password ? {} : { password }) }];
	}
	const name = decodeURIComponent(what.slice(6));
	const u = users.get(name);
	if (!u)
		return [404, { error: `there is no user ${name}` }];
	switch (body.action) {
	case "role":
		users.set(name, { ...u, role: body.role });
		return [200, {}];
	case "password":
		users.set(name, { ...u, password: "made-up-4711",
			must_change: true });
		return [200, { password: "made-up-4711" }];
	case "remove":
		users.delete(name);
		return [200, {}];
	case "unlock":
		users.set(name, { ...u, failures: 0, locked_until: null });
		return [200, {}];
	default:
		return [400, { error: `there is no action '${body.action}'` }];
	}
}
