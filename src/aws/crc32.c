#include "aws/crc32.h"

#include <pthread.h>

#define POLYNOMIAL UINT32_C(0xEDB88320) /* 0x04C11DB7 with its bits reversed */

static uint32_t table[256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;

        for (int bit = 0; bit < 8; bit++)
            rest = (rest & 1) != 0 ? rest >> 1 ^ POLYNOMIAL : rest >> 1;
        table[byte] = rest;
    }
}

uint32_t crc32_of(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint32_t rest = UINT32_MAX;

    (void)pthread_once(&made, make_table);
    for (size_t i = 0; i < len; i++)
        rest = table[(rest ^ at[i]) & 0xFF] ^ rest >> 8;
    return ~rest;
}
