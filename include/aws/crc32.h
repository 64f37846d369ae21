/*
 * crc32: the checksum of DynamoDB's replies (header x-amz-crc32): CRC-32 of IEEE 802.3, of the body
 * as it was sent. Pure; any thread.
 */
#ifndef AWS_CRC32_H
#define AWS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Computes the checksum of LEN bytes. */
uint32_t crc32_of(const void *bytes, size_t len);

#endif
