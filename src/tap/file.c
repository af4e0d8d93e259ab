/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/file.h"

#include <stdio.h>

#include "base/stop.h"
#include "base/time.h"
#include "proto/be.h"
#include "proto/hep.h"
#include "proto/pcap.h"
#include "tap/file_source.h"
#include "tap/packets_priv.h"

#define PROGRESS_BYTES (1u << 20)
#define NAME_MAX_BYTES 200

/* One reading of one file. */
struct reading {
	const struct ear_tap_file_options *options;
	struct ear_packets *packets;
	struct ear_keylog *keylog;
	uint64_t bytes;    /* of the file, uncompressed */
	uint64_t began_ns; /* time of the first packet */
};

bool ear_tap_file_is(struct ear_slice head)
{
	return ear_pcap_is(head) || ear_hep_version(head) == 3 ||
	       ear_slice_starts(head, EAR_S("\x1f\x8b"));
}

static void settle(struct reading *r)
{
	ear_packets_clock(r->packets, ear_now_ns());
}

static void progress(
	struct reading *r, const struct ear_source *s, uint64_t *next)
{
	uint64_t done = ear_source_done(s);

	if (done < *next)
		return;
	*next = done + PROGRESS_BYTES;
	if (r->options->progress)
		r->options->progress(
			done, ear_source_total(s), r->options->arg);
}

static bool stopped(const struct reading *r)
{
	return ear_stopped(r->options->stop);
}

/* The file's own key log. */
static void take_secrets(struct ear_slice text, void *arg)
{
	ear_keylog_text(arg, text);
}

static uint64_t moved(struct reading *r, uint64_t at_ns)
{
	if (!r->options->begin_ns || !at_ns)
		return at_ns;
	if (!r->began_ns)
		r->began_ns = at_ns;
	return at_ns - r->began_ns + r->options->begin_ns;
}

/* All packets in view. */
static enum ear_err take_view(struct reading *r, struct ear_pcap *p,
	struct ear_source *s, struct ear_fault *fault)
{
	struct ear_slice view = ear_source_view(s);
	size_t at = 0;
	enum ear_err err;

	do {
		struct ear_pcap_packet packet;
		size_t used;

		err = ear_pcap_next(p, ear_slice_sub(view, at, view.n), &used,
			&packet, fault);
		at += used;
		if (!err)
			ear_packets_frame(r->packets, packet.link,
				moved(r, packet.at_ns), packet.data);
	} while (!err);
	ear_source_use(s, at);
	r->bytes += at;
	return err;
}

static enum ear_err read_pcap(
	struct reading *r, struct ear_source *s, struct ear_fault *fault)
{
	struct ear_pcap p = {.secrets = take_secrets, .secrets_arg = r->keylog};
	uint64_t next = 0;
	enum ear_err err;

	do {
		enum ear_err end;

		err = take_view(r, &p, s, fault);
		settle(r);
		progress(r, s, &next);
		if (err != EAR_MORE || stopped(r))
			break;
		end = ear_source_fill(s, p.need, fault);
		if (end == EAR_GONE)
			err = ear_pcap_end(&p, ear_source_view(s).n, fault);
		else if (end)
			err = end;
	} while (err == EAR_MORE);
	ear_pcap_fini(&p);
	return err == EAR_MORE ? EAR_OK : err;
}

/* A file of HEP 3 packets, one after the other. */
static enum ear_err read_hep(
	struct reading *r, struct ear_source *s, struct ear_fault *fault)
{
	static const struct ear_packet_place nowhere = {0};
	uint64_t next = 0;

	while (!stopped(r)) {
		enum ear_err err = ear_source_fill(s, EAR_HEP_HEAD, fault);
		struct ear_slice view = ear_source_view(s);
		size_t n;

		if (err == EAR_GONE && !view.n)
			return EAR_OK;
		if (err && err != EAR_GONE)
			return err;
		if (err || ear_hep_version(view) != 3)
			return ear_fail(fault, EAR_BAD, (size_t)r->bytes,
				"damaged file: no HEP packet begins here");
		n = ear_be16(view.p + 4);
		err = ear_source_fill(s, n, fault);
		view = ear_source_view(s);
		if (err == EAR_GONE)
			return ear_fail(fault, EAR_BAD, (size_t)r->bytes,
				"the file ends inside of a HEP packet");
		if (err || n < EAR_HEP_HEAD)
			return err ? err
				   : ear_fail(fault, EAR_BAD, (size_t)r->bytes,
					     "damaged file: a HEP packet of "
					     "%zu bytes",
					     n);
		r->packets->sum.packets++;
		ear_packets_hep(
			r->packets, &nowhere, ear_slice_sub(view, 0, n), NULL);
		ear_source_use(s, n);
		r->bytes += n;
		if (ear_source_done(s) >= next)
			settle(r);
		progress(r, s, &next);
	}
	return EAR_OK;
}

