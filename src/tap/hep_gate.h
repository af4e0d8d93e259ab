/* SPDX-License-Identifier: Apache-2.0 */
/** What the UDP and the TCP listener share: name, allow-list, counting. */
#ifndef EAR_TAP_HEP_GATE_H
#define EAR_TAP_HEP_GATE_H

#include <pthread.h>

#include "base/ledger.h"
#include "message/msg.h"

/** Least and most threads of a listener, and how many unless told. */
#define HEP_THREADS_MAX 64
#define HEP_THREADS 2

/** Refused senders that the ledger counts apart; the rest share a line. */
#define HEP_DENIED_LINES 64

struct hep_gate {
	struct ear_ledger *ledger; /* borrowed */
	char name[80];             /* "hep/udp:127.0.0.1:9060" */
	struct ear_addr address;   /* as bound */
	enum ear_transport transport;
	pthread_rwlock_t allow_lock; /* of the three below */
	struct ear_net *allow;       /* owned */
	size_t allow_n;
	char key[256];            /* that HEP senders must show; "": none */
	_Atomic unsigned changes; /* of them: what was asked before is old */
	pthread_mutex_t denied_lock;
	struct ear_addr denied[HEP_DENIED_LINES]; /* that have a line */
	size_t denied_n;
};

/** Copy the allow-list. @return EAR_OK, EAR_NOMEM */
EAR_MUST_USE enum ear_err hep_gate_init(struct hep_gate *gate,
	struct ear_ledger *ledger, const struct ear_net *allow, size_t allow_n);
void hep_gate_fini(struct hep_gate *gate);

/** Another allow-list from now on. Any thread. @return EAR_OK, EAR_NOMEM */
EAR_MUST_USE enum ear_err hep_gate_allow(
	struct hep_gate *gate, const struct ear_net *allow, size_t allow_n);

/** The key that is asked for from now on, at most 255 bytes. Any thread. */
void hep_gate_key(struct hep_gate *gate, const char *key);

/** Whether a sender may with this key, where one is asked for. */
bool hep_gate_key_fits(struct hep_gate *gate, struct ear_slice key);

/** The address as bound, and the name that comes from it. */
void hep_gate_name(struct hep_gate *gate, enum ear_transport transport,
	struct ear_addr address);

bool hep_gate_allows(struct hep_gate *gate, const struct ear_addr *from);

/** Count units of a sender that may not, and say so now and then. */
void hep_gate_deny(struct hep_gate *gate, const struct ear_addr *from,
	uint64_t bytes, uint64_t now_ns);

/** Count something that no intake gets: RECEIVED and what became of it. */
void hep_gate_count(const struct hep_gate *gate, const struct ear_addr *from,
	enum ear_count what, uint64_t now_ns);

/**
 * Called after each batch. At a high rate a thread that wakes for each message
 * spends most of its time on waking: when batches come closer than 1 ms and
 * are small, it sleeps 250 us to let more arrive. The kernel's buffer holds a
 * hundred times that, and a message is seen a quarter of a millisecond later.
 *
 * @param last_ns when the batch before was taken, monotonic; updated
 */
void hep_gather(uint64_t *last_ns, uint64_t mono_ns, bool small);

/** Signals are for the main thread; SIGPIPE of a TLS answer for nobody. */
void hep_thread_begin(void);

#endif
