/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/sql_url.h"

#include <stdlib.h>
#include <strings.h>

#include "base/percent.h"

enum { KEY_HOST, KEY_PORT, KEY_DATABASE, KEY_USER, KEY_PASSWORD };

/*
 * Times are there so that a far side that died without a word is noticed, and
 * LFConversion because a SIP message has CRLF on purpose.
 */
static const struct ear_sql_scheme schemes[] = {
	{
		.name = {"postgres", "postgresql"},
		.driver = {"PostgreSQL ANSI", "PostgreSQL Unicode",
			"PostgreSQL"},
		.package = "odbc-postgresql",
		.words = "PostgreSQL",
		.keys = {"Servername", "Port", "Database", "UID", "PWD"},
		.port = "5432",
		.options = "LFConversion=0;pqopt={tcp_user_timeout=30000 "
			   "keepalives_idle=15 keepalives_interval=5 "
			   "keepalives_count=3};",
	},
	{
		.name = {"mysql", "mariadb"},
		.driver = {"MariaDB", "MySQL ODBC", "MySQL"},
		.package = "odbc-mariadb",
		.words = "MariaDB or MySQL",
		.keys = {"SERVER", "PORT", "DATABASE", "UID", "PWD"},
		.port = "3306",
		.options = "CHARSET=utf8mb4;CONN_TIMEOUT=10;READ_TIMEOUT=60;"
			   "WRITE_TIMEOUT=60;",
	},
	{
		.name = {"unixodbc", "odbc"},
		.package = "unixodbc",
		.words = "ODBC",
		.keys = {NULL, NULL, "DSN", "UID", "PWD"},
		.options = "",
	},
};

static bool name_is(struct ear_slice s, const char *name)
{
	return name && ear_slice_ieq(s, ear_slice_str(name));
}

static const struct ear_sql_scheme *scheme_of(struct ear_slice name)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (name_is(name, schemes[i].name[0]) ||
			name_is(name, schemes[i].name[1]))
			return &schemes[i];
	}
	return NULL;
}

static size_t find_byte(struct ear_slice s, char c)
{
	return ear_slice_find(s, ear_slice(&c, 1));
}

/* A copy without escapes. */
static char *unescape(struct ear_slice s)
{
	char *out = malloc(s.n + 1);

	if (out)
		out[ear_percent_decode(s, out)] = '\0';
	return out;
}

/* --- ODBC connection strings ------------------------------------------- */

/* The next KEY=VALUE of a connection string; a value may be in braces. */
static bool next_pair(
	struct ear_slice *rest, struct ear_slice *key, struct ear_slice *value)
{
	size_t at = find_byte(*rest, '='), end;

	if (at == rest->n)
		return false;
	*key = ear_slice_trim(ear_slice_sub(*rest, 0, at));
	*rest = ear_slice_sub(*rest, at + 1, rest->n);
	end = find_byte(*rest, ';');
	if (rest->n && rest->p[0] == '{') {
		for (end = 1; end < rest->n; end++) {
			if (rest->p[end] != '}')
				continue;
			if (end + 1 == rest->n || rest->p[end + 1] != '}')
				break;
			end++;
		}
		if (end < rest->n)
			end++;
	}
	*value = ear_slice_sub(*rest, 0, end);
	*rest = ear_slice_sub(*rest, end, rest->n);
	end = find_byte(*rest, ';');
	*rest = ear_slice_sub(*rest, end + 1, rest->n);
	return true;
}

static bool is_secret(struct ear_slice key)
{
	return ear_slice_ifind(key, EAR_S("pwd")) < key.n ||
	       ear_slice_ifind(key, EAR_S("pass")) < key.n;
}

/* Values in braces lose these; "}}" stands for '}'. */
static char *unbrace(struct ear_slice v)
{
	char *out, *w;

	if (!v.n || v.p[0] != '{')
		return strndup(v.n ? v.p : "", v.n);
	v = ear_slice_sub(v, 1, v.p[v.n - 1] == '}' ? v.n - 1 : v.n);
	w = out = malloc(v.n + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < v.n; i++) {
		*w++ = v.p[i];
		if (v.p[i] == '}')
			i++;
	}
	*w = '\0';
	return out;
}

