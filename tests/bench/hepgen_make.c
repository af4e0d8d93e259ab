/* SPDX-License-Identifier: Apache-2.0 */
#include "hepgen_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "proto/hep.h"
#include "proto/hep_write.h"

/*
 * Fields of a dialog. Each stands in a template as '@' and its letter and has
 * the width of its text.
 */
enum field {
	CALL_ID,  /* I */
	FROM_TAG, /* F */
	TO_TAG,   /* T */
	BRANCH,   /* B; another one for each transaction */
	USER,     /* U */
	PEER,     /* P */
	USER_IP,  /* A */
	PEER_IP,  /* E */
	NONCE,    /* N */
	RESPONSE, /* R */
	SESSION,  /* X */
	FIELDS
};

static const struct {
	char letter;
	uint8_t width;
	uint8_t at; /* in struct dialog's text */
} fields[FIELDS] = {
	{'I', 24, 0},
	{'F', 10, 24},
	{'T', 10, 34},
	{'B', 16, 44},
	{'U', 5, 60},
	{'P', 5, 65},
	{'A', 14, 70},
	{'E', 14, 84},
	{'N', 32, 98},
	{'R', 32, 130},
	{'X', 10, 162},
};
#define TEXT_BYTES 172

#define PROXY_IP "10.0.0.5"
#define DOMAIN "voice.example.net"

/* --- the messages ------------------------------------------------------- */

/* The user is behind an edge proxy, whose Via stands first. */
#define VIA_EDGE                                             \
	"Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK@B.0;" \
	"received=10.0.0.9;i=@F\r\n"
#define VIA_USER VIA_EDGE "Via: SIP/2.0/UDP @A:5060;branch=z9hG4bK@B;rport\r\n"
#define VIA_SEEN                                                         \
	VIA_EDGE "Via: SIP/2.0/UDP @A:5060;branch=z9hG4bK@B;rport=5060;" \
		 "received=@A\r\n"
#define FROM "From: \"Extension @U\" <sip:@U@" DOMAIN ">;tag=@F\r\n"
#define TO "To: <sip:@P@" DOMAIN ">\r\n"
#define TO_TAGGED "To: <sip:@P@" DOMAIN ">;tag=@T\r\n"
#define TO_SELF "To: <sip:@U@" DOMAIN ">\r\n"
#define TO_SELF_TAGGED "To: <sip:@U@" DOMAIN ">;tag=@T\r\n"
#define CALL           \
	"Call-ID: @I@" \
	"@A\r\n"
#define ROUTE "Record-Route: <sip:" PROXY_IP ";lr;did=@X>\r\n"
#define CONTACT_USER        \
	"Contact: <sip:@U@" \
	"@A:5060;transport=udp>\r\n"
#define CONTACT_PEER        \
	"Contact: <sip:@P@" \
	"@E:5060;transport=udp>\r\n"
#define PHONE "User-Agent: Yealink SIP-T46U 108.86.0.20\r\n"
#define PEER_PHONE "User-Agent: snomD785/10.1.141.13\r\n"
#define SERVER "Server: proxy (5.6.3 (x86_64/linux))\r\n"
#define ALLOW                                                                \
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, MESSAGE, " \
	"SUBSCRIBE, INFO, UPDATE, PRACK\r\n"
#define SUPPORTED "Supported: replaces, 100rel, timer, norefersub\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define DIGEST                                                        \
	"Authorization: Digest username=\"@U\", realm=\"" DOMAIN      \
	"\", nonce=\"@N\", uri=\"sip:" DOMAIN "\", response=\"@R\", " \
	"algorithm=MD5, qop=auth, nc=00000001, cnonce=\"@F\"\r\n"
#define CHALLENGE                                  \
	"WWW-Authenticate: Digest realm=\"" DOMAIN \
	"\", nonce=\"@N\", qop=\"auth\", algorithm=MD5\r\n"
/* The number of the extension serves as the port of the media. */
#define SDP(ip)                                                        \
	"v=0\r\no=- @X @X IN IP4 " ip "\r\ns=call\r\nc=IN IP4 " ip     \
	"\r\nt=0 0\r\nm=audio @U RTP/AVP 9 8 0 18 101\r\n"             \
	"a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n"             \
	"a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n"            \
	"a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\n" \
	"a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"

