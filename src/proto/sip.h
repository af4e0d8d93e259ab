/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads SIP messages (RFC 3261): the envelope at once, values when asked.
 * Nothing is allocated; everything found is a slice of the message.
 *
 *     struct ear_sip sip;
 *     ear_sip_parse(raw, &sip);
 *     struct ear_slice list = ear_sip_value(&sip, EAR_SIP_CONTACT);
 *     struct ear_sip_addr addr;
 *     while (ear_sip_addr_next(&list, &addr))
 *             …
 *
 * A broken message is read as far as it goes; what is wrong with it is said
 * by sip_check.h.
 */
#ifndef EAR_PROTO_SIP_H
#define EAR_PROTO_SIP_H

#include "base/err.h"
#include "base/slice.h"

/** The header fields known by name; EAR_SIP_OTHER is any other. */
enum ear_sip_id {
	EAR_SIP_OTHER = 0,
#define X(id, name, compact, many, grammar) EAR_SIP_##id,
#include "proto/sip_header.def"
#undef X
	EAR_SIP_ID_COUNT
};

/** What can be wrong with a message; 0 is nothing. */
enum ear_sip_rule {
	EAR_SIP_RULE_NONE = 0,
#define X(id, name, text, source) EAR_SIP_RULE_##id,
#include "proto/sip_rule.def"
#undef X
	EAR_SIP_RULE_COUNT
};

/** The first thing that is wrong with some part of a message. */
struct ear_sip_flaw {
	const char *at; /**< in the message */
	uint8_t rule;   /**< enum ear_sip_rule */
	bool secret;    /**< not wrong: there may be a password on the way */
};

/** One header field. */
struct ear_sip_header {
	struct ear_slice name;  /**< as written, without white space */
	struct ear_slice value; /**< no white space at its ends, folds kept */
	uint8_t id;             /**< enum ear_sip_id */
};

/** Header fields that are indexed; further ones are found by walking. */
#define EAR_SIP_INDEXED 64

struct ear_sip {
	struct ear_slice raw;    /**< the whole, as given */
	struct ear_slice start;  /**< first line without its end */
	struct ear_slice method; /**< request: its method */
	struct ear_slice ruri;   /**< request: all between method and version */
	struct ear_slice version; /**< as "SIP/2.0" */
	struct ear_slice reason;  /**< reply: reason phrase */
	struct ear_slice headers; /**< header lines, without the empty line */
	struct ear_slice rest;    /**< all after the empty line */
	struct ear_slice body;    /**< rest, at most Content-Length of it */
	uint32_t length;          /**< Content-Length; 0 when absent or bad */
	uint16_t status;          /**< reply: its code; 0 when above 65535 */
	bool request;
	bool reply;               /**< neither: not SIP */
	bool ended;               /**< the empty line is there */
	struct ear_sip_flaw flaw; /**< first flaw of start line and lines */
	uint32_t count;           /**< header fields indexed */
	const char *more; /**< where the lines that are not indexed begin;
			       NULL when all are */
	uint8_t first[EAR_SIP_ID_COUNT]; /**< 1 + index of the first of its
					      name; 0 none indexed */
	struct ear_sip_header header[EAR_SIP_INDEXED];
};

/**
 * Read the envelope: first line, header lines, body. Leading CRLFs are
 * skipped (RFC 3261 s7.5).
 *
 * @param[in]  raw  one message; the body ends with it, or by Content-Length
 * @param[out] sip  slices into raw; filled as far as it goes on any result
 * @return EAR_OK; EAR_BAD when the first line is no SIP first line
 *
 * Cost: one pass over the header lines. Threads: pure.
 */
enum ear_err ear_sip_parse(struct ear_slice raw, struct ear_sip *sip);

/** A header's id by its name or compact name, any case; EAR_SIP_OTHER. */
enum ear_sip_id ear_sip_id_of(struct ear_slice name);

/** The name of an id as RFC 3261 writes it; "" for EAR_SIP_OTHER. */
struct ear_slice ear_sip_id_name(enum ear_sip_id id);

/** Whether a header field may stand only once in a message. */
bool ear_sip_id_once(enum ear_sip_id id);

/** All of a header field from its name on, for a line of any form. */
static inline struct ear_slice ear_sip_line(const struct ear_sip_header *header)
{
	const char *end = header->value.p + header->value.n;

	return ear_slice(header->name.p, (size_t)(end - header->name.p));
}

