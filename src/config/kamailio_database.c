/* SPDX-License-Identifier: Apache-2.0 */
/* siptrace's rows, as a section sql. */
#include "config/kamailio_plan.h"
#include "sink/sql.h"

/* The database as it would be opened: what of it is wrong, before anybody
 * meets it in the written file. */
static bool opens(const char *url, const char *table,
	const char *const *columns, size_t n, struct ear_fault *fault)
{
	const struct ear_sql_sink_options options = {.name = "database",
		.url = url,
		.table = table,
		.columns = columns,
		.n_columns = n};
	struct ear_sink *sink = NULL;

	if (ear_sql_sink_new(&options, &sink, fault))
		return false;
	sink->ops->close(&sink);
	return true;
}

static void write_columns(struct ear_kamailio_plan *p)
{
	static const char *const columns[][2] = {{"date_column", "time_stamp"},
		{"callid_column", "callid"},
		{"traced_user_column", "traced_user"}, {"msg_column", "msg"},
		{"method_column", "method"}, {"status_column", "status"},
		{"fromip_column", "fromip"}, {"toip_column", "toip"},
		{"fromtag_column", "fromtag"}, {"totag_column", "totag"},
		{"direction_column", "direction"}};
	const char *names[16];
	struct ear_buf list = {0};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const char *def = columns[i][1];
		struct ear_slice v =
			ear_kamailio_text(p->k, columns[i][0], def);
		struct ear_fault fault = {0};
		struct ear_buf one = {0};

		if (ear_kamailio_param(p->k, false, columns[i][0]))
			ear_kamailio_tell(p->w, columns[i][0]);
		if (ear_slice_eq(v, ear_slice_str(def)))
			continue;
		ear_buf_printf(&one, "%s=%.*s", def, EAR_FMT(v));
		names[n] = ear_kamailio_str(p->k, ear_buf_view(&one));
		if (opens("DSN=x", "sip_trace", names, n + 1, &fault)) {
			ear_buf_str(&list, n++ ? ", " : "");
			ear_kamailio_put_quoted(&list, ear_buf_view(&one));
		} else {
			ear_kamailio_gap(p->w, "not so here: %s", fault.text);
		}
		ear_buf_fini(&one);
	}
	if (n)
		ear_buf_printf(p->w->out, "\tcolumns = {%.*s}\n",
			EAR_FMT(ear_buf_view(&list)));
	ear_buf_fini(&list);
}

/* Kamailio reads passwords as they are, URLs here know %XX. */
static bool write_url(struct ear_kamailio_plan *p)
{
	static const char *const takes[] = {"mysql://", "postgres://",
		"unixodbc://", "postgresql://", "mariadb://"};
	struct ear_slice url = ear_kamailio_text(p->k, "db_url",
		"mysql://kamailio:kamailiorw@localhost/kamailio");
	struct ear_fault fault = {0};
	struct ear_buf out = {0};
	bool good = false;

	ear_kamailio_tell(p->w, "db_url");
	if (ear_slice_starts(url, EAR_S("db_"))) /* module's name as well */
		url = ear_slice_sub(url, 3, url.n);
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		good |= ear_slice_starts(url, ear_slice_str(takes[i]));
	if (!good) {
		ear_kamailio_gap(p->w,
			"no equivalent: rows go to MySQL, MariaDB, PostgreSQL "
			"and what has an ODBC driver. Write its connection "
			"string, as \"DSN=traces\", and enable it; Earshot's "
			"own store answers `earshot sql` meanwhile.");
		ear_kamailio_key(p->w, "url", EAR_S("DSN=traces"));
		return false;
	}
	for (size_t i = 0; i < url.n; i++) {
		ear_buf_byte(&out, (uint8_t)url.p[i]);
		if (url.p[i] == '%')
			ear_buf_str(&out, "25");
	}
	good = opens(ear_kamailio_str(p->k, ear_buf_view(&out)), "sip_trace",
		NULL, 0, &fault);
	if (good)
		ear_kamailio_key(p->w, "url", ear_buf_view(&out));
	else
		ear_kamailio_gap(p->w, "not so here: %s", fault.text);
	ear_buf_fini(&out);
	if (!good)
		ear_kamailio_key(p->w, "url", EAR_S("DSN=traces"));
	return good;
}

void ear_kamailio_write_database(struct ear_kamailio_plan *p)
{
	int64_t mode = ear_kamailio_int(p->k, "trace_db_mode", 0);
	static const char *const modes[] = {"each", "batch", "async"};
	struct ear_fault fault = {0};
	struct ear_slice table;
	bool good;

	ear_kamailio_open(p->w, "sql", "database");
	ear_kamailio_tell(p->w, "trace_to_database");
	good = write_url(p);
	ear_kamailio_key(p->w, "take", EAR_S("traced"));
	ear_kamailio_tell(p->w, "table");
	table = ear_kamailio_text(p->k, "table", "sip_trace");
	if (opens("DSN=x", ear_kamailio_str(p->k, table), NULL, 0, &fault)) {
		ear_kamailio_key(p->w, "table", table);
	} else {
		ear_kamailio_gap(p->w, "not so here: %s", fault.text);
		good = false;
	}
	if (ear_kamailio_param(p->k, false, "trace_delayed"))
		ear_kamailio_tell(p->w, "trace_delayed");
	ear_kamailio_tell(p->w, "trace_db_mode");
	if (ear_kamailio_int(p->k, "trace_delayed", 0))
		mode = 1;
	if (mode < 0 || mode > 2)
		mode = 0;
	if (!mode)
		ear_kamailio_remark(p->w,
			"One insert and commit a message. \"batch\" takes many "
			"times as much, and rows come up to a second later.");
	else
		ear_kamailio_remark(p->w,
			"Kamailio falls back to plain inserts where the driver "
			"cannot do it; here it is done for every database.");
	ear_kamailio_key(p->w, "mode", ear_slice_str(modes[mode]));
	write_columns(p);
	if (p->script && p->to_db &&
		ear_kamailio_text(p->k, "trace_local_ip", "").n)
		ear_kamailio_gap(p->w,
			"siptrace trace_local_ip stood in these rows too; here "
			"rows have the real addresses.");
	if (!good)
		ear_kamailio_key(p->w, "enabled", EAR_S("false"));
	ear_kamailio_close(p->w);
}
