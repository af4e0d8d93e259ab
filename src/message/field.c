/* SPDX-License-Identifier: Apache-2.0 */
#include "message/field.h"

#include "base/time.h"
#include "message/expr_set.h"

static const struct ear_field_info fields[EAR_F_COUNT] = {
#define X(id, expr, column_, type_, key_, help_)  \
	[EAR_F_##id] = {.name = EAR_S_INIT(expr), \
		.column = column_,                \
		.type = EAR_TYPE_##type_,         \
		.key = EAR_KEY_##key_,            \
		.help = help_},
#include "message/field.def"
#undef X
};

/* What a store knows of a message without opening its bytes. */
static const bool meta[EAR_F_COUNT] = {
	[EAR_F_AT] = true,
	[EAR_F_SEEN] = true,
	[EAR_F_TAP] = true,
	[EAR_F_NODE] = true,
	[EAR_F_SDP] = true,
	[EAR_F_AGENT] = true,
	[EAR_F_CAPTURE_ID] = true,
	[EAR_F_PROTO] = true,
	[EAR_F_TRANSPORT] = true,
	[EAR_F_DIRECTION] = true,
	[EAR_F_SRC] = true,
	[EAR_F_SRC_IP] = true,
	[EAR_F_SRC_PORT] = true,
	[EAR_F_DST] = true,
	[EAR_F_DST_IP] = true,
	[EAR_F_DST_PORT] = true,
	[EAR_F_IP] = true,
	[EAR_F_PORT] = true,
	[EAR_F_KIND] = true,
	[EAR_F_METHOD] = true,
	[EAR_F_STATUS] = true,
	[EAR_F_MALFORMED] = true,
	[EAR_F_TRUNCATED] = true,
	[EAR_F_SIZE] = true,
};

static const char *const type_names[] = {
	[EAR_TYPE_STR] = "text",
	[EAR_TYPE_INT] = "number",
	[EAR_TYPE_TIME] = "time",
	[EAR_TYPE_ADDR] = "address and port",
	[EAR_TYPE_IP] = "address",
	[EAR_TYPE_PORT] = "port",
	[EAR_TYPE_BOOL] = "yes or no",
	[EAR_TYPE_ENUM] = "one of",
	[EAR_TYPE_TEXT] = "text",
};

const struct ear_field_info *ear_field_info(enum ear_field f)
{
	return &fields[f];
}

bool ear_field_meta(enum ear_field f)
{
	return meta[f];
}

const char *ear_field_type_name(enum ear_field_type type)
{
	return type_names[type];
}

bool ear_field_find(struct ear_slice name, enum ear_field *f)
{
	unsigned at;

	if (!ear_field_set_find(ear_message_fields(), name, &at))
		return false;
	*f = (enum ear_field)at;
	return true;
}

bool ear_field_find_column(struct ear_slice column, enum ear_field *f)
{
	for (unsigned i = 0; i < EAR_F_COUNT; i++) {
		if (fields[i].column &&
			ear_slice_eq(ear_slice_str(fields[i].column), column)) {
			*f = (enum ear_field)i;
			return true;
		}
	}
	return false;
}

#define WORD_MAX 32

