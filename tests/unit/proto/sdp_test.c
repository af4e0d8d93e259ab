/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "proto/sdp.h"
#include "proto/sip_body.h"

/* One line a medium: kind proto addr:port+ports/rtcp direction codecs */
static size_t print(struct ear_slice body, char *out, size_t room)
{
	struct ear_sdp_media m;
	struct ear_sdp sdp;
	size_t n = 0;

	out[0] = '\0';
	if (ear_sdp_parse(body, &sdp) != EAR_OK)
		return (size_t)snprintf(out, room, "bad");
	while (ear_sdp_media_next(&sdp, &m)) {
		struct ear_slice formats = m.formats;
		struct ear_sdp_codec c;

		n += (size_t)snprintf(out + n, room - n,
			"%.*s %.*s %.*s:%d+%d/%d %.*s", EAR_FMT(m.kind),
			EAR_FMT(m.proto), EAR_FMT(m.addr), m.port, m.ports,
			m.rtcp, EAR_FMT(ear_sdp_direction_name(m.direction)));
		while (ear_sdp_codec_next(&m, &formats, &c))
			n += (size_t)snprintf(out + n, room - n,
				" %.*s=%.*s/%u(%.*s)", EAR_FMT(c.type),
				EAR_FMT(c.name), c.clock_hz, EAR_FMT(c.fmtp));
		n += (size_t)snprintf(out + n, room - n, "\n");
	}
	return n;
}

static void test_media(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 "
		 "0\r\n"
		 "m=audio 40000 RTP/AVP 8 101\r\na=rtpmap:101 "
		 "telephone-event/8000\r\na=fmtp:101 0-16\r\n",
			"audio RTP/AVP 10.0.0.1:40000+1/40001 sendrecv "
			"8=PCMA/8000() 101=telephone-event/8000(0-16)\n"},
		{"v=0\nc=IN IP4 224.2.1.1/127/3\na=recvonly\nm=audio 4/2 "
		 "RTP/AVP 0\nm=video 0 RTP/AVP 31\nc=IN IP6 2001:db8::1\n"
		 "a=inactive\nm=audio 9 RTP/SAVPF 96\na=sendonly\na=rtcp:53020 "
		 "IN IP4 x\na=rtpmap:96 opus/48000/2\n",
			"audio RTP/AVP 224.2.1.1:4+2/5 recvonly 0=PCMU/8000()\n"
			"video RTP/AVP 2001:db8::1:0+1/0 inactive "
			"31=H261/90000()\n"
			"audio RTP/SAVPF 224.2.1.1:9+1/53020 sendonly "
			"96=opus/48000()\n"},
		{"v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel",
			"application UDP/DTLS/SCTP :9+1/10 sendrecv "
			"webrtc-datachannel=/0()\n"},
		{"v=0\nm=\nm=audio\nm =audio 4 RTP/AVP 0\nnonsense\n",
			"  :0+1/0 sendrecv\naudio  :0+1/0 sendrecv\n"},
		{"v=0\nm=audio 65536 RTP/AVP 0\nm=audio 65535 RTP/AVP 0\n",
			"audio RTP/AVP :0+1/0 sendrecv 0=PCMU/8000()\n"
			"audio RTP/AVP :65535+1/0 sendrecv 0=PCMU/8000()\n"},
		{"v=0\ns=x\n", ""},
		{"v=1\n", "bad"},
		{"o=x\n", "bad"},
		{"", "bad"},
	};
	char out[2048];

	for (size_t i = 0; i < ROWS(rows); i++) {
		size_t n = print(ear_slice_str(rows[i].in), out, sizeof(out));

		assert_slice(rows[i].in, ear_slice(out, n),
			ear_slice_str(rows[i].want));
	}
	(void)state;
}

static void test_attribute(void **state)
{
	struct ear_slice lines = EAR_S("a=sendonly\r\na=mid:1\r\na=mid:2\r\n");

	assert_slice("mid", ear_sdp_attribute(lines, EAR_S("mid")), EAR_S("1"));
	assert_slice("no", ear_sdp_attribute(lines, EAR_S("mi")), EAR_S(""));
	(void)state;
}

static void test_find_body(void **state)
{
	static const struct {
		const char *type, *body, *want;
	} rows[] = {
		{"application/sdp", "v=0", "v=0"},
		{"Application / SDP ; x=y", "v=0", "v=0"},
		{"application/sdpx", "v=0", ""},
		{"text/plain", "v=0", ""},
		{"multipart/mixed;boundary=\"x y\"",
			"ignored\r\n--x y\r\n\r\nplain\r\n--x y\r\n"
			"CONTENT-TYPE : no\r\nContent-type: application/sdp\r\n"
			"\r\nv=0\r\ns=-\r\n--x y--\r\nafter",
			"v=0\r\ns=-"},
		{"multipart/mixed;boundary=a",
			"--a\nContent-Type: multipart/alternative; "
			"boundary=b\n\n"
			"--b\nContent-Type: "
			"application/sdp\n\nv=0\n--b--\n--a--",
			"v=0"},
		{"multipart/mixed;boundary=a",
			"--a\r\nContent-Type: application/sdp\r\n\r\nno end",
			"no end"},
		{"multipart/mixed;boundary=a", "no delimiter", ""},
		{"multipart/mixed", "--a\r\n\r\nx\r\n--a--", ""},
		{"multipart/mixed;boundary=a", "--a", ""},
		{"multipart/mixed;boundary=a", "", ""},
		{"", "v=0", ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		assert_slice(rows[i].body,
			ear_sip_find_body(ear_slice_str(rows[i].type),
				ear_slice_str(rows[i].body),
				EAR_S("application/sdp")),
			ear_slice_str(rows[i].want));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_attribute),
		cmocka_unit_test(test_find_body),
	};

	return cmocka_run_group_tests_name("proto/sdp", tests, NULL, NULL);
}