enum kind {
	REGISTER,
	REGISTER_401,
	REGISTER_AUTH,
	REGISTER_200,
	INVITE,
	INVITE_100,
	INVITE_180,
	INVITE_200,
	INVITE_486,
	ACK,
	ACK_486,
	BYE,
	BYE_200,
	OPTIONS,
	OPTIONS_200,
	MESSAGE,
	MESSAGE_200,
	KINDS
};

/* "@L" is the Content-Length of what follows the empty line, 3 digits. */
static const struct {
	const char *text;
	bool out; /* the proxy sends it to the user */
} messages[KINDS] = {
	[REGISTER] = {"REGISTER sip:" DOMAIN " SIP/2.0\r\n" VIA_USER
		      "Max-Forwards: 70\r\n" FROM TO_SELF CALL
		      "CSeq: 1 REGISTER\r\n" CONTACT_USER
		      "Expires: 600\r\n" ALLOW SUPPORTED PHONE EMPTY},
	[REGISTER_401] = {"SIP/2.0 401 Unauthorized\r\n" VIA_SEEN FROM
				  TO_SELF_TAGGED CALL
			  "CSeq: 1 REGISTER\r\n" CHALLENGE SERVER EMPTY,
		true},
	[REGISTER_AUTH] = {"REGISTER sip:" DOMAIN " SIP/2.0\r\n" VIA_USER
			   "Max-Forwards: 70\r\n" FROM TO_SELF CALL
			   "CSeq: 2 REGISTER\r\n" DIGEST CONTACT_USER
			   "Expires: 600\r\n" ALLOW SUPPORTED PHONE EMPTY},
	[REGISTER_200] =
		{"SIP/2.0 200 OK\r\n" VIA_SEEN FROM TO_SELF_TAGGED CALL
		 "CSeq: 2 REGISTER\r\n"
		 "Contact: <sip:@U@"
		 "@A:5060;transport=udp>;"
		 "expires=600;+sip.instance=\"<urn:uuid:@N>\"\r\n" SERVER EMPTY,
			true},
	[INVITE] = {"INVITE sip:@P@" DOMAIN " SIP/2.0\r\n" VIA_USER
		    "Max-Forwards: 70\r\n" FROM TO CALL
		    "CSeq: 1 INVITE\r\n" CONTACT_USER ALLOW SUPPORTED PHONE
		    "Session-Expires: 1800\r\nMin-SE: 90\r\n"
		    "Content-Type: application/sdp\r\n"
		    "Content-Length: @L\r\n\r\n" SDP("@A")},
	[INVITE_100] = {"SIP/2.0 100 trying -- your call is important to "
			"us\r\n" VIA_SEEN FROM TO CALL
			"CSeq: 1 INVITE\r\n" SERVER EMPTY,
		true},
	[INVITE_180] =
		{"SIP/2.0 180 Ringing\r\n" VIA_SEEN ROUTE FROM TO_TAGGED CALL
		 "CSeq: 1 INVITE\r\n" CONTACT_PEER ALLOW PEER_PHONE EMPTY,
			true},
	[INVITE_200] = {"SIP/2.0 200 OK\r\n" VIA_SEEN ROUTE FROM TO_TAGGED CALL
			"CSeq: 1 INVITE\r\n" CONTACT_PEER ALLOW SUPPORTED
				PEER_PHONE
			"Session-Expires: 1800;refresher=uas\r\n"
			"Content-Type: application/sdp\r\n"
			"Content-Length: @L\r\n\r\n" SDP("@E"),
		true},
	[INVITE_486] = {"SIP/2.0 486 Busy Here\r\n" VIA_SEEN FROM TO_TAGGED CALL
			"CSeq: 1 INVITE\r\n" ALLOW PEER_PHONE EMPTY,
		true},
	[ACK] = {"ACK sip:@P@"
		 "@E:5060;transport=udp SIP/2.0\r\n" VIA_USER
		 "Max-Forwards: 70\r\nRoute: <sip:" PROXY_IP
		 ";lr;did=@X>\r\n" FROM TO_TAGGED CALL
		 "CSeq: 1 ACK\r\n" CONTACT_USER PHONE EMPTY},
	[ACK_486] = {"ACK sip:@P@" DOMAIN " SIP/2.0\r\n" VIA_USER
		     "Max-Forwards: 70\r\n" FROM TO_TAGGED CALL
		     "CSeq: 1 ACK\r\n" PHONE EMPTY},
	[BYE] = {"BYE sip:@P@"
		 "@E:5060;transport=udp SIP/2.0\r\n" VIA_USER
		 "Max-Forwards: 70\r\nRoute: <sip:" PROXY_IP
		 ";lr;did=@X>\r\n" FROM TO_TAGGED CALL "CSeq: 2 BYE\r\n"
		 "Reason: Q.850;cause=16;text=\"Normal call clearing\"\r\n"
		 "X-RTP-Stat: PS=@X,OS=@X,PR=@X,OR=@X,PL=0,JI=2,LA=11,"
		 "EN=G722,DE=G722\r\n" PHONE EMPTY},
	[BYE_200] = {"SIP/2.0 200 OK\r\n" VIA_SEEN FROM TO_TAGGED CALL
		     "CSeq: 2 BYE\r\n" SUPPORTED PEER_PHONE EMPTY,
		true},
	[OPTIONS] = {"OPTIONS sip:" DOMAIN " SIP/2.0\r\n" VIA_USER
		     "Max-Forwards: 70\r\n" FROM TO CALL
		     "CSeq: 1 OPTIONS\r\n" CONTACT_USER
		     "Accept: application/sdp, application/dtmf-relay, "
		     "text/plain\r\n" ALLOW SUPPORTED PHONE EMPTY},
	[OPTIONS_200] = {"SIP/2.0 200 OK\r\n" VIA_SEEN FROM TO_TAGGED CALL
			 "CSeq: 1 OPTIONS\r\n"
			 "Accept: application/sdp, text/plain\r\n"
			 "Accept-Language: en\r\n" ALLOW SUPPORTED SERVER EMPTY,
		true},
	[MESSAGE] = {"MESSAGE sip:@P@" DOMAIN " SIP/2.0\r\n" VIA_USER
		     "Max-Forwards: 70\r\n" FROM TO CALL
		     "CSeq: 1 MESSAGE\r\n" ALLOW PHONE
		     "Content-Type: text/plain;charset=UTF-8\r\n"
		     "Content-Length: @L\r\n\r\n"
		     "Ticket @X: line @U asked for a call back from @P before "
		     "noon, reference @N. Please confirm when it is done."},
	[MESSAGE_200] = {"SIP/2.0 200 OK\r\n" VIA_SEEN FROM TO_TAGGED CALL
			 "CSeq: 1 MESSAGE\r\n" SUPPORTED SERVER EMPTY,
		true},
};

