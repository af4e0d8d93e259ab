/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: one scene a row of docs/calls.md, under a fake clock. */
#include "unit/track/call_scene.h"

/* What a call comes to. */
static const struct call_scene outcomes[] = {
	{"2xx",
		{"0 A>B INVITE", "0.1 B>A 100", "0.2 B>A 180", "4.2 B>A 200",
			"4.3 A>B ACK", "15.9 B>A BYE rev=1", "16 A>B 200"},
		"ANSWERED 200 ring=4000 talk=11700 by=2 'OK' ''"},
	{"talk of less than a second",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK", "1.4 A>B BYE",
			"1.5 B>A 200"},
		"ANSWERED 200 ring=0 talk=400 by=1 'OK' ''"},
	{"486", {"0 A>B INVITE", "0.1 B>A 180", "2 B>A 486", "2.1 A>B ACK"},
		"BUSY 486 ring=1900 talk=0 by=2 'Busy Here' ''"},
	{"600", {"0 A>B INVITE", "2 B>A 600", "2.1 A>B ACK"},
		"BUSY 600 ring=0 talk=0 by=2 'Busy Everywhere' ''"},
	{"603", {"0 A>B INVITE", "0.1 B>A 180", "2 B>A 603", "2.1 A>B ACK"},
		"BUSY 603 ring=1900 talk=0 by=2 'Decline' ''"},
	{"607", {"0 A>B INVITE", "2 B>A 607 phrase=Unwanted"},
		"BUSY 607 ring=0 talk=0 by=2 'Unwanted' ''"},
	{"480 after ringing", {"0 A>B INVITE", "1 B>A 180", "9 B>A 480"},
		"NO_ANSWER 480 ring=8000 talk=0 by=2 "
		"'Temporarily Unavailable' ''"},
	{"480 without ringing", {"0 A>B INVITE", "1 B>A 480"},
		"NO_ANSWER 480 ring=0 talk=0 by=2 "
		"'Temporarily Unavailable' ''"},
	{"408 after ringing", {"0 A>B INVITE", "1 B>A 180", "31 B>A 408"},
		"NO_ANSWER 408 ring=30000 talk=0 by=2 'Request Timeout' ''"},
	{"408 without ringing", {"0 A>B INVITE", "1 B>A 100", "31 B>A 408"},
		"FAILED 408 ring=0 talk=0 by=2 'Request Timeout' ''"},
	{"487 after CANCEL",
		{"0 A>B INVITE", "1 B>A 180", "21 A>B CANCEL", "21.1 B>A 200",
			"21.2 B>A 487 m=INVITE", "21.3 A>B ACK"},
		"NO_ANSWER 487 ring=20000 talk=0 by=1 "
		"'Request Terminated' ''"},
	{"487 after CANCEL before ringing",
		{"0 A>B INVITE", "0.1 B>A 100", "1 A>B CANCEL",
			"1.2 B>A 487 m=INVITE"},
		"NO_ANSWER 487 ring=0 talk=0 by=1 'Request Terminated' ''"},
	{"no reply at all",
		{"0 A>B INVITE", "0.5 A>B INVITE", "1.5 A>B INVITE", "@40"},
		"FAILED 0 ring=0 talk=0 by=0 '' 'no reply at all' estimated"},
	{"rang, no final reply", {"0 A>B INVITE", "1 B>A 180", "@300"},
		"NO_ANSWER 0 ring=0 talk=0 by=0 '' 'no final reply seen' "
		"estimated"},
	{"100 and no more", {"0 A>B INVITE", "1 B>A 100", "@300"},
		"FAILED 0 ring=0 talk=0 by=0 '' 'no final reply seen' "
		"estimated"},
	{"401 in the end",
		{"0 A>B INVITE", "0.1 B>A 401", "0.2 A>B ACK",
			"0.3 A>B INVITE cs=2", "0.4 B>A 401", "0.5 A>B ACK",
			"@40"},
		"FAILED 401 ring=0 talk=0 by=2 'Unauthorized' '' retries=1"},
	{"407, then with credentials",
		{"0 A>B INVITE", "0.1 B>A 407", "0.2 A>B ACK",
			"0.3 A>B INVITE cs=2 | Proxy-Authorization: Digest "
			"username=\"sara\", realm=\"r\"",
			"0.4 B>A 180", "2.4 B>A 200", "2.5 A>B ACK",
			"5.4 A>B BYE"},
		"ANSWERED 200 ring=2000 talk=3000 by=1 'OK' '' retries=1 "
		"auth=sara"},
	{"403", {"0 A>B INVITE", "1 B>A 403"},
		"FAILED 403 ring=0 talk=0 by=2 'Forbidden' ''"},
	{"404", {"0 A>B INVITE", "1 B>A 404"},
		"FAILED 404 ring=0 talk=0 by=2 'Not Found' ''"},
	{"410", {"0 A>B INVITE", "1 B>A 410 phrase=Gone"},
		"FAILED 410 ring=0 talk=0 by=2 'Gone' ''"},
	{"416, not tried again", {"0 A>B INVITE", "1 B>A 416", "@40"},
		"FAILED 416 ring=0 talk=0 by=2 'Reason' ''"},
	{"420, not tried again", {"0 A>B INVITE", "1 B>A 420", "@40"},
		"FAILED 420 ring=0 talk=0 by=2 'Reason' ''"},
	{"484", {"0 A>B INVITE", "1 B>A 484"},
		"FAILED 484 ring=0 talk=0 by=2 'Reason' ''"},
	{"485", {"0 A>B INVITE", "1 B>A 485"},
		"FAILED 485 ring=0 talk=0 by=2 'Reason' ''"},
	{"488", {"0 A>B INVITE", "1 B>A 488"},
		"FAILED 488 ring=0 talk=0 by=2 'Reason' ''"},
	{"604", {"0 A>B INVITE", "1 B>A 604"},
		"FAILED 604 ring=0 talk=0 by=2 'Reason' ''"},
	{"606", {"0 A>B INVITE", "1 B>A 606"},
		"FAILED 606 ring=0 talk=0 by=2 'Reason' ''"},
	{"608", {"0 A>B INVITE", "1 B>A 608"},
		"FAILED 608 ring=0 talk=0 by=2 'Reason' ''"},
	{"503 after ringing", {"0 A>B INVITE", "0.5 B>A 180", "1 B>A 503"},
		"FAILED 503 ring=500 talk=0 by=2 'Service Unavailable' ''"},
	{"302 followed",
		{"0 A>B INVITE", "0.1 B>A 302", "0.2 A>B ACK",
			"0.3 A>C INVITE cs=2 r=601", "0.4 C>A 180",
			"1.4 C>A 200", "1.5 A>C ACK", "2.4 A>C BYE"},
		"ANSWERED 200 ring=1000 talk=1000 by=1 'OK' "
		"'redirected to 601' retries=1"},
	{"302 followed to a busy one",
		{"0 A>B INVITE", "0.1 B>A 302", "0.3 A>C INVITE cs=2 r=601",
			"1.4 C>A 486"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' 'redirected to 601' "
		"retries=1"},
	{"302 not followed", {"0 A>B INVITE", "0.1 B>A 302", "@40"},
		"FAILED 302 ring=0 talk=0 by=2 'Moved Temporarily' "
		"'not followed'"},
	{"caller goes while it rings",
		{"0 A>B INVITE", "1 B>A 180", "5 A>B BYE cs=2", "@40"},
		"NO_ANSWER 0 ring=4000 talk=0 by=1 '' 'BYE before an answer; "
		"no final reply seen'"},
	{"caller goes before it rings",
		{"0 A>B INVITE", "1 B>A 100", "5 A>B BYE cs=2", "@40"},
		"FAILED 0 ring=0 talk=0 by=1 '' 'BYE before an answer; no "
		"final reply seen'"},
	{"cancelled, 487 not seen",
		{"0 A>B INVITE", "1 B>A 180", "5 A>B CANCEL", "@40"},
		"NO_ANSWER 0 ring=4000 talk=0 by=1 '' 'no final reply seen'"},
	{"cancelled before ringing, 487 not seen",
		{"0 A>B INVITE", "1 B>A 100", "5 A>B CANCEL", "@40"},
		"FAILED 0 ring=0 talk=0 by=1 '' 'no final reply seen'"},
	{"still open", {"0 A>B INVITE", "1 B>A 180"},
		"IN_PROGRESS 0 ring=0 talk=0 by=0 '' '' open"},
	{"answered and still open",
		{"0 A>B INVITE", "1 B>A 180", "2 B>A 200", "2.1 A>B ACK"},
		"IN_PROGRESS 200 ring=1000 talk=0 by=0 'OK' '' open"},
};

