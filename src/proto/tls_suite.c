/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tls_suite.h"

static const struct ear_tls_suite suites[] = {
#define X(code, name, cipher, key, mac, prf)                                  \
	{code, EAR_TLS_##cipher, key, EAR_TLS_HASH_##mac, EAR_TLS_HASH_##prf, \
		EAR_S_INIT(#name)},
#include "proto/tls_suite.def"
#undef X
};

/* The table is in the order of the codes: a unit test sees to that. */
const struct ear_tls_suite *ear_tls_suite(uint16_t code)
{
	size_t low = 0, high = sizeof(suites) / sizeof(suites[0]);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (suites[mid].code == code)
			return &suites[mid];
		if (suites[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct ear_slice ear_tls_suite_name(uint16_t code)
{
	const struct ear_tls_suite *s = ear_tls_suite(code);

	return s ? s->name : EAR_S("");
}