/* What a dialog says; END stands behind. The share is in percent. */
#define END KINDS
static const struct {
	uint8_t share;
	uint8_t kind[8];
} scripts[] = {
	{34, {REGISTER, REGISTER_401, REGISTER_AUTH, REGISTER_200, END}},
	{40, {INVITE, INVITE_100, INVITE_180, INVITE_200, ACK, BYE, BYE_200,
		     END}},
	{4, {INVITE, INVITE_100, INVITE_180, INVITE_486, ACK_486, END}},
	{11, {OPTIONS, OPTIONS_200, END}},
	{11, {MESSAGE, MESSAGE_200, END}},
};

/* --- templates ---------------------------------------------------------- */

#define PATCHES 40

struct template
{
	char packet[MAKE_MAX];
	size_t n;
	size_t payload; /* where it begins */
	size_t src, dst, seconds, correlation;
	struct {
		uint16_t at;
		uint8_t field;
	} patch[PATCHES];
	size_t patches;
};

struct dialog {
	char text[TEXT_BYTES];
	uint32_t user;
	uint8_t script;
	uint8_t next; /* of the script */
};

struct maker {
	struct make_options options;
	struct make_counts counts;
	uint64_t random;
	char call_id[64];
	char user[8];
	struct template template[KINDS];
	struct dialog dialog[];
};

/* SplitMix64: small, fast, and the same on every machine. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int field_of(char letter)
{
	for (int f = 0; f < FIELDS; f++) {
		if (fields[f].letter == letter)
			return f;
	}
	return -1;
}

/*
 * The text with room for its fields. '@' before anything that is no field's
 * letter is itself.
 */
