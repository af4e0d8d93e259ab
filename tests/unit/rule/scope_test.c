/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes: what a trace takes of the messages of a call, one a line.
 *
 *     WANT CALL SECOND WHAT CSEQ FROM TO BRANCH DST [HEADER: value]
 *
 * WANT is "+" taken, "." not, with "!" where the rule matches. WHAT is a
 * method, or a status and a method as 486/INVITE. FROM and TO are tags, "-" is
 * none; DST is the last part of an address. "= N" says how many units are
 * open.
 */
#include "unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "rule/trace.h"

#define S UINT64_C(1000000000)
/* 2026-11-22 */
#define BEGIN (UINT64_C(1795305600) * S)

struct line {
	char want[4], call[16], what[24], from[16], to[16], branch[16];
	unsigned cseq, dst;
	double second;
	char header[80];
};

static void message(const struct line *l, char *out, size_t size)
{
	char to[40] = "";
	const char *slash = strchr(l->what, '/');
	const char *method = slash ? slash + 1 : l->what;
	char first[80];

	if (slash)
		snprintf(first, sizeof(first), "SIP/2.0 %.3s Any", l->what);
	else
		snprintf(first, sizeof(first), "%s sip:b@192.0.2.9 SIP/2.0",
			l->what);
	if (l->to[0] != '-')
		snprintf(to, sizeof(to), ";tag=%s", l->to);
	snprintf(out, size,
		"%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=%s\r\n"
		"From: <sip:%s@example.com>;tag=%s\r\n"
		"To: <sip:b@example.com>%s\r\n"
		"Call-ID: %s\r\nCSeq: %u %s\r\n%s%s\r\n",
		first, l->branch, strchr(l->want, '!') ? "alice" : "x", l->from,
		to, l->call, l->cseq, method, l->header,
		l->header[0] ? "\r\n" : "");
}

static bool take(struct ear_traces *t, const struct line *l)
{
	uint8_t ip[4] = {192, 0, 2, (uint8_t)l->dst};
	uint64_t at = BEGIN + (uint64_t)(l->second * (double)S);
	struct ear_trace_verdict verdict;
	struct ear_facts facts;
	char raw[1024];
	struct ear_msg msg = {.at_ns = at,
		.seen_ns = at,
		.dst = ear_addr_v4(ip, 5060),
		.proto = EAR_PROTO_SIP};

	message(l, raw, sizeof(raw));
	msg.raw = ear_slice_str(raw);
	ear_msg_facts(&msg, &facts);
	ear_traces_take(t, &msg, &facts, &verdict);
	return verdict.traced;
}

static void play_line(struct ear_traces *t, const char *scene, const char *text)
{
	struct ear_trace_info info;
	struct line l = {.header = ""};
	unsigned open;

	if (sscanf(text, " = %u", &open) == 1) {
		ear_traces_list(t, &info, 1);
		if (info.open != open)
			fail_msg("%s: open %d at '%s'", scene, (int)info.open,
				text);
		return;
	}
	if (sscanf(text, "%3s %15s %lf %23s %u %15s %15s %15s %u %79[^\n]",
		    l.want, l.call, &l.second, l.what, &l.cseq, l.from, l.to,
		    l.branch, &l.dst, l.header) < 9)
		fail_msg("%s: no line: '%s'", scene, text);
	if (take(t, &l) != (l.want[0] == '+'))
		fail_msg("%s: '%s'", scene, text);
}

static void play(const char *scene, enum ear_scope scope, bool ack, bool spiral,
	const char *text)
{
	struct ear_traces_options options = {.on = true};
	struct ear_trace_spec spec = {.name = "t",
		.rule = "from.user == \"alice\"",
		.scope = scope,
		.dialog_ack = ack,
		.dialog_spiral = spiral,
		.by = "test"};
	char *copy = strdup(text), *rest = copy, *one;
	struct ear_fault fault = {0};
	struct ear_traces *t;

	assert_int_equal(ear_traces_new(&options, &t, &fault), EAR_OK);
	if (ear_traces_standing(t, &spec, 1, &fault))
		fail_msg("%s", fault.text);
	while ((one = strsep(&rest, "\n"))) {
		if (*one)
			play_line(t, scene, one);
	}
	ear_traces_free(&t);
	free(copy);
}

