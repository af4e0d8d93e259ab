/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The configuration file: every key, once. The structs, the reader,
 * `check-config --keys` and the manual page come from these rows.
 *
 *     S(section, MULTI or SINGLE, "help")
 *     K(section, key, TYPE, "default", least, most, "unit", "help")
 *
 * TYPE is INT, SIZE (bytes, written with units), TIME (ns, written with
 * units), BOOL, TEXT, WORD (one of those in "unit"), ADDR (ip:port), LIST (of
 * texts; most is how many) or NETS (a list of addresses and networks). A
 * section that is MULTI has a title and may stand more than once.
 */
#ifndef EAR_CONFIG_KEYS_H
#define EAR_CONFIG_KEYS_H

/* clang-format off */
#define EAR_CONFIG_SECTIONS(S) \
	S(listener, MULTI, \
	  "Where messages come in; give as many as you like. " \
	  "Without any: hep-udp and hep-tcp on 127.0.0.1:9060, " \
	  "hep-tls on 127.0.0.1:9061.") \
	S(capture, MULTI, \
	  "Packets from a network device: SIP over UDP, TCP, SCTP and " \
	  "WebSocket, TLS with a key log, HEP, and the connections that " \
	  "carry it. Needs CAP_NET_RAW when the server starts.") \
	S(store, SINGLE, \
	  "The embedded store.") \
	S(retention, SINGLE, \
	  "How long messages are kept; the first limit that is " \
	  "reached makes the oldest segment go.") \
	S(journal, SINGLE, \
	  "What was received and is not yet in the store.") \
	S(console, SINGLE, \
	  "The web console and its HTTP API.") \
	S(privacy, SINGLE, \
	  "What is blanked before messages are stored.") \
	S(siptrace, SINGLE, \
	  "Tracing as a whole.") \
	S(trace, MULTI, \
	  "A standing trace: follows what a rule names, for as long as it " \
	  "stands here. Orders that end by themselves are started with " \
	  "`earshot ctl trace start` or on the console.") \
	S(recorder, SINGLE, \
	  "The flight recorder: the last minutes of what no rule asked " \
	  "for, in memory, for traces with keep_before.") \
	S(mirror, MULTI, \
	  "A copy of messages for a collector, in HEP or as plain SIP.") \
	S(sql, MULTI, \
	  "Rows in an SQL database, as siptrace writes them, through " \
	  "unixODBC.") \
	S(hook, SINGLE, \
	  "A Lua script that sees each message before anything is " \
	  "decided.") \
	S(records, SINGLE, \
	  "What trackers find out: SIP sessions, accounts, calls, " \
	  "connections, in DIR/records.db.") \
	S(calls, SINGLE, \
	  "How calls are told and what their outcome is called.") \
	S(sessions, SINGLE, \
	  "How registrations and connections are told.") \
	S(control, SINGLE, \
	  "The control socket, DIR/control.sock.") \
	S(log, SINGLE, \
	  "Log lines on standard error.")

#define EAR_CONFIG_listener(K) \
	K(listener, transport, WORD, "udp", 0, 0, "udp, tcp or tls", \
	  "How senders reach it. HEP 3 over tcp and tls; HEP 1, 2, " \
	  "3, plain SIP duplicates and keep-alives over udp.") \
	K(listener, address, ADDR, "127.0.0.1:9060", 0, 0, "ip:port", \
	  "Address to listen on; 0.0.0.0:9060 or [::]:9060 opens it " \
	  "to the network.") \
	K(listener, threads, INT, "2", 1, 64, "threads", \
	  "Receive threads, each with its own socket and journal " \
	  "lane.") \
	K(listener, auth_key, TEXT, "", 0, 255, "text", \
	  "What HEP 3 senders must send as authentication key; " \
	  "empty asks for none.") \
	K(listener, allow, NETS, "", 0, 1024, "addresses and networks", \
	  "Senders to take from, as {\"10.0.0.0/8\", " \
	  "\"2001:db8::1\"}; empty takes from all.") \
	K(listener, receive_buffer, SIZE, "32M", 65536, 1073741824LL, "bytes", \
	  "Kernel buffer of each UDP socket.") \
	K(listener, certificate, TEXT, "", 0, 0, "file", \
	  "TLS certificate (PEM); empty makes a self-signed one " \
	  "under the data directory.") \
	K(listener, private_key, TEXT, "", 0, 0, "file", \
	  "TLS private key (PEM).") \
	K(listener, max_connections, INT, "1024", 1, 65536, "connections", \
	  "Most connections at once.") \
	K(listener, idle, TIME, "1h", 1000000000LL, 604800000000000LL, "time", \
	  "A connection that is silent for this long is closed.")