static void expand(struct template *t, const char *text, struct ear_buf *out)
{
	size_t length_at = 0, body_at;
	char digits[4];

	for (const char *p = text; *p; p++) {
		int f = *p == '@' ? field_of(p[1]) : -1;

		if (p[0] == '@' && p[1] == 'L') {
			length_at = out->n;
			ear_buf_str(out, "000");
			p++;
		} else if (f >= 0 && t->patches < PATCHES) {
			t->patch[t->patches].at = (uint16_t)out->n;
			t->patch[t->patches++].field = (uint8_t)f;
			for (int i = 0; i < fields[f].width; i++)
				ear_buf_byte(out, '0');
			p++;
		} else {
			ear_buf_byte(out, (uint8_t)*p);
		}
	}
	body_at = ear_slice_find(ear_buf_view(out), EAR_S("\r\n\r\n")) + 4;
	if (length_at && out->n - body_at < 1000) {
		snprintf(digits, sizeof(digits), "%03zu",
			(out->n - body_at) % 1000);
		memcpy(out->p + length_at, digits, 3);
	}
}

/* Call-ID as it stands in the message: the id, '@', the address. */
#define CALL_ID_BYTES (24 + 1 + 14)

static bool compile(
	struct template *t, const struct make_options *o, const char *text)
{
	struct ear_buf sip = {0}, packet = {0};
	char correlation[CALL_ID_BYTES] = {0};
	struct ear_hep hep;
	struct ear_hep_out out = {
		.version = 3,
		.ip_proto = 17,
		.payload_type = EAR_HEP_TYPE_SIP,
		.capture_id = o->capture_id,
		.at_ns = 1000000000,
		.src = ear_addr_v4("\x7f\0\0\1", 5060),
		.dst = ear_addr_v4("\x7f\0\0\1", 5060),
		.correlation = ear_slice(correlation, CALL_ID_BYTES),
		.key = o->key,
		.node = o->node,
	};
	bool ok;

	expand(t, text, &sip);
	out.payload = ear_buf_view(&sip);
	ok = !sip.err && !ear_hep_write(&out, &packet) &&
	     packet.n <= MAKE_MAX && t->patches < PATCHES &&
	     !ear_hep_read(ear_buf_view(&packet), 0, &hep);
	if (ok) {
		memcpy(t->packet, packet.p, packet.n);
		t->n = packet.n;
		t->payload = hep.chunk[EAR_HEP_PAYLOAD].at;
		t->src = hep.chunk[EAR_HEP_SRC_IP4].at;
		t->dst = hep.chunk[EAR_HEP_DST_IP4].at;
		t->seconds = hep.chunk[EAR_HEP_SECONDS].at;
		t->correlation = hep.chunk[EAR_HEP_CORRELATION].at;
	}
	ear_buf_fini(&sip);
	ear_buf_fini(&packet);
	return ok;
}

/* --- dialogs ------------------------------------------------------------ */

static void put(struct dialog *d, enum field f, const char *text)
{
	memcpy(d->text + fields[f].at, text, fields[f].width);
}

static void put_hex(struct maker *m, struct dialog *d, enum field f)
{
	static const char digit[] = "0123456789abcdef";
	char text[32];
	uint64_t v = 0;

	for (int i = 0; i < fields[f].width; i++, v >>= 4) {
		if (i % 16 == 0)
			v = mix(&m->random);
		text[i] = digit[v & 15];
	}
	put(d, f, text);
}

/* User 1234 is extension 11234 at 10.120.112.134: all of fixed width. */
static void put_user(
	struct dialog *d, enum field name, enum field ip, uint32_t user)
{
	char text[40];

	snprintf(text, sizeof(text), "%05u", 10000 + user);
	put(d, name, text);
	snprintf(text, sizeof(text), "10.120.%03u.%03u", 100 + user / 100,
		100 + user % 100);
	put(d, ip, text);
}

static uint8_t choose_script(struct maker *m)
{
	uint32_t percent = (uint32_t)(mix(&m->random) % 100);
	uint8_t i = 0;

	while (percent >= scripts[i].share)
		percent -= scripts[i++].share;
	return i;
}

static void begin_dialog(struct maker *m, struct dialog *d)
{
	uint32_t peer;
	char text[24];

	d->script = choose_script(m);
	d->next = 0;
	d->user = (uint32_t)(mix(&m->random) % m->options.users);
	peer = (uint32_t)(mix(&m->random) % m->options.users);
	put_user(d, USER, USER_IP, d->user);
	put_user(d, PEER, PEER_IP, peer);
	put_hex(m, d, CALL_ID);
	put_hex(m, d, FROM_TAG);
	put_hex(m, d, TO_TAG);
	put_hex(m, d, NONCE);
	put_hex(m, d, RESPONSE);
	snprintf(text, sizeof(text), "%010llu",
		(unsigned long long)(mix(&m->random) % 10000000000));
	put(d, SESSION, text);
	m->counts.dialogs++;
}

