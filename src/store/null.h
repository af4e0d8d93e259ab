/* SPDX-License-Identifier: Apache-2.0 */
/** The store that keeps nothing: to measure all the rest by. */
#ifndef EAR_STORE_NULL_H
#define EAR_STORE_NULL_H

#include "store/store.h"

/** Counts what is put and keeps marks while it is open; finds nothing. */
extern const struct ear_store_ops ear_store_null;

#endif
