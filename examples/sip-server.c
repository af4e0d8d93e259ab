/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A small SIP server with Earshot's tap inside: it says yes to REGISTER,
 * OPTIONS and calls over UDP, and 486 to calls for the user "busy". Every call
 * is traced from its INVITE to its end.
 *
 *     cc sip-server.c -o sip-server $(pkg-config --cflags --libs earshot)
 *     ./sip-server --data /tmp/sip --port 5060 --config earshot.conf
 *
 * While it runs, words on standard input ask the tap: on, off and check turn
 * and show the switch, stats shows the counts, flush waits until all is
 * stored, reload reads the configuration again, quit ends.
 */
#define _GNU_SOURCE /* memmem() */
#include <arpa/inet.h>
#include <earshot/earshot.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --- a SIP message, as much of it as an answer needs ---------------------- */

/* Where a header field's value stands in the message. */
struct value {
	const char *p;
	int n;
};

struct request {
	const char *text, *end; /* end: behind the header fields */
	char method[16];
	char user[64]; /* of the Request-URI */
	struct value body;
};

/* The field at line, when it has this name, long or short. */
static int is_field(const char *line, const char *name, char brief)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n)) {
		n = 1;
		if (!brief || (line[0] | 0x20) != brief)
			return 0;
	}
	return line[n + strspn(line + n, " \t")] == ':';
}

/* The next field of this name behind *at, which moves on. */
static int next_field(const struct request *r, const char **at,
	const char *name, char brief, struct value *value)
{
	while (*at < r->end) {
		const char *line = *at, *stop = strstr(line, "\r\n");

		*at = stop + 2;
		if (!is_field(line, name, brief))
			continue;
		value->p = strchr(line, ':') + 1;
		value->p += strspn(value->p, " \t");
		value->n = (int)(stop - value->p);
		return 1;
	}
	return 0;
}

/* text ends with a NUL. @return whether it is a request */
static int read_request(const char *text, struct request *r)
{
	const char *end = strstr(text, "\r\n\r\n");

	memset(r, 0, sizeof(*r));
	if (!end || !strncmp(text, "SIP/", 4))
		return 0;
	if (sscanf(text, "%15[A-Z] sip:%63[^@ \r\n]", r->method, r->user) < 1)
		return 0;
	r->text = text;
	r->end = end + 2;
	r->body.p = end + 4;
	r->body.n = (int)strlen(r->body.p);
	return 1;
}

/* --- an answer --------------------------------------------------------- */

struct reply {
	char text[65536];
	size_t n;
};

static void add(struct reply *reply, const char *format, ...)
{
	size_t room = sizeof(reply->text) - reply->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(reply->text + reply->n, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		reply->n += (size_t)n;
}

/* All fields of a name, as they came. */
static void copy(struct reply *reply, const struct request *r, const char *name,
	char brief)
{
	const char *at = strstr(r->text, "\r\n") + 2;
	struct value v;

	while (next_field(r, &at, name, brief, &v)) {
		/* who answers marks its side of the dialog (RFC 3261 s12.1.1)
		 */
		int tag = !strcmp(name, "To") &&
			  !memmem(v.p, (size_t)v.n, ";tag=", 5);

		add(reply, "%s: %.*s%s\r\n", name, v.n, v.p,
			tag ? ";tag=earshot-example" : "");
	}
}

static void answer(struct reply *reply, const struct request *r,
	const char *status, const char *contact)
{
	struct value body = {"", 0};

	reply->n = 0;
	add(reply, "SIP/2.0 %s\r\n", status);
	copy(reply, r, "Via", 'v');
	copy(reply, r, "From", 'f');
	copy(reply, r, "To", 't');
	copy(reply, r, "Call-ID", 'i');
	copy(reply, r, "CSeq", 0);
	if (!strcmp(r->method, "REGISTER"))
		copy(reply, r, "Contact", 'm');
	else
		add(reply, "Contact: <sip:%s>\r\n", contact);
	/* the media that was offered is what we take: an echo */
	if (!strcmp(r->method, "INVITE") && status[0] == '2' && r->body.n) {
		add(reply, "Content-Type: application/sdp\r\n");
		body = r->body;
	}
	add(reply, "Content-Length: %d\r\n\r\n%.*s", body.n, body.n, body.p);
}

static const char *status_for(const struct request *r)
{
	static const char *const known[] = {
		"REGISTER", "OPTIONS", "INVITE", "BYE", "CANCEL"};

	if (!strcmp(r->method, "INVITE") && !strcmp(r->user, "busy"))
		return "486 Busy Here";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(r->method, known[i]))
			return "200 OK";
	}
	return "501 Not Implemented";
}

/* --- the server, with its tap ------------------------------------------ */

struct server {
	int fd;
	struct sockaddr_in me;
	char contact[64];
	const char *config;
	struct earshot *ear; /* NULL: without a tap all is as with one */
};

/* An INVITE without a tag in To begins a call, which is followed from here. */
static int begins_call(const struct request *r)
{
	const char *at = strstr(r->text, "\r\n") + 2;
	struct value to;

	return !strcmp(r->method, "INVITE") &&
	       next_field(r, &at, "To", 't', &to) &&
	       !memmem(to.p, (size_t)to.n, ";tag=", 5);
}

