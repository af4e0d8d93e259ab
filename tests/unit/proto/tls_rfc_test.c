/* SPDX-License-Identifier: Apache-2.0 */
/* The standards' own examples: RFC 8448 s3, and known answers of the PRF of
 * RFC 5246 as published with it on the IETF's list. */
#include "unit/table.h"

#include <stdlib.h>

#include "proto/tls.h"
#include "proto/tls_crypt.h"
#include "proto/tls_hello.h"

struct bytes {
	uint8_t p[2048];
	size_t n;
};

static struct bytes unhex(const char *hex)
{
	struct bytes b = {.n = strlen(hex) / 2};

	assert_true(b.n <= sizeof(b.p));
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &b.p[i]), 1);
	return b;
}

static struct ear_slice view(const struct bytes *b)
{
	return ear_slice(b->p, b->n);
}

static void test_prf(void **state)
{
	static const struct {
		enum ear_tls_hash hash;
		const char *secret, *seed, *want;
	} rows[] = {
		{EAR_TLS_HASH_SHA256, "9bbe436ba940f017b17652849a71db35",
			"a0ba9f936cda311827a6f796ffd5198c",
			"e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52"
			"d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077d"
			"ef17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa4"
			"8082d122ee42c5a72e5a5110fff70187347b66"},
		{EAR_TLS_HASH_SHA384, "b80b733d6ceefcdc71566ea48e5567df",
			"cd665cf6a8447dd6ff8b27555edb7465",
			"7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd79421"
			"07e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb400fed"
			"2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d4"
			"16d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec4"
			"79e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a2685430"
			"8d5eaa3be85e0990703d73e56f"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct bytes secret = unhex(rows[i].secret),
			     seed = unhex(rows[i].seed),
			     want = unhex(rows[i].want), got = {.n = want.n};

		assert_true(ear_tls_prf(rows[i].hash, view(&secret),
			EAR_S("test label"), view(&seed), got.p, got.n));
		assert_memory_equal(got.p, want.p, want.n);
	}
	(void)state;
}

static void test_expand(void **state)
{
	static const struct {
		const char *secret, *label, *want;
	} rows[] = {
		{"b3eddb126e067f35a780b3abf45e2d8f"
		 "3b1a950738f52e9600746a0e27a55a21",
			"key", "dbfaa693d1762c5b666af5d950258d01"},
		{"b3eddb126e067f35a780b3abf45e2d8f"
		 "3b1a950738f52e9600746a0e27a55a21",
			"iv", "5bd3c71b836e0b76bb73265f"},
		{"b67b7d690cc16c4e75e54213cb2d37b4"
		 "e9c912bcded9105d42befd59d391ad38",
			"key", "3fce516009c21727d0f2e4e86ee403bc"},
		{"a11af9f05531f856ad47116b45a95032"
		 "8204b4f44bfb6b3a4b4f1f3fcb631643",
			"iv", "cf782b88dd83549aadf1e984"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct bytes secret = unhex(rows[i].secret),
			     want = unhex(rows[i].want), got = {.n = want.n};

		assert_true(ear_tls_expand(EAR_TLS_HASH_SHA256, view(&secret),
			ear_slice_str(rows[i].label), got.p, got.n));
		assert_memory_equal(got.p, want.p, want.n);
	}
	(void)state;
}

/* RFC 8448 s3, "Simple 1-RTT Handshake", record by record. */
static const struct {
	int side; /* 0 is the client */
	const char *hex;
} trace[] = {
	{0, "16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912"
	    "ec18a2ef6283024dece7000006130113031302010000910000000b0009000006"
	    "736572766572ff01000100000a00140012001d00170018001901000101010201"
	    "03010400230000003300260024001d002099381de560e4bd43d23d8e435a7dba"
	    "feb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e0403"
	    "05030603020308040805080604010501060102010402050206020202002d0002"
	    "0101001c00024001"},
	{1, "160303005a020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb14"
	    "34dac155772ed3e2692800130100002e00330024001d0020c9828876112095fe"
	    "66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f002b00020304"},
	{1, "17030302a2d1ff334a56f5bff6594a07cc87b580233f500f45e489e7f33af35edf"
	    "7869fcf40aa40aa2b8ea73f848a7ca07612ef9f945cb960b4068905123ea78b1"
	    "11b429ba9191cd05d2a389280f526134aadc7fc78c4b729df828b5ecf7b13bd9"
	    "aefb0e57f271585b8ea9bb355c7c79020716cfb9b1183ef3ab20e37d57a6b9d7"
	    "477609aee6e122a4cf51427325250c7d0e509289444c9b3a648f1d71035d2ed6"
	    "5b0e3cdd0cbae8bf2d0b227812cbb360987255cc744110c453baa4fcd610928d"
	    "809810e4b7ed1a8fd991f06aa6248204797e36a6a73b70a2559c09ead686945b"
	    "a246ab66e5edd8044b4c6de3fcf2a89441ac66272fd8fb330ef8190579b36845"
	    "96c960bd596eea520a56a8d650f563aad27409960dca63d3e688611ea5e22f44"
	    "15cf9538d51a200c27034272968a264ed6540c84838d89f72c24461aad6d26f5"
	    "9ecaba9acbbb317b66d902f4f292a36ac1b639c637ce343117b659622245317b"
	    "49eeda0c6258f100d7d961ffb138647e92ea330faeea6dfa31c7a84dc3bd7e1b"
	    "7a6c7178af36879018e3f252107f243d243dc7339d5684c8b0378bf30244da8c"
	    "87c843f5e56eb4c5e8280a2b48052cf93b16499a66db7cca71e4599426f7d461"
	    "e66f99882bd89fc50800becca62d6c74116dbd2972fda1fa80f85df881edbe5a"
	    "37668936b335583b599186dc5c6918a396fa48a181d6b6fa4f9d62d513afbb99"
	    "2f2b992f67f8afe67f76913fa388cb5630c8ca01e0c65d11c66a1e2ac4c85977"
	    "b7c7a6999bbf10dc35ae69f5515614636c0b9b68c19ed2e31c0b3b66763038eb"
	    "ba42f3b38edc0399f3a9f23faa63978c317fc9fa66a73f60f0504de93b5b845e"
	    "275592c12335ee340bbc4fddd502784016e4b3be7ef04dda49f4b440a30cb5d2"
	    "af939828fd4ae3794e44f94df5a631ede42c1719bfdabf0253fe5175be898e75"
	    "0edc53370d2b"},
	{0, "170303003575ec4dc238cce60b298044a71e219c56cc77b0517fe9b93c7a4bfc44"
	    "d87f38f80338ac98fc46deb384bd1caeacab6867d726c40546"},
	{1, "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d"
	    "6af8f6b580dcf3d11d63c758db289a015940252f55713e061dc13e078891a38e"
	    "fbcf5753ad8ef170ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e09c"
	    "30ba1e62972ac46f75f7b981be63439b2999ce13064615139891d5e4c5b406f1"
	    "6e3fc181a77ca475840025db2f0a77f81b5ab05b94c01346755f69232c86519d"
	    "86cbeeac87aac347d143f9605d64f650db4d023e70e952ca49fe5137121c74bc"
	    "2697687e248746d6df353005f3bce18696129c8153556b3b6c6779b37bf15985"
	    "684f"},
	{0, "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b"
	    "9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63a"
	    "eebb21694915e4"},
	{1, "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e3"
	    "0efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540d"
	    "d032e167c2955d"},
	{0, "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"},
	{1, "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"},
};

#define RANDOM \
	"cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7"

static const char keylog[] =
	"# RFC 8448 s3\n"
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET " RANDOM
	" b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21\n"
	"SERVER_HANDSHAKE_TRAFFIC_SECRET " RANDOM
	" b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38\r\n"
	"CLIENT_TRAFFIC_SECRET_0 " RANDOM
	" 9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5\n"
	"SERVER_TRAFFIC_SECRET_0 " RANDOM
	" a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643\n"
	"EXPORTER_SECRET " RANDOM
	" fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50\n";

struct seen {
	struct ear_buf data[2];
	struct ear_tls_info info;
	char subject[64];
	int infos;
};

static void on_data(
	void *user, int side, uint64_t at_ns, struct ear_slice b, void *arg)
{
	ear_buf_slice(&((struct seen *)user)->data[side], b);
	(void)at_ns;
	(void)arg;
}

static void on_info(
	void *user, uint64_t at_ns, const struct ear_tls_info *info, void *arg)
{
	struct seen *s = user;

	s->info = *info;
	s->infos++;
	snprintf(
		s->subject, sizeof(s->subject), "%.*s", EAR_FMT(info->subject));
	(void)at_ns;
	(void)arg;
}

static const struct ear_tls_events events = {on_data, on_info};

/* All records, in steps of so many bytes; keys before record number `keys`. */
static void play(size_t step, size_t keys_at)
{
	struct seen seen = {0};
	struct ear_tls_keys *keys;
	struct ear_tls *tls;
	struct ear_tls_flow *flow;
	struct ear_tls_info info;
	struct ear_tls_stats stats;
	struct bytes bytes;

	assert_int_equal(ear_tls_keys_new(0, &keys), EAR_OK);
	assert_int_equal(ear_tls_new(&(struct ear_tls_options){.keys = keys,
					     .expect = true},
				 &events, NULL, &tls),
		EAR_OK);
	assert_int_equal(ear_tls_flow_new(tls, &seen, &flow), EAR_OK);
	for (size_t i = 0; i <= ROWS(trace); i++) {
		size_t used = 0, shown = 0, need;

		if (i == keys_at) {
			assert_int_equal(
				ear_tls_keys_feed(keys, ear_slice_str(keylog)),
				EAR_OK);
			ear_tls_tick(tls, i);
		}
		if (i == ROWS(trace))
			break;
		bytes = unhex(trace[i].hex);
		while (used < bytes.n) {
			shown = shown + step < bytes.n ? shown + step : bytes.n;
			used += ear_tls_take(flow, trace[i].side, i + 1,
				ear_slice(bytes.p + used, shown - used), &need);
			assert_true(
				used == shown ? !need : need > shown - used);
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(seen.data[i].n, 50);
		for (size_t k = 0; k < 50; k++)
			assert_int_equal((uint8_t)seen.data[i].p[k], k);
		ear_buf_fini(&seen.data[i]);
	}
	ear_tls_info(flow, &info);
	assert_int_equal(info.version, EAR_TLS_1_3);
	assert_int_equal(info.cipher, 0x1301);
	assert_int_equal(info.client, 0);
	assert_slice("sni", info.sni, EAR_S("server"));
	assert_slice("subject", info.subject, EAR_S("CN=rsa"));
	assert_int_equal(info.why, EAR_TLS_READ);
	assert_true(info.close_notify[0] && info.close_notify[1]);
	assert_int_equal(info.alert, 0);
	ear_tls_stats(tls, &stats);
	assert_int_equal(stats.records, 7);
	assert_int_equal(stats.bytes, 100);
	assert_int_equal(stats.waiting, 0);
	ear_tls_flow_free(&flow);
	ear_tls_stats(tls, &stats);
	assert_int_equal(stats.memory, 0);
	ear_tls_free(&tls);
	ear_tls_keys_free(&keys);
}

static void test_trace(void **state)
{
	static const size_t steps[] = {1, 3, 7, 100, 4096};

	for (size_t i = 0; i < ROWS(steps); i++)
		for (size_t k = 0; k <= ROWS(trace); k++)
			play(steps[i], k);
	(void)state;
}

/* Without any key: what the hellos say, and nothing is held. */
static void test_no_keys(void **state)
{
	struct seen seen = {0};
	struct ear_tls *tls;
	struct ear_tls_flow *flow;
	size_t need;

	assert_int_equal(ear_tls_new(NULL, &events, NULL, &tls), EAR_OK);
	assert_int_equal(ear_tls_flow_new(tls, &seen, &flow), EAR_OK);
	for (size_t i = 0; i < ROWS(trace); i++) {
		struct bytes b = unhex(trace[i].hex);

		assert_int_equal(
			ear_tls_take(flow, !trace[i].side, i, view(&b), &need),
			b.n);
	}
	assert_int_equal(seen.infos, 1);
	assert_int_equal(seen.info.client, 1);
	assert_int_equal(seen.info.version, EAR_TLS_1_3);
	assert_int_equal(seen.info.unread.n, 0);
	assert_int_equal(seen.data[0].n + seen.data[1].n, 0);
	ear_tls_flow_free(&flow);
	ear_tls_free(&tls);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prf),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_no_keys),
	};

	return cmocka_run_group_tests_name("proto/tls_rfc", tests, NULL, NULL);
}
