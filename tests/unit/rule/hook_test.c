/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "rule/hook.h"

#define INVITE                                                            \
	"INVITE sip:bob@example.com SIP/2.0\r\n"                          \
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa\r\n"             \
	"v: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb\r\n"                    \
	"From: \"Alice\" <sip:alice@example.com>;tag=a1\r\n"              \
	"To: <sip:bob@example.com>\r\n"                                   \
	"Call-ID: c1@192.0.2.1\r\nCSeq: 7 INVITE\r\nMax-Forwards: 70\r\n" \
	"X-Note: one\r\nx-note: two\r\nUser-Agent: phone/1\r\n"           \
	"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

struct bench {
	struct ear_hook *hook;
	struct ear_hook_verdict verdict;
	struct ear_fault fault;
	char notice[512], event[64];
	unsigned notices;
};

static void noticed(const char *event, struct ear_slice text, void *arg)
{
	struct bench *b = arg;

	b->notices++;
	snprintf(b->event, sizeof(b->event), "%s", event);
	snprintf(b->notice, sizeof(b->notice), "%.*s", EAR_FMT(text));
}

static const char *mirror_of(const char *text, void *arg)
{
	(void)arg;
	if (!strcmp(text, "hep:192.0.2.50:9060"))
		return "homer";
	return strcmp(text, "homer") && strcmp(text, "lab") ? NULL : text;
}

static enum ear_err open_script(struct bench *b, struct ear_slice script,
	uint64_t instructions, uint64_t bytes)
{
	char file[] = "/tmp/ear-hook-XXXXXX";
	struct ear_hook_options options = {.file = file,
		.max_instructions = instructions,
		.max_bytes = bytes,
		.mirror_of = mirror_of,
		.notice = noticed,
		.notice_arg = b};
	int fd = mkstemp(file);
	enum ear_err err;

	memset(b, 0, sizeof(*b));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, script.p, script.n), (ssize_t)script.n);
	close(fd);
	err = ear_hook_new(&options, &b->hook, &b->fault);
	unlink(file);
	return err;
}

static struct ear_msg message(struct ear_slice raw)
{
	struct ear_msg msg = {.proto = EAR_PROTO_SIP,
		.transport = EAR_TR_TLS,
		.direction = EAR_DIR_IN,
		.at_ns = 1700000000250000000ULL,
		.capture_id = 42,
		.node = EAR_S("edge1"),
		.raw = raw};
	static const uint8_t six[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};

	msg.src = ear_addr_v4("\xc0\0\2\1", 5060);
	msg.dst = ear_addr_v6(six, 5061);
	return msg;
}

static void take(struct bench *b, struct ear_slice raw)
{
	struct ear_msg msg = message(raw);
	struct ear_facts facts;

	ear_msg_examine(&msg, &facts);
	ear_hook_take(b->hook, &msg, &facts, &b->verdict);
}

static const char *run(struct bench *b, const char *body)
{
	struct ear_buf script = {0};

	ear_buf_printf(&script, "function on_message(msg)\n%s\nend\n", body);
	assert_int_equal(open_script(b, ear_buf_view(&script), 0, 0), EAR_OK);
	ear_buf_fini(&script);
	take(b, EAR_S(INVITE));
	return b->notice;
}

