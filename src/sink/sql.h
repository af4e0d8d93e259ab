/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A sink that writes rows of siptrace's table sip_trace, version 4, into any
 * SQL database through unixODBC.
 *
 * Rows and the place in the spool behind them are committed in one
 * transaction, in the table earshot_position, so that none is written twice;
 * where that table can neither be found nor made, the spool's own position
 * does, and a notice says that a crash may repeat the last batch.
 */
#ifndef EAR_SINK_SQL_H
#define EAR_SINK_SQL_H

#include "sink/sink.h"

enum ear_sql_mode { EAR_SQL_EACH, EAR_SQL_BATCH, EAR_SQL_ASYNC };

/** As the keys of section sql in earshot.conf(5). Everything is copied. */
struct ear_sql_sink_options {
	const char *name; /**< of the section: whose position it is */
	const char *url;
	const char *table;
	enum ear_sql_mode mode;
	uint32_t batch;
	uint64_t delay_ns;
	uint32_t workers;
	bool create;
	const char *const *columns; /**< "name=name" */
	size_t n_columns;
	bool utc;
	void (*notice)(const char *event, struct ear_slice text, void *arg);
	void *notice_arg;
};

/**
 * Nothing is connected before begin().
 *
 * @return EAR_OK; EAR_USAGE: the fault names the option
 */
EAR_MUST_USE enum ear_err ear_sql_sink_new(
	const struct ear_sql_sink_options *options, struct ear_sink **sink,
	struct ear_fault *fault);

#endif
