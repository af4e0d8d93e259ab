/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends SIP traffic in HEP3, or writes it as a capture. See --help.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"
#include "hepgen_make.h"
#include "proto/pcap_write.h"

/* Datagrams of one sendmmsg(). */
#define BATCH 64
/* Bytes of one write on a stream. */
#define WRITE_BYTES (256u << 10)
#define SOCKETS_MAX 256
/* Where the times of a capture begin: 2026-11-01 00:00:00 UTC. */
#define CAPTURE_START_NS (1793491200ULL * EAR_SECOND_NS)
/* And how fast its messages come unless told. */
#define CAPTURE_RATE 5000

static const char help[] =
	"Usage: hepgen --udp ADDRESS | --tcp ADDRESS | --pcap FILE [options]\n"
	"\n"
	"Sends SIP messages of REGISTER with challenge, calls, OPTIONS and\n"
	"MESSAGE in HEP3, many dialogs interleaved, or writes the same "
	"traffic\n"
	"as a capture of UDP packets. The traffic depends on the seed alone.\n"
	"Prints one JSON object: sent, seconds, rate, CPU seconds, bytes, how\n"
	"many requests of each method and replies of each status, and Call-ID\n"
	"and user of one dialog that was sent whole.\n"
	"\n"
	"  --udp IP:PORT     send datagrams, 64 with one call\n"
	"  --tcp IP:PORT     send a stream, 256 KiB with one call\n"
	"  --pcap FILE       write a capture instead; '-' is standard output,\n"
	"                    the summary then goes to standard error\n"
	"  -n, --messages N  how many, default 1000000\n"
	"  --rate N          messages a second, default as fast as possible\n"
	"                    (capture: times 1/N s apart, default 5000)\n"
	"  --sockets N       sources or connections in turn, default 1\n"
	"  --dialogs N       at the same time, default 1000\n"
	"  --users N         different ones, 1 to 10000, default 10000\n"
	"  --seed N          default 1\n"
	"  --key TEXT        HEP authentication key\n"
	"  --node TEXT       HEP agent name\n"
	"  -h, --help        this\n";

struct settings {
	struct ear_addr to;
	int type; /* SOCK_DGRAM, SOCK_STREAM; 0: a capture */
	const char *pcap;
	uint64_t messages;
	uint64_t rate;
	uint64_t sockets;
	struct make_options make;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "hepgen: %s: %s\n", what, why);
	exit(1);
}

static void misused(const char *what)
{
	fprintf(stderr, "hepgen: %s\nTry 'hepgen --help'.\n", what);
	exit(2);
}

/* --- pace --------------------------------------------------------------- */

struct pace {
	uint64_t begun_ns; /* monotonic */
	uint64_t rate;     /* messages a second; 0 no limit */
};

/* How many of what is left may go now; sleeps until it is at least one. */
static uint64_t allowance(
	const struct pace *p, uint64_t sent, uint64_t left, uint64_t most)
{
	uint64_t n = left < most ? left : most;

	while (p->rate) {
		double passed = (double)(ear_mono_ns() - p->begun_ns) / 1e9;
		uint64_t due = (uint64_t)(passed * (double)p->rate) + 1;

		if (due > sent)
			return due - sent < n ? due - sent : n;
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	return n;
}

/* --- sending ------------------------------------------------------------ */

static int dial(const struct settings *s)
{
	struct sockaddr_storage sa;
	socklen_t n = ear_addr_to_sockaddr(&s->to, &sa);
	int fd = socket(sa.ss_family, s->type | SOCK_CLOEXEC, 0);
	int size = 4 << 20;

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, n))
		die("connect", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

static void send_datagrams(int fd, struct mmsghdr *msg, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(fd, msg + done, n - done, 0);

		if (sent < 0 && errno != EINTR && errno != ENOBUFS)
			die("sendmmsg", strerror(errno));
		if (sent > 0)
			done += (unsigned)sent;
	}
}

static uint64_t run_udp(struct maker *m, const struct settings *s,
	const struct pace *pace, const int *fds)
{
	static char room[BATCH][MAKE_MAX];
	struct mmsghdr msg[BATCH] = {0};
	struct iovec iov[BATCH];
	uint64_t sent = 0, turn = 0;

	while (sent < s->messages) {
		uint64_t n = allowance(pace, sent, s->messages - sent, BATCH);
		uint64_t now = ear_now_ns();

		for (uint64_t i = 0; i < n; i++) {
			struct made made = maker_next(m, now, room[i]);

			iov[i].iov_base = room[i];
			iov[i].iov_len = made.packet.n;
			msg[i].msg_hdr.msg_iov = &iov[i];
			msg[i].msg_hdr.msg_iovlen = 1;
		}
		send_datagrams(fds[turn++ % s->sockets], msg, (unsigned)n);
		sent += n;
	}
	return sent;
}

