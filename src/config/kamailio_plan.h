/* SPDX-License-Identifier: Apache-2.0 */
/** What siptrace's parameters together come to, while it is written down. */
#ifndef EAR_CONFIG_KAMAILIO_PLAN_H
#define EAR_CONFIG_KAMAILIO_PLAN_H

#include "config/kamailio_write.h"

#define EAR_KM_MIRRORS 32

/** A place to send copies to: as HEP or as plain SIP. */
struct ear_kamailio_mirror {
	bool hep;
	bool core, script;    /**< which engine sends there */
	bool stream;          /**< over tcp or tls */
	bool off;             /**< nothing was ever sent there */
	struct ear_slice uri; /**< as written */
	char name[24];        /**< "": it could not be written */
};

struct ear_kamailio_plan {
	struct ear_kamailio_writer *w;
	struct ear_kamailio *k;
	int64_t mode, init;
	bool core;    /**< core engine runs */
	bool script;  /**< script engine runs */
	bool refuses; /**< Kamailio would not start */
	bool to_db;   /**< rows of the script engine */
	bool db;      /**< rows at all */
	bool hep;     /**< script engine mirrors by HEP */
	struct ear_slice dup;
	struct ear_kamailio_mirror mirror[EAR_KM_MIRRORS];
	size_t mirrors;
};

static inline bool ear_kamailio_is_trace(const struct ear_kamailio_call *c)
{
	return ear_slice_eq(c->name, EAR_S("sip_trace"));
}

static inline bool ear_kamailio_is_mode(const struct ear_kamailio_call *c)
{
	return ear_slice_eq(c->name, EAR_S("sip_trace_mode"));
}

static inline bool ear_kamailio_has(struct ear_slice s, char c)
{
	return s.n && memchr(s.p, c, s.n);
}

/** Where a call sends its copy to; the empty slice: nowhere. */
struct ear_slice ear_kamailio_target(const struct ear_kamailio_plan *p,
	const struct ear_kamailio_call *call);

/** The mirrors of both engines, once each. */
void ear_kamailio_find_mirrors(struct ear_kamailio_plan *p);
void ear_kamailio_write_mirror(
	struct ear_kamailio_plan *p, struct ear_kamailio_mirror *mirror);
void ear_kamailio_write_database(struct ear_kamailio_plan *p);
/** The trace of the core engine. */
void ear_kamailio_write_core(struct ear_kamailio_plan *p);
/** The trace of one call; i is its index. */
void ear_kamailio_write_call(struct ear_kamailio_plan *p, size_t i);

#endif
