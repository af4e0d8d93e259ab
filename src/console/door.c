/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in: the Host of a request, the header that no foreign form can
 * send, the session behind the cookie. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/priv.h"

#define COOKIE "earshot_session="

static bool known_host(const struct ear_console *c, struct ear_slice host)
{
	struct ear_addr addr;
	bool named = false;

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = ear_slice_sub(host, 1, host.n - 1);
	if (ear_slice_ieq(host, EAR_S("localhost")))
		return true;
	for (size_t i = 0; i < c->o.n_hosts; i++) {
		named = true;
		if (ear_slice_ieq(host, ear_slice_str(c->o.hosts[i])))
			return true;
	}
	/* a rebound name is a name: an address in its place is honest, and on
	 * loopback only loopback's own can reach us */
	if (!ear_addr_parse(host, &addr))
		return ear_addr_is_loopback(&addr) ||
		       !ear_addr_is_loopback(&c->bound);
	return !named && !ear_addr_is_loopback(&c->bound);
}

bool ear_door_host(struct ear_call *call)
{
	const char *host = evhttp_request_get_host(call->http);

	if (host && known_host(call->console, ear_slice_str(host)))
		return true;
	ear_call_fail(call, 421, "this server is not known under that name");
	return false;
}

static struct ear_slice cookie_of(struct evhttp_request *http)
{
	const char *header = evhttp_find_header(
		evhttp_request_get_input_headers(http), "Cookie");
	struct ear_slice rest = ear_slice_str(header);

	while (rest.n > 0) {
		size_t end = ear_slice_find(rest, EAR_S(";"));
		struct ear_slice one =
			ear_slice_trim(ear_slice_sub(rest, 0, end));

		if (ear_slice_starts(one, EAR_S(COOKIE)))
			return ear_slice_sub(one, strlen(COOKIE), one.n);
		rest = ear_slice_sub(rest, end + 1, rest.n);
	}
	return EAR_S("");
}

/* The user as users.db has it now: one that was removed or has a new password
 * or role since the session began is out at once. */
static bool same_user(struct ear_console *c,
	const struct ear_session_info *info, struct ear_user *user)
{
	if (!ear_users_get(c->users, ear_slice_str(info->name), user) &&
		user->epoch == info->epoch)
		return true;
	*user = (struct ear_user){0};
	return false;
}

static const char *header(const struct ear_call *call, const char *name)
{
	return evhttp_find_header(
		evhttp_request_get_input_headers(call->http), name);
}

/* --- proxies ------------------------------------------------------------ */

static bool trusted(const struct ear_console *c, const struct ear_addr *addr)
{
	for (size_t i = 0; i < c->o.n_proxies; i++)
		if (ear_net_has(&c->o.proxies[i], addr))
			return true;
	return false;
}

/* The last element of a list with commas, which is cut off it. */
static struct ear_slice last_of(struct ear_slice *list)
{
	size_t at = list->n;
	struct ear_slice last;

	while (at > 0 && list->p[at - 1] != ',')
		at--;
	last = ear_slice_trim(ear_slice_sub(*list, at, list->n));
	*list = ear_slice_sub(*list, 0, at ? at - 1 : 0);
	return last;
}

void ear_door_forwarded(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_slice list = ear_slice_str(header(call, "X-Forwarded-For"));
	struct ear_slice proto =
		ear_slice_str(header(call, "X-Forwarded-Proto"));
	struct ear_addr addr;

	if (!trusted(c, &call->peer))
		return;
	call->tls = ear_slice_ieq(last_of(&proto), EAR_S("https"));
	/* each proxy adds at the right who asked it: what stands left of the
	 * first that we do not trust may be anybody's invention */
	while (list.n > 0 && trusted(c, &call->from)) {
		if (ear_addr_parse(last_of(&list), &addr))
			return;
		call->from = addr;
	}
}

/* --- tokens ------------------------------------------------------------- */

#define USE_IS_NEW_NS (900 * EAR_SECOND_NS)
#define USE_IS_WRITTEN_NS (60 * EAR_SECOND_NS)

/* The first use in a while is an access event, as a log-in is. */
static void note_use(
	struct ear_call *call, const struct ear_api_token *token, uint64_t now)
{
	struct ear_console *c = call->console;
	struct ear_token_use *use = &c->token_uses[0];

	for (size_t i = 0; i < EAR_TOKEN_USES; i++) {
		struct ear_token_use *u = &c->token_uses[i];

		if (u->id == token->id &&
			ear_addr_ip_eq(&u->from, &call->from)) {
			use = u;
			break;
		}
		if (u->noted < use->noted)
			use = u;
	}
	if (use->id != token->id || !ear_addr_ip_eq(&use->from, &call->from) ||
		now - use->noted >= USE_IS_NEW_NS) {
		*use = (struct ear_token_use){
			.id = token->id, .from = call->from, .noted = now};
		ear_console_event(c, EAR_WEB_SUCCESS, call->by, &call->from);
	}
	if (use->used == 0 || now - use->used >= USE_IS_WRITTEN_NS) {
		use->used = now;
		ear_console_token_used(c, token->id);
	}
}

