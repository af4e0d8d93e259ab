/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/csv.h"

static const struct {
	const char *name;
	struct ear_slice in, want;
} rows[] = {
	{"plain", EAR_S_INIT("Anna"), EAR_S_INIT("Anna")},
	{"empty", EAR_S_INIT(""), EAR_S_INIT("")},
	{"comma", EAR_S_INIT("a,b"), EAR_S_INIT("\"a,b\"")},
	{"quote", EAR_S_INIT("a\"b"), EAR_S_INIT("\"a\"\"b\"")},
	{"two lines", EAR_S_INIT("a\nb"), EAR_S_INIT("\"a\nb\"")},
	{"number", EAR_S_INIT("+49301234"), EAR_S_INIT("\"+49301234\"")},
	{"zeros", EAR_S_INIT("0049301234"), EAR_S_INIT("\"0049301234\"")},
	{"powers of ten", EAR_S_INIT("12e4"), EAR_S_INIT("\"12e4\"")},
	{"no number", EAR_S_INIT("12f4"), EAR_S_INIT("12f4")},
	{"an address", EAR_S_INIT("192.0.2.1:1"), EAR_S_INIT("192.0.2.1:1")},
	{"formula", EAR_S_INIT("=1+1"), EAR_S_INIT("\"'=1+1\"")},
	{"sum", EAR_S_INIT("+1+1"), EAR_S_INIT("\"'+1+1\"")},
	{"a minus alone", EAR_S_INIT("-"), EAR_S_INIT("\"'-\"")},
	{"at", EAR_S_INIT("@A1"), EAR_S_INIT("\"'@A1\"")},
	{"tab", EAR_S_INIT("\t=1"), EAR_S_INIT("\"'\t=1\"")},
	{"blanks", EAR_S_INIT("  =1"), EAR_S_INIT("\"'  =1\"")},
	{"NUL", EAR_S_INIT("\0=1"), EAR_S_INIT("\"' =1\"")},
	{"byte order mark", EAR_S_INIT("\xef\xbb\xbf=1"),
		EAR_S_INIT("\"'\xef\xbb\xbf=1\"")},
	{"no-break space", EAR_S_INIT("\xc2\xa0@A"),
		EAR_S_INIT("\"'\xc2\xa0@A\"")},
	{"full width",
		EAR_S_INIT("\xef\xbc\x9d"
			   "1"),
		EAR_S_INIT("\"'\xef\xbc\x9d"
			   "1\"")},
	{"blanks and a name", EAR_S_INIT(" Anna"), EAR_S_INIT(" Anna")},
	{"blanks alone", EAR_S_INIT("  "), EAR_S_INIT("  ")},
	{"Latin-1", EAR_S_INIT("\xe4h"), EAR_S_INIT("\xc3\xa4h")},
	{"escape", EAR_S_INIT("a\x1b[31m\x07"), EAR_S_INIT("a [31m ")},
	{"delete", EAR_S_INIT("a\x7f"), EAR_S_INIT("a ")},
	{"CSI as a byte",
		EAR_S_INIT("a\x9b"
			   "3"),
		EAR_S_INIT("a 3")},
	{"CSI as UTF-8",
		EAR_S_INIT("a\xc2\x9b"
			   "3"),
		EAR_S_INIT("a 3")},
};

static void test_texts(void **state)
{
	struct ear_buf out = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		ear_buf_reset(&out);
		ear_csv_text(&out, rows[i].in);
		assert_slice(rows[i].name, ear_buf_view(&out), rows[i].want);
	}
	ear_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