/* Edits between two words: Damerau's, restricted; both at most WORD_MAX. */
static unsigned distance_of(struct ear_slice a, struct ear_slice b)
{
	unsigned d[3][WORD_MAX + 1];
	unsigned *before = d[0], *last = d[1], *now = d[2];

	for (unsigned j = 0; j <= b.n; j++)
		last[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *spare = before;

		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char x = ear_lower(a.p[i - 1]),
			     y = ear_lower(b.p[j - 1]);
			unsigned least = last[j - 1] + (x != y);

			if (last[j] + 1 < least)
				least = last[j] + 1;
			if (now[j - 1] + 1 < least)
				least = now[j - 1] + 1;
			if (i > 1 && j > 1 && x == ear_lower(b.p[j - 2]) &&
				y == ear_lower(a.p[i - 2]) &&
				before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			now[j] = least;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

bool ear_word_alike(struct ear_slice a, struct ear_slice b, unsigned *distance)
{
	size_t n = a.n > b.n ? a.n : b.n;

	if (!a.n || !b.n || n > WORD_MAX)
		return false;
	*distance = distance_of(a, b);
	return *distance <= (n < 4 ? 1 : n < 9 ? 2 : 3) && *distance < n;
}

/* Other tools' names for our fields. */
static const struct alias {
	const char *name;
	enum ear_field field;
} aliases[] = {
	{"callid", EAR_F_CALL_ID},
	{"sip.call_id", EAR_F_CALL_ID},
	{"code", EAR_F_STATUS},
	{"source", EAR_F_SRC},
	{"destination", EAR_F_DST},
	{"time", EAR_F_AT},
	{"date", EAR_F_AT},
	{"caller", EAR_F_FROM_USER},
	{"callee", EAR_F_TO_USER},
	{"ua", EAR_F_USER_AGENT},
	{"useragent", EAR_F_USER_AGENT},
	{"fromtag", EAR_F_FROM_TAG},
	{"totag", EAR_F_TO_TAG},
	{"fromip", EAR_F_SRC_IP},
	{"toip", EAR_F_DST_IP},
	{"protocol", EAR_F_PROTO},
	{"message", EAR_F_TEXT},
	{"raw", EAR_F_TEXT},
	{"length", EAR_F_SIZE},
	{"host", EAR_F_IP},
	{"type", EAR_F_KIND},
	{"branch", EAR_F_BRANCH},
};

struct ear_slice ear_field_nearest(struct ear_slice name)
{
	return ear_field_set_nearest(ear_message_fields(), name);
}

static struct ear_slice alias_of(struct ear_slice name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (ear_slice_ieq(name, ear_slice_str(aliases[i].name)))
			return fields[aliases[i].field].name;
	}
	return (struct ear_slice){0};
}

bool ear_field_set_find(
	const struct ear_field_set *set, struct ear_slice name, unsigned *f)
{
	for (unsigned i = 0; i < set->n; i++) {
		if (ear_slice_ieq(set->fields[i].name, name)) {
			*f = i;
			return true;
		}
	}
	return false;
}

struct ear_slice ear_field_set_nearest(
	const struct ear_field_set *set, struct ear_slice name)
{
	struct ear_slice best =
		set->alias ? set->alias(name) : (struct ear_slice){0};
	unsigned least = UINT32_MAX, d;

	for (unsigned i = 0; !best.n && i < set->n; i++) {
		const char *column = set->fields[i].column;

		if (column && ear_slice_ieq(name, ear_slice_str(column)))
			return set->fields[i].name;
	}
	if (best.n)
		return best;
	for (unsigned i = 0; i < set->n; i++) {
		if (ear_word_alike(name, set->fields[i].name, &d) &&
			d < least) {
			least = d;
			best = set->fields[i].name;
		}
	}
	return best;
}

static struct ear_slice value_at(unsigned f, unsigned i)
{
	return ear_field_value((enum ear_field)f, i);
}

const struct ear_field_set *ear_message_fields(void)
{
	static const struct ear_field_set set = {.what = "field",
		.things = "messages",
		.fields = fields,
		.meta = meta,
		.n = EAR_F_COUNT,
		.time_field = EAR_F_AT,
		.text_field = EAR_F_TEXT,
		.status_field = EAR_F_STATUS,
		.no_field = EAR_F_ID,
		.int_max = UINT32_MAX,
		.headers = true,
		.value = value_at,
		.alias = alias_of};

	return &set;
}

struct ear_slice ear_field_value(enum ear_field f, unsigned i)
{
	if (i > 15)
		return (struct ear_slice){0};
	i++; /* 0 is unknown, in every one of them */
	switch (f) {
	case EAR_F_PROTO: return ear_proto_name((enum ear_proto)i);
	case EAR_F_TRANSPORT: return ear_transport_name((enum ear_transport)i);
	case EAR_F_DIRECTION: return ear_direction_name((enum ear_direction)i);
	case EAR_F_KIND: return ear_kind_name((enum ear_kind)i);
	default: return (struct ear_slice){0};
	}
}

unsigned ear_field_value_of(enum ear_field f, struct ear_slice value)
{
	for (unsigned i = 0;; i++) {
		struct ear_slice name = ear_field_value(f, i);

		if (!name.n)
			return 0;
		if (ear_slice_ieq(name, value))
			return i + 1;
	}
}
