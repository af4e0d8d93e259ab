/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one record that flows: a message as it was on the wire, with when and
 * where, and the facts that parsing finds in it.
 *
 * A message is a set of slices into bytes that somebody else holds: the
 * journal frame while it is on its way in, an opened block of the store when
 * it is found again. Whoever hands one out says how long it lives; whoever
 * keeps one longer copies it. (Reference counts are per frame and block, not
 * per message: at 400,000 a second an allocation each would be the cost.)
 */
#ifndef EAR_MESSAGE_MSG_H
#define EAR_MESSAGE_MSG_H

#include "base/addr.h"

/** How it travelled. Written to disk: never renumber. */
enum ear_transport {
	EAR_TR_UNKNOWN = 0,
	EAR_TR_UDP = 1,
	EAR_TR_TCP = 2,
	EAR_TR_TLS = 3,
	EAR_TR_SCTP = 4,
	EAR_TR_WS = 5,
	EAR_TR_WSS = 6,
	EAR_TR_SECURE = 7, /**< HEP protocol 22: one of tls, ws, wss */
};

/** Which protocol the payload speaks. Written to disk. */
enum ear_proto {
	EAR_PROTO_UNKNOWN = 0,
	EAR_PROTO_SIP = 1,
	EAR_PROTO_LOG = 2, /**< log text: HEP payload type 100 */
	EAR_PROTO_CONN =
		3, /**< what happened to a connection: message/conn.h */
};

/** What a message is. Written to disk. */
enum ear_kind {
	EAR_KIND_UNKNOWN = 0,
	EAR_KIND_REQUEST = 1,
	EAR_KIND_REPLY = 2,
	EAR_KIND_DATA = 3,
	EAR_KIND_EVENT = 4,
};

/** Direction relative to the server that traced it. Written to disk. */
enum ear_direction { EAR_DIR_UNKNOWN = 0, EAR_DIR_IN = 1, EAR_DIR_OUT = 2 };

/** What is peculiar about a message. Written to disk. */
enum ear_msg_flag {
	EAR_MSG_MALFORMED = 1u << 0, /**< breaks its protocol's rules */
	EAR_MSG_TRUNCATED = 1u << 1, /**< shorter than it said */
	EAR_MSG_ARRIVAL = 1u << 2,   /**< no time in it; at is when it came */
	EAR_MSG_RELAY = 1u << 3,     /**< a duplicate without addresses: src is
					  who sent it to us, not who wrote it */
	EAR_MSG_ENVELOPE = 1u << 4, /**< the HEP around it was damaged or odd */
	EAR_MSG_IMPORTED = 1u << 5, /**< from a file, not live */
	EAR_MSG_XHEADERS = 1u << 6, /**< a duplicate with X-Siptrace fields in
					 it, which raw still has */
};

/**
 * One message. Slices are borrowed; see the top of the file.
 */
struct ear_msg {
	uint64_t at_ns;      /**< capture time, ns since 1970 UTC */
	uint64_t seen_ns;    /**< when our tap took it, ns since 1970 UTC */
	uint64_t id;         /**< set by the store: see store/store.h; else 0 */
	struct ear_addr src; /**< may be unknown */
	struct ear_addr dst; /**< may be unknown */
	struct ear_addr via; /**< HEP agent that sent it; may be unknown */
	uint32_t capture_id; /**< HEP capture agent id; 0 none */
	uint16_t flags;      /**< enum ear_msg_flag */
	uint8_t transport;   /**< enum ear_transport */
	uint8_t proto;       /**< enum ear_proto */
	uint8_t direction;   /**< enum ear_direction */
	uint8_t ip_proto;    /**< IP protocol number as given; 0 unknown */
	struct ear_slice tap; /**< as "hep/udp:127.0.0.1:9060", "file:a.pcap" */
	struct ear_slice node; /**< HEP agent name (chunk 0x13); may be empty */
	struct ear_slice correlation; /**< HEP correlation id; may be empty */
	struct ear_slice extra;       /**< further HEP chunks, as on the wire */
	struct ear_slice note;        /**< findings of the tap, one a line:
					   "OFFSET rule-id words"; may be empty */
	struct ear_slice raw;         /**< the message itself: evidence */
};

