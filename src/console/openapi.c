/* SPDX-License-Identifier: Apache-2.0 */
/* GET openapi.json: the document of the API, for programs. */
#include "console/openapi.h"

#include "console/priv.h"

void ear_openapi_route(struct ear_call *call)
{
	ear_buf_add(&call->out, ear_openapi, ear_openapi_n);
}
