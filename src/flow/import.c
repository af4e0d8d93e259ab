/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/import.h"

#include "base/set64.h"
#include "base/stop.h"
#include "base/time.h"
#include "flow/flow.h"

/* Call-IDs told apart: 64 MiB of hashes at the very most. */
#define CONVERSATIONS_MAX (4u << 20)

struct import {
	const struct ear_import_options *options;
	struct ear_import_summary *summary;
	struct ear_path *path;
	struct ear_tally *tally;
	struct ear_set64 call_ids;
	uint64_t ticked_ns; /* monotonic */
	volatile bool stop; /* ours: the path refused a message */
	enum ear_err err;
};

static void see(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct import *im = arg;

	im->summary->stored++;
	if (msg->flags & EAR_MSG_MALFORMED)
		im->summary->malformed++;
	if (facts->call_id.n)
		ear_set64_add(&im->call_ids,
			ear_key_hash(EAR_KEY_CALLID, facts->call_id));
}

static void take(const struct ear_msg *found, void *arg)
{
	struct import *im = arg;
	struct ear_msg msg = *found;

	if (im->err)
		return;
	im->err = ear_path_take(im->path, &msg, im->tally);
	if (im->err || ear_stopped(im->options->stop))
		ear_stop(&im->stop);
}

static void commit_rows(struct import *im)
{
	struct ear_tracking *t = im->options->tracking;
	uint64_t now = ear_mono_ns();

	if (t && ear_tracking_due(t, now))
		ear_tracking_commit(t, now, false, im->options->stop);
}

/* What was read is kept, also before an error. */
static enum ear_err keep(struct import *im, struct ear_fault *fault)
{
	struct ear_store *store = im->options->store;
	struct ear_tracking *t = im->options->tracking;
	enum ear_err err = store->ops->flush(store, fault);

	if (!t)
		return err;
	ear_tracking_end(t);
	return err ? err : ear_tracking_flush(t, fault);
}

static void progress(uint64_t done, uint64_t total, void *arg)
{
	struct import *im = arg;
	struct ear_store *store = im->options->store;

	store->ops->tick(store, ear_mono_ns());
	commit_rows(im);
	if (im->options->progress)
		im->options->progress(done, total, im->options->arg);
	if (ear_stopped(im->options->stop))
		ear_stop(&im->stop);
}

enum ear_err ear_import_file(const char *path,
	const struct ear_import_options *options,
	struct ear_import_summary *summary, struct ear_fault *fault)
{
	uint64_t began = ear_mono_ns();
	struct import im = {
		.options = options,
		.summary = summary,
		.call_ids = {.max = CONVERSATIONS_MAX},
	};
	struct ear_ledger *ledger = NULL;
	enum ear_err err = EAR_NOMEM, kept;

	*summary = (struct ear_import_summary){0};
	if (ear_ledger_new(16, &ledger) ||
		ear_path_new(&(struct ear_path_options){.store = options->store,
				     .ledger = ledger,
				     .tracking = options->tracking,
				     .mask_secrets = options->mask_secrets,
				     .see = see,
				     .see_arg = &im,
				     .stop = options->stop},
			&im.path)) {
		ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		goto out;
	}
	im.tally = ear_ledger_line(ledger, EAR_S("file"), ear_slice_str(path));
	if (options->tracking)
		ear_tracking_begin(options->tracking);
	err = ear_tap_file_read(path,
		&(struct ear_tap_file_options){.fn = take,
			.progress = progress,
			.arg = &im,
			.tally = im.tally,
			.tell = options->tracking != NULL,
			.keylog = options->keylog,
			.ports = options->ports,
			.begin_ns = options->begin_ns,
			.stop = &im.stop},
		&summary->file, fault);
	if (!err && im.err)
		err = ear_fail(fault, im.err, 0,
			"%s: the store takes no more (%s)", path,
			ear_err_name(im.err));
	kept = keep(&im, err ? NULL : fault);
	if (!err)
		err = kept;
	summary->conversations = im.call_ids.n;
	summary->at_least = im.call_ids.over;
	summary->took_ns = ear_mono_ns() - began;
out:
	ear_set64_fini(&im.call_ids);
	ear_path_free(&im.path);
	ear_ledger_free(&ledger);
	return err;
}
