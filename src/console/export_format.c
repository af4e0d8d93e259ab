/* SPDX-License-Identifier: Apache-2.0 */
#include "console/export.h"

#include "message/msg_json.h"
#include "sink/pcap_file.h"
#include "sink/text.h"

static enum ear_err json_message(void *state, const struct ear_msg *msg,
	const struct ear_facts *facts, const char *id, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_msg_json_members(&j, msg, facts, ear_slice_str(id));
	ear_json_kstr(&j, "raw", msg->raw);
	ear_json_close(&j, '}');
	ear_buf_str(out, "\n");
	return out->err;
}

static enum ear_err json_end(void *state, const struct ear_found *found,
	const struct ear_asked *asked, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_json_key(&j, "found");
	ear_found_json(&j, found, asked);
	ear_json_close(&j, '}');
	ear_buf_str(out, "\n");
	return out->err;
}

static enum ear_err text_message(void *state, const struct ear_msg *msg,
	const struct ear_facts *facts, const char *id, struct ear_buf *out)
{
	ear_text_put(msg, out);
	return out->err;
}

static enum ear_err text_end(void *state, const struct ear_found *found,
	const struct ear_asked *asked, struct ear_buf *out)
{
	ear_buf_printf(out, "---- %llu messages, %s%s%s\n",
		(unsigned long long)found->matched,
		found->complete ? "complete" : "not complete",
		found->why[0] ? ": " : "", found->why);
	return out->err;
}

static enum ear_err to_buf(struct ear_slice bytes, void *arg)
{
	struct ear_buf *out = arg;

	ear_buf_slice(out, bytes);
	return out->err;
}

static enum ear_err pcap_begin(struct ear_buf *out, void **state)
{
	struct ear_pcap_write_options options = {0};
	struct ear_pcap_file *sink = NULL;
	enum ear_err err = ear_pcap_file_open(&options, to_buf, out, &sink);

	*state = sink;
	return err;
}

static enum ear_err pcap_message(void *state, const struct ear_msg *msg,
	const struct ear_facts *facts, const char *id, struct ear_buf *out)
{
	return ear_pcap_file_put(state, msg);
}

static enum ear_err pcap_end(void *state, const struct ear_found *found,
	const struct ear_asked *asked, struct ear_buf *out)
{
	struct ear_pcap_file *sink = state;

	return sink ? ear_pcap_file_close(&sink) : EAR_OK;
}

static const struct ear_export_format formats[] = {
	{.name = "pcap",
		.type = "application/vnd.tcpdump.pcap",
		.suffix = "pcap",
		.begin = pcap_begin,
		.message = pcap_message,
		.end = pcap_end},
	{.name = "text",
		.type = "text/plain; charset=utf-8",
		.suffix = "txt",
		.tells = true,
		.message = text_message,
		.end = text_end},
	{.name = "json",
		.type = "application/x-ndjson",
		.suffix = "jsonl",
		.tells = true,
		.message = json_message,
		.end = json_end},
};

const struct ear_export_format *ear_export_format(struct ear_slice name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (ear_slice_eq(name, ear_slice_str(formats[i].name)))
			return &formats[i];
	return NULL;
}