/* Several branches. A is the caller, P the proxy, B C D phones. */
static const struct call_scene forks[] = {
	{"busy and answered",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b",
			"0.02 P>C INVITE b=c", "1 B>P 486 b=b tt=tb",
			"2 C>P 180 b=c tt=tc", "2.1 P>A 180 b=a tt=tc",
			"5 C>P 200 b=c tt=tc", "5.1 P>A 200 b=a tt=tc",
			"5.2 A>P ACK tt=tc", "9 A>P BYE tt=tc",
			"9.1 P>C BYE tt=tc"},
		"ANSWERED 200 ring=3000 talk=4000 by=1 'OK' '' branches=2"},
	{"answered elsewhere",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b",
			"0.02 P>C INVITE b=c", "1 B>P 180 b=b tt=tb",
			"2 C>P 180 b=c tt=tc", "5 C>P 200 b=c tt=tc",
			"5.1 P>A 200 b=a tt=tc",
			"5.2 P>B CANCEL b=b | Reason: SIP;cause=200;text=\"x\"",
			"5.3 B>P 487 b=b m=INVITE tt=tb", "5.4 A>P ACK tt=tc",
			"9 C>P BYE rev=1 tt=tc"},
		"ANSWERED 200 ring=4000 talk=4000 by=2 'OK' '' branches=2"},
	{"only the cancelled branch was seen",
		{"0 P>B INVITE b=b", "1 B>P 180 b=b",
			"5.2 P>B CANCEL b=b | Reason: SIP;cause=200",
			"5.3 B>P 487 b=b m=INVITE"},
		"NO_ANSWER 487 ring=4300 talk=0 by=0 '' 'answered elsewhere'"},
	{"busy counts more than no answer",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b",
			"0.02 P>C INVITE b=c", "1 C>P 180 b=c tt=tc",
			"2 B>P 486 b=b tt=tb", "9 C>P 480 b=c tt=tc",
			"9.1 P>A 480 b=a tt=tc"},
		"BUSY 486 ring=1000 talk=0 by=2 'Busy Here' '' branches=2"},
	{"no answer counts more than failed",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b",
			"0.02 P>C INVITE b=c", "1 C>P 480 b=c tt=tc",
			"2 B>P 503 b=b tt=tb", "2.1 P>A 503 b=a tt=tb"},
		"NO_ANSWER 480 ring=0 talk=0 by=2 'Temporarily Unavailable' '' "
		"branches=2"},
	{"a 6xx decides at once",
		{"0 P>B INVITE b=b", "0.01 P>C INVITE b=c",
			"1 C>P 180 b=c tt=tc", "2 B>P 604 b=b tt=tb"},
		"FAILED 604 ring=1000 talk=0 by=2 'Reason' '' branches=2"},
	{"a 6xx counts more than busy",
		{"0 P>B INVITE b=b", "0.01 P>C INVITE b=c",
			"1 C>P 486 b=c tt=tc", "2 B>P 604 b=b tt=tb"},
		"FAILED 604 ring=0 talk=0 by=2 'Reason' '' branches=2"},
	{"one after the other, seen behind the proxy",
		{"0 P>B INVITE b=b", "1 B>P 486 b=b tt=tb",
			"1.1 P>C INVITE b=c", "2 C>P 200 b=c tt=tc",
			"2.1 P>C ACK tt=tc", "4 P>C BYE tt=tc"},
		"ANSWERED 200 ring=0 talk=2000 by=1 'OK' '' branches=2"},
	{"two answer, one is hung up",
		{"0 A>P INVITE b=a", "1 P>A 200 b=a tt=tb", "1.1 A>P ACK tt=tb",
			"1.2 P>A 200 b=a tt=tc", "1.3 A>P ACK tt=tc",
			"1.4 A>P BYE tt=tc", "8 A>P BYE tt=tb"},
		"ANSWERED 200 ring=0 talk=7000 by=1 'OK' '' branches=2"},
	{"final reply of the first hop not seen",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b", "2 B>P 486 b=b",
			"@300"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' ''"},
	{"its own timer ends it at the proxy, which had tags of two",
		{"0 A>P INVITE b=a", "1 P>A 180 b=a tt=tb | Contact: <sip:b@h>",
			"1.1 P>A 183 b=a tt=tc | Contact: <sip:c@h>",
			"30 P>A 408 b=a tt=proxy"},
		"NO_ANSWER 408 ring=29000 talk=0 by=2 'Request Timeout' '' "
		"branches=2"},
	{"only the proxy refuses, after one rang",
		{"0 A>P INVITE b=a", "1 P>A 180 b=a tt=tb", "9 A>P CANCEL b=a",
			"9.1 P>A 487 b=a m=INVITE tt=own"},
		"NO_ANSWER 487 ring=8000 talk=0 by=1 'Request Terminated' ''"},
	{"one phone with a tag for ringing and one for the answer",
		{"0 A>B INVITE", "1 B>A 180 tt=x | Contact: <sip:b@h>",
			"2 B>A 200 tt=y | Contact: <sip:b@h>",
			"2.1 A>B ACK tt=y", "3 A>B BYE tt=y"},
		"ANSWERED 200 ring=1000 talk=1000 by=1 'OK' ''"},
	{"hops in a row, the last one forks to three",
		{"0 A>P INVITE b=a",
			"0.1 P>Q INVITE b=p | Via: SIP/2.0/UDP h;branch=a",
			"0.2 Q>B INVITE b=b | Via: SIP/2.0/UDP h;branch=p , "
			"SIP/2.0/UDP h;branch=a",
			"0.2 Q>C INVITE b=c | Via: SIP/2.0/UDP h;branch=p | v: "
			"SIP/2.0/UDP h;branch=a",
			"0.2 Q>D INVITE b=d | Via: SIP/2.0/UDP h;branch=p | v: "
			"SIP/2.0/UDP h;branch=a",
			"1 D>Q 486 b=d tt=td", "1.1 P>A 500 b=a tt=own"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' '' branches=3"},
	{"another target after a 302 that the proxy follows",
		{"0 A>P INVITE b=a",
			"0.1 P>B INVITE b=b | Via: SIP/2.0/UDP h;branch=a",
			"1 B>P 302 b=b tt=tb",
			"1.1 P>C INVITE b=c | Via: SIP/2.0/UDP h;branch=a",
			"2 C>P 486 b=c tt=tc", "2.1 P>A 486 b=a tt=tc"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' ''"},
	{"the hop behind is reported first",
		{"0.2 P>B INVITE b=b r=desk", "0.1 A>P INVITE b=a",
			"2 B>P 486 b=b", "2.1 P>A 486 b=a"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' ''"},
	{"a proxy adds credentials and counts on",
		{"0 A>P INVITE b=a", "0.01 P>B INVITE b=b", "0.1 B>P 407 b=b",
			"0.2 P>B INVITE b=c cs=2", "0.3 B>P 180 b=c",
			"0.4 P>A 180 b=a cs=1", "2.3 B>P 200 b=c cs=2",
			"2.4 P>A 200 b=a cs=1", "2.5 A>P ACK",
			"4.3 A>P BYE cs=2"},
		"ANSWERED 200 ring=2000 talk=2000 by=1 'OK' ''"},
};

static const struct call_scene others[] = {
	{"seen twice, on both sides of a proxy",
		{"0 A>P INVITE b=a", "0.001 P>B INVITE b=b", "0.1 B>P 180 b=b",
			"0.101 P>A 180 b=a", "2 B>P 200 b=b",
			"2.001 P>A 200 b=a", "2.1 A>P ACK", "2.101 P>B ACK",
			"5 A>P BYE", "5.001 P>B BYE", "5.1 B>P 200",
			"5.101 P>A 200"},
		"ANSWERED 200 ring=1900 talk=3000 by=1 'OK' ''"},
	{"each reported by two agents",
		{"0 A>B INVITE node=x", "0 A>B INVITE node=y", "1 B>A 486",
			"1 B>A 486", "1.1 A>B ACK", "1.1 A>B ACK"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' ''"},
	{"late duplicates after the end",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK", "3 A>B BYE",
			"3.1 B>A 200", "20 A>B BYE cs=2", "20 A>B ACK cs=1",
			"21 B>A 200 m=INVITE", "30 A>B INVITE cs=1",
			"60 B>A 200 m=BYE"},
		"ANSWERED 200 ring=0 talk=2000 by=1 'OK' ''"},
	{"a re-INVITE and a session timer",
		{"0 A>B INVITE", "1 B>A 200 | Session-Expires: 90",
			"1.1 A>B ACK", "60 B>A INVITE tt=tag rev=1 cs=5",
			"60.1 A>B 200 | Session-Expires: 90",
			"60.2 B>A ACK rev=1 cs=5", "@400"},
		"ANSWERED 200 ring=0 talk=149100 by=0 'OK' "
		"'session timer ran out, no end seen' estimated"},
	{"a session timer, by its compact form",
		{"0 A>B INVITE", "1 B>A 200 | x:90", "1.1 A>B ACK", "@400"},
		"ANSWERED 200 ring=0 talk=90100 by=0 'OK' "
		"'session timer ran out, no end seen' estimated"},
	{"never ends",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK", "90 A>B INFO",
			"@16000"},
		"ANSWERED 200 ring=0 talk=89000 by=0 'OK' 'no end seen' "
		"estimated"},
	{"taken for over, and hung up after all",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK", "@16000",
			"20001 A>B BYE"},
		"ANSWERED 200 ring=0 talk=20000000 by=1 'OK' ''"},
	{"its timer ran out, and it goes on",
		{"0 A>B INVITE", "1 B>A 200 | Session-Expires: 90",
			"1.1 A>B ACK", "2 A>B REFER | Refer-To: <sip:7@x>",
			"@400", "500 A>B INFO", "501 B>A BYE rev=1"},
		"ANSWERED 200 ring=0 talk=500000 by=2 'OK' "
		"'transferred to 7'"},
	{"never confirmed",
		{"0 A>B INVITE", "1 B>A 200", "1.5 B>A 200", "2.5 B>A 200",
			"30 B>A BYE rev=1 cs=3"},
		"ANSWERED 200 ring=0 talk=29000 by=2 'OK' 'never confirmed'"},
	{"the ACK was only not seen",
		{"0 A>B INVITE", "1 B>A 200", "90 A>B BYE"},
		"ANSWERED 200 ring=0 talk=89000 by=1 'OK' ''"},
	{"BYE with a reason",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"9 A>B BYE | Reason: SIP;cause=200, "
			"Q.850;cause=16;text=\"a, b\""},
		"ANSWERED 200 ring=0 talk=8000 by=1 'OK' '' q850=16"},
	{"BYE not seen, its reply was",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"9 A>B 200 m=BYE cs=7 rev=1"},
		"ANSWERED 200 ring=0 talk=8000 by=2 'OK' ''"},
	{"CANCEL crosses the answer",
		{"0 A>B INVITE", "1 B>A 180", "4 A>B CANCEL",
			"4.01 B>A 200 m=INVITE", "4.02 B>A 200 m=CANCEL",
			"4.1 A>B ACK", "4.2 A>B BYE"},
		"ANSWERED 200 ring=3010 talk=190 by=1 'OK' "
		"'answered as it was cancelled'"},
	{"both change it at once",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"2 A>B INVITE tt=tag cs=2", "2.1 B>A 491",
			"5 A>B BYE cs=3"},
		"ANSWERED 200 ring=0 talk=4000 by=1 'OK' "
		"'both sides changed it at once (491)'"},
	{"up before the capture: BYE", {"5 B>A BYE rev=1 ft=x", "5.1 A>B 200"},
		"ANSWERED 0 ring=0 talk=0 by=1 '' '' joined"},
	{"up before the capture: re-INVITE",
		{"5 A>B INVITE tt=tag cs=4", "5.1 B>A 200", "5.2 A>B ACK cs=4",
			"9 B>A BYE rev=1 cs=7"},
		"ANSWERED 0 ring=0 talk=4000 by=2 '' '' joined"},
	{"up before the capture: ACK",
		{"5 A>B ACK cs=4", "65 B>A BYE rev=1 cs=7"},
		"ANSWERED 0 ring=0 talk=60000 by=2 '' '' joined"},
	{"rings as the capture begins",
		{"5 B>A 180", "8 B>A 200", "8.1 A>B ACK", "9 A>B BYE cs=2"},
		"ANSWERED 200 ring=3000 talk=1000 by=1 'OK' '' joined"},
	{"transferred",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"5 B>A REFER rev=1 cs=9 | Refer-To: "
			"<sip:601@example.com>",
			"5.1 A>B 202", "6 B>A BYE rev=1 cs=10"},
		"ANSWERED 200 ring=0 talk=5000 by=2 'OK' 'transferred to 601'"},
	{"takes over another call",
		{"0 A>B INVITE | Replaces: c0@h;to-tag=a;from-tag=b",
			"1 B>A 200", "1.1 A>B ACK", "2 A>B BYE"},
		"ANSWERED 200 ring=0 talk=1000 by=1 'OK' 'takes over c0@h'"},
	{"referred and diverted",
		{"0 A>B INVITE | b: <sip:601@h> | Diversion: \"x\" "
		 "<sip:602@h>;reason=no-answer",
			"1 B>A 486"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' "
		"'referred by 601; diverted by 602'"},
	{"transfer that failed",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"5 A>B REFER cs=2 | Refer-To: <sip:601@h>",
			"5.1 B>A 202",
			"6 B>A NOTIFY rev=1 cs=9 | Content-Type: "
			"message/sipfrag | Content-Length: 22 |  | SIP/2.0 486 "
			"Busy Here",
			"7 A>B BYE cs=3"},
		"ANSWERED 200 ring=0 talk=6000 by=1 'OK' 'transferred to 601; "
		"transfer failed: 486 Busy Here'"},
	{"no From-tag (RFC 2543)",
		{"0 A>B INVITE ft=", "1 B>A 180", "2 B>A 200", "2.1 A>B ACK",
			"5 B>A BYE rev=1 cs=9"},
		"ANSWERED 200 ring=1000 talk=3000 by=2 'OK' ''"},
	{"the clock steps back",
		{"100 A>B INVITE", "101 B>A 200", "101.1 A>B ACK",
			"41 A>B BYE"},
		"ANSWERED 200 ring=0 talk=0 by=1 'OK' "
		"'the clock stepped back'"},
	{"one clock is ahead by years",
		{"0 A>B INVITE", "1 B>A 200", "1.1 A>B ACK",
			"99999999 A>B INVITE call=other ft=o",
			"9 A>B BYE call=c1 ft=ft"},
		"ANSWERED 200 ring=0 talk=8000 by=1 'OK' ''"},
	{"a spiral",
		{"0 A>P INVITE b=a",
			"0.1 P>P:5070 INVITE b=p r=601 | Via: SIP/2.0/UDP "
			"h;branch=a",
			"0.2 P>B INVITE b=b r=desk | Via: SIP/2.0/UDP "
			"h;branch=p, SIP/2.0/UDP h;branch=a",
			"1 B>P 486 b=b", "1.1 P:5070>P 486 b=p",
			"1.2 P>A 486 b=a"},
		"BUSY 486 ring=0 talk=0 by=2 'Busy Here' ''"},
};

static void test_outcomes(void **state)
{
	(void)state;
	call_scenes(outcomes, ROWS(outcomes));
}

static void test_forks(void **state)
{
	(void)state;
	call_scenes(forks, ROWS(forks));
}

static void test_others(void **state)
{
	(void)state;
	call_scenes(others, ROWS(others));
}

static void test_again_later(void **state)
{
	static const char *const lines[] = {"0 A>B INVITE", "1 B>A 486",
		"1.1 A>B ACK", "500 A>B INVITE", "501 B>A 200", "501.1 A>B ACK",
		"503 A>B BYE", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.v[0].disposition, EAR_CALL_BUSY);
	assert_int_equal(rows.v[1].disposition, EAR_CALL_ANSWERED);
	assert_int_equal(rows.v[1].talk_ms, 2000);
}

/* The first call is told as it goes, and forgotten as it is over. */
static void test_states_are_taken_back(void **state)
{
	static const char *const lines[] = {"0 A>B INVITE", "1 B>A 200",
		"1.1 A>B ACK", "@1.2", "3 A>B BYE", "@4", "@200", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, 3, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.states, 0);
	assert_true(rows.states_told >= 1);
}

/* They come back in any order, and still end in theirs. */
static void test_silence_after_restart(void **state)
{
	static const char *const lines[] = {"0 A>B INVITE call=c1 ft=1",
		"20 A>B INVITE call=c2 ft=2", "@45", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, 2, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.v[0].disposition, EAR_CALL_FAILED);
	assert_int_equal(rows.v[1].disposition, EAR_CALL_IN_PROGRESS);
}

static const struct ear_disposition_rule busy_503[] = {
	{503, 503, EAR_CALL_BUSY, false}, {486, 486, EAR_CALL_NO_ANSWER, true}};

static void test_rules(void **state)
{
	static const struct {
		const char *lines[4];
		enum ear_disposition want;
	} cases[] = {
		{{"0 A>B INVITE", "1 B>A 503"}, EAR_CALL_BUSY},
		{{"0 A>B INVITE", "1 B>A 500"}, EAR_CALL_FAILED},
		{{"0 A>B INVITE", "1 B>A 180", "2 B>A 486"},
			EAR_CALL_NO_ANSWER},
		{{"0 A>B INVITE", "2 B>A 486"}, EAR_CALL_FAILED},
	};
	const struct ear_calls_options options = {
		.rules = busy_503, .n_rules = ROWS(busy_503)};

	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		struct rows rows = {0};

		play(cases[i].lines, SIZE_MAX, &options, &rows);
		assert_int_equal(rows.n, 1);
		assert_int_equal(rows.v[0].disposition, cases[i].want);
	}
}

