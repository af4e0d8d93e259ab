/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: what they are, and that nothing else is touched. */
#include "unit/table.h"

#include "proto/sip_check.h"
#include "proto/sip_secret.h"

static void blank(size_t offset, size_t length, void *arg)
{
	memset((char *)arg + offset, 'x', length);
}

#define HEAD                                                                 \
	"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:f@h>\r\n" \
	"To: <sip:t@h>\r\nCall-ID: sip:c:d@h\r\nCSeq: 1 OPTIONS\r\n"

static void test_blanked(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"Authorization: Digest username=\"bob\", nonce=\"n\", "
		 "cnonce=\"c\", response=\"0123\", qop=auth\r\n\r\n",
			"Authorization: Digest username=\"bob\", nonce=\"n\", "
			"cnonce=\"c\", response=\"xxxx\", qop=auth\r\n\r\n"},
		{"Proxy-Authorization: digest response=01\r\n\r\n",
			"Proxy-Authorization: digest response=xx\r\n\r\n"},
		{"AUTHORIZATION : Basic Ym9i\r\n\r\n",
			"AUTHORIZATION : Basic xxxx\r\n\r\n"},
		{"Authorization: Bearer a.b.c\r\n\r\n",
			"Authorization: Bearer xxxxx\r\n\r\n"},
		{"Authorization: NTLM qop=\"auth\", gssapi-data=\"TlRM\", "
		 "response=\"0100\"\r\n\r\n",
			"Authorization: NTLM qop=\"auth\", "
			"gssapi-data=\"xxxx\", "
			"response=\"xxxx\"\r\n\r\n"},
		{"Authorization: Kerberos gssapi-data=\"\"\r\n\r\n",
			"Authorization: Kerberos gssapi-data=\"\"\r\n\r\n"},
		{"WWW-Authenticate: NTLM realm=\"r\", gssapi-data=\"TlRM\"\r\n"
		 "\r\n",
			"WWW-Authenticate: NTLM realm=\"r\", "
			"gssapi-data=\"xxxx\""
			"\r\n\r\n"},
		{"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n\r\n",
			"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
			"\r\n"},
		{"Authentication-Info: nextnonce=\"n\", rspauth=\"ab\"\r\n\r\n",
			"Authentication-Info: nextnonce=\"n\", "
			"rspauth=\"xx\"\r\n"
			"\r\n"},
		{"Authorization: Digest response=\"1\"\r\n"
		 "Authorization: Digest response=\"2\"\r\n\r\n",
			"Authorization: Digest response=\"x\"\r\n"
			"Authorization: Digest response=\"x\"\r\n\r\n"},
		{"Contact: <sip:alice:secret@host>\r\n\r\n",
			"Contact: <sip:alice:xxxxxx@host>\r\n\r\n"},
		{"X: see sips:a:p:w%20@h, sip:b@h:5060\r\n\r\n",
			"X: see sips:a:xxxxxx@h, sip:b@h:5060\r\n\r\n"},
		{"Contact: <sip:alice@host>;x=\"a:b@c\"\r\n\r\n",
			"Contact: <sip:alice@host>;x=\"a:b@c\"\r\n\r\n"},
		{"c: application/sdp\r\n\r\n"
		 "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		 "inline:KEY1|2^20|1:4;inline:KE2\r\na=crypto:2 F "
		 "inline:abc UNENCRYPTED_SRTP\r\na=cryptic:inline:no\r\n",
			"c: application/sdp\r\n\r\n"
			"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
			"inline:xxxx|2^20|1:4;inline:xxx\r\na=crypto:2 F "
			"inline:xxx "
			"UNENCRYPTED_SRTP\r\na=cryptic:inline:no\r\n"},
		{"c: application/sdp\r\n\r\nv=0\nk=clear:geheim\nk=prompt\n"
		 "a=key-mgmt:mikey AQ==\nk=base64:Zg",
			"c: "
			"application/sdp\r\n\r\nv=0\nk=clear:xxxxxx\nk=prompt\n"
			"a=key-mgmt:mikey xxxx\nk=base64:xx"},
		{"c: text/plain\r\n\r\nv=0\r\nk=clear:no\r\n",
			"c: text/plain\r\n\r\nv=0\r\nk=clear:no\r\n"},
		{"c: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: "
		 "application/sdp\r\n\r\nv=0\r\nk=clear:k\r\n--b--\r\n",
			"c: multipart/mixed;boundary=b\r\n\r\n--b\r\n"
			"Content-Type: application/sdp\r\n\r\nv=0\r\n"
			"k=clear:x\r\n--b--\r\n"},
		{"Subject: nothing\r\n\r\n", "Subject: nothing\r\n\r\n"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[1024], want[1024];
		struct ear_sip_core core;
		struct ear_sip sip;
		bool any = strcmp(rows[i].in, rows[i].want) != 0;
		size_t n = (size_t)snprintf(
			text, sizeof(text), HEAD "%s", rows[i].in);

		snprintf(want, sizeof(want), HEAD "%s", rows[i].want);
		ear_sip_parse(ear_slice(text, n), &sip);
		ear_sip_core(&sip, &core);
		assert_int_equal(ear_sip_judge(&sip, &core, 0).secrets, any);
		assert_int_equal(ear_sip_secrets(&sip, NULL, NULL) > 0, any);
		ear_sip_secrets(&sip, blank, text);
		assert_slice(
			rows[i].in, ear_slice(text, n), ear_slice_str(want));
	}
	(void)state;
}

/* The verdict stops at a finding; the secret behind it is seen all the same. */
static void test_behind_finding(void **state)
{
	static const char text[] = "OPTIONS <sip:h> SIP/2.0\r\n"
				   "Contact: <sip:a:b@h>\r\n\r\n";
	struct ear_sip_verdict verdict;
	struct ear_sip_core core;
	struct ear_sip sip;

	ear_sip_parse(EAR_S(text), &sip);
	ear_sip_core(&sip, &core);
	verdict = ear_sip_judge(&sip, &core, 0);
	assert_true(verdict.malformed);
	assert_true(verdict.secrets);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blanked),
		cmocka_unit_test(test_behind_finding),
	};

	return cmocka_run_group_tests_name(
		"proto/sip_secret", tests, NULL, NULL);
}
