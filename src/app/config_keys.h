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
#ifndef EAR_APP_CONFIG_KEYS_H
#define EAR_APP_CONFIG_KEYS_H

/* clang-format off */
#define EAR_CONFIG_SECTIONS(S) \
	S(listener, MULTI, \
	  "Where messages come in; give as many as you like. " \
	  "Without any: hep-udp and hep-tcp on 127.0.0.1:9060, " \
	  "hep-tls on 127.0.0.1:9061.") \
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

#define EAR_CONFIG_store(K) \
	K(store, segment_size, SIZE, "4G", 1048576, 1099511627776LL, "bytes", \
	  "Messages, as received, in one segment file before the " \
	  "next begins.") \
	K(store, segment_time, TIME, "24h", 1000000000LL, 2592000000000000LL, "time", \
	  "Most time in one segment file.") \
	K(store, commit, TIME, "250ms", 10000000, 5000000000LL, "time", \
	  "Most time between arrival and being found by a search.") \
	K(store, threads, INT, "0", 0, 64, "threads", \
	  "Threads that compress; 0 is one a processor, at most 8.")

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
	K(console, session_idle, TIME, "12h", 60000000000LL, 2592000000000000LL, "time", \
	  "A log-in that is not used for this long ends.") \
	K(console, host_names, LIST, "", 0, 64, "names", \
	  "Names by which browsers reach it, besides its address.")

#define EAR_CONFIG_privacy(K) \
	K(privacy, mask_secrets, BOOL, "true", 0, 0, "true or false", \
	  "Blank passwords, digest responses, tokens and SDP keys " \
	  "with as many x. false keeps messages to the byte.")

#define EAR_CONFIG_log(K) \
	K(log, level, WORD, "notice", 0, 0, "debug, info, notice, warning, error", \
	  "Least level that is written.")

/* clang-format on */

#endif