static void test_rule_words(void **state)
{
	static const struct {
		const char *text;
		struct ear_disposition_rule want; /* from 0: it is wrong */
	} cases[] = {
		{"603=BUSY", {603, 603, EAR_CALL_BUSY, false}},
		{"500-599=FAILED", {500, 599, EAR_CALL_FAILED, false}},
		{" 500 - 599 = failed ", {500, 599, EAR_CALL_FAILED, false}},
		{"480=NO_ANSWER if rang", {480, 480, EAR_CALL_NO_ANSWER, true}},
		{"480=no answer IF RANG", {480, 480, EAR_CALL_NO_ANSWER, true}},
		{"603", {0}},
		{"=BUSY", {0}},
		{"603=", {0}},
		{"603=if rang", {0}},
		{"603=ANSWERED", {0}},
		{"603=IN_PROGRESS", {0}},
		{"200=BUSY", {0}},
		{"700=BUSY", {0}},
		{"4860=BUSY", {0}},
		{"48=BUSY", {0}},
		{"599-500=BUSY", {0}},
		{"500-=BUSY", {0}},
		{"500-5x9=BUSY", {0}},
		{"", {0}},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		const struct ear_disposition_rule *want = &cases[i].want;
		struct ear_disposition_rule rule;
		struct ear_fault fault = {0};
		enum ear_err err = ear_disposition_rule_parse(
			ear_slice_str(cases[i].text), &rule, &fault);

		if ((err == EAR_OK) != (want->from != 0))
			fail_msg("%s: %s", cases[i].text, fault.text);
		assert_true(err == EAR_OK || fault.text[0]);
		if (err)
			continue;
		assert_int_equal(rule.from, want->from);
		assert_int_equal(rule.to, want->to);
		assert_int_equal(rule.disposition, want->disposition);
		assert_int_equal(rule.if_rang, want->if_rang);
	}
}