#define EAR_CONFIG_capture(K) \
	K(capture, device, TEXT, "", 0, 0, "device", \
	  "Network device, as eth0; any is all of them.") \
	K(capture, filter, TEXT, "", 0, 0, "BPF filter", \
	  "What of its packets, as for tcpdump: \"port 5060 or port 5061\". " \
	  "Empty is all, which is much where media flows.") \
	K(capture, promiscuous, BOOL, "true", 0, 0, "true or false", \
	  "Also packets for others, as a mirror port brings them.") \
	K(capture, snaplen, SIZE, "256k", 96, 1048576, "bytes", \
	  "Most of a packet that is looked at.") \
	K(capture, buffer, SIZE, "64M", 1048576, 2147483647LL, "bytes", \
	  "Ring shared with the kernel; what finds no room there is " \
	  "dropped and counted.") \
	K(capture, user, TEXT, "", 0, 255, "user", \
	  "User that the server becomes once all devices are open, the same " \
	  "in all sections that name one; empty: it stays who it is.") \
	K(capture, connections, INT, "65536", 16, 4194304, "connections", \
	  "TCP connections followed at once.") \
	K(capture, idle, TIME, "15m", 1000000000LL, 604800000000000LL, "time", \
	  "A TCP connection that is silent for this long is given up.") \
	K(capture, keylog, TEXT, "", 0, 0, "file", \
	  "TLS key log (SSLKEYLOGFILE), read as it grows; keys are never " \
	  "kept.") \
	K(capture, tls_ports, LIST, "", 0, 16, "ports", \
	  "Ports beside 5060 to 5099 that serve SIP, as {\"443\"}: their " \
	  "connections are told of even where TLS hides what they carry.") \
	K(capture, node, TEXT, "", 0, 255, "text", \
	  "Name of this capture in its messages.") \
	K(capture, capture_id, INT, "0", 0, 4294967295LL, "number", \
	  "Capture agent id of its messages.") \
	K(capture, enabled, BOOL, "true", 0, 0, "true or false", \
	  "false: off.")

#define EAR_CONFIG_store(K) \
	K(store, segment_size, SIZE, "4G", 1048576, 1099511627776LL, "bytes", \
	  "Messages, as received, in one segment file before the " \
	  "next begins.") \
	K(store, segment_time, TIME, "24h", 1000000000LL, 2592000000000000LL, "time", \
	  "Most time in one segment file.") \
	K(store, commit, TIME, "250ms", 10000000, 5000000000LL, "time", \
	  "Most time between arrival and being found by a search.") \
	K(store, threads, INT, "0", 0, 64, "threads", \
	  "Threads that compress; 0 is one a processor, at most 8.") \
	K(store, keep, TEXT, "all", 0, 0, "all, traced or an expression", \
	  "What is kept: everything, what traces take, or what traces " \
	  "take and this expression matches. The rest passes through " \
	  "the flight recorder.")

#define EAR_CONFIG_retention(K) \
	K(retention, max_age, TIME, "30d", 0, 3153600000000000000LL, "time", \
	  "Age of a segment's last message; 0s is no limit.") \
	K(retention, max_size, SIZE, "0", 0, 1125899906842624LL, "bytes", \
	  "All segments together; 0 is no limit.") \
	K(retention, min_free, SIZE, "1G", 0, 1125899906842624LL, "bytes", \
	  "Space to leave free on the disk.")

#define EAR_CONFIG_journal(K) \
	K(journal, max_size, SIZE, "4G", 67108864, 1099511627776LL, "bytes", \
	  "When it is full, what comes is dropped and counted.") \
	K(journal, min_free, SIZE, "256M", 0, 1125899906842624LL, "bytes", \
	  "Space to leave free on the disk; kept below that of the " \
	  "store, so that the journal outlasts it.") \
	K(journal, sync, TIME, "1s", 0, 60000000000LL, "time", \
	  "How often it is forced to the platter; 0s never. A crash " \
	  "of the program alone loses nothing either way.")

