/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the embedded store takes messages in and finds them again.
 *
 *     store-bench [-n MESSAGES] [-d DIR] [-t THREADS] [-s SECONDS] [-k]
 *
 * The messages are made up beforehand: registrations with their challenge,
 * calls, OPTIONS and MESSAGE of 10000 users, 1000 dialogs interleaved, about
 * 711 octets each; capture times spread over SECONDS (default: one in 10 us).
 * What finding their facts costs is measured apart and taken off.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "store/embedded.h"

#define DIALOGS 1000
#define USERS 10000

struct made {
	uint64_t at_ns;
	struct ear_addr src, dst;
	size_t off;
	uint32_t n;
};

struct dialog {
	uint32_t kind, step, from, to;
	uint64_t id, tag;
	uint32_t cseq;
};

static uint64_t seed = 88172645463325252ULL;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* What each kind of dialog consists of: request, or status of a reply. */
static const struct {
	const char *method;
	int status;
	bool back; /* from the callee to the caller */
	bool sdp;
} scripts[4][8] = {
	{{"REGISTER", 0, false, false}, {"REGISTER", 401, true, false},
		{"REGISTER", 0, false, false}, {"REGISTER", 200, true, false}},
	{{"INVITE", 0, false, true}, {"INVITE", 100, true, false},
		{"INVITE", 180, true, false}, {"INVITE", 200, true, true},
		{"ACK", 0, false, false}, {"BYE", 0, false, false},
		{"BYE", 200, true, false}},
	{{"OPTIONS", 0, false, false}, {"OPTIONS", 200, true, false}},
	{{"MESSAGE", 0, false, false}, {"MESSAGE", 202, true, false}},
};

static struct ear_buf pool;

static struct ear_addr addr_of(uint32_t user)
{
	uint8_t ip[4] = {10, (uint8_t)(user >> 8), (uint8_t)user, 7};

	return ear_addr_v4(ip, (uint16_t)(20000 + user % 30000));
}

static const char *words(int status)
{
	return status == 100   ? "Trying"
	       : status == 180 ? "Ringing"
	       : status == 401 ? "Unauthorized"
	       : status == 202 ? "Accepted"
			       : "OK";
}

static void sdp(struct ear_buf *b, const struct dialog *d)
{
	ear_buf_printf(b,
		"v=0\r\no=- %llu 1 IN IP4 10.%u.%u.7\r\ns=call\r\n"
		"c=IN IP4 10.%u.%u.7\r\nt=0 0\r\n"
		"m=audio %llu RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		"a=fmtp:101 0-15\r\na=sendrecv\r\n",
		(unsigned long long)d->id % 100000000, d->from >> 8 & 255,
		d->from & 255, d->from >> 8 & 255, d->from & 255,
		10000 + (unsigned long long)d->id % 20000);
}

static void head(struct ear_buf *b, const struct dialog *d, int step)
{
	bool reg = d->kind == 0;
	const char *method = scripts[d->kind][step].method;
	int status = scripts[d->kind][step].status;

	if (status)
		ear_buf_printf(b, "SIP/2.0 %d %s\r\n", status, words(status));
	else
		ear_buf_printf(b, "%s sip:%s%07u@example.com SIP/2.0\r\n",
			method, reg ? "" : "49", reg ? 0 : d->to);
	ear_buf_printf(b,
		"Via: SIP/2.0/UDP 10.%u.%u.7:%u;rport;branch=z9hG4bK%016llx\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"User %u\" <sip:49%07u@example.com>;tag=%016llx\r\n"
		"To: <sip:49%07u@example.com>%s%.16llx\r\n"
		"Call-ID: %016llx%08x@10.%u.%u.7\r\n"
		"CSeq: %u %s\r\n",
		d->from >> 8 & 255, d->from & 255, 20000 + d->from % 30000,
		(unsigned long long)(d->tag * 31 + d->cseq), d->from, d->from,
		(unsigned long long)d->tag, reg ? d->from : d->to,
		step ? ";tag=" : ";x=", (unsigned long long)d->tag * 7,
		(unsigned long long)d->id, d->from, d->from >> 8 & 255,
		d->from & 255, d->cseq, method);
}

