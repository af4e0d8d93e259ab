/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap/capture_priv.h"

#define SNAPLEN (256 << 10)
#define BUFFER (64 << 20)

/*
 * How long the kernel may gather packets before it shows them: each showing
 * costs a turn of the thread, and nobody looks more often than that.
 */
#define GATHER_MS 100

enum ear_err ear_capture_check(const char *filter, struct ear_fault *fault)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	struct bpf_program program;
	enum ear_err err = EAR_OK;

	if (!dead)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (pcap_compile(dead, &program, filter, 1, PCAP_NETMASK_UNKNOWN))
		err = ear_fail(fault, EAR_USAGE, 0, "filter: %.200s in '%.80s'",
			pcap_geterr(dead), filter);
	else
		pcap_freecode(&program);
	pcap_close(dead);
	return err;
}

enum ear_err ear_capture_device_init(
	struct ear_capture_device *d, const struct ear_capture_options *options)
{
	d->device = strdup(options->device);
	d->filter = strdup(options->filter ? options->filter : "");
	d->promiscuous = options->promiscuous;
	d->snaplen = options->snaplen ? options->snaplen : SNAPLEN;
	d->buffer = options->buffer ? options->buffer : BUFFER;
	d->fd = -1;
	return d->device && d->filter ? EAR_OK : EAR_NOMEM;
}

void ear_capture_device_fini(struct ear_capture_device *d)
{
	ear_capture_device_close(d);
	free(d->device);
	free(d->filter);
	d->device = d->filter = NULL;
}

void ear_capture_device_close(struct ear_capture_device *d)
{
	if (d->pcap)
		pcap_close(d->pcap);
	d->pcap = NULL;
	d->fd = -1;
	d->kernel_drop = d->device_drop = 0;
}

const char *ear_capture_device_why(const struct ear_capture_device *d)
{
	return pcap_geterr(d->pcap);
}

/* @return its IFF_ flags; -1: none can be asked for, as of "any" */
static int flags_of(const struct ear_capture_device *d)
{
	struct ifreq ask = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int flags = -1;

	snprintf(ask.ifr_name, sizeof(ask.ifr_name), "%s", d->device);
	if (fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ask))
		flags = (unsigned short)ask.ifr_flags;
	if (fd >= 0)
		close(fd);
	return flags;
}

static bool is_loopback(const struct ear_capture_device *d)
{
	int flags = flags_of(d);

	return flags >= 0 && flags & IFF_LOOPBACK;
}

static enum ear_err refuse_down(
	const struct ear_capture_device *d, struct ear_fault *fault)
{
	return ear_fail(fault, EAR_GONE, 0,
		"device: '%.64s' is down; `ip link set %.64s up`", d->device,
		d->device);
}

enum ear_err ear_capture_device_up(
	const struct ear_capture_device *d, struct ear_fault *fault)
{
	int flags = flags_of(d);

	return flags >= 0 && !(flags & IFF_UP) ? refuse_down(d, fault) : EAR_OK;
}

/* Say what to do about it, too. */
static enum ear_err refuse(struct ear_capture_device *d, pcap_t *p, int status,
	struct ear_fault *fault)
{
	const char *more = pcap_geterr(p);

	switch (status) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return ear_fail(fault, EAR_SYS, 0,
			"device: there is no '%.64s'; `ip link` lists those "
			"that are there",
			d->device);
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return ear_fail(fault, EAR_SYS, 0,
			"device: no permission to capture on '%.64s': start "
			"as root, or give the program CAP_NET_RAW, as `setcap "
			"cap_net_raw+ep` and systemd's AmbientCapabilities do",
			d->device);
	case PCAP_ERROR_IFACE_NOT_UP: return refuse_down(d, fault);
	default:
		return ear_fail(fault, EAR_SYS, 0,
			"device: cannot capture on '%.64s': %.180s", d->device,
			more && more[0] ? more : pcap_statustostr(status));
	}
}

/* As struct sock_fprog of <linux/filter.h>, which libpcap's header has no
 * peace with; the instructions are the same in both. */