#define EAR_CONFIG_console(K) \
	K(console, enabled, BOOL, "true", 0, 0, "true or false", \
	  "Serve it.") \
	K(console, address, ADDR, "127.0.0.1:9080", 0, 0, "ip:port", \
	  "Address to listen on.") \
	K(console, certificate, TEXT, "", 0, 0, "file", \
	  "TLS certificate (PEM); empty serves plain HTTP.") \
	K(console, private_key, TEXT, "", 0, 0, "file", \
	  "TLS private key (PEM).") \
	K(console, tls, BOOL, "false", 0, 0, "true or false", \
	  "Serve TLS also without a certificate: a self-signed one is made " \
	  "under the data directory.") \
	K(console, session_idle, TIME, "12h", 60000000000LL, 2592000000000000LL, "time", \
	  "A log-in that is not used for this long ends.") \
	K(console, host_names, LIST, "", 0, 64, "names", \
	  "Names by which browsers reach it, besides its address.") \
	K(console, trusted_proxies, NETS, "", 0, 64, "addresses and networks", \
	  "Proxies before it, whose X-Forwarded-For and X-Forwarded-Proto " \
	  "are believed.") \
	K(console, lock_after, INT, "10", 0, 1000, "failures", \
	  "So many failed log-ins lock a name for the address they came " \
	  "from; 0 never locks.") \
	K(console, lock_for, TIME, "15m", 1000000000LL, 2592000000000000LL, "time", \
	  "How long; `earshot user unlock` ends it sooner.") \
	K(console, metrics, WORD, "local", 0, 0, "local, token, open or off", \
	  "Who may read /metrics: this machine and whoever is logged in or " \
	  "has a token; only the latter; everybody; nobody.")

#define EAR_CONFIG_privacy(K) \
	K(privacy, mask_secrets, BOOL, "true", 0, 0, "true or false", \
	  "Blank passwords, digest responses, tokens and SDP keys " \
	  "with as many x. false keeps messages to the byte.")

#define EAR_CONFIG_siptrace(K) \
	K(siptrace, on, BOOL, "true", 0, 0, "true or false", \
	  "The global switch when the server starts the first time; " \
	  "`earshot ctl siptrace.status` turns it, and what it says " \
	  "then survives a restart. Off: traces take nothing.") \
	K(siptrace, max_open, INT, "100000", 100, 10000000, "conversations", \
	  "Transactions and dialogs that all traces together follow at " \
	  "once.")

#define EAR_CONFIG_trace(K) \
	K(trace, rule, TEXT, "", 0, 0, "expression", \
	  "What it takes, as for `earshot search`; empty takes all.") \
	K(trace, scope, WORD, "message", 0, 0, "message, transaction or dialog", \
	  "What belongs to a message that it took.") \
	K(trace, traced_user, LIST, "", 0, 16, "texts", \
	  "One row more in sip_trace for each; {from.user} and other " \
	  "fields in braces are filled in.") \
	K(trace, table, TEXT, "", 0, 64, "text", \
	  "Table for its rows in SQL databases; empty is their own.") \
	K(trace, mirrors, LIST, "", 0, 16, "names", \
	  "Mirrors and sql sections that get its messages; empty: all " \
	  "whose take is traced.") \
	K(trace, correlation, TEXT, "", 0, 255, "text", \
	  "Correlation id of its messages, fields in braces filled in; " \
	  "empty is the Call-ID.") \
	K(trace, keep_before, TIME, "0s", 0, 86400000000000LL, "time", \
	  "Take this much of the conversation from before the message " \
	  "that began it, out of the flight recorder.") \
	K(trace, max_messages, INT, "0", 0, 1000000000000LL, "messages", \
	  "Ends after so many; 0 never.") \
	K(trace, max_size, SIZE, "0", 0, 1125899906842624LL, "bytes", \
	  "Ends after so many bytes of messages; 0 never.") \
	K(trace, dialog_ack, BOOL, "true", 0, 0, "true or false", \
	  "Scope dialog takes ACKs too.") \
	K(trace, dialog_spiral, BOOL, "true", 0, 0, "true or false", \
	  "Scope dialog takes further passes of the first INVITE " \
	  "through the same server.") \
	K(trace, on, BOOL, "true", 0, 0, "true or false", \
	  "Whether it begins switched on.") \
	K(trace, why, TEXT, "", 0, 255, "text", \
	  "What it is for, shown to people.")