static void serve(struct server *s)
{
	static char text[65536];
	static struct reply reply;
	struct sockaddr_in from;
	socklen_t from_bytes = sizeof(from);
	struct earshot_packet packet = EARSHOT_PACKET;
	struct request request;
	int is_request;
	ssize_t n = recvfrom(s->fd, text, sizeof(text) - 1, 0,
		(struct sockaddr *)&from, &from_bytes);

	if (n <= 0)
		return;
	text[n] = '\0';
	is_request = read_request(text, &request);

	/* what came in */
	packet.data = text;
	packet.bytes = (size_t)n;
	packet.src = (const struct sockaddr *)&from;
	packet.dst = (const struct sockaddr *)&s->me;
	packet.transport = EARSHOT_UDP;
	if (is_request && begins_call(&request))
		earshot_sip_trace_mode(s->ear, &packet, EARSHOT_DIALOG);
	else
		earshot_received(s->ear, &packet);
	if (!is_request || !strcmp(request.method, "ACK"))
		return;

	/* and what goes out */
	answer(&reply, &request, status_for(&request), s->contact);
	packet.data = reply.text;
	packet.bytes = reply.n;
	packet.src = (const struct sockaddr *)&s->me;
	packet.dst = (const struct sockaddr *)&from;
	earshot_sending(s->ear, &packet);
	sendto(s->fd, reply.text, reply.n, 0, (struct sockaddr *)&from,
		from_bytes);
}

/* @return whether to go on */
static int ask(struct server *s)
{
	struct earshot_stats stats = EARSHOT_STATS;
	char word[64], text[EARSHOT_WHY];

	if (!fgets(word, sizeof(word), stdin))
		return 0;
	word[strcspn(word, "\n")] = '\0';
	if (!strcmp(word, "quit"))
		return 0;
	if (!strcmp(word, "flush")) {
		printf("%s\n", earshot_strerror(earshot_flush(s->ear, 5000)));
	} else if (!strcmp(word, "reload")) {
		int answer = earshot_reload(
			s->ear, s->config, NULL, text, sizeof(text));

		printf("%s\n", answer ? text : earshot_strerror(answer));
	} else if (!strcmp(word, "stats")) {
		earshot_stats(s->ear, &stats);
		printf("taken %llu full %llu kept %llu mirrored %llu "
		       "delivered %llu lost %llu waiting %llu\n",
			(unsigned long long)stats.taken,
			(unsigned long long)stats.refused_full,
			(unsigned long long)stats.kept,
			(unsigned long long)stats.mirrored,
			(unsigned long long)stats.delivered,
			(unsigned long long)stats.lost,
			(unsigned long long)stats.waiting);
	} else {
		earshot_status(s->ear, word, text, sizeof(text));
		printf("%s\n", text);
	}
	fflush(stdout);
	return 1;
}

static void log_line(int level, const char *line, void *arg)
{
	(void)level;
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static int open_socket(struct server *s, unsigned short port)
{
	socklen_t n = sizeof(s->me);

	s->fd = socket(AF_INET, SOCK_DGRAM, 0);
	s->me.sin_family = AF_INET;
	s->me.sin_port = htons(port);
	s->me.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&s->me, n) ||
		getsockname(s->fd, (struct sockaddr *)&s->me, &n)) {
		perror("sip-server");
		return 0;
	}
	snprintf(s->contact, sizeof(s->contact), "%s:%u",
		inet_ntoa(s->me.sin_addr), ntohs(s->me.sin_port));
	return 1;
}

int main(int argc, char **argv)
{
	struct earshot_options options = EARSHOT_OPTIONS;
	struct server s = {0};
	char why[EARSHOT_WHY];
	int port = 5060;

	options.name = "sip-server";
	options.store = 1;
	options.log = log_line;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--port"))
			port = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--data"))
			options.data_dir = argv[i + 1];
		else if (!strcmp(argv[i], "--config"))
			options.config_file = s.config = argv[i + 1];
		else if (!strcmp(argv[i], "--queue"))
			options.queue_bytes = (size_t)atol(argv[i + 1]);
	}
	if (!open_socket(&s, (unsigned short)port))
		return 1;

	/* A server whose tap cannot be opened serves all the same. */
	if (options.data_dir &&
		earshot_open(&options, &s.ear, why, sizeof(why)))
		fprintf(stderr, "sip-server: no tap: %s\n", why);
	printf("sip-server on %s\n", s.contact);
	fflush(stdout);

	for (int on = 1; on;) {
		struct pollfd fds[] = {
			{.fd = s.fd, .events = POLLIN},
			{.fd = STDIN_FILENO, .events = POLLIN},
		};

		if (poll(fds, 2, -1) < 0)
			break;
		if (fds[0].revents & POLLIN)
			serve(&s);
		if (fds[1].revents)
			on = ask(&s);
	}
	earshot_close(s.ear, 2000);
	close(s.fd);
	return 0;
}
