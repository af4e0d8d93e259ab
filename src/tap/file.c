/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/file.h"

#include <stdio.h>

#include "base/stop.h"
#include "base/time.h"
#include "proto/be.h"
#include "proto/hep.h"
#include "proto/pcap.h"
#include "proto/sip_frame.h"
#include "tap/file_priv.h"
#include "tap/file_source.h"

#define PROGRESS_BYTES (1u << 20)
#define NAME_MAX_BYTES 200

bool ear_tap_file_is(struct ear_slice head)
{
	return ear_pcap_is(head) || ear_hep_version(head) == 3 ||
	       ear_slice_starts(head, EAR_S("\x1f\x8b"));
}

/* Tell the ledger what was gathered, and read the clock. */
static void settle(struct ear_file *f)
{
	f->seen_ns = ear_now_ns();
	for (size_t i = 0; i < EAR_N_COUNT; i++) {
		if (f->batch[i])
			ear_tally_add(f->tally, (enum ear_count)i, f->batch[i],
				f->seen_ns);
		f->batch[i] = 0;
	}
}

static void take_frame(struct ear_file *f, const struct ear_pcap_packet *p)
{
	struct ear_ip_unit unit;

	f->sum.packets++;
	if (p->at_ns) {
		if (!f->sum.first_ns)
			f->sum.first_ns = p->at_ns;
		f->sum.last_ns = p->at_ns;
	}
	switch (ear_ip_walk_frame(f->walk, p->link, p->at_ns, p->data, &unit)) {
	case EAR_OK: ear_file_unit(f, &unit); return;
	case EAR_MORE: ear_file_count(f, EAR_FILE_FRAGMENT, 0); return;
	case EAR_UNSUPPORTED: ear_file_count(f, EAR_FILE_NOT_IP, 0); return;
	default: ear_file_count(f, EAR_FILE_BROKEN, 0); return;
	}
}

static void progress(
	struct ear_file *f, const struct ear_source *s, uint64_t *next)
{
	uint64_t done = ear_source_done(s);

	if (done < *next)
		return;
	*next = done + PROGRESS_BYTES;
	if (f->options->progress)
		f->options->progress(
			done, ear_source_total(s), f->options->arg);
}

static bool stopped(const struct ear_file *f)
{
	return ear_stopped(f->options->stop);
}

/* All packets in view. */
static enum ear_err take_view(struct ear_file *f, struct ear_pcap *p,
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
			take_frame(f, &packet);
	} while (!err);
	ear_source_use(s, at);
	f->sum.bytes += at;
	return err;
}

static enum ear_err read_pcap(
	struct ear_file *f, struct ear_source *s, struct ear_fault *fault)
{
	struct ear_pcap p = {0};
	uint64_t next = 0;
	enum ear_err err;

	do {
		enum ear_err end;

		err = take_view(f, &p, s, fault);
		settle(f);
		progress(f, s, &next);
		if (err != EAR_MORE || stopped(f))
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
	struct ear_file *f, struct ear_source *s, struct ear_fault *fault)
{
	static const struct ear_file_place nowhere = {0};
	uint64_t next = 0;

	while (!stopped(f)) {
		enum ear_err err = ear_source_fill(s, EAR_HEP_HEAD, fault);
		struct ear_slice view = ear_source_view(s);
		size_t n;

		if (err == EAR_GONE && !view.n)
			return EAR_OK;
		if (err && err != EAR_GONE)
			return err;
		if (err || ear_hep_version(view) != 3)
			return ear_fail(fault, EAR_BAD, (size_t)f->sum.bytes,
				"damaged file: no HEP packet begins here");
		n = ear_be16(view.p + 4);
		err = ear_source_fill(s, n, fault);
		view = ear_source_view(s);
		if (err == EAR_GONE)
			return ear_fail(fault, EAR_BAD, (size_t)f->sum.bytes,
				"the file ends inside of a HEP packet");
		if (err || n < EAR_HEP_HEAD)
			return err ? err
				   : ear_fail(fault, EAR_BAD,
					     (size_t)f->sum.bytes,
					     "damaged file: a HEP packet of "
					     "%zu bytes",
					     n);
		f->sum.packets++;
		ear_file_hep(f, &nowhere, ear_slice_sub(view, 0, n), NULL);
		ear_source_use(s, n);
		f->sum.bytes += n;
		if (ear_source_done(s) >= next)
			settle(f);
		progress(f, s, &next);
	}
	return EAR_OK;
}

static enum ear_err read_source(
	struct ear_file *f, struct ear_source *s, struct ear_fault *fault)
{
	enum ear_err err = ear_source_fill(s, 4, fault);