/** Goes through header fields in order; zero it to begin. */
struct ear_sip_cursor {
	uint32_t at;      /**< next of the index */
	const char *line; /**< next line after the index */
};

/** @return false after the last */
bool ear_sip_next(const struct ear_sip *sip, struct ear_sip_cursor *cursor,
	struct ear_sip_header *header);

/** The next header field with this id. */
bool ear_sip_next_of(const struct ear_sip *sip, enum ear_sip_id id,
	struct ear_sip_cursor *cursor, struct ear_sip_header *header);

/** The first header field of that id. @return false when there is none */
bool ear_sip_find(const struct ear_sip *sip, enum ear_sip_id id,
	struct ear_sip_header *header);

/** Value of the first header field of that id; empty when there is none. */
struct ear_slice ear_sip_value(const struct ear_sip *sip, enum ear_sip_id id);

/** Value of the first header field of any name, as "X-Foo", any case. */
struct ear_slice ear_sip_value_of(
	const struct ear_sip *sip, struct ear_slice name);

/** The parts of a URI. Escapes stay as written. */
struct ear_sip_uri {
	struct ear_slice scheme;   /**< "sip", "tel", …; as written */
	struct ear_slice user;     /**< user; of tel, the number */
	struct ear_slice password; /**< what follows ':' in the user part */
	struct ear_slice host;     /**< IPv6 with its brackets */
	struct ear_slice params;   /**< after the first ';' */
	struct ear_slice headers;  /**< after '?' */
	uint16_t port;             /**< 0 when absent */
};

/**
 * Read a URI of any scheme: sip sips tel, user@host ones (im, pres, mailto,
 * xmpp), others opaque.
 *
 * @return EAR_OK; EAR_BAD when it breaks its grammar, *uri filled as far as
 *         it goes
 *
 * Source: RFC 3261 s19.1, s25.1; RFC 3966
 */
enum ear_err ear_sip_uri_parse(struct ear_slice text, struct ear_sip_uri *uri);

/** One address of From, To, Contact, Route and their like. */
struct ear_sip_addr {
	struct ear_slice name;    /**< display name without its quotes */
	struct ear_slice spec;    /**< the URI as written, without brackets */
	struct ear_slice params;  /**< after the first ';' behind the URI */
	struct ear_slice tag;     /**< parameter tag */
	struct ear_slice expires; /**< parameter expires, of Contact */
	struct ear_sip_uri uri;
	bool star;    /**< "*" of Contact; all else is empty */
	bool bracket; /**< the URI stands in angle brackets */
};

/**
 * Take the next address off a comma-separated list.
 *
 * @param[in,out] list what is left of it
 * @return false when nothing is left
 */
bool ear_sip_addr_next(struct ear_slice *list, struct ear_sip_addr *addr);

/** One Via value. */
struct ear_sip_via {
	struct ear_slice protocol;  /**< "SIP" */
	struct ear_slice version;   /**< "2.0" */
	struct ear_slice transport; /**< "UDP" */
	struct ear_slice host;      /**< sent-by; IPv6 with its brackets */
	struct ear_slice params;    /**< after the first ';' */
	struct ear_slice branch;
	struct ear_slice received;
	struct ear_slice maddr;
	struct ear_slice ttl;
	uint16_t port;  /**< 0 when absent */
	uint16_t rport; /**< 0 when absent or without a value */
	bool has_rport; /**< the parameter rport is there */
};

/** Take the next value off a Via list; as ear_sip_addr_next(). */
bool ear_sip_via_next(struct ear_slice *list, struct ear_sip_via *via);

/** The number and method of a CSeq value. @return EAR_BAD when not so */
enum ear_err ear_sip_cseq(
	struct ear_slice value, uint32_t *number, struct ear_slice *method);

/**
 * Take the next parameter off "name=value;name;name=\"value\"" as it stands
 * in the params of an address, a Via or a URI.
 *
 * @param[out] value without its quotes; empty when there is none
 * @return false when nothing is left
 */
bool ear_sip_param_next(struct ear_slice *params, struct ear_slice *name,
	struct ear_slice *value);

/** The value of a parameter by its name, any case; empty when absent. */
struct ear_slice ear_sip_param_of(
	struct ear_slice params, struct ear_slice name);

#endif