#define EAR_CONFIG_recorder(K) \
	K(recorder, size, SIZE, "64M", 0, 1099511627776LL, "bytes", \
	  "Memory it takes; 0 turns it off. It runs only when " \
	  "something wants it: a trace with keep_before, or a store " \
	  "that does not keep all.") \
	K(recorder, keep, TIME, "5m", 1000000000LL, 86400000000000LL, "time", \
	  "Age after which messages go.")

#define EAR_CONFIG_mirror(K) \
	K(mirror, to, TEXT, "", 0, 0, "uri", \
	  "hep:HOST:PORT or sip:HOST:PORT, with ;transport=udp, tcp or " \
	  "tls behind it; udp and port 9060 (sip: 5060) where nothing is " \
	  "said. Names are looked up again at each connection.") \
	K(mirror, take, WORD, "all", 0, 0, "all or traced", \
	  "All messages, or those that traces took.") \
	K(mirror, filter, TEXT, "", 0, 0, "expression", \
	  "Only what matches.") \
	K(mirror, version, INT, "3", 1, 3, "HEP version", \
	  "1, 2 or 3.") \
	K(mirror, capture_id, INT, "0", 0, 4294967295LL, "number", \
	  "Capture agent id; 0 keeps what messages came with, else 1.") \
	K(mirror, auth_key, TEXT, "", 0, 255, "text", \
	  "HEP 3 authentication key.") \
	K(mirror, node, TEXT, "", 0, 255, "text", \
	  "HEP 3 node name; empty keeps what messages came with.") \
	K(mirror, correlation, TEXT, "", 0, 255, "text", \
	  "HEP 3 correlation id, fields in braces filled in; empty is " \
	  "that of the trace or message, else the Call-ID.") \
	K(mirror, from, TEXT, "", 0, 0, "ip, ip:port or name", \
	  "Local address to send from, or the name of a listener whose " \
	  "address it is.") \
	K(mirror, local_address, TEXT, "", 0, 0, "proto:ip:port", \
	  "Replaces the local side of each message: the source of what " \
	  "went out, the destination of what came in.") \
	K(mirror, advertise, LIST, "", 0, 64, "ip:port=ip:port", \
	  "Addresses of messages to replace by those that are " \
	  "advertised, as {\"10.0.0.1:5060=198.51.100.7:5060\"}; without " \
	  "ports all ports are meant.") \
	K(mirror, xheaders, BOOL, "true", 0, 0, "true or false", \
	  "SIP duplicates carry X-Siptrace headers.") \
	K(mirror, max_hops, INT, "8", 1, 64, "hops", \
	  "What came through more Earshots than that is not mirrored " \
	  "again: the loop guard.") \
	K(mirror, legacy_tls, BOOL, "false", 0, 0, "true or false", \
	  "Write protocol 22 for tls, ws and wss, as Kamailio does.") \
	K(mirror, ca, TEXT, "", 0, 0, "file", \
	  "TLS: certificates (PEM) to trust; empty: the system's.") \
	K(mirror, verify, BOOL, "true", 0, 0, "true or false", \
	  "TLS: whether the collector must show a certificate of its " \
	  "name that is trusted.") \
	K(mirror, certificate, TEXT, "", 0, 0, "file", \
	  "TLS: certificate (PEM) to show.") \
	K(mirror, private_key, TEXT, "", 0, 0, "file", \
	  "TLS: its private key (PEM).") \
	K(mirror, acknowledge, BOOL, "true", 0, 0, "true or false", \
	  "Over tcp and tls ask the collector to say what it has " \
	  "accepted, as Earshot does; others do not answer, and what " \
	  "their kernel has acknowledged then counts as delivered.") \
	K(mirror, spool, SIZE, "1G", 67108864, 1099511627776LL, "bytes", \
	  "Disk space for what the collector has not taken yet; what " \
	  "comes when it is full is lost for this mirror, and counted. " \
	  "So is what comes when the disk has less free than an eighth " \
	  "more than min_free of retention: copies do not cost the store.") \
	K(mirror, enabled, BOOL, "true", 0, 0, "true or false", \
	  "false: off; what is spooled stays.")

