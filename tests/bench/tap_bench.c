/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What receiving alone costs: a listener whose intake copies into a buffer and
 * appends that to a file, as the floor does without a listener.
 *
 *     tap-bench udp|tcp PORT FILE MESSAGES
 *
 * Ends after that many messages or after three silent seconds; prints one
 * JSON object. CPU is that of the process, receive thread included.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "tap/hep_tcp.h"
#include "tap/hep_udp.h"

#define ROOM (512u << 10)

static struct {
	struct ear_intake intake; /* first */
	int fd;
	size_t n;
	_Atomic uint64_t units, flushes;
	uint64_t first_ns, last_ns;
	char room[ROOM];
} to;

static void flush(struct ear_intake *in)
{
	(void)in;
	if (!to.n)
		return;
	if (write(to.fd, to.room, to.n) != (ssize_t)to.n)
		abort();
	to.n = 0;
	atomic_fetch_add_explicit(&to.flushes, 1, memory_order_relaxed);
}

static void put(struct ear_intake *in, const struct ear_unit *unit,
	struct ear_slice bytes)
{
	if (to.n + bytes.n > ROOM)
		flush(in);
	memcpy(to.room + to.n, bytes.p, bytes.n);
	to.n += bytes.n;
	if (!to.first_ns)
		to.first_ns = unit->seen_ns;
	to.last_ns = unit->seen_ns;
	atomic_fetch_add_explicit(&to.units, unit->units, memory_order_relaxed);
}

static void wait_for(uint64_t messages)
{
	uint64_t last = 0;

	for (int silent = 0; silent < 300;) {
		uint64_t now = atomic_load(&to.units);

		if (now >= messages)
			return;
		silent = now && now == last ? silent + 1 : 0;
		last = now;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void report(const struct ear_ledger *l, double cpu)
{
	uint64_t n[EAR_N_COUNT];
	double seconds = (double)(to.last_ns - to.first_ns) / 1e9;
	uint64_t units = atomic_load(&to.units);

	ear_ledger_sum((struct ear_ledger *)l, n);
	printf("{\"messages\":%llu,\"seconds\":%.3f,\"rate\":%.0f,"
	       "\"cpu\":%.3f,\"cpu_per_million\":%.3f,\"flushes\":%llu,"
	       "\"kernel_drop\":%llu}\n",
		(unsigned long long)units, seconds, (double)units / seconds,
		cpu, cpu / (double)units * 1e6,
		(unsigned long long)atomic_load(&to.flushes),
		(unsigned long long)n[EAR_N_KERNEL_DROP]);
}

int main(int argc, char **argv)
{
	struct ear_addr at = ear_addr_v4("\x7f\0\0\1", 0);
	struct ear_intake *intakes[1] = {&to.intake};
	struct ear_tap_udp *udp = NULL;
	struct ear_tap_tcp *tcp = NULL;
	struct ear_fault fault = {0};
	struct ear_ledger *ledger;
	enum ear_err err;
	double cpu;

	if (argc != 5 || ear_ledger_new(64, &ledger)) {
		fprintf(stderr, "tap-bench udp|tcp PORT FILE MESSAGES\n");
		return 2;
	}
	at.port = (uint16_t)atoi(argv[2]);
	to.intake = (struct ear_intake){put, flush};
	to.fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (!strcmp(argv[1], "udp")) {
		err = ear_tap_udp_open(
			&(struct ear_tap_udp_options){
				.address = at, .threads = 1},
			ledger, &udp, &fault);
		if (!err)
			err = ear_tap_udp_start(udp, intakes, &fault);
	} else {
		err = ear_tap_tcp_open(
			&(struct ear_tap_tcp_options){
				.address = at, .threads = 1},
			ledger, &tcp, &fault);
		if (!err)
			err = ear_tap_tcp_start(tcp, intakes, &fault);
	}
	if (err || to.fd < 0) {
		fprintf(stderr, "tap-bench: %s\n", fault.text);
		return 1;
	}
	wait_for(strtoull(argv[4], NULL, 10));
	ear_tap_udp_close(&udp);
	ear_tap_tcp_close(&tcp);
	cpu = cpu_s();
	report(ledger, cpu);
	ear_ledger_free(&ledger);
	return 0;
}
