/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/hep_gate.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"

enum ear_err hep_gate_init(struct hep_gate *gate, struct ear_ledger *ledger,
	const struct ear_net *allow, size_t allow_n)
{
	*gate = (struct hep_gate){.ledger = ledger,
		.denied_lock = PTHREAD_MUTEX_INITIALIZER,
		.allow_lock = PTHREAD_RWLOCK_INITIALIZER};
	return hep_gate_allow(gate, allow, allow_n);
}

enum ear_err hep_gate_allow(
	struct hep_gate *gate, const struct ear_net *allow, size_t allow_n)
{
	struct ear_net *list = NULL, *before;

	if (allow_n) {
		list = calloc(allow_n, sizeof(*allow));
		if (!list)
			return EAR_NOMEM;
		memcpy(list, allow, allow_n * sizeof(*allow));
	}
	pthread_rwlock_wrlock(&gate->allow_lock);
	before = gate->allow;
	gate->allow = list;
	gate->allow_n = allow_n;
	pthread_rwlock_unlock(&gate->allow_lock);
	gate->changes++;
	free(before);
	return EAR_OK;
}

void hep_gate_key(struct hep_gate *gate, const char *key)
{
	pthread_rwlock_wrlock(&gate->allow_lock);
	snprintf(gate->key, sizeof(gate->key), "%s", key);
	pthread_rwlock_unlock(&gate->allow_lock);
}

bool hep_gate_key_fits(struct hep_gate *gate, struct ear_slice key)
{
	size_t n;
	bool fits;

	pthread_rwlock_rdlock(&gate->allow_lock);
	n = strlen(gate->key);
	fits = !n || (key.n == n && !sodium_memcmp(key.p, gate->key, n));
	pthread_rwlock_unlock(&gate->allow_lock);
	return fits;
}

void hep_gate_fini(struct hep_gate *gate)
{
	free(gate->allow);
	gate->allow = NULL;
}

void hep_gate_name(struct hep_gate *gate, enum ear_transport transport,
	struct ear_addr address)
{
	char text[EAR_ADDR_TEXT];

	ear_addr_text(&address, text);
	gate->address = address;
	gate->transport = transport;
	snprintf(gate->name, sizeof(gate->name), "hep/%.*s:%s",
		EAR_FMT(ear_transport_name(transport)), text);
}

bool hep_gate_allows(struct hep_gate *gate, const struct ear_addr *from)
{
	bool allows;

	pthread_rwlock_rdlock(&gate->allow_lock);
	allows = gate->allow_n == 0;
	for (size_t i = 0; !allows && i < gate->allow_n; i++)
		allows = ear_net_has(&gate->allow[i], from);
	pthread_rwlock_unlock(&gate->allow_lock);
	return allows;
}

void hep_gate_count(const struct hep_gate *gate, const struct ear_addr *from,
	enum ear_count what, uint64_t now_ns)
{
	struct ear_tally *tally = ear_ledger_line_addr(
		gate->ledger, ear_slice_str(gate->name), from);

	ear_tally_add(tally, EAR_N_RECEIVED, 1, now_ns);
	ear_tally_add(tally, what, 1, now_ns);
}

/*
 * Refused senders can be as many as somebody likes to make up; the first ones
 * have lines of their own, the rest share one, so that they never crowd out
 * the senders that are welcome.
 */
static struct ear_tally *denied_line(
	struct hep_gate *gate, const struct ear_addr *from)
{
	struct ear_slice tap = ear_slice_str(gate->name);
	struct ear_addr host = *from;
	size_t i = 0;

	host.port = 0;
	pthread_mutex_lock(&gate->denied_lock);
	while (i < gate->denied_n && !ear_addr_eq(&gate->denied[i], &host))
		i++;
	if (i == gate->denied_n && i < HEP_DENIED_LINES)
		gate->denied[gate->denied_n++] = host;
	pthread_mutex_unlock(&gate->denied_lock);
	return i < HEP_DENIED_LINES
		       ? ear_ledger_line_addr(gate->ledger, tap, &host)
		       : ear_ledger_line(gate->ledger, tap, EAR_S("(denied)"));
}

void hep_gate_deny(struct hep_gate *gate, const struct ear_addr *from,
	uint64_t bytes, uint64_t now_ns)
{
	struct ear_tally *line = denied_line(gate, from);
	static struct ear_log_gate every;
	char text[EAR_ADDR_TEXT];
	uint64_t skipped;

	ear_tally_add(line, EAR_N_RECEIVED, 1, now_ns);
	ear_tally_add(line, EAR_N_DENIED, 1, now_ns);
	ear_tally_add(line, EAR_N_BYTES, bytes, now_ns);
	if (!ear_log_every(&every, &skipped))
		return;
	ear_addr_text(from, text);
	ear_log(EAR_WARN, "tap.denied", "tap", EAR_LS(gate->name), "source",
		EAR_LS(text), "skipped", EAR_LU(skipped), NULL);
}

#define BUSY_NS (1 * EAR_MS_NS)
#define GATHER_NS (250 * EAR_US_NS)

void hep_gather(uint64_t *last_ns, uint64_t mono_ns, bool small)
{
	const struct timespec nap = {.tv_nsec = GATHER_NS};

	if (small && mono_ns - *last_ns < BUSY_NS)
		nanosleep(&nap, NULL);
	*last_ns = mono_ns;
}

void hep_thread_begin(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
}
