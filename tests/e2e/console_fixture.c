/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's server and control channel over a store made of an array,
 * for tests/e2e/api_test.py: searches as slow as a test wants them, messages
 * that come when it says so.
 *
 * Sessions, accounts, calls and connections are real rows in DIR/records.db,
 * as many calls as "calls=N" says.
 *
 *     console-fixture DIR MESSAGES [option=value …]
 *
 * Prints "URL" and "PASSWORD" lines; then obeys lines on standard input:
 * "slow MICROSECONDS" per message looked at, "partial 1": every search lacks
 * something, "add CALL-ID", "call SRC", "quit".
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "console/audit.h"
#include "console/console.h"
#include "console/control.h"
#include "records/records.h"

#define MOST 200000

struct fixture {
	struct ear_store store; /* first */
	pthread_mutex_t lock;
	struct ear_buf text[MOST];
	uint64_t at_ns[MOST];
	size_t n;
	_Atomic unsigned slow_us;
	_Atomic unsigned partial; /* say that something is missing */
	_Atomic unsigned searching;
	_Atomic unsigned stopped; /* searches ended by their stop flag */
};

static struct fixture fixture = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void add(const char *call_id, uint64_t at_ns, size_t number)
{
	static const char *const lines[] = {
		"INVITE sip:bob@example.net SIP/2.0", "SIP/2.0 180 Ringing",
		"SIP/2.0 200 OK", "BYE sip:bob@example.net SIP/2.0",
		"SIP/2.0 486 Busy Here"};
	static const char *const methods[] = {
		"INVITE", "INVITE", "INVITE", "BYE", "INVITE"};
	struct fixture *f = &fixture;
	struct ear_buf *b;

	pthread_mutex_lock(&f->lock);
	if (f->n < MOST) {
		b = &f->text[f->n];
		ear_buf_printf(b,
			"%s\r\nVia: SIP/2.0/UDP "
			"192.0.2.1:5060;branch=z9hG4bK%zu"
			"\r\nFrom: \"<b>Sara</b>\" <sip:909@example.com>;"
			"tag=f%zu\r\nTo: <sip:bob@example.net>\r\n"
			"Call-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n"
			"\r\n",
			lines[number % 5], number, number / 5, call_id,
			methods[number % 5]);
		f->at_ns[f->n++] = at_ns;
	}
	pthread_mutex_unlock(&f->lock);
}

static void message(size_t i, struct ear_msg *msg, struct ear_facts *facts)
{
	static const uint8_t one[4] = {192, 0, 2, 1}, two[4] = {192, 0, 2, 2};
	struct ear_addr a = ear_addr_v4(one, 5060), b = ear_addr_v4(two, 5060);
	bool reply = i % 5 == 1 || i % 5 == 2 || i % 5 == 4;

	*msg = (struct ear_msg){.at_ns = fixture.at_ns[i],
		.seen_ns = fixture.at_ns[i],
		.id = i + 1,
		.src = reply ? b : a,
		.dst = reply ? a : b,
		.transport = EAR_TR_UDP,
		.proto = EAR_PROTO_SIP,
		.ip_proto = 17,
		.tap = EAR_S("fixture"),
		.raw = ear_buf_view(&fixture.text[i])};
	ear_msg_facts(msg, facts);
}

static size_t count(void)
{
	size_t n;

	pthread_mutex_lock(&fixture.lock);
	n = fixture.n;
	pthread_mutex_unlock(&fixture.lock);
	return n;
}

/* Why to stop before message i of the walk; NULL: go on. */
static const char *why_stop(const struct ear_query *q)
{
	if (q->stop && __atomic_load_n(q->stop, __ATOMIC_RELAXED)) {
		fixture.stopped++;
		return "stopped";
	}
	if (q->deadline_ns && ear_mono_ns() > q->deadline_ns)
		return "the time was over";
	return NULL;
}

static enum ear_err find(struct ear_store *store, const struct ear_query *q,
	ear_match_fn fn, void *arg, struct ear_found *found,
	struct ear_fault *fault)
{
	size_t n = count(), done = q->cursor ? strtoul(q->cursor, NULL, 10) : 0;
	const char *why = NULL;
	struct ear_facts facts;
	struct ear_msg msg;

