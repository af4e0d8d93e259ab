/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "proto/ws.h"

#define P(bytes) EAR_S_INIT(bytes)

static void test_head(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		enum ear_err want;
		size_t head;
		uint64_t n;
	} rows[] = {
		{"text", P("\x81\5"), EAR_OK, 2, 5},
		{"masked", P("\x81\x85\1\2\3\4"), EAR_OK, 6, 5},
		{"126", P("\x82\x7e\0\x7e"), EAR_OK, 4, 126},
		{"65536", P("\x82\x7f\0\0\0\0\0\1\0\0"), EAR_OK, 10, 65536},
		{"masked, longest head", P("\x82\xff\0\0\0\0\0\1\0\0\1\2\3\4"),
			EAR_OK, 14, 65536},
		{"ping", P("\x89\0"), EAR_OK, 2, 0},
		{"compressed", P("\xc1\0"), EAR_OK, 2, 0},
		{"one byte", P("\x81"), EAR_MORE},
		{"nothing", P(""), EAR_MORE},
		{"length cut", P("\x81\x7e\0"), EAR_MORE},
		{"mask cut", P("\x81\x85\1\2\3"), EAR_MORE},
		{"not the shortest", P("\x81\x7e\0\x7d"), EAR_BAD},
		{"not the shortest, 8 bytes", P("\x81\x7f\0\0\0\0\0\0\xff\xff"),
			EAR_BAD},
		{"above 63 bits", P("\x81\x7f\x80\0\0\0\0\0\0\0"), EAR_BAD},
		{"reserved bit", P("\xa1\5"), EAR_BAD},
		{"reserved opcode", P("\x83\5"), EAR_BAD},
		{"reserved control", P("\x8b\5"), EAR_BAD},
		{"long ping", P("\x89\x7e\0\x7e"), EAR_BAD},
		{"ping in parts", P("\x09\0"), EAR_BAD},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_ws_frame f;
		enum ear_err err = ear_ws_head(rows[i].in, &f);

		if (err != rows[i].want ||
			(!err && (f.head != rows[i].head || f.n != rows[i].n)))
			fail_msg("%s: %d", rows[i].name, err);
	}
	(void)state;
}

static void test_upgrade(void **state)
{
	static const struct {
		const char *in;
		enum ear_err want;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
			EAR_OK},
		{"GET / HTTP/1.1\r\nupgrade:WebSocket\r\n\r\n", EAR_OK},
		{"GET / HTTP/1.1\r\nUpgrade: h2c, websocket\r\n\r\n", EAR_OK},
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: "
		 "websocket\r\n\r\n",
			EAR_OK},
		{"", EAR_MORE},
		{"G", EAR_MORE},
		{"HTTP/1.1 1", EAR_MORE},
		{"GET / HTTP/1.1\r\nUpgrade: websocket\r\n", EAR_MORE},
		{"GET / HTTP/1.1\r\nHost: websocket\r\n\r\n", EAR_BAD},
		{"GET / HTTP/1.1\r\nX-Upgrade: websocket\r\n\r\n", EAR_BAD},
		{"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", EAR_BAD},
		{"POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", EAR_BAD},
		{"INVITE", EAR_BAD},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice in = ear_slice_str(rows[i].in);
		size_t used = 0;
		enum ear_err err = ear_ws_upgrade(in, &used);

		if (err != rows[i].want || (!err && used != in.n))
			fail_msg("%s: %d", rows[i].in, err);
	}
	(void)state;
}