static enum ear_err read_source(
	struct reading *r, struct ear_source *s, struct ear_fault *fault)
{
	enum ear_err err = ear_source_fill(s, 4, fault);

	settle(r);
	if (err && err != EAR_GONE)
		return err;
	if (ear_pcap_is(ear_source_view(s)))
		return read_pcap(r, s, fault);
	if (ear_hep_version(ear_source_view(s)) == 3)
		return read_hep(r, s, fault);
	return ear_fail(fault, EAR_UNSUPPORTED, 0,
		"neither pcap, pcapng nor a file of HEP packets");
}

static enum ear_err read_all(struct reading *r, struct ear_source *source,
	struct ear_packets_stats *summary, struct ear_fault *fault)
{
	enum ear_err err = read_source(r, source, fault);

	ear_packets_end(r->packets);
	settle(r);
	ear_packets_stats(r->packets, summary);
	summary->bytes = r->bytes;
	return err;
}

/* A tally for who has none, since everything counts. */
static enum ear_err open_ledger(
	struct ear_packets_options *to, struct ear_ledger **ledger)
{
	enum ear_err err = ear_ledger_new(16, ledger);

	if (!err)
		to->tally = ear_ledger_line(*ledger, to->tap, EAR_S(""));
	return err;
}

static enum ear_err open_keylog(
	const char *path, struct ear_keylog **log, struct ear_fault *fault)
{
	enum ear_err err = ear_keylog_new(path, log);

	if (err)
		return ear_fail(fault, err, 0, "out of memory");
	err = ear_keylog_read(*log, fault);
	if (err)
		ear_keylog_free(log);
	return err;
}

/* Put the file's name before the sentence and the place behind it. */
static void name_it(const struct ear_packets_stats *sum, const char *path,
	enum ear_err err, struct ear_fault *fault)
{
	struct ear_fault why;

	if (!fault)
		return;
	why = *fault;
	if (why.code != err || !why.text[0])
		snprintf(why.text, sizeof(why.text), "%s", ear_err_name(err));
	if (err == EAR_BAD || err == EAR_LIMIT)
		ear_fail(fault, err, why.offset,
			"%.150s: %.100s, at byte %zu; %llu packets before it "
			"were read",
			path, why.text, why.offset,
			(unsigned long long)sum->packets);
	else
		ear_fail(fault, err, why.offset, "%.200s: %.100s", path,
			why.text);
	fault->sys_errno = why.sys_errno;
}

enum ear_err ear_tap_file_read(const char *path,
	const struct ear_tap_file_options *options,
	struct ear_packets_stats *summary, struct ear_fault *fault)
{
	struct reading r = {.options = options};
	struct ear_packets_stats sum = {0};
	struct ear_source *source = NULL;
	struct ear_ledger *own = NULL;
	const char *slash = strrchr(path, '/');
	const char *name = strcmp(path, "-") ? path : "stdin";
	char tap[NAME_MAX_BYTES + 8];
	struct ear_packets_options to = {
		.fn = options->fn,
		.arg = options->arg,
		.tally = options->tally,
		.tell = options->tell,
		.flags = EAR_MSG_IMPORTED,
	};
	enum ear_err err;

	if (slash && slash[1])
		name = slash + 1;
	snprintf(tap, sizeof(tap), "file:%.*s", NAME_MAX_BYTES, name);
	to.tap = ear_slice_str(tap);
	if (summary)
		*summary = sum;
	err = open_keylog(options->keylog, &r.keylog, fault);
	if (err)
		return err; /* names the file already */
	err = ear_source_open(path, &source, fault);
	if (err)
		goto out; /* likewise */
	to.keylog = r.keylog;
	to.ports = options->ports;
	if (!to.tally)
		err = open_ledger(&to, &own);
	if (!err)
		err = ear_packets_new(&to, &r.packets);
	if (!err)
		err = read_all(&r, source, &sum, fault);
	if (summary)
		*summary = sum;
	if (err)
		name_it(&sum, path, err, fault);
out:
	ear_packets_free(&r.packets);
	ear_keylog_free(&r.keylog);
	ear_ledger_free(&own);
	ear_source_close(&source);
	return err;
}