static void remember(struct maker *m, const struct dialog *d)
{
	snprintf(m->call_id, sizeof(m->call_id), "%.24s@%.14s",
		d->text + fields[CALL_ID].at, d->text + fields[USER_IP].at);
	snprintf(m->user, sizeof(m->user), "%.5s", d->text + fields[USER].at);
}

static void count(struct make_counts *c, enum kind kind)
{
	switch (kind) {
	case REGISTER:
	case REGISTER_AUTH: c->reg++; break;
	case INVITE: c->invite++; break;
	case ACK:
	case ACK_486: c->ack++; break;
	case BYE: c->bye++; break;
	case OPTIONS: c->options++; break;
	case MESSAGE: c->message++; break;
	case INVITE_100: c->s100++; break;
	case INVITE_180: c->s180++; break;
	case REGISTER_401: c->s401++; break;
	case INVITE_486: c->s486++; break;
	default: c->s200++; break;
	}
}

/* --- messages ----------------------------------------------------------- */

static void be32(char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (24 - 8 * i));
}

static struct ear_addr address(uint32_t user)
{
	const uint8_t ip[4] = {10, 120, (uint8_t)(100 + user / 100),
		(uint8_t)(100 + user % 100)};

	return ear_addr_v4(ip, 5060);
}

static bool same_transaction(enum kind before, enum kind kind)
{
	return messages[kind].out || (before == INVITE_486 && kind == ACK_486);
}

struct made maker_next(struct maker *m, uint64_t at_ns, char *room)
{
	struct dialog *d = &m->dialog[mix(&m->random) % m->options.dialogs];
	const uint8_t *script;
	struct template *t;
	struct made made;
	enum kind kind;

	if (scripts[d->script].kind[d->next] == END) {
		remember(m, d);
		begin_dialog(m, d);
	}
	script = scripts[d->script].kind;
	kind = script[d->next];
	if (d->next == 0 || !same_transaction(script[d->next - 1], kind))
		put_hex(m, d, BRANCH);
	d->next++;
	t = &m->template[kind];
	memcpy(room, t->packet, t->n);
	for (size_t i = 0; i < t->patches; i++) {
		int f = t->patch[i].field;

		memcpy(room + t->payload + t->patch[i].at,
			d->text + fields[f].at, fields[f].width);
	}
	made.src = messages[kind].out ? ear_addr_v4("\x0a\0\0\5", 5060)
				      : address(d->user);
	made.dst = messages[kind].out ? address(d->user)
				      : ear_addr_v4("\x0a\0\0\5", 5060);
	memcpy(room + t->src, made.src.ip, 4);
	memcpy(room + t->dst, made.dst.ip, 4);
	be32(room + t->seconds, (uint32_t)(at_ns / 1000000000));
	be32(room + t->seconds + 10, (uint32_t)(at_ns / 1000 % 1000000));
	memcpy(room + t->correlation, d->text + fields[CALL_ID].at, 24);
	room[t->correlation + 24] = '@';
	memcpy(room + t->correlation + 25, d->text + fields[USER_IP].at, 14);
	made.packet = ear_slice(room, t->n);
	made.payload = ear_slice(room + t->payload, t->n - t->payload);
	count(&m->counts, kind);
	m->counts.messages++;
	m->counts.payload_bytes += made.payload.n;
	m->counts.packet_bytes += t->n;
	return made;
}

struct maker *maker_new(const struct make_options *options)
{
	struct maker *m = calloc(
		1, sizeof(*m) + options->dialogs * sizeof(struct dialog));

	if (!m)
		return NULL;
	m->options = *options;
	m->random = options->seed;
	for (int k = 0; k < KINDS; k++) {
		if (!compile(&m->template[k], options, messages[k].text)) {
			free(m);
			return NULL;
		}
	}
	for (uint32_t i = 0; i < options->dialogs; i++)
		begin_dialog(m, &m->dialog[i]);
	return m;
}

void maker_free(struct maker *maker)
{
	free(maker);
}

const struct make_counts *maker_counts(const struct maker *m)
{
	return &m->counts;
}

const char *maker_call_id(const struct maker *m)
{
	return m->call_id;
}

const char *maker_user(const struct maker *m)
{
	return m->user;
}