/* What a script sees: each row is true of the message. */
static void test_values(void **state)
{
	static const char *const rows[] = {
		"msg.method == 'INVITE'",
		"msg.status == 0",
		"msg.kind == 'request'",
		"msg.proto == 'sip'",
		"msg.ruri == 'sip:bob@example.com'",
		"msg.ruri_user == 'bob'",
		"msg.call_id == 'c1@192.0.2.1'",
		"msg.cseq == '7 INVITE'",
		"msg.from == 'sip:alice@example.com'",
		"msg.from_user == 'alice'",
		"msg.from_name == 'Alice'",
		"msg.from_tag == 'a1'",
		"msg.to_tag == ''",
		"msg.auth_user == ''",
		"msg.user_agent == 'phone/1'",
		"msg.capture_id == 42",
		"msg.node == 'edge1'",
		"msg.via_branch == 'z9hG4bKa'",
		"msg.transport == 'tls'",
		"msg.direction == 'in'",
		"msg.src == '192.0.2.1:5060'",
		"msg.src_ip == '192.0.2.1'",
		"msg.src_port == 5060",
		"msg.dst == '[2001:db8::1]:5061'",
		"msg.src_addr == 'tls:192.0.2.1:5060'",
		"msg.dst_addr == 'tls:[2001:db8::1]:5061'",
		"msg.dst_host == '[2001:db8::1]'",
		"msg.dst_hostip == '2001:db8::1'",
		"msg.src_hostip == msg.src_host",
		"msg.dst_proto == 'tls'",
		"msg.dst_port == 5061",
		"msg.malformed == false",
		"msg.sdp == false",
		"msg.size == #msg.raw and msg.raw == msg.text",
		"msg.body == 'hello'",
		"msg.at == 1700000000.25 and now() == msg.at",
		"math.type(msg.at_ns) == 'integer'",
		"msg.at_ns == 1700000000250000000",
		"msg.header('X-Note') == 'one'",
		"msg:header('x-nOTE') == 'one'",
		"msg.header('nothing') == nil",
		"#msg.headers('Via') == 2",
		"msg:headers('v')[2]:find('192.0.2.9', 1, true) ~= nil",
		"#msg.headers('X-Note') == 2",
		"msg:headers('X-Note')[2] == 'two'",
		"#msg:headers('None') == 0",
		"type(msg) == 'userdata' and getmetatable(msg) == 'message'",
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf body = {0};
		struct bench b;

		ear_buf_printf(&body, "if %s then drop() end", rows[i]);
		ear_buf_byte(&body, '\0');
		run(&b, body.p);
		if (!b.verdict.drop)
			fail_msg("%s: not so %s", rows[i], b.notice);
		ear_buf_fini(&body);
		ear_hook_free(&b.hook);
	}
	(void)state;
}

static void test_acts(void **state)
{
	struct bench b;
	const struct ear_trace_spec *t;

	run(&b, "keep(false) msg:mask() traced_user('alice', 'a@x')\n"
		"table('night') trace_table('night') msg.table('day')\n"
		"msg.correlation = 'cor1'\n"
		"hlog('one') msg:hlog('id2', 'two')\n"
		"t = {3, 1, 2} table.sort(t) hlog(table.concat(t, '-'))");
	assert_string_equal(b.notice, "");
	assert_false(b.verdict.drop);
	assert_true(b.verdict.store_off);
	assert_true(b.verdict.mask);
	assert_int_equal(b.verdict.marks.users.n, 2);
	assert_slice("user", b.verdict.marks.users.item[1], EAR_S("a@x"));
	assert_int_equal(b.verdict.marks.tables.n, 2);
	assert_slice("table", b.verdict.marks.tables.item[1], EAR_S("day"));
	assert_slice("correlation", b.verdict.correlation, EAR_S("cor1"));
	assert_int_equal(b.verdict.events, 3);
	assert_slice(
		"hlog", b.verdict.event[0].correlation, EAR_S("c1@192.0.2.1"));
	assert_slice("hlog", b.verdict.event[0].text, EAR_S("one"));
	assert_slice("hlog", b.verdict.event[1].correlation, EAR_S("id2"));
	assert_slice("hlog", b.verdict.event[1].text, EAR_S("two"));
	assert_slice("sort", b.verdict.event[2].text, EAR_S("1-2-3"));
	ear_hook_free(&b.hook);

	run(&b, "traced_user('x') msg.traced_user = {'a', 'b', 'a'}");
	assert_string_equal(b.notice, "");
	assert_int_equal(b.verdict.marks.users.n, 2);
	ear_hook_free(&b.hook);
	run(&b, "traced_user('x') msg.traced_user = 'c'");
	assert_int_equal(b.verdict.marks.users.n, 1);
	assert_slice("user", b.verdict.marks.users.item[0], EAR_S("c"));
	ear_hook_free(&b.hook);

	run(&b, "sip_trace() sip_trace('hep:192.0.2.50:9060', 'id', ' T ')\n"
		"sip_trace_mode('d')\n"
		"sip_trace{mirrors = {'homer', 'lab'}, mode = 'dialog',\n"
		"  users = 'bob', keep_before = '2m', table = 'x', why = 'w',\n"
		"  max_messages = 9, max_size = 1000, dialog_ack = false}");
	assert_string_equal(b.notice, "");
	assert_int_equal(b.verdict.asks, 4);
	t = b.verdict.ask;
	assert_int_equal(t[0].scope, EAR_SCOPE_MESSAGE);
	assert_int_equal(t[0].mirrors.n, 0);
	assert_true(t[0].dialog_ack && t[0].dialog_spiral);
	assert_string_equal(t[0].by, "script");
	assert_int_equal(t[1].scope, EAR_SCOPE_TRANSACTION);
	assert_string_equal(t[1].mirrors.item[0], "homer");
	assert_string_equal(t[1].correlation, "id");
	assert_int_equal(t[2].scope, EAR_SCOPE_DIALOG);
	assert_int_equal(t[3].mirrors.n, 2);
	assert_string_equal(t[3].mirrors.item[1], "lab");
	assert_string_equal(t[3].users.item[0], "bob");
	assert_int_equal(t[3].keep_before_ns, 120000000000ULL);
	assert_int_equal(t[3].max_messages, 9);
	assert_int_equal(t[3].max_bytes, 1000);
	assert_false(t[3].dialog_ack);
	ear_hook_free(&b.hook);
	(void)state;
}