static void message(struct ear_buf *b, struct dialog *d)
{
	struct ear_buf body = {0};
	int step = (int)d->step++;
	int status = scripts[d->kind][step].status;

	d->cseq += !status && step != 4;
	if (scripts[d->kind][step].sdp)
		sdp(&body, d);
	head(b, d, step);
	ear_buf_printf(b,
		"Contact: <sip:49%07u@10.%u.%u.7:%u;transport=udp;ob>"
		";+sip.instance=\"<urn:uuid:%016llx>\"\r\n"
		"%s: Softphone/5.%u.%u (build %u; Windows 11)\r\n"
		"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, NOTIFY, "
		"REFER, SUBSCRIBE, INFO\r\nSupported: replaces, outbound, "
		"100rel, path, gruu\r\n",
		d->from, d->from >> 8 & 255, d->from & 255,
		20000 + d->from % 30000,
		(unsigned long long)d->from * 0x9e3779b97f4a7c15ULL,
		status ? "Server" : "User-Agent", d->from % 9, d->from % 31,
		20000 + d->from % 977);
	if (status == 401)
		ear_buf_printf(b,
			"WWW-Authenticate: Digest realm=\"example.com\", "
			"nonce=\"%016llx%016llx\", qop=\"auth\"\r\n",
			(unsigned long long)d->tag * 3,
			(unsigned long long)d->tag * 5);
	if (d->kind == 0 && step == 2)
		ear_buf_printf(b,
			"Authorization: Digest username=\"49%07u\", "
			"realm=\"example.com\", nonce=\"%016llx%016llx\", "
			"uri=\"sip:example.com\", response=\"%016llx%016llx\", "
			"algorithm=MD5, qop=auth, nc=00000001\r\n",
			d->from, (unsigned long long)d->tag * 3,
			(unsigned long long)d->tag * 5,
			(unsigned long long)d->tag * 11,
			(unsigned long long)d->tag * 13);
	if (body.n)
		ear_buf_str(b, "Content-Type: application/sdp\r\n");
	ear_buf_printf(b, "Content-Length: %zu\r\n\r\n", body.n);
	ear_buf_slice(b, ear_buf_view(&body));
	ear_buf_fini(&body);
}

static void begin(struct dialog *d)
{
	uint64_t r = rnd() % 100;

	*d = (struct dialog){.kind = r < 40   ? 0
				     : r < 70 ? 1
				     : r < 85 ? 2
					      : 3,
		.from = (uint32_t)(rnd() % USERS),
		.to = (uint32_t)(rnd() % USERS),
		.id = rnd(),
		.tag = rnd(),
		.cseq = (uint32_t)(rnd() % 1000)};
}

static void make(struct made *m, size_t n, uint64_t from_ns, uint64_t step_ns)
{
	static struct dialog dialogs[DIALOGS];

	for (size_t i = 0; i < DIALOGS; i++)
		begin(&dialogs[i]);
	for (size_t i = 0; i < n; i++) {
		struct dialog *d = &dialogs[rnd() % DIALOGS];
		struct ear_addr ua = addr_of(d->from);
		struct ear_addr proxy = ear_addr_v4("\300\0\2\1", 5060);
		bool back = scripts[d->kind][d->step].back;

		m[i].off = pool.n;
		message(&pool, d);
		m[i].n = (uint32_t)(pool.n - m[i].off);
		m[i].src = back ? proxy : ua;
		m[i].dst = back ? ua : proxy;
		from_ns += step_ns / 2 + rnd() % (step_ns + 1);
		m[i].at_ns = from_ns / 1000 * 1000;
		if (d->step == 8 || !scripts[d->kind][d->step].method)
			begin(d);
	}
	if (pool.err)
		exit(1);
}