static void ignore_row(const struct ear_call_row *row, void *arg)
{
	(void)row;
	(void)arg;
}

/* INVITEs of one Call-ID with ever other tags: each is looked for among the
 * others. */
static void test_one_call_id(void **state)
{
	const struct ear_track_out out = {.call = ignore_row};
	struct ear_calls_stats stats;
	struct scene scene = {0};
	struct ear_calls *calls;

	(void)state;
	assert_int_equal(
		ear_calls_new(&(struct ear_calls_options){0}, &out, &calls),
		EAR_OK);
	for (unsigned i = 0; i < 500; i++) {
		struct scene_msg m;
		char line[80];

		snprintf(line, sizeof(line), "%u.%u A>B INVITE call=c ft=%u",
			i / 100, i % 100, i);
		scene_line(&scene, line, &m);
		ear_calls_take(calls, &m.msg, &m.facts);
	}
	ear_calls_stats(calls, &stats);
	assert_int_equal(stats.open, 64);
	assert_int_equal(stats.evicted, 436);
	ear_calls_free(&calls);
}

/* The one that was silent longest is told as it stands; those that are over
 * go before it. */
static void test_too_many(void **state)
{
	static const char *const lines[] = {"0 A>B INVITE call=c1 ft=1",
		"1 A>B INVITE call=c2 ft=2", "1.1 B>A 180", "1.2 B>A 200",
		"2 A>B INVITE call=c3 ft=3", "2.1 B>A 486",
		"3 A>B INVITE call=c4 ft=4", "4 A>B INVITE call=c5 ft=5", NULL};
	struct rows *rows = calloc(1, sizeof(*rows));
	struct ear_calls_stats stats;
	struct ear_calls *calls =
		calls_new(&(struct ear_calls_options){.max = 3}, rows);
	struct scene scene = {0};

	(void)state;
	for (size_t i = 0; lines[i]; i++) {
		struct scene_msg m;

		scene_line(&scene, lines[i], &m);
		ear_calls_take(calls, &m.msg, &m.facts);
	}
	ear_calls_stats(calls, &stats);
	assert_int_equal(stats.open, 3);
	assert_int_equal(stats.evicted, 1);
	assert_int_equal(stats.total, 2);
	assert_int_equal(stats.by[EAR_CALL_BUSY], 1);
	assert_int_equal(stats.by[EAR_CALL_FAILED], 1);
	assert_int_equal(rows->n, 2);
	assert_slice("first", rows->v[1].call_id, EAR_S("c1"));
	assert_slice(
		"note", rows->v[1].note, EAR_S("given up: too many calls"));
	ear_calls_save(calls);
	assert_int_equal(rows->n, 5);
	ear_calls_free(&calls);
	free(rows);
}