/* What goes wrong: the notice says where, the verdict is empty. */
static void test_errors(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{"drop() error('oh no')", ":2: oh no"},
		{"drop() error({})", "error with a table instead of a text"},
		{"drop() error()", "error with a nil instead of a text"},
		{"drop() return msg.methud", "did you mean 'method'?"},
		{"return msg.callid", "did you mean 'call_id'?"},
		{"return msg.caller", "did you mean 'from_user'?"},
		{"return msg.xyzzyx", "msg has no 'xyzzyx'"},
		{"return msg.user", "msg.from_user"},
		{"return msg[1]", "a message has no number in it"},
		{"msg.method = 'X'", "msg.method cannot be set"},
		{"traced_user()", "the traced user is missing"},
		{"traced_user({})", ":2: a text is wanted here"},
		{"msg.traced_user = {1, {}}", ":2: a text is wanted here"},
		{"keep('no')", "boolean expected"},
		{"hlog()", "a text is wanted here"},
		{"sip_trace('elsewhere')", "there is no mirror 'elsewhere'"},
		{"sip_trace('homer', nil, 'x')", "'x' is no mode"},
		{"sip_trace{mirror = 'homer'}", "did you mean 'mirrors'?"},
		{"sip_trace{keep_before = '2x'}", "keep_before"},
		{"sip_trace{mode = 7}", "'7' is no mode"},
		{"sip_trace_mode('q')", "'q' is no mode"},
		{"for i = 1, 9 do sip_trace() end", "more than 8 traces"},
		{"for i = 1, 9 do hlog('x') end", "more than 8 log events"},
		{"hlog(('x'):rep(200000))", "more text than"},
		{"dorp()", "global 'dorp'"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct bench b;

		if (!strstr(run(&b, rows[i].body), rows[i].want))
			fail_msg("%s: '%s'", rows[i].body, b.notice);
		assert_string_equal(b.event, "hook.error");
		assert_false(b.verdict.drop);
		assert_int_equal(b.verdict.asks + b.verdict.events +
					 b.verdict.marks.users.n,
			0);
		ear_hook_free(&b.hook);
	}
	(void)state;
}

