/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sdp.h"

static const struct ear_slice directions[] = {
	[EAR_SDP_SENDRECV] = EAR_S_INIT("sendrecv"),
	[EAR_SDP_SENDONLY] = EAR_S_INIT("sendonly"),
	[EAR_SDP_RECVONLY] = EAR_S_INIT("recvonly"),
	[EAR_SDP_INACTIVE] = EAR_S_INIT("inactive"),
};

/* Payload types that need no rtpmap (RFC 3551 s6). */
static const struct {
	uint8_t type;
	struct ear_slice name;
	uint32_t clock_hz;
} known[] = {
	{0, EAR_S_INIT("PCMU"), 8000},
	{3, EAR_S_INIT("GSM"), 8000},
	{4, EAR_S_INIT("G723"), 8000},
	{5, EAR_S_INIT("DVI4"), 8000},
	{6, EAR_S_INIT("DVI4"), 16000},
	{7, EAR_S_INIT("LPC"), 8000},
	{8, EAR_S_INIT("PCMA"), 8000},
	{9, EAR_S_INIT("G722"), 8000},
	{10, EAR_S_INIT("L16"), 44100},
	{11, EAR_S_INIT("L16"), 44100},
	{12, EAR_S_INIT("QCELP"), 8000},
	{13, EAR_S_INIT("CN"), 8000},
	{14, EAR_S_INIT("MPA"), 90000},
	{15, EAR_S_INIT("G728"), 8000},
	{16, EAR_S_INIT("DVI4"), 11025},
	{17, EAR_S_INIT("DVI4"), 22050},
	{18, EAR_S_INIT("G729"), 8000},
	{25, EAR_S_INIT("CelB"), 90000},
	{26, EAR_S_INIT("JPEG"), 90000},
	{28, EAR_S_INIT("nv"), 90000},
	{31, EAR_S_INIT("H261"), 90000},
	{32, EAR_S_INIT("MPV"), 90000},
	{33, EAR_S_INIT("MP2T"), 90000},
	{34, EAR_S_INIT("H263"), 90000},
};

struct ear_slice ear_sdp_direction_name(enum ear_sdp_direction d)
{
	return directions[d];
}

/* The next "x=value" line; lines of any other form are passed over. */
static bool next_line(
	struct ear_slice *rest, char *type, struct ear_slice *value)
{
	while (rest->n) {
		const char *lf = memchr(rest->p, '\n', rest->n);
		size_t n = lf ? (size_t)(lf - rest->p) : rest->n;
		struct ear_slice line = ear_slice_sub(*rest, 0, n);

		*rest = ear_slice_sub(*rest, n + 1, rest->n);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n < 2 || line.p[1] != '=')
			continue;
		*type = line.p[0];
		*value = ear_slice_sub(line, 2, line.n);
		return true;
	}
	return false;
}

/* What stands before the first of end; *rest keeps what follows it. */
static struct ear_slice take(struct ear_slice *rest, char end)
{
	const char *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
	size_t n = at ? (size_t)(at - rest->p) : rest->n;
	struct ear_slice head = ear_slice_sub(*rest, 0, n);

	*rest = ear_slice_sub(*rest, n + 1, rest->n);
	return head;
}

/* c=IN IP4 224.2.36.42/127: the address without TTL and count */
static struct ear_slice connection(struct ear_slice value)
{
	struct ear_slice addr;

	take(&value, ' ');
	take(&value, ' ');
	addr = take(&value, ' ');
	return take(&addr, '/');
}

static void read_direction(struct ear_slice attribute, uint8_t *direction)
{
	for (unsigned d = 0; d <= EAR_SDP_INACTIVE; d++) {
		if (ear_slice_eq(attribute, directions[d]))
			*direction = (uint8_t)d;
	}
}

enum ear_err ear_sdp_parse(struct ear_slice body, struct ear_sdp *sdp)
{
	struct ear_slice rest = body, value;
	char type;

	memset(sdp, 0, sizeof(*sdp));
	if (!next_line(&rest, &type, &value) || type != 'v' ||
		!ear_slice_eq(ear_slice_trim(value), EAR_S("0")))
		return EAR_BAD;
	for (sdp->media = rest; next_line(&rest, &type, &value);
		sdp->media = rest) {
		switch (type) {
		case 'm': return EAR_OK;
		case 'o': sdp->origin = value; break;
		case 's': sdp->session = value; break;
		case 'c': sdp->addr = connection(value); break;
		case 'a': read_direction(value, &sdp->direction); break;
		default: break;
		}
	}
	return EAR_OK;
}