/* Telling all again in between changes nothing. */
static void test_saving_is_harmless(void **state)
{
	struct ear_calls_options options = {.join_legs = true};

	(void)state;
	for (size_t i = 0; i < ROWS(others); i++) {
		struct rows *rows = calloc(1, sizeof(*rows));
		struct ear_calls *calls = calls_new(&options, rows);
		struct scene scene = {0};
		char got[512];

		for (size_t j = 0; others[i].lines[j]; j++) {
			const char *line = others[i].lines[j];
			struct scene_msg m;

			ear_calls_save(calls);
			if (line[0] == '@') {
				ear_calls_tick(calls, scene_at(atof(line + 1)));
				continue;
			}
			scene_line(&scene, line, &m);
			ear_calls_take(calls, &m.msg, &m.facts);
			ear_calls_take(calls, &m.msg, &m.facts);
		}
		ear_calls_end(calls);
		ear_calls_free(&calls);
		row_text(&rows->v[0], got, sizeof(got));
		if (strcmp(got, others[i].want))
			fail_msg("%s: got %s, want %s", others[i].name, got,
				others[i].want);
		free(rows);
	}
}

static void test_auth_user_as_src(void **state)
{
	static const char *const lines[] = {
		"0 A>B INVITE | Authorization: Digest username=\"sara\"",
		"1 B>A 486", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX,
		&(struct ear_calls_options){.src_is_auth_user = true}, &rows);
	assert_slice("src", rows.v[0].src, EAR_S("sara"));
	assert_slice("dst", rows.v[0].dst, EAR_S("600"));
}

