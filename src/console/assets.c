/* SPDX-License-Identifier: Apache-2.0 */
/* The page: files that are compiled in, gzipped. */
#include <zlib.h>

#include "console/priv.h"

static const struct ear_asset *find(
	const struct ear_console *c, struct ear_slice path)
{
	for (size_t i = 0; i < c->o.n_assets; i++)
		if (ear_slice_eq(path, ear_slice_str(c->o.assets[i].path)))
			return &c->o.assets[i];
	return NULL;
}

static const char *header(const struct ear_call *call, const char *name)
{
	return evhttp_find_header(
		evhttp_request_get_input_headers(call->http), name);
}

/* For the rare client that does not take gzip. */
static void add_plain(struct ear_call *call, const struct ear_asset *asset)
{
	char *to = ear_buf_reserve(&call->out, asset->plain_bytes);
	z_stream z = {.next_in = (unsigned char *)asset->gzip,
		.avail_in = (uInt)asset->gzip_bytes,
		.next_out = (unsigned char *)to,
		.avail_out = (uInt)asset->plain_bytes};

	if (!to)
		return;
	/* 16: with a gzip head */
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
		call->out.err = EAR_NOMEM;
		return;
	}
	if (inflate(&z, Z_FINISH) == Z_STREAM_END)
		call->out.n += z.total_out;
	else
		call->out.err = EAR_BAD;
	inflateEnd(&z);
}

void ear_asset_serve(struct ear_call *call)
{
	struct ear_slice path = ear_slice_str(call->path);
	const struct ear_asset *asset =
		find(call->console, path.n == 1 ? EAR_S("/index.html") : path);
	const char *takes = header(call, "Accept-Encoding");
	const char *has = header(call, "If-None-Match");

	if (!asset) {
		ear_call_fail(call, 404, "no such page");
		return;
	}
	call->type = asset->type;
	call->etag = asset->etag;
	if (has && strstr(has, asset->etag)) {
		call->status = 304;
		return;
	}
	if (takes && strstr(takes, "gzip")) {
		call->encoding = "gzip";
		ear_buf_add(&call->out, asset->gzip, asset->gzip_bytes);
	} else {
		add_plain(call, asset);
	}
}
