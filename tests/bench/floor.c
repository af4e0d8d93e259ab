/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The floor under every figure: the least that a recorder can do. Receives
 * with recvmmsg (or read, on TCP) and appends the bytes to a file, with an
 * fdatasync each second and at the end. No parsing, no index.
 *
 *     floor udp|tcp PORT FILE MESSAGES
 *
 * Ends after that many datagrams (udp), when the sender closes (tcp), or after
 * two silent seconds. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define ROOM 65536

struct sums {
	uint64_t messages; /* datagrams; on TCP counted by their HEP3 magic */
	uint64_t bytes;
	double first_s, last_s;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(int type, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0), size = 32 << 20, yes = 1;
	struct timeval wait = {.tv_sec = 2};

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (type == SOCK_DGRAM) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
		(type == SOCK_STREAM && listen(fd, 16)))
		fail("socket");
	return fd;
}

static void append(int file, struct iovec *v, int n, struct sums *sums)
{
	static double synced;
	ssize_t done = writev(file, v, n);

	if (done < 0)
		fail("write");
	sums->bytes += (uint64_t)done;
	sums->last_s = now_s();
	if (!sums->first_s)
		sums->first_s = synced = sums->last_s;
	if (sums->last_s - synced >= 1) {
		fdatasync(file);
		synced = sums->last_s;
	}
}

static void receive_udp(int fd, int file, uint64_t want, struct sums *sums)
{
	static char room[BATCH][ROOM];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH], w[BATCH];

	while (sums->messages < want) {
		int n;

		memset(m, 0, sizeof(m));
		for (int i = 0; i < BATCH; i++) {
			v[i] = (struct iovec){room[i], ROOM};
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (sums->messages)
				return;
			continue;
		}
		if (n < 0)
			fail("recvmmsg");
		for (int i = 0; i < n; i++)
			w[i] = (struct iovec){room[i], m[i].msg_len};
		append(file, w, n, sums);
		sums->messages += (uint64_t)n;
	}
}

static void receive_tcp(int fd, int file, struct sums *sums)
{
	static char room[1 << 20];
	int from = accept(fd, NULL, NULL);
	ssize_t n;

	if (from < 0)
		fail("accept");
	while ((n = read(from, room, sizeof(room))) > 0) {
		struct iovec v = {room, (size_t)n};

		append(file, &v, 1, sums);
	}
	close(from);
}

int main(int argc, char **argv)
{
	struct sums sums = {0};
	struct rusage use;
	int fd, file, udp;

	if (argc != 5) {
		fprintf(stderr, "usage: floor udp|tcp PORT FILE MESSAGES\n");
		return 2;
	}
	udp = !strcmp(argv[1], "udp");
	fd = open_socket(udp ? SOCK_DGRAM : SOCK_STREAM, atoi(argv[2]));
	file = open(argv[3], O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	if (file < 0)
		fail(argv[3]);
	if (udp)
		receive_udp(fd, file, strtoull(argv[4], NULL, 10), &sums);
	else
		receive_tcp(fd, file, &sums);
	fdatasync(file);
	getrusage(RUSAGE_SELF, &use);
	printf("{\"messages\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"cpu\":%."
	       "3f}\n",
		(unsigned long long)sums.messages,
		(unsigned long long)sums.bytes, now_s() - sums.first_s,
		(double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
			(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) /
				1e6);
	return 0;
}