static enum ear_err parse_odbc(
	const char *text, struct ear_sql_url *url, struct ear_fault *fault)
{
	struct ear_slice rest = ear_slice_str(text), key, value;
	struct ear_buf shown = {0};

	while (next_pair(&rest, &key, &value)) {
		bool secret =
			is_secret(key) ||
			ear_slice_ifind(value, EAR_S("password")) < value.n;

		if (shown.n)
			ear_buf_byte(&shown, ';');
		ear_buf_printf(
			&shown, "%.*s=%.*s", EAR_FMT(key), EAR_FMT(value));
		if (!secret)
			continue;
		shown.n -= value.n;
		ear_buf_str(&shown, "***");
		free(url->secret);
		url->secret = unbrace(value);
		if (!url->secret)
			shown.err = EAR_NOMEM;
	}
	ear_buf_byte(&shown, '\0');
	url->shown = shown.p;
	url->odbc = strdup(text);
	if (shown.err || !url->odbc)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return EAR_OK;
}

/* --- URLs -------------------------------------------------------------- */

/* "[2001:db8::1]:5432", "db.example.net", ":5432". */
static void split_host(
	struct ear_slice s, struct ear_slice *host, struct ear_slice *port)
{
	size_t at = 0;

	if (s.n && s.p[0] == '[') {
		at = find_byte(s, ']');
		*host = ear_slice_sub(s, 1, at);
		s = ear_slice_sub(s, at + 1, s.n);
		at = find_byte(s, ':');
	} else {
		at = find_byte(s, ':');
		*host = ear_slice_sub(s, 0, at);
	}
	*port = ear_slice_sub(s, at + 1, s.n);
}

/* "a=b&c=d" as "a=b;c=d;". */
static char *keywords(struct ear_slice query)
{
	char *out = malloc(query.n + 2);

	if (!out)
		return NULL;
	if (query.n)
		memcpy(out, query.p, query.n);
	for (size_t i = 0; i < query.n; i++) {
		if (out[i] == '&')
			out[i] = ';';
	}
	memcpy(out + query.n, query.n ? ";" : "\0", 2);
	return out;
}

static size_t last_at(struct ear_slice s)
{
	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == '@')
			return i - 1;
	}
	return s.n;
}

/* Behind "scheme://". A password may hold any byte, so the last '@' ends it. */
static enum ear_err parse_url(
	struct ear_slice s, struct ear_sql_url *url, struct ear_fault *fault)
{
	struct ear_slice who = {0}, host, port, name, query;
	struct ear_buf shown = {0};
	size_t at = last_at(s);

	if (at < s.n) {
		who = ear_slice_sub(s, 0, at);
		s = ear_slice_sub(s, at + 1, s.n);
	}
	at = find_byte(s, '?');
	query = ear_slice_sub(s, at + 1, s.n);
	s = ear_slice_sub(s, 0, at);
	at = find_byte(s, '/');
	name = ear_slice_sub(s, at + 1, s.n);
	split_host(ear_slice_sub(s, 0, at), &host, &port);
	at = find_byte(who, ':');
	url->user = unescape(ear_slice_sub(who, 0, at));
	url->password = unescape(ear_slice_sub(who, at + 1, who.n));
	url->host = unescape(host.n ? host : EAR_S("localhost"));
	url->port = unescape(port);
	url->database = unescape(name);
	url->more = keywords(query);
	url->secret = unescape(ear_slice_sub(who, at + 1, who.n));
	ear_buf_printf(&shown, "%s://%s%s%s%s%.*s/%.*s", url->scheme->name[0],
		url->user ? url->user : "", url->user && *url->user ? "@" : "",
		url->host ? url->host : "", port.n ? ":" : "", EAR_FMT(port),
		EAR_FMT(name));
	ear_buf_byte(&shown, '\0');
	url->shown = shown.p;
	if (!url->user || !url->password || !url->host || !url->port ||
		!url->database || !url->more || !url->secret || shown.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!name.n)
		return ear_fail(fault, EAR_USAGE, 0,
			"url: '%s' names no database", url->shown);
	if (port.n && !ear_slice_u64(port, UINT16_MAX, &(uint64_t){0}))
		return ear_fail(fault, EAR_USAGE, 0, "url: '%.*s' is no port",
			EAR_FMT(port));
	return EAR_OK;
}

