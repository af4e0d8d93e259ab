/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The store inside the program: segments in DIR/store, see segment.h for what
 * is in them, writer.h for how they come about, search.h for how messages are
 * found in them.
 *
 * Several processes may use one directory at once: each writes segments of its
 * own, all read all. What one has committed the others find.
 *
 *     struct ear_store_options o = {.dir = "/var/lib/earshot", .write = true};
 *     struct ear_store *store;
 *     ear_store_embedded.open(&o, notice, NULL, &store, &fault);
 *     store->ops->put(store, &msg, &facts);
 *
 * Exactly once: call mark() after the messages that it stands for, and let it
 * stand for at most 4 MiB of them. Then a batch is cut at marks only, and
 * messages and mark are in one transaction.
 *
 * put(), mark(), tick(), flush() and close() belong to one thread; a message of
 * more than 8 MiB is refused with EAR_LIMIT.
 */
#ifndef EAR_STORE_EMBEDDED_H
#define EAR_STORE_EMBEDDED_H

#include "store/store.h"

extern const struct ear_store_ops ear_store_embedded;

#endif
