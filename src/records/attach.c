/* SPDX-License-Identifier: Apache-2.0 */
#include "records/attach.h"

#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "records/priv.h"

/* ear_addr(ip, port): "192.0.2.1:5060"; without a port the host alone */
static void addr_text(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	const void *ip = sqlite3_value_blob(argv[0]);
	int n = sqlite3_value_bytes(argv[0]);
	uint16_t port = argc > 1 ? (uint16_t)sqlite3_value_int(argv[1]) : 0;
	struct ear_addr a = n == 4    ? ear_addr_v4(ip, port)
			    : n == 16 ? ear_addr_v6(ip, port)
				      : (struct ear_addr){0};
	char text[EAR_ADDR_TEXT];
	size_t size =
		argc > 1 ? ear_addr_text(&a, text) : ear_addr_ip_text(&a, text);

	sqlite3_result_text(c, text, (int)size, SQLITE_TRANSIENT);
}

/* ear_time(ns): RFC 3339 in UTC; NULL where there is none */
static void time_text(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	uint64_t ns = (uint64_t)sqlite3_value_int64(argv[0]);
	char text[EAR_TIME_TEXT];

	(void)argc;
	if (!ns)
		return;
	sqlite3_result_text(
		c, text, (int)ear_time_text(ns, text), SQLITE_TRANSIENT);
}

/* ear_date(ns): "2026-11-22 05:27:31.482" in UTC */
static void date_text(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	uint64_t ns = (uint64_t)sqlite3_value_int64(argv[0]);
	char text[EAR_TIME_TEXT];

	(void)argc;
	if (!ns)
		return;
	sqlite3_result_text(c, text, (int)ear_time_human(ns, false, text),
		SQLITE_TRANSIENT);
}

static int functions(sqlite3 *db)
{
	const int how = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function(
		db, "ear_addr", 2, how, NULL, addr_text, NULL, NULL);

	if (!rc)
		rc = sqlite3_create_function(
			db, "ear_addr", 1, how, NULL, addr_text, NULL, NULL);
	if (!rc)
		rc = sqlite3_create_function(
			db, "ear_time", 1, how, NULL, time_text, NULL, NULL);
	return rc ? rc
		  : sqlite3_create_function(db, "ear_date", 1, how, NULL,
			    date_text, NULL, NULL);
}

/* What is stored, where it asks for the time of the answer. */
static void stored(const char *sql, struct ear_buf *out)
{
	for (; *sql; sql++) {
		if (sql[0] == '?' && sql[1] == '1') {
			ear_buf_str(out, "(SELECT n FROM records.meta"
					 " WHERE name='newest')");
			sql++;
		} else {
			ear_buf_byte(out, (uint8_t)*sql);
		}
	}
}

static void words(const struct ear_column_of *of, struct ear_buf *out)
{
	ear_buf_str(out, "CASE ");
	stored(of->sql, out);
	for (int64_t i = 0; of->words->word[i]; i++)
		ear_buf_printf(out, " WHEN %lld THEN '%s'",
			of->words->base + (long long)i, of->words->word[i]);
	ear_buf_str(out, " ELSE '' END");
}

static void column(const struct ear_column *c, const struct ear_column_of *of,
	struct ear_buf *out)
{
	switch ((enum ear_column_kind)of->kind) {
	case EAR_KIND_ENUM: words(of, out); break;
	case EAR_KIND_ADDR:
		ear_buf_printf(
			out, "ear_addr(%s_ip,%s_port)", of->sql, of->sql);
		break;
	case EAR_KIND_IP:
		ear_buf_printf(out, "ear_addr(%s_ip)", of->sql);
		break;
	case EAR_KIND_TIME: ear_buf_printf(out, "ear_time(%s)", of->sql); break;
	case EAR_KIND_HEX:
		ear_buf_printf(
			out, "iif(%s=0,'',printf('%%x',%s))", of->sql, of->sql);
		break;
	case EAR_KIND_ROW: ear_buf_str(out, "printf('%x-%x',at,id)"); break;
	case EAR_KIND_SOME: ear_buf_printf(out, "nullif(%s,0)", of->sql); break;
	case EAR_KIND_TEXT:
	case EAR_KIND_PEERS:
	case EAR_KIND_NUM:
	case EAR_KIND_BOOL: stored(of->sql, out); break;
	}
	ear_buf_printf(out, " AS \"%s\"", c->name);
}

