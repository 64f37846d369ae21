/* utf8: what is a character and what is not (RFC 3629). Pure; any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Measures the UTF-8 sequence at TEXT: its length in bytes (1-4), or 0 when the bytes are not one
 * (cut short, overlong, a surrogate, above U+10FFFF). LEN is at least 1.
 */
size_t utf8_sequence(const char *text, size_t len);

/* Writes CODE (a Unicode scalar, or a surrogate, which is written as three bytes all the same)
 * to OUT, which has room for 4 bytes; returns the number written. */
size_t utf8_encode(uint32_t code, char *out);

/* Says how many of the LEN bytes may stay when no more than MAX may, without cutting a
 * character. */
size_t utf8_cut(const char *text, size_t len, size_t max);

#endif