static void send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			die("send", strerror(errno));
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

static uint64_t run_tcp(struct maker *m, const struct settings *s,
	const struct pace *pace, const int *fds)
{
	static char room[WRITE_BYTES + MAKE_MAX];
	uint64_t sent = 0, turn = 0;

	while (sent < s->messages) {
		uint64_t n = allowance(
			pace, sent, s->messages - sent, WRITE_BYTES / 256);
		uint64_t now = ear_now_ns();
		size_t have = 0;

		while (n > 0 && have < WRITE_BYTES) {
			have += maker_next(m, now, room + have).packet.n;
			sent++;
			n--;
		}
		send_all(fds[turn++ % s->sockets], room, have);
	}
	return sent;
}

static uint64_t run_network(
	struct maker *m, const struct settings *s, const struct pace *pace)
{
	int fds[SOCKETS_MAX];
	uint64_t sent;

	for (uint64_t i = 0; i < s->sockets; i++)
		fds[i] = dial(s);
	sent = s->type == SOCK_DGRAM ? run_udp(m, s, pace, fds)
				     : run_tcp(m, s, pace, fds);
	for (uint64_t i = 0; i < s->sockets; i++)
		close(fds[i]);
	return sent;
}

/* --- a capture ---------------------------------------------------------- */

static void drain(struct ear_buf *out, FILE *f)
{
	if (out->err || fwrite(out->p, 1, out->n, f) != out->n)
		die("write",
			out->err ? ear_err_name(out->err) : strerror(errno));
	ear_buf_reset(out);
}

static uint64_t run_pcap(struct maker *m, const struct settings *s)
{
	const struct ear_pcap_write_options options = {0};
	FILE *f = strcmp(s->pcap, "-") ? fopen(s->pcap, "wb") : stdout;
	uint64_t step = EAR_SECOND_NS / (s->rate ? s->rate : CAPTURE_RATE);
	struct ear_pcap_writer *w;
	struct ear_buf out = {0};
	char room[MAKE_MAX];

	if (!f)
		die(s->pcap, strerror(errno));
	if (ear_pcap_writer_new(&options, &w))
		die("capture", "out of memory");
	ear_pcap_writer_begin(w, &out);
	for (uint64_t i = 0; i < s->messages; i++) {
		uint64_t at_ns = CAPTURE_START_NS + i * step;
		struct made made = maker_next(m, at_ns, room);
		const struct ear_pcap_write packet = {
			.at_ns = at_ns,
			.src = made.src,
			.dst = made.dst,
			.ip_proto = IPPROTO_UDP,
			.payload = made.payload,
		};

		ear_pcap_writer_add(w, &packet, &out);
		if (out.n > WRITE_BYTES)
			drain(&out, f);
	}
	drain(&out, f);
	ear_pcap_writer_free(&w);
	ear_buf_fini(&out);
	if (fflush(f) || (f != stdout && fclose(f)))
		die(s->pcap, strerror(errno));
	return s->messages;
}

/* --- the summary -------------------------------------------------------- */

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void key_num(struct ear_json *j, const char *key, double v)
{
	ear_json_key(j, key);
	ear_json_num(j, v);
}

static void print_counts(struct ear_json *j, const struct make_counts *c)
{
	ear_json_key(j, "methods");
	ear_json_open(j, '{');
	ear_json_ku64(j, "ACK", c->ack);
	ear_json_ku64(j, "BYE", c->bye);
	ear_json_ku64(j, "INVITE", c->invite);
	ear_json_ku64(j, "MESSAGE", c->message);
	ear_json_ku64(j, "OPTIONS", c->options);
	ear_json_ku64(j, "REGISTER", c->reg);
	ear_json_close(j, '}');
	ear_json_key(j, "statuses");
	ear_json_open(j, '{');
	ear_json_ku64(j, "100", c->s100);
	ear_json_ku64(j, "180", c->s180);
	ear_json_ku64(j, "200", c->s200);
	ear_json_ku64(j, "401", c->s401);
	ear_json_ku64(j, "486", c->s486);
	ear_json_close(j, '}');
}

