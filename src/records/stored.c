/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that are stored, as stored.def has them. */
#include "records/priv.h"

static const struct {
	const char *table, *column;
	char type;
} stored[] = {
#define D(table_, column_, type_, value_) {#table_, #column_, #type_[0]},
#include "records/stored.def"
#undef D
};

void ear_each_stored(const char *table, ear_stored_fn fn, void *arg)
{
	struct ear_stored c = {0};

	for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
		bool addr = stored[i].type == 'A';

		if (strcmp(stored[i].table, table) != 0)
			continue;
		c.column = stored[i].column;
		c.end = addr ? "_ip" : "";
		c.type = addr                    ? "BLOB"
			 : stored[i].type == 'T' ? "TEXT"
						 : "INTEGER";
		c.at++;
		fn(&c, arg);
		if (!addr)
			continue;
		c.end = "_port";
		c.type = "INTEGER";
		c.at++;
		fn(&c, arg);
	}
}
