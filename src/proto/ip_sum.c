/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ip_sum.h"

uint64_t ear_ip_sum_add(uint64_t sum, struct ear_slice bytes)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	size_t i = 0;

	for (; i + 1 < bytes.n; i += 2)
		sum += (uint64_t)(p[i] << 8 | p[i + 1]);
	if (i < bytes.n)
		sum += (uint64_t)p[i] << 8;
	return sum;
}

uint16_t ear_ip_sum_end(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Four bits a step: 16 words of table, reflected polynomial 0x82f63b78. */
uint32_t ear_crc32c(struct ear_slice bytes)
{
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede,
		0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4,
		0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < bytes.n; i++) {
		crc ^= (uint8_t)bytes.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}
