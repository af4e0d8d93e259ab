/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server that was killed left in its journal: stored by the next
 * command, unless it goes through rules, which only a server has.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/server_priv.h"

static void rules_path(const char *data_dir, char path[2200])
{
	snprintf(path, 2200, "%s/journal/rules", data_dir);
}

void server_mark_rules(
	const struct ear_server *s, const struct ear_rules_spec *rules)
{
	bool any = rules &&
		   (rules->n_traces || rules->n_outlets ||
			   (rules->script && rules->script[0]) ||
			   (rules->keep && strcmp(rules->keep, "all") != 0));
	char path[2200];
	int fd;

	rules_path(s->dir, path);
	if (!any) {
		(void)unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		ear_notices_add("journal.rules",
			EAR_S("cannot write journal/rules: after a kill start "
			      "the server before other commands"),
			s->notices);
	else
		close(fd);
}

static void quiet(
	const char *event, struct ear_slice text, uint64_t lost, void *arg)
{
	(void)event;
	(void)text;
	(void)lost;
	(void)arg;
}

/* Whether a journal is there that holds something. */
static bool has_journal(const char *data_dir)
{
	char path[2200];
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s/journal", data_dir);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		found = n > 8 && !strcmp(e->d_name + n - 8, ".journal") &&
			!fstatat(dirfd(d), e->d_name, &st, 0) && st.st_size;
	}
	if (d)
		closedir(d);
	return found;
}

/* What is left to a server with its rules: because one runs, or will. */
static enum ear_err serves(const char *data_dir, struct ear_fault *fault)
{
	struct ear_journal *journal = NULL;
	char path[2200];
	const struct ear_journal_options options = {.dir = path, .brief = true};
	enum ear_err err;

	snprintf(path, sizeof(path), "%s/journal", data_dir);
	err = ear_journal_open(&options, quiet, NULL, &journal, fault);
	if (err)
		return err;
	ear_journal_close(&journal);
	return ear_fail(fault, EAR_SYS, 0,
		"what was accepted before the server ended goes through its "
		"mirrors, traces or script: it is stored when the server is "
		"started again");
}

enum ear_err ear_server_recover(
	const struct ear_server_options *options, struct ear_fault *fault)
{
	struct ear_server *s = NULL;
	char path[2200];
	enum ear_err err;

	if (!has_journal(options->data_dir)) {
		snprintf(path, sizeof(path), "%s/journal", options->data_dir);
		return ear_journal_served(path)
			       ? ear_fail(fault, EAR_FULL, 0,
					 "a server runs on %.200s",
					 options->data_dir)
			       : EAR_OK;
	}
	rules_path(options->data_dir, path);
	if (!access(path, F_OK))
		return serves(options->data_dir, fault);
	err = ear_server_open(options, &s, fault);
	if (!err) {
		err = ear_pump_drain(s->pump, fault);
		/* not to be taken for a server that runs */
		if (err == EAR_FULL)
			err = fault->code = EAR_SYS;
	}
	ear_server_close(&s);
	return err;
}
