/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/options.h"
#include "config/kamailio.h"
#include "sink/write.h"

static enum ear_err write_file(
	const char *path, struct ear_slice text, struct ear_fault *fault)
{
	/* passwords of databases and collectors stand in it */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	enum ear_err err;

	if (!out) {
		err = ear_fail_sys(fault, "%s", path);
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = ear_sink_to_file(text, out);
	if (fclose(out) || err)
		err = ear_fail_sys(fault, "%s", path);
	return err;
}

int ear_cmd_import_config(int argc, char **argv)
{
	const char *to = NULL, *defines = NULL;
	bool strict = false;
	const struct ear_option options[] = {
		{"output", 'o', EAR_OPT_TEXT, &to, "FILE",
			"write there, readable by you alone; default: standard "
			"output"},
		{"define", 'A', EAR_OPT_TEXT, &defines, "NAMES",
			"what kamailio -A would define, with commas between: "
			"WITH_MYSQL,DBHOST=db1"},
		{"strict", 's', EAR_OPT_FLAG, &strict, NULL,
			"fail when something has no equivalent"},
	};
	const struct ear_usage usage = {"import-config", "kamailio FILE",
		"Reads a Kamailio configuration with what it includes, and "
		"prints what does the same in Earshot: each parameter of "
		"siptrace and sipcapture and each call of their functions "
		"with a comment that says what became of it.",
		options, sizeof(options) / sizeof(options[0]),
		"Example: earshot import-config kamailio "
		"/etc/kamailio/kamailio.cfg -o earshot.conf\n"};
	struct ear_kamailio_options how = {0};
	struct ear_kamailio *k = NULL;
	struct ear_buf out = {0};
	struct ear_fault fault = {0};
	size_t missing = 0;
	enum ear_err err;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc != 2 || strcmp(argv[0], "kamailio") != 0) {
		ear_fail(&fault, EAR_USAGE, 0,
			"name what the file is for, and the file: earshot "
			"import-config kamailio FILE");
		return ear_command_failed("import-config", &fault);
	}
	how.defines = defines;
	err = ear_kamailio_read(argv[1], &how, &k, &fault);
	if (!err) {
		ear_kamailio_write(k, &out, &missing);
		err = out.err ? ear_fail(&fault, out.err, 0, "out of memory")
			      : EAR_OK;
	}
	if (!err && to)
		err = write_file(to, ear_buf_view(&out), &fault);
	else if (!err && (ear_sink_to_file(ear_buf_view(&out), stdout) ||
				 fflush(stdout)))
		err = ear_fail_sys(&fault, "standard output");
	ear_kamailio_free(&k);
	ear_buf_fini(&out);
	if (err)
		return ear_command_failed("import-config", &fault);
	if (missing)
		fprintf(stderr,
			"earshot import-config: %zu thing%s without an "
			"equivalent; the comments say which and why\n",
			missing, missing == 1 ? "" : "s");
	return missing && strict ? EAR_EXIT_FAILED : EAR_EXIT_DONE;
}
