/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict over the messages of RFC 4475 and RFC 5118. */
#include "unit/table.h"

#include "proto/sip_check.h"

#include <stdlib.h>

#define FINDINGS 5

struct want {
	const char *rule; /* NULL ends the list */
	const char *at;   /* the text where the finding points */
};

struct row {
	const char *name;
	const char *section;
	struct want want[FINDINGS];
};

static const struct row rfc4475[] = {
	{"wsinv", "3.1.1.1", {{0}}},
	{"intmeth", "3.1.1.2", {{0}}},
	{"esc01", "3.1.1.3", {{0}}},
	{"escnull", "3.1.1.4", {{0}}},
	{"esc02", "3.1.1.5", {{0}}},
	{"lwsdisp", "3.1.1.6", {{0}}},
	{"longreq", "3.1.1.7", {{0}}},
	{"dblreq", "3.1.1.8", {{0}}},
	{"semiuri", "3.1.1.9", {{0}}},
	{"transports", "3.1.1.10", {{0}}},
	{"mpart01", "3.1.1.11", {{0}}},
	{"unreason", "3.1.1.12", {{0}}},
	{"noreason", "3.1.1.13", {{0}}},
	{"badinv01", "3.1.2.1",
		{{"sip.separator", ";,;,,\r\n"}, {"sip.separator", ";;;\r\n"}}},
	{"clerr", "3.1.2.2", {{"sip.content-length.large", "9999\r\n"}}},
	{"ncl", "3.1.2.3", {{"sip.content-length", "-999\r\n"}}},
	{"scalar02", "3.1.2.4",
		{{"sip.cseq.number", "36893488147419103232 "},
			{"sip.max-forwards", "300\r\n"},
			{"sip.number.large", "100000"},
			{"sip.number.large", "280297596632815\r\n"}}},
	{"scalarlg", "3.1.2.5",
		{{"sip.cseq.number", "9292394834772304023312 "},
			{"sip.number.large", "949302838503028349304023988\r\n"},
			{"sip.warning", "1812 overture"}}},
	{"quotbal", "3.1.2.6", {{"sip.quote", "\"Mr. J. User <sip:"}}},
	{"ltgtruri", "3.1.2.7", {{"sip.ruri.bracket", "<sip:user@"}}},
	{"lwsruri", "3.1.2.8", {{"sip.ruri.space", " lr SIP/2.0"}}},
	{"lwsstart", "3.1.2.9", {{"sip.start.space", " sip:user@"}}},
	{"trws", "3.1.2.10", {{"sip.start.trail", "  \r\nVia:"}}},
	{"escruri", "3.1.2.11", {{"sip.ruri.headers", "?Route=%3C"}}},
	{"baddate", "3.1.2.12", {{"sip.date", "EST\r\n"}}},
	{"regbadct", "3.1.2.13", {{"sip.addr.bracket", "?Route=%3C"}}},
	{"badaspec", "3.1.2.14", {{"sip.addr.space", " sip:t.watson@"}}},
	{"baddn", "3.1.2.15",
		{{"sip.addr.name", ", Alexander"},
			{"sip.addr.name", ", Thomas"}, {"sip.header.end", ""}}},
	{"badvers", "3.1.2.16", {{"sip.start.version", "SIP/7.0\r\n"}}},
	{"mismatch01", "3.1.2.17", {{"sip.cseq.method", "INVITE\r\n"}}},
	{"mismatch02", "3.1.2.18", {{"sip.cseq.method", "INVITE\r\n"}}},
	{"bigcode", "3.1.2.19", {{"sip.start.status", "4294967301 better"}}},
	{"badbranch", "3.2.1", {{"sip.via.branch", "z9hG4bK\r\n"}}},
	{"insuf", "3.3.1",
		{{"sip.missing.from", "\r\nv=0"}, {"sip.missing.to", "\r\nv=0"},
			{"sip.missing.call-id", "\r\nv=0"}}},
	{"unkscm", "3.3.2", {{0}}},
	{"novelsc", "3.3.3", {{0}}},
	{"unksm2", "3.3.4", {{0}}},
	{"bext01", "3.3.5", {{0}}},
	{"invut", "3.3.6", {{0}}},
	{"regaut01", "3.3.7", {{0}}},
	{"multi01", "3.3.8",
		{{"sip.header.twice", "CSeq: 59"},
			{"sip.header.twice",
				"Call-ID: multi01.98asdh@192.0.2.2"},
			{"sip.header.twice", "To: sip:other"},
			{"sip.header.twice", "From: sip:caller@example.net"},
			{"sip.header.twice", "Max-Forwards: 5\r\n"}}},
	{"mcl01", "3.3.9", {{"sip.header.twice", "Content-Length: 5\r\n"}}},
	{"bcast", "3.3.10", {{0}}},
	{"zeromf", "3.3.11", {{0}}},
	{"cparam01", "3.3.12", {{0}}},
	{"cparam02", "3.3.13", {{0}}},
	{"regescrt", "3.3.14", {{0}}},
	{"sdp01", "3.3.15", {{0}}},
	{"inv2543", "3.4.1", {{0}}},
};