static void print_summary(
	const struct maker *m, uint64_t sent, double seconds, FILE *f)
{
	const struct make_counts *c = maker_counts(m);
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);
	double n = c->messages ? (double)c->messages : 1;

	ear_json_open(&j, '{');
	ear_json_ku64(&j, "sent", sent);
	key_num(&j, "seconds", seconds);
	key_num(&j, "rate", seconds > 0 ? (double)sent / seconds : 0);
	key_num(&j, "cpu_seconds", cpu_s());
	ear_json_ku64(&j, "bytes", c->packet_bytes);
	key_num(&j, "payload_average", (double)c->payload_bytes / n);
	ear_json_ku64(&j, "dialogs", c->dialogs);
	print_counts(&j, c);
	ear_json_kstr(&j, "call_id", ear_slice_str(maker_call_id(m)));
	ear_json_kstr(&j, "user", ear_slice_str(maker_user(m)));
	ear_json_close(&j, '}');
	fprintf(f, "%.*s\n", EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
}

/* --- options ------------------------------------------------------------ */

static uint64_t number(
	const char *name, const char *text, uint64_t least, uint64_t most)
{
	uint64_t v;

	if (!ear_slice_u64(ear_slice_str(text), most, &v) || v < least) {
		fprintf(stderr, "hepgen: %s is a number from %llu to %llu\n",
			name, (unsigned long long)least,
			(unsigned long long)most);
		exit(2);
	}
	return v;
}

static void set_to(struct settings *s, int type, const char *text)
{
	if (ear_addr_parse(ear_slice_str(text), &s->to) || !s->to.port)
		misused("an address is IP:PORT or [IPv6]:PORT");
	s->type = type;
}

static void set(struct settings *s, int option, const char *text)
{
	switch (option) {
	case 'u': set_to(s, SOCK_DGRAM, text); break;
	case 't': set_to(s, SOCK_STREAM, text); break;
	case 'p': s->pcap = text; break;
	case 'n':
		s->messages = number("--messages", text, 1, 10000000000);
		break;
	case 'r': s->rate = number("--rate", text, 1, 100000000); break;
	case 'c': s->sockets = number("--sockets", text, 1, SOCKETS_MAX); break;
	case 'd':
		s->make.dialogs =
			(uint32_t)number("--dialogs", text, 1, 1000000);
		break;
	case 'U':
		s->make.users = (uint32_t)number("--users", text, 1, 10000);
		break;
	case 's': s->make.seed = number("--seed", text, 0, UINT64_MAX); break;
	case 'k': s->make.key = ear_slice(text, strnlen(text, 256)); break;
	case 'N': s->make.node = ear_slice(text, strnlen(text, 256)); break;
	case 'h': fputs(help, stdout); exit(0);
	default: misused("unknown option");
	}
}

static struct settings read_settings(int argc, char **argv)
{
	static const struct option options[] = {
		{"udp", required_argument, NULL, 'u'},
		{"tcp", required_argument, NULL, 't'},
		{"pcap", required_argument, NULL, 'p'},
		{"messages", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"sockets", required_argument, NULL, 'c'},
		{"dialogs", required_argument, NULL, 'd'},
		{"users", required_argument, NULL, 'U'},
		{"seed", required_argument, NULL, 's'},
		{"key", required_argument, NULL, 'k'},
		{"node", required_argument, NULL, 'N'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct settings s = {.messages = 1000000, .sockets = 1};
	int option;

	s.make = (struct make_options){
		.seed = 1, .dialogs = 1000, .users = 10000, .capture_id = 2001};
	while ((option = getopt_long(argc, argv, "n:h", options, NULL)) != -1)
		set(&s, option, optarg);
	if (optind < argc || !s.type == !s.pcap)
		misused("say one of --udp, --tcp and --pcap");
	return s;
}

int main(int argc, char **argv)
{
	struct settings s = read_settings(argc, argv);
	struct maker *m = maker_new(&s.make);
	struct pace pace = {.rate = s.pcap ? 0 : s.rate};
	bool to_stdout = s.pcap && !strcmp(s.pcap, "-");
	uint64_t sent;

	if (!m)
		die("templates", "out of memory");
	pace.begun_ns = ear_mono_ns();
	sent = s.pcap ? run_pcap(m, &s) : run_network(m, &s, &pace);
	print_summary(m, sent, (double)(ear_mono_ns() - pace.begun_ns) / 1e9,
		to_stdout ? stderr : stdout);
	maker_free(m);
	return 0;
}
