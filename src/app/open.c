/* SPDX-License-Identifier: Apache-2.0 */
#include "app/open.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "flow/server.h"
#include "store/embedded.h"

static void notice(const char *event, struct ear_slice text, void *arg)
{
	(void)arg;
	ear_log(EAR_NOTICE, event, "text", EAR_LB(text), NULL);
}

static enum ear_err find_dir(const char *dir, struct ear_fault *fault)
{
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
		return EAR_OK;
	if (errno != ENOENT && errno != ENOTDIR)
		return ear_fail_sys(fault, "%s", dir);
	return ear_fail(fault, EAR_GONE, 0,
		"there is no data directory %s; name it with --data, or make "
		"one with 'earshot serve' or 'earshot import'",
		dir);
}

/*
 * Store what a killed server left in its journal. A running server holds the
 * journal's lock; then it is its work, and it does it within its commit time.
 */
static void recover(const char *dir, struct ear_app_journal *journal)
{
	const struct ear_server_options options = {
		.data_dir = dir,
		.store_ops = &ear_store_embedded,
		.journal = {.sync_ms = 0, .brief = true},
		.tracking = ear_tracking_defaults(),
	};
	struct ear_fault fault = {0};

	*journal = (struct ear_app_journal){0};
	if (!ear_server_recover(&options, &fault))
		return;
	journal->served = fault.code == EAR_FULL;
	if (journal->served)
		return;
	ear_log(EAR_WARN, "journal.recover", "reason", EAR_LS(fault.text),
		NULL);
	snprintf(journal->why, sizeof(journal->why), "%s", fault.text);
}

enum ear_err ear_app_store_open(const char *data_dir, struct ear_store **store,
	struct ear_app_journal *journal, struct ear_fault *fault)
{
	struct ear_app_journal unread;
	const struct ear_store_options options = {.dir = data_dir};
	enum ear_err err = find_dir(data_dir, fault);

	if (err)
		return err;
	recover(data_dir, journal ? journal : &unread);
	return ear_store_embedded.open(&options, notice, NULL, store, fault);
}

enum ear_err ear_app_store_write(const char *data_dir,
	const struct ear_store_options *options, struct ear_store **store,
	struct ear_fault *fault)
{
	struct ear_store_options o = *options;

	if (mkdir(data_dir, 0750) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot make %s", data_dir);
	o.dir = data_dir;
	o.write = true;
	return ear_store_embedded.open(&o, notice, NULL, store, fault);
}

enum ear_err ear_app_tracking_open(const char *data_dir,
	struct ear_tracking **tracking, struct ear_fault *fault)
{
	const struct ear_tracking_spec spec = ear_tracking_defaults();
	const struct ear_tracking_options options = {
		.track = spec.track,
		.records = {.dir = data_dir,
			.write = true,
			.owner = "import",
			.notice = notice},
	};

	return ear_tracking_new(&options, tracking, fault);
}

enum ear_err ear_app_records_open(const char *data_dir,
	struct ear_records **records, struct ear_app_journal *journal,
	struct ear_fault *fault)
{
	const struct ear_records_options options = {
		.dir = data_dir, .notice = notice};
	enum ear_err err = find_dir(data_dir, fault);

	*journal = (struct ear_app_journal){0};
	if (err)
		return err;
	recover(data_dir, journal);
	err = ear_records_open(&options, records, fault);
	if (err == EAR_GONE)
		ear_fail(fault, err, 0,
			"nothing was tracked in %s yet: see earshot serve and "
			"earshot import",
			data_dir);
	return err;
}

void ear_app_store_close(struct ear_store **store)
{
	if (*store)
		(*store)->ops->close(store);
}
