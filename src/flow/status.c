/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/status.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"

/* Lines shown; the ledger itself says in "(others)" what it joined. */
#define LINES 4096

/* Not through base/whole: no fsync() each few seconds for what a restart
 * writes again. */
void ear_status_write(const char *data_dir, const struct ear_buf *json)
{
	char path[PATH_MAX], part[PATH_MAX];
	FILE *f = NULL;
	int fd;

	snprintf(path, sizeof(path), "%s/" EAR_STATUS_FILE, data_dir);
	snprintf(part, sizeof(part), "%s/" EAR_STATUS_FILE ".new", data_dir);
	if (json->err)
		return;
	/* it names who sends: nobody else's business */
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		0640);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (!f && fd >= 0)
		close(fd);
	if (f) {
		bool whole = fwrite(json->p, 1, json->n, f) == json->n;

		if (fclose(f) || !whole || rename(part, path))
			unlink(part);
	}
}

void ear_status_totals(
	struct ear_json *j, const uint64_t n[EAR_N_COUNT], uint64_t pending)
{
	uint64_t class[EAR_CLASS_BYTES + 1] = {0};

	for (enum ear_count c = 0; c < EAR_N_COUNT; c++)
		class[ear_count_class(c)] += n[c];
	ear_json_key(j, "totals");
	ear_json_open(j, '{');
	ear_json_ku64(j, "received", n[EAR_N_RECEIVED]);
	ear_json_ku64(j, "accepted", n[EAR_N_ACCEPTED]);
	ear_json_ku64(j, "searchable",
		n[EAR_N_STORED] > pending ? n[EAR_N_STORED] - pending : 0);
	ear_json_ku64(j, "stored", n[EAR_N_STORED]);
	ear_json_ku64(j, "counted", class[EAR_CLASS_COUNTED]);
	ear_json_ku64(j, "filtered", class[EAR_CLASS_FILTERED]);
	ear_json_ku64(j, "malformed", n[EAR_N_MALFORMED]);
	ear_json_ku64(j, "dropped", class[EAR_CLASS_DROPPED]);
	ear_json_ku64(j, "kernel_drop", n[EAR_N_KERNEL_DROP]);
	ear_json_ku64(j, "bytes", n[EAR_N_BYTES]);
	ear_json_key(j, "open");
	ear_json_i64(j, ear_ledger_open(n));
	ear_json_close(j, '}');
}

void ear_status_ledger(struct ear_json *j, struct ear_ledger *ledger)
{
	struct ear_ledger_line *lines = calloc(LINES, sizeof(*lines));
	size_t n = lines ? ear_ledger_read(ledger, lines, LINES) : 0;

	ear_json_key(j, "ledger");
	ear_json_open(j, '[');
	for (size_t i = 0; i < n && i < LINES; i++) {
		const struct ear_ledger_line *line = &lines[i];

		ear_json_open(j, '{');
		ear_json_kstr(j, "tap", ear_slice_str(line->tap));
		ear_json_kstr(j, "source", ear_slice_str(line->source));
		ear_json_ktime(j, "first", line->first_ns);
		ear_json_ktime(j, "last", line->last_ns);
		for (enum ear_count c = 0; c < EAR_N_COUNT; c++)
			ear_json_ku64(j, ear_count_key(c), line->n[c]);
		ear_json_close(j, '}');
	}
	ear_json_close(j, ']');
	free(lines);
}

void ear_status_store(struct ear_json *j, const struct ear_store_stats *s,
	const struct ear_retention *keep)
{
	ear_json_key(j, "store");
	ear_json_open(j, '{');
	ear_json_ku64(j, "messages", s->messages);
	ear_json_ku64(j, "malformed", s->malformed);
	ear_json_ku64(j, "segments", s->segments);
	ear_json_ku64(j, "bytes", s->bytes);
	ear_json_ku64(j, "raw_bytes", s->raw_bytes);
	ear_json_ktime(j, "oldest", s->oldest_ns);
	ear_json_ktime(j, "newest", s->newest_ns);
	ear_json_ku64(j, "disk_free", s->disk_free);
	ear_json_ku64(j, "pending", s->pending);
	ear_json_ku64(j, "removed_segments", s->removed_segments);
	ear_json_ku64(j, "removed_messages", s->removed_messages);
	ear_json_ku64(j, "bytes_per_day", s->bytes_per_day);
	ear_json_ku64(j, "left_s", s->left_ns / EAR_SECOND_NS);
	ear_json_kbool(j, "full", s->full);
	ear_json_ku64(j, "damaged", s->damaged);
	ear_json_key(j, "retention");
	ear_json_open(j, '{');
	ear_json_ku64(j, "max_age_s", keep->max_age_ns / EAR_SECOND_NS);
	ear_json_ku64(j, "max_bytes", keep->max_bytes);
	ear_json_ku64(j, "min_free", keep->min_free);
	ear_json_close(j, '}');
	ear_json_close(j, '}');
}

void ear_status_journal(struct ear_json *j, const struct ear_journal_stats *s)
{
	ear_json_key(j, "journal");
	ear_json_open(j, '{');
	ear_json_ku64(j, "bytes", s->bytes);
	ear_json_ku64(j, "max_bytes", s->max_bytes);
	ear_json_ku64(j, "appended_bytes", s->appended_bytes);
	ear_json_ku64(j, "lost_bytes", s->lost_bytes);
	ear_json_kbool(j, "full", s->full);
	ear_json_close(j, '}');
}

void ear_status_backlog(struct ear_json *j, struct ear_backlog backlog)
{
	ear_json_key(j, "backlog");
	ear_json_open(j, '{');
	ear_json_ku64(j, "bytes", backlog.bytes);
	ear_json_ktime(j, "since", backlog.since_ns);
	ear_json_kbool(j, "lasts", backlog.lasts);
	ear_json_close(j, '}');
}

void ear_status_records(struct ear_json *j, struct ear_records *records)
{
	struct ear_records_stats s = {0};
	struct ear_reconciled r = {0};

	ear_records_stats(records, &s);
	ear_records_reconciled(records, &r);
	ear_json_key(j, "records");
	ear_json_open(j, '{');
	ear_json_ku64(j, "sessions", s.sessions);
	ear_json_ku64(j, "accounts", s.bindings);
	ear_json_ku64(j, "connections", s.connections);
	ear_json_ku64(j, "calls", s.calls);
	ear_json_ku64(j, "bytes", s.bytes);
	ear_json_ku64(j, "put", s.put);
	ear_json_ku64(j, "written", s.written);
	ear_json_ku64(j, "waiting", s.waiting);
	ear_json_ku64(j, "failed", s.failed);
	ear_json_kbool(j, "full", s.full);
	ear_json_key(j, "reconciliation");
	ear_json_open(j, '{');
	ear_json_ku64(j, "bound", r.bound);
	ear_json_ku64(j, "ambiguous", r.ambiguous);
	ear_json_ku64(j, "unbound", r.unbound);
	ear_json_ku64(j, "waiting", r.waiting);
	if (r.oldest_unbound_ns)
		ear_json_ktime(j, "oldest_unbound", r.oldest_unbound_ns);
	if (r.run_ns)
		ear_json_ktime(j, "run", r.run_ns);
	ear_json_close(j, '}');
	ear_json_close(j, '}');
}