static void list_view(enum ear_list_of list, struct ear_buf *sql)
{
	const struct ear_column_of *of = ear_column_of(list);
	size_t n;
	const struct ear_column *c = ear_columns(list, &n);

	ear_buf_printf(
		sql, "CREATE TEMP VIEW %s AS SELECT ", ear_list_name(list));
	for (size_t i = 0; i < n; i++) {
		column(&c[i], &of[i], sql);
		ear_buf_byte(sql, ',');
	}
	/* to compare with: an index knows it */
	ear_buf_printf(
		sql, "at AS at_ns FROM records.%s;", ear_records_table[list]);
}

static const char views[] =
	"CREATE TEMP VIEW V_SIP_SESSION AS SELECT id,"
	" ear_date(at) AS date_created, CASE event WHEN 1 THEN 'CONNECT'"
	"  WHEN 2 THEN 'REGISTER' WHEN 3 THEN 'UNREGISTER'"
	"  ELSE 'DISCONNECT' END AS event_type, peername AS username,"
	" user_agent AS useragent, ear_addr(remote_ip,remote_port)"
	"  AS remoteaddr, tls_cipher AS tlscipher"
	" FROM records.session WHERE failed=0;"
	"CREATE TEMP VIEW V_CDR AS SELECT id, ear_date(at) AS calldate, src,"
	" src_agent AS src_user_agent, dst, dst_agent AS dst_user_agent,"
	" " EAR_TALK_SQL("talk_ms/1000") " AS duration, CASE disposition WHEN "
					 "1 THEN 'ANSWERED'"
					 "  WHEN 2 THEN 'NO_ANSWER' WHEN 3 "
					 "THEN 'BUSY' WHEN 4 THEN 'FAILED'"
					 "  ELSE 'IN_PROGRESS' END AS "
					 "disposition, call_id"
					 " FROM records.call;";

static const char auth_view[] =
	"CREATE TEMP VIEW V_AUTH_EVENT AS SELECT id,"
	" ear_date(at_ns) AS date_created, type AS event_type,"
	" address AS ip_address, principal FROM users.web_event;";
static const char audit_view[] =
	"CREATE TEMP VIEW V_AUDIT_EVENT AS SELECT id,"
	" ear_date(at_ns) AS date_created, action AS event_type, actor,"
	" object AS class_name, detail AS object_id FROM users.audit_event;";

/* @return false: there is no such file */
static bool attach(sqlite3 *db, const char *dir, const char *name, int *rc)
{
	char path[4200], uri[4200 * 3];
	size_t n = 0;
	char *sql;

	snprintf(path, sizeof(path), "%.4000s/%s.db", dir, name);
	if (access(path, R_OK))
		return false;
	for (const char *p = path; *p; p++) {
		if (strchr("?#%", *p))
			n += (size_t)snprintf(
				uri + n, 4, "%%%02X", (unsigned char)*p);
		else
			uri[n++] = *p;
	}
	uri[n] = '\0';
	sql = sqlite3_mprintf("ATTACH 'file:%q?mode=ro' AS %s", uri, name);
	*rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return true;
}

static int records_views(sqlite3 *db)
{
	struct ear_buf sql = {0};
	int rc;

	for (unsigned i = 0; i < EAR_LISTS; i++)
		list_view((enum ear_list_of)i, &sql);
	ear_buf_str(&sql, views);
	ear_buf_byte(&sql, '\0');
	rc = sql.err ? SQLITE_NOMEM : sqlite3_exec(db, sql.p, NULL, NULL, NULL);
	ear_buf_fini(&sql);
	return rc;
}

static bool has_table(sqlite3 *db, const char *name)
{
	return sqlite3_table_column_metadata(db, "users", name, NULL, NULL,
		       NULL, NULL, NULL, NULL) == SQLITE_OK;
}

enum ear_err ear_records_attach(
	sqlite3 *db, const char *dir, struct ear_fault *fault)
{
	int rc = functions(db), users = SQLITE_OK;

	if (!rc && attach(db, dir, "records", &rc) && !rc)
		rc = records_views(db);
	/* who may not read it goes without */
	if (!rc && attach(db, dir, "users", &users) && !users) {
		if (has_table(db, "web_event"))
			rc = sqlite3_exec(db, auth_view, NULL, NULL, NULL);
		if (!rc && has_table(db, "audit_event"))
			rc = sqlite3_exec(db, audit_view, NULL, NULL, NULL);
	}
	return rc ? ear_sql_fail(fault, db, sqlite3_extended_errcode(db), dir)
		  : EAR_OK;
}

bool ear_records_readable(const char *schema, const char *table)
{
	if (!schema || sqlite3_stricmp(schema, "users") != 0)
		return true;
	return table && (!sqlite3_stricmp(table, "web_event") ||
				!sqlite3_stricmp(table, "audit_event"));
}