	settle(f);
	if (err && err != EAR_GONE)
		return err;
	if (ear_pcap_is(ear_source_view(s)))
		return read_pcap(f, s, fault);
	if (ear_hep_version(ear_source_view(s)) == 3)
		return read_hep(f, s, fault);
	return ear_fail(fault, EAR_UNSUPPORTED, 0,
		"neither pcap, pcapng nor a file of HEP packets");
}

/* What is still open when the capture ends. */
static void finish(struct ear_file *f)
{
	struct ear_tcp_stats tcp;

	ear_ip_walk_end(f->walk);
	ear_tcp_end(f->tcp);
	ear_tcp_stats(f->tcp, &tcp);
	f->sum.streams = tcp.connections;
	f->sum.gaps = tcp.gaps;
	f->sum.gap_bytes = tcp.gap_bytes;
	f->sum.retransmitted = tcp.retransmitted;
	settle(f);
}

static enum ear_err open_parts(struct ear_file *f)
{
	static const struct ear_tcp_options tcp = {
		.hold_bytes = EAR_SIP_MESSAGE_BYTES_MAX};
	enum ear_err err = EAR_OK;

	f->tally = f->options->tally;
	if (!f->tally) {
		err = ear_ledger_new(16, &f->own);
		if (err)
			return err;
		f->tally = ear_ledger_line(f->own, f->tap, EAR_S(""));
	}
	err = ear_decoder_new(&f->decoder);
	if (!err)
		err = ear_ip_walk_new(ear_file_lost, f, &f->walk);
	if (!err)
		err = ear_tcp_new(&tcp, &ear_file_stream, f, &f->tcp);
	if (!err)
		err = ear_sctp_new(ear_file_sctp, f, &f->sctp);
	return err;
}

static void close_parts(struct ear_file *f)
{
	ear_sctp_free(&f->sctp);
	ear_tcp_free(&f->tcp);
	ear_ip_walk_free(&f->walk);
	ear_decoder_free(&f->decoder);
	ear_ledger_free(&f->own);
}

/* Put the file's name before the sentence and the place behind it. */
static enum ear_err name_it(const struct ear_file *f, const char *path,
	enum ear_err err, struct ear_fault *fault)
{
	struct ear_fault why;

	if (!fault)
		return err;
	why = *fault;
	if (why.code != err || !why.text[0])
		snprintf(why.text, sizeof(why.text), "%s", ear_err_name(err));
	if (err == EAR_BAD || err == EAR_LIMIT)
		ear_fail(fault, err, why.offset,
			"%.150s: %.100s, at byte %zu; %llu packets before it "
			"were read",
			path, why.text, why.offset,
			(unsigned long long)f->sum.packets);
	else
		ear_fail(fault, err, why.offset, "%.200s: %.100s", path,
			why.text);
	fault->sys_errno = why.sys_errno;
	return err;
}

enum ear_err ear_tap_file_read(const char *path,
	const struct ear_tap_file_options *options,
	struct ear_tap_file_summary *summary, struct ear_fault *fault)
{
	struct ear_file f = {.options = options};
	struct ear_source *source = NULL;
	const char *slash = strrchr(path, '/');
	const char *name = strcmp(path, "-") ? path : "stdin";
	char tap[NAME_MAX_BYTES + 8];
	enum ear_err err;

	if (slash && slash[1])
		name = slash + 1;
	snprintf(tap, sizeof(tap), "file:%.*s", NAME_MAX_BYTES, name);
	f.tap = ear_slice_str(tap);
	if (summary)
		*summary = f.sum;
	err = ear_source_open(path, &source, fault);
	if (err)
		return err; /* names the file already */
	err = open_parts(&f);
	if (!err) {
		err = read_source(&f, source, fault);
		finish(&f);
	}
	if (summary)
		*summary = f.sum;
	close_parts(&f);
	ear_source_close(&source);
	return err ? name_it(&f, path, err, fault) : EAR_OK;
}
