/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of presence_test.c, as in presence_golden.h: bindings that the 200 to
 * another REGISTER lists, or does not. */
{"one contact for each user: the next phone drops the one before",
	{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
	 "<sip:909@10.0.0.1>",
		"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
		"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | Contact: "
		"<sip:909@10.0.0.3>",
		"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
		"700 tick"},
	{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
		"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.3:5060",
		"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
		"registrar; 10.0.0.1:5060",
		"S 609.100 UNREGISTER SERVER [909] [Sara] expired; "
		"10.0.0.3:5060",
		"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
		"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped 9.100",
		"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
		"10.0.0.3:5060 until 609.100 n=0 i=0 m=0 expired 609.100"}},
	{"lists its own only: what goes on as before was not dropped",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"300 A>B REGISTER call=r1 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.1>",
			"300.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"309 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.3>",
			"309.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600",
			"400 E>B REGISTER call=r3 f=909 t=909 name=Sara cs=1 | "
			"Contact: <sip:909@10.0.0.5>",
			"400.1 B>E 200 | Contact: "
			"<sip:909@10.0.0.5>;expires=60"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060 failed (it was not: it "
			"refreshed as before)",
			"S 300.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 309.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 400.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.5:5060",
			"S 400.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 900.100 n=1 i=300 m=300",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 909.100 n=1 i=300 m=300 dropped "
			"400.100",
			"B 400.100 909@example.com [Sara] sip:909@10.0.0.5; "
			"10.0.0.5:5060 until 460.100 n=0 i=0 m=0"}},
	{"lists its own only, as three accounts showed: nobody is dropped",
		{"0 A>B REGISTER call=a901 f=901 t=901 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"0.2 C>B REGISTER call=c901 f=901 t=901 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"0.3 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"0.4 A>B REGISTER call=a901 cs=2 f=901 t=901 name=Sara "
			"| Contact: <sip:909@10.0.0.1>",
			"0.5 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"1 A>B REGISTER call=a902 f=902 t=902 name=Sara | "
			"Contact: <sip:909@10.0.0.1>",
			"1.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"1.2 C>B REGISTER call=c902 f=902 t=902 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"1.3 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"1.4 A>B REGISTER call=a902 cs=2 f=902 t=902 name=Sara "
			"| Contact: <sip:909@10.0.0.1>",
			"1.5 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"2 A>B REGISTER call=a903 f=903 t=903 name=Sara | "
			"Contact: <sip:909@10.0.0.1>",
			"2.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"2.2 C>B REGISTER call=c903 f=903 t=903 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"2.3 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"2.4 A>B REGISTER call=a903 cs=2 f=903 t=903 name=Sara "
			"| Contact: <sip:909@10.0.0.1>",
			"2.5 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"5 A>B REGISTER call=r1 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.1>",
			"5.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [901] [Sara] 200 OK; 10.0.0.1:5060",
			"S 0.300 REGISTER CLIENT [901] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 0.300 UNREGISTER SERVER [901] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060 failed (it was not: it "
			"refreshed as before)",
			"S 0.500 REGISTER CLIENT [901] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 1.100 REGISTER CLIENT [902] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 1.300 REGISTER CLIENT [902] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 1.300 UNREGISTER SERVER [902] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060 failed (it was not: it "
			"refreshed as before)",
			"S 1.500 REGISTER CLIENT [902] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 2.100 REGISTER CLIENT [903] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 2.300 REGISTER CLIENT [903] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 2.300 UNREGISTER SERVER [903] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060 failed (it was not: it "
			"refreshed as before)",
			"S 2.500 REGISTER CLIENT [903] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 5.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 901@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.500 n=1 i=0 m=599",
			"B 0.300 901@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 600.300 n=0 i=0 m=0",
			"B 1.100 902@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 601.500 n=1 i=0 m=599",
			"B 1.300 902@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 601.300 n=0 i=0 m=0",
			"B 2.100 903@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 602.500 n=1 i=0 m=599",
			"B 2.300 903@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 602.300 n=0 i=0 m=0",
			"B 5.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 605.100 n=0 i=0 m=0",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"lists all: one that was deleted is gone with the next refresh",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600, "
			"<sip:909@10.0.0.3>;expires=600",
			"300 A>B REGISTER call=r1 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.1>",
			"300.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"309 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.3>",
			"309.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600, "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 300.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 300.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.3:5060",
			"S 309.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 900.100 n=1 i=300 m=300",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0 dropped "
			"300.100",
			"B 309.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 909.100 n=0 i=0 m=0"}},
	{"lists all, in several fields, with what it adds to each contact",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.1;alias=10.0.0.1~5060~1>;expires=591 "
			"| m: "
			"<sip:909@10.0.0.3>;expires=600;received=\"sip:10.0.0."
			"3:5060\"",
			"300 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.3>",
			"300.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3;ob>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 300.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 300.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped "
			"300.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 900.100 n=1 i=291 m=309"}},
	{"another registrar has other bindings",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>D REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 D>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"a list with a contact of nobody that we know: it may be that one",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:x17@10.0.0.9>;expires=591, "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"a list without the contact that registered",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:x18@10.0.0.9>;expires=591",
			"20 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.3>",
			"20.1 B>C 200"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 20.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 3620.100 n=1 i=11 m=580"}},
	{"a reply that was on its way when the other registered",
		{"0 C>B REGISTER call=r2 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.3>",
			"0.1 A>B REGISTER call=r1 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.1>",
			"0.2 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"0.3 B>C 200 call=r2 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.200 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 0.300 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.200 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.200 n=0 i=0 m=0",
			"B 0.300 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 600.300 n=0 i=0 m=0"}},
	{"what expired was not dropped",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=8",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"30 tick"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 8.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 8.100 n=0 i=0 m=0 expired 8.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"its connection went, and the registrar knows: the next refresh tells",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER call=r1 f=909 t=909 name=Sara "
			"tr=tcp | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara tr=udp | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:x17@10.0.0.9>;expires=591, "
			"<sip:909@10.0.0.3>;expires=600",
			"20 A:4000>B !CLOSED opened=0 cause=NETWORK_ERROR "
			"by=client",
			"60 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 "
			"tr=udp | Contact: <sip:909@10.0.0.3>",
			"60.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 20.000 DISCONNECT CLIENT [909] [Sara] "
			"NETWORK_ERROR; 10.0.0.1:4000 conn",
			"S 60.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 60.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed 20.000 "
			"NETWORK_ERROR m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 601.100 n=0 i=0 m=0 lost "
			"20.000 NETWORK_ERROR dropped 60.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 660.100 n=1 i=51 m=549"}},
	{"the same phone with another contact",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\"",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: "
			"<sip:x17@10.0.0.9>;expires=591, "
			"<sip:909@10.0.0.3>;expires=600",
			"60 C>B REGISTER call=r2 f=909 t=909 name=Sara cs=2 | "
			"Contact: "
			"<sip:909@10.0.0.3>;+sip.instance=\"<urn:uuid:1>\"",
			"60.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 60.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 60.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped "
			"60.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 660.100 n=1 i=51 m=549"}},
	{"dropped, and it unregisters",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"20 A>B REGISTER call=r1 f=909 t=909 name=Sara cs=2 | "
			"Contact: <sip:909@10.0.0.1>;expires=0",
			"20.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060",
			"S 20.100 UNREGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped 9.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"dropped, and registers anew",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"20 A>B REGISTER call=r5 f=909 t=909 name=Sara cs=1 | "
			"Contact: <sip:909@10.0.0.1>",
			"20.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060",
			"S 20.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 20.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped 9.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0 dropped "
			"20.100",
			"B 20.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 620.100 n=0 i=0 m=0"}},
	{"dropped, and its REGISTER is told of again",
		{"0 A>B REGISTER call=r1 f=909 t=909 name=Sara | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=r2 f=909 t=909 name=Sara | "
			"Contact: <sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"9.2 A>B REGISTER call=r1 f=909 t=909 name=Sara cs=1 | "
			"Contact: <sip:909@10.0.0.1>",
			"9.3 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"80 tick"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped 9.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0"}},
	{"two phones in turns, with another Call-ID each time: once each",
		{"0 A>B REGISTER call=a0 f=909 t=909 name=Sara cs=1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 C>B REGISTER call=c0 cs=1 | Contact: "
			"<sip:909@10.0.0.3>",
			"9.1 B>C 200 | Contact: <sip:909@10.0.0.3>;expires=600",
			"300 A>B REGISTER call=a1 f=909 t=909 name=Sara cs=1 | "
			"Contact: <sip:909@10.0.0.1>",
			"300.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"309 C>B REGISTER call=c1 cs=1 | Contact: "
			"<sip:909@10.0.0.3>",
			"309.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600",
			"600 A>B REGISTER call=a2 f=909 t=909 name=Sara cs=1 | "
			"Contact: <sip:909@10.0.0.1>",
			"600.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"609 C>B REGISTER call=c2 cs=1 | Contact: "
			"<sip:909@10.0.0.3>",
			"609.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER SERVER [909] [Sara] dropped by the "
			"registrar; 10.0.0.1:5060",
			"S 300.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 300.100 UNREGISTER SERVER [909] [Sara] dropped by "
			"the registrar; 10.0.0.3:5060",
			"S 309.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 600.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 609.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 dropped 9.100",
			"B 9.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 609.100 n=0 i=0 m=0 dropped "
			"300.100",
			"B 300.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 1200.100 n=1 i=300 m=300",
			"B 309.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 1209.100 n=1 i=300 m=300"}},
