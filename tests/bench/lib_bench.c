/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What handing a message over costs the server that does it: nanoseconds of
 * processor time a call of earshot_received(), for one thread and for several
 * at once.
 *
 *     lib-bench DIR THREADS [CALLS]
 *
 * Callers work in bursts that fit into the queue and wait for it to empty in
 * between, as the question is what a call costs and not how fast the rest is.
 * Prints one JSON object.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "earshot/earshot.h"

#define THREADS_MAX 64
#define BURST 4000

static const char head[] =
	"INVITE sip:bob@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%08x%08x\r\n"
	"Max-Forwards: 70\r\n"
	"From: \"Alice\" <sip:alice@example.com>;tag=%08x\r\n"
	"To: <sip:bob@example.com>\r\n"
	"Call-ID: %08x%08x@192.0.2.1\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:alice@192.0.2.1:5060>\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 192\r\n\r\n"
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
	"t=0 0\r\nm=audio 10000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=sendrecv\r\n";

struct caller {
	pthread_t thread;
	struct earshot *ear;
	pthread_barrier_t *barrier;
	uint32_t who, bursts;
	uint64_t took_ns, full;
};

/* Of this thread alone: others that want the processor do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void burst(struct caller *c, const struct earshot_packet *p)
{
	uint64_t began = cpu_ns();

	for (uint32_t i = 0; i < BURST; i++)
		c->full += earshot_received(c->ear, p) == EARSHOT_FULL;
	c->took_ns += cpu_ns() - began;
}

static void *call(void *arg)
{
	struct caller *c = arg;
	struct earshot_packet p = EARSHOT_PACKET;
	char text[1024];

	p.data = text;
	p.transport = EARSHOT_UDP;
	for (uint32_t i = 0; i < c->bursts; i++) {
		int n = snprintf(
			text, sizeof(text), head, c->who, i, i, c->who, i);

		p.bytes = (size_t)n;
		pthread_barrier_wait(c->barrier);
		burst(c, &p);
		earshot_flush(c->ear, 60000);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct earshot_options o = EARSHOT_OPTIONS;
	uint32_t threads = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	uint64_t calls = argc > 3 ? (uint64_t)atoll(argv[3]) : 400000;
	uint64_t took = 0, full = 0, made = 0;
	struct caller c[THREADS_MAX] = {0};
	struct earshot_stats stats = EARSHOT_STATS;
	pthread_barrier_t barrier;
	char why[EARSHOT_WHY];
	struct earshot *ear;

	if (!threads || threads > THREADS_MAX) {
		fprintf(stderr, "usage: lib-bench DIR THREADS [CALLS]\n");
		return 2;
	}
	o.data_dir = argv[1];
	o.config_text = "retention { min_free = 1M }";
	if (earshot_open(&o, &ear, why, sizeof(why))) {
		fprintf(stderr, "lib-bench: %s\n", why);
		return 1;
	}
	pthread_barrier_init(&barrier, NULL, threads);
	for (uint32_t i = 0; i < threads; i++) {
		c[i] = (struct caller){.ear = ear,
			.barrier = &barrier,
			.who = i,
			.bursts = (uint32_t)(calls / threads / BURST)};
		if (pthread_create(&c[i].thread, NULL, call, &c[i]))
			return 1;
	}
	for (uint32_t i = 0; i < threads; i++) {
		pthread_join(c[i].thread, NULL);
		took += c[i].took_ns;
		full += c[i].full;
		made += (uint64_t)c[i].bursts * BURST;
	}
	earshot_stats(ear, &stats);
	printf("{\"threads\": %u, \"calls\": %llu, \"ns\": %llu, "
	       "\"full\": %llu, \"bytes\": %llu}\n",
		threads, (unsigned long long)made,
		(unsigned long long)(took / (made ? made : 1)),
		(unsigned long long)full,
		(unsigned long long)(stats.bytes /
				     (stats.taken ? stats.taken : 1)));
	return earshot_close(ear, 10000) ? 1 : 0;
}