/* The hop nearest to the caller says who called whom. */
static void test_first_hop(void **state)
{
	static const char *const lines[] = {
		"0 A>P INVITE b=a name=Sara_X | User-Agent: phone",
		"0.1 P>B INVITE b=b r=desk | User-Agent: phone",
		"1 B>P 486 b=b", "1.1 P>A 486 b=a", NULL};
	static const char *const late[] = {
		"0.1 P>B INVITE b=b r=desk name=Sara_X | User-Agent: phone",
		"0 A>P INVITE b=a | User-Agent: phone", "1 B>P 486 b=b",
		"1.1 P>A 486 b=a", NULL};
	/* by a clock that is ahead, or one that is behind */
	static const char *const ahead[] = {
		"0 P>B INVITE b=b r=desk name=Sara_X | User-Agent: phone | "
		"Via: SIP/2.0/UDP h;branch=a",
		"3 A>P INVITE b=a | User-Agent: phone", "4 P>A 486 b=a", NULL};
	static const char *const forwards[] = {
		"0 P>B INVITE b=b r=desk name=Sara_X | User-Agent: phone | "
		"Max-Forwards: 69",
		"3 A>P INVITE b=a | User-Agent: phone | Max-Forwards: 70",
		"4 P>A 486 b=a", NULL};
	static const char *const behind[] = {
		"3 A>P INVITE b=a name=Sara_X | User-Agent: phone",
		"0 P>B INVITE b=b r=desk | User-Agent: phone | "
		"Via: SIP/2.0/UDP h;branch=a",
		"4 P>A 486 b=a", NULL};
	static const char *const up[] = {
		"0 P>B INVITE b=b r=desk name=Sara_X | User-Agent: phone | "
		"Via: SIP/2.0/UDP h;branch=a",
		"1 B>P 200 b=b", "3 A>P INVITE b=a | User-Agent: phone",
		"4 P>A 200 b=a", NULL};
	const char *const *const both[] = {
		lines, late, ahead, forwards, behind, up};

	(void)state;
	for (size_t i = 0; i < ROWS(both); i++) {
		struct rows rows = {0};
		struct ear_addr a = scene_party("A"), p = scene_party("P");

		play(both[i], SIZE_MAX, &(struct ear_calls_options){0}, &rows);
		assert_int_equal(rows.n, 1);
		assert_slice("src", rows.v[0].src, EAR_S("909"));
		assert_slice("dst", rows.v[0].dst, EAR_S("600"));
		assert_slice("name", rows.v[0].src_name, EAR_S("Sara X"));
		assert_slice("agent", rows.v[0].src_agent, EAR_S("phone"));
		assert_true(ear_addr_eq(&rows.v[0].from_addr, &a));
		assert_true(ear_addr_eq(&rows.v[0].to_addr, &p));
	}
}