/* Scripts that would do harm; each ends soon, by which limit matters less. */
static void test_hostile(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{"while true do end", ":2: more instructions"},
		{"local function f() return f() end f()", "instructions"},
		{"local function f() return 1 + f() end f()", ""},
		{"local function f() pcall(f) end f()", NULL},
		{"while true do pcall(error) end", "more instructions"},
		{"while true do pcall(function() while true do end end) end",
			"more instructions"},
		{"pcall(pcall, pcall, function() while true do end end) drop()",
			"more instructions"},
		{"local t = {} while true do t[#t + 1] = {} end", ""},
		{"local s = 'x' while true do s = s .. s end", "memory"},
		{"pcall(function() local s = 'x' while true do s = s .. s end "
		 "end) drop()",
			"memory"},
		{"return ('x'):rep(1e9)", "memory"},
		{"return (''):rep(1e18)", NULL},
		{"return ('x'):rep(1e18)", "resulting string too large"},
		{"while true do local s = ('x'):rep(4000000) end",
			"instructions"},
		{"return (('a'):rep(200000)):find('.-.-.-.-.-.-b')",
			"instructions"},
		{"return (('a'):rep(200000)):match('(a*)*b')", ""},
		{"return (('a'):rep(100000)):gsub('a*a*a*b', '')",
			"instructions"},
		{"for w in (('a'):rep(100000)):gmatch('a-a-a-b') do end",
			"instructions"},
		{"return (('('):rep(50000)):find('%b()')", "instructions"},
		{"table.move({}, 1, 1e18, 2)", "instructions"},
		{"table.concat(setmetatable({}, {__index = rawlen}), '', 1, "
		 "1e18)",
			"instructions"},
		{"table.concat(setmetatable({}, {__len = function() return "
		 "1e18 // 1 | 0 end, __index = rawlen}))",
			"__len"},
		{"table.unpack({}, 1, 1e7)", ""},
		{"table.insert(setmetatable({}, {__len = function() return "
		 "1 << 60 end}), 1, 1)",
			"__len"},
		{"local n = 0 table.sort(setmetatable({}, {__index = type, "
		 "__newindex = type, __len = function() n = n + 1 return n == "
		 "1 and 0 or 1000000000 end}))",
			"__len"},
		{"(('x'):rep(20000)):gsub('(y?)', ('%1'):rep(1000000))",
			"instructions"},
		{"local s = ('x'):rep(4000000) while true do s:upper() end",
			"instructions"},
		{"local s = ('x'):rep(4000000) while true do utf8.len(s) end",
			"instructions"},
		{"local s = (' '):rep(4000000) while true do tonumber(s) end",
			"instructions"},
		{"local t = {} for i = 1, 5000 do t[i] = i end while true do "
		 "table.sort(t, math.ult) end",
			"instructions"},
		{"error(setmetatable({}, {__tostring = function() while true "
		 "do end end}))",
			"error with a table"},
		{"print(setmetatable({}, {__tostring = function() while true "
		 "do end end}))",
			"more instructions"},
		{"setmetatable({}, {__gc = function() while true do end end})",
			"__gc is not available"},
		{"local m = {} local t = setmetatable({}, m) m.__gc = drop "
		 "t = nil for i = 1, 1000 do local x = {} end",
			NULL},
		{"local x <close> = setmetatable({}, {__close = function() "
		 "while true do end end}) while true do end",
			"more instructions"},
		{"local x <close> = setmetatable({}, {__close = function() "
		 "while true do end end})",
			"more instructions"},
		{"getmetatable('').__index = nil", ""},
		{"setmetatable('', {})", "table expected"},
		{"setmetatable(table, nil)", "protected"},
		{"setmetatable(_G, {__index = function(t, k) return "
		 "t[k] end}) return nothing",
			""},
		{"return load('drop()')", "global 'load'"},
		{"return io.open('/etc/passwd')", "global 'io'"},
		{"return os.exit()", "global 'os'"},
		{"return require('io')", "global 'require'"},
		{"return package.path", "global 'package'"},
		{"return debug.getregistry()", "global 'debug'"},
		{"return dofile('/etc/passwd')", "global 'dofile'"},
		{"return loadfile('/etc/passwd')", "global 'loadfile'"},
		{"collectgarbage('stop')", "global 'collectgarbage'"},
		{"return string.dump(drop)", "field 'dump'"},
		{"coroutine.wrap(function() while true do end end)()",
			"global 'coroutine'"},
		{"for i = 1, 1e9 do print(i) end", "more instructions"},
		{"return ('%99999d'):format(1)", "invalid conversion"},
		{"return utf8.char(table.unpack({}, 1, 1e6))", ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct bench b;
		const char *got = run(&b, rows[i].body);

		if (!rows[i].want ? *got : !*got || !strstr(got, rows[i].want))
			fail_msg("%s: '%s'", rows[i].body, got);
		assert_false(b.verdict.drop);
		/* And the next message finds it as it was. */
		take(&b, EAR_S("OPTIONS sip:x SIP/2.0\r\n\r\n"));
		ear_hook_free(&b.hook);
	}
	(void)state;
}

static void test_globals(void **state)
{
	struct bench b;

	/* They stay from one message to the next, also after an error. */
	assert_int_equal(
		open_script(&b,
			EAR_S("n = 0 function on_message(msg) n = n + 1\n"
			      "if n == 2 then while true do end end\n"
			      "if n == 3 then drop() end end"),
			0, 0),
		EAR_OK);
	for (int i = 0; i < 3; i++)
		take(&b, EAR_S(INVITE));
	assert_true(b.verdict.drop);
	ear_hook_free(&b.hook);

	/* A message that was kept is nothing between messages. */
	assert_int_equal(open_script(&b,
				 EAR_S("local kept function on_message(msg)\n"
				       "kept = msg if kept.method == 'INVITE' "
				       "then drop() end end"),
				 0, 0),
		EAR_OK);
	take(&b, EAR_S(INVITE));
	assert_true(b.verdict.drop);
	take(&b, EAR_S("OPTIONS sip:x SIP/2.0\r\n\r\n"));
	assert_false(b.verdict.drop);
	ear_hook_free(&b.hook);
	(void)state;
}