	fixture.searching++;
	*found = (struct ear_found){.complete = true,
		.done_from_ns = q->from_ns,
		.done_to_ns = q->to_ns};
	for (; done < n; done++) {
		size_t i = q->oldest_first ? done : n - 1 - done;

		if (q->limit && found->matched >= q->limit) {
			found->more = true;
			break;
		}
		why = why_stop(q);
		if (why)
			break;
		if (fixture.slow_us)
			usleep(fixture.slow_us);
		found->scanned++;
		message(i, &msg, &facts);
		if (msg.at_ns < q->from_ns || msg.at_ns > q->to_ns ||
			(q->expr && !ear_expr_match(q->expr, &msg, &facts)))
			continue;
		found->matched++;
		if (!fn(&msg, &facts, arg)) {
			found->more = ++done < n;
			break;
		}
	}
	if (!why && fixture.partial)
		why = "a segment cannot be read";
	if (why) {
		found->complete = false;
		snprintf(found->why, sizeof(found->why), "%s", why);
	}
	if (why || found->more)
		snprintf(found->cursor, sizeof(found->cursor), "%zu", done);
	fixture.searching--;
	return EAR_OK;
}

struct counting {
	struct ear_histogram *h;
};

static bool count_one(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct ear_histogram *h = ((struct counting *)arg)->h;
	size_t bucket = (msg->at_ns - h->from_ns) / h->step_ns;
	size_t class =
		facts->kind == EAR_KIND_REQUEST ? 0 : facts->status / 100;

	if (msg->at_ns >= h->from_ns && bucket < h->buckets)
		h->n[bucket][class]++;
	return true;
}

static enum ear_err histogram(struct ear_store *store,
	const struct ear_query *q, struct ear_histogram *h,
	struct ear_found *found, struct ear_fault *fault)
{
	struct counting counting = {.h = h};

	return find(store, q, count_one, &counting, found, fault);
}

static enum ear_err get(struct ear_store *store, struct ear_slice id,
	ear_match_fn fn, void *arg, struct ear_fault *fault)
{
	struct ear_facts facts;
	struct ear_msg msg;
	uint64_t i;

	if (!ear_slice_u64(id, count(), &i) || i == 0)
		return EAR_GONE;
	message(i - 1, &msg, &facts);
	fn(&msg, &facts, arg);
	return EAR_OK;
}

static void id_text(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts, char out[40])
{
	snprintf(out, 40, "%llu", (unsigned long long)msg->id);
}

static void stats(struct ear_store *store, struct ear_store_stats *s)
{
	size_t n = count();

	*s = (struct ear_store_stats){.messages = n,
		.oldest_ns = n ? fixture.at_ns[0] : 0,
		.newest_ns = n ? fixture.at_ns[n - 1] : 0};
}

static const struct ear_store_ops ops = {.name = "fixture",
	.find = find,
	.histogram = histogram,
	.get = get,
	.id_text = id_text,
	.stats = stats};

static void status(struct ear_json *j, void *arg)
{
	ear_json_ku64(j, "messages", count());
	ear_json_ku64(j, "searching", fixture.searching);
	ear_json_ku64(j, "stopped", fixture.stopped);
}

static void stop(void *arg)
{
	printf("STOP\n");
	fflush(stdout);
}

/* --- rows ---------------------------------------------------------------- */

static struct ear_records *records;
static struct ear_track_out out;
static struct ear_net proxies[1];

