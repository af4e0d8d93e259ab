/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SIP messages from short lines, for scenes under a fake clock:
 *
 *     struct scene s = {0};
 *     struct scene_msg m;
 *     scene_line(&s, "0     A>B INVITE call=c1 f=909 t=600", &m);
 *     scene_line(&s, "0.1   B>A 180", &m);
 *     scene_line(&s, "2     B>A 200", &m);
 *     scene_line(&s, "2.1   A>B ACK", &m);
 *     scene_line(&s, "9     B>A BYE rev=1 | Reason: Q.850;cause=16", &m);
 *     … m.msg and m.facts live until the next line
 *
 * A line: seconds since SCENE_NS, who>to whom, a method or a status, words
 * KEY=VALUE, and header fields behind bars. A party is a letter (A is
 * 10.0.0.1:5060, B 10.0.0.2:5060 …), a letter with a port (A:41234), or
 * ip:port.
 *
 *     call= f= t= ft=   Call-ID, users of From and To, From-tag: hold until
 *                       they are given again
 *     name=             display name of From: holds too
 *     tr=               udp tcp tls ws wss: holds too
 *     cs=               CSeq number; else 1, or what the last line had for
 *                       replies and ACK and CANCEL, and one more than the
 *                       last for other requests within the dialog
 *     m=                reply: method of CSeq; else that of the last request
 *     b=                branch; else one for each method and CSeq number
 *     tt=               To-tag; "-" none; else "tag" in replies above 100 and
 *                       requests within the dialog
 *     rev=1             From and To change places: a request of the callee,
 *                       and its replies (these need no rev)
 *     r=                user of the Request-URI, or all of it; else To's
 *     phrase=           reason phrase, _ for blank
 *     sdp=N             a body with session id N
 *     node=             agent that reported it
 *
 * An empty value, as "ft=", leaves the thing away.
 */
#ifndef EAR_TESTS_SCENE_H
#define EAR_TESTS_SCENE_H

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "message/msg.h"
#include "unit/table.h"

/** 2026-01-02 10:00:00 UTC */
#define SCENE_NS 1767348000000000000ULL

struct scene {
	char call[64], from[32], to[32], from_tag[32], name[48];
	char method[16]; /* of the last request */
	uint8_t transport;
	unsigned cseq;
	bool rev;
	bool begun;
};

struct scene_msg {
	struct ear_msg msg;
	struct ear_facts facts;
	char raw[2048];
	char node[32];
};

/* What one line says; -1 and NULL is nothing. */
struct scene_words {
	char method[16];
	char branch[120], to_tag[48], ruri[96], phrase[64];
	int status, rev, sdp;
	bool has_branch, has_to_tag, has_cseq, has_method;
};

static inline uint64_t scene_at(double seconds)
{
	return SCENE_NS + (uint64_t)(seconds * 1e6 + 0.5) * EAR_US_NS;
}

static inline struct ear_addr scene_party(const char *text)
{
	uint8_t ip[4] = {10, 0, 0, (uint8_t)(text[0] - 'A' + 1)};
	struct ear_addr addr;

	if (text[0] >= 'A' && text[0] <= 'Z')
		return ear_addr_v4(
			ip, (uint16_t)(text[1] == ':' ? atoi(text + 2) : 5060));
	if (ear_addr_parse(ear_slice_str(text), &addr))
		fail_msg("scene: no address: %s", text);
	return addr;
}

static inline bool scene_in_dialog(const char *method)
{
	return strcmp(method, "INVITE") && strcmp(method, "CANCEL") &&
	       strcmp(method, "REGISTER") && strcmp(method, "OPTIONS") &&
	       strcmp(method, "MESSAGE") && strcmp(method, "SUBSCRIBE") &&
	       strcmp(method, "PUBLISH");
}

static inline void scene_copy(char *to, size_t room, const char *text)
{
	snprintf(to, room, "%s", text);
	for (; *to; to++) {
		if (*to == '_')
			*to = ' ';
	}
}