/* Messages in brackets, control frames "c", compressed ones "z". */
static void read_all(struct ear_slice in, size_t step, struct ear_buf *out)
{
	struct ear_ws ws = {0};
	size_t to = 0, used, need;

	for (;;) {
		struct ear_ws_message m;
		struct ear_slice view = ear_slice_sub(in, 0, to);
		char *copy = malloc(view.n + 1);
		enum ear_err err;

		memcpy(copy, view.p, view.n);
		err = ear_ws_next(
			&ws, ear_slice(copy, view.n), &used, &need, &m);
		if (err == EAR_MORE)
			assert_true(need > view.n);
		if (!err && m.bytes.p)
			ear_buf_printf(out, "%s[%.*s]", m.packed ? "z" : "",
				EAR_FMT(m.bytes));
		if (!err && m.control)
			ear_buf_byte(out, 'c');
		free(copy);
		in = ear_slice_sub(in, used, in.n);
		to -= used;
		if (err == EAR_MORE && to == in.n)
			break;
		if (err && err != EAR_MORE) {
			ear_buf_str(out, ear_err_name(err));
			break;
		}
		if (err)
			to = to + step < in.n ? to + step : in.n;
	}
	ear_ws_fini(&ws);
}

static void test_messages(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		const char *want;
	} rows[] = {
		/* RFC 6455 s5.7 */
		{"text", P("\x81\5Hello"), "[Hello]"},
		{"masked", P("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
			"[Hello]"},
		{"fragments", P("\1\3Hel\x80\2lo"), "[Hello]"},
		{"fragments, a ping between", P("\1\3Hel\x89\1x\x80\2lo"),
			"c[Hello]"},
		{"empty", P("\x81\0"), "[]"},
		{"two", P("\x81\1a\x82\1b"), "[a][b]"},
		{"compressed, but not so", P("\xc1\1\xff\x81\1b"),
			"z[\xff][b]"},
		/* RFC 7692 s7.2.3 */
		{"compressed", P("\xc1\7\xf2\x48\xcd\xc9\xc9\7\0"), "[Hello]"},
		{"compressed, two frames",
			P("\x41\3\xf2\x48\xcd\x80\4\xc9\xc9\7\0"), "[Hello]"},
		{"compressed, the context goes on",
			P("\xc1\7\xf2\x48\xcd\xc9\xc9\7\0"
			  "\xc1\5\xf2\0\x11\0\0"),
			"[Hello][Hello]"},
		{"compressed, the message before was not seen",
			P("\xc1\5\xf2\0\x11\0\0"), "z[\xf2]"},
		{"compressed, not at all",
			P("\xc1\x0b\0\5\0\xfa\xff\x48\x65\x6c\x6c\x6f\0"),
			"[Hello]"},
		{"compressed, a last block",
			P("\xc1\x08\xf3\x48\xcd\xc9\xc9\7\0\0"
			  "\xc1\5\xf2\0\x11\0\0"),
			"[Hello][Hello]"},
		{"compressed, two blocks",
			P("\xc1\x0d\xf2\x48\5\0\0\0\xff\xff\xca\xc9\xc9\7\0"),
			"[Hello]"},
		{"continuation of what was not seen", P("\x80\2lo"), "[lo]"},
		{"a new one before the end", P("\1\3Hel\x81\2lo"), "[lo]"},
		{"close", P("\x88\2\3\xe8"), "c"},
		{"no frame", P("\x81\1a\xf3\0"), "[a]bad"},
		{"longer than we take", P("\x82\x7f\0\0\0\0\x10\0\0\0"),
			"limit"},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		for (size_t step = 1; step < 16; step++) {
			struct ear_buf got = {0};

			read_all(rows[i].in, step, &got);
			assert_slice(rows[i].name, ear_buf_view(&got),
				ear_slice_str(rows[i].want));
			ear_buf_fini(&got);
		}
	(void)state;
}

/* A message of endless fragments is given up, not kept. */
static void test_endless(void **state)
{
	static char frame[65536 + 10] = "\2\x7f\0\0\0\0\0\1\0\0";
	struct ear_ws_message m;
	struct ear_ws ws = {0};
	size_t used, need;
	int limits = 0;

	for (int i = 0; i < 100; i++) {
		frame[0] = i ? 0 : 2;
		if (ear_ws_next(&ws, ear_slice(frame, sizeof(frame)), &used,
			    &need, &m) == EAR_LIMIT)
			limits++;
		assert_true(ws.message.cap <= 2 * EAR_WS_MESSAGE_MAX);
	}
	assert_true(limits > 0);
	ear_ws_fini(&ws);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests_name("proto/ws", tests, NULL, NULL);
}