static void put_call(uint64_t i, uint64_t at_ns, const char *src)
{
	static const struct {
		uint8_t disposition;
		uint16_t code;
		const char *reason;
	} ends[] = {{EAR_CALL_ANSWERED, 200, "OK"},
		{EAR_CALL_NO_ANSWER, 487, "Request Terminated"},
		{EAR_CALL_BUSY, 486, "Busy Here"},
		{EAR_CALL_FAILED, 404, "Not Found"}};
	char call_id[32], dst[16];
	struct ear_call_row row = {.at_ns = at_ns,
		.id = i + 1,
		.ring_ns = at_ns + EAR_SECOND_NS,
		.end_ns = at_ns + (2 + i % 60) * EAR_SECOND_NS,
		.ring_ms = 1500,
		.talk_ms = i % 4 ? 0 : i % 60 * 1000,
		.disposition = ends[i % 4].disposition,
		.code = ends[i % 4].code,
		.reason = ear_slice_str(ends[i % 4].reason),
		.transport = EAR_TR_UDP,
		.branches = 1,
		.src = ear_slice_str(src),
		.src_name = EAR_S("=cmd|'/c calc'!A1"),
		.note = i % 7 ? EAR_S("") : EAR_S("never confirmed")};

	snprintf(call_id, sizeof(call_id), "call-%llu", (unsigned long long)i);
	snprintf(dst, sizeof(dst), "8%02llu", (unsigned long long)(i % 50));
	row.call_id = ear_slice_str(call_id);
	row.dst = ear_slice_str(dst);
	out.call(&row, out.arg);
}

static void put_binding(uint64_t i, uint64_t now)
{
	char user[16];
	struct ear_binding_row row = {.at_ns = now - 7200 * EAR_SECOND_NS + i,
		.id = i + 1,
		.refreshed_ns = now - 60 * EAR_SECOND_NS,
		.expires_ns = now + 3600 * EAR_SECOND_NS,
		.lost_ns = i == 1 ? now - 7000 * EAR_SECOND_NS : 0,
		.transport = EAR_TR_UDP,
		.domain = EAR_S("example.net"),
		.description = EAR_S("<b>Sara</b>")};

	snprintf(user, sizeof(user), "8%02llu", (unsigned long long)i);
	row.username = ear_slice_str(user);
	row.remote = ear_addr_v4((uint8_t[]){192, 0, 2, (uint8_t)i}, 5060);
	out.binding(&row, out.arg);
}

static void put_session(uint64_t i, uint64_t now)
{
	struct ear_session_row row = {.at_ns = now - (60 - i) * EAR_SECOND_NS,
		.id = i + 1,
		.event = i % 4 + 1,
		.source = EAR_SOURCE_CLIENT,
		.failed = i == 5,
		.code = i == 5 ? 403 : 200,
		.reconciled = true,
		.transport = EAR_TR_TLS,
		.peername = EAR_S("909"),
		.account = EAR_S("Sara"),
		.details = i == 5 ? EAR_S("403 Forbidden") : EAR_S("200 OK"),
		.user_agent = EAR_S("snom320/8.4.18")};

	row.remote = ear_addr_v4((uint8_t[]){93, 57, 41, 37}, 28224);
	out.session(&row, out.arg);
}

static bool open_records(const char *dir, uint64_t calls)
{
	const struct ear_records_options o = {
		.dir = dir, .write = true, .owner = "server"};
	struct ear_fault fault = {0};
	uint64_t now = ear_now_ns();

	if (ear_records_open(&o, &records, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		return false;
	}
	ear_records_out(records, &out);
	for (uint64_t i = 0; i < calls; i++) {
		put_call(i, now - (calls - i) * 100 * EAR_MS_NS, "909");
		if (ear_records_waiting(records) > 10000)
			ear_records_commit(records, NULL);
	}
	for (uint64_t i = 0; i < 50; i++)
		put_binding(i, now);
	for (uint64_t i = 0; i < 20; i++)
		put_session(i, now);
	return !ear_records_flush(records, &fault);
}

static void obey(void)
{
	static uint64_t call = 1000000;
	char line[256], word[200];
	unsigned us;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "slow %u", &us) == 1)
			fixture.slow_us = us;
		else if (sscanf(line, "partial %u", &us) == 1)
			fixture.partial = us;
		else if (sscanf(line, "add %199s", word) == 1)
			add(word, ear_now_ns(), count());
		else if (sscanf(line, "call %199s", word) == 1)
			put_call(call++, ear_now_ns(), word);
		else
			break;
		if (records && ear_records_flush(records, NULL))
			break;
		printf("DONE\n");
		fflush(stdout);
	}
}