enum ear_err ear_sql_url_parse(
	const char *text, struct ear_sql_url *url, struct ear_fault *fault)
{
	struct ear_slice s = ear_slice_str(text);
	size_t at = ear_slice_find(s, EAR_S("://"));
	size_t equals = find_byte(s, '=');

	*url = (struct ear_sql_url){0};
	if (at < s.n && at < equals) {
		url->scheme = scheme_of(ear_slice_sub(s, 0, at));
		if (!url->scheme)
			return ear_fail(fault, EAR_USAGE, 0,
				"url: '%.*s' is no kind of database; give "
				"postgres://…, mysql://… or an ODBC "
				"connection string",
				EAR_FMT(ear_slice_sub(s, 0, at)));
		return parse_url(ear_slice_sub(s, at + 3, s.n), url, fault);
	}
	if (equals == s.n)
		return ear_fail(fault, EAR_USAGE, 0,
			"url: give postgres://USER:PASSWORD@HOST/DATABASE, "
			"mysql://…, or an ODBC connection string as "
			"\"DSN=traces\"");
	return parse_odbc(text, url, fault);
}

void ear_sql_url_fini(struct ear_sql_url *url)
{
	free(url->odbc);
	free(url->host);
	free(url->port);
	free(url->database);
	free(url->user);
	free(url->password);
	free(url->more);
	free(url->shown);
	free(url->secret);
	*url = (struct ear_sql_url){0};
}

/* KEY=VALUE; the value in braces where it has to be. */
static void pair(struct ear_buf *out, const char *key, const char *value)
{
	bool braces;

	if (!key || !*value)
		return;
	braces = strpbrk(value, "[]{}(),;?*=!@ ") != NULL;
	ear_buf_printf(out, "%s=%s", key, braces ? "{" : "");
	for (; *value; value++) {
		ear_buf_byte(out, (uint8_t)*value);
		if (braces && *value == '}')
			ear_buf_byte(out, '}');
	}
	ear_buf_str(out, braces ? "};" : ";");
}

void ear_sql_url_connect(
	const struct ear_sql_url *url, const char *driver, struct ear_buf *out)
{
	const struct ear_sql_scheme *s = url->scheme;

	if (!s) {
		ear_buf_str(out, url->odbc);
		ear_buf_byte(out, '\0');
		return;
	}
	if (s->driver[0])
		ear_buf_printf(out, "Driver={%s};", driver);
	pair(out, s->keys[KEY_HOST], url->host);
	pair(out, s->keys[KEY_PORT], *url->port ? url->port : s->port);
	pair(out, s->keys[KEY_DATABASE], url->database);
	pair(out, s->keys[KEY_USER], url->user);
	pair(out, s->keys[KEY_PASSWORD], url->password);
	ear_buf_str(out, s->options);
	ear_buf_str(out, url->more);
	ear_buf_byte(out, '\0');
}

int ear_sql_scheme_serves(
	const struct ear_sql_scheme *scheme, const char *driver)
{
	for (int i = 0; i < 3 && scheme->driver[i]; i++) {
		if (!strncasecmp(driver, scheme->driver[i],
			    strlen(scheme->driver[i])))
			return i;
	}
	return -1;
}

void ear_sql_url_hide(const struct ear_sql_url *url, char *text)
{
	size_t n = url->secret ? strlen(url->secret) : 0;
	char *found = text;

	while (n && (found = strstr(found, url->secret)) != NULL) {
		memset(found, '*', n);
		found += n;
	}
}
