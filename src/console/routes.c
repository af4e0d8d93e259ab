/* SPDX-License-Identifier: Apache-2.0 */
/* Every request that the console answers: docs/api.md. */
#include "console/priv.h"

static const struct ear_route routes[] = {
	{"POST", "/api/v1/login", EAR_ROLE_NONE, EAR_ON_ACCOUNTS, true,
		ear_auth_login},
	{"POST", "/api/v1/logout", EAR_ROLE_VIEWER, EAR_ON_LOOP, true,
		ear_auth_logout},
	{"POST", "/api/v1/password", EAR_ROLE_VIEWER, EAR_ON_ACCOUNTS, true,
		ear_auth_password},
	{"GET", "/api/v1/me", EAR_ROLE_VIEWER, EAR_ON_LOOP, true, ear_auth_me},
	{"GET", "/api/v1/fields", EAR_ROLE_VIEWER, EAR_ON_LOOP, false,
		ear_fields_list},
	{"GET", "/api/v1/check", EAR_ROLE_VIEWER, EAR_ON_LOOP, false,
		ear_fields_check},
	{"GET", "/api/v1/messages", EAR_ROLE_VIEWER, EAR_ON_SEARCHES, false,
		ear_search_messages},
	{"GET", "/api/v1/messages/", EAR_ROLE_VIEWER, EAR_ON_LOOKUPS, false,
		ear_search_message},
	{"GET", "/api/v1/histogram", EAR_ROLE_VIEWER, EAR_ON_SEARCHES, false,
		ear_search_histogram},
	{"GET", "/api/v1/conversation", EAR_ROLE_VIEWER, EAR_ON_LOOKUPS, false,
		ear_conversation_show},
	{"GET", "/api/v1/export", EAR_ROLE_VIEWER, EAR_ON_ITS_OWN, false,
		ear_export_start},
	{"GET", "/api/v1/follow", EAR_ROLE_VIEWER, EAR_ON_ITS_OWN, false,
		ear_follow_start},
	{"GET", "/api/v1/status", EAR_ROLE_VIEWER, EAR_ON_LOOKUPS, false,
		ear_status_show},
	{"GET", "/api/v1/traces", EAR_ROLE_VIEWER, EAR_ON_LOOKUPS, false,
		ear_traces_list_route},
	{"POST", "/api/v1/traces", EAR_ROLE_OPERATOR, EAR_ON_LOOKUPS, false,
		ear_traces_start_route},
	{"POST", "/api/v1/traces/", EAR_ROLE_OPERATOR, EAR_ON_LOOKUPS, false,
		ear_traces_change_route},
	{"GET", "/api/v1/mirrors", EAR_ROLE_VIEWER, EAR_ON_LOOKUPS, false,
		ear_mirrors_list_route},
	{"POST", "/api/v1/siptrace", EAR_ROLE_OPERATOR, EAR_ON_LOOKUPS, false,
		ear_siptrace_route},
	{"GET", "/healthz", EAR_ROLE_NONE, EAR_ON_LOOP, true,
		ear_status_health},
	{"GET", "/", EAR_ROLE_NONE, EAR_ON_LOOP, true, ear_asset_serve},
};

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
