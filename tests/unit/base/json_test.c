/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/json.h"

static void test_strings(void **state)
{
	static const struct {
		struct ear_slice in;
		const char *want;
	} rows[] = {
		{EAR_S_INIT("plain"), "\"plain\""},
		{EAR_S_INIT(""), "\"\""},
		{EAR_S_INIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
		{EAR_S_INIT("\r\n\t"), "\"\\r\\n\\t\""},
		{EAR_S_INIT("\x01\x7f"), "\"\\u0001\\u007f\""},
		{EAR_S_INIT("a\0b"), "\"a\\u0000b\""},
		{EAR_S_INIT("\xc3\xa9\xe2\x82\xac"),
			"\"\xc3\xa9\xe2\x82\xac\""},
		{EAR_S_INIT("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\""},
		/* U+009B begins what terminals obey; U+00A0 does not */
		{EAR_S_INIT("a\xc2\x9b"
			    "31m\xc2\xa0"),
			"\"a\\u009b31m\xc2\xa0\""},
		/* not UTF-8: each byte as the code point of its value */
		{EAR_S_INIT("\xe9!"), "\"\\u00e9!\""},
		{EAR_S_INIT("\xc0\xaf"), "\"\\u00c0\\u00af\""},
		{EAR_S_INIT("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\""},
		{EAR_S_INIT("\xe2\x82"), "\"\\u00e2\\u0082\""},
		{EAR_S_INIT("\xf5\x80\x80\x80"),
			"\"\\u00f5\\u0080\\u0080\\u0080\""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf b = {0};
		struct ear_json j = ear_json(&b);

		ear_json_str(&j, rows[i].in);
		assert_slice(rows[i].want, ear_buf_view(&b),
			ear_slice_str(rows[i].want));
		ear_buf_fini(&b);
	}
	(void)state;
}

static void test_commas(void **state)
{
	struct ear_buf b = {0};
	struct ear_json j = ear_json(&b);

	ear_json_open(&j, '{');
	ear_json_ku64(&j, "a", 1);
	ear_json_key(&j, "b");
	ear_json_open(&j, '[');
	ear_json_bool(&j, true);
	ear_json_null(&j);
	ear_json_num(&j, 0.5);
	ear_json_i64(&j, -3);
	ear_json_raw(&j, EAR_S("[7]"));
	ear_json_open(&j, '{');
	ear_json_close(&j, '}');
	ear_json_close(&j, ']');
	ear_json_ktime(&j, "t", 0);
	ear_json_ktime(&j, "u", 1000000000);
	ear_json_close(&j, '}');
	assert_slice("object", ear_buf_view(&b),
		EAR_S("{\"a\":1,\"b\":[true,null,0.5,-3,[7],{}],\"t\":null,"
		      "\"u\":\"1970-01-01T00:00:01.000000Z\"}"));
	ear_buf_fini(&b);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_commas),
	};

	return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
