/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/mask.h"

#include "proto/sip_secret.h"

static void blank(size_t offset, size_t length, void *arg)
{
	struct ear_buf *out = arg;

	memset(out->p + offset, 'x', length);
}

bool ear_mask_secrets(
	struct ear_msg *msg, const struct ear_facts *facts, struct ear_buf *out)
{
	struct ear_sip sip;

	if (!facts->secrets)
		return false;
	ear_buf_reset(out);
	ear_buf_slice(out, msg->raw);
	if (out->err)
		return false;
	/* What is broken may have secrets as well. */
	ear_sip_parse(msg->raw, &sip);
	if (!ear_sip_secrets(&sip, blank, out))
		return false;
	msg->raw = ear_buf_view(out);
	return true;
}
