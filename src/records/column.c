/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "records/priv.h"

#define WORDS(name, base, ...)                                        \
	static const char *const name##_list[] = {__VA_ARGS__, NULL}; \
	static const struct ear_words name = {base, name##_list}

WORDS(session_event, EAR_SESSION_CONNECT, "CONNECT", "REGISTER", "UNREGISTER",
	"DISCONNECT");
WORDS(session_source, EAR_SOURCE_CLIENT, "CLIENT", "SERVER", "TRUNK");
WORDS(transport, EAR_TR_UDP, "udp", "tcp", "tls", "sctp", "ws", "wss",
	"secure");
WORDS(tls_version, 0x0300, "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3");
WORDS(cause, EAR_CAUSE_UNKNOWN, "UNKNOWN", "NORMAL", "NETWORK_ERROR", "TIMEOUT",
	"TLS_ERROR", "SERVER_STOP");
WORDS(side, EAR_SIDE_CLIENT, "client", "server");
WORDS(call_side, EAR_SIDE_CLIENT, "caller", "callee");
WORDS(disposition, EAR_CALL_IN_PROGRESS, "IN_PROGRESS", "ANSWERED", "NO_ANSWER",
	"BUSY", "FAILED");
WORDS(binding_end, EAR_BINDING_REMOVED, "removed", "expired", "replaced",
	"dropped");
WORDS(state, 1, "on line", "unreachable", "removed", "expired", "replaced",
	"dropped");

/* ?1 is the time as of which it is asked */
#define STATE_SQL                                                              \
	"CASE WHEN ended<>0 AND ended<=?1 THEN"                                \
	" CASE ended_how WHEN 1 THEN 3 WHEN 3 THEN 5 WHEN 4 THEN 6 ELSE 4 END" \
	" WHEN expires<=?1 THEN 4 WHEN lost<>0 AND lost<=?1 THEN 2 ELSE 1 END"

const char *const ear_records_table[EAR_LISTS] = {
	"session", "binding", "call", "connection"};

#define TYPE_TEXT EAR_COLUMN_TEXT
#define TYPE_NUM EAR_COLUMN_INT
#define TYPE_SOME EAR_COLUMN_INT
#define TYPE_TIME EAR_COLUMN_TIME
#define TYPE_BOOL EAR_COLUMN_BOOL
#define TYPE_ENUM EAR_COLUMN_ENUM
#define TYPE_ADDR EAR_COLUMN_ADDR
#define TYPE_IP EAR_COLUMN_ADDR
#define TYPE_HEX EAR_COLUMN_TEXT
#define TYPE_PEERS EAR_COLUMN_TEXT
#define TYPE_ROW EAR_COLUMN_TEXT

/* The same rows three times: by list, for others, for us, for expressions. */
struct row {
	enum ear_list_of list;
	struct ear_column column;
	struct ear_column_of of;
	struct ear_field_info field;
};

#define FIELD_TEXT EAR_TYPE_STR
#define FIELD_NUM EAR_TYPE_INT
#define FIELD_SOME EAR_TYPE_INT
#define FIELD_TIME EAR_TYPE_TIME
#define FIELD_BOOL EAR_TYPE_BOOL
#define FIELD_ENUM EAR_TYPE_ENUM
#define FIELD_ADDR EAR_TYPE_ADDR
#define FIELD_IP EAR_TYPE_IP
#define FIELD_HEX EAR_TYPE_STR
#define FIELD_PEERS EAR_TYPE_STR
#define FIELD_ROW EAR_TYPE_STR

static const struct row rows[] = {
#define C(list_, name_, kind_, title_, sql_, index_, words_, help_) \
	{EAR_LIST_##list_,                                          \
		{.name = name_,                                     \
			.title = title_,                            \
			.help = help_,                              \
			.type = TYPE_##kind_},                      \
		{EAR_KIND_##kind_, sql_, index_, words_},           \
		{.name = EAR_S_INIT(name_),                         \
			.type = FIELD_##kind_,                      \
			.help = help_}},
#include "records/column.def"
#undef C
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Columns by which accounts on line are sorted: there are few of them. */
static bool sorts_accounts(const char *name)
{
	static const char *const names[] = {
		"id", "username", "ip", "expires", "at"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

struct list {
	size_t n;
	struct ear_column column[EAR_COLUMNS_MAX];
	struct ear_column_of of[EAR_COLUMNS_MAX];
	struct ear_field_info field[EAR_COLUMNS_MAX];
	struct ear_field_set set;
};

static struct list lists[EAR_LISTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define VALUES(LIST, list)                                                  \
	static struct ear_slice value_##list(unsigned f, unsigned i)        \
	{                                                                   \
		const struct ear_words *w =                                 \
			f < lists[LIST].n ? lists[LIST].of[f].words : NULL; \
		unsigned k = 0;                                             \
		while (w && k < i && w->word[k])                            \
			k++;                                                \
		return w ? ear_slice_str(w->word[k]) : EAR_S("");           \
	}

VALUES(EAR_LIST_SESSIONS, sessions)
VALUES(EAR_LIST_ACCOUNTS, accounts)
VALUES(EAR_LIST_CALLS, calls)
VALUES(EAR_LIST_CONNECTIONS, connections)

/* Words that people use for them. */
static struct ear_slice alias(struct ear_slice name)
{
	static const struct {
		const char *name;
		struct ear_slice column;
	} aliases[] = {
		{"time", EAR_S_INIT("at")},
		{"date", EAR_S_INIT("at")},
		{"timestamp", EAR_S_INIT("at")},
		{"call_date", EAR_S_INIT("at")},
		{"duration", EAR_S_INIT("talk_s")},
		{"billsec", EAR_S_INIT("talk_s")},
		{"status", EAR_S_INIT("code")},
		{"useragent", EAR_S_INIT("user_agent")},
		{"ua", EAR_S_INIT("user_agent")},
		{"remoteaddr", EAR_S_INIT("remote")},
		{"remote.ip", EAR_S_INIT("remote")},
		{"cipher", EAR_S_INIT("tls_cipher")},
		{"tlscipher", EAR_S_INIT("tls_cipher")},
		{"tls", EAR_S_INIT("tls_version")},
		{"ipaddr", EAR_S_INIT("ip")},
		{"callid", EAR_S_INIT("call_id")},
		{"caller", EAR_S_INIT("src")},
		{"callee", EAR_S_INIT("dst")},
		{"user", EAR_S_INIT("username")},
		{"peer", EAR_S_INIT("peername")},
	};

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (ear_slice_ieq(name, ear_slice_str(aliases[i].name)))
			return aliases[i].column;
	}
	return (struct ear_slice){0};
}

static void fill(void)
{
	static struct ear_slice (*const values[])(unsigned f, unsigned i) = {
		value_sessions, value_accounts, value_calls, value_connections};

	for (size_t i = 0; i < ROWS; i++) {
		struct list *l = &lists[rows[i].list];
		struct ear_column *c = &l->column[l->n];

		assert(l->n + 1 < EAR_COLUMNS_MAX);
		*c = rows[i].column;
		l->of[l->n] = rows[i].of;
		l->field[l->n] = rows[i].field;
		c->words = rows[i].of.words ? rows[i].of.words->word : NULL;
		c->sorts = rows[i].list == EAR_LIST_ACCOUNTS
				   ? sorts_accounts(c->name)
				   : rows[i].of.index != NULL;
		l->n++;
	}
	for (unsigned k = 0; k < EAR_LISTS; k++) {
		struct list *l = &lists[k];
		size_t at = 0, code = l->n + 1;

		l->field[l->n] = (struct ear_field_info){
			.name = EAR_S_INIT("text"), .type = EAR_TYPE_TEXT};
		for (size_t i = 0; i < l->n; i++) {
			at = strcmp(l->column[i].name, "at") ? at : i;
			code = strcmp(l->column[i].name, "code") ? code : i;
		}
		l->set = (struct ear_field_set){.what = "column",
			.things = ear_list_name((enum ear_list_of)k),
			.fields = l->field,
			.n = (uint16_t)(l->n + 1),
			.time_field = (uint16_t)at,
			.text_field = (uint16_t)l->n,
			.status_field = (uint16_t)code,
			.no_field = (uint16_t)(l->n + 1),
			.int_max = INT64_MAX,
			.value = values[k],
			.alias = alias};
	}
}

static const struct list *list_of(enum ear_list_of list)
{
	pthread_once(&once, fill);
	return &lists[list];
}

const char *ear_list_name(enum ear_list_of list)
{
	static const char *const names[EAR_LISTS] = {
		"sessions", "accounts", "calls", "connections"};

	return names[list];
}

const struct ear_column *ear_columns(enum ear_list_of list, size_t *n)
{
	*n = list_of(list)->n;
	return list_of(list)->column;
}

const struct ear_column_of *ear_column_of(enum ear_list_of list)
{
	return list_of(list)->of;
}

const struct ear_field_set *ear_column_set(enum ear_list_of list)
{
	return &list_of(list)->set;
}

bool ear_column_find(enum ear_list_of list, const char *name, size_t *at)
{
	const struct list *l = list_of(list);

	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->column[i].name, name)) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* --- cells ------------------------------------------------------------- */

int ear_cells_sql(enum ear_list_of list, struct ear_buf *sql)
{
	const struct list *l = list_of(list);
	int n = 2;

	ear_buf_str(sql, "at,id");
	for (size_t i = 0; i < l->n; i++) {
		const struct ear_column_of *c = &l->of[i];

		if (c->kind == EAR_KIND_ADDR)
			ear_buf_printf(sql, ",%s_ip,%s_port", c->sql, c->sql);
		else if (c->kind == EAR_KIND_IP)
			ear_buf_printf(sql, ",%s_ip", c->sql);
		else if (c->kind != EAR_KIND_ROW)
			ear_buf_printf(sql, ",%s", c->sql);
		n += c->kind == EAR_KIND_ADDR ? 2 : c->kind != EAR_KIND_ROW;
	}
	return n;
}

size_t ear_row_id_text(uint64_t at, uint64_t id, char out[EAR_ROW_ID_TEXT])
{
	return (size_t)snprintf(
		out, EAR_ROW_ID_TEXT, "%" PRIx64 "-%" PRIx64, at, id);
}

static bool read_hex(struct ear_slice s, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
						    : 16;

		if (d > 15)
			return false;
		*v = *v << 4 | d;
	}
	return s.n > 0 && s.n <= 16;
}

bool ear_row_id_read(struct ear_slice text, uint64_t *at, uint64_t *id)
{
	size_t dash = ear_slice_find(text, EAR_S("-"));

	return dash < text.n && read_hex(ear_slice_sub(text, 0, dash), at) &&
	       read_hex(ear_slice_sub(text, dash + 1, text.n), id);
}

uint64_t ear_row_call_key(struct ear_slice call_id)
{
	return ear_hash(call_id) >> 1;
}

static void read_addr(
	sqlite3_stmt *st, int at, bool port, struct ear_cell *c, char *room)
{
	struct ear_slice ip = ear_sql_blob(st, at);
	uint16_t p = port ? (uint16_t)sqlite3_column_int(st, at + 1) : 0;
	struct ear_addr a = ip.n == 4    ? ear_addr_v4(ip.p, p)
			    : ip.n == 16 ? ear_addr_v6(ip.p, p)
					 : (struct ear_addr){0};

	c->there = a.family != 0;
	c->text = ear_slice(room,
		port ? ear_addr_text(&a, room) : ear_addr_ip_text(&a, room));
}

static void read_enum(const struct ear_words *w, int64_t v, struct ear_cell *c)
{
	int64_t n = 0;

	while (w->word[n])
		n++;
	c->there = v >= w->base && v - w->base < n;
	c->i = c->there ? v - w->base : 0;
	if (c->there)
		c->text = ear_slice_str(w->word[c->i]);
}

static int read_cell(const struct ear_column_of *of, sqlite3_stmt *st, int at,
	struct ear_cell *c, char *room)
{
	*c = (struct ear_cell){.i = 0};
	switch ((enum ear_column_kind)of->kind) {
	case EAR_KIND_TEXT:
	case EAR_KIND_PEERS:
		c->text = ear_sql_blob(st, at);
		c->there = c->text.n != 0;
		return at + 1;
	case EAR_KIND_NUM:
	case EAR_KIND_BOOL:
		c->i = sqlite3_column_int64(st, at);
		c->there = sqlite3_column_type(st, at) != SQLITE_NULL;
		return at + 1;
	case EAR_KIND_SOME:
	case EAR_KIND_TIME:
		c->i = sqlite3_column_int64(st, at);
		c->there = c->i != 0;
		return at + 1;
	case EAR_KIND_ENUM:
		read_enum(of->words, sqlite3_column_int64(st, at), c);
		return at + 1;
	case EAR_KIND_ADDR: read_addr(st, at, true, c, room); return at + 2;
	case EAR_KIND_IP: read_addr(st, at, false, c, room); return at + 1;
	case EAR_KIND_HEX:
		c->there = sqlite3_column_int64(st, at) != 0;
		if (c->there)
			c->text = ear_slice(
				room, (size_t)snprintf(room, EAR_ADDR_TEXT,
					      "%" PRIx64, ear_sql_u64(st, at)));
		return at + 1;
	case EAR_KIND_ROW:
		c->there = true;
		c->text = ear_slice(room, ear_row_id_text(ear_sql_u64(st, 0),
						  ear_sql_u64(st, 1), room));
		return at;
	}
	return at;
}

void ear_cells_read(
	enum ear_list_of list, sqlite3_stmt *st, struct ear_cells *cells)
{
	const struct list *l = list_of(list);
	int at = 2;

	for (size_t i = 0; i < l->n; i++)
		at = read_cell(
			&l->of[i], st, at, &cells->cell[i], cells->room[i]);
}