/** "udp", "tcp", "tls", "sctp", "ws", "wss", "secure"; "" when unknown. */
struct ear_slice ear_transport_name(enum ear_transport t);
/** The transport of a name of any case; EAR_TR_UNKNOWN when there is none. */
enum ear_transport ear_transport_of(struct ear_slice name);
struct ear_slice ear_proto_name(enum ear_proto p);
struct ear_slice ear_kind_name(enum ear_kind k);
struct ear_slice ear_direction_name(enum ear_direction d);

/** Bytes of a message: where in raw, and how many. */
struct ear_span {
	uint32_t at, n;
};

/** What a REGISTER and its replies say about a registration. */
struct ear_facts_register {
	struct ear_span via;      /**< value of the last Via field: the
				       client's own */
	struct ear_span contacts; /**< value of the Contact field */
	struct ear_span expires;  /**< value of Expires */
	uint8_t vias;             /**< Via fields; 255 of more */
	bool more;  /**< there is a Path, or several values where these have
			 one field: the message itself is to be asked */
	bool ended; /**< its empty line came: it is whole */
};

/**
 * What parsing finds in a message: the envelope facts that searches, lists
 * and keys need. All slices lie in msg->raw (or msg itself).
 */
struct ear_facts {
	uint8_t kind;    /**< enum ear_kind */
	bool malformed;  /**< as EAR_MSG_MALFORMED */
	bool sdp;        /**< has an SDP body */
	bool secrets;    /**< has secrets, as ear_sip_secrets() finds
			      them; set by ear_msg_examine() only */
	uint16_t status; /**< reply: 100..699 (or as written); else 0 */
	uint32_t cseq;   /**< CSeq number; 0 when absent */
	struct ear_facts_register reg; /**< set by ear_msg_facts() and
					    ear_msg_examine() only, for method
					    REGISTER */
	struct ear_slice method;  /**< request: its method; reply: CSeq's */
	struct ear_slice reason;  /**< reply: reason phrase */
	struct ear_slice ruri;    /**< request: Request-URI */
	struct ear_slice call_id; /**< the conversation; for a log event, its
				       correlation id */
	struct ear_slice cseq_method;
	struct ear_slice from_user; /**< user part as written; "" when none */
	struct ear_slice from_host;
	struct ear_slice from_name; /**< display name without quotes */
	struct ear_slice from_tag;
	struct ear_slice from_uri; /**< URI without parameters of the header */
	struct ear_slice to_user;
	struct ear_slice to_host;
	struct ear_slice to_name;
	struct ear_slice to_tag;
	struct ear_slice to_uri;
	struct ear_slice ruri_user;
	struct ear_slice auth_user;  /**< username of (Proxy-)Authorization */
	struct ear_slice contact;    /**< first Contact value */
	struct ear_slice branch;     /**< branch of the top Via */
	struct ear_slice user_agent; /**< User-Agent, else Server */
	struct ear_slice content_type;
	struct ear_slice body;
};

/**
 * Find the facts of a message.
 *
 * Cost: one pass over the headers, no allocation. Threads: pure.
 */
void ear_msg_facts(const struct ear_msg *msg, struct ear_facts *facts);

/**
 * As ear_msg_facts(), with facts->malformed set by the protocol's rules too:
 * what ear_msg_check() would find, stopping at the first finding.
 *
 * Cost: the message is parsed once for both. Threads: pure.
 */
void ear_msg_examine(const struct ear_msg *msg, struct ear_facts *facts);

/** One rule of a protocol that a message breaks, or a remark of the tap. */
struct ear_finding {
	uint32_t offset;         /**< bytes into raw */
	struct ear_slice rule;   /**< stable id, as "sip.cseq.method" */
	struct ear_slice text;   /**< what is wrong, for people */
	struct ear_slice source; /**< as "RFC 3261 s8.1.1.5"; may be empty */
};

/** Most findings given for one message; more only say that there are more. */
#define EAR_FINDINGS_MAX 16

/**
 * Everything that is wrong with a message, by its protocol's rules.
 *
 * @return how many of found[] are filled
 */
size_t ear_msg_check(
	const struct ear_msg *msg, struct ear_finding found[EAR_FINDINGS_MAX]);

#endif
