/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/write.h"

#include <stdio.h>

enum ear_err ear_sink_to_file(struct ear_slice bytes, void *arg)
{
	if (bytes.n && fwrite(bytes.p, 1, bytes.n, arg) != bytes.n)
		return EAR_SYS;
	return EAR_OK;
}
