/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration says of tracing, and which of it is refused. */
#include "unit/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/whole.h"
#include "config/settings.h"

#define LISTENER "listener own { address = \"127.0.0.1:9060\" }\n"
#define EVERYWHERE "listener own { address = \"0.0.0.0:9060\" }\n"

static const struct {
	const char *name, *text;
	const char *fault; /* a part of it; NULL: it is taken */
} rows[] = {
	{"nothing", "", NULL},
	{"no name", "mirror { to = \"hep:192.0.2.1\" }\n",
		"configuration:1: the section needs a name: mirror NAME {"},
	{"one name for two",
		"mirror m { to = \"hep:192.0.2.1\" }\n"
		"mirror m { to = \"hep:192.0.2.2\" }\n",
		"configuration:2: there is another section of this kind with "
		"the name 'm'"},
	{"nowhere to", "mirror m { }\n", "mirror \"m\": to is missing"},
	{"a mirror", LISTENER "mirror m { to = \"hep:192.0.2.1\" }\n", NULL},
	{"to our listener", LISTENER "mirror m { to = \"hep:127.0.0.1\" }\n",
		"mirror \"m\": to: 'hep:127.0.0.1' is the listener \"own\""},
	{"to it, as plain SIP",
		LISTENER "mirror m { to = \"sip:127.0.0.1:9060\" }\n",
		"is the listener \"own\""},
	{"to it, by name", LISTENER "mirror m { to = \"hep:localhost\" }\n",
		"is the listener \"own\""},
	{"one that listens everywhere",
		EVERYWHERE "mirror m { to = \"hep:127.0.0.1\" }\n",
		"is the listener \"own\""},
	{"another port", LISTENER "mirror m { to = \"hep:127.0.0.1:9062\" }\n",
		NULL},
	{"another address", LISTENER "mirror m { to = \"hep:127.0.0.2\" }\n",
		NULL},
	{"another transport",
		LISTENER "mirror m { to = \"hep:127.0.0.1;transport=tcp\" }\n",
		NULL},
	{"switched off",
		LISTENER "mirror m { to = \"hep:127.0.0.1\"\n"
			 "enabled = false }\n",
		NULL},
	{"the port of a default listener",
		"mirror m { to = \"hep:127.0.0.1\" }\n", NULL},
	{"as long as the recorder holds", "trace t { keep_before = \"5m\" }\n",
		NULL},
	{"longer than the recorder holds",
		"trace t { keep_before = \"301s\" }\n",
		"trace \"t\": keep_before is longer"},
	{"a recorder that holds more",
		"recorder { keep = \"10m\" }\n"
		"trace t { keep_before = \"301s\" }\n",
		NULL},
	{"a recorder that is off",
		"recorder { size = 0 }\ntrace t { keep_before = \"1s\" }\n",
		"trace \"t\": keep_before: the flight recorder is switched "
		"off"},
	{"no recorder, no need", "recorder { size = 0 }\ntrace t { }\n", NULL},
	{"captures as two users",
		"capture a { device = lo\nuser = one }\n"
		"capture b { device = lo\nuser = two }\n",
		"capture \"b\": user: another section says 'one'; the server "
		"can become only one"},
};