static void read_media_line(struct ear_slice value, struct ear_sdp_media *media)
{
	struct ear_slice port;
	uint64_t v = 0;

	media->kind = take(&value, ' ');
	port = take(&value, ' ');
	media->proto = take(&value, ' ');
	media->formats = ear_slice_trim(value);
	media->ports = 1;
	if (ear_slice_u64(take(&port, '/'), UINT16_MAX, &v))
		media->port = (uint16_t)v;
	if (ear_slice_u64(port, UINT16_MAX, &v))
		media->ports = (uint16_t)v;
	if (media->port && media->port < UINT16_MAX)
		media->rtcp = (uint16_t)(media->port + 1);
}

static void read_attribute(struct ear_slice value, struct ear_sdp_media *media)
{
	uint64_t v;

	read_direction(value, &media->direction);
	if (media->port && ear_slice_starts(value, EAR_S("rtcp:"))) {
		value = ear_slice_sub(value, 5, value.n);
		if (ear_slice_u64(take(&value, ' '), UINT16_MAX, &v))
			media->rtcp = (uint16_t)v;
	}
}

bool ear_sdp_media_next(struct ear_sdp *sdp, struct ear_sdp_media *media)
{
	struct ear_slice rest = sdp->media, before, value;
	char type;

	memset(media, 0, sizeof(*media));
	do {
		if (!next_line(&rest, &type, &value)) {
			sdp->media.n = 0;
			return false;
		}
	} while (type != 'm');
	read_media_line(value, media);
	media->addr = sdp->addr;
	media->direction = sdp->direction;
	media->lines = rest;
	for (before = rest; next_line(&rest, &type, &value); before = rest) {
		if (type == 'm')
			break;
		if (type == 'c')
			media->addr = connection(value);
		else if (type == 'a')
			read_attribute(value, media);
	}
	sdp->media = before;
	media->lines.n -= before.n;
	return true;
}

/* "rtpmap:8 PCMA/8000": what follows "NAME:TYPE " for this payload type */
static struct ear_slice of_format(
	struct ear_slice lines, struct ear_slice name, struct ear_slice format)
{
	struct ear_slice value, word;
	char type;

	while (next_line(&lines, &type, &value)) {
		if (type != 'a' || !ear_slice_starts(value, name))
			continue;
		value = ear_slice_sub(value, name.n, value.n);
		word = take(&value, ' ');
		if (ear_slice_eq(word, format))
			return value;
	}
	return (struct ear_slice){0};
}

static void by_number(struct ear_sdp_codec *codec)
{
	uint64_t type;

	if (!ear_slice_u64(codec->type, 127, &type))
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].type == type) {
			codec->name = known[i].name;
			codec->clock_hz = known[i].clock_hz;
		}
	}
}

bool ear_sdp_codec_next(const struct ear_sdp_media *media,
	struct ear_slice *formats, struct ear_sdp_codec *codec)
{
	struct ear_slice map;
	uint64_t clock = 0;

	memset(codec, 0, sizeof(*codec));
	*formats = ear_slice_trim(*formats);
	if (formats->n == 0)
		return false;
	codec->type = take(formats, ' ');
	map = of_format(media->lines, EAR_S("rtpmap:"), codec->type);
	if (map.n) {
		codec->name = take(&map, '/');
		if (ear_slice_u64(take(&map, '/'), UINT32_MAX, &clock))
			codec->clock_hz = (uint32_t)clock;
	} else if (ear_slice_starts(media->proto, EAR_S("RTP/"))) {
		by_number(codec);
	}
	codec->fmtp = of_format(media->lines, EAR_S("fmtp:"), codec->type);
	return true;
}

struct ear_slice ear_sdp_attribute(
	struct ear_slice lines, struct ear_slice name)
{
	struct ear_slice value;
	char type;

	while (next_line(&lines, &type, &value)) {
		if (type == 'a' && ear_slice_eq(take(&value, ':'), name))
			return value;
	}
	return (struct ear_slice){0};
}