static const struct {
	const char *name, *text;
} transactions[] = {
	{"a call through a proxy, with the ACK to its 2xx left out",
		"+! c 0.0 INVITE 1 a - b0 2\n"
		"+ c 0.1 100/INVITE 1 a - b0 1\n"
		"+ c 0.1 INVITE 1 a - b1 3\n"
		"+ c 0.2 180/INVITE 1 a b b1 2\n"
		"+ c 0.2 180/INVITE 1 a b b0 1\n"
		"+ c 5.0 200/INVITE 1 a b b1 2\n"
		"+ c 5.0 200/INVITE 1 a b b0 1\n"
		". c 5.1 ACK 1 a b b9 2\n"
		". c 5.1 ACK 1 a z b9 2\n"
		". c 5.2 BYE 2 a b b3 2\n"
		". c 5.3 200/BYE 2 a b b3 2\n"},
	{"forked, cancelled, with ACKs to the negative finals",
		"+! c 0 INVITE 1 a - b0 2\n"
		"+ c 0 INVITE 1 a - b1 3\n"
		"+ c 0 INVITE 1 a - b2 4\n"
		"+ c 1 180/INVITE 1 a x b1 2\n"
		"+ c 1 180/INVITE 1 a y b2 2\n"
		"+ c 2 CANCEL 1 a - b0 2\n"
		"+ c 2 200/CANCEL 1 a z b0 1\n"
		"+ c 2 CANCEL 1 a - b1 3\n"
		"+ c 2 200/CANCEL 1 a x b1 2\n"
		"+ c 2 487/INVITE 1 a x b1 2\n"
		"+ c 2 ACK 1 a x b1 3\n"
		"+ c 2 CANCEL 1 a - b2 4\n"
		"+ c 2 487/INVITE 1 a y b2 2\n"
		"+ c 2 ACK 1 a y b2 4\n"
		"+ c 2 487/INVITE 1 a z b0 1\n"
		"+ c 2 ACK 1 a z b0 2\n"
		". c 3 INVITE 2 a - b8 2\n"},
	{"200 on two branches and 486 on a third",
		"+! c 0 INVITE 1 a - b0 2\n"
		"+ c 0 INVITE 1 a - b1 3\n"
		"+ c 0 INVITE 1 a - b2 4\n"
		"+ c 0 INVITE 1 a - b3 5\n"
		"+ c 1 486/INVITE 1 a z b3 2\n"
		"+ c 1 ACK 1 a z b3 5\n"
		"+ c 2 200/INVITE 1 a x b1 2\n"
		"+ c 2 200/INVITE 1 a y b2 2\n"
		". c 3 ACK 1 a x q1 3\n"
		". c 3 ACK 1 a y q2 4\n"
		"+ c 3 ACK 1 a z b3 5\n"},
	{"retransmissions are taken", "+! c 0 INVITE 1 a - b0 2\n"
				      "+! c 0.5 INVITE 1 a - b0 2\n"
				      "+ c 1 486/INVITE 1 a x b0 1\n"
				      "+ c 1.5 486/INVITE 1 a x b0 1\n"
				      "+ c 1.6 ACK 1 a x b0 2\n"
				      "= 1\n"
				      "+ c 33 486/INVITE 1 a x b0 1\n"
				      ". c 66 486/INVITE 1 a x b0 1\n"
				      "= 0\n"},
	{"begun by a reply", ". c 0 INVITE 1 a - b0 2\n"
			     "+! c 1 486/INVITE 1 a x b0 1\n"
			     "+ c 1 ACK 1 a x b0 2\n"
			     ". c 2 OPTIONS 2 a - b5 2\n"},
	{"begun by a CANCEL", "+! c 1 CANCEL 1 a - b0 2\n"
			      "+ c 1 200/CANCEL 1 a x b0 1\n"
			      "+ c 1 487/INVITE 1 a x b0 1\n"
			      "+ c 1 ACK 1 a x b0 2\n"},
	{"begun by an ACK to a 2xx, which stands alone",
		"+! c 1 ACK 1 a x b7 2\n"
		"+ c 1 ACK 1 a x b8 3\n"
		". c 1 200/INVITE 1 a x b0 1\n"
		". c 2 BYE 2 a x b9 3\n"},
	{"others: by number, From tag and method",
		"+! c 0 REGISTER 1 a - b0 2\n"
		"+ c 0 401/REGISTER 1 a x b0 1\n"
		". c 1 REGISTER 2 a - b1 2\n"
		". c 1 REGISTER 1 q - b1 2\n"
		". d 1 401/REGISTER 1 a x b0 1\n"
		". c 1 401/OPTIONS 1 a x b0 1\n"},
	{"a ringing INVITE outlives timer F; then 32 s after its final",
		"+! c 0 INVITE 1 a - b0 2\n"
		"+ c 1 180/INVITE 1 a x b0 1\n"
		"+ c 200 180/INVITE 1 a x b0 1\n"
		"+ c 220 200/INVITE 1 a x b0 1\n"
		"+ c 251 200/INVITE 1 a x b0 1\n"
		". c 284 200/INVITE 1 a x b0 1\n"},
};

