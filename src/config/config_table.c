/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_table.h"

#include <stddef.h>

const struct config_key config_keys[CONFIG_KEYS] = {
#define K(section, key, type, def, least, most, unit, help)           \
	{#section, #key, CONFIG_##type, def, least, most, unit, help, \
		offsetof(struct ear_config_##section, key)},
#define S(section, many, help) EAR_CONFIG_##section(K)
	EAR_CONFIG_SECTIONS(S)
#undef S
#undef K
};

const struct config_section config_sections[CONFIG_SECTIONS] = {
#define MULTI true
#define SINGLE false
#define S(section, many, help)                                       \
	{#section, many, help, offsetof(struct ear_config, section), \
		sizeof(struct ear_config_##section),                 \
		offsetof(struct ear_config, section##_n)},
	EAR_CONFIG_SECTIONS(S)
#undef S
#undef MULTI
#undef SINGLE
};
