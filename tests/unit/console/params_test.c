/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdio.h>
#include <string.h>

#include "console/params.h"

struct got {
	const char *text;
	struct ear_param_texts texts;
	bool yes;
	uint64_t count, size, length_ns;
	bool timed;
};

static enum ear_err parse(
	const char *json, struct got *got, json_t **root, struct ear_fault *why)
{
	const struct ear_param table[] = {
		{"name", EAR_PARAM_TEXT, &got->text, .needed = true, .most = 8},
		{"traced_user", EAR_PARAM_TEXTS, &got->texts, .most = 8},
		{"on", EAR_PARAM_BOOL, &got->yes},
		{"max_messages", EAR_PARAM_COUNT, &got->count},
		{"max_size", EAR_PARAM_SIZE, &got->size},
		{"for", EAR_PARAM_DURATION, &got->length_ns,
			.given = &got->timed},
	};

	*got = (struct got){0};
	*root = json_loads(json, JSON_DECODE_ANY, NULL);
	return ear_params_read(*root, table, ROWS(table), why);
}

static void good(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} rows[] = {
		{"{\"name\":\"a\"}", "a 0 0 0 0 0 0"},
		{"[\"a\"]", "a 0 0 0 0 0 0"},
		{"[\"a\",null,true]", "a 0 1 0 0 0 0"},
		{"{\"name\":\"a\",\"traced_user\":\"x\"}", "a 1 0 0 0 0 0"},
		{"{\"name\":\"a\",\"traced_user\":[\"x\",\"y\"]}",
			"a 2 0 0 0 0 0"},
		{"{\"name\":\"a\",\"traced_user\":[]}", "a 0 0 0 0 0 0"},
		{"{\"name\":\"a\",\"max_messages\":7}", "a 0 0 7 0 0 0"},
		{"{\"name\":\"a\",\"max_messages\":\"7\"}", "a 0 0 7 0 0 0"},
		{"{\"name\":\"a\",\"max_size\":\"10k\"}", "a 0 0 0 10240 0 0"},
		{"{\"name\":\"a\",\"max_size\":4096}", "a 0 0 0 4096 0 0"},
		{"{\"name\":\"a\",\"for\":\"2m\"}", "a 0 0 0 0 120000000000 1"},
		{"{\"name\":\"a\",\"for\":0.5}", "a 0 0 0 0 500000000 1"},
		{"{\"name\":\"a\",\"for\":0}", "a 0 0 0 0 0 1"},
		{"{\"name\":\"a\",\"for\":null}", "a 0 0 0 0 0 0"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault why = {0};
		struct got got;
		json_t *root;
		char text[128];

		if (parse(rows[i].in, &got, &root, &why))
			fail_msg("%s: %s", rows[i].in, why.text);
		snprintf(text, sizeof(text), "%s %zu %d %llu %llu %llu %d",
			got.text, got.texts.n, got.yes,
			(unsigned long long)got.count,
			(unsigned long long)got.size,
			(unsigned long long)got.length_ns, got.timed);
		if (strcmp(text, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].in, text,
				rows[i].want);
		json_decref(root);
	}
}

static void bad(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} rows[] = {
		{"{}", "name is missing"},
		{"[]", "name is missing"},
		{"{\"name\":null}", "name is missing"},
		{"7", "parameters are an object or an array"},
		{"{\"name\":7}", "name is not a text"},
		{"{\"name\":\"123456789\"}", "name is longer than 8 bytes"},
		{"{\"naem\":\"a\"}", "there is no parameter 'naem'; do you "
				     "mean name?"},
		{"{\"name\":\"a\",\"zzz\":1}", "there is no parameter 'zzz'"},
		{"[\"a\",\"b\",true,1,1,1,1]", "at most 6 parameters"},
		{"{\"name\":\"a\",\"on\":1}", "on is neither true nor false"},
		{"{\"name\":\"a\",\"traced_user\":[1]}",
			"traced_user is not a text"},
		{"{\"name\":\"a\",\"traced_user\":[[]]}",
			"traced_user is not a text"},
		{"{\"name\":\"a\",\"traced_user\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
		 "1,1,1]}",
			"traced_user has more than 16"},
		{"{\"name\":\"a\",\"max_messages\":-1}",
			"max_messages: -1 is out of range"},
		{"{\"name\":\"a\",\"max_messages\":1.5}",
			"max_messages: 1.5 is out of range"},
		{"{\"name\":\"a\",\"max_messages\":1e300}",
			"max_messages: 1e+300 is out of range"},
		{"{\"name\":\"a\",\"max_messages\":\"x\"}",
			"max_messages: 'x' is not a number"},
		{"{\"name\":\"a\",\"max_messages\":{}}",
			"max_messages is neither number nor text"},
		{"{\"name\":\"a\",\"for\":1e10}", "for: 1e+10 is out of range"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault why = {0};
		struct got got;
		json_t *root;

		assert_int_equal(
			parse(rows[i].in, &got, &root, &why), EAR_USAGE);
		if (strcmp(why.text, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].in, why.text,
				rows[i].want);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