static const struct {
	const char *name;
	bool no_ack, no_spiral;
	const char *text;
} dialogs[] = {
	{"a whole call", .text = "+! c 0 INVITE 1 a - b0 2\n"
				 "+ c 0 INVITE 1 a - b1 3\n"
				 "+ c 1 180/INVITE 1 a b b1 2\n"
				 "+ c 5 200/INVITE 1 a b b1 2\n"
				 "+ c 5 200/INVITE 1 a b b0 1\n"
				 "+ c 5 ACK 1 a b b2 2\n"
				 "+ c 60 INVITE 7 b a b3 1\n"
				 "+ c 60 200/INVITE 7 b a b3 3\n"
				 "+ c 60 ACK 7 b a b4 1\n"
				 "+ c 90 INFO 2 a b b5 3\n"
				 "+ c 90 UPDATE 3 a b b6 3\n"
				 "+ c 40000 BYE 4 a b b7 2\n"
				 "+ c 40000 200/BYE 4 a b b7 1\n"
				 "= 1\n"
				 "+ c 40030 BYE 4 a b b7 2\n"
				 "+ c 40031 200/BYE 4 a b b7 1\n"
				 ". c 40033 200/BYE 4 a b b7 1\n"
				 "= 0\n"},
	{"without ACKs of the dialog; that to a negative final stays",
		.no_ack = true,
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 1 401/INVITE 1 a y b0 1\n"
			"+ c 1 ACK 1 a y b0 2\n"
			"+ c 2 INVITE 2 a - b1 2\n"
			"+ c 3 200/INVITE 2 a b b1 1\n"
			". c 3 ACK 2 a b b2 2\n"
			". c 3 ACK 2 a b b3 3\n"
			"+ c 4 INVITE 3 a b b4 3\n"
			"+ c 4 200/INVITE 3 a b b4 1\n"
			". c 4 ACK 3 a b b5 3\n"
			"+ c 5 BYE 4 a b b6 3\n"},
	{"a challenge is no end: the INVITE comes again",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 407/INVITE 1 a y b0 1\n"
			"+ c 0 ACK 1 a y b0 2\n"
			"+ c 20 INVITE 2 a - b1 2\n"
			"+ c 21 180/INVITE 2 a b b1 1\n"
			"+ c 200 200/INVITE 2 a b b1 1\n"
			"+ c 200 ACK 2 a b b2 2\n"
			"+ c 900 BYE 3 a b b3 2\n"
			"+ c 900 200/BYE 3 a b b3 1\n"
			". c 933 200/BYE 3 a b b3 1\n"},
	{"forked: over when the last branch is",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 INVITE 1 a - b1 3\n"
			"+ c 0 INVITE 1 a - b2 4\n"
			"+ c 0 486/INVITE 1 a x b1 2\n"
			"+ c 0 ACK 1 a x b1 3\n"
			"+ c 100 180/INVITE 1 a y b2 2\n"
			"+ c 100 603/INVITE 1 a y b2 2\n"
			"+ c 100 603/INVITE 1 a y b0 1\n"
			"+ c 100 ACK 1 a y b0 2\n"
			"+ c 131 ACK 1 a y b0 2\n"
			". c 133 ACK 1 a y b0 2\n"},
	{"tried elsewhere after a refusal",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 INVITE 1 a - b1 3\n"
			"+ c 10 486/INVITE 1 a x b1 2\n"
			"+ c 10 INVITE 1 a - b2 4\n"
			"+ c 100 200/INVITE 1 a y b2 2\n"
			"+ c 100 200/INVITE 1 a y b0 1\n"
			"+ c 100 ACK 1 a y b3 2\n"
			"+ c 1000 BYE 2 a y b4 2\n"},
	{"200 on two branches: two dialogs, over with the second",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 INVITE 1 a - b1 3\n"
			"+ c 0 INVITE 1 a - b2 4\n"
			"+ c 1 200/INVITE 1 a x b1 2\n"
			"+ c 1 200/INVITE 1 a x b0 1\n"
			"+ c 1 200/INVITE 1 a y b2 2\n"
			"+ c 2 ACK 1 a x b3 2\n"
			"+ c 2 BYE 2 a y b4 2\n"
			"+ c 2 200/BYE 2 a y b4 1\n"
			"+ c 5000 BYE 1 x a b5 1\n"
			"+ c 5000 200/BYE 1 x a b5 2\n"
			"+ c 5031 200/BYE 1 x a b5 2\n"
			". c 5033 200/BYE 1 x a b5 2\n"},
	{"cancelled", .text = "+! c 0 INVITE 1 a - b0 2\n"
			      "+ c 0 INVITE 1 a - b1 3\n"
			      "+ c 9 CANCEL 1 a - b0 2\n"
			      "+ c 9 200/CANCEL 1 a z b0 1\n"
			      "+ c 9 CANCEL 1 a - b1 3\n"
			      "+ c 9 200/CANCEL 1 a x b1 2\n"
			      "+ c 9 487/INVITE 1 a x b1 2\n"
			      "+ c 9 ACK 1 a x b1 3\n"
			      "+ c 9 487/INVITE 1 a z b0 1\n"
			      "+ c 9 ACK 1 a z b0 2\n"
			      "+ c 40 ACK 1 a z b0 2\n"
			      ". c 42 ACK 1 a z b0 2\n"},
	{"an early BYE", .text = "+! c 0 INVITE 1 a - b0 2\n"
				 "+ c 1 180/INVITE 1 a b b0 1\n"
				 "+ c 2 BYE 2 a b b1 2\n"
				 "+ c 2 200/BYE 2 a b b1 1\n"
				 "+ c 3 487/INVITE 1 a b b0 1\n"
				 "+ c 3 ACK 1 a b b0 2\n"
				 ". c 36 BYE 2 a b b1 2\n"},
	{"PRACK in an early dialog that comes to nothing",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 1 183/INVITE 1 a b b0 1\n"
			"+ c 1 PRACK 2 a b b1 2\n"
			"+ c 1 200/PRACK 2 a b b1 1\n"
			"+ c 9 480/INVITE 1 a b b0 1\n"
			"+ c 9 ACK 1 a b b0 2\n"
			". c 42 ACK 1 a b b0 2\n"},
	{"a BYE to both sides by a proxy; one is answered 481",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 200/INVITE 1 a b b0 1\n"
			"+ c 0 ACK 1 a b b1 2\n"
			"+ c 9 BYE 2 a b p1 3\n"
			"+ c 9 BYE 1 b a p2 1\n"
			"+ c 9 200/BYE 2 a b p1 2\n"
			"+ c 9 481/BYE 1 b a p2 2\n"
			". c 42 200/BYE 2 a b p1 2\n"},
	{"a BYE that is challenged and comes again",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 200/INVITE 1 a b b0 1\n"
			"+ c 9 BYE 2 a b b1 2\n"
			"+ c 9 407/BYE 2 a b b1 1\n"
			"+ c 20 BYE 3 a b b2 2\n"
			"+ c 45 200/BYE 3 a b b2 1\n"
			". c 78 BYE 3 a b b2 2\n"},
	{"a BYE without an answer", .text = "+! c 0 INVITE 1 a - b0 2\n"
					    "+ c 0 200/INVITE 1 a b b0 1\n"
					    "+ c 9 BYE 2 a b b1 2\n"
					    "+ c 40 BYE 2 a b b1 2\n"
					    ". c 73 BYE 2 a b b1 2\n"},
	{"more branches than are told apart; over with the BYE",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 INVITE 1 a - b1 3\n+ c 0 INVITE 1 a - b2 4\n"
			"+ c 0 INVITE 1 a - b3 5\n+ c 0 INVITE 1 a - b4 6\n"
			"+ c 0 INVITE 1 a - b5 7\n+ c 0 INVITE 1 a - b6 8\n"
			"+ c 0 INVITE 1 a - b7 9\n+ c 0 INVITE 1 a - b8 10\n"
			"+ c 0 INVITE 1 a - b9 11\n"
			"+ c 1 486/INVITE 1 a x b9 2\n"
			"+ c 1 ACK 1 a x b9 2\n"
			"+ c 9 200/INVITE 1 a y b8 2\n"
			"+ c 900 BYE 2 a y q1 2\n"
			"+ c 900 200/BYE 2 a y q1 2\n"
			". c 933 200/BYE 2 a y q1 2\n"},
	{"spirals are taken", .text = "+! c 0 INVITE 1 a - b0 2\n"
				      "+ c 0 INVITE 1 a - b1 3\n"
				      "+ c 0 INVITE 1 a - b2 2\n"
				      "+ c 0 INVITE 1 a - b3 4\n"
				      "+ c 1 200/INVITE 1 a b b3 2\n"
				      "+ c 1 200/INVITE 1 a b b2 3\n"
				      "+ c 1 200/INVITE 1 a b b1 2\n"
				      "+ c 1 200/INVITE 1 a b b0 1\n"},
	{"spirals are left out", .no_spiral = true,
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 INVITE 1 a - b1 3\n"
			". c 0 INVITE 1 a - b2 2 Via: x/2.0/UDP h;branch=b1\n"
			". c 0 INVITE 1 a - b3 4 Via: SIP/2.0/UDP h;branch=b2\n"
			"+! c 0.5 INVITE 1 a - b0 2\n"
			". c 1 486/INVITE 1 a b b3 2\n"
			". c 1 ACK 1 a b b3 4\n"
			". c 1 486/INVITE 1 a b b2 3\n"
			"+ c 1 486/INVITE 1 a b b1 2\n"
			"+ c 1 486/INVITE 1 a b b0 1\n"
			"+ c 1 ACK 1 a b b0 2\n"
			". c 34 ACK 1 a b b0 2\n"},
	{"joined by a request in it", .text = ". c 0 200/INVITE 1 a b b0 1\n"
					      "+! c 50 INFO 5 b a b1 1\n"
					      "+ c 50 200/INFO 5 b a b1 2\n"
					      "+ c 9000 INVITE 9 a b b2 2\n"
					      "+ c 9000 BYE 6 b a b3 1\n"
					      "+ c 9000 200/BYE 6 b a b3 2\n"
					      ". c 9033 200/BYE 6 b a b3 2\n"},
	{"joined by a refusal, which has ended nothing for certain",
		.text = "+! c 0 488/INVITE 4 a b b0 1\n"
			"+ c 0 ACK 4 a b b0 2\n"
			"+ c 200 BYE 5 b a b1 1\n"
			"+ c 200 200/BYE 5 b a b1 2\n"
			". c 233 BYE 5 b a b1 1\n"},
	{"joined by a BYE", .text = "+! c 0 BYE 4 b a b0 1\n"
				    "+ c 0 200/BYE 4 b a b0 2\n"
				    ". c 33 200/BYE 4 b a b0 2\n"},
	{"joined by an ACK", .text = "+! c 0 ACK 4 a b b0 1\n"
				     "+ c 3000 BYE 5 a b b0 2\n"},
	{"joined by a 2xx", .text = "+! c 0 200/INVITE 4 a b b0 1\n"
				    "+ c 0 200/INVITE 4 a y b0 1\n"
				    "+ c 3000 BYE 5 a b b1 2\n"
				    "+ c 3000 200/BYE 5 a b b1 1\n"
				    "+ c 6000 BYE 5 a y b2 2\n"},
	{"the same Call-ID in two dialogs",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			". c 0 INVITE 1 q - b1 2\n"
			". c 0 200/INVITE 1 q r b1 1\n"
			"+ c 0 200/INVITE 1 a b b0 1\n"
			". c 1 BYE 2 q r b2 2\n"
			"+! c 2 OPTIONS 1 z - b4 2\n"
			"+ c 2 200/OPTIONS 1 z y b4 1\n"
			"= 2\n"
			"+ c 2000 BYE 2 b a b3 2\n"},
	{"what makes no dialog is followed as a transaction",
		.text = "+! c 0 REGISTER 1 a - b0 2\n"
			"+ c 0 200/REGISTER 1 a b b0 1\n"
			". c 0 REGISTER 2 a - b1 2\n"},
	{"a session that is not refreshed",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 200/INVITE 1 a b b0 1 "
			"Session-Expires: 1800;refresher=uac\n"
			"+ c 0 ACK 1 a b b1 2\n"
			"+ c 1800 UPDATE 2 a b b2 2\n"
			"+ c 1800 200/UPDATE 2 a b b2 1 x: 90\n"
			". c 1925 BYE 3 a b b3 2\n"
			"= 0\n"},
	{"a subscription to its end",
		.text = "+! c 0 SUBSCRIBE 1 a - b0 2 Event: presence\n"
			"+ c 0 202/SUBSCRIBE 1 a b b0 1 Expires: 600\n"
			"+ c 0 NOTIFY 1 b a b1 1 Subscription-State: "
			"active;expires=600\n"
			"+ c 0 200/NOTIFY 1 b a b1 2\n"
			"+ c 500 SUBSCRIBE 2 a b b2 2\n"
			"+ c 500 200/SUBSCRIBE 2 a b b2 1 Expires: 600\n"
			"+ c 900 NOTIFY 2 b a b3 1 Subscription-State: "
			"terminated ; reason=timeout\n"
			"+ c 900 200/NOTIFY 2 b a b3 2\n"
			". c 933 200/NOTIFY 2 b a b3 2\n"},
	{"a subscription that is not refreshed",
		.text = "+! c 0 SUBSCRIBE 1 a - b0 2\n"
			"+ c 0 200/SUBSCRIBE 1 a b b0 1 Expires: 600\n"
			". c 640 NOTIFY 1 b a b1 1\n"},
	{"a subscription that is refused",
		.text = "+! c 0 SUBSCRIBE 1 a - b0 2\n"
			"+ c 0 489/SUBSCRIBE 1 a b b0 1\n"
			". c 33 SUBSCRIBE 1 a - b0 1\n"},
	{"a forked subscription: two dialogs, over with the second",
		.text = "+! c 0 SUBSCRIBE 1 a - b0 2\n"
			"+ c 0 NOTIFY 1 x a b1 1 Subscription-State: active\n"
			"+ c 0 NOTIFY 1 y a b2 1 Subscription-State: active\n"
			"+ c 0 200/SUBSCRIBE 1 a x b0 1\n"
			"+ c 9 NOTIFY 2 x a b3 1 Subscription-State: "
			"terminated\n"
			"+ c 900 NOTIFY 2 y a b4 1 Subscription-State: "
			"terminated\n"
			". c 933 NOTIFY 2 y a b4 1 Subscription-State: "
			"terminated\n"},
	{"REFER in a call: its NOTIFYs do not end the call",
		.text = "+! c 0 INVITE 1 a - b0 2\n"
			"+ c 0 200/INVITE 1 a b b0 1\n"
			"+ c 0 ACK 1 a b b1 2\n"
			"+ c 5 REFER 2 a b b2 2\n"
			"+ c 5 202/REFER 2 a b b2 1\n"
			"+ c 6 NOTIFY 1 b a b3 1 Subscription-State: active\n"
			"+ c 7 NOTIFY 2 b a b4 1 Subscription-State: "
			"terminated\n"
			"+ c 700 BYE 3 a b b5 2\n"
			"+ c 700 200/BYE 3 a b b5 1\n"
			". c 733 200/BYE 3 a b b5 1\n"},
	{"REFER outside of a dialog",
		.text = "+! c 0 REFER 1 a - b0 2\n"
			"+ c 0 202/REFER 1 a b b0 1\n"
			"+ c 300 NOTIFY 1 b a b1 1 Subscription-State: "
			"active;expires=60\n"
			"+ c 310 NOTIFY 2 b a b2 1 Subscription-State: "
			"terminated\n"
			". c 343 NOTIFY 2 b a b2 1 Subscription-State: "
			"terminated\n"},
};

