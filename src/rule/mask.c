/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/mask.h"

#include "proto/sip_secret.h"
#include "proto/text_secret.h"

static void blank(size_t offset, size_t length, void *arg)
{
	struct ear_buf *out = arg;

	memset(out->p + offset, 'x', length);
}

bool ear_mask_secrets(
	struct ear_msg *msg, const struct ear_facts *facts, struct ear_buf *out)
{
	struct ear_sip sip;
	size_t n;

	if (!facts->secrets)
		return false;
	ear_buf_reset(out);
	ear_buf_slice(out, msg->raw);
	if (out->err)
		return false;
	if (msg->proto == EAR_PROTO_SIP) {
		/* What is broken may have secrets as well. */
		ear_sip_parse(msg->raw, &sip);
		n = ear_sip_secrets(&sip, blank, out);
	} else {
		n = ear_text_secrets(msg->raw, blank, out);
	}
	if (!n)
		return false;
	msg->raw = ear_buf_view(out);
	return true;
}

struct ear_slice ear_mask_text(struct ear_slice text, struct ear_buf *out)
{
	ear_buf_reset(out);
	ear_buf_slice(out, text);
	if (out->err)
		return (struct ear_slice){0};
	ear_text_secrets(text, blank, out);
	return ear_buf_view(out);
}
