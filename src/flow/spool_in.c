/* SPDX-License-Identifier: Apache-2.0 */
/* The side of a spool that takes messages, on the thread that has them. */
#include "base/time.h"
#include "flow/spool_priv.h"

void ear_spool_sink(struct ear_spool *s, struct ear_sink *sink)
{
	struct ear_sink *unused;

	pthread_mutex_lock(&s->lock);
	/* one that was not taken up yet encoded until now, and no longer does
	 */
	unused = s->next_sink;
	s->next_sink = sink;
	s->in.sink = sink;
	pthread_mutex_unlock(&s->lock);
	if (unused)
		unused->ops->close(&unused);
	ear_journal_wake(s->journal);
}

static void count_lost(
	struct ear_spool *s, enum ear_count why, uint64_t n, uint64_t now_ns)
{
	ear_tally_add(s->tally, why, n, now_ns);
	pthread_mutex_lock(&s->lock);
	s->lost += n;
	pthread_mutex_unlock(&s->lock);
}

static void set_full(struct ear_spool *s, bool full, const char *why)
{
	bool was;

	pthread_mutex_lock(&s->lock);
	was = s->full;
	s->full = full;
	pthread_mutex_unlock(&s->lock);
	if (full && !was)
		spool_tell(s, "mirror.full",
			"mirror %s: messages for it are lost from now on: %s",
			s->name, why);
	else if (was && !full)
		spool_tell(s, "mirror.room",
			"mirror %s: there is room again for messages", s->name);
}

/* The frame that was made goes to disk, or is lost as a whole. */
static void append(struct ear_spool *s, uint64_t now_ns)
{
	struct spool_in *in = &s->in;
	struct ear_fault fault = {0};
	enum ear_err err;

	if (!in->records)
		return;
	err = ear_lane_append(
		s->lane, in->frame.p, in->frame.n, in->records, &fault);
	if (err) {
		count_lost(s, EAR_N_MIRROR_FULL, in->records, now_ns);
		set_full(s, true, fault.text);
	} else {
		pthread_mutex_lock(&s->lock);
		s->put += in->records;
		if (!s->oldest_ns)
			s->oldest_ns = now_ns;
		pthread_mutex_unlock(&s->lock);
		in->marked = true;
		if (s->full)
			set_full(s, false, "");
	}
	in->frame.n = EAR_FRAME_HEAD;
	in->frame.err = EAR_OK;
	in->records = 0;
}

/* The head of a record and its padding; back to before on failure. */
static enum ear_err add_record(struct ear_spool *s, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks)
{
	static const char zeros[8];
	struct ear_buf *b = &s->in.frame;
	struct ear_record record = {.units = 1, .seen_ns = msg->seen_ns};
	size_t at = b->n;
	enum ear_err err;

	ear_buf_add(b, &record, sizeof(record));
	err = s->in.sink->ops->encode(s->in.sink, msg, facts, marks, b);
	if (b->err)
		err = b->err;
	if (!err || (err == EAR_LIMIT && !b->err)) {
		record.bytes = (uint32_t)(b->n - at - sizeof(record));
		record.kind = EAR_RECORD_DATAGRAM;
		memcpy(b->p + at, &record, sizeof(record));
		ear_buf_add(b, zeros, -b->n & 7);
	}
	if (b->err || (err && err != EAR_LIMIT)) {
		err = b->err ? b->err : err;
		b->n = at;
		b->err = EAR_OK;
	}
	return err;
}

bool ear_spool_put(struct ear_spool *s, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks)
{
	uint64_t records = s->in.records;
	enum ear_err err;

	err = add_record(s, msg, facts, marks);
	if (err == EAR_UNSUPPORTED)
		return false;
	ear_tally_add(s->tally, EAR_N_MIRRORED, 1, msg->seen_ns);
	if (err && err != EAR_LIMIT) {
		uint64_t skipped;

		count_lost(s, EAR_N_MIRROR_REFUSED, 1, msg->seen_ns);
		if (ear_log_every(&s->in.gate, &skipped))
			ear_log(EAR_WARN, "mirror.refused", "mirror",
				EAR_LS(s->name), "reason",
				EAR_LS(ear_err_name(err)), "bytes",
				EAR_LU(msg->raw.n), "skipped", EAR_LU(skipped),
				NULL);
		return false;
	}
	s->in.records = (uint32_t)records + 1;
	if (s->in.frame.n >= SPOOL_FRAME_BYTES)
		append(s, msg->seen_ns);
	return true;
}

bool ear_spool_flush(struct ear_spool *s, struct ear_store_mark *mark)
{
	struct ear_lane_pos end;

	append(s, ear_now_ns());
	if (!s->in.marked)
		return false;
	s->in.marked = false;
	end = ear_lane_end(s->lane);
	*mark = (struct ear_store_mark){.v = {end.file, end.offset, end.frame}};
	ear_spool_mark_name(s->name, mark->name);
	return true;
}

void ear_spool_committed(struct ear_spool *s, const struct ear_store_mark *mark)
{
	struct ear_lane_pos pos = {
		.file = mark->v[0], .offset = mark->v[1], .frame = mark->v[2]};
	bool on;

	pthread_mutex_lock(&s->lock);
	on = spool_before(&s->committed, &pos);
	if (on) {
		s->committed = pos;
		s->places.committed[0] = pos.file;
		s->places.committed[1] = pos.offset;
		s->places.committed[2] = pos.frame;
		spool_places(s);
	}
	pthread_mutex_unlock(&s->lock);
	if (on)
		ear_journal_wake(s->journal);
}
