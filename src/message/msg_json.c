/* SPDX-License-Identifier: Apache-2.0 */
#include "message/msg_json.h"

void ear_msg_json_members(struct ear_json *j, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_slice id)
{
	for (unsigned i = 0; i < EAR_F_COUNT; i++) {
		enum ear_field f = (enum ear_field)i;
		const char *column = ear_field_info(f)->column;

		if (!column)
			continue;
		ear_json_key(j, column);
		if (f == EAR_F_ID)
			ear_json_str(j, id);
		else
			ear_field_json(f, msg, facts, j);
	}
}

void ear_msg_json(struct ear_json *j, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_slice id)
{
	ear_json_open(j, '{');
	ear_msg_json_members(j, msg, facts, id);
	ear_json_close(j, '}');
}

void ear_msg_json_findings(struct ear_json *j, const struct ear_msg *msg)
{
	struct ear_finding found[EAR_FINDINGS_MAX];
	size_t n = ear_msg_check(msg, found);

	ear_json_key(j, "findings");
	ear_json_open(j, '[');
	for (size_t i = 0; i < n; i++) {
		ear_json_open(j, '{');
		ear_json_ku64(j, "offset", found[i].offset);
		ear_json_kstr(j, "rule", found[i].rule);
		ear_json_kstr(j, "text", found[i].text);
		ear_json_kstr(j, "source", found[i].source);
		ear_json_close(j, '}');
	}
	ear_json_close(j, ']');
}