static inline void scene_word(struct scene *s, struct scene_words *w,
	struct scene_msg *m, const char *key, const char *value)
{
	const struct {
		const char *key;
		char *to;
		size_t room;
		bool *has;
	} texts[] = {
		{"call", s->call, sizeof(s->call), NULL},
		{"f", s->from, sizeof(s->from), NULL},
		{"t", s->to, sizeof(s->to), NULL},
		{"ft", s->from_tag, sizeof(s->from_tag), NULL},
		{"b", w->branch, sizeof(w->branch), &w->has_branch},
		{"tt", w->to_tag, sizeof(w->to_tag), &w->has_to_tag},
		{"r", w->ruri, sizeof(w->ruri), NULL},
		{"m", w->method, sizeof(w->method), &w->has_method},
		{"node", m->node, sizeof(m->node), NULL},
	};

	for (size_t i = 0; i < ROWS(texts); i++) {
		if (strcmp(key, texts[i].key))
			continue;
		snprintf(texts[i].to, texts[i].room, "%s", value);
		if (texts[i].has)
			*texts[i].has = true;
		return;
	}
	if (!strcmp(key, "name")) {
		scene_copy(s->name, sizeof(s->name), value);
	} else if (!strcmp(key, "phrase")) {
		scene_copy(w->phrase, sizeof(w->phrase), value);
	} else if (!strcmp(key, "tr")) {
		s->transport = (uint8_t)ear_transport_of(ear_slice_str(value));
	} else if (!strcmp(key, "cs")) {
		s->cseq = (unsigned)atoi(value);
		w->has_cseq = true;
	} else if (!strcmp(key, "rev")) {
		w->rev = atoi(value);
	} else if (!strcmp(key, "sdp")) {
		w->sdp = atoi(value);
	} else {
		fail_msg("scene: what is %s?", key);
	}
}