/* What was taken for over waits for its end; an INVITE is none. */
static void test_again_after_silence(void **state)
{
	static const char *const lines[] = {"0 A>B INVITE", "1 B>A 200",
		"1.1 A>B ACK", "@16000", "20000 A>B INVITE cs=9",
		"20001 B>A 486", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.v[0].disposition, EAR_CALL_ANSWERED);
	assert_slice("note", rows.v[0].note, EAR_S("no end seen"));
	assert_int_equal(rows.v[1].disposition, EAR_CALL_BUSY);
}

/* Seen behind the registrar alone: its word for the phone is no number. */
static void test_contact(void **state)
{
	static const struct {
		const char *line, *dst;
	} cases[] = {
		{"0 A>B INVITE r=sip:x7f@192.0.2.146.invalid;transport=ws",
			"600"},
		{"0 A>B INVITE r=sip:x7f@10.0.0.2:5060;rinstance=ab12", "600"},
		{"0 A>B INVITE r=sip:x7f@10.0.0.2;transport=tcp;ob", "600"},
		{"0 A>B INVITE r=sip:x7f@example.com;gr", "600"},
		{"0 A>B INVITE r=sip:k3jf9@10.0.0.2:5070", "600"},
		{"0 A>B INVITE r=sip:k3jf9@[2001:db8::2]", "600"},
		{"0 A>B INVITE r=sip:1.2.3.4", "600"},
		{"0 A>B INVITE r=sip:601@10.0.0.2;transport=tcp", "601"},
		{"0 A>B INVITE r=sip:desk@pbx.example.org", "desk"},
		{"0 A>B INVITE r=601 | Via: SIP/2.0/UDP h;branch=x", "600"},
		{"0 A>B INVITE r=sip:601@example.com", "601"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		const char *const lines[] = {cases[i].line, NULL};
		struct rows rows = {0};

		play(lines, SIZE_MAX, &(struct ear_calls_options){0}, &rows);
		assert_slice(cases[i].line, rows.v[0].dst,
			ear_slice_str(cases[i].dst));
	}
}

/* The proxy asks for credentials; who is called is the phone behind it. */
static void test_callee_agent(void **state)
{
	static const char *const lines[] = {"0 A>P INVITE b=a",
		"0.1 P>A 407 b=a | Server: proxy", "0.2 A>P ACK b=a",
		"0.3 A>P INVITE cs=2 b=c", "0.4 P>B INVITE cs=2 b=d",
		"0.5 B>P 603 cs=2 b=d | Server: phone",
		"0.6 P>A 603 cs=2 b=c | Server: phone", NULL};
	struct rows rows = {0};

	(void)state;
	play(lines, SIZE_MAX, &(struct ear_calls_options){0}, &rows);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.v[0].code, 603);
	assert_slice("agent", rows.v[0].dst_agent, EAR_S("phone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_again_later),
		cmocka_unit_test(test_states_are_taken_back),
		cmocka_unit_test(test_silence_after_restart),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rule_words),
		cmocka_unit_test(test_one_call_id),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_saving_is_harmless),
		cmocka_unit_test(test_auth_user_as_src),
		cmocka_unit_test(test_first_hop),
		cmocka_unit_test(test_callee_agent),
		cmocka_unit_test(test_again_after_silence),
		cmocka_unit_test(test_contact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