/* Where a fault is said to be, behind what libconfuse counts wrongly. */
static const struct {
	const char *name, *text;
	const char *fault; /* its beginning; NULL: it is taken */
} lines[] = {
	{"no comment", "\nx = 1\n", "configuration:2: "},
	{"#", "# c\nx = 1\n", "configuration:2: "},
	{"//", "// c\nx = 1\n", "configuration:2: "},
	{"/* */", "/* c */\nx = 1\n", "configuration:2: "},
	{"/* */ of two lines", "/* c\nd */\nx = 1\n", "configuration:3: "},
	{"stars", "/***\n ** * /\n **/\nx = 1\n", "configuration:4: "},
	{"one that has no end", "\n/* c\nlog { }\n",
		"configuration:2: this /* is never closed"},
	{"a quote that has no end", "# '\nlog { level = 'info\n}\n",
		"configuration:2: this ' is never closed"},
	{"a variable in quotes", "log { level = \"${A\"#}info\" }\nx = 1\n",
		"configuration:2: "},
	{"one that closes itself", "/*/ */\nx = 1\n", "configuration:2: "},
	{"many", "# a\n#\n// b\n\nlog { # c\n level = info // d\n}\nx = 1\n",
		"configuration:8: "},
	{"of a key", "# a\nlog {\n# b\n\tlevel = loud\n}\n",
		"configuration:4: level: 'loud'"},
	{"of a section", "# a\nlistener l { }\n# b\nmirror m {\n}\n",
		"configuration:5: mirror \"m\": to is missing"},
	{"# ends a word", "log { level = info# a\n}\nx = 1\n",
		"configuration:3: "},
	{"// in a word", "sql s { url = postgres://u:p@h/d\n}\nx = 1\n",
		"configuration:3: "},
	{"marks in quotes", "sql s { url = \"#//h/*\"\n}\nx = 1\n",
		"configuration:3: "},
	{"and escaped quotes", "sql s { url = \"\\\"#\"\n}\nx = 1\n",
		"configuration:3: "},
	{"and single ones", "sql s { url = '\"#//'\n}\nx = 1\n",
		"configuration:3: "},
	{"a quote in a comment", "# it's\nx = 1\n", "configuration:2: "},
	{"in a list",
		"store { keep = \"\" }\nhook { }\nlistener l {\n"
		"\tallow = {\"10.0.0.0/8\", # here\n"
		"\t\t/* and there */ \"192.0.2.1\"}\n}\n",
		NULL},
	{"between key and value", "log { level = /* c */ info }\n", NULL},
	{"a brace that stays open", "# {\nlog { # }\n/* } */\n",
		"configuration:2: this { is never closed"},
	{"of a variable", "log { level = ${NONE#/*}info }\nx = 1\n",
		"configuration:1: level: ''"},
};

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_config *config = NULL;
		struct ear_settings *settings = NULL;
		struct ear_fault fault = {0};
		enum ear_err err =
			ear_config_read_text(rows[i].text, &config, &fault);

		if (!err)
			err = ear_settings_make(config, &settings, &fault);
		if (!err != !rows[i].fault)
			fail_msg(
				"%s: got %d %s", rows[i].name, err, fault.text);
		if (err && !strstr(fault.text, rows[i].fault))
			fail_msg("%s: got %s", rows[i].name, fault.text);
		ear_settings_free(&settings);
		ear_config_free(&config);
	}
}

static enum ear_err settle(
	enum ear_err err, struct ear_config *config, struct ear_fault *fault)
{
	struct ear_settings *settings = NULL;

	if (!err && (err = ear_settings_make(config, &settings, fault)))
		ear_config_blame(config, fault);
	ear_settings_free(&settings);
	ear_config_free(&config);
	return err;
}

static enum ear_err read_text(const char *text, struct ear_fault *fault)
{
	struct ear_config *config;
	enum ear_err err = ear_config_read_text(text, &config, fault);

	return settle(err, config, fault);
}

static enum ear_err read_file(const char *path, struct ear_fault *fault)
{
	struct ear_config *config;
	enum ear_err err = ear_config_read(path, &config, fault);

	return settle(err, config, fault);
}

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(lines); i++) {
		const char *want = lines[i].fault;
		struct ear_fault fault = {0};
		enum ear_err err = read_text(lines[i].text, &fault);

		if (!err != !want ||
			(want && strncmp(fault.text, want, strlen(want)) != 0))
			fail_msg("%s: got %d %s", lines[i].name, err,
				fault.text);
	}
}

static void put(const char *name, struct ear_slice text)
{
	assert_int_equal(ear_whole_write(name, text, NULL), EAR_OK);
}

#define INCLUDE "# c\ninclude(\"part.conf\")\n# d\n"

