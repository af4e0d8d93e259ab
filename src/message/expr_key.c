/* SPDX-License-Identifier: Apache-2.0 */
/* The values by which a store's indexes know a message. */
#include "base/hash.h"
#include "message/expr.h"

uint64_t ear_key_hash(enum ear_key key, struct ear_slice value)
{
	bool fold = key == EAR_KEY_USER || key == EAR_KEY_METHOD;
	uint64_t h = fold ? ear_hash_lower(value) : ear_hash(value);

	/* the same text under two kinds is two values */
	h += (uint64_t)key * 0x9e3779b97f4a7c15ULL;
	return h ? h : 1;
}

static void add(struct ear_key_value *keys, size_t *n, enum ear_key key,
	struct ear_slice value)
{
	uint64_t hash;

	if (!value.n)
		return;
	hash = ear_key_hash(key, value);
	for (size_t i = 0; i < *n; i++) {
		if (keys[i].key == key && keys[i].hash == hash)
			return;
	}
	keys[(*n)++] = (struct ear_key_value){key, hash};
}

static void add_addr(
	struct ear_key_value *keys, size_t *n, const struct ear_addr *a)
{
	char text[EAR_ADDR_TEXT];

	add(keys, n, EAR_KEY_ADDR, ear_slice(text, ear_addr_ip_text(a, text)));
}

/* As "%u" writes it. @return bytes */
static size_t digits(unsigned v, char out[8])
{
	char turned[8];
	size_t n = 0;

	do
		turned[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (size_t i = 0; i < n; i++)
		out[i] = turned[n - 1 - i];
	return n;
}

/* Whether one of the users of a message is written like this one. */
static bool has_user(const struct ear_facts *facts, struct ear_slice user)
{
	return ear_slice_eq(facts->from_user, user) ||
	       ear_slice_eq(facts->to_user, user) ||
	       ear_slice_eq(facts->auth_user, user);
}

static bool has_addr(const struct ear_msg *msg, const struct ear_addr *a)
{
	return ear_addr_ip_eq(&msg->src, a) || ear_addr_ip_eq(&msg->dst, a);
}

size_t ear_msg_new_keys(const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_msg *before,
	const struct ear_facts *before_facts,
	struct ear_key_value keys[EAR_MSG_KEYS_MAX])
{
	const struct ear_slice user[] = {
		facts->from_user, facts->to_user, facts->auth_user};
	const struct ear_facts *old = before ? before_facts : NULL;
	char status[8];
	size_t n = 0;

	if (!old || !ear_slice_eq(old->call_id, facts->call_id))
		add(keys, &n, EAR_KEY_CALLID, facts->call_id);
	for (size_t i = 0; i < sizeof(user) / sizeof(user[0]); i++) {
		if (!old || !has_user(old, user[i]))
			add(keys, &n, EAR_KEY_USER, user[i]);
	}
	if (!old || !has_addr(before, &msg->src))
		add_addr(keys, &n, &msg->src);
	if (!old || !has_addr(before, &msg->dst))
		add_addr(keys, &n, &msg->dst);
	if (!old || !ear_slice_eq(old->method, facts->method))
		add(keys, &n, EAR_KEY_METHOD, facts->method);
	if (facts->status && (!old || old->status != facts->status))
		add(keys, &n, EAR_KEY_STATUS,
			ear_slice(status, digits(facts->status, status)));
	return n;
}

size_t ear_msg_keys(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_key_value keys[EAR_MSG_KEYS_MAX])
{
	return ear_msg_new_keys(msg, facts, NULL, NULL, keys);
}
