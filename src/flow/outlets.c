/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks of a configuration behind their spools. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/time.h"
#include "flow/rules_priv.h"

/* --- what a sink is made from, as text --------------------------------- */

static void text(struct ear_buf *b, const char *s)
{
	ear_buf_str(b, s ? s : "");
	ear_buf_byte(b, '\0');
}

static void texts(struct ear_buf *b, const char *const *list, size_t n)
{
	ear_buf_varint(b, n);
	for (size_t i = 0; i < n; i++)
		text(b, list[i]);
}

static void write_mirror(const struct ear_mirror_options *o, struct ear_buf *b)
{
	text(b, o->to);
	text(b, o->auth_key);
	text(b, o->node);
	text(b, o->correlation);
	text(b, o->from);
	text(b, o->local_address);
	text(b, o->ca);
	text(b, o->certificate);
	text(b, o->private_key);
	texts(b, o->advertise, o->n_advertise);
	ear_buf_printf(b, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %d%d%d%d",
		o->version, o->capture_id, o->max_hops, o->xheaders,
		o->legacy_tls, o->verify, o->acknowledge);
}

static void write_sql(const struct ear_sql_sink_options *o, struct ear_buf *b)
{
	text(b, o->url);
	text(b, o->table);
	texts(b, o->columns, o->n_columns);
	ear_buf_printf(b, "%d %" PRIu32 " %" PRIu64 " %" PRIu32 " %d%d",
		o->mode, o->batch, o->delay_ns, o->workers, o->create, o->utc);
}

/* So that a session is not broken where nothing was changed. */
static void write_options(const struct ear_outlet_spec *o, struct ear_buf *b)
{
	ear_buf_printf(b, "%d ", o->kind);
	if (o->kind == EAR_OUTLET_MIRROR)
		write_mirror(&o->mirror, b);
	else
		write_sql(&o->sql, b);
}

/* --- opening ----------------------------------------------------------- */

static const char *kind_name(enum ear_outlet_kind kind)
{
	return kind == EAR_OUTLET_MIRROR ? "mirror" : "sql";
}

/* The fault names the section. */
static enum ear_err blame(const struct ear_outlet_spec *o, enum ear_err err,
	struct ear_fault *fault)
{
	struct ear_fault why = *fault;

	return ear_fail(fault, err, why.offset, "%s \"%.*s\": %.*s",
		kind_name(o->kind), EAR_SPOOL_NAME, o->name,
		(int)sizeof(fault->text) - 48, why.text);
}

static enum ear_err make_sink(struct ear_rules *rules,
	const struct ear_outlet_spec *o, struct ear_sink **sink,
	struct ear_fault *fault)
{
	struct ear_sql_sink_options sql = o->sql;

	if (o->kind == EAR_OUTLET_MIRROR)
		return ear_mirror_new(&o->mirror, sink, fault);
	sql.name = o->name;
	sql.notice = rules->options.notice;
	sql.notice_arg = rules->options.notice_arg;
	return ear_sql_sink_new(&sql, sink, fault);
}

static enum ear_err open_spool(struct ear_rules *rules,
	const struct ear_outlet_spec *o, struct ear_outlet *out,
	struct ear_fault *fault)
{
	const struct ear_rules_options *r = &rules->options;
	struct ear_store_mark mark;
	struct ear_spool_options options = {
		.name = o->name,
		.dir = rules->dir,
		.max_bytes = o->spool_bytes,
		.min_free = r->min_free,
		.sync_ms = r->sync_ms,
		.ledger = r->ledger,
		.notice = r->notice,
		.notice_arg = r->notice_arg,
	};
	struct ear_sink *sink = out->sink;
	char name[32];
	enum ear_err err = EAR_GONE;

	ear_spool_mark_name(o->name, name);
	if (r->store)
		err = r->store->ops->marked(r->store, name, &mark);
	if (err == EAR_LIMIT)
		return ear_fail(fault, err, 0,
			"the store keeps no position for it: it has those of "
			"too many others");
	if (!err)
		options.committed = &mark;
	out->sink = NULL;
	out->fresh = true;
	return ear_spool_open(&options, sink, &out->spool, fault);
}

static const struct ear_outlet *find(
	const struct ear_outlets *outlets, const char *name)
{
	for (size_t i = 0; outlets && i < outlets->n; i++) {
		if (!strcmp(outlets->v[i].name, name))
			return &outlets->v[i];
	}
	return NULL;
}

const char *ear_outlets_name_of(
	const struct ear_outlets *outlets, const char *text)
{
	const struct ear_outlet *hit = find(outlets, text);

	for (size_t i = 0; !hit && text[0] && i < outlets->n; i++) {
		if (!strcmp(outlets->v[i].to, text))
			hit = &outlets->v[i];
	}
	return hit ? hit->name : NULL;
}

static enum ear_err open_one(struct ear_rules *rules,
	const struct ear_outlet_spec *o, const struct ear_outlets *before,
	struct ear_outlet *out, struct ear_fault *fault)
{
	const struct ear_outlet *was = find(before, o->name);
	enum ear_err err = EAR_OK;

