/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/capture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "tap/capture_priv.h"

/* Packets between two looks at the intake and the clock. */
#define BATCH 512

/* Streams that are silent are looked at this late: what the ring still holds
 * is younger. */
#define TICK_BEHIND_NS (2 * EAR_SECOND_NS)

#define RETRY_NS EAR_SECOND_NS

struct ear_capture {
	struct ear_capture_device device;
	struct ear_capture_out out;
	char name[EAR_CAPTURE_NAME];
	struct ear_tally *tally;
	struct ear_keylog *keylog; /* NULL: none */
	struct ear_packets *packets;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	int wake;         /* readable when the thread is to stop */
	uint64_t look_ns; /* next look at drops and time; monotonic */
	uint64_t now_ns;

	pthread_mutex_t lock; /* of stats */
	struct ear_capture_stats stats;
};

/* --- the thread -------------------------------------------------------- */

static void on_packet(
	uint8_t *arg, const struct pcap_pkthdr *head, const uint8_t *bytes)
{
	struct ear_capture *c = (struct ear_capture *)arg;
	uint64_t fraction = (uint64_t)head->ts.tv_usec;
	uint64_t at_ns = (uint64_t)head->ts.tv_sec * EAR_SECOND_NS +
			 (c->device.nano ? fraction : fraction * 1000);

	ear_packets_frame(c->packets, c->device.link, at_ns,
		ear_slice(bytes, head->caplen));
}

static void gone(struct ear_capture *c, const char *why)
{
	pthread_mutex_lock(&c->lock);
	if (!c->stats.gone_ns) {
		c->stats.gone_ns = c->now_ns;
		c->stats.lost++;
	}
	snprintf(c->stats.why, sizeof(c->stats.why), "%s", why);
	pthread_mutex_unlock(&c->lock);
}

static void back(struct ear_capture *c)
{
	pthread_mutex_lock(&c->lock);
	c->stats.gone_ns = 0;
	c->stats.why[0] = '\0';
	pthread_mutex_unlock(&c->lock);
}

/* It went away. Its streams stay: it may be back in a moment. */
static void lose(struct ear_capture *c, const char *why)
{
	ear_log(EAR_WARN, "capture.gone", "tap", EAR_LS(c->name), "reason",
		EAR_LS(why), NULL);
	gone(c, why);
	ear_capture_device_close(&c->device);
}

static void try_again(struct ear_capture *c)
{
	struct ear_fault fault = {0};

	if (ear_capture_device_open(&c->device, &fault)) {
		gone(c, fault.text);
		return;
	}
	ear_log(EAR_NOTICE, "capture.back", "tap", EAR_LS(c->name), NULL);
	back(c);
}

/* About once a second: what the kernel dropped, and the time. */
static void look(struct ear_capture *c)
{
	struct ear_capture_drops drops;
	struct ear_capture_stats *s = &c->stats;
	struct ear_fault fault = {0};

	c->now_ns = ear_now_ns();
	ear_packets_clock(c->packets, c->now_ns);
	ear_packets_tick(c->packets, c->now_ns - TICK_BEHIND_NS);
	ear_capture_own_look(&c->out);
	drops = ear_capture_device_drops(&c->device);
	if (drops.kernel) {
		ear_tally_add(
			c->tally, EAR_N_KERNEL_DROP, drops.kernel, c->now_ns);
		ear_log(EAR_WARN, "capture.kernel_drop", "tap", EAR_LS(c->name),
			"packets", EAR_LU(drops.kernel), "hint",
			EAR_LS("a narrower filter or a larger buffer"), NULL);
	}
	pthread_mutex_lock(&c->lock);
	ear_packets_stats(c->packets, &s->packets);
	s->events = c->out.events;
	s->kernel_drop += drops.kernel;
	s->device_drop += drops.device;
	pthread_mutex_unlock(&c->lock);
	if (!c->device.pcap)
		try_again(c);
	else if (ear_capture_device_up(&c->device, &fault))
		lose(c, fault.text);
}

static void wait_for_more(struct ear_capture *c)
{
	struct pollfd fds[2] = {
		{.fd = c->wake, .events = POLLIN},
		{.fd = c->device.pcap ? c->device.fd : -1, .events = POLLIN},
	};

	(void)poll(fds, 2, 250);
}

/* @return packets taken */
static int take(struct ear_capture *c)
{
	int n = 0;

	if (c->device.pcap) {
		c->now_ns = ear_now_ns();
		ear_packets_clock(c->packets, c->now_ns);
		n = pcap_dispatch(
			c->device.pcap, BATCH, on_packet, (uint8_t *)c);
		c->out.intake->flush(c->out.intake);
	}
	if (n < 0)
		lose(c, ear_capture_device_why(&c->device));
	return n;
}

