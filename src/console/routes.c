/* SPDX-License-Identifier: Apache-2.0 */
/* Every request that the console answers: docs/api.md. */
#include "console/priv.h"
#include "console/rows.h"

static const struct ear_route routes[] = {
	{"POST", "/api/v1/login", EAR_ROLE_NONE, 0, EAR_ON_ACCOUNTS,
		.fn = ear_auth_login, .flags = EAR_ROUTE_UNCHANGED},
	{"POST", "/api/v1/logout", EAR_ROLE_VIEWER, 0, EAR_ON_LOOP,
		.fn = ear_auth_logout,
		.flags = EAR_ROUTE_UNCHANGED | EAR_ROUTE_BY_HAND},
	{"POST", "/api/v1/password", EAR_ROLE_VIEWER, 0, EAR_ON_ACCOUNTS,
		.fn = ear_auth_password,
		.flags = EAR_ROUTE_UNCHANGED | EAR_ROUTE_BY_HAND},
	{"GET", "/api/v1/me", EAR_ROLE_VIEWER, 0, EAR_ON_LOOP,
		.fn = ear_auth_me, .flags = EAR_ROUTE_UNCHANGED},
	{"GET", "/api/v1/fields", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_LOOP,
		.fn = ear_fields_list},
	{"GET", "/api/v1/check", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_LOOP,
		.fn = ear_fields_check},
	{"GET", "/api/v1/messages", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_search_messages},
	{"GET", "/api/v1/messages/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_LOOKUPS, .fn = ear_search_message},
	{"GET", "/api/v1/histogram", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_search_histogram},
	{"GET", "/api/v1/conversation", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_LOOKUPS, .fn = ear_conversation_show},
	{"GET", "/api/v1/export", EAR_ROLE_VIEWER, EAR_MAY_EXPORT,
		EAR_ON_ITS_OWN, .fn = ear_export_start},
	{"GET", "/api/v1/follow", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_ITS_OWN,
		.fn = ear_follow_start},
	{"GET", "/api/v1/status", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_LOOKUPS,
		.fn = ear_status_show},
	{"GET", "/api/v1/traces", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_LOOKUPS,
		.fn = ear_traces_list_route},
	{"POST", "/api/v1/traces", EAR_ROLE_OPERATOR, EAR_MAY_TRACE,
		EAR_ON_LOOKUPS, .fn = ear_traces_start_route},
	{"POST", "/api/v1/traces/", EAR_ROLE_OPERATOR, EAR_MAY_TRACE,
		EAR_ON_LOOKUPS, .fn = ear_traces_change_route},
	{"GET", "/api/v1/mirrors", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_LOOKUPS, .fn = ear_mirrors_list_route},
	{"POST", "/api/v1/siptrace", EAR_ROLE_OPERATOR, EAR_MAY_TRACE,
		EAR_ON_LOOKUPS, .fn = ear_siptrace_route},
	{"GET", "/api/v1/sessions", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_ITS_OWN, .fn = ear_list_route, .of = EAR_ROWS_SESSIONS},
	{"GET", "/api/v1/sessions/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_SESSIONS},
	{"GET", "/api/v1/accounts", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_ITS_OWN, .fn = ear_list_route, .of = EAR_ROWS_ACCOUNTS},
	{"GET", "/api/v1/accounts/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_ACCOUNTS},
	{"GET", "/api/v1/calls", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_ITS_OWN,
		.fn = ear_list_route, .of = EAR_ROWS_CALLS},
	{"GET", "/api/v1/calls/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_CALLS},
	{"GET", "/api/v1/connections", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_ITS_OWN, .fn = ear_list_route,
		.of = EAR_ROWS_CONNECTIONS},
	{"GET", "/api/v1/connections/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_CONNECTIONS},
	{"GET", "/api/v1/web-sessions", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_ITS_OWN, .fn = ear_list_route,
		.of = EAR_ROWS_WEB_SESSIONS},
	{"GET", "/api/v1/web-sessions/", EAR_ROLE_VIEWER, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_WEB_SESSIONS},
	{"GET", "/api/v1/audit", EAR_ROLE_OPERATOR, EAR_MAY_READ,
		EAR_ON_ITS_OWN, .fn = ear_list_route, .of = EAR_ROWS_AUDIT},
	{"GET", "/api/v1/audit/", EAR_ROLE_OPERATOR, EAR_MAY_READ,
		EAR_ON_SEARCHES, .fn = ear_list_part_route,
		.of = EAR_ROWS_AUDIT},
	{"GET", "/api/v1/users", EAR_ROLE_ADMIN, EAR_MAY_ADMIN, EAR_ON_ACCOUNTS,
		.fn = ear_users_list_route},
	{"POST", "/api/v1/users", EAR_ROLE_ADMIN, EAR_MAY_ADMIN,
		EAR_ON_ACCOUNTS, .fn = ear_users_add_route},
	{"POST", "/api/v1/users/", EAR_ROLE_ADMIN, EAR_MAY_ADMIN,
		EAR_ON_ACCOUNTS, .fn = ear_users_change_route},
	{"GET", "/api/v1/tokens", EAR_ROLE_VIEWER, EAR_MAY_ADMIN,
		EAR_ON_ACCOUNTS, .fn = ear_tokens_list_route},
	{"POST", "/api/v1/tokens", EAR_ROLE_VIEWER, EAR_MAY_ADMIN,
		EAR_ON_ACCOUNTS, .fn = ear_tokens_add_route,
		.flags = EAR_ROUTE_BY_HAND},
	{"POST", "/api/v1/tokens/", EAR_ROLE_VIEWER, EAR_MAY_ADMIN,
		EAR_ON_ACCOUNTS, .fn = ear_tokens_change_route},
	{"GET", "/api/v1/openapi.json", EAR_ROLE_NONE, 0, EAR_ON_LOOP,
		.fn = ear_openapi_route, .flags = EAR_ROUTE_UNCHANGED},
	{"GET", "/metrics", EAR_ROLE_VIEWER, EAR_MAY_READ, EAR_ON_LOOKUPS,
		.fn = ear_metrics_route, .open = ear_metrics_open},
	{"GET", "/healthz", EAR_ROLE_NONE, 0, EAR_ON_LOOP,
		.fn = ear_status_health, .flags = EAR_ROUTE_UNCHANGED},
	{"GET", "/", EAR_ROLE_NONE, 0, EAR_ON_LOOP, .fn = ear_asset_serve,
		.flags = EAR_ROUTE_UNCHANGED},
};

const struct ear_route *ear_routes(size_t *n)
{
	*n = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

static bool matches(const struct ear_route *route, struct ear_slice path,
	struct ear_slice *rest)
{
	struct ear_slice own = ear_slice_str(route->path);

	*rest = EAR_S("");
	if (own.p[own.n - 1] != '/')
		return ear_slice_eq(own, path);
	if (!ear_slice_starts(path, own))
		return false;
	*rest = ear_slice_sub(path, own.n, path.n);
	/* all that is under /api has a row of its own or is not there */
	return own.n > 1 || !ear_slice_starts(path, EAR_S("/api/"));
}

const struct ear_route *ear_route_find(const char *method,
	struct ear_slice path, struct ear_slice *rest, bool *other)
{
	*other = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(&routes[i], path, rest))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*other = true;
	}
	return NULL;
}
