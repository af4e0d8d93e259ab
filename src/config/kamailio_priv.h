/* SPDX-License-Identifier: Apache-2.0 */
/** Between the files that read a Kamailio configuration. */
#ifndef EAR_CONFIG_KAMAILIO_PRIV_H
#define EAR_CONFIG_KAMAILIO_PRIV_H

#include "config/kamailio.h"

/** Where something stands; columns count bytes, from 1. */
struct ear_kamailio_pos {
	const char *file;
	unsigned line, column;
};

enum ear_kamailio_type {
	EAR_KT_END,
	EAR_KT_ID,     /**< also what begins with digits and goes on */
	EAR_KT_NUMBER, /**< decimal, 0x, 0b, leading 0: as written */
	EAR_KT_STRING, /**< without quotes, escapes resolved */
	EAR_KT_PV,     /**< $name, $name(…), $(…): as written */
	EAR_KT_PUNCT,  /**< one byte, or one of == != =~ !~ <= >= && || */
};

struct ear_kamailio_token {
	enum ear_kamailio_type type;
	struct ear_slice text;
	struct ear_kamailio_pos pos;
	bool glued; /**< nothing between it and the token before */
};

/** Most of each; more is EAR_LIMIT. */
#define EAR_KM_PARAMS 4096
#define EAR_KM_LISTENS 256
#define EAR_KM_CALLS 256
#define EAR_KM_ASSIGNS 1024
#define EAR_KM_ARGS 6
#define EAR_KM_ROUTES 16
#define EAR_KM_COND 512 /**< tokens of all conditions around a place */
#define EAR_KM_NEST 64  /**< blocks in blocks, parentheses in parentheses */
#define EAR_KM_MODULES 512

/** One modparam of siptrace or sipcapture. */
struct ear_kamailio_param {
	bool capture; /**< of sipcapture */
	bool number;
	struct ear_slice name;
	struct ear_slice value; /**< as text */
	int64_t i;              /**< when it is a number */
	struct ear_kamailio_pos pos;
	bool told; /**< the written configuration speaks of it */
};

struct ear_kamailio_listen {
	struct ear_slice proto, host, port; /**< as written; may be empty */
	struct ear_slice adv_host, adv_port, name;
	struct ear_kamailio_pos pos;
};

/** Which messages a route sees. */
enum ear_kamailio_route {
	EAR_KR_REQUEST,
	EAR_KR_REPLY,
	EAR_KR_ONSEND,
	EAR_KR_OTHER, /**< route[NAME]: of whoever calls it */
	EAR_KR_EVENT,
};

/** A call of a function that has to do with tracing. */
struct ear_kamailio_call {
	struct ear_slice name;
	struct ear_slice arg[EAR_KM_ARGS];
	size_t args;
	enum ear_kamailio_route route;
	struct ear_slice route_name; /**< as "request_route", "route[TRACE]" */
	struct ear_slice cond;       /**< the ifs around it, as written */
	struct ear_slice expr;       /**< the same as an expression; "" all */
	bool known;                  /**< expr says the whole of cond */
	struct ear_kamailio_pos pos;
};

/** $avp(…) = …; */
struct ear_kamailio_assign {
	struct ear_slice avp;   /**< "$avp(user)" without s: and i: */
	struct ear_slice value; /**< text of strings and variables */
	bool whole;             /**< nothing else stands on the right side */
	struct ear_slice cond;  /**< the ifs around it, as written */
	struct ear_slice route_name;
	struct ear_kamailio_pos pos;
};

/** event_route[siptrace:msg] */
struct ear_kamailio_event {
	bool there;
	struct ear_kamailio_pos pos;
	size_t drops, others;  /**< drop() calls, and other statements */
	struct ear_slice expr; /**< when it drops */
	bool known;            /**< expr says when, and nothing else happens */
};

struct ear_kamailio_define {
	struct ear_slice name, value;
};

struct ear_kamailio_subst {
	struct ear_slice from, to;
	bool all, icase;
};

#define EAR_KM_DEFINES 512
#define EAR_KM_SUBSTS 128

/** What is open: a file, or the value of a define. */
struct ear_kamailio_source {
	struct ear_slice text;
	size_t at;
	struct ear_kamailio_pos pos;
	bool file;
	size_t define; /**< index, when it is no file */
	size_t ifs;    /**< conditionals that were open when it began */
};

#define EAR_KM_SOURCES 64
#define EAR_KM_IFS 512

struct ear_kamailio_block; /* memory */

struct ear_kamailio {
	struct ear_kamailio_options options;
	struct ear_kamailio_block *memory;
	size_t bytes, files;

	/* reading */
	struct ear_kamailio_source source[EAR_KM_SOURCES];
	size_t sources;
	bool wants[EAR_KM_IFS];   /**< the branch we are in counts */
	bool outside[EAR_KM_IFS]; /**< and so does what is around it */
	struct ear_kamailio_pos if_pos[EAR_KM_IFS];
	size_t ifs;
	struct ear_kamailio_define define[EAR_KM_DEFINES];
	size_t defines;
	struct ear_kamailio_subst subst[EAR_KM_SUBSTS];
	size_t substs;
	size_t expanded; /**< bytes that defines became */
	struct ear_kamailio_token token;
	struct ear_fault *fault;
	enum ear_err err;