/* Globals that fill the memory do not stop it for good. */
static void test_reset(void **state)
{
	struct bench b;
	unsigned drops = 0;

	assert_int_equal(open_script(&b,
				 EAR_S("all = {} function on_message(msg)\n"
				       "all[#all + 1] = msg.raw .. #all .. "
				       "('x'):rep(20000)\n"
				       "drop() end"),
				 0, 1 << 20),
		EAR_OK);
	for (int i = 0; i < 500; i++) {
		take(&b, EAR_S(INVITE));
		drops += b.verdict.drop;
	}
	assert_string_equal(b.event, "hook.reset");
	assert_true(drops > 400 && drops < 500);
	ear_hook_free(&b.hook);
	(void)state;
}

/* Memory that ends anywhere: in the libraries, in the script, in an act. */
static void test_short_memory(void **state)
{
	unsigned made = 0;

	for (uint64_t bytes = 10000; bytes < 120000; bytes += 1999) {
		struct bench b;

		if (open_script(&b,
			    EAR_S("t = {} function on_message(msg)\n"
				  "t[#t + 1] = msg.raw .. #t\n"
				  "hlog((msg.raw:gsub('(%w+)', "
				  "string.upper)))\n"
				  "sip_trace{mirrors = {'lab'}, users = "
				  "{'b'}}\n"
				  "msg:headers('Via') end"),
			    0, bytes) != EAR_OK) {
			assert_true(b.fault.text[0] != '\0');
			continue;
		}
		made++;
		for (int i = 0; i < 100; i++)
			take(&b, EAR_S(INVITE));
		ear_hook_free(&b.hook);
	}
	assert_true(made > 10);
	(void)state;
}

static void test_load(void **state)
{
	static const struct {
		struct ear_slice script;
		const char *want;
	} rows[] = {
		{EAR_S_INIT("function on_message(msg)\nlocal = 1\nend"),
			":2: <name> expected near '='"},
		{EAR_S_INIT("x = 1"), "has no function on_message(msg)"},
		{EAR_S_INIT(""), "has no function on_message(msg)"},
		{EAR_S_INIT("on_message = 3"), "has no function"},
		{EAR_S_INIT("while true do end"), ":1: more instructions"},
		{EAR_S_INIT("x = ('x'):rep(1e8)"), "more memory"},
		{EAR_S_INIT("\n\nerror('no')"), ":3: no"},
		{EAR_S_INIT("drop()"), "only within on_message()"},
		{EAR_S_INIT("\x1bLuaS\0\x19\x93\r\n\x1a\n"), "binary chunk"},
	};
	struct ear_hook_options options = {.file = "/nonexistent/x.lua"};
	struct bench b;

	for (size_t i = 0; i < ROWS(rows); i++) {
		assert_int_equal(
			open_script(&b, rows[i].script, 0, 0), EAR_USAGE);
		if (!strstr(b.fault.text, rows[i].want))
			fail_msg("%zu: '%s'", i, b.fault.text);
		assert_null(b.hook);
	}
	memset(&b, 0, sizeof(b));
	assert_int_equal(ear_hook_new(&options, &b.hook, &b.fault), EAR_GONE);
	assert_non_null(strstr(b.fault.text, "/nonexistent/x.lua"));
	options.file = "/";
	assert_int_equal(ear_hook_new(&options, &b.hook, &b.fault), EAR_SYS);
	(void)state;
}

static void test_status(void **state)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);
	struct bench b;

	run(&b, "error('no')");
	for (int i = 0; i < 200; i++)
		take(&b, EAR_S(INVITE));
	/* A flood of errors is few notices, and each is counted. */
	assert_true(b.notices < 5);
	ear_hook_json(b.hook, &j);
	ear_buf_byte(&out, '\0');
	assert_non_null(strstr(out.p, "\"calls\":201,\"errors\":201"));
	assert_non_null(strstr(out.p, ":2: no\""));
	ear_buf_fini(&out);
	ear_hook_free(&b.hook);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_acts),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_globals),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_short_memory),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests_name("rule/hook", tests, NULL, NULL);
}
