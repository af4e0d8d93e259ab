/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket as it stands in a stream: upgrade, frames, compressed messages.
 * The first byte says how much is shown at once. */
#include <stdlib.h>

#include "proto/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static volatile uint64_t sink;
	struct ear_slice in = ear_slice(data, size);
	struct ear_ws ws = {0};
	size_t step, shown = 0, used = 0, need;

	if (!size)
		return 0;
	step = 1 + (data[0] & 127);
	in = ear_slice_sub(in, 1, size);
	if (!ear_ws_upgrade(in, &used))
		in = ear_slice_sub(in, used, in.n);
	while (in.n) {
		struct ear_ws_message m;
		struct ear_slice view;
		enum ear_err err;

		shown = shown + step < in.n ? shown + step : in.n;
		view = ear_slice_sub(in, 0, shown);
		err = ear_ws_next(&ws, view, &used, &need, &m);
		if (used > view.n || (err == EAR_MORE && need <= view.n) ||
			m.bytes.n > EAR_WS_MESSAGE_MAX)
			abort();
		for (size_t i = 0; i < m.bytes.n; i++)
			sink = sink + (uint8_t)m.bytes.p[i];
		if (err && (err != EAR_MORE || shown == in.n))
			break;
		in = ear_slice_sub(in, used, in.n);
		shown -= used;
	}
	ear_ws_fini(&ws);
	return 0;
}