	/* found */
	const char *path;
	bool has_siptrace, has_sipcapture, has_kemi;
	struct ear_kamailio_pos kemi;
	struct ear_kamailio_param param[EAR_KM_PARAMS];
	size_t params;
	struct ear_kamailio_listen listen[EAR_KM_LISTENS];
	size_t listens;
	struct ear_slice port, advertised_address, advertised_port;
	struct ear_kamailio_call call[EAR_KM_CALLS];
	size_t calls;
	struct ear_kamailio_assign assign[EAR_KM_ASSIGNS];
	size_t assigns;
	struct ear_kamailio_event event;
	int64_t flags[64]; /**< numbers that setflag() sets */
	size_t flags_n;
	/** what could not be evaluated, as #!ifexp; told to people */
	struct {
		struct ear_slice text;
		struct ear_kamailio_pos pos;
	} doubt[64];
	size_t doubts;
};

/* --- memory ------------------------------------------------------------ */

/** n bytes that live as long as k; NULL sets k->err. */
char *ear_kamailio_room(struct ear_kamailio *k, size_t n);
struct ear_slice ear_kamailio_copy(struct ear_kamailio *k, struct ear_slice s);
/** With a NUL behind it. */
const char *ear_kamailio_str(struct ear_kamailio *k, struct ear_slice s);

/** Say what is wrong at a place; the first one stays. */
enum ear_err ear_kamailio_wrong(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, enum ear_err code,
	const char *format, ...) EAR_PRINTF(4, 5);

/** Something that is not followed, to be told with the result. */
void ear_kamailio_doubt(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, const char *text);

/* --- tokens (kamailio_lex.c, kamailio_pre.c, kamailio_file.c)
 * --------------------------------
 */

/** One byte of the source on top, which is not at its end. */
static inline char ear_kamailio_peek(
	const struct ear_kamailio_source *s, size_t ahead)
{
	return s->text.n - s->at > ahead ? s->text.p[s->at + ahead] : '\0';
}

/** Go on by n bytes and count lines; n at most what is left. */
void ear_kamailio_skip(struct ear_kamailio_source *s, size_t n);

/** Whether a directive stands here, and not a comment or "not not". */
bool ear_kamailio_directive(const struct ear_kamailio_source *s);

/**
 * The next token out of the source on top, defines not looked at. A directive
 * or the end of the source leaves type EAR_KT_END.
 *
 * @param[out] directive whether "#!" or "!!" and a word stand there
 */
enum ear_err ear_kamailio_scan(struct ear_kamailio *k,
	struct ear_kamailio_token *token, bool *directive);

/** The next token into k->token; END at the end of all. */
enum ear_err ear_kamailio_next(struct ear_kamailio *k);

/** Begin with a file. */
enum ear_err ear_kamailio_begin(struct ear_kamailio *k, const char *path);
/** Go on in another file, beside the one at pos or in the working directory;
 *  must: it is wrong when there is none. */
enum ear_err ear_kamailio_include(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice name, bool must);
enum ear_err ear_kamailio_set_define(struct ear_kamailio *k,
	struct ear_slice name, struct ear_slice value, bool again);

/** Whether the token is this word or mark, not in quotes. */
static inline bool ear_kamailio_is(
	const struct ear_kamailio *k, const char *text)
{
	return (k->token.type == EAR_KT_ID || k->token.type == EAR_KT_PUNCT) &&
	       ear_slice_eq(k->token.text, ear_slice_str(text));
}

static inline bool ear_kamailio_at_end(const struct ear_kamailio *k)
{
	return k->token.type == EAR_KT_END;
}

/** Fail: this must stand here, and something else does. */
enum ear_err ear_kamailio_unexpected(struct ear_kamailio *k, const char *want);

/**
 * Read a route, when the token begins one.
 *
 * @return whether it does; then err says how that went
 */
bool ear_kamailio_read_route(struct ear_kamailio *k, enum ear_err *err);

/* --- meaning ----------------------------------------------------------- */

/**
 * A condition of a route as an expression.
 *
 * @return false: it says something that messages do not show
 */
bool ear_kamailio_condition(
	const struct ear_kamailio_token *tokens, size_t n, struct ear_buf *out);

/**
 * A text with pseudo-variables as one with fields in braces: "$ci-abc" is
 * "{call_id}-abc".
 */
bool ear_kamailio_template(struct ear_slice text, struct ear_buf *out);

/** The number of a token: decimal, 0x, 0b, 0; yes, no, on, off … */
bool ear_kamailio_number(const struct ear_kamailio_token *token, int64_t *v);

/** udp tcp tls sctp ws wss, in any case. */
bool ear_kamailio_is_proto(struct ear_slice s);

/** The last setting of a parameter, which is the one that counts. */
struct ear_kamailio_param *ear_kamailio_param(
	struct ear_kamailio *k, bool capture, const char *name);

#endif