static const struct row rfc5118[] = {
	{"ipv6-good", "4.1", {{0}}},
	{"ipv6-bad", "4.2", {{"sip.host.bare", "2001:db8::10 SIP"}}},
	{"port-ambiguous", "4.3", {{0}}},
	{"port-unambiguous", "4.4", {{0}}},
	{"via-received-param-with-delim", "4.5", {{0}}},
	{"via-received-param-no-delim", "4.5", {{0}}},
	/* The RFC's own Content-Length is 17 more than its body has. */
	{"ipv6-in-sdp", "4.6", {{"sip.content-length.large", "268\r\n"}}},
	{"mult-ip-in-header", "4.7", {{0}}},
	{"mult-ip-in-sdp", "4.8", {{0}}},
	{"ipv4-mapped-ipv6", "4.9", {{0}}},
	{"ipv6-bug-abnf-3-colons", "4.10", {{0}}},
	{"ipv6-correct-abnf-2-colons", "4.10", {{0}}},
};

static const char *tests_dir = "tests";

/* An exact-size copy, so that the sanitizer sees a read past the end. */
static struct ear_slice load(const char *folder, const char *name)
{
	char path[4096], *bytes;
	long n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/golden/%s/%s.sip", tests_dir, folder,
		name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s cannot be read", path);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	bytes = malloc((size_t)n);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)n, f), n);
	fclose(f);
	return ear_slice(bytes, (size_t)n);
}

static void judge(const char *folder, const struct row *row)
{
	struct ear_slice raw = load(folder, row->name);
	struct ear_sip_finding found[16];
	struct ear_sip_core core;
	struct ear_sip sip;
	size_t n, want = 0;

	assert_int_equal(ear_sip_parse(raw, &sip), EAR_OK);
	ear_sip_core(&sip, &core);
	n = ear_sip_check(&sip, &core, EAR_SIP_DATAGRAM, found, 16);
	while (want < FINDINGS && row->want[want].rule)
		want++;
	for (size_t i = 0; i < n && i < want; i++) {
		assert_slice(row->name, ear_sip_rule_name(found[i].rule),
			ear_slice_str(row->want[i].rule));
		assert_slice(row->name,
			ear_slice_sub(raw, found[i].offset,
				found[i].offset + strlen(row->want[i].at)),
			ear_slice_str(row->want[i].at));
	}
	if (n != want)
		fail_msg("%s (s%s): %zu findings, want %zu", row->name,
			row->section, n, want);
	free((char *)raw.p);
}

static void test_rfc4475(void **state)
{
	assert_int_equal(ROWS(rfc4475), 49);
	for (size_t i = 0; i < ROWS(rfc4475); i++)
		judge("rfc4475", &rfc4475[i]);
	(void)state;
}

static void test_rfc5118(void **state)
{
	for (size_t i = 0; i < ROWS(rfc5118); i++)
		judge("rfc5118", &rfc5118[i]);
	(void)state;
}

/* Cut anywhere, a message is read as far as it goes and nothing beyond it;
 * a cut head never passes for a whole one. */
static void test_cut(void **state)
{
	for (size_t i = 0; i < ROWS(rfc4475); i++) {
		struct ear_slice raw = load("rfc4475", rfc4475[i].name);

		for (size_t n = 0; n < raw.n; n++) {
			char *cut = malloc(n + 1);
			struct ear_sip_finding found[16];
			struct ear_sip_core core;
			struct ear_sip sip;
			size_t findings;

			assert_non_null(cut);
			memcpy(cut + 1, raw.p, n);
			ear_sip_parse(ear_slice(cut + 1, n), &sip);
			ear_sip_core(&sip, &core);
			findings = ear_sip_check(&sip, &core, 0, found, 16);
			if (!sip.ended)
				assert_true(findings > 0);
			for (size_t k = 0; k < findings; k++)
				assert_true(found[k].offset <= n);
			free(cut);
		}
		free((char *)raw.p);
	}
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4475),
		cmocka_unit_test(test_rfc5118),
		cmocka_unit_test(test_cut),
	};

	if (argc > 1)
		tests_dir = argv[1];
	return cmocka_run_group_tests_name("proto/sip_rfc", tests, NULL, NULL);
}
