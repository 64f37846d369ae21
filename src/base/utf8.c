#include "base/utf8.h"

#include <stdbool.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t utf8_sequence(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    unsigned char second;

    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4 || len < 2 || !is_continuation(text[1]))
        return 0;
    if (first < 0xE0)
        return 2;
    second = (unsigned char)text[1];
    if (len < 3 || !is_continuation(text[2]))
        return 0;
    if (first < 0xF0) {
        bool overlong = first == 0xE0 && second < 0xA0;
        bool surrogate = first == 0xED && second >= 0xA0;

        return overlong || surrogate ? 0 : 3;
    }
    if (len < 4 || !is_continuation(text[3]))
        return 0;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90))
        return 0;
    return 4;
}

size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
    size_t at = max;

    if (len <= max)
        return len;
    while (at > 0 && max - at < 3 && is_continuation(text[at]))
        at--;
    /* bytes that are no character at all are cut anywhere, rather than lost as a whole */
    return is_continuation(text[at]) ? max : at;
}
