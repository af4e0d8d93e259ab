/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/time.h"

static struct {
	ear_log_fn fn;
	void *arg;
	enum ear_level least;
} to = {.least = EAR_INFO};

void ear_log_to(ear_log_fn fn, enum ear_level least, void *arg)
{
	to.fn = fn;
	to.arg = arg;
	ear_log_level_set(least);
}

enum ear_level ear_log_level(void)
{
	return __atomic_load_n(&to.least, __ATOMIC_RELAXED);
}

void ear_log_level_set(enum ear_level least)
{
	__atomic_store_n(&to.least, least, __ATOMIC_RELAXED);
}

static const char *const names[] = {
	"debug", "info", "notice", "warning", "error"};

const char *ear_level_name(enum ear_level level)
{
	return names[level];
}

bool ear_level_of(struct ear_slice name, enum ear_level *level)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (ear_slice_eq(name, ear_slice_str(names[i]))) {
			*level = (enum ear_level)i;
			return true;
		}
	}
	return false;
}

/* Quoted where a blank or control byte would break the line up. */
static void text(struct ear_buf *b, struct ear_slice s)
{
	bool plain = s.n > 0;

	for (size_t i = 0; plain && i < s.n; i++)
		plain = s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '"';
	if (plain) {
		ear_buf_slice(b, s);
		return;
	}
	ear_buf_byte(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			ear_buf_printf(b, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			ear_buf_printf(b, "\\x%02x", c);
		else
			ear_buf_byte(b, c);
	}
	ear_buf_byte(b, '"');
}

static void field(struct ear_buf *b, const char *name, struct ear_log_value v)
{
	ear_buf_printf(b, " %s=", name);
	switch (v.type) {
	case EAR_LOG_STR: text(b, ear_slice_str(v.v.str)); break;
	case EAR_LOG_SLICE: text(b, v.v.slice); break;
	case EAR_LOG_U64:
		ear_buf_printf(b, "%llu", (unsigned long long)v.v.u64);
		break;
	}
}

void ear_log(enum ear_level level, const char *event, ...)
{
	char at[EAR_TIME_TEXT];
	struct ear_buf b = {.max = 16384};
	const char *name;
	va_list args;

	if (level < ear_log_level())
		return;
	ear_time_text(ear_now_ns(), at);
	ear_buf_printf(&b, "%s %s %s", at, names[level], event);
	va_start(args, event);
	while ((name = va_arg(args, const char *)))
		field(&b, name, va_arg(args, struct ear_log_value));
	va_end(args);
	ear_buf_byte(&b, '\0');
	if (!b.err && to.fn)
		to.fn(level, b.p, to.arg);
	else if (!b.err)
		fprintf(stderr, "%s\n", b.p);
	ear_buf_fini(&b);
}

bool ear_log_every(struct ear_log_gate *gate, uint64_t *skipped)
{
	uint64_t now = ear_mono_ns();
	uint64_t next = __atomic_load_n(&gate->next_ns, __ATOMIC_RELAXED);

	if (now < next || !__atomic_compare_exchange_n(&gate->next_ns, &next,
				  now + EAR_SECOND_NS, false, __ATOMIC_RELAXED,
				  __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&gate->skipped, 1, __ATOMIC_RELAXED);
		return false;
	}
	*skipped = __atomic_exchange_n(&gate->skipped, 0, __ATOMIC_RELAXED);
	return true;
}