struct kernel_program {
	unsigned short n;
	struct bpf_insn *code;
};

/*
 * On loopback each packet goes out and comes in. libpcap passes over the one
 * that goes out, but only after it had its place in the ring, or among the
 * drops: so the kernel is told not to show it, before it asks the filter.
 * Where that cannot be, the count of drops is twice what it should be.
 */
static void only_inbound(pcap_t *p, const struct bpf_program *filter)
{
	static const struct bpf_insn head[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			(bpf_u_int32)(-0x1000 + 4)), /* kind of packet */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const size_t heads = sizeof(head) / sizeof(head[0]);
	struct kernel_program program = {
		.n = (unsigned short)(heads + filter->bf_len)};

	if (filter->bf_len > 4000) /* the kernel takes 4096 */
		return;
	program.code = calloc(program.n, sizeof(*program.code));
	if (!program.code)
		return;
	memcpy(program.code, head, sizeof(head));
	memcpy(program.code + heads, filter->bf_insns,
		filter->bf_len * sizeof(*program.code));
	(void)!setsockopt(pcap_fileno(p), SOL_SOCKET, SO_ATTACH_FILTER,
		&program, sizeof(program));
	free(program.code);
}

/* An empty filter is one that takes all. */
static enum ear_err set_filter(
	struct ear_capture_device *d, pcap_t *p, struct ear_fault *fault)
{
	struct bpf_program program;
	enum ear_err err = EAR_OK;

	if (pcap_compile(p, &program, d->filter, 1, PCAP_NETMASK_UNKNOWN))
		return ear_fail(fault, EAR_USAGE, 0,
			"filter: %.200s in '%.80s'", pcap_geterr(p), d->filter);
	if (pcap_setfilter(p, &program))
		err = ear_fail(fault, EAR_SYS, 0, "filter: %.200s in '%.80s'",
			pcap_geterr(p), d->filter);
	else if (is_loopback(d))
		only_inbound(p, &program);
	pcap_freecode(&program);
	return err;
}

static enum ear_err activate(
	struct ear_capture_device *d, pcap_t *p, struct ear_fault *fault)
{
	uint64_t buffer = d->buffer < INT_MAX ? d->buffer : INT_MAX;
	char text[PCAP_ERRBUF_SIZE];
	enum ear_err err;
	int status;

	pcap_set_snaplen(p, (int)d->snaplen);
	pcap_set_promisc(p, d->promiscuous);
	pcap_set_timeout(p, GATHER_MS);
	pcap_set_buffer_size(p, (int)buffer);
	d->nano = !pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(p); /* above 0: a warning, as of promiscuity */
	if (status < 0)
		return refuse(d, p, status, fault);
	err = set_filter(d, p, fault);
	if (err)
		return err;
	if (pcap_setnonblock(p, 1, text))
		return ear_fail(fault, EAR_SYS, 0, "device: %.200s", text);
	d->link = (uint32_t)pcap_datalink(p);
	d->fd = pcap_get_selectable_fd(p);
	return EAR_OK;
}

enum ear_err ear_capture_device_open(
	struct ear_capture_device *d, struct ear_fault *fault)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(d->device, text);
	enum ear_err err;

	if (!p)
		return ear_fail(fault, EAR_SYS, 0, "device: %.200s", text);
	err = activate(d, p, fault);
	if (err) {
		pcap_close(p);
		d->fd = -1;
		return err;
	}
	d->pcap = p;
	return EAR_OK;
}

struct ear_capture_drops ear_capture_device_drops(struct ear_capture_device *d)
{
	struct ear_capture_drops drops = {0};
	struct pcap_stat now;

	if (!d->pcap || pcap_stats(d->pcap, &now))
		return drops;
	drops.kernel = now.ps_drop - d->kernel_drop;
	drops.device = now.ps_ifdrop - d->device_drop;
	d->kernel_drop = now.ps_drop;
	d->device_drop = now.ps_ifdrop;
	return drops;
}
