/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of presence_test.c: name, lines as in scene.h, rows as they come out.
 */
{"registered, refreshed, unregistered over UDP",
	{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
	 "<sip:909@10.0.0.1> | Expires: 600",
		"0.1 B>A 401",
		"0.2 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1> | "
		"Expires: 600 | Authorization: Digest username=\"909\"",
		"0.3 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=300",
		"250 A>B REGISTER cs=3 | Contact: <sip:909@10.0.0.1>",
		"250.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=300",
		"400 A>B REGISTER cs=4 | Contact: <sip:909@10.0.0.1>;expires=0",
		"400.1 B>A 200"},
	{"S 0.300 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
		"S 250.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
		"S 400.100 UNREGISTER CLIENT [909] [Sara] 200 OK; "
		"10.0.0.1:5060",
		"B 0.300 909@example.com [Sara] sip:909@10.0.0.1; "
		"10.0.0.1:5060 until 550.100 n=1 i=249 m=50 removed 400.100"}},
	{"a query binds nothing",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1",
			"0.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{}},
	{"refused",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 403",
			"5 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1>",
			"5.1 B>A 423 | Min-Expires: 600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 403 Forbidden; "
		 "10.0.0.1:5060 failed",
			"S 5.100 REGISTER CLIENT [909] [Sara] 423 Interval Too "
			"Brief; 10.0.0.1:5060 failed"}},
	{"no reply",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.5 A>B REGISTER cs=1 | Contact: <sip:909@10.0.0.1>",
			"1.5 A>B REGISTER cs=1 | Contact: <sip:909@10.0.0.1>",
			"70 tick"},
		{"S 64.000 REGISTER CLIENT [909] [Sara] 408 no reply within 64 "
		 "s; 10.0.0.1:5060 failed"}},
	{"a challenge to credentials is a refusal, unless the nonce was stale",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1> | Authorization: Digest username=\"909\"",
			"0.1 B>A 401 | WWW-Authenticate: Digest realm=\"x\", "
			"stale=TRUE, nonce=\"1\"",
			"0.2 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1> | "
			"Authorization: Digest username=\"909\"",
			"0.3 B>A 401 | WWW-Authenticate: Digest realm=\"x\", "
			"nonce=\"2\""},
		{"S 0.300 REGISTER CLIENT [909] [Sara] 401 Unauthorized; "
		 "10.0.0.1:5060 failed"}},
	{"retransmissions make one row",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.5 A>B REGISTER cs=1 | Contact: <sip:909@10.0.0.1>",
			"0.6 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"0.7 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"1 A>B REGISTER cs=1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"70 tick"},
		{"S 0.600 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"B 0.600 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.600 n=0 i=0 m=0"}},
	{"a star removes all",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"1 C>B REGISTER call=r2 | Contact: <sip:909@10.0.0.3>",
			"1.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=599, "
			"<sip:909@10.0.0.3>;expires=60",
			"9 A>B REGISTER call=r1 cs=2 | Contact: * | Expires: 0",
			"9.1 B>A 200"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 9.100 UNREGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 removed 9.100",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 61.100 n=0 i=0 m=0 removed "
			"9.100"}},
	{"several contacts in one REGISTER, one of them goes",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>, <sip:909@10.0.0.1:5070>",
			"0.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600,<sip:909@10.0.0.1:5070>"
			";expires=300",
			"9 A>B REGISTER cs=2 | Contact: "
			"<sip:909@10.0.0.1>;expires=0 | Contact: "
			"<sip:909@10.0.0.1:5070>;expires=900",
			"9.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1:5070>;expires=900"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 9.100 UNREGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1:5070; "
			"10.0.0.1:5060 until 909.100 n=1 i=9 m=291",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 removed "
			"9.100"}},
	{"expires: parameter before header, and what is granted before both",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>;expires=100 | Expires: 200",
			"0.1 B>A 200",
			"1 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1> | "
			"Expires: 200",
			"1.1 B>A 200",
			"2 A>B REGISTER cs=3 | Contact: <sip:909@10.0.0.1>",
			"2.1 B>A 200",
			"3 A>B REGISTER cs=4 | Contact: "
			"<sip:909@10.0.0.1>;expires=100",
			"3.1 B>A 200 | Expires: 50",
			"4 A>B REGISTER cs=5 | Contact: "
			"<sip:909@10.0.0.1>;expires=100",
			"4.1 B>A 200 | Contact: "
			"<sip:x@10.9.9.9>;expires=7,<sip:909@10.0.0.1;ob>;"
			"expires=40 | Expires: 50"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 2.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 3.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 4.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 44.100 n=4 i=1 m=49"}},
	{"granted nothing is unregistered",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=0"},
		{"S 0.100 UNREGISTER CLIENT [909] [Sara] 200 OK; "
		 "10.0.0.1:5060"}},
	{"a proxy between: one row, at the hop of the client",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 b= node=edge | "
		 "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9c;rport | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.01 B>D REGISTER cs=1 b= node=edge | Via: "
			"SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: "
			"SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>",
			"0.01 B>D REGISTER cs=1 b= node=core | Via: "
			"SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: "
			"SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>",
			"0.02 D>B 200 b= node=core | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>;expires=600",
			"0.02 D>B 200 b= node=edge | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>;expires=600",
			"0.03 B>A 200 b= node=edge | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>;expires=600",
			"70 tick"},
		{"S 0.020 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"B 0.020 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.020 n=0 i=0 m=0"}},
	{"a proxy that tries a second registrar",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.1:5060;branch=z9c;rport | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.01 B>D REGISTER cs=1 b= | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>",
			"0.02 D>B 503",
			"0.03 B>E REGISTER cs=1 b= | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>",
			"0.04 E>B 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"0.05 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.040 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"B 0.040 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.040 n=0 i=0 m=0"}},
	{"a proxy's refusal whose last hop was not seen",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.1:5060;branch=z9c;rport | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.01 B>D REGISTER cs=1 b= | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport=5060;received=10.0.0.1 "
			"| Contact: <sip:909@10.0.0.1>",
			"0.02 D>B 404", "70 tick"},
		{"S 64.000 REGISTER CLIENT [909] [Sara] 404 Not Found; "
		 "10.0.0.1:5060 failed"}},
	{"the hop of the client is reported later",
		{"0 B>D REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
		 "10.9.9.9:5060;branch=z9c | Contact: <sip:909@10.0.0.1>",
			"0.02 D>B 200 b= | Via: SIP/2.0/UDP "
			"10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
			"10.9.9.9:5060;branch=z9c | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"0.03 A>B REGISTER cs=1 b= | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport | Contact: "
			"<sip:909@10.0.0.1>",
			"0.04 B>A 200 b= | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;rport | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"70 tick"},
		{"S 0.020 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"B 0.020 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.020 n=0 i=0 m=0"}},
	{"behind NAT, seen by the client",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.1:5060;branch=z9c;rport | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 b= | Via: SIP/2.0/UDP "
			"10.0.0.1:5060;branch=z9c;received=192.0.2.7;rport="
			"28224 | Contact: <sip:909@10.0.0.1>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 192.0.2.7:28224",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"192.0.2.7:28224 until 600.100 n=0 i=0 m=0"}},
	{"behind an edge proxy that nobody traces",
		{"0 B>D REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: SIP/2.0/TLS "
		 "192.168.1.5:5061;branch=z9c;received=192.0.2.7;rport=28224 | "
		 "Contact: <sip:909@10.0.0.1>",
			"0.1 D>B 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"1 B>D REGISTER call=r2 f=904 t=904 b= | Via: "
			"SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: "
			"SIP/2.0/TLS phone.invalid;branch=z9c | Path: "
			"<sip:10.0.0.2;lr;received=sip:192.0.2.8:4000%"
			"3Btransport%3Dtls> | Contact: <sip:909@10.0.0.1>",
			"1.1 D>B 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 192.0.2.7:28224",
			"S 1.100 REGISTER CLIENT [904] [Sara] 200 OK; "
			"192.0.2.8:4000",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"192.0.2.7:28224 until 600.100 n=0 i=0 m=0",
			"B 1.100 904@example.com [Sara] sip:909@10.0.0.1; "
			"192.0.2.8:4000 until 601.100 n=0 i=0 m=0"}},
	{"registered by another: the account is that of To",
		{"0 A>B REGISTER f=boss name=Boss t=909 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [] 200 OK; 10.0.0.1:5060",
			"B 0.100 909@example.com [] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0"}},
	{"a trunk's registration",
		{"0 B>D REGISTER f=909 t=909 name=Sara call=r1 dir=out | "
		 "Contact: <sip:909@10.0.0.2>",
			"0.1 D>B 200 | Contact: <sip:909@10.0.0.2>;expires=60"},
		{"S 0.100 REGISTER TRUNK [909] [Sara] 200 OK; 10.0.0.4:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.2; "
			"10.0.0.4:5060 until 60.100 n=0 i=0 m=0"}},
	{"three accounts over one TLS connection, which is reset",
		{"0 93.57.41.37:28224>B:5061 !OPENED tr=tls",
			"0.1 93.57.41.37:28224>B:5061 !TLS opened=0 tr=tls "
			"tls=1.2",
			"1 93.57.41.37:28224>B:5061 REGISTER tr=tls f=909 "
			"t=909 name=Sara call=r1 | Contact: "
			"<sip:909@192.168.0.5:2051>",
			"1.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:909@192.168.0.5:2051>;expires=600",
			"2 93.57.41.37:28224>B:5061 REGISTER call=r2 f=904 "
			"t=904 name=Sara_0039 | Contact: "
			"<sip:904@192.168.0.5:2051>",
			"2.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:904@192.168.0.5:2051>;expires=600",
			"3 93.57.41.37:28224>B:5061 REGISTER call=r3 f=910 "
			"t=910 name=Sara | Contact: <sip:910@192.168.0.5:2051>",
			"3.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:910@192.168.0.5:2051>;expires=600",
			"60 93.57.41.37:28224>B:5061 !CLOSED opened=0 tr=tls "
			"cause=NETWORK_ERROR by=client bytes=900"},
		{"S 0.000 CONNECT CLIENT [909,904,910] [Sara,Sara 0039] ; "
		 "93.57.41.37:28224 conn TLSv1.2 TLS_AES_128_GCM_SHA256",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"93.57.41.37:28224 conn TLSv1.2 TLS_AES_128_GCM_SHA256",
			"S 2.100 REGISTER CLIENT [904] [Sara 0039] 200 OK; "
			"93.57.41.37:28224 conn TLSv1.2 TLS_AES_128_GCM_SHA256",
			"S 3.100 REGISTER CLIENT [910] [Sara] 200 OK; "
			"93.57.41.37:28224 conn TLSv1.2 TLS_AES_128_GCM_SHA256",
			"S 60.000 DISCONNECT CLIENT [909,904,910] [Sara,Sara "
			"0039] NETWORK_ERROR; 93.57.41.37:28224 conn TLSv1.2 "
			"TLS_AES_128_GCM_SHA256",
			"C 0.000 tls 93.57.41.37:28224>10.0.0.2:5061 closed "
			"60.000 NETWORK_ERROR m=6 b=900,900",
			"B 1.100 909@example.com [Sara] "
			"sip:909@192.168.0.5:2051; 93.57.41.37:28224 conn "
			"until 601.100 n=0 i=0 m=0 lost 60.000 NETWORK_ERROR",
			"B 2.100 904@example.com [Sara 0039] "
			"sip:904@192.168.0.5:2051; 93.57.41.37:28224 conn "
			"until 602.100 n=0 i=0 m=0 lost 60.000 NETWORK_ERROR",
			"B 3.100 910@example.com [Sara] "
			"sip:910@192.168.0.5:2051; 93.57.41.37:28224 conn "
			"until 603.100 n=0 i=0 m=0 lost 60.000 NETWORK_ERROR"}},
	{"NAT uses a port again within a minute",
		{"0 93.57.41.37:28224>B:5061 !OPENED",
			"1 93.57.41.37:28224>B:5061 REGISTER tr=tcp f=909 "
			"t=909 name=Sara call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"10 93.57.41.37:28224>B:5061 !CLOSED opened=0 "
			"cause=NORMAL by=client",
			"40 93.57.41.37:28224>B:5061 !OPENED",
			"41 93.57.41.37:28224>B:5061 REGISTER call=r2 f=910 "
			"t=910 name= | Contact: <sip:910@10.0.0.7>",
			"41.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:910@10.0.0.7>;expires=600",
			"50 93.57.41.37:28224>B:5061 !CLOSED opened=40 "
			"cause=NORMAL by=server"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 93.57.41.37:28224 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"93.57.41.37:28224 conn",
			"S 10.000 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"93.57.41.37:28224 conn",
			"S 40.000 CONNECT CLIENT [910] [] ; 93.57.41.37:28224 "
			"conn",
			"S 41.100 REGISTER CLIENT [910] [] 200 OK; "
			"93.57.41.37:28224 conn",
			"S 50.000 DISCONNECT SERVER [910] [] NORMAL; "
			"93.57.41.37:28224 conn",
			"C 0.000 tcp 93.57.41.37:28224>10.0.0.2:5061 closed "
			"10.000 NORMAL m=2 b=0,0",
			"C 40.000 tcp 93.57.41.37:28224>10.0.0.2:5061 closed "
			"50.000 NORMAL m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"93.57.41.37:28224 conn until 601.100 n=0 i=0 m=0 lost "
			"10.000 NORMAL",
			"B 41.100 910@example.com [] sip:910@10.0.0.7; "
			"93.57.41.37:28224 conn until 641.100 n=0 i=0 m=0 lost "
			"50.000 NORMAL"}},
	{"opened again without a close",
		{"0 93.57.41.37:28224>B:5061 !OPENED",
			"1 93.57.41.37:28224>B:5061 REGISTER tr=tcp f=909 "
			"t=909 name=Sara call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B:5061>93.57.41.37:28224 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"40 93.57.41.37:28224>B:5061 !OPENED",
			"50 93.57.41.37:28224>B:5061 !CLOSED opened=0 "
			"cause=NORMAL",
			"60 93.57.41.37:28224>B:5061 !CLOSED opened=40 "
			"cause=NORMAL"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 93.57.41.37:28224 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"93.57.41.37:28224 conn",
			"S 40.000 CONNECT CLIENT [] [] ; 93.57.41.37:28224 "
			"conn loose (no registration on this connection)",
			"S 40.000 DISCONNECT CLIENT [909] [Sara] UNKNOWN; "
			"93.57.41.37:28224 conn",
			"S 60.000 DISCONNECT CLIENT [] [] NORMAL; "
			"93.57.41.37:28224 conn loose (no registration on this "
			"connection)",
			"C 0.000 tcp 93.57.41.37:28224>10.0.0.2:5061 closed "
			"40.000 UNKNOWN m=2 b=0,0",
			"C 40.000 tcp 93.57.41.37:28224>10.0.0.2:5061 closed "
			"60.000 NORMAL m=0 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"93.57.41.37:28224 conn until 601.100 n=0 i=0 m=0 lost "
			"40.000 UNKNOWN"}},
	{"killed, and back by another flow",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER tr=tcp f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"30 A:4000>B !CLOSED opened=0 cause=NETWORK_ERROR "
			"by=client",
			"40 A:4001>B !OPENED",
			"41 A:4001>B REGISTER call=r2 | Contact: "
			"<sip:909@10.0.0.1>",
			"41.1 B>A:4001 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 30.000 DISCONNECT CLIENT [909] [Sara] "
			"NETWORK_ERROR; 10.0.0.1:4000 conn",
			"S 40.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4001 "
			"conn",
			"S 41.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4001 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed 30.000 "
			"NETWORK_ERROR m=2 b=0,0",
			"C 40.000 tcp 10.0.0.1:4001>10.0.0.2:5060 m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 601.100 n=0 i=0 m=0 lost "
			"30.000 NETWORK_ERROR replaced 41.100",
			"B 41.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4001 conn until 641.100 n=0 i=0 m=0"}},
	{"old traffic is read within minutes: it expired in between",
		{"9000 tick",
			"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | "
			"Contact: <sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"4000 A>B REGISTER call=r2 | Contact: "
			"<sip:909@10.0.0.1>",
			"4000.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 600.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:5060",
			"S 4000.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 expired "
			"600.100",
			"B 4000.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 4600.100 n=0 i=0 m=0"}},
	{"behind two proxies that are not seen: who wrote Path first",
		{"0 B>D REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
		 "10.9.9.9:5060;branch=z9c | Path: "
		 "<sip:p2;lr;received=sip:10.0.0.9:5060>, "
		 "<sip:p1;lr;received=sip:192.0.2.7:28224%3Btransport%3Dtls> "
		 "| Contact: <sip:909@10.9.9.9>",
			"0.1 D>B 200 | Contact: "
			"<sip:909@10.9.9.9>;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 192.0.2.7:28224",
			"B 0.100 909@example.com [Sara] sip:909@10.9.9.9; "
			"192.0.2.7:28224 until 600.100 n=0 i=0 m=0"}},
	{"refused behind a proxy that is not seen; Path of another form",
		{"0 B>D REGISTER f=909 t=909 name=Sara call=r1 b= | Via: "
		 "SIP/2.0/UDP 10.0.0.2:5060;branch=z9p | Via: SIP/2.0/UDP "
		 "10.9.9.9:5060;branch=z9c | Path: "
		 "<sip:p1;lr;received=192.0.2.7~28224~3> | Contact: "
		 "<sip:909@10.9.9.9>",
			"0.1 D>B 403",
			"1 B>D REGISTER cs=2 b= | Via: "
			"SIP/2.0/UDP 10.0.0.2:5060;branch=z9q | Via: "
			"SIP/2.0/UDP "
			"10.9.9.9:5060;branch=z9d;received=192.0.2.8;rport=99 "
			"| Contact: <sip:909@10.9.9.9>",
			"70 tick"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 403 Forbidden; "
		 "192.0.2.7:28224 failed",
			"S 65.000 REGISTER CLIENT [909] [Sara] 408 no reply "
			"within 64 s; 192.0.2.8:99 failed"}},
	{"unplugged: silent, then expired, then the tap gives up",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER tr=tcp f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=120",
			"200 tick",
			"400 A:4000>B !CLOSED opened=0 cause=TIMEOUT"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 121.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:4000 conn",
			"S 400.000 DISCONNECT SERVER [909] [Sara] TIMEOUT; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed "
			"400.000 TIMEOUT m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 121.100 n=0 i=0 m=0 expired "
			"121.100"}},
	{"silent for so long that the tap gave up, and then back",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER tr=tcp f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=3600",
			"900 A:4000>B !CLOSED opened=0 cause=TIMEOUT",
			"1800 A:4000>B !OPENED joined=1",
			"1801 A:4000>B !CLOSED opened=1800 joined=1 "
			"cause=NORMAL by=client"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 900.000 DISCONNECT SERVER [909] [Sara] TIMEOUT; "
			"10.0.0.1:4000 conn",
			"S 1800.000 CONNECT CLIENT [909] [Sara] ; "
			"10.0.0.1:4000 conn inferred",
			"S 1801.000 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed "
			"900.000 TIMEOUT m=2 b=0,0",
			"C 1800.000 tcp 10.0.0.1:4000>10.0.0.2:5060 joined "
			"closed 1801.000 NORMAL m=0 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 3601.100 n=0 i=0 m=0 lost "
			"1801.000 NORMAL"}},
	{"expired before its connection closed, told by neither tick",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER tr=tcp f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=60",
			"61.5 A:4000>B !CLOSED opened=0 cause=NORMAL "
			"by=client"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 61.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:4000 conn",
			"S 61.500 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed 61.500 "
			"NORMAL m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 61.100 n=0 i=0 m=0 expired "
			"61.100"}},
	{"refreshed within the grace after expiry",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=60",
			"60.9 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1>",
			"61 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=60"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 61.000 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 121.000 n=1 i=60 m=0"}},
	{"expired, then registered anew",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=60",
			"90 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1>",
			"90.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=60"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 60.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:5060",
			"S 90.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 60.100 n=0 i=0 m=0 expired 60.100",
			"B 90.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 150.100 n=0 i=0 m=0"}},
	{"the same instance by another contact takes its place (RFC 5626)",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1",
			"0.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-"
			"id=1;expires=600",
			"30 C>B REGISTER call=r2 | Contact: "
			"<sip:909@10.0.0.3>;+sip.instance=\"<urn:uuid:1>\";reg-"
			"id=1",
			"30.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;+sip.instance=\"<urn:uuid:1>\";reg-"
			"id=1;expires=600",
			"60 C>B REGISTER cs=2 | Contact: "
			"<sip:909@10.0.0.3>;+sip.instance=\"<urn:uuid:1>\";reg-"
			"id=1",
			"60.1 B>C 200 | Contact: "
			"<sip:909@10.0.0.3>;+sip.instance=\"<urn:uuid:1>\";reg-"
			"id=1;expires=600"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 30.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"S 60.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.3:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 600.100 n=0 i=0 m=0 replaced "
			"30.100",
			"B 30.100 909@example.com [Sara] sip:909@10.0.0.3; "
			"10.0.0.3:5060 until 660.100 n=1 i=30 m=570"}},
	{"inferred, and silent for longer than its registration",
		{"0 A:4000>B:5061 REGISTER tr=tls f=909 t=909 name=Sara "
		 "call=r1 | Contact: <sip:909@10.0.0.1>",
			"0.1 B:5061>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=1800",
			"10000 tick"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "inferred",
			"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 1800.100 DISCONNECT SERVER [909] [Sara] TIMEOUT; "
			"10.0.0.1:4000 conn inferred (inferred: nothing more "
			"was seen on it)",
			"S 1800.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:4000 conn",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5061 inferred "
			"closed 1800.100 TIMEOUT m=2 b=0,0",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 1800.100 n=0 i=0 m=0 expired "
			"1800.100"}},
	{"inferred, and silent",
		{"0 A:4000>B:5061 REGISTER tr=wss f=909 t=909 name=Sara "
		 "call=r1 | Contact: <sip:909@10.0.0.1>",
			"0.1 B:5061>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=60",
			"10000 tick"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "inferred",
			"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 60.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:4000 conn",
			"S 900.100 DISCONNECT SERVER [909] [Sara] TIMEOUT; "
			"10.0.0.1:4000 conn inferred (inferred: nothing more "
			"was seen on it)",
			"C 0.000 wss 10.0.0.1:4000>10.0.0.2:5061 inferred "
			"closed 900.100 TIMEOUT m=2 b=0,0",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 60.100 n=0 i=0 m=0 expired "
			"60.100"}},
	{"inferred from a reply: the server is who has the known port",
		{"0 B:5061>A:41000 200 tr=tls m=OPTIONS call=o1 f=909 t=909"},
		{"S 0.000 CONNECT CLIENT [] [] ; 10.0.0.1:41000 conn inferred "
		 "loose",
			"C 0.000 tls 10.0.0.1:41000>10.0.0.2:5061 inferred m=1 "
			"b=0,0"}},
	{"inferred, then its event comes",
		{"0.2 A:4000>B:5061 REGISTER tr=secure f=909 t=909 name=Sara "
		 "call=r1 | Contact: <sip:909@10.0.0.1>",
			"0.1 A:4000>B:5061 !OPENED tr=tls",
			"0.15 A:4000>B:5061 !TLS opened=0.1 tr=tls tls=1.3",
			"0.3 B:5061>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"9 A:4000>B:5061 !CLOSED opened=0.1 tr=tls "
			"cause=NORMAL by=client"},
		{"S 0.200 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "TLSv1.3 TLS_AES_128_GCM_SHA256",
			"S 0.300 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn TLSv1.3 TLS_AES_128_GCM_SHA256",
			"S 9.000 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"10.0.0.1:4000 conn TLSv1.3 TLS_AES_128_GCM_SHA256",
			"C 0.200 tls 10.0.0.1:4000>10.0.0.2:5061 closed 9.000 "
			"NORMAL m=2 b=0,0",
			"B 0.300 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 600.300 n=0 i=0 m=0 lost "
			"9.000 NORMAL"}},
	{"the tap begins in the middle",
		{"0 A:4000>B:5061 REGISTER tr=tls f=909 t=909 name=Sara "
		 "call=r1 | Contact: <sip:909@10.0.0.1>",
			"0.1 B:5061>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"100 A:4000>B:5061 !OPENED tr=tls joined=1",
			"200 A:4000>B:5061 !CLOSED opened=100 tr=tls joined=1 "
			"cause=NETWORK_ERROR"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "inferred",
			"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 200.000 DISCONNECT CLIENT [909] [Sara] "
			"NETWORK_ERROR; 10.0.0.1:4000 conn",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5061 joined closed "
			"200.000 NETWORK_ERROR m=2 b=0,0",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 600.100 n=0 i=0 m=0 lost "
			"200.000 NETWORK_ERROR"}},
	{"closed, and never seen to open",
		{"60 A:4000>B:5061 !CLOSED opened=1 tr=tls joined=1 "
		 "cause=NORMAL"},
		{"S 1.000 CONNECT CLIENT [] [] ; 10.0.0.1:4000 conn inferred "
		 "loose (no registration on this connection)",
			"S 60.000 DISCONNECT CLIENT [] [] NORMAL; "
			"10.0.0.1:4000 conn loose (no registration on this "
			"connection)",
			"C 1.000 tls 10.0.0.1:4000>10.0.0.2:5061 joined closed "
			"60.000 NORMAL m=0 b=0,0"}},
	{"TLS accepted, login never came",
		{"0 A:4000>B:5061 !OPENED tr=tcp",
			"0.1 A:4000>B:5061 !TLS opened=0 tr=tls tls=1.3",
			"9 A:4000>B:5061 !CLOSED opened=0 tr=tls cause=NORMAL "
			"by=client"},
		{"S 0.000 CONNECT CLIENT [] [] ; 10.0.0.1:4000 conn loose (no "
		 "registration on this connection) TLSv1.3 "
		 "TLS_AES_128_GCM_SHA256",
			"S 9.000 DISCONNECT CLIENT [] [] NORMAL; 10.0.0.1:4000 "
			"conn loose (no registration on this connection) "
			"TLSv1.3 TLS_AES_128_GCM_SHA256",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5061 closed 9.000 "
			"NORMAL m=0 b=0,0"}},
	{"the handshake failed",
		{"0 A:4000>B:5061 !OPENED tr=tls",
			"0.1 A:4000>B:5061 !CLOSED opened=0 tr=tls "
			"cause=TLS_ERROR by=server"},
		{"S 0.000 CONNECT CLIENT [] [] ; 10.0.0.1:4000 conn loose (no "
		 "registration on this connection)",
			"S 0.100 DISCONNECT SERVER [] [] TLS_ERROR; "
			"10.0.0.1:4000 conn loose (no registration on this "
			"connection)",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5061 closed 0.100 "
			"TLS_ERROR m=0 b=0,0"}},
	{"refused on its connection: no peer",
		{"0 A:4000>B:5061 !OPENED tr=tls",
			"1 A:4000>B:5061 REGISTER tr=tls f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.1 B:5061>A:4000 403",
			"9 A:4000>B:5061 !CLOSED opened=0 tr=tls cause=NORMAL "
			"by=client"},
		{"S 0.000 CONNECT CLIENT [] [] ; 10.0.0.1:4000 conn loose (no "
		 "registration on this connection)",
			"S 1.100 REGISTER CLIENT [909] [Sara] 403 Forbidden; "
			"10.0.0.1:4000 conn failed",
			"S 9.000 DISCONNECT CLIENT [] [] NORMAL; 10.0.0.1:4000 "
			"conn loose (no registration on this connection)",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5061 closed 9.000 "
			"NORMAL m=2 b=0,0"}},
	{"what an agent reports after the close belongs to it",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER tr=tcp f=909 t=909 name=Sara "
			"call=r1 | Contact: <sip:909@10.0.0.1>",
			"1.2 A:4000>B !CLOSED opened=0 cause=NORMAL by=client",
			"1.1 B>A:4000 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"60 tick"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 1.200 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed 1.200 "
			"NORMAL m=1 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 601.100 n=0 i=0 m=0 lost "
			"1.200 NORMAL"}},
	{"a call with credentials is a hint",
		{"0 A:4000>B INVITE tr=tls call=c1 f=909 t=600 | "
		 "Authorization: Digest username=\"sara\"",
			"0.1 A:4000>B !CLOSED opened=0 tr=tls cause=NORMAL "
			"by=client"},
		{"S 0.000 CONNECT CLIENT [] [] ; 10.0.0.1:4000 conn loose (no "
		 "registration on this connection; requests with the "
		 "credentials of sara)",
			"S 0.100 DISCONNECT CLIENT [] [] NORMAL; 10.0.0.1:4000 "
			"conn loose (no registration on this connection; "
			"requests with the credentials of sara)",
			"C 0.000 tls 10.0.0.1:4000>10.0.0.2:5060 closed 0.100 "
			"NORMAL m=1 b=0,0"}},
	{"the clock steps back",
		{"100 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"100.1 B>A 200 | Contact: "
			"<sip:909@10.0.0.1>;expires=60",
			"50 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1>",
			"50.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=60",
			"55 tick", "108 tick", "200 tick"},
		{"S 50.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 100.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 110.100 UNREGISTER SERVER [909] [Sara] expired; "
			"10.0.0.1:5060",
			"B 100.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 110.100 n=1 i=0 m=110 expired "
			"110.100"}},
	{"two agents with one connection each to tell of",
		{"0 A:4000>B REGISTER f=909 t=909 name=Sara call=r1 tr=tcp "
		 "node=one | Contact: <sip:909@10.0.0.1>",
			"0 A:4000>B REGISTER cs=1 node=two | Contact: "
			"<sip:909@10.0.0.1>",
			"0.1 B>A:4000 200 node=one | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "inferred",
			"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 "
			"conn inferred",
			"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 inferred m=1 "
			"b=0,0",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 inferred m=2 "
			"b=0,0",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 600.100 n=0 i=0 m=0"}},
	{"two agents, the second late with all",
		{"0 A:4000>B REGISTER f=909 t=909 name=Sara call=r1 tr=tcp "
		 "node=one | Contact: <sip:909@10.0.0.1>",
			"0.1 B>A:4000 200 node=one | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"0 A:4000>B REGISTER cs=1 node=two | Contact: "
			"<sip:909@10.0.0.1>",
			"0.1 B>A:4000 200 node=two | Contact: "
			"<sip:909@10.0.0.1>;expires=600"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn "
		 "inferred",
			"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 "
			"conn inferred",
			"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 inferred m=2 "
			"b=0,0",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 inferred m=2 "
			"b=0,0",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 600.100 n=0 i=0 m=0"}},
	{"overtaken by its successor",
		{"0 A>B REGISTER f=909 t=909 name=Sara call=r1 | Contact: "
		 "<sip:909@10.0.0.1>",
			"0.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"9 A>B REGISTER cs=3 | Contact: <sip:909@10.0.0.1>",
			"9.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=600",
			"5 A>B REGISTER cs=2 | Contact: <sip:909@10.0.0.1>",
			"5.1 B>A 200 | Contact: <sip:909@10.0.0.1>;expires=60"},
		{"S 0.100 REGISTER CLIENT [909] [Sara] 200 OK; 10.0.0.1:5060",
			"S 5.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"S 9.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:5060",
			"B 0.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:5060 until 609.100 n=1 i=9 m=591"}},
	{"as an agent with a name and a tap without",
		{"0 A:4000>B !OPENED",
			"1 A:4000>B REGISTER f=909 t=909 name=Sara call=r1 "
			"tr=tcp node=one | Contact: <sip:909@10.0.0.1>",
			"1.1 B>A:4000 200 node=one | Contact: "
			"<sip:909@10.0.0.1>;expires=600",
			"9 A:4000>B !CLOSED opened=0 cause=NORMAL by=client"},
		{"S 0.000 CONNECT CLIENT [909] [Sara] ; 10.0.0.1:4000 conn",
			"S 1.100 REGISTER CLIENT [909] [Sara] 200 OK; "
			"10.0.0.1:4000 conn",
			"S 9.000 DISCONNECT CLIENT [909] [Sara] NORMAL; "
			"10.0.0.1:4000 conn",
			"C 0.000 tcp 10.0.0.1:4000>10.0.0.2:5060 closed 9.000 "
			"NORMAL m=2 b=0,0",
			"B 1.100 909@example.com [Sara] sip:909@10.0.0.1; "
			"10.0.0.1:4000 conn until 601.100 n=0 i=0 m=0 lost "
			"9.000 NORMAL"}},
