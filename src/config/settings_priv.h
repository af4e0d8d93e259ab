/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of settings.h share. */
#ifndef EAR_CONFIG_SETTINGS_PRIV_H
#define EAR_CONFIG_SETTINGS_PRIV_H

#include "config/settings.h"

/**
 * Traces, recorder, mirrors, databases, hook, and what the store keeps.
 *
 * @param s its listeners are filled in: mirrors may name them
 */
EAR_MUST_USE enum ear_err settings_rules(struct ear_settings *s,
	const struct ear_config *config, struct ear_fault *fault);

/** Captures, and whom the server becomes. */
EAR_MUST_USE enum ear_err settings_captures(struct ear_settings *s,
	const struct ear_config *config, struct ear_fault *fault);

#endif