	snprintf(out->name, sizeof(out->name), "%s", o->name);
	out->to = strdup(o->kind == EAR_OUTLET_MIRROR && o->mirror.to
				 ? o->mirror.to
				 : "");
	if (!out->to)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	out->traced_only = o->traced_only;
	write_options(o, &out->made_from);
	if (out->made_from.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (o->filter[0])
		err = ear_expr_new(ear_slice_str(o->filter), ear_now_ns(),
			&out->filter, fault);
	if (err)
		return err;
	if (was && ear_slice_eq(ear_buf_view(&was->made_from),
			   ear_buf_view(&out->made_from))) {
		out->spool = was->spool;
		out->borrowed = true;
		return EAR_OK;
	}
	/* records are written for one kind of sink */
	if (was && was->made_from.p[0] != out->made_from.p[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"%s was the name of another kind of section until now: "
			"take another name",
			o->name);
	err = make_sink(rules, o, &out->sink, fault);
	if (err || !was)
		return err ? err : open_spool(rules, o, out, fault);
	out->spool = was->spool;
	out->borrowed = true;
	return EAR_OK;
}

enum ear_err ear_outlets_open(struct ear_rules *rules,
	const struct ear_rules_spec *spec, const struct ear_outlets *before,
	struct ear_outlets *outlets, struct ear_fault *fault)
{
	struct ear_fault unread = {0};

	fault = fault ? fault : &unread;
	for (size_t i = 0; i < spec->n_outlets; i++) {
		const struct ear_outlet_spec *o = &spec->outlets[i];
		enum ear_err err;

		if (!o->enabled)
			continue;
		if (outlets->n == EAR_OUTLETS_MAX)
			return ear_fail(fault, EAR_LIMIT, 0,
				"more than %d mirrors and databases",
				EAR_OUTLETS_MAX);
		/* counted also when it fails: then it is closed half open */
		err = open_one(
			rules, o, before, &outlets->v[outlets->n++], fault);
		if (err)
			return blame(o, err, fault);
	}
	return EAR_OK;
}

enum ear_err ear_outlets_check(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_fault unread = {0};

	fault = fault ? fault : &unread;
	for (size_t i = 0; i < spec->n_outlets; i++) {
		const struct ear_outlet_spec *o = &spec->outlets[i];
		struct ear_sink *sink = NULL;
		enum ear_err err = make_sink(rules, o, &sink, fault);

		if (err)
			return blame(o, err, fault);
		sink->ops->close(&sink);
	}
	return EAR_OK;
}

enum ear_err ear_outlets_start(
	struct ear_outlets *outlets, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < outlets->n; i++) {
		struct ear_outlet *o = &outlets->v[i];

		if (!o->fresh)
			continue;
		err = ear_spool_start(o->spool, fault);
		o->fresh = false;
	}
	return err;
}

/* All at once: with one after the other their waits would add up. */
static void leave_all(struct ear_outlets *outlets, uint32_t wait_ms)
{
	uint64_t until = ear_mono_ns() + wait_ms * EAR_MS_NS;
	struct ear_spool_stats stats;

	for (size_t i = 0; i < outlets->n; i++) {
		struct ear_outlet *o = &outlets->v[i];
		uint64_t now = ear_mono_ns();

		if (!o->spool || o->borrowed)
			continue;
		ear_spool_stats(o->spool, &stats);
		/* nobody takes it: then there is nothing to wait for */
		ear_spool_leave(o->spool,
			stats.connected && now < until
				? (uint32_t)((until - now) / EAR_MS_NS)
				: 0);
	}
}

static void close_one(struct ear_outlet *o)
{
	if (o->spool && !o->borrowed)
		ear_spool_close(&o->spool, 0);
	if (o->sink)
		o->sink->ops->close(&o->sink);
	ear_expr_free(&o->filter);
	ear_buf_fini(&o->made_from);
	free(o->to);
	*o = (struct ear_outlet){0};
}

void ear_outlets_close(struct ear_outlets *outlets, uint32_t wait_ms)
{
	leave_all(outlets, wait_ms);
	for (size_t i = 0; i < outlets->n; i++)
		close_one(&outlets->v[i]);
	outlets->n = 0;
}

void ear_outlets_change(struct ear_outlets *after, struct ear_outlets *before)
{
	for (size_t i = 0; i < after->n; i++) {
		struct ear_outlet *o = &after->v[i];

		if (!o->borrowed)
			continue;
		for (size_t k = 0; k < before->n; k++) {
			if (before->v[k].spool == o->spool)
				before->v[k].borrowed = true;
		}
		o->borrowed = false;
		if (o->sink)
			ear_spool_sink(o->spool, o->sink);
		o->sink = NULL;
	}
}

/* --- what lies on disk without an outlet ------------------------------- */

static uint64_t bytes_in(const char *dir)
{
	char path[2700];
	uint64_t bytes = 0;
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (n > 8 && !strcmp(e->d_name + n - 8, ".journal") &&
			!stat(path, &st))
			bytes += (uint64_t)st.st_size;
	}
	if (d)
		closedir(d);
	return bytes;
}

void ear_outlets_tell_unused(
	const struct ear_rules *rules, const struct ear_outlets *outlets)
{
	char dir[2100], one[2400], said[400];
	struct dirent *e;
	uint64_t bytes;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/spool", rules->dir);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || find(outlets, e->d_name))
			continue;
		snprintf(one, sizeof(one), "%s/%s", dir, e->d_name);
		bytes = bytes_in(one);
		if (!bytes)
			continue;
		snprintf(said, sizeof(said),
			"about %" PRIu64
			" bytes wait in %.200s for a mirror or "
			"database that is not configured or off; configure it "
			"again, or remove that directory",
			bytes, one);
		rules->options.notice("mirror.unused", ear_slice_str(said),
			rules->options.notice_arg);
	}
	if (d)
		closedir(d);
}

void ear_outlets_json(struct ear_outlets *outlets, struct ear_json *j)
{
	ear_json_open(j, '[');
	for (size_t i = 0; i < outlets->n; i++)
		ear_spool_json(outlets->v[i].spool, j);
	ear_json_close(j, ']');
}
