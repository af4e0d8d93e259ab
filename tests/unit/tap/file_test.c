/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every tests/golden/capture-CASE is read and compared with its want.jsonl.
 * With EAR_GOLDEN_WRITE=1 in the environment the wanted lines are written
 * anew, for a person to read the difference.
 */
#include "unit/table.h"

#include <glob.h>
#include <stdlib.h>

#include "base/json.h"
#include "tap/file.h"

static const char *tests_dir;

static void on_message(const struct ear_msg *msg, void *arg)
{
	struct ear_buf *out = arg;
	struct ear_json j = ear_json(out);
	struct ear_facts facts;
	char text[EAR_ADDR_TEXT];
	bool arrival = msg->flags & EAR_MSG_ARRIVAL;

	assert_slice(
		"tap", ear_slice_sub(msg->tap, 0, 13), EAR_S("file:capture."));
	assert_true(msg->flags & EAR_MSG_IMPORTED);
	assert_true(msg->seen_ns > 0);
	ear_msg_facts(msg, &facts);
	ear_json_open(&j, '{');
	ear_json_ku64(&j, "at_ns", arrival ? 0 : msg->at_ns);
	ear_json_kstr(&j, "transport", ear_transport_name(msg->transport));
	ear_json_kstr(
		&j, "src", ear_slice(text, ear_addr_text(&msg->src, text)));
	ear_json_kstr(
		&j, "dst", ear_slice(text, ear_addr_text(&msg->dst, text)));
	ear_json_kstr(&j, "method", facts.method);
	ear_json_ku64(&j, "status", facts.status);
	ear_json_kstr(&j, "call_id", facts.call_id);
	ear_json_ku64(&j, "size", msg->raw.n);
	if (msg->flags & EAR_MSG_TRUNCATED)
		ear_json_kbool(&j, "truncated", true);
	if (msg->note.n)
		ear_json_kstr(&j, "note", msg->note);
	if (msg->via.family)
		ear_json_kstr(&j, "agent",
			ear_slice(text, ear_addr_text(&msg->via, text)));
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

static void put_summary(const struct ear_packets_stats *s,
	const struct ear_fault *fault, struct ear_buf *out)
{
	const struct {
		const char *key;
		uint64_t n;
	} rows[] = {{"packets", s->packets}, {"messages", s->messages},
		{"truncated", s->truncated}, {"reassembled", s->reassembled},
		{"unfinished", s->unfinished}, {"snapped", s->snapped},
		{"streams", s->streams}, {"gaps", s->gaps},
		{"gap_bytes", s->gap_bytes},
		{"retransmitted", s->retransmitted}};
	struct ear_json j = ear_json(out);
	const char *said = strrchr(fault->text, '/');

	ear_json_open(&j, '{');
	for (size_t i = 0; i < ROWS(rows); i++)
		if (rows[i].n)
			ear_json_ku64(&j, rows[i].key, rows[i].n);
	for (enum ear_packet_kind i = 0; i < EAR_PACKET_KINDS; i++)
		if (s->kind[i])
			ear_json_ku64(&j, ear_packet_kind_key(i), s->kind[i]);
	if (fault->code)
		ear_json_kstr(&j, "error",
			ear_slice_str(said ? said + 1 : fault->text));
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

static void read_whole(const char *path, struct ear_buf *out)
{
	FILE *f = fopen(path, "rb");
	int c;

	while (f && (c = getc(f)) != EOF)
		ear_buf_byte(out, (uint8_t)c);
	if (f)
		fclose(f);
}

/* Every payload is counted once; messages are left for others to count. */
static void check_sums(const char *name, struct ear_ledger *ledger,
	const struct ear_packets_stats *s)
{
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(ledger, n);
	if (ear_ledger_open(n) != (int64_t)s->messages)
		fail_msg("%s: %lld units have no end, %llu messages", name,
			(long long)ear_ledger_open(n),
			(unsigned long long)s->messages);
}

static void check_case(const char *capture)
{
	struct ear_buf got = {0}, want = {0};
	struct ear_ledger *ledger;
	struct ear_tap_file_options options = {.fn = on_message, .arg = &got};
	struct ear_packets_stats summary;
	struct ear_fault fault = {0};
	const char *slash = strrchr(capture, '/');
	enum ear_err err;
	char path[1024];

	assert_int_equal(ear_ledger_new(16, &ledger), EAR_OK);
	options.tally = ear_ledger_line(ledger, EAR_S("file"), EAR_S("test"));
	err = ear_tap_file_read(capture, &options, &summary, &fault);
	assert_int_equal(err, fault.code);
	put_summary(&summary, &fault, &got);
	check_sums(capture, ledger, &summary);
	snprintf(path, sizeof(path), "%.*s/want.jsonl", (int)(slash - capture),
		capture);
	if (getenv("EAR_GOLDEN_WRITE")) {
		FILE *f = fopen(path, "wb");

		assert_non_null(f);
		fwrite(got.p, 1, got.n, f);
		fclose(f);
	}
	read_whole(path, &want);
	assert_slice(path, ear_buf_view(&got), ear_buf_view(&want));
	ear_buf_fini(&got);
	ear_buf_fini(&want);
	ear_ledger_free(&ledger);
}

static void test_golden(void **state)
{
	char pattern[1024];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/golden/capture-*/capture.*",
		tests_dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 12);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_case(found.gl_pathv[i]);
	globfree(&found);
	(void)state;
}

static void pass_over(const struct ear_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
}

/* As if it had begun at another time: the spans stay. */
static void test_moved(void **state)
{
	const uint64_t begin_ns = 1900000000123456789ULL;
	struct ear_tap_file_options options = {.fn = pass_over};
	struct ear_packets_stats is, moved;
	char path[1024];

	snprintf(path, sizeof(path), "%s/golden/capture-tcp/capture.pcap",
		tests_dir);
	assert_int_equal(ear_tap_file_read(path, &options, &is, NULL), EAR_OK);
	options.begin_ns = begin_ns;
	assert_int_equal(
		ear_tap_file_read(path, &options, &moved, NULL), EAR_OK);
	assert_true(moved.first_ns == begin_ns);
	assert_true(is.last_ns > is.first_ns);
	assert_true(moved.last_ns - begin_ns == is.last_ns - is.first_ns);
	assert_int_equal(moved.messages, is.messages);
	(void)state;
}

static void test_refused(void **state)
{
	static const struct {
		const char *path;
		enum ear_err want;
	} rows[] = {
		{"/no/such/file.pcap", EAR_SYS},
		{"/", EAR_USAGE},
		{"/dev/null", EAR_UNSUPPORTED},
		{"/proc/self/cmdline", EAR_UNSUPPORTED},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_tap_file_options options = {.fn = on_message};
		struct ear_fault fault = {0};

		if (ear_tap_file_read(rows[i].path, &options, NULL, &fault) !=
			rows[i].want)
			fail_msg("%s: %s", rows[i].path, fault.text);
		if (!strstr(fault.text, rows[i].path))
			fail_msg("%s is not named: %s", rows[i].path,
				fault.text);
	}
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_refused),
	};

	tests_dir = argc > 1 ? argv[1] : "tests";
	return cmocka_run_group_tests_name("tap/file", tests, NULL, NULL);
}
