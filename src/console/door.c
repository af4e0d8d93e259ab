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

static bool who(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_slice token = cookie_of(call->http);
	struct ear_session_info info;

	if (!ear_sessions_use(c->sessions, token, ear_mono_ns(), &info) ||
		!same_user(c, &info, &call->user))
		return false;
	snprintf(call->token, sizeof(call->token), "%.*s", EAR_FMT(token));
	return true;
}

bool ear_door_still(struct ear_call *call)
{
	struct ear_console *c = call->console;
	struct ear_session_info info;
	struct ear_user user;

	return ear_sessions_see(c->sessions, ear_slice_str(call->token),
		       ear_mono_ns(), &info) &&
	       same_user(c, &info, &user);
}

bool ear_door_enter(struct ear_call *call)
{
	const struct ear_route *route = call->route;
	bool post = evhttp_request_get_command(call->http) == EVHTTP_REQ_POST;

	if (post && !evhttp_find_header(
			    evhttp_request_get_input_headers(call->http),
			    "X-Earshot")) {
		ear_call_fail(call, 403, "the header X-Earshot: 1 is missing");
		return false;
	}
	if (route->role == EAR_ROLE_NONE)
		return true;
	if (!who(call)) {
		ear_call_fail(call, 401, "log in first");
		return false;
	}
	if (call->user.role < route->role) {
		ear_call_fail(call, 403, "this needs the role %s",
			ear_role_name(route->role));
		return false;
	}
	if (call->user.must_change && !route->unchanged) {
		ear_call_fail(call, 403, "change the password first");
		return false;
	}
	return true;
}