#define EAR_CONFIG_sql(K) \
	K(sql, url, TEXT, "", 0, 0, "url", \
	  "postgres://USER:PASSWORD@HOST:PORT/DATABASE or the same with mysql://, as " \
	  "siptrace's db_url; or an ODBC connection string, as " \
	  "\"DSN=traces\".") \
	K(sql, take, WORD, "all", 0, 0, "all or traced", \
	  "All messages, or those that traces took.") \
	K(sql, filter, TEXT, "", 0, 0, "expression", \
	  "Only what matches.") \
	K(sql, table, TEXT, "sip_trace", 0, 64, "text", \
	  "Table for messages whose trace names none.") \
	K(sql, mode, WORD, "batch", 0, 0, "each, batch or async", \
	  "each: one insert and commit a message; batch: many rows at a " \
	  "time, in one transaction; async: batches over several " \
	  "connections, in no order.") \
	K(sql, batch, INT, "1000", 1, 100000, "rows", \
	  "Most rows at a time.") \
	K(sql, delay, TIME, "1s", 0, 60000000000LL, "time", \
	  "Most time that rows wait for more.") \
	K(sql, workers, INT, "2", 1, 16, "connections", \
	  "Connections of mode async.") \
	K(sql, create, BOOL, "false", 0, 0, "true or false", \
	  "Make tables that are not there; else they must be, with their " \
	  "version in the table named version.") \
	K(sql, columns, LIST, "", 0, 16, "name=name", \
	  "Other names of columns, as {\"callid=call_id\", \"msg=text\"}.") \
	K(sql, utc, BOOL, "false", 0, 0, "true or false", \
	  "time_stamp in UTC; else in the local zone, as siptrace does.") \
	K(sql, spool, SIZE, "1G", 67108864, 1099511627776LL, "bytes", \
	  "Disk space for what the database has not taken yet.") \
	K(sql, enabled, BOOL, "true", 0, 0, "true or false", \
	  "false: off; what is spooled stays. (trace_to_database)")

#define EAR_CONFIG_hook(K) \
	K(hook, script, TEXT, "", 0, 0, "file", \
	  "Lua 5.4 script with a function on_message(msg); empty: none.") \
	K(hook, max_instructions, INT, "100000", 1000, 1000000000LL, "instructions", \
	  "Most for one message; then it goes on as without a script.") \
	K(hook, max_memory, SIZE, "16M", 1048576, 1073741824LL, "bytes", \
	  "Memory of the script, all told.")

#define EAR_CONFIG_records(K) \
	K(records, keep, BOOL, "true", 0, 0, "true or false", \
	  "Keep them; false runs no trackers.") \
	K(records, max_age, TIME, "400d", 0, 3153600000000000000LL, "time", \
	  "Age after which rows go; 0s is no limit.") \
	K(records, max_size, SIZE, "0", 0, 1125899906842624LL, "bytes", \
	  "The whole file; the oldest rows go first; 0 is no limit.")

#define EAR_CONFIG_calls(K) \
	K(calls, dispositions, LIST, "", 0, 64, "status=DISPOSITION", \
	  "Before the built-in table, as {\"603=NO_ANSWER\", " \
	  "\"500-599=BUSY\", \"480=NO_ANSWER if rang\"}; a status that asks " \
	  "for ringing and did not have it is FAILED.") \
	K(calls, src, WORD, "from", 0, 0, "from or auth", \
	  "Who called: the user of From, or who authenticated where that " \
	  "is known.") \
	K(calls, join_legs, BOOL, "true", 0, 0, "true or false", \
	  "Find the legs of a call through a B2BUA.") \
	K(calls, silent, TIME, "4h", 60000000000LL, 2592000000000000LL, "time", \
	  "A call without a sign of life for this long, and without a " \
	  "session timer that says otherwise, is ended as estimated.") \
	K(calls, max_open, INT, "250000", 100, 10000000, "calls", \
	  "Calls followed at once.")

#define EAR_CONFIG_sessions(K) \
	K(sessions, silent, TIME, "15m", 1000000000LL, 2592000000000000LL, "time", \
	  "An inferred connection ends after this, or with the last " \
	  "registration over it where that is later.") \
	K(sessions, max_bindings, INT, "2000000", 100, 100000000, "bindings", \
	  "Registrations followed at once.") \
	K(sessions, max_connections, INT, "1000000", 100, 100000000, "connections", \
	  "Connections followed at once.")

#define EAR_CONFIG_control(K) \
	K(control, group, TEXT, "", 0, 0, "group", \
	  "Group that may use the socket besides its owner; empty: that " \
	  "of the process.")

#define EAR_CONFIG_log(K) \
	K(log, level, WORD, "notice", 0, 0, "debug, info, notice, warning, error", \
	  "Least level that is written.")

/* clang-format on */

#endif
