/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in texts: what is found, and what is left alone. */
#include "unit/table.h"

#include <stdlib.h>

#include "proto/text_secret.h"

#define HEX "0123456789abcdef0123456789abcdef"
#define XES "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void blank(size_t offset, size_t length, void *arg)
{
	memset((char *)arg + offset, 'x', length);
}

static void test_texts(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: nothing is secret */
	} rows[] = {
		{"", NULL},
		{"script: reply 200 OK at 10:38", NULL},
		{"auth ok for alice, response=200", NULL},
		{"response: 401 Unauthorized", NULL},
		{"wrong response=" HEX, "wrong response=" XES},
		{"Digest username=\"a\", response=\"" HEX "\", qop=auth",
			"Digest username=\"a\", response=\"" XES
			"\", qop=auth"},
		{"response=\\\"" HEX "\\\",", "response=\\\"" XES "\\\","},
		{"Authorization: Digest realm=\"r\", response=\"" HEX "\"",
			"Authorization: Digest realm=\"r\", response=\"" XES
			"\""},
		{"got\r\nAuthorization: Basic YWxpY2U6cHc=\r\nTo: x",
			"got\r\nAuthorization: Basic xxxxxxxxxxxx\r\nTo: x"},
		{"hdr proxy-authorization: Bearer a.b.c end",
			"hdr proxy-authorization: Bearer xxxxx end"},
		{"{\"Authorization\":\"Bearer abc\",\"n\":1}",
			"{\"Authorization\":\"Bearer xxx\",\"n\":1}"},
		{"Authorization: failed", NULL},
		{"authorization:", NULL},
		{"password=hush", "password=xxxx"},
		{"password=hush, user=bob", "password=xxxx, user=bob"},
		{"PASSWD = 'my word'", "PASSWD = 'xxxxxxx'"},
		{"db_password: hush;", "db_password: xxxx;"},
		{"{\"password\":\"hu sh\",\"a\":1}",
			"{\"password\":\"xxxxx\",\"a\":1}"},
		{"{\\\"password\\\":\\\"hush\\\"}",
			"{\\\"password\\\":\\\"xxxx\\\"}"},
		{"url?user=a&password=hush&x=1",
			"url?user=a&password=xxxx&x=1"},
		{"access_token=abc", "access_token=xxx"},
		{"unexpected token: abc", NULL},
		{"\"token\": \"abc\"", "\"token\": \"xxx\""},
		{"api_key=abc", "api_key=xxx"},
		{"compass=north", NULL},
		{"password=", NULL},
		{"password=\"", NULL},
		{"password=\"hush", "password=\"xxxx"},
		{"password", NULL},
		{"calling sip:alice:hush@example.com now",
			"calling sip:alice:xxxx@example.com now"},
		{"calling sip:alice@example.com:5060", NULL},
		{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
		 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4",
			"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|2^20|1:4"},
		{"shown inline: yes", NULL},
		{"k=clear:hush\r\n", "k=clear:xxxx\r\n"},
		{"all clear: go", NULL},
		{"a=key-mgmt:mikey AQAFgM0X", "a=key-mgmt:mikey xxxxxxxx"},
		{"=:=:=", NULL},
		{"\"\"=\"\"", NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t n = strlen(rows[i].in);
		char *text = malloc(n + 1); /* its bounds are watched */
		size_t found;

		memcpy(text, rows[i].in, n + 1);
		found = ear_text_secrets(
			ear_slice_str(rows[i].in), blank, text);
		assert_slice(rows[i].in, ear_slice(text, n),
			ear_slice_str(
				rows[i].want ? rows[i].want : rows[i].in));
		if ((found > 0) != (rows[i].want != NULL))
			fail_msg("%s: %zu found", rows[i].in, found);
		free(text);
	}
	(void)state;
}

/* Cut anywhere, in memory of just that size: no byte behind it is read. */
static void test_cut(void **state)
{
	static const char all[] =
		"{\\\"password\\\" : \\\"hush\\\"} Authorization: Basic ab "
		"k=clear:x a=key-mgmt:mikey AQ sip:a:b@c response=\"" HEX "\"";

	for (size_t n = 0; n < sizeof(all); n++) {
		char *text = malloc(n + !n), *out = malloc(n + !n);

		memcpy(text, all, n);
		ear_text_secrets(ear_slice(text, n), blank, out);
		free(text);
		free(out);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name(
		"proto/text_secret", tests, NULL, NULL);
}
