/* SPDX-License-Identifier: Apache-2.0 */
/** From the configuration file's words to what the parts take. */
#ifndef EAR_CONFIG_SETTINGS_H
#define EAR_CONFIG_SETTINGS_H

#include "base/log.h"
#include "config/config.h"
#include "flow/server.h"

struct ear_settings {
	struct ear_server_options server; /**< data_dir and ops not filled in */
	struct ear_listener listener[EAR_CONFIG_MANY];
	struct ear_net *allow[EAR_CONFIG_MANY]; /**< owned */
	size_t listeners;
	struct ear_capture_spec capture[EAR_CONFIG_MANY];
	struct ear_net *proxies; /**< of the console; owned */
	size_t n_proxies;
	enum ear_level level;

	struct ear_rules_spec rules; /**< server.rules points here */
	struct ear_trace_spec trace[EAR_CONFIG_MANY];
	struct ear_outlet_spec outlet[2 * EAR_CONFIG_MANY];
	char from[EAR_CONFIG_MANY][EAR_ADDR_TEXT]; /**< of mirrors */
	/** server.tracking points here */
	struct ear_disposition_rule disposition[EAR_CONFIG_MANY];
};

/**
 * @param config borrowed; must outlive the settings
 * @return EAR_OK; EAR_USAGE with a fault that names file, line, section and
 *         key
 */
EAR_MUST_USE enum ear_err ear_settings_make(const struct ear_config *config,
	struct ear_settings **settings, struct ear_fault *fault);
void ear_settings_free(struct ear_settings **settings);

#endif