static void load(const struct made *made, struct ear_msg *msg)
{
	*msg = (struct ear_msg){.at_ns = made->at_ns,
		.seen_ns = made->at_ns + 40000 + made->at_ns / 1000 % 97 * 1000,
		.src = made->src,
		.dst = made->dst,
		.via = ear_addr_v4("\177\0\0\1", 40001),
		.capture_id = 2001,
		.transport = EAR_TR_UDP,
		.proto = EAR_PROTO_SIP,
		.ip_proto = 17,
		.tap = EAR_S("hep/udp:127.0.0.1:9060"),
		.raw = ear_slice(pool.p + made->off, made->n)};
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static bool take(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	(void)msg;
	(void)facts;
	++*(uint64_t *)arg;
	return true;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void fail(const char *what, const struct ear_fault *fault)
{
	fprintf(stderr, "store-bench: %s: %s\n", what, fault->text);
	exit(1);
}

static double ask(struct ear_store *store, const char *text, uint64_t limit,
	uint64_t *got, struct ear_found *found)
{
	struct ear_fault fault = {0};
	struct ear_query q = {.to_ns = UINT64_MAX, .limit = limit};
	uint64_t began;

	if (ear_expr_new(ear_slice_str(text), 0, &q.expr, &fault))
		fail(text, &fault);
	*got = 0;
	began = ear_mono_ns();
	if (store->ops->find(store, &q, take, got, found, &fault))
		fail(text, &fault);
	began = ear_mono_ns() - began;
	ear_expr_free(&q.expr);
	return (double)began / 1e6;
}

static void look_up(struct ear_store *store, const struct made *m, size_t n,
	const char *label, size_t rounds)
{
	double *ms = calloc(rounds, sizeof(*ms));
	uint64_t got;

	for (size_t i = 0; i < rounds; i++) {
		struct ear_found found;
		struct ear_facts facts;
		struct ear_msg msg;
		char text[256];

		load(&m[rnd() % n], &msg);
		ear_msg_facts(&msg, &facts);
		snprintf(text, sizeof(text), "call_id == \"%.*s\"",
			EAR_FMT(facts.call_id));
		ms[i] = ask(store, text, 0, &got, &found);
		if (!got || !found.complete) {
			fprintf(stderr, "%s: %llu found, %s\n", text,
				(unsigned long long)got, found.why);
			exit(1);
		}
	}
	qsort(ms, rounds, sizeof(*ms), by_time);
	printf("%-34s p50 %.3f ms, p99 %.3f ms\n", label, ms[rounds / 2],
		ms[rounds * 99 / 100]);
	free(ms);
}

static void search(struct ear_store *store, const char *text, uint64_t limit)
{
	struct ear_found found;
	uint64_t got;
	double ms = ask(store, text, limit, &got, &found);

	printf("%-34s %.1f ms, %llu found, %llu looked at (%.0f/s)\n", text, ms,
		(unsigned long long)got, (unsigned long long)found.scanned,
		(double)found.scanned / ms * 1000);
}

static long rss_kib(const char *what)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, what, strlen(what)))
			kib = atol(line + strlen(what));
	}
	if (f)
		fclose(f);
	return kib;
}

static void ingest(struct ear_store *store, const struct made *m, size_t n)
{
	double facts_us = cpu_us(), us;
	struct ear_fault fault = {0};
	struct ear_facts facts;
	struct ear_msg msg;
	uint64_t began, sum = 0;
	long before = rss_kib("VmRSS:");

	for (size_t i = 0; i < n; i++) {
		load(&m[i], &msg);
		ear_msg_facts(&msg, &facts);
		sum += facts.call_id.n;
	}
	facts_us = cpu_us() - facts_us;
	began = ear_mono_ns();
	us = cpu_us();
	for (size_t i = 0; i < n; i++) {
		load(&m[i], &msg);
		ear_msg_facts(&msg, &facts);
		if (store->ops->put(store, &msg, &facts)) {
			fprintf(stderr, "put failed\n");
			exit(1);
		}
		if (i % 256 == 0)
			store->ops->tick(store, ear_mono_ns());
	}
	if (store->ops->flush(store, &fault))
		fail("flush", &fault);
	us = cpu_us() - us;
	began = ear_mono_ns() - began;
	printf("%-34s %.0f messages/s, %.2f CPU-us each, and %.2f for facts"
	       " (%llu)\n",
		"put to committed", (double)n / ((double)began / 1e9),
		(us - facts_us) / (double)n, facts_us / (double)n,
		(unsigned long long)(sum & 1));
	printf("%-34s %ld MiB over the input\n", "memory at most",
		(rss_kib("VmHWM:") - before) / 1024);
}