static inline const char *scene_phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {{100, "Trying"}, {180, "Ringing"},
		{183, "Session Progress"}, {200, "OK"}, {202, "Accepted"},
		{302, "Moved Temporarily"}, {401, "Unauthorized"},
		{403, "Forbidden"}, {404, "Not Found"},
		{407, "Proxy Authentication Required"},
		{408, "Request Timeout"}, {423, "Interval Too Brief"},
		{480, "Temporarily Unavailable"}, {486, "Busy Here"},
		{487, "Request Terminated"}, {503, "Service Unavailable"},
		{600, "Busy Everywhere"}, {603, "Decline"}};

	for (size_t i = 0; i < ROWS(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return "Reason";
}

/* CSeq, direction and To-tag as they follow from what was before. */
static inline void scene_settle(struct scene *s, struct scene_words *w)
{
	if (w->status) {
		if (!w->has_method)
			snprintf(w->method, sizeof(w->method), "%s", s->method);
		if (w->rev < 0)
			w->rev = s->rev;
		if (!w->has_to_tag && w->status > 100)
			strcpy(w->to_tag, "tag");
		return;
	}
	if (!w->has_cseq && strcmp(w->method, "ACK") &&
		strcmp(w->method, "CANCEL"))
		s->cseq = s->begun && scene_in_dialog(w->method) ? s->cseq + 1
								 : 1;
	w->rev = w->rev > 0;
	s->rev = w->rev;
	s->begun = true;
	if (strcmp(w->method, "ACK"))
		snprintf(s->method, sizeof(s->method), "%s", w->method);
	if (!w->has_to_tag && scene_in_dialog(w->method))
		strcpy(w->to_tag, "tag");
}

static inline size_t scene_first_line(const struct scene *s,
	const struct scene_words *w, char *raw, size_t room)
{
	if (w->status)
		return (size_t)snprintf(raw, room, "SIP/2.0 %d %s\r\n",
			w->status,
			w->phrase[0] ? w->phrase : scene_phrase(w->status));
	if (strchr(w->ruri, ':'))
		return (size_t)snprintf(
			raw, room, "%s %s SIP/2.0\r\n", w->method, w->ruri);
	if (!strcmp(w->method, "REGISTER"))
		return (size_t)snprintf(
			raw, room, "REGISTER sip:example.com SIP/2.0\r\n");
	return (size_t)snprintf(raw, room, "%s sip:%s@example.com SIP/2.0\r\n",
		w->method,
		w->ruri[0] ? w->ruri
		: w->rev   ? s->from
			   : s->to);
}

static inline size_t scene_party_line(char *out, size_t room,
	const char *header, const char *name, const char *user, const char *tag)
{
	return (size_t)snprintf(out, room,
		"%s: %s%s%s<sip:%s@example.com>%s%s\r\n", header,
		name[0] ? "\"" : "", name, name[0] ? "\" " : "", user,
		tag[0] && strcmp(tag, "-") ? ";tag=" : "",
		strcmp(tag, "-") ? tag : "");
}

static inline void scene_write(struct scene *s, struct scene_words *w,
	const char *headers, struct scene_msg *m)
{
	char *raw = m->raw, body[300] = "";
	const size_t room = sizeof(m->raw);
	size_t n = scene_first_line(s, w, raw, room);
	const char *first = w->rev ? "To" : "From",
		   *second = w->rev ? "From" : "To";

	if (!w->has_branch)
		snprintf(w->branch, sizeof(w->branch), "z9hG4bK%s%u%s", s->call,
			s->cseq,
			strcmp(w->method, "CANCEL") ? w->method : "INVITE");
	if (w->branch[0])
		n += (size_t)snprintf(raw + n, room - n,
			"Via: SIP/2.0/UDP a.example.com;branch=%s\r\n",
			w->branch);
	n += scene_party_line(
		raw + n, room - n, first, s->name, s->from, s->from_tag);
	n += scene_party_line(raw + n, room - n, second, "", s->to, w->to_tag);
	n += (size_t)snprintf(raw + n, room - n,
		"Call-ID: %s\r\nCSeq: %u %s\r\n", s->call, s->cseq, w->method);
	while (*headers) {
		size_t line = strcspn(headers, "|");
		struct ear_slice text =
			ear_slice_trim(ear_slice(headers, line));

		n += (size_t)snprintf(
			raw + n, room - n, "%.*s\r\n", EAR_FMT(text));
		headers += line + (headers[line] == '|');
	}
	if (w->sdp)
		snprintf(body, sizeof(body),
			"v=0\r\no=- %d 1 IN IP4 10.0.0.9\r\ns=-\r\n"
			"c=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio %d RTP/AVP "
			"8\r\n",
			w->sdp, 10000 + w->sdp % 50000);
	n += (size_t)snprintf(raw + n, room - n,
		"%sContent-Length: %zu\r\n\r\n%s",
		w->sdp ? "Content-Type: application/sdp\r\n" : "", strlen(body),
		body);
	assert_true(n < room);
	m->msg.raw = ear_slice(raw, n);
}

/** Make the message of a line. */
static inline void scene_line(
	struct scene *s, const char *line, struct scene_msg *m)
{
	struct scene_words w = {.rev = -1};
	char text[600], *words = text, *token, *end, *to;
	const char *headers = strchr(line, '|');
	size_t n = headers ? (size_t)(headers - line) : strlen(line);

	if (!s->call[0])
		*s = (struct scene){.call = "c1",
			.from = "909",
			.to = "600",
			.from_tag = "ft",
			.method = "INVITE",
			.transport = EAR_TR_UDP,
			.cseq = 1};
	assert_true(n < sizeof(text));
	memcpy(text, line, n);
	text[n] = '\0';
	*m = (struct scene_msg){0};
	m->msg.at_ns = scene_at(strtod(strtok_r(text, " ", &words), &end));
	m->msg.seen_ns = m->msg.at_ns;
	token = strtok_r(NULL, " ", &words);
	to = strchr(token, '>');
	*to++ = '\0';
	m->msg.src = scene_party(token);
	m->msg.dst = scene_party(to);
	token = strtok_r(NULL, " ", &words);
	w.status = atoi(token);
	if (!w.status)
		snprintf(w.method, sizeof(w.method), "%s", token);
	while ((token = strtok_r(NULL, " ", &words)) != NULL) {
		char *value = strchr(token, '=');

		assert_non_null(value);
		*value++ = '\0';
		scene_word(s, &w, m, token, value);
	}
	scene_settle(s, &w);
	scene_write(s, &w, headers ? headers + 1 : "", m);
	m->msg.proto = EAR_PROTO_SIP;
	m->msg.transport = s->transport;
	m->msg.ip_proto = s->transport == EAR_TR_UDP ? 17 : 6;
	m->msg.node = ear_slice_str(m->node);
	ear_msg_facts(&m->msg, &m->facts);
}

#endif