static void set_option(struct ear_console_options *o, const char *text)
{
	const char *is = strchr(text, '=');
	unsigned long v = is ? strtoul(is + 1, NULL, 10) : 0;

	if (!strncmp(text, "head_ms=", 8))
		o->head_ms = (uint32_t)v;
	else if (!strncmp(text, "search_ms=", 10))
		o->search_ms = (uint32_t)v;
	else if (!strncmp(text, "idle_ms=", 8))
		o->session_idle_ns = v * EAR_MS_NS;
	else if (!strncmp(text, "connections=", 12))
		o->connections = (unsigned)v;
	else if (!strncmp(text, "followers=", 10))
		o->followers = (unsigned)v;
	else if (!strncmp(text, "lock_after=", 11))
		o->lock_after = (uint32_t)v;
	else if (!strncmp(text, "lock_ms=", 8))
		o->lock_for_ns = v * EAR_MS_NS;
	else if (!strncmp(text, "tls=", 4))
		o->with_tls = v;
	else if (!strncmp(text, "metrics=", 8))
		o->metrics = ear_metrics_for_of(ear_slice_str(text + 8));
	else if (!strncmp(text, "proxy=", 6))
		o->n_proxies =
			!ear_net_parse(ear_slice_str(text + 6), &proxies[0]);
	else if (!strncmp(text, "cert=", 5))
		o->certificate = text + 5;
	else if (!strncmp(text, "key=", 4))
		o->private_key = text + 4;
}

/* "<p>Hello</p>\n", by gzip -9 */
static const unsigned char page[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x02, 0x03, 0xb3, 0x29, 0xb0, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0xb7,
	0xd1, 0x2f, 0xb0, 0xe3, 0x02, 0x00, 0x31, 0x2e, 0xe9, 0x0c, 0x0d, 0x00,
	0x00, 0x00};
static const struct ear_asset assets[] = {
	{"/index.html", "text/html; charset=utf-8", "\"abc\"", page,
		sizeof(page), 13},
};

int main(int argc, char **argv)
{
	struct ear_console_options o = {.listen = "127.0.0.1:0",
		.dir = argc > 1 ? argv[1] : ".",
		.version = "test",
		.store = &fixture.store,
		.status_json = status,
		.proxies = proxies,
		.assets = assets,
		.n_assets = 1};
	struct ear_control_options co = {
		.dir = o.dir, .status_json = status, .stop = stop};
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct ear_console *console = NULL;
	struct ear_audit *audit = NULL;
	struct ear_control *control = NULL;
	struct ear_fault fault = {0};
	char call_id[32];

	fixture.store.ops = &ops;
	for (size_t i = 0; i < n; i++) {
		snprintf(call_id, sizeof(call_id), "call-%zu", i / 5);
		add(call_id,
			ear_now_ns() - 3600 * EAR_SECOND_NS + i * EAR_MS_NS, i);
	}
	for (int i = 3; i < argc; i++) {
		set_option(&o, argv[i]);
		if (!strncmp(argv[i], "calls=", 6) &&
			!open_records(o.dir, strtoul(argv[i] + 6, NULL, 10)))
			return 1;
	}
	o.records = records;
	if (ear_audit_open(o.dir, &audit, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		return 1;
	}
	o.audit = audit;
	if (ear_console_open(&o, &console, &fault) ||
		ear_control_open(&co, &control, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		ear_console_close(&console);
		ear_audit_close(&audit);
		ear_records_close(&records);
		return 1;
	}
	printf("URL %s\nPASSWORD %s\n", ear_console_url(console),
		ear_console_first_password(console));
	fflush(stdout);
	obey();
	ear_control_close(&control);
	ear_console_close(&console);
	ear_audit_close(&audit);
	ear_records_close(&records);
	for (size_t i = 0; i < fixture.n; i++)
		ear_buf_fini(&fixture.text[i]);
	return 0;
}
