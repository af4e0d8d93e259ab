/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder on any bytes: the first says in which form they came. Whatever
 * they are, every unit comes to one end, and slices lie where they may.
 */
#include <stdlib.h>

#include "base/log.h"
#include "tap/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ear_ledger *ledger;
static struct ear_tally *tally;
static struct ear_decoder *decoder;

static void no_log(enum ear_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

static void begin(void)
{
	if (ear_ledger_new(16, &ledger) || ear_decoder_new(&decoder))
		abort();
	tally = ear_ledger_line(ledger, EAR_S("fuzz"), EAR_S(""));
	ear_log_to(no_log, EAR_DEBUG, NULL);
}

/* Reading every byte lets the sanitizer look at it. */
static void touch(struct ear_slice s)
{
	static volatile char sink;

	for (size_t i = 0; i < s.n; i++)
		sink = s.p[i];
	(void)sink;
}

static void on_message(const struct ear_msg *msg, void *arg)
{
	uint64_t *messages = arg;

	touch(msg->raw);
	touch(msg->extra);
	touch(msg->note);
	touch(msg->node);
	touch(msg->correlation);
	if (!msg->at_ns || !msg->proto)
		abort();
	++*messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_unit unit = {.units = 1, .seen_ns = 1795348800000000000};
	uint64_t n[EAR_N_COUNT], messages = 0;

	if (!decoder)
		begin();
	if (!size)
		return 0;
	unit.kind = data[0] & 3;
	unit.units = 1 + (data[0] >> 2 & 3);
	ear_tally_add(tally, EAR_N_RECEIVED, unit.units, unit.seen_ns);
	ear_decode(decoder, &unit, ear_slice(data + 1, size - 1), EAR_S("fuzz"),
		data[0] & 0x80 ? EAR_S("key") : EAR_S(""), tally, on_message,
		&messages);
	ear_tally_add(tally, EAR_N_STORED, messages, unit.seen_ns);
	ear_ledger_sum(ledger, n);
	if (ear_ledger_open(n) != 0)
		abort();
	return 0;
}