/* Not so often that guessing fills the list of events. */
static void refuse_token(
	struct ear_call *call, enum ear_web_event_type why, const char *text)
{
	struct ear_console *c = call->console;
	uint64_t wait_s = ear_throttle_try(
		c->throttle, EAR_S(""), &call->from, ear_mono_ns());

	if (wait_s > 0) {
		call->retry_after_s = (unsigned)wait_s;
		ear_call_fail(call, 429, "too many failed attempts, wait %u s",
			call->retry_after_s);
		return;
	}
	c->counts.failures++;
	ear_console_event(
		c, why, call->by[0] ? call->by : "token", &call->from);
	call->by[0] = '\0';
	ear_call_fail(call, 401, "%s", text);
}

static bool by_token(struct ear_call *call, struct ear_slice text)
{
	struct ear_console *c = call->console;
	struct ear_api_token token;
	struct ear_user user;

	if (ear_token_find(c->users, text, &token) || token.revoked ||
		ear_users_get(c->users, ear_slice_str(token.user), &user)) {
		refuse_token(call, EAR_WEB_FAIL_BAD_CREDENTIALS,
			"the token is not known, or was revoked");
		return false;
	}
	snprintf(call->by, sizeof(call->by), "%s (token %s)", token.user,
		token.name);
	if ((token.expires_ns && token.expires_ns <= ear_now_ns()) ||
		user.must_change) {
		refuse_token(call, EAR_WEB_FAIL_CREDENTIALS_EXPIRED,
			user.must_change ? "the token's user has to change "
					   "their password first"
					 : "the token is past its time");
		return false;
	}
	call->user = user;
	if (token.role < user.role)
		call->user.role = token.role;
	call->api_token = token.id;
	call->scopes = token.scopes;
	note_use(call, &token, ear_mono_ns());
	return true;
}

static bool token_still(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_api_token token;
	struct ear_user user;

	return !ear_token_get(c->users, call->api_token, &token) &&
	       !token.revoked &&
	       (!token.expires_ns || token.expires_ns > ear_now_ns()) &&
	       !ear_users_get(c->users, ear_slice_str(token.user), &user) &&
	       !user.must_change && user.role >= call->route->role;
}

/* --- who it is ---------------------------------------------------------- */

static bool by_session(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_slice token = cookie_of(call->http);
	uint64_t now = ear_mono_ns();
	struct ear_session_info info;
	bool there;

	/* a page that only keeps itself fresh is nobody's use of a log-in */
	there = header(call, "X-Earshot-Idle")
			? ear_sessions_see(c->sessions, token, now, &info)
			: ear_sessions_use(c->sessions, token, now, &info);
	if (!there || !same_user(c, &info, &call->user)) {
		ear_call_fail(call, 401, "log in first");
		return false;
	}
	snprintf(call->token, sizeof(call->token), "%.*s", EAR_FMT(token));
	snprintf(call->by, sizeof(call->by), "%s", call->user.name);
	return true;
}

/* @return false, and the answer is an error */
static bool who(struct ear_call *call)
{
	struct ear_slice said = ear_slice_str(header(call, "Authorization"));

	/* RFC 6750 s2.1; the scheme's case does not count: RFC 9110 s11.1 */
	if (said.n > 7 &&
		ear_slice_ieq(ear_slice_sub(said, 0, 7), EAR_S("Bearer ")))
		return by_token(
			call, ear_slice_trim(ear_slice_sub(said, 7, said.n)));
	return by_session(call);
}

bool ear_door_still(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_session_info info;
	struct ear_user user;

	if (call->api_token)
		return token_still(call);
	return ear_sessions_see(c->sessions, ear_slice_str(call->token),
		       ear_mono_ns(), &info) &&
	       same_user(c, &info, &user);
}

bool ear_door_scope(struct ear_call *call, unsigned scope)
{
	if (!call->api_token || !call->scopes || !scope ||
		(call->scopes & scope))
		return true;
	for (unsigned i = 0; ear_token_scope_name(i); i++)
		if (scope == 1u << i)
			ear_call_fail(call, 403, "the token lacks the scope %s",
				ear_token_scope_name(i));
	return false;
}

/* A form on another site sends cookies, but no header of ours and no token. */
static bool from_elsewhere(const struct ear_call *call)
{
	return evhttp_request_get_command(call->http) == EVHTTP_REQ_POST &&
	       !header(call, "X-Earshot") && !call->api_token;
}

static bool may(struct ear_call *call)
{
	const struct ear_route *route = call->route;

	if (call->user.role < route->role)
		ear_call_fail(call, 403, "this needs the role %s",
			ear_role_name(route->role));
	else if (call->user.must_change &&
		 !(route->flags & EAR_ROUTE_UNCHANGED))
		ear_call_fail(call, 403, "change the password first");
	else if (call->api_token && (route->flags & EAR_ROUTE_BY_HAND))
		ear_call_fail(call, 403, "not by a token: log in for that");
	else
		return ear_door_scope(call, route->scope);
	return false;
}

bool ear_door_enter(struct ear_call *call)
{
	const struct ear_route *route = call->route;
	bool open = route->role == EAR_ROLE_NONE ||
		    (route->open && route->open(call));

	if (!open && !who(call))
		return false;
	if (from_elsewhere(call)) {
		ear_call_fail(call, 403, "the header X-Earshot: 1 is missing");
		return false;
	}
	return open || may(call);
}