static void *serve(void *arg)
{
	struct ear_capture *c = arg;

	ear_thread_self("tap-capture", EAR_WEIGHT_RECEIVE);
	while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
		int n = take(c);
		uint64_t now = ear_mono_ns();

		if (now >= c->look_ns) {
			look(c);
			c->out.intake->flush(c->out.intake);
			c->look_ns = now + RETRY_NS;
		}
		if (n <= 0)
			wait_for_more(c);
	}
	/* Bounded: what arrives meanwhile must not keep us here. */
	for (int i = 0; i < 1024 && take(c) > 0; i++)
		;
	ear_packets_end(c->packets);
	look(c);
	c->out.intake->flush(c->out.intake);
	return NULL;
}

/* --- the face ---------------------------------------------------------- */

static enum ear_err open_parts(struct ear_capture *c,
	const struct ear_capture_options *options, struct ear_fault *fault)
{
	struct ear_packets_options packets = {
		.fn = ear_capture_out_message,
		.hep = ear_capture_out_hep,
		.arg = &c->out,
		.tap = ear_slice_str(c->name),
		.tally = c->tally,
		.fn_counts = true,
		.tell = true,
		.connections =
			options->connections ? options->connections : 65536,
		.idle_ns = options->idle_ns,
		.ports = options->ports,
	};
	enum ear_err err = ear_capture_device_init(&c->device, options);

	if (!err && options->keylog && options->keylog[0])
		err = ear_keylog_new(options->keylog, &c->keylog);
	packets.keylog = c->keylog;
	if (!err)
		err = ear_capture_out_init(&c->out, options);
	if (!err)
		err = ear_packets_new(&packets, &c->packets);
	if (err || c->wake < 0)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	c->out.tally = c->tally;
	err = ear_capture_device_open(&c->device, fault);
	if (err != EAR_GONE)
		return err;
	c->now_ns = ear_now_ns();
	gone(c, fault->text);
	*fault = (struct ear_fault){0};
	return EAR_OK;
}

enum ear_err ear_capture_open(const struct ear_capture_options *options,
	struct ear_ledger *ledger, struct ear_capture **out,
	struct ear_fault *fault)
{
	struct ear_capture *c = calloc(1, sizeof(*c));
	enum ear_err err;

	*out = NULL;
	if (!c)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	snprintf(c->name, sizeof(c->name), "capture:%.16s", options->device);
	c->tally = ear_ledger_line(ledger, ear_slice_str(c->name), EAR_S(""));
	c->wake = eventfd(0, EFD_CLOEXEC);
	err = open_parts(c, options, fault);
	if (err)
		ear_capture_close(&c);
	*out = c;
	return err;
}

struct ear_slice ear_capture_name(const struct ear_capture *c)
{
	return ear_slice_str(c->name);
}

struct ear_slice ear_capture_name_of(
	const struct ear_addr *to, char out[EAR_CAPTURE_NAME])
{
	int n = snprintf(
		out, EAR_CAPTURE_NAME, "capture:%.16s", (const char *)to->ip);

	return ear_slice(out, n > 0 ? (size_t)n : 0);
}

enum ear_err ear_capture_start(struct ear_capture *c, struct ear_intake *intake,
	struct ear_fault *fault)
{
	c->out.intake = intake;
	errno = pthread_create(&c->thread, NULL, serve, c);
	if (errno)
		return ear_fail_sys(
			fault, "cannot start a thread for %s", c->name);
	c->started = true;
	return EAR_OK;
}

void ear_capture_own(
	struct ear_capture *c, const struct ear_addr *own, size_t own_n)
{
	ear_capture_out_own(&c->out, own, own_n);
}

void ear_capture_stats(struct ear_capture *c, struct ear_capture_stats *stats)
{
	pthread_mutex_lock(&c->lock);
	*stats = c->stats;
	pthread_mutex_unlock(&c->lock);
}

void ear_capture_close(struct ear_capture **capture)
{
	struct ear_capture *c = *capture;

	if (!c)
		return;
	atomic_store(&c->stop, true);
	if (c->wake >= 0)
		(void)eventfd_write(c->wake, 1);
	if (c->started)
		pthread_join(c->thread, NULL);
	ear_capture_device_fini(&c->device);
	if (c->packets && !c->started)
		ear_packets_end(c->packets);
	ear_packets_free(&c->packets);
	ear_keylog_free(&c->keylog);
	ear_capture_out_fini(&c->out);
	if (c->wake >= 0)
		close(c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
	*capture = NULL;
}