static void test_transactions(void **state)
{
	for (size_t i = 0; i < ROWS(transactions); i++)
		play(transactions[i].name, EAR_SCOPE_TRANSACTION, true, true,
			transactions[i].text);
	(void)state;
}

static void test_dialogs(void **state)
{
	for (size_t i = 0; i < ROWS(dialogs); i++)
		play(dialogs[i].name, EAR_SCOPE_DIALOG, !dialogs[i].no_ack,
			!dialogs[i].no_spiral, dialogs[i].text);
	(void)state;
}

static void test_message(void **state)
{
	play("message", EAR_SCOPE_MESSAGE, true, true,
		"+! c 0 INVITE 1 a - b0 2\n"
		". c 0 200/INVITE 1 a b b0 1\n"
		"+! c 0 INVITE 1 a - b0 2\n"
		"= 0\n");
	(void)state;
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {{"message", 0}, {"m", 0}, {"T", 1}, {"Transaction", 1},
		{"dialog", 2}, {"D", 2}, {"", -1}, {"x", -1}, {"dia", -1}};

	for (size_t i = 0; i < ROWS(rows); i++) {
		enum ear_scope scope = EAR_SCOPE_MESSAGE;
		bool is = ear_scope_of(ear_slice_str(rows[i].name), &scope);

		assert_int_equal(is, rows[i].want >= 0);
		if (is)
			assert_int_equal(scope, rows[i].want);
	}
	assert_string_equal(ear_scope_name(EAR_SCOPE_DIALOG), "dialog");
	(void)state;
}

/* Neither clock alone ends a unit. */
static void test_clocks(void **state)
{
	static const struct {
		const char *name;
		uint64_t at, seen;
		unsigned flags;
		bool over;
	} rows[] = {
		{"both", 50, 50, 0, true},
		{"neither", 20, 20, 0, false},
		{"capture's stepped", 5000, 20, 0, false},
		{"ours stepped", 20, 5000, 0, false},
		{"both set back", 1, 1, 0, false},
		{"imported", 50, 20, EAR_MSG_IMPORTED, true},
		{"imported, within", 20, 50, EAR_MSG_IMPORTED, false},
	};
	struct ear_scope_unit unit = {.kind = EAR_UNIT_OTHER,
		.at_ns = 10 * S,
		.seen_ns = 10 * S,
		.wait_ns = 32 * S};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg = {.at_ns = rows[i].at * S,
			.seen_ns = rows[i].seen * S,
			.flags = (uint16_t)rows[i].flags};

		if (ear_scope_over(&unit, &msg) != rows[i].over)
			fail_msg("%s", rows[i].name);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transactions),
		cmocka_unit_test(test_dialogs),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