static void notice(const char *event, struct ear_slice text, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s: %.*s\n", event, EAR_FMT(text));
}

static void searches(struct ear_store *store, const struct made *m, size_t n)
{
	look_up(store, m, n, "one Call-ID, first", 20);
	look_up(store, m, n, "one Call-ID, warm", 500);
	search(store, "user == 490000042", 100);
	search(store, "user == 490000042", 100);
	search(store, "", 100);
	search(store, "method == INVITE and status >= 400", 0);
	search(store, "status == 401", 100);
	search(store, "\"no such word\"", 0);
	search(store, "\"Trying\"", 1000);
	search(store, "text ~ \"no.such.word\"", 0);
}

int main(int argc, char **argv)
{
	struct ear_store_options o = {.write = true};
	char dir[] = "/tmp/store-bench-XXXXXX", command[512];
	struct ear_fault fault = {0};
	struct ear_store_stats st;
	struct ear_store *store;
	struct ear_histogram h = {.buckets = 100};
	struct ear_query all = {.to_ns = UINT64_MAX};
	struct ear_found found;
	uint64_t step = 10000, began;
	bool keep = false;
	size_t n = 1000000;
	struct made *m;
	int c;

	while ((c = getopt(argc, argv, "n:d:t:s:kb:")) != -1) {
		switch (c) {
		case 'n': n = strtoul(optarg, NULL, 10); break;
		case 'd': o.dir = optarg; break;
		case 't': o.threads = (uint32_t)atoi(optarg); break;
		case 's': step = strtoull(optarg, NULL, 10); break;
		case 'b': o.segment_bytes = strtoull(optarg, NULL, 10); break;
		case 'k': keep = true; break;
		default: return 2;
		}
	}
	step = step == 10000 ? step : step * EAR_SECOND_NS / n;
	o.dir = o.dir ? o.dir : mkdtemp(dir);
	m = calloc(n, sizeof(*m));
	make(m, n, 1795348800ULL * EAR_SECOND_NS, step);
	printf("%zu messages of %.0f octets\n", n, (double)pool.n / (double)n);
	if (ear_store_embedded.open(&o, notice, NULL, &store, &fault))
		fail("open", &fault);
	ingest(store, m, n);
	printf("-- the segment is open\n");
	searches(store, m, n);
	began = ear_mono_ns();
	ear_store_embedded.close(&store);
	printf("-- sealed in %.0f ms\n", (double)(ear_mono_ns() - began) / 1e6);
	o.write = false;
	if (ear_store_embedded.open(&o, notice, NULL, &store, &fault))
		fail("open", &fault);
	searches(store, m, n);
	h.from_ns = m[0].at_ns;
	h.step_ns = (m[n - 1].at_ns - m[0].at_ns) / 100 + 1;
	h.n = calloc(h.buckets, sizeof(*h.n));
	began = ear_mono_ns();
	if (store->ops->histogram(store, &all, &h, &found, &fault))
		fail("histogram", &fault);
	printf("%-34s %.1f ms, %llu counted\n", "histogram of all",
		(double)(ear_mono_ns() - began) / 1e6,
		(unsigned long long)found.matched);
	store->ops->stats(store, &st);
	printf("%-34s %.1f bytes each, %llu segments\n", "on disk",
		(double)st.bytes / (double)st.messages,
		(unsigned long long)st.segments);
	ear_store_embedded.close(&store);
	snprintf(command, sizeof(command), "rm -rf '%s'", o.dir);
	return keep ? 0 : system(command) != 0;
}