static const struct {
	const char *name;
	struct ear_slice text, part; /* of main.conf and part.conf */
	const char *fault;
} files[] = {
	{"both are right", EAR_S_INIT(INCLUDE "log { level = info }\n"),
		EAR_S_INIT("# c\nlistener l { }\n"), NULL},
	{"in what is included", EAR_S_INIT(INCLUDE),
		EAR_S_INIT("# a\n/* b */\nx = 1\n"),
		"part.conf:3: no such option 'x'"},
	{"behind it", EAR_S_INIT(INCLUDE "x = 1\n"), EAR_S_INIT("# a\n"),
		"main.conf:4: no such option 'x'"},
	{"a section in what is included", EAR_S_INIT(INCLUDE),
		EAR_S_INIT("# a\nmirror m {\n}\n"),
		"part.conf:3: mirror \"m\": to is missing"},
	{"an open brace there", EAR_S_INIT(INCLUDE "}\n"),
		EAR_S_INIT("# a\nlog {\n"),
		"part.conf:2: this { is never closed"},
	{"no such file", EAR_S_INIT("# c\ninclude(\"none.conf\")\n"),
		EAR_S_INIT(""), "main.conf:2: there is no none.conf"},
	{"without a name", EAR_S_INIT("# c\ninclude()\n"), EAR_S_INIT(""),
		"main.conf:2: include takes the name of one file"},
	{"itself", EAR_S_INIT(INCLUDE), EAR_S_INIT(INCLUDE),
		"part.conf:2: part.conf: files include one another more than"},
	{"on one line, behind it",
		EAR_S_INIT("# c\n include ( part.conf ) x = 1\n"),
		EAR_S_INIT("# c\n\n"), "main.conf:2: no such option 'x'"},
	{"twice on a line",
		EAR_S_INIT("\ninclude('part.conf')include(\"deep.conf\")\n"),
		EAR_S_INIT("log { }"), "deep.conf:2: no such option 'x'"},
	{"over lines", EAR_S_INIT("include(\n\"part.conf\"\n)\nx = 1\n"),
		EAR_S_INIT("# c"), "main.conf:4: no such option 'x'"},
	{"in a section", EAR_S_INIT("log {\ninclude(\"part.conf\")\n}\n"),
		EAR_S_INIT(""), "main.conf:2: no such option 'include'"},
	{"in a word",
		EAR_S_INIT("log { level = info }\nxinclude(\"part.conf\")\n"),
		EAR_S_INIT(""), "main.conf:2: no such option 'xinclude'"},
	{"two names", EAR_S_INIT("include(\"a\", \"b\")\n"), EAR_S_INIT(""),
		"main.conf:1: include takes the name of one file"},
	{"never ended", EAR_S_INIT("\ninclude(\"part.conf\""), EAR_S_INIT(""),
		"main.conf:2: include takes the name of one file"},
	{"a folder", EAR_S_INIT("\ninclude(\".\")"), EAR_S_INIT(""),
		"main.conf:2: cannot read .: Is a directory"},
	{"two deep", EAR_S_INIT(INCLUDE),
		EAR_S_INIT("# c\ninclude(\"deep.conf\")\n"),
		"deep.conf:2: no such option 'x'"},
	{"and after that", EAR_S_INIT(INCLUDE), EAR_S_INIT(""), NULL},
	{"a NUL", EAR_S_INIT("log { }\n\0x = 1\n"), EAR_S_INIT(""),
		"main.conf:2: a NUL, which"},
};

static void test_files(void **state)
{
	char folder[] = "/tmp/earshot-config-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	put("deep.conf", EAR_S("# c\nx = 1\n"));
	/* again and again, as a server does */
	for (size_t i = 0; i < 12 * ROWS(files); i++) {
		const char *want = files[i % ROWS(files)].fault;
		struct ear_fault fault = {0};
		enum ear_err err;

		put("main.conf", files[i % ROWS(files)].text);
		put("part.conf", files[i % ROWS(files)].part);
		err = read_file("main.conf", &fault);
		if (!err != !want ||
			(want && strncmp(fault.text, want, strlen(want)) != 0))
			fail_msg("%s: got %d %s", files[i % ROWS(files)].name,
				err, fault.text);
	}
	unlink("deep.conf");
	unlink("main.conf");
	unlink("part.conf");
	assert_int_equal(chdir("/"), 0);
	rmdir(folder);
}

/* A file more than are taken; those that were go with the reading. */
static void test_many_files(void **state)
{
	struct ear_fault fault = {0};
	struct ear_buf text = {0};

	(void)state;
	for (int i = 0; i < 64; i++)
		ear_buf_str(&text, "include(\"/dev/null\")\n");
	ear_buf_byte(&text, '\0');
	if (read_text(text.p, &fault))
		fail_msg("got %s", fault.text);
	text.n--;
	ear_buf_str(&text, "include(\"/dev/null\")\n");
	ear_buf_byte(&text, '\0');
	assert_int_not_equal(read_text(text.p, &fault), EAR_OK);
	assert_string_equal(fault.text,
		"configuration:65: /dev/null: more than 64 files are included");
	ear_buf_fini(&text);
}

/* Another program is meant: the default listener gives way to it. */
static void test_default_listener(void **state)
{
	struct ear_config *config = NULL;
	struct ear_settings *settings = NULL;

	(void)state;
	assert_int_equal(
		ear_config_read_text(
			"mirror m { to = \"hep:127.0.0.1\" }\n", &config, NULL),
		EAR_OK);
	assert_int_equal(ear_settings_make(config, &settings, NULL), EAR_OK);
	assert_int_equal(settings->listeners, 2);
	assert_string_equal(settings->listener[0].name, "hep-tcp");
	assert_string_equal(settings->listener[1].name, "hep-tls");
	ear_settings_free(&settings);
	ear_config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_default_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
