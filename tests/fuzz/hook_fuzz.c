/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as the body of a hook, run over any bytes as a message: up to the
 * first zero byte the one, behind it the other. Whatever it does, it ends
 * soon, within its memory, and what it asks for can be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "rule/hook.h"

#define BYTES ((uint64_t)1 << 20)

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void quiet(enum ear_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static size_t sum(struct ear_slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (uint8_t)s.p[i];
	return n;
}

static size_t read_all(const struct ear_hook_verdict *v)
{
	size_t n = sum(v->correlation);

	check(v->asks <= EAR_HOOK_ASKS && v->events <= EAR_HOOK_ASKS);
	for (size_t i = 0; i < v->asks; i++) {
		const struct ear_trace_spec *t = &v->ask[i];

		n += strlen(t->name) + strlen(t->rule) + strlen(t->table) +
		     strlen(t->correlation) + strlen(t->by) + strlen(t->why);
		for (size_t k = 0; k < t->users.n; k++)
			n += strlen(t->users.item[k]);
		for (size_t k = 0; k < t->mirrors.n; k++)
			n += strlen(t->mirrors.item[k]);
	}
	for (size_t i = 0; i < v->events; i++)
		n += sum(v->event[i].text) + sum(v->event[i].correlation);
	for (size_t i = 0; i < v->marks.users.n; i++)
		n += sum(v->marks.users.item[i]);
	for (size_t i = 0; i < v->marks.tables.n; i++)
		n += sum(v->marks.tables.item[i]);
	return n;
}

/* The script lies in memory only; it is opened by the name of its handle. */
static struct ear_hook *load(struct ear_slice body)
{
	int fd = memfd_create("hook", MFD_CLOEXEC);
	char file[64];
	struct ear_hook_options options = {
		.file = file, .max_instructions = 3000, .max_bytes = BYTES};
	struct ear_fault fault = {0};
	struct ear_hook *hook = NULL;
	enum ear_err err;

	check(fd >= 0);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	check(dprintf(fd, "function on_message(msg)\n%.*s\nend\n",
		      EAR_FMT(body)) > 0);
	err = ear_hook_new(&options, &hook, &fault);
	check((err == EAR_OK) == (hook != NULL));
	check(!err || fault.text[0]);
	close(fd);
	return hook;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t split = zero ? (size_t)(zero - data) : size;
	struct ear_msg msg = {.at_ns = 1795348800000000000ULL,
		.proto = EAR_PROTO_SIP,
		.transport = EAR_TR_UDP,
		.raw = ear_slice(data + split, size - split)};
	struct ear_hook_verdict verdict;
	struct ear_facts facts;
	struct ear_hook *hook;

	ear_log_to(quiet, EAR_ERROR, NULL);
	hook = load(ear_slice(data, split));
	if (!hook)
		return 0;
	if (zero)
		msg.raw = ear_slice_sub(msg.raw, 1, msg.raw.n);
	ear_msg_examine(&msg, &facts);
	for (int i = 0; i < 3; i++) {
		ear_hook_take(hook, &msg, &facts, &verdict);
		read_all(&verdict);
	}
	ear_hook_free(&hook);
	return 0;
}
