/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration says of tracing, and which of it is refused. */
#include "unit/table.h"

#include <string.h>

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
		cmocka_unit_test(test_default_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
