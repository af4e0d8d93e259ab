/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/text.h"

#include "base/time.h"

static void put_addr(const struct ear_addr *a, struct ear_buf *out)
{
	char text[EAR_ADDR_TEXT];
	size_t n = ear_addr_text(a, text);

	ear_buf_slice(out, n ? ear_slice(text, n) : EAR_S("?"));
}

/* All nine digits: the text is what a later import takes times from. */
static void put_time(uint64_t at_ns, struct ear_buf *out)
{
	char text[EAR_TIME_TEXT];
	size_t n = ear_time_text(at_ns, text);

	ear_buf_add(out, text, n ? n - 1 : 0);
	ear_buf_printf(out, "%03uZ", (unsigned)(at_ns % 1000));
}

void ear_text_put(const struct ear_msg *msg, struct ear_buf *out)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
		{EAR_MSG_MALFORMED, "malformed"},
		{EAR_MSG_TRUNCATED, "truncated"},
		{EAR_MSG_ARRIVAL, "time of arrival"},
		{EAR_MSG_RELAY, "addresses of the relay"},
	};
	struct ear_slice transport = ear_transport_name(msg->transport);

	ear_buf_str(out, "---- ");
	put_time(msg->at_ns, out);
	ear_buf_byte(out, ' ');
	ear_buf_slice(out, transport.n ? transport : EAR_S("?"));
	ear_buf_byte(out, ' ');
	put_addr(&msg->src, out);
	ear_buf_str(out, " -> ");
	put_addr(&msg->dst, out);
	if (msg->proto == EAR_PROTO_LOG)
		ear_buf_str(out, " [log event]");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (msg->flags & words[i].flag)
			ear_buf_printf(out, " [%s]", words[i].word);
	ear_buf_byte(out, '\n');
	ear_buf_slice(out, msg->raw);
	if (!msg->raw.n || msg->raw.p[msg->raw.n - 1] != '\n')
		ear_buf_byte(out, '\n');
	ear_buf_byte(out, '\n');
}
