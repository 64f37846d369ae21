/*
 * word: looks at text eight bytes at a time. Pure; any thread.
 *
 * Each function answers with a word in which the lowest 0x80 bit that is set stands in the first
 * byte that was looked for; bits above that one may be wrong. word_first() turns it into an index.
 */
#ifndef BASE_WORD_H
#define BASE_WORD_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WORD_SIZE = 8 };

/* A word of eight equal bytes. */
#define WORD_OF(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Loads eight bytes, the first one lowest. */
static inline uint64_t word_load(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* Looks for a byte. */
static inline uint64_t word_find(uint64_t word, uint64_t byte)
{
    uint64_t x = word ^ WORD_OF(byte);

    return (x - WORD_OF(1)) & ~x & WORD_OF(0x80);
}

/* Looks for what cannot stand in a JSON string as it is, or needs a closer look: control
 * characters,
 * `"`, `\`, and bytes of 0x80 and above. */
static inline uint64_t word_find_special(uint64_t word)
{
    uint64_t control = (word - WORD_OF(0x20)) & ~word;

    return ((control | word) & WORD_OF(0x80)) | word_find(word, '"') | word_find(word, '\\');
}

/* The index of the first byte found; FOUND is not 0. */
static inline size_t word_first(uint64_t found)
{
    return (size_t)__builtin_ctzll(found) / 8;
}

/* Returns the first byte from AT on that word_find_special() looks for, or END. */
static inline const char *word_skip_plain(const char *at, const char *end)
{
    for (; end - at >= WORD_SIZE; at += WORD_SIZE) {
        uint64_t found = word_find_special(word_load(at));

        if (found != 0)
            return at + word_first(found);
    }
    for (; at < end; at++) {
        unsigned char c = (unsigned char)*at;

        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
            break;
    }
    return at;
}

#endif
